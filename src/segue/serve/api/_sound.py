"""``/api``: what tracks sound like, and which sound alike."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import delete, get, patch, post
from litestar.params import Parameter

from segue.analyse import Section
from segue.errors import BadRequest
from segue.flow.asked import TEXT_MAX
from segue.flow.atlas import Map
from segue.flow.described import DescribedValue, ToldExplicit
from segue.flow.sound import AnalysisStatus
from segue.model import Listener
from segue.parts import Parts
from segue.serve.api import _shapes as shape
from segue.serve.api._manage import ADMIN
from segue.serve.api._parameters import Limit, Offset
from segue.types import TrackId


class Tag(msgspec.Struct):
    name: str
    probability: float


class SoundFinding(msgspec.Struct):
    kind: str
    message: str


class Analysis(msgspec.Struct, kw_only=True):
    state: Literal["pending", "done", "failed"]
    version: int | None
    error: str | None
    values: dict[str, DescribedValue]
    camelot: str | None
    tags: list[Tag]
    tagger: str | None
    beats_s: list[float]
    downbeats_s: list[float]
    sections: list[Section]
    waveform: list[int]
    findings: list[SoundFinding]
    duplicates: list[str]
    explicit: ToldExplicit


class Corrections(msgspec.Struct, forbid_unknown_fields=True):
    values: dict[str, float | None]


class Alike(msgspec.Struct):
    track: shape.Track
    similarity: float


class AlikeList(msgspec.Struct):
    space: str | None
    items: list[Alike]


class Copy(msgspec.Struct):
    track: shape.Track
    similarity: float
    preferred: bool


class Duplicate(msgspec.Struct):
    group_id: str
    tracks: list[Copy]


class Duplicates(msgspec.Struct):
    items: list[Duplicate]
    total: int


class DuplicateChoice(msgspec.Struct, forbid_unknown_fields=True):
    preferred: str | None = None
    separate: str | None = None


class AnalysisChange(msgspec.Struct, forbid_unknown_fields=True):
    paused: bool | None = None
    retry: bool = False


def handlers(parts: Parts) -> list[Any]:
    def told(me: Listener, id: str) -> Analysis:
        one = parts.descriptions.analysis(me, TrackId(id))
        return Analysis(
            state=one.state,
            version=one.version,
            error=one.error,
            values=one.values,
            camelot=one.camelot,
            tags=[Tag(name, probability) for name, probability in one.tags],
            tagger=one.tagger,
            beats_s=list(one.beats_s),
            downbeats_s=list(one.downbeats_s),
            sections=list(one.sections),
            waveform=list(one.waveform),
            findings=[SoundFinding(kind, message) for kind, message in one.findings],
            duplicates=list(one.duplicates),
            explicit=one.explicit,
        )

    @get("/tracks/{id:str}/analysis", sync_to_thread=True)
    def analysis(me: Listener, id: str) -> Analysis:
        """What a track sounds like: values with confidence, origin and percentile, tags guessed, beats, sections, waveform."""
        return told(me, id)

    @patch("/tracks/{id:str}/analysis", sync_to_thread=True, opt=ADMIN)
    def correct(me: Listener, id: str, data: Corrections) -> Analysis:
        """Set values by hand, for everyone; null goes back to what was measured."""
        parts.descriptions.correct(me, TrackId(id), data.values)
        return told(me, id)

    @get("/similar/{id:str}", sync_to_thread=True)
    def similar(me: Listener, id: str, n: Annotated[int, Parameter(ge=1, le=500)] = 20) -> AlikeList:
        """Tracks that sound like one, most alike first; empty until it has been heard."""
        near = parts.mixes.near(me, TrackId(id), n, copies=True)
        space = parts.similar.space
        found = [Alike(shape.track(track), near.similarities[track.id]) for track in near.tracks]
        return AlikeList(space.encoder if space else None, found)

    @get("/similar", sync_to_thread=True)
    def similar_to_text(me: Listener, text: Annotated[str, Parameter(max_length=TEXT_MAX)] = "", limit: Limit = 20) -> AlikeList:
        """Tracks that sound as words say, most alike first. 400 where the encoder in use has no text tower."""
        space, vector = parts.texts.vector(text)
        near = parts.mixes.near_vector(me, vector, limit)
        return AlikeList(space.encoder, [Alike(shape.track(track), near.similarities[track.id]) for track in near.tracks])

    @get("/duplicates", sync_to_thread=True)
    def duplicates(me: Listener, offset: Offset = 0, limit: Limit = 50) -> Duplicates:
        """Recordings that are there in two or more tracks, the preferred one first. Nothing is ever deleted."""
        page = parts.recordings.groups(me, offset=offset, limit=limit)
        items = [
            Duplicate(group.group_id, [Copy(shape.track(one.track), one.similarity, one.preferred) for one in group.copies])
            for group in page.items
        ]
        return Duplicates(items, page.total)

    @post("/duplicates/{id:str}", sync_to_thread=True, status_code=204, opt=ADMIN)
    def choose(me: Listener, id: str, data: DuplicateChoice) -> None:
        """Prefer a track of a group, or say that it is another recording."""
        if (data.preferred is None) == (data.separate is None):
            raise BadRequest("Give either preferred or separate, a track id.")
        if data.preferred is not None:
            parts.recordings.choose(me, id, TrackId(data.preferred), "preferred")
        if data.separate is not None:
            parts.recordings.choose(me, id, TrackId(data.separate), "separate")

    @delete("/tracks/{id:str}/duplicates", sync_to_thread=True, opt=ADMIN)
    def undo(me: Listener, id: str) -> None:
        """Take back what was said of a track's duplicates: its sound decides again."""
        parts.recordings.undo(me, TrackId(id))

    @get("/map", sync_to_thread=True)
    def library_map(me: Listener) -> Map:
        """Every track as a point, alike beside alike. Pending until it was laid out for the first time."""
        return parts.atlas.map(me)

    @get("/analysis", sync_to_thread=True)
    def status(me: Listener) -> AnalysisStatus:
        """How far the analysis of the libraries is."""
        return parts.sound.status()

    @post("/analysis", sync_to_thread=True, status_code=200, opt=ADMIN)
    def change(me: Listener, data: AnalysisChange) -> AnalysisStatus:
        """Pause or resume analysis, or have what failed tried again."""
        if data.paused is not None:
            parts.sound.pause(data.paused)
        if data.retry:
            parts.sound.retry()
        return parts.sound.status()

    return [analysis, correct, similar, similar_to_text, duplicates, choose, undo, library_map, status, change]
