"""Tracks into sound, and pictures into something safe to show: what is dangerous is done by other programs, what is costly is kept."""

from segue.play._artwork import Artwork
from segue.play._ffmpeg import CONTENT_TYPES, Format
from segue.play._ffmpeg import version as ffmpeg_version
from segue.play._transcode import Transcode, Transcoder, read_growing

__all__ = ["CONTENT_TYPES", "Artwork", "Format", "Transcode", "Transcoder", "ffmpeg_version", "read_growing"]
