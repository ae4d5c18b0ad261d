"""A listener's past: looked at, summed up, put right, brought along from elsewhere, and taken away."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Literal

from segue.errors import BadRequest, NotFound
from segue.flow.listen import Listening
from segue.library import Catalogue
from segue.model import Artist, Event, ExternalTrack, Listen, Listener, PastPlay, Record, Release, Subject, Track
from segue.observe import get_logger
from segue.ports import Clock, Progress
from segue.state import Numbers, Past, Projections, Upkeep, window
from segue.store import Database
from segue.types import ArtistId, Instant, Ms, ReleaseId, TrackId, UserId, is_id, new_id, now

_log = get_logger("history")
_BATCH = 4_000
_SETTLE_S = 2.0
"""After a change of the catalogue, before what was heard is matched to it: a scan writes many."""


class HeardListen(Record, frozen=True, kw_only=True):
    """A listen with the track it is of; both ``track`` and ``listen.external`` are None when the track is gone or not granted."""

    listen: Listen
    track: Track | None


class Stats(Record, frozen=True, kw_only=True):
    """Statistics of a period, with what their keys stand for. A key that stands for nothing the listener may see is named by nobody."""

    numbers: Numbers
    first: date
    last: date
    tracks: dict[str, Track]
    externals: dict[str, ExternalTrack]
    artists: dict[str, Artist]
    artist_names: dict[str, str]
    releases: dict[str, Release]
    years: tuple[tuple[str, int], ...]


class Imported(Record, frozen=True, kw_only=True):
    """How a history that was brought along fared."""

    read: int
    """Entries of the export that are plays."""
    new: int
    """Of them, those not known before."""
    matched: int
    """Of them, those of tracks in the library, so far."""
    unmatched: int
    refused: int
    first_at: Instant | None = None
    last_at: Instant | None = None
    timezone: str | None = None
    """By whose clock hours and days count; None: UTC's."""


