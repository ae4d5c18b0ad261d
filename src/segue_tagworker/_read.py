"""One file into one record: what it is, what it says of itself, where its sound lies. Each file is opened once."""

import os
import re
import stat
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, BinaryIO

from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.dsf import DSF
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.monkeysaudio import MonkeysAudio
from mutagen.mp3 import MP3, BitrateMode
from mutagen.mp4 import MP4
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE
from mutagen.wavpack import WavPack

from segue_tagworker import _chunks, _gapless, _interpret, _lengths, _lyrics, _payload
from segue_tagworker._tags import Tags, from_ape, from_asf, from_id3, from_mp4, from_vorbis

_MP4_CODECS = {"alac": "alac", "flac": "flac", "opus": "opus", "ac-3": "ac3", "ec-3": "eac3", "mp4a.6b": "mp3", "mp4a.69": "mp3"}
_WAV_CODECS = {2: "adpcm", 6: "alaw", 7: "mulaw", 17: "adpcm", 85: "mp3"}
"""By the number in ``fmt`` (RFC 2361)."""
_LYRICS = re.compile("(?:(?:un)?synced)?lyrics(?:-[a-z]{3})?")
_LARGEST_PICTURE = 24 << 20
_PICTURES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"))


class Unreadable(Exception):
    """The file gives no record; ``kind`` is the finding's."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _vorbis(audio: Any) -> Tags:
    return from_vorbis(audio.tags, list(getattr(audio, "pictures", ())))


def _id3(audio: Any) -> Tags:
    return from_id3(audio.tags) if audio.tags else Tags()


# suffix: class, payload's container, codec, content type, reader of its tags
_FORMATS: dict[str, tuple[Any, str, str, str, Callable[[Any], Tags]]] = {
    "mp3": (MP3, "mp3", "mp3", "audio/mpeg", _id3),
    "flac": (FLAC, "flac", "flac", "audio/flac", _vorbis),
    "ogg": (OggVorbis, "ogg", "vorbis", "audio/ogg", _vorbis),
    "opus": (OggOpus, "ogg", "opus", "audio/ogg", _vorbis),
    "oggflac": (OggFLAC, "ogg", "flac", "audio/ogg", _vorbis),
    "m4a": (MP4, "mp4", "aac", "audio/mp4", lambda audio: from_mp4(audio.tags)),
    "wav": (WAVE, "riff", "pcm", "audio/wav", _id3),
    "aiff": (AIFF, "aiff", "pcm", "audio/aiff", _id3),
    "wv": (WavPack, "other", "wavpack", "audio/x-wavpack", lambda audio: from_ape(audio.tags)),
    "ape": (MonkeysAudio, "other", "ape", "audio/x-ape", lambda audio: from_ape(audio.tags)),
    "wma": (ASF, "asf", "wma", "audio/x-ms-wma", lambda audio: from_asf(audio.tags)),
    "dsf": (DSF, "dsf", "dsd", "audio/x-dsf", _id3),
}
_SAME = {"oga": "ogg", "m4b": "m4a", "mp4": "m4a", "aif": "aiff", "aifc": "aiff", "wave": "wav", "asf": "wma"}


def _sniff(head: bytes) -> str | None:
    """What a file is by its first bytes, whatever its name says."""
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        body = head[28:]
        return "opus" if body[:8] == b"OpusHead" else "oggflac" if body[:5] == b"\x7fFLAC" else "ogg" if body[1:7] == b"vorbis" else None
    if head[4:8] == b"ftyp":
        return "m4a"
    if head[:4] in {b"RIFF", b"RF64", b"BW64"} and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return "aiff"
    if head[:4] == b"wvpk":
        return "wv"
    if head[:4] == b"MAC ":
        return "ape"
    if head[:16] == bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"):
        return "wma"
    if head[:4] == b"DSD ":
        return "dsf"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06:
        return "mp3"
    return None


def _open(path: bytes) -> tuple[BinaryIO, os.stat_result]:
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise Unreadable("not_audio", "It is no regular file.")
    return os.fdopen(handle, "rb", buffering=64 << 10), found


def read_audio(path: bytes, lrc: bytes | None) -> dict[str, Any]:
    """The record of an audio file; ``lrc`` is a sidecar's path. Raises Unreadable, OSError, and whatever a tag reader raises."""
    file, found = _open(path)
    with file:
        if found.st_size == 0:
            raise Unreadable("empty", "It is empty: the copy was cut short, or it is a placeholder. Copy it again.")
        named = path.rpartition(b".")[2].decode("ascii", "replace").lower()
        named = _SAME.get(named, named)
        findings: list[list[str]] = []
        file.seek(_payload.id3_size(file))
        after_tag = file.read(64)
        file.seek(0)
        head = file.read(64)
        kind = _sniff(head) or (_sniff(after_tag) if head[:3] == b"ID3" else None) or named
        if kind not in _FORMATS:
            kind = named
        if kind != named and {kind, named} - {"ogg", "opus", "oggflac"}:
            findings.append(["mislabelled", f"It is {kind} by content. Rename it so that its extension is .{kind}."])
        if kind != "mp3" and _sniff(head) is None and _sniff(after_tag) is None:
            raise Unreadable("not_audio", f"It is called .{named} and is no sound of that kind. Remove it, or mend its name.")
        try:
            audio, container, codec, content_type, tags = _parsed(file, kind)
        except Unreadable as error:
            if _sniff(head) is None and _sniff(after_tag) is None:
                raise Unreadable("not_audio", f"It is called .{named} and is no sound. Remove it, or mend its name.") from error
            raise
        quick = _payload.quick_hash(file, container, found.st_size, getattr(audio.info, "md5_signature", None))
        _measure(file, kind, audio.info, found.st_size)
        record = _stream(audio, kind, codec, found.st_size)
        if kind == "mp3":
            record["delay_samples"], record["padding_samples"], samples = _gapless.lame(file, _payload.id3_size(file))
            if samples and record["sample_rate_hz"]:  # mutagen leaves out the delay of LAME's own files alone
                record["duration_ms"] = round(samples * 1000 / record["sample_rate_hz"])
        if kind == "opus":
            record["delay_samples"] = _gapless.opus_pre_skip(file)
    if smpb := tags.fields.pop("itunsmpb", None):
        record["delay_samples"], record["padding_samples"] = _gapless.itunsmpb(smpb[0])
    if record["duration_ms"] <= 0:
        findings.append(["truncated", "It holds no sound that can be measured: it may be cut short. Copy or encode it again."])
    record |= _interpret.interpret(tags, findings)
    record["lyrics"] = _words(tags, lrc, findings)
    record["picture"] = _picture(tags, findings)
    # mutagen calls M4A files of Apple's lossless codec MP4 too: its own name for the codec decides.
    record |= {"size": found.st_size, "mtime_ns": found.st_mtime_ns, "quick_hash": quick, "suffix": named, "content_type": content_type}
    record["findings"] = findings
    return record


