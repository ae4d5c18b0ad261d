"""How a track sounds, in one answer: measured, corrected by hand, guessed by the tagger, beside the rest of the library."""

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import sqlalchemy as sa

from segue.analyse import Explicit, Section, guess_explicit
from segue.analyse.kept import Sound
from segue.errors import BadRequest, Conflict
from segue.flow.sound import SoundFlow
from segue.library import Catalogue
from segue.model import Listener, Record, Track
from segue.store import Database
from segue.store import schema as s
from segue.types import TrackId, now

Origin = Literal["measured", "corrected"]
EXPLICIT = "explicit"
"""Corrected as the values are, told apart from them."""
PROXIES = ("energy", "danceability", "valence", "acousticness", "instrumentalness", "speechiness", "liveness")
"""0..1, documented in ``docs/analysis.md``, and told as a percentile of the library."""
RANGES: Mapping[str, tuple[float, float]] = {
    "tempo_bpm": (20, 400),
    "time_signature": (2, 12),
    "key": (0, 11),
    "mode": (0, 1),
    **dict.fromkeys(PROXIES, (0, 1)),
    **dict.fromkeys(("silence_head_s", "silence_tail_s", "intro_end_s", "outro_start_s", "cue_in_s", "cue_out_s"), (0, 86_400)),
    EXPLICIT: (0, 1),
}
"""What can be corrected by hand, and the range it must be in."""
_WHOLE = {"time_signature", "key", "mode", EXPLICIT}
_RANKED = ("tempo_bpm", "loudness_lufs", *PROXIES)
_SHARES_S = 60.0
"""How long a distribution of the library's values is good for."""
_CAMELOT = {
    1: ("8B", "3B", "10B", "5B", "12B", "7B", "2B", "9B", "4B", "11B", "6B", "1B"),
    0: ("5A", "12A", "7A", "2A", "9A", "4A", "11A", "6A", "1A", "8A", "3A", "10A"),
}
"""By mode, from C upwards: the wheel that DJs mix by."""


class DescribedValue(Record, frozen=True, kw_only=True):
    value: float
    confidence: float
    origin: Origin
    percentile: float | None = None
    """Share of the library, 0..100, with a smaller value (those equal count half)."""
    measured: float | None = None
    """What a correction stands in the place of."""


class ToldExplicit(Record, frozen=True, kw_only=True):
    """Whether what is sung or said is explicit, and who says so: a tag of the file, a guess by the words of its lyrics, or a person."""

    value: bool | None = None
    """None: nothing is known."""
    origin: Literal["tag", "lyrics", "corrected"] | None = None
    language: str | None = None
    """Of the lyrics, two letters, where they were asked."""
    words: int = 0
    """How often the lyrics have a word of the lists."""


