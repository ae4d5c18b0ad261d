"""How Last.fm's answers look, in XML (the default) and JSON, and its errors.

An answer is built as its JSON: in XML a dict's ``@attr`` and, beside a ``#text``, its other scalars are attributes; the rest are child
elements, a list is repeated ones.
"""

import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

# What XML 1.0 cannot carry (section 2.2), however it is escaped.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")

INVALID_METHOD, AUTHENTICATION_FAILED, INVALID_PARAMETERS, INVALID_SESSION, INVALID_API_KEY = 3, 4, 6, 9, 10
INVALID_SIGNATURE, NOT_AUTHORIZED, UNAVAILABLE, RATE_LIMIT = 13, 14, 16, 29
_STATUS = {
    INVALID_METHOD: 400,
    AUTHENTICATION_FAILED: 403,
    INVALID_PARAMETERS: 400,
    INVALID_SESSION: 403,
    INVALID_API_KEY: 403,
    INVALID_SIGNATURE: 403,
    NOT_AUTHORIZED: 403,
    UNAVAILABLE: 503,
    RATE_LIMIT: 429,
}


class LastfmError(Exception):
    """One of Last.fm's error codes, with a sentence for the person."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = _STATUS[code]


def ok(body: dict[str, Any], format: str) -> tuple[bytes, str]:
    """Bytes and content type of an answer."""
    if format == "json":
        return _json(body), "application/json"
    return _xml("ok", "".join(_element(name, value) for name, value in body.items()))


def failed(code: int, message: str, format: str) -> tuple[bytes, str]:
    if format == "json":
        return _json({"error": code, "message": message}), "application/json"
    return _xml("failed", _element("error", {"code": code, "#text": message}))


def _json(body: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # a tag with undecodable bytes
        return msgspec.json.encode(_clean(body))


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _clean(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return _SURROGATES.sub("\ufffd", value) if isinstance(value, str) else value


def _xml(status: str, inner: str) -> tuple[bytes, str]:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<lfm status="{status}">{inner}</lfm>\n'
    return text.encode(), "application/xml; charset=utf-8"


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    if not isinstance(value, dict):
        return f"<{name}>{escape(_text(value))}</{name}>"
    rest = {key: inner for key, inner in value.items() if key not in {"@attr", "#text"}}
    attributes = value.get("@attr", {})
    children = rest
    if "#text" in value:
        attributes, children = {**attributes, **rest}, {}
    written = "".join(f" {key}={quoteattr(_text(inner))}" for key, inner in attributes.items())
    inside = escape(_text(value.get("#text", ""))) + "".join(_element(key, inner) for key, inner in children.items())
    return f"<{name}{written}>{inside}</{name}>"


def _text(value: Any) -> str:
    return _UNWRITABLE.sub("\ufffd", str(value))
