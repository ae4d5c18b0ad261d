"""Calls with which one goes on elsewhere: the queue, by id and by index, and bookmarks. One stored queue serves both and the player."""

from collections.abc import Sequence
from typing import Any

from segue.errors import NotFound
from segue.flow.reports import check_position
from segue.library import Queue
from segue.model import Track
from segue.serve.subsonic import _records as record
from segue.serve.subsonic._call import Call
from segue.serve.subsonic._wire import instant, known
from segue.types import Instant, Ms, TrackId, is_id

_WEEK_MS = 7 * 86_400_000
_LONGEST_COMMENT = 4_096


def _queue(call: Call) -> tuple[Queue, tuple[Track, ...]]:
    """The stored queue as far as it is visible, and its tracks. Where the current track is gone, the next is current, from its start."""
    held = call.parts.queues.get(call.listener.user.id) or Queue((), 0, Ms(0), Instant(0), "")
    tracks = call.parts.catalogue.visible_tracks(call.listener, held.track_ids)
    visible = {track.id for track in tracks}
    there = bool(tracks) and held.track_ids[held.current] in visible
    before = sum(id in visible for id in held.track_ids[: held.current])
    kept = tuple(track.id for track in tracks)
    position = held.position_ms if there else Ms(0)
    return Queue(kept, min(before, max(0, len(kept) - 1)), position, held.changed_at, held.changed_by), tracks


def get_play_queue(call: Call) -> dict[str, Any]:
    queue, tracks = _queue(call)
    return {"playQueue": known(current=tracks[queue.current].id if tracks else None, **_record(call, queue, tracks))}


def get_play_queue_by_index(call: Call) -> dict[str, Any]:
    queue, tracks = _queue(call)
    return {"playQueueByIndex": known(currentIndex=queue.current if tracks else None, **_record(call, queue, tracks))}


def _record(call: Call, queue: Queue, tracks: Sequence[Track]) -> dict[str, Any]:
    return known(
        position=queue.position_ms,
        username=call.listener.user.name,
        changed=instant(queue.changed_at),
        changedBy=queue.changed_by,
        entry=[record.song(track) for track in tracks],
    )


def save_play_queue(call: Call) -> None:
    _, tracks = _named(call)
    current = call.params.text("current")
    position = call.params.number("position", 0, 0, _WEEK_MS)
    index = tracks.index(TrackId(current)) if current in tracks else 0
    call.parts.queues.put(call.listener.user.id, tracks, index, Ms(position), changed_by=call.client)


def save_play_queue_by_index(call: Call) -> None:
    ids, tracks = _named(call)
    index = call.params.need_number("currentIndex", 0, max(0, len(ids) - 1)) if ids else 0
    position = call.params.number("position", 0, 0, _WEEK_MS) if ids else 0
    visible = set(tracks)
    gone = bool(ids) and ids[index] not in visible
    here = min(sum(id in visible for id in ids[:index]), max(0, len(tracks) - 1))
    call.parts.queues.put(call.listener.user.id, tracks, here, Ms(0 if gone else position), changed_by=call.client)


def _named(call: Call) -> tuple[list[str], list[TrackId]]:
    """The ids given, and those of them that exist for the listener; NotFound when there is none left."""
    ids = call.params.ids("id")
    tracks = [track.id for track in call.parts.catalogue.visible_tracks(call.listener, [TrackId(id) for id in ids if is_id(id)])]
    if ids and not tracks:
        raise NotFound("song", ids[0][:64])
    return ids, tracks


def create_bookmark(call: Call) -> None:
    track = call.parts.catalogue.track(call.listener, TrackId(call.params.id()))
    position = call.params.need_number("position", 0, _WEEK_MS)
    check_position(position, track.duration_ms)
    comment = call.params.text("comment", "", longest=_LONGEST_COMMENT) or ""
    call.parts.bookmarks.put(call.listener.user.id, track.id, Ms(position), comment)


def delete_bookmark(call: Call) -> None:
    """Harmless where there is none; one may also be taken from a track that is no longer there."""
    id = TrackId(call.params.id())
    if not call.parts.bookmarks.remove(call.listener.user.id, id):
        call.parts.catalogue.track(call.listener, id)


def get_bookmarks(call: Call) -> dict[str, Any]:
    marks = call.parts.bookmarks.of(call.listener.user.id)
    tracks = {track.id: track for track in call.parts.catalogue.visible_tracks(call.listener, [mark.track_id for mark in marks])}
    return {
        "bookmarks": {
            "bookmark": [
                known(
                    position=mark.position_ms,
                    username=call.listener.user.name,
                    comment=mark.comment,
                    created=instant(mark.created_at),
                    changed=instant(mark.changed_at),
                    entry=record.song(tracks[mark.track_id]),
                )
                for mark in marks
                if mark.track_id in tracks
            ]
        }
    }


def mark(call: Call, answer: Any) -> None:
    """Put ``bookmarkPosition`` on every song of an answer that has one."""
    positions = call.parts.bookmarks.positions(call.listener.user.id)
    if positions:
        _mark(answer, positions)


def _mark(value: Any, positions: dict[str, Ms]) -> None:
    if isinstance(value, dict):
        if value.get("mediaType") == "song" and value.get("id") in positions:
            value["bookmarkPosition"] = positions[value["id"]]
        value = value.values()
    elif not isinstance(value, list):
        return
    for inner in value:
        if isinstance(inner, dict | list):
            _mark(inner, positions)
