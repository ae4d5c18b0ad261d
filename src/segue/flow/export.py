"""A listener's whole history, to take along: JSON Lines or Parquet, written as it is read."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from segue.flow.history import HeardListen, History
from segue.flow.listen import Listening
from segue.model import Listener

What = Literal["listens", "events"]
Format = Literal["jsonl", "parquet"]
_PAGE = 1_000
_ROWS = 20_000
"""Listens in one row group of Parquet: some megabytes while it is written."""

_COLUMNS = {
    "id": "text", "listened_at": "at", "title": "text", "artist": "text", "release": "text", "track_id": "text", "isrc": "text",
    "mbid": "text", "duration_ms": "number", "played_ms": "number", "outcome": "text", "counted": "yes", "imported": "yes",
    "client": "text", "device_id": "text", "utc_offset_min": "number",
}  # fmt: skip


def listen_rows(history: History, listener: Listener) -> Iterator[dict[str, Any]]:
    """Every listen, latest first: names beside ids, so that it can be read without this library."""
    before: str | None = None
    while True:
        page = history.listens(listener, before=before, limit=_PAGE)
        yield from (_row(one) for one in page)
        if len(page) < _PAGE:
            return
        before = page[-1].listen.id


def _row(one: HeardListen) -> dict[str, Any]:
    listen, track, external = one.listen, one.track, one.listen.external
    return {
        "id": listen.id,
        "listened_at_ms": int(listen.started_at),
        "title": track.title if track else external.title if external else None,
        "artist": track.artist if track else external.artist if external else None,
        "release": track.release if track else external.album if external else None,
        "track_id": str(track.id) if track else None,
        "isrc": track.isrc[0] if track and track.isrc else None,
        "mbid": track.mbid if track else None,
        "duration_ms": int(track.duration_ms) if track else None,
        "played_ms": listen.played_ms,
        "outcome": listen.outcome,
        "counted": listen.counted,
        "imported": listen.imported,
        "client": listen.client,
        "device_id": listen.device_id,
        "utc_offset_min": listen.utc_offset_min,
    }


def event_lines(listening: Listening, listener: Listener) -> Iterator[bytes]:
    """One's own log, in order, private plays included: the whole truth that is kept."""
    after = 0
    while True:
        events, following = listening.events(listener, after, _PAGE)
        for event in events:
            yield msgspec.json.encode(event) + b"\n"
        if following == after:
            return
        after = following


def listen_lines(history: History, listener: Listener) -> Iterator[bytes]:
    for row in listen_rows(history, listener):
        yield msgspec.json.encode(_printable(row)) + b"\n"


def _printable(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value for name, value in row.items()}


def write_parquet(history: History, listener: Listener, target: Path) -> int:
    """Write every listen to one file, in row groups. Returns how many. Raises OSError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"text": pa.string(), "number": pa.int64(), "yes": pa.bool_(), "at": pa.timestamp("ms", tz="UTC")}
    schema = pa.schema([(name, kinds[kind]) for name, kind in _COLUMNS.items()])
    count = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        rows: list[dict[str, Any]] = []
        for row in listen_rows(history, listener):
            row["listened_at"] = row.pop("listened_at_ms")
            rows.append(_printable(row))
            if len(rows) == _ROWS:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                count, rows = count + len(rows), []
        writer.write_table(pa.Table.from_pylist(rows, schema))
    return count + len(rows)


def parquet_file(history: History, listener: Listener, directory: Path) -> Path:
    """A Parquet file in ``directory``, to be deleted by the caller."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=directory, prefix="export-", suffix=".parquet", delete=False) as file:
        path = Path(file.name)
    try:
        write_parquet(history, listener, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