def _measure(file: BinaryIO, kind: str, info: Any, size: int) -> None:
    """Corrects a duration that no header gives: mutagen guesses it from the first frame, or says 0."""
    if kind == "mp3" and info.bitrate_mode == BitrateMode.UNKNOWN:
        start = _payload.id3_size(file)
        if measured := _lengths.mpeg(file, start, _payload.before_trailers(file, start, size)):
            info.length, info.bitrate = measured
    elif kind == "m4a" and not info.length:
        info.length = _lengths.fragments(file)
    elif kind == "wav" and info.audio_format in _WAV_CODECS:
        info.length = _lengths.wav(file).length


class _Rf64:
    """A WAV file with 64-bit lengths, which mutagen does not read; ID3 in it is not read either."""

    tags = None

    def __init__(self, fileobj: BinaryIO) -> None:
        self.info = _lengths.wav(fileobj)


def _parsed(file: BinaryIO, kind: str) -> tuple[Any, str, str, str, Tags]:
    reader, container, codec, content_type, read_tags = _FORMATS[kind]
    file.seek(0)
    if kind == "wav" and file.read(4) in {b"RF64", b"BW64"}:
        reader = _Rf64
    file.seek(0)
    try:
        audio = reader(fileobj=file)
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable(
            "unreadable",
            f"It cannot be read as {kind} ({_clean(str(error)) or type(error).__name__}). It may be damaged: copy or encode it again.",
        ) from error
    return audio, container, codec, content_type, _beside(file, kind, audio, read_tags(audio))


def _beside(file: BinaryIO, kind: str, audio: Any, tags: Tags) -> Tags:
    """With what further tags the file holds: APEv2 in MP3, chunks of text in WAV and AIFF, ID3 in FLAC without comments. ID3v1, cut at
    30 letters, comes last."""
    if kind == "wav":
        return tags.fill(_chunks.riff_info(file))
    if kind == "aiff":
        return tags.fill(_chunks.aiff_texts(file))
    try:
        if kind == "flac" and not audio.tags and _payload.id3_size(file):
            file.seek(0)
            return from_id3(ID3(fileobj=file)).fill(tags)  # type: ignore[no-untyped-call]
        if kind == "mp3" and _payload.has_ape(file):
            more = from_ape(APEv2(fileobj=file))  # type: ignore[no-untyped-call]
            return more.fill(tags) if audio.tags and audio.tags.version[0] == 1 else tags.fill(more)
    except MemoryError:
        raise
    except Exception:  # a broken second tag does not cost the first
        return tags
    return tags


def _clean(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:120]


