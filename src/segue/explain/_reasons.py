"""From a candidate's evidence to sentences. Codes: ``liked rated listened sounds_like same_artist same_genre same_years near artist_known
genre_known unheard hour shuffled``. Instants in evidence are RFC 3339; months are those of UTC.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from segue.model import Candidate, Reason, Sketch
from segue.types import Instant, TrackId


@dataclass(frozen=True, slots=True)
class Habit:
    """That a genre is heard more at this part of the listener's day than at others: from ``from_hour`` on, for four hours."""

    genre: str
    from_hour: int
    listens: int
    of_listens: int


_PARTS = ("at night", "early in the morning", "in the morning", "in the afternoon", "in the evening", "late in the evening")


def explain(
    candidate: Candidate, track: Sketch, others: Mapping[TrackId, Sketch], *, at: Instant, habit: Habit | None = None
) -> tuple[Reason, ...]:
    """Why ``track`` is there. ``others``: the tracks its evidence may name (seeds, favourites). Strongest reasons first, at least one;
    the listener's ``habit``, if that counted, last."""
    evidence = {candidate.source: candidate.evidence, **candidate.evidence.get("also", {})}
    told: list[Reason] = []
    if "familiar" in evidence:
        told += _familiar(evidence["familiar"], at)
    if "sounds_like" in evidence:
        told += _sounds_like(evidence["sounds_like"], others, at)
    if "kindred" in evidence:
        told += _kindred(evidence["kindred"], track, others) or _near(evidence["kindred"], others)
    if "unplayed" in evidence:
        told += _unplayed(evidence["unplayed"], track, others)
    told = told or [Reason(code="shuffled", text="Picked at random from your library", evidence={"track_id": track.id})]
    return (*told, _habitual(habit)) if habit is not None else tuple(told)


def _habitual(habit: Habit) -> Reason:
    return Reason(
        code="hour",
        text=f"You often play {habit.genre} {_PARTS[habit.from_hour // 4]}",
        evidence={
            "genre": habit.genre,
            "from_hour": habit.from_hour,
            "to_hour": habit.from_hour + 4,
            "listens": habit.listens,
            "of_listens": habit.of_listens,
        },
    )


def _familiar(evidence: Mapping[str, Any], at: Instant) -> Iterator[Reason]:
    liked_at, rating, plays = evidence["liked_at"], evidence["rating"], evidence["play_count"]
    if liked_at is not None:
        yield Reason(code="liked", text=f"You liked it {_when(liked_at, at)}", evidence={"liked_at": _rfc3339(liked_at)})
    if rating >= 4:
        yield Reason(code="rated", text=f"You gave it {rating} stars", evidence={"rating": rating})
    if plays > 0:
        last = evidence["last_played_at"]
        times = "once" if plays == 1 else f"{plays} times"
        yield Reason(
            code="listened",
            text=f"You have listened to it {times}" + (f", last {_when(last, at)}" if last is not None else ""),
            evidence={"play_count": plays, "last_played_at": None if last is None else _rfc3339(last)},
        )


def _sounds_like(evidence: Mapping[str, Any], others: Mapping[TrackId, Sketch], at: Instant) -> Iterator[Reason]:
    seed = others.get(evidence["seed"])
    if seed is None:
        return
    by = ", ".join(credit.name for credit in seed.artists)
    since, because = evidence["at"], evidence["because"]
    verb = {"played": ", which you played", "liked": ", which you liked", "listened": ", which you listened to"}.get(because, "")
    when = f" {_when(since, at)}" if verb and since is not None else ""
    told = {name: evidence[name] for name in ("similarity", "tempo_bpm", "seed_tempo_bpm", "tags") if name in evidence}
    yield Reason(
        code="sounds_like",
        text=f"Sounds like “{seed.title}”{f' by {by}' if by else ''}{verb}{when}",
        evidence={"seed": seed.id, "because": because, "at": None if since is None else _rfc3339(since), **told},
    )