class History:
    """Over the path of a listen. Synchronous; any thread may call it. ``start`` follows the catalogue in the background."""

    def __init__(self, listening: Listening, db: Database, catalogue: Catalogue, *, clock: Clock = now) -> None:
        self._listening = listening
        self._catalogue = catalogue
        self._clock = clock
        self._past = Past(db)
        self._upkeep = Upkeep(db, listening.projections)
        self._changed = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def projections(self) -> Projections:
        return self._listening.projections

    # -- looked at ---------------------------------------------------------------------------------------------------

    def listens(
        self, listener: Listener, *, before: str | None = None, limit: int = 50, text: str = "", track_id: str | None = None
    ) -> Sequence[HeardListen]:
        """Latest first; those before the listen ``before``. ``text``: words of title or artist. Private plays are in none."""
        if before is not None and not is_id(before):
            raise BadRequest("before is the id of a listen.")
        found = self._past.listens(listener.user.id, before=before, limit=limit, text=text, track_id=track_id, at=self._clock())
        return self._heard(listener, found)

    def _heard(self, listener: Listener, found: Sequence[Listen]) -> Sequence[HeardListen]:
        tracks = self._catalogue.visible_tracks(listener, [TrackId(one.track_id) for one in found if one.external is None])
        by_id = {track.id: track for track in tracks}
        return [HeardListen(listen=one, track=by_id.get(TrackId(one.track_id))) for one in found]

    def between(self, listener: Listener, first: Instant, last: Instant, *, limit: int, earliest: bool = False) -> Sequence[HeardListen]:
        """What counts and began at ``first`` .. ``last``, latest first: the latest ``limit`` of them, or (``earliest``) the earliest."""
        return self._heard(listener, self._past.between(listener.user.id, first, last, limit=limit, earliest=earliest, at=self._clock()))

    def extent(self, listener: Listener) -> tuple[Instant, Instant] | None:
        """When the first and the last listen that counts began."""
        return self._past.extent(listener.user.id)

    def external(self, listener: Listener, id: str) -> ExternalTrack | None:
        """What one heard elsewhere, by its id."""
        return self._past.external(listener.user.id, id)

    def count(self, listener: Listener) -> int:
        """Listens ever."""
        return self._past.count(listener.user.id)

    def externals(
        self, listener: Listener, *, matched: bool = False, offset: int = 0, limit: int = 50
    ) -> tuple[Sequence[ExternalTrack], int]:
        """What was heard and is not in the library, most listens first (or, ``matched``, what was found there); and how many there are."""
        return self._past.externals(listener.user.id, matched=matched, offset=offset, limit=limit)

    def find_track(
        self,
        listener: Listener,
        artist: str,
        title: str,
        *,
        album: str | None = None,
        mbid: str | None = None,
        isrc: str | None = None,
        duration_ms: int | None = None,
    ) -> TrackId | None:
        """The track of the library that an app names, found as imports are; without a title, by ``mbid`` or ``isrc`` alone. None when it is
        none that the listener may hear. Stores nothing."""
        told = {"artist": artist[:1000], "title": title[:1000], "album": (album or "")[:1000], "mbid": mbid or "", "isrc": isrc or ""}
        found = self._past.find_track(listener.user.id, {**told, "duration_ms": str(duration_ms or "")})
        return TrackId(found) if found and self._catalogue.visible_tracks(listener, [TrackId(found)]) else None

    def stats(self, listener: Listener, period: str = "30d", *, n: int = 10, utc_offset_min: int = 0) -> Stats:
        """Raises BadRequest for what is no period."""
        today = (datetime.fromtimestamp(self._clock() / 1000, UTC) + timedelta(minutes=utc_offset_min)).date()
        asked = window(period, today)
        user_id = listener.user.id
        numbers = self._past.numbers(user_id, asked, n=n, offset_min=utc_offset_min, today=today)
        keys = {kind: [key for key, _, _ in top] for kind, top in numbers.top.items()}
        tracks = {str(one.id): one for one in self._catalogue.visible_tracks(listener, [TrackId(key) for key in keys["track"]])}
        artists = {str(one.id): one for one in self._catalogue.visible_artists(listener, [ArtistId(key) for key in keys["artist"]])}
        releases = {str(one.id): one for one in self._catalogue.visible_releases(listener, [ReleaseId(key) for key in keys["release"]])}
        externals = {key: found for key in keys["track"] if key not in tracks and (found := self._past.external(user_id, key))}
        return Stats(
            numbers=numbers,
            first=asked.first,
            last=min(asked.last, today),
            tracks=tracks,
            externals=externals,
            artists=artists,
            artist_names=self._past.artist_names(user_id, [key for key in keys["artist"] if key not in artists]),
            releases=releases,
            years=tuple(self._past.years(user_id)),
        )

    # -- put right ---------------------------------------------------------------------------------------------------

    def delete(self, listener: Listener, listen_id: str) -> str:
        """As if it had never been. Returns the id of the correction, by which :meth:`undo` takes it back. Raises NotFound."""
        return self._correct(listener, listen_id, {"deleted": True})

    def correct(self, listener: Listener, listen_id: str, *, track_id: TrackId | None = None, started_at: Instant | None = None) -> str:
        """It was of another track, or at another time. Returns the id of the correction. Raises NotFound, BadRequest."""
        fix: dict[str, object] = {}
        if track_id is not None:
            if not self._catalogue.visible_tracks(listener, [track_id]):
                raise NotFound("track", track_id)
            fix["track_id"] = track_id
        if started_at is not None:
            if not 0 <= started_at <= self._clock():
                raise BadRequest("A listen began between 1970 and now.")
            fix["started_at"] = started_at
        if not fix:
            raise BadRequest("Say what to correct: track_id or started_at.")
        return self._correct(listener, listen_id, fix)

    def _correct(self, listener: Listener, listen_id: str, fix: dict[str, object]) -> str:
        plays = self.projections.plays_of(listener.user.id, listen_id)
        if not plays:
            raise NotFound("listen", listen_id)
        event = self._event(listener, "corrected", data={"plays": [list(play) for play in plays], "fix": fix})
        self._listening.record(listener, [event])
        return event.event_id

    def undo(self, listener: Listener, correction_id: str) -> None:
        """Take a correction back: the listen is again as it was told. Raises NotFound."""
        found = self._listening.log.find(listener.user.id, correction_id)
        if found is None or found.kind != "corrected":
            raise NotFound("correction", correction_id)
        self._listening.record(listener, [self._event(listener, "corrected", data={**(found.data or {}), "fix": {}})])

    def match(self, listener: Listener, external_id: str, track_id: TrackId | None) -> None:
        """Say which track an external is, or (None) that it is none here. Raises NotFound."""
        found = self._past.external(listener.user.id, external_id)
        if found is None or found.type != "track":
            raise NotFound("external", external_id)
        if track_id is not None and not self._catalogue.visible_tracks(listener, [track_id]):
            raise NotFound("track", track_id)
        subject = Subject(type="external", external={"artist": found.artist, "title": found.title})
        self._listening.record(listener, [self._event(listener, "matched", subject=subject, data={"track_id": track_id or ""})])

    def _event(self, listener: Listener, kind: Literal["corrected", "matched"], **more: object) -> Event:
        moment = self._clock()
        return Event(event_id=new_id(), kind=kind, user_id=listener.user.id, at=moment, received_at=moment, origin="reported", **more)  # type: ignore[arg-type]

    # -- brought along -----------------------------------------------------------------------------------------------

    def submit(self, listener: Listener, plays: Sequence[PastPlay], *, origin: Literal["reported", "imported"] = "reported") -> int:
        """Plays that an app or another service tells, of whatever they are. Repeating is harmless. Returns how many were taken."""
        moment = self._clock()
        events = [_event_of(listener, play, origin, moment) for play in plays]
        taken = 0
        for start in range(0, len(events), _BATCH):
            taken += len(self._listening.record(listener, events[start : start + _BATCH]).accepted)
        return taken

    def bring(self, listener: Listener, plays: Iterable[PastPlay | None], progress: Progress | None = None) -> Imported:
        """Take in a history, in batches, each kept before the next is read: stopped anywhere, it is gone on with by running it again.

        ``None`` stands for an entry that could not be read. Raises :class:`~segue.errors.Unavailable` when the disk is full.
        """
        user_id = listener.user.id
        before = self._past.known(user_id)
        read = refused = 0
        earliest: Instant | None = None
        latest: Instant | None = None
        for batch in _batches(plays, _BATCH):
            good = [play for play in batch if play is not None]
            refused += len(batch) - len(good)
            read += len(good)
            self.submit(listener, good, origin="imported")
            for play in good:
                earliest = play.started_at if earliest is None else min(earliest, play.started_at)
                latest = play.started_at if latest is None else max(latest, play.started_at)
            if progress is not None:
                progress("importing", read, None)
        after = self._past.known(user_id)
        return Imported(
            read=read,
            new=after[0] - before[0],
            matched=after[1] - before[1],
            unmatched=(after[0] - after[1]) - (before[0] - before[1]),
            refused=refused,
            first_at=earliest,
            last_at=latest,
        )

    # -- taken away --------------------------------------------------------------------------------------------------

    def erase(self, user_id: UserId) -> int:
        """Delete every event of a listener, and all that was made of them: listens, stars, ratings, counts, taste, slates. Secure, and not
        to be undone. Returns how many events. Raises Unavailable."""
        return self._listening.erase(user_id)

    def positions(self, listener: Listener, limit: int = 50) -> Sequence[tuple[Track, Ms, Instant]]:
        """Tracks left in their midst, latest first: where, and when. Private plays are in it: they are there to be resumed."""
        found = self._past.positions(listener.user.id, limit)
        tracks = {track.id: track for track in self._catalogue.visible_tracks(listener, [TrackId(id) for id, _, _ in found])}
        return [(tracks[TrackId(id)], position, at) for id, position, at in found if TrackId(id) in tracks]

    # -- following the catalogue -------------------------------------------------------------------------------------

    def catalogue_changed(self) -> None:
        """Say that tracks came, went or were retagged: what was heard is matched to them soon. Cheap, from any thread."""
        self._changed.set()

    @property
    def following(self) -> bool:
        """Whether the catalogue is followed in the background."""
        return self._thread is not None

    def follow(self, progress: Progress | None = None) -> tuple[int, int]:
        """Now. Returns (externals matched, things counted anew)."""
        self._upkeep.refresh_playings(progress)
        self._upkeep.refresh_sums(progress)
        return self._upkeep.follow_catalogue(progress)

    def start(self) -> None:
        """Follow the catalogue in the background until :meth:`close`; also what changed while nothing ran."""
        self._changed.set()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._changed.wait()
            if self._ending.wait(_SETTLE_S):
                return
            self._changed.clear()
            try:
                self._listening.catch_up()
                matched, counted = self.follow()
            except Exception:
                _log.exception("history_not_followed")
                self._ending.wait(60)
            else:
                if matched or counted:
                    _log.info("history_followed", matched=matched, counted=counted)