class TrackAnalysis(Record, frozen=True, kw_only=True):
    state: Literal["pending", "done", "failed"]
    version: int | None = None
    error: str | None = None
    values: dict[str, DescribedValue] = {}
    camelot: str | None = None
    tags: tuple[tuple[str, float], ...] = ()
    tagger: str | None = None
    beats_s: tuple[float, ...] = ()
    downbeats_s: tuple[float, ...] = ()
    sections: tuple[Section, ...] = ()
    waveform: tuple[int, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    duplicates: tuple[TrackId, ...] = ()
    """Other tracks that are the same recording, those this listener may hear."""
    explicit: ToldExplicit = ToldExplicit()


class Descriptions:
    """Synchronous; any thread may call it."""

    def __init__(self, db: Database, flow: SoundFlow, catalogue: Catalogue) -> None:
        self._db = db
        self._flow = flow
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._shares: dict[str, list[float]] = {}
        self._shares_at = float("-inf")

    def analysis(self, listener: Listener, track_id: TrackId) -> TrackAnalysis:
        """Raises :class:`~segue.errors.NotFound` for a track this listener cannot hear."""
        track = self._catalogue.track(listener, track_id)
        row = self._flow.backlog.state(track_id)
        sound = self._flow.sounds.get(row.number) if row is not None and row.number is not None else None
        if row is not None and row.state == "failed" and sound is None:
            explicit = self._explicit(listener, track, {})
            return TrackAnalysis(state="failed", version=row.version, error=msgspec.json.decode(row.error)[1], explicit=explicit)
        if row is None or sound is None:
            return TrackAnalysis(state="pending", explicit=self._explicit(listener, track, {}))
        corrected = self._flow.backlog.corrections(sound.payload_hash)
        values = self._values(sound, corrected)
        space = self._flow.similar.space
        tags = self._flow.sounds.tags(space.id, sound.number) if space else ()
        key, mode = values.get("key"), values.get("mode")
        return TrackAnalysis(
            state="done",
            version=sound.version,
            values=values,
            camelot=camelot(key.value, mode.value) if key and mode else None,
            tags=tags,
            tagger=space.encoder if space and tags else None,
            beats_s=sound.description.beats_s,
            downbeats_s=sound.description.downbeats_s,
            sections=sound.description.sections,
            waveform=tuple(sound.waveform),
            findings=sound.findings,
            duplicates=self._duplicates(listener, track_id),
            explicit=self._explicit(listener, track, corrected),
        )

    def correct(self, listener: Listener, track_id: TrackId, values: Mapping[str, float | None]) -> TrackAnalysis:
        """Set values by hand, for every copy of this audio and across analyses to come; None goes back to what is measured.

        Raises :class:`~segue.errors.NotFound`, :class:`~segue.errors.BadRequest` (no such value, out of range),
        :class:`~segue.errors.Conflict` before it was analysed.
        """
        self._catalogue.track(listener, track_id)
        for name, value in values.items():
            if name not in RANGES:
                raise BadRequest(f"{name!r} cannot be corrected. What can: {', '.join(RANGES)}.")
            low, high = RANGES[name]
            if value is not None and not (low <= value <= high and (name not in _WHOLE or value == int(value))):
                raise BadRequest(f"{name} is {'a whole number' if name in _WHOLE else 'a number'} from {low:g} to {high:g}.")
        row = self._flow.backlog.state(track_id)
        sound = self._flow.sounds.get(row.number) if row is not None and row.number is not None else None
        if sound is None:
            raise Conflict("This track has not been analysed yet. Try again when it has.")
        for name, value in values.items():
            measured = sound.description.values.get(name)
            self._flow.backlog.correct(sound.payload_hash, name, value, measured.value if measured else None, listener.user.id, now())
        with self._lock:
            self._shares_at = float("-inf")
        return self.analysis(listener, track_id)

    def listed(self, track_ids: Sequence[TrackId]) -> dict[TrackId, dict[str, float | None]]:
        """What lists are sorted and filtered by, corrections applied, of those that have been analysed."""
        a = s.analysis
        query = sa.select(a.c.track_id, *(a.c[name] for name in s.SORTED_VALUES)).where(
            a.c.track_id.in_(track_ids), a.c.number.is_not(None)
        )
        with self._db.read() as connection:
            return {row.track_id: {name: row._mapping[name] for name in s.SORTED_VALUES} for row in connection.execute(query)}

    def _explicit(self, listener: Listener, track: Track, corrected: Mapping[str, float]) -> ToldExplicit:
        if EXPLICIT in corrected:
            return ToldExplicit(value=bool(corrected[EXPLICIT]), origin="corrected")
        if track.explicit is not None:
            return ToldExplicit(value=track.explicit, origin="tag")
        if not track.has_lyrics:
            return ToldExplicit()
        lyrics = self._catalogue.lyrics(listener, track.id)
        guess: Explicit = guess_explicit((one.language, "\n".join(line.text for line in one.lines)) for one in lyrics)
        return ToldExplicit(value=guess.value, origin=None if guess.value is None else "lyrics", language=guess.language, words=guess.words)

    def _values(self, sound: Sound, corrected: Mapping[str, float]) -> dict[str, DescribedValue]:
        measured = sound.description.values
        out = {}
        for name in [*measured, *(name for name in corrected if name not in measured and name != EXPLICIT)]:
            was = measured.get(name)
            value = corrected.get(name, was.value if was else 0.0)
            by_hand = name in corrected
            out[name] = DescribedValue(
                value=value,
                confidence=1.0 if by_hand or was is None else was.confidence,
                origin="corrected" if by_hand else "measured",
                percentile=self._percentile(name, value),
                measured=was.value if by_hand and was else None,
            )
        return out

    def _percentile(self, name: str, value: float) -> float | None:
        if name not in _RANKED:
            return None
        with self._lock:
            if time.monotonic() - self._shares_at > _SHARES_S:
                self._shares = self._flow.backlog.shares(_RANKED)
                self._shares_at = time.monotonic()
            held = self._shares.get(name, [])
        return round(100 * (bisect_left(held, value) + bisect_right(held, value)) / 2 / len(held), 1) if held else None

    def _duplicates(self, listener: Listener, track_id: TrackId) -> tuple[TrackId, ...]:
        r, t = s.recording, s.track
        group = sa.select(r.c.group_id).where(r.c.track_id == track_id).scalar_subquery()
        query = sa.select(r.c.track_id).join(t, t.c.id == r.c.track_id).where(r.c.group_id == group, r.c.track_id != track_id)
        query = query.where(t.c.missing_at.is_(None), t.c.library_id.in_(sorted(listener.libraries)))
        with self._db.read() as connection:
            return tuple(connection.execute(query.order_by(r.c.preferred.desc(), r.c.track_id)).scalars())


def camelot(key: float, mode: float) -> str:
    """The code of a key: 8B is C major, 8A is A minor; neighbours on the wheel mix well."""
    return _CAMELOT[1 if mode >= 0.5 else 0][int(key) % 12]
