"""Segue: an open, self-hosted, intelligent audio streaming platform."""

__version__ = "0.1.0"