def _batches(items: Iterable[PastPlay | None], n: int) -> Iterator[list[PastPlay | None]]:
    iterator = iter(items)
    while batch := list(islice(iterator, n)):
        yield batch


def _event_of(listener: Listener, play: PastPlay, origin: Literal["reported", "imported"], moment: Instant) -> Event:
    external = {"artist": play.artist[:1000], "title": play.title[:1000]}
    if play.album:
        external["album"] = play.album[:1000]
    if play.isrc:
        external["isrc"] = play.isrc
    if play.mbid:
        external["mbid"] = play.mbid
    if play.duration_ms:
        external["duration_ms"] = str(play.duration_ms)
    if play.type == "episode":
        external["type"] = "episode"
    # A service that submits only what counts as a listen keeps no ends; one that keeps everything says how long was heard.
    outcome = "unknown" if play.outcome is None and play.service == "spotify" else play.outcome
    told_end = play.played_ms is not None and outcome is not None
    return Event(
        event_id=f"{max(0, play.started_at):012x}{play.entry_id}"[:64],  # by time, so that the log's index grows at its end
        kind="ended" if told_end else "scrobbled",
        user_id=listener.user.id,
        at=Instant(max(0, min(play.started_at, moment))),
        received_at=moment,
        subject=Subject(type="external", external=external),
        played_ms=None if play.played_ms is None else Ms(max(0, play.played_ms)),
        outcome=outcome if told_end else None,
        context=play.context,
        client=play.service,
        origin=origin,
        private=play.private,
        utc_offset_min=play.utc_offset_min,
    )