def _near(evidence: Mapping[str, Any], others: Mapping[TrackId, Sketch]) -> list[Reason]:
    """Where the shared tag is spelt differently, or a part is shared that is not the artist's."""
    for share, seed_id in evidence["shares"].items():
        if seed_id in others:
            seed = others[seed_id]
            return [Reason(code="near", text=f"Close to “{seed.title}” by its tags", evidence={"seed": seed.id, "shares": share})]
    return []


def _kindred(evidence: Mapping[str, Any], track: Sketch, others: Mapping[TrackId, Sketch]) -> list[Reason]:
    return list(_shared(evidence["shares"], track, others))


def _shared(shares: Mapping[str, TrackId], track: Sketch, others: Mapping[TrackId, Sketch]) -> Iterator[Reason]:
    artist_seed = others.get(shares.get("artist", TrackId("")))
    if artist_seed is not None:
        theirs = {credit.artist_id for credit in artist_seed.artists}
        shared = next((credit for credit in track.artists if credit.artist_id in theirs), None)
        if shared is not None:
            yield Reason(
                code="same_artist",
                text=f"By {shared.name}, like “{artist_seed.title}”",
                evidence={"seed": artist_seed.id, "artist_id": shared.artist_id, "artist": shared.name},
            )
    genre_seed = others.get(shares.get("genre", TrackId("")))
    if genre_seed is not None:
        genre = _shared_genre(track, genre_seed.genres)
        if genre is not None:
            yield Reason(code="same_genre", text=f"{genre}, like “{genre_seed.title}”", evidence={"seed": genre_seed.id, "genre": genre})
    years_seed = others.get(shares.get("years", TrackId("")))
    if years_seed is not None and track.year and years_seed.year:
        yield Reason(
            code="same_years",
            text=f"From {_era(track.year, years_seed.year)}, like “{years_seed.title}”",
            evidence={"seed": years_seed.id, "year": track.year, "seed_year": years_seed.year},
        )


def _unplayed(evidence: Mapping[str, Any], track: Sketch, others: Mapping[TrackId, Sketch]) -> Iterator[Reason]:
    because = evidence["because"]
    if evidence["leaning"] == "artist":
        known = next((credit for credit in track.artists if credit.artist_id in because), None)
        if known is not None:
            past = because[known.artist_id]
            verb = "like" if past["liked_at"] is not None else "listen to"
            liked_at = None if past["liked_at"] is None else _rfc3339(past["liked_at"])
            yield Reason(
                code="artist_known",
                text=f"By {known.name}, whom you {verb}",
                evidence={"artist_id": known.artist_id, "play_count": past["play_count"], "liked_at": liked_at},
            )
    if evidence["leaning"] == "genre":
        genre = _shared_genre(track, tuple(because))
        bearer = others.get(because[genre]) if genre in because else None
        if genre is not None and bearer is not None:
            yield Reason(code="genre_known", text=f"{genre}, like your “{bearer.title}”", evidence={"genre": genre, "track_id": bearer.id})
    yield Reason(code="unheard", text="You have not heard it yet", evidence={"plays": 0})


def _shared_genre(track: Sketch, genres: tuple[str, ...]) -> str | None:
    """In the spelling of ``genres``."""
    own = {genre.casefold() for genre in track.genres}
    return next((genre for genre in genres if genre.casefold() in own), None)


def _era(year: int, other: int) -> str:
    if year == other:
        return str(year)
    if year // 10 == other // 10:
        return f"the {year // 10 * 10}s"
    return f"{year}, about the years of {other}"


def _when(moment: int, at: int) -> str:
    then, today = datetime.fromtimestamp(moment / 1000, UTC), datetime.fromtimestamp(at / 1000, UTC)
    if then.date() == today.date():
        return "today"
    return f"in {then:%B}" if then.year == today.year else f"in {then:%B %Y}"


def _rfc3339(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{moment % 1000:03d}Z"