def _stream(audio: Any, kind: str, codec: str, size: int) -> dict[str, Any]:
    info = audio.info
    length = max(0.0, min(float(getattr(info, "length", 0) or 0), 1e6))
    if kind == "m4a":
        codec = _MP4_CODECS.get(str(getattr(info, "codec", "")).lower(), "aac")
    elif kind == "mp3" and info.layer != 3:
        codec = f"mp{info.layer}"
    elif kind == "wav":
        codec = _WAV_CODECS.get(info.audio_format, codec)
    bitrate = int(getattr(info, "bitrate", 0) or 0)
    if kind in {"opus", "wv", "ape", "ogg"} or not bitrate:
        bitrate = int(size * 8 / length) if length else 0
    depth = int(getattr(info, "bits_per_sample", 0) or getattr(info, "sample_size", 0) or 0)
    return {
        "duration_ms": round(length * 1000),
        "codec": codec,
        "bitrate_kbps": min(max(round(bitrate / 1000), 0), 1_000_000),
        "sample_rate_hz": 48_000 if kind == "opus" else int(getattr(info, "sample_rate", 0) or 0),
        "channels": int(getattr(info, "channels", 0) or 0),
        "bit_depth": depth if codec in {"flac", "alac", "pcm", "wavpack", "ape", "dsd"} and depth else None,
        "delay_samples": 0,
        "padding_samples": 0,
    }


def _words(tags: Tags, lrc: bytes | None, findings: list[list[str]]) -> list[dict[str, Any]]:
    out = []
    if lrc is not None:
        try:
            file, _ = _open(lrc)
            with file:
                text = file.read(_lyrics.LONGEST + 1).decode("utf-8-sig", "replace")
            out.append(_lyrics.parse(text, "xxx", "sidecar"))
        except (OSError, Unreadable):
            findings.append(["unreadable", "Its lyrics file (.lrc) cannot be read. Check its permissions."])
    for language, lines in tags.timed:
        timed = [[at, _interpret.clean(text, 1000)[0]] for at, text in sorted(lines, key=lambda one: one[0])]
        if timed:
            out.append({"language": _language(language), "synced": True, "offset_ms": 0, "lines": timed, "origin": "embedded"})
    words = tags.words + [(name.rpartition("-")[2], text) for name in tags.fields if _LYRICS.fullmatch(name) for text in tags.fields[name]]
    for language, text in words[:8]:
        if len(text) > _lyrics.LONGEST:
            findings.append(["bad_tag", "Its lyrics are longer than 256 KiB and were cut."])
        out.append(_lyrics.parse(text.encode("utf-8", "replace").decode(), _language(language), "embedded"))
    return [words for words in out if words]


def _language(text: str) -> str:
    return text.lower() if re.fullmatch("[A-Za-z]{3}", text or "") else "xxx"


def _picture(tags: Tags, findings: list[list[str]]) -> dict[str, Any] | None:
    """The front cover, else the first picture that is no icon: its content's hash, type and size. Nothing is decoded here."""
    for _, data in sorted(tags.pictures, key=lambda picture: (picture[0] != 3, picture[0] in {1, 2})):
        described = _described(data)
        if described:
            return described
        findings.append(
            ["bad_picture", "Its embedded picture is no JPEG, PNG, WebP or GIF, or is over 24 MiB. Replace it with a tag editor."]
        )
    return None


def _described(data: bytes) -> dict[str, Any] | None:
    kind = next((mime for magic, mime in _PICTURES if data.startswith(magic)), None)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None or len(data) > _LARGEST_PICTURE:
        return None
    return {"hash": blake2b(data, digest_size=16).digest(), "content_type": kind, "size": len(data)}


def read_image(path: bytes) -> dict[str, Any]:
    """A picture beside audio files, as :func:`_described` has it. Raises Unreadable."""
    file, found = _open(path)
    with file:
        if found.st_size > _LARGEST_PICTURE:
            raise Unreadable("bad_picture", "It is over 24 MiB. Make it smaller.")
        described = _described(file.read())
    if described is None:
        raise Unreadable("bad_picture", "It is no JPEG, PNG, WebP or GIF. Convert it, or remove it.")
    return described


def read_picture(path: bytes, wanted: bytes) -> bytes:
    """The bytes of the embedded picture whose hash is ``wanted``. Raises Unreadable when the file has no such picture (any more)."""
    file, _ = _open(path)
    with file:
        file.seek(_payload.id3_size(file))
        after_tag = file.read(64)
        file.seek(0)
        named = path.rpartition(b".")[2].decode("ascii", "replace").lower()
        kind = _sniff(file.read(64)) or _sniff(after_tag) or _SAME.get(named, named)
        tags = _parsed(file, kind)[4] if kind in _FORMATS else Tags()
    for _, data in tags.pictures:
        if blake2b(data, digest_size=16).digest() == wanted:
            return data
    raise Unreadable("bad_picture", "The picture is not in this file any more.")
