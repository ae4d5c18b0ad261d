"""How OpenSubsonic answers look: one envelope, in XML (the default), JSON or JSONP.

A payload is built of dicts, lists and scalars with the specification's names. In JSON it is written as it is. In XML a scalar is an
attribute, a dict a child element, a list repeated child elements (text elements for a list of scalars), and the key ``value`` of a
dict that has no list is the element's text, as the Subsonic schema 1.16.1 has it for genres, lyrics and lines.
"""

import re
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

from segue import __version__

API_VERSION = "1.16.1"
_ENVELOPE = {"version": API_VERSION, "type": "segue", "serverVersion": __version__, "openSubsonic": True}
# What XML 1.0 cannot carry (section 2.2), however it is escaped.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_CALLBACK = re.compile(r"[A-Za-z_$][\w$]{0,63}(\.[A-Za-z_$][\w$]{0,63}){0,4}\Z", re.ASCII)


def instant(ms: int | None) -> str | None:
    """An instant as ISO 8601 in UTC with milliseconds; None stays None and is left out."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def known(**fields: Any) -> dict[str, Any]:
    """The fields that are known: None is left out."""
    return {name: value for name, value in fields.items() if value is not None}


def ok(payload: dict[str, Any] | None) -> dict[str, Any]:
    return {"status": "ok", **_ENVELOPE, **(payload or {})}


def failed(code: int, message: str) -> dict[str, Any]:
    return {"status": "failed", **_ENVELOPE, "error": {"code": code, "message": message}}


def is_callback(text: str) -> bool:
    """Whether ``text`` is a JavaScript name that may safely stand before a parenthesis."""
    return bool(_CALLBACK.match(text))


def encode(body: dict[str, Any], format: str, callback: str | None) -> tuple[bytes, str]:
    """Bytes and content type of an envelope. ``format``: ``xml``, ``json`` or ``jsonp`` (with a checked ``callback``)."""
    if format == "json" or (format == "jsonp" and not callback):
        return _json(body), "application/json"
    if format == "jsonp":
        # The comment keeps the answer from being read as anything but a script.
        return b"/**/" + str(callback).encode() + b"(" + _json(body) + b");", "application/javascript; charset=utf-8"
    out = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _element(out, "subsonic-response", {"xmlns": "http://subsonic.org/restapi", **body})
    return "".join(out).encode("utf-8"), "application/xml; charset=utf-8"


def _json(body: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode({"subsonic-response": body})
    except UnicodeEncodeError:  # a path or tag with undecodable bytes
        return msgspec.json.encode({"subsonic-response": _clean(body)})


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {name: _clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def _element(out: list[str], name: str, value: dict[str, Any]) -> None:
    out.append(f"<{name}")
    children: list[tuple[str, Any]] = []
    text = ""
    for key, inner in value.items():
        if isinstance(inner, dict | list | tuple):
            children.append((key, inner))
        elif inner is None:
            continue
        elif key == "value" and name != "subsonic-response":
            text = _text(inner)
        else:
            out.append(f" {key}={quoteattr(_text(inner))}")
    if not children and not text:
        out.append("/>")
        return
    out.append(">")
    out.append(escape(text))
    for key, inner in children:
        for one in [inner] if isinstance(inner, dict) else inner:
            if isinstance(one, dict):
                _element(out, key, one)
            else:
                out.append(f"<{key}>{escape(_text(one))}</{key}>")
    out.append(f"</{name}>")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _UNWRITABLE.sub("\ufffd", str(value))
