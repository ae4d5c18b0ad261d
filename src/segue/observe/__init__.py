"""Seeing what the server does: structured logs and metrics."""

from segue.observe import _metrics as metrics
from segue.observe._log import configure_logging, get_logger

__all__ = ["configure_logging", "get_logger", "metrics"]
