"""Structured logs: one event a line, JSON for machines, columns on a terminal; every line of a request carries its id."""

import logging
import sys
from typing import Any

import structlog


def configure_logging(level: str = "info", format: str = "auto") -> None:
    """Set up logging for the process. ``level``: debug, info, warning, error. ``format``: json, text, or auto (text on a terminal).

    Logs go to standard error, so that standard output stays a command's answer.
    """
    numeric = getattr(logging, level.upper())
    text = format == "text" or (format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        if text
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries that use the standard module: warnings and worse, in the same stream.
    logging.basicConfig(level=max(numeric, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True)


def get_logger(part: str) -> Any:
    """A logger whose lines carry ``part``."""
    return structlog.get_logger(part=part)
