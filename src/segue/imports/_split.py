"""Cuts a stream of bytes into the JSON objects of a list, or into lines, without ever holding more than one of them.

The JSON may be one array, arrays of arrays, objects one after another (JSON Lines), or a list that lies inside other objects. Only
brackets and strings are looked at: whether an object is sound is for its decoder to say.
"""

import re
from collections.abc import Iterable, Iterator

MAX_ELEMENT = 1 << 20
"""Bytes of one object or line."""
TOO_LONG = "This entry is longer than 1 MiB."
STRAY = "There is something here that is not an entry."
CUT_SHORT = "The file ends in the middle. Download the export again."
TOO_DEEP = "From here on brackets are nested deeper than in any export. The rest of the file is left out."
_MAX_LEVELS = 16
_MAX_DEPTH = 1_000
_LOOK_BACK = 64
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|%s)*+(["\[\]{}])?' % _STRING, re.DOTALL)
_TO_QUOTE = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)
_BLANK = b" \t\r\n,"


def _nested(depth: int) -> bytes:
    inner = rb"|[\[{]%s[\]}]" % _nested(depth - 1) if depth else b""
    return rb'(?:[^"\[\]{}]++|%s%s)*+' % (_STRING, inner)


_WHOLE = re.compile(rb"[ \t\r\n,]*+(\{%s\})" % _nested(4), re.DOTALL)
"""An object in one step. One that is nested deeper, or goes on in the next chunk, is found bracket by bracket, with the same result."""
_OVER = re.compile(rb'%s(["\[\]{}])?' % _nested(4), re.DOTALL)
"""As ``_TO_BRACKET``, but past objects and lists that are whole."""


def key_pattern(enter: str, take: str = "") -> re.Pattern[bytes]:
    """For ``objects``: regular expressions of ``key:bracket`` behind which a list lies (``enter``) or a lone entry (``take``)."""

    def words(text: str) -> bytes:
        return b"|".join(rb'"%s"\s*+:\s*+\%s' % tuple(word.encode().split(b":")) for word in text.split())

    return re.compile(rb"(?<!\\)(?:(?P<enter>%s)|(?P<take>%s))\Z" % (words(enter), words(take) if take else b"(?!)"))


def objects(chunks: Iterable[bytes], keys: re.Pattern[bytes] | None = None) -> Iterator[bytes | str]:
    """Each object's bytes, or, in its place, why there is none. The same however the bytes are cut into chunks."""
    levels: list[bytes] = []  # the brackets of what was entered
    depth = size = 0  # brackets open within the value at hand, and its bytes in earlier chunks; no value at hand: 0
    keep = quoted = stray = False
    plain = False  # whether an entry stood at this level: its neighbours are entries too, and no list is sought in them
    held: list[bytes] = []
    carry = tail = b""
    for piece in chunks:
        chunk = carry + piece
        carry = b""
        pos = start = 0
        while pos < len(chunk):
            if plain and not depth and not quoted and not stray and (whole := _WHOLE.match(chunk, pos)):
                yield whole[1] if len(whole[1]) <= MAX_ELEMENT else TOO_LONG
                pos = whole.end()
                continue
            if quoted:
                match = _TO_QUOTE.match(chunk, pos)
                assert match  # it matches the empty string
                pos = match.end()
                quoted = not match[1]
                if quoted:  # all that may be left is a backslash
                    chunk, carry = chunk[:pos], chunk[pos:]
                continue
            past = 0 < depth < _MAX_DEPTH - 8 and (plain or not keys)
            match = (_OVER if past else _TO_BRACKET).match(chunk, pos)
            assert match
            token = match[1] or b""
            listed = not depth and levels[-1:] != [b"{"]
            if listed and (token == b'"' or chunk[pos : match.end() - len(token)].strip(_BLANK)):
                stray = True
            pos = match.end()
            if token == b'"':
                quoted = True
            elif token in (b"[", b"{"):
                at = pos - 1
                if stray:
                    yield STRAY
                    stray = False
                found = None
                if keys and not plain and len(levels) < _MAX_LEVELS and ((depth == 1 and keep) or not (depth or listed)):
                    found = keys.search(chunk[pos - _LOOK_BACK : pos] if pos >= _LOOK_BACK else (tail + chunk[:pos])[-_LOOK_BACK:])
                if depth and found:
                    levels.append(b"{")
                    depth = 0
                if depth:
                    depth += 1
                    if depth > _MAX_DEPTH:
                        yield TOO_DEEP
                        return
                elif len(levels) < _MAX_LEVELS and (found["enter"] if found else listed and token == b"["):
                    levels.append(token)
                    plain = False
                else:
                    depth, keep, held, size, start = 1, listed or bool(found), [], 0, at
            elif token and depth:
                depth -= 1
                if not depth and keep:
                    yield TOO_LONG if size + pos - start > MAX_ELEMENT else b"".join((*held, chunk[start:pos]))
                    held = []
                    plain = levels[-1:] != [b"{"]
            elif token and levels[-1:] == [b"[" if token == b"]" else b"{"]:
                levels.pop()
                plain = False
            elif token:
                stray = True
        if depth and keep:
            size += len(chunk) - start
            if size <= MAX_ELEMENT:
                held.append(chunk[start:])
            else:
                held = []
        tail = (tail + chunk)[-_LOOK_BACK:] if len(chunk) < _LOOK_BACK else chunk[-_LOOK_BACK:]
    if depth or levels or quoted:
        yield CUT_SHORT
    elif stray:
        yield STRAY


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Each line with its line feed. One that is too long is cut off at ``MAX_ELEMENT``."""
    rest: list[bytes] = []
    size = 0
    for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        for line in whole:
            yield b"".join((*rest, line))[:MAX_ELEMENT] + b"\n"
            rest, size = [], 0
        if last and size <= MAX_ELEMENT:
            rest.append(last)
            size += len(last)
    if rest:
        yield b"".join(rest)[:MAX_ELEMENT]
