"""Rows into records, a page at a time: a fixed number of queries for any number of ids."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from segue.model import Annotation, Artist, Credit, Folder, Release, ReplayGain, Sketch, Track
from segue.store import schema as s
from segue.types import ArtistId, LibraryId, ReleaseId, TrackId, UserId, is_id

NOBODY = UserId("")
_CHUNK = 500


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """SQLite takes 32,766 variables a statement; short statements are kept by the statement cache. What cannot be an id is left out."""
    ids = [id for id in ids if is_id(id)]
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]


def _expanding(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, expanding=True)


def within(table: sa.Table, libraries: "Sequence[LibraryId] | sa.BindParameter[Any]") -> sa.ColumnElement[bool]:
    """Rows of these libraries, as a filter and never as the way in: without the plus, SQLite would read a whole library and sort it."""
    return sa.literal_column(f"+{table.name}.library_id", sa.Integer).in_(libraries)


def _annotated(table: sa.Table, kind: str) -> sa.Join:
    note = s.annotation
    return table.outerjoin(
        note, sa.and_(note.c.id == table.c.id, note.c.type == sa.literal(kind), note.c.user_id == sa.bindparam("user_id"))
    )


_NOTE = (s.annotation.c.liked_at, s.annotation.c.rating, s.annotation.c.play_count, s.annotation.c.last_played_at)
_EXPLICIT_BY_HAND = (
    sa.select(s.analysis_correction.c.value)
    .join(s.analysis, s.analysis.c.payload_hash == s.analysis_correction.c.payload_hash)
    .where(s.analysis.c.track_id == s.track.c.id, s.analysis_correction.c.name == "explicit")
    .correlate(s.track)
    .scalar_subquery()
)
_TRACKS = (
    sa.select(
        s.track,
        sa.func.coalesce(_EXPLICIT_BY_HAND, s.track.c.explicit).label("told_explicit"),
        s.release.c.title.label("release_title"),
        s.release.c.artist.label("release_artist"),
        s.release.c.disc_titles,
        s.release.c.art_id.label("release_art"),
        *_NOTE,
    )
    .select_from(_annotated(s.track, "track").join(s.release, s.release.c.id == s.track.c.release_id))
    .where(s.track.c.id.in_(_expanding("ids")))
)
_RELEASES = sa.select(s.release, *_NOTE).select_from(_annotated(s.release, "release")).where(s.release.c.id.in_(_expanding("ids")))
_ARTISTS = sa.select(s.artist, *_NOTE).select_from(_annotated(s.artist, "artist")).where(s.artist.c.id.in_(_expanding("ids")))
_TRACK_ARTISTS = (
    sa.select(s.track_artist)
    .where(s.track_artist.c.track_id.in_(_expanding("ids")))
    .order_by(s.track_artist.c.track_id, s.track_artist.c.role, s.track_artist.c.position)
)
_RELEASE_ARTISTS = (
    sa.select(s.release_artist)
    .where(s.release_artist.c.release_id.in_(_expanding("ids")))
    .order_by(s.release_artist.c.release_id, s.release_artist.c.position)
)


def _genres(table: sa.Table, key: str) -> sa.Select[Any]:
    return (
        sa.select(table.c[key].label("of"), s.genre.c.name)
        .join(s.genre, s.genre.c.id == table.c.genre_id)
        .where(table.c[key].in_(_expanding("ids")))
        .order_by(table.c[key], table.c.position)
    )


_TRACK_GENRES = _genres(s.track_genre, "track_id")
_RELEASE_GENRES = _genres(s.release_genre, "release_id")
_ARTIST_COUNTS = (
    sa.select(s.artist_library.c.artist_id, sa.func.sum(s.artist_library.c.release_count), sa.func.sum(s.artist_library.c.track_count))
    .where(s.artist_library.c.artist_id.in_(_expanding("ids")), s.artist_library.c.library_id.in_(_expanding("libraries")))
    .group_by(s.artist_library.c.artist_id)
)
_ARTIST_ART = (
    sa.select(s.release_artist.c.artist_id, sa.func.max(s.release.c.art_id))
    .join(s.release, s.release.c.id == s.release_artist.c.release_id)
    .where(
        s.release_artist.c.artist_id.in_(_expanding("ids")),
        within(s.release, _expanding("libraries")),
        s.release.c.track_count > 0,
    )
    .group_by(s.release_artist.c.artist_id)
)


_folder, _above = s.folder.alias("of_release"), s.folder.alias("above")
_ARTIST_PORTRAIT = (
    # The library's own folder is nobody's.
    sa.select(
        s.release_artist.c.artist_id,
        sa.func.max(
            sa.func.coalesce(
                sa.case((_above.c.parent_id.is_not(None), _above.c.portrait_art_id)),
                sa.case((_folder.c.parent_id.is_not(None), _folder.c.portrait_art_id)),
            )
        ),
    )
    .join(s.release, s.release.c.id == s.release_artist.c.release_id)
    .join(_folder, _folder.c.id == s.release.c.folder_id)
    .outerjoin(_above, _above.c.id == _folder.c.parent_id)
    .where(
        s.release_artist.c.artist_id.in_(_expanding("ids")),
        s.release_artist.c.position == 0,
        within(s.release, _expanding("libraries")),
        s.release.c.track_count > 0,
    )
    .group_by(s.release_artist.c.artist_id)
)


_SOME = "IN (SELECT value FROM json_each(?))"
_SKETCHES = f"SELECT id, library_id, title, release_id, year, missing_at FROM track WHERE id {_SOME}"
_SKETCH_ARTISTS = (
    f"SELECT track_id, artist_id, name FROM track_artist WHERE role = 'artist' AND track_id {_SOME} ORDER BY track_id, position"
)
_SKETCH_GENRES = (
    "SELECT l.track_id, g.name FROM track_genre l CROSS JOIN genre g ON g.id = l.genre_id"
    f" WHERE l.track_id {_SOME} ORDER BY l.track_id, l.position"
)


def annotation(row: Any) -> Annotation:
    return Annotation(liked_at=row.liked_at, rating=row.rating or 0, play_count=row.play_count or 0, last_played_at=row.last_played_at)


def _grouped(connection: sa.Connection, query: sa.Select[Any], ids: Sequence[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(query, {"ids": ids}):
        found[row[0]].append(row)
    return found


def tracks(connection: sa.Connection, ids: Sequence[TrackId], user_id: UserId) -> dict[TrackId, Track]:
    """By id, whatever is granted or missing; the caller decides."""
    out: dict[TrackId, Track] = {}
    for part in chunks(ids):
        rows = connection.execute(_TRACKS, {"ids": part, "user_id": user_id}).all()
        artists = _grouped(connection, _TRACK_ARTISTS, part)
        genres = _grouped(connection, _TRACK_GENRES, part)
        release_artists = _grouped(connection, _RELEASE_ARTISTS, list({row.release_id for row in rows}))
        for row in rows:
            out[row.id] = _track(row, artists[row.id], genres[row.id], release_artists[row.release_id])
    return out


def _track(row: Any, artists: list[Any], genres: list[Any], release_artists: list[Any]) -> Track:
    more = json.loads(row.more) if row.more != "{}" else {}
    titles = json.loads(row.disc_titles) if row.disc_titles != "{}" else {}
    credits = [Credit(artist_id=a.artist_id, name=a.name, role=a.role, detail=a.detail) for a in artists]
    return Track(
        id=row.id,
        library_id=row.library_id,
        folder_id=row.folder_id,
        path=row.path,
        title=row.title,
        sort_title=row.sort_title,
        artist=row.artist,
        artists=tuple(credit for credit in credits if credit.role == "artist"),
        contributors=tuple(credit for credit in credits if credit.role != "artist"),
        release_id=row.release_id,
        release=row.release_title,
        release_artist=row.release_artist,
        release_artists=tuple(Credit(artist_id=a.artist_id, name=a.name) for a in release_artists),
        art=row.art_id or row.release_art,
        disc=row.disc,
        disc_title=titles.get(str(row.disc)),
        number=row.number,
        year=row.year,
        genres=tuple(genre.name for genre in genres),
        moods=tuple(more.get("moods", ())),
        duration_ms=row.duration_ms,
        suffix=row.suffix,
        content_type=row.content_type,
        codec=row.codec,
        bitrate_kbps=row.bitrate_kbps,
        sample_rate_hz=row.sample_rate_hz,
        channels=row.channels,
        bit_depth=row.bit_depth,
        size_bytes=row.size_bytes,
        replaygain=ReplayGain(
            track_gain_db=row.track_gain_db, track_peak=row.track_peak, album_gain_db=row.album_gain_db, album_peak=row.album_peak
        ),
        delay_samples=row.delay_samples,
        padding_samples=row.padding_samples,
        has_lyrics=bool(row.has_lyrics),
        explicit=None if row.told_explicit is None else bool(row.told_explicit),
        bpm=row.bpm,
        comment=row.comment,
        isrc=tuple(more.get("isrc", ())),
        mbid=row.mbid,
        added_at=row.added_at,
        changed_at=row.changed_at,
        missing_at=row.missing_at,
        annotation=annotation(row),
    )


def sketches(connection: sa.Connection, ids: Sequence[TrackId]) -> dict[TrackId, Sketch]:
    """As :func:`tracks`; written out, for building and binding statements costs more than running these."""
    raw = connection.connection.cursor()
    wanted = (json.dumps([id for id in ids if is_id(id)]),)
    artists: dict[str, list[Credit]] = {}
    for id, artist, name in raw.execute(_SKETCH_ARTISTS, wanted):
        artists.setdefault(id, []).append(Credit(artist_id=artist, name=name))
    genres: dict[str, list[str]] = {}
    for id, name in raw.execute(_SKETCH_GENRES, wanted):
        genres.setdefault(id, []).append(name)
    return {
        row[0]: Sketch(
            id=row[0],
            library_id=row[1],
            title=row[2],
            release_id=row[3],
            year=row[4],
            missing_at=row[5],
            artists=tuple(artists.get(row[0], ())),
            genres=tuple(genres.get(row[0], ())),
        )
        for row in raw.execute(_SKETCHES, wanted)
    }


def releases(connection: sa.Connection, ids: Sequence[ReleaseId], user_id: UserId) -> dict[ReleaseId, Release]:
    out: dict[ReleaseId, Release] = {}
    for part in chunks(ids):
        artists = _grouped(connection, _RELEASE_ARTISTS, part)
        genres = _grouped(connection, _RELEASE_GENRES, part)
        for row in connection.execute(_RELEASES, {"ids": part, "user_id": user_id}):
            titles = json.loads(row.disc_titles) if row.disc_titles != "{}" else {}
            out[row.id] = Release(
                id=row.id,
                library_id=row.library_id,
                folder_id=row.folder_id,
                title=row.title,
                sort_title=row.sort_title,
                artist=row.artist,
                artists=tuple(Credit(artist_id=a.artist_id, name=a.name) for a in artists[row.id]),
                art=row.art_id,
                year=row.year,
                date=row.date,
                original_date=row.original_date,
                genres=tuple(genre.name for genre in genres[row.id]),
                track_count=row.track_count,
                duration_ms=row.duration_ms,
                disc_count=row.disc_count,
                disc_titles=tuple(sorted((int(disc), title) for disc, title in titles.items())),
                compilation=bool(row.compilation),
                release_types=tuple(json.loads(row.release_types)),
                labels=tuple(json.loads(row.labels)),
                mbid=row.mbid,
                added_at=row.added_at,
                annotation=annotation(row),
            )
    return out


def artists(connection: sa.Connection, ids: Sequence[ArtistId], user_id: UserId, libraries: frozenset[LibraryId]) -> dict[ArtistId, Artist]:
    """With counts and a picture of what the given libraries hold of each."""
    out: dict[ArtistId, Artist] = {}
    granted = sorted(libraries)
    for part in chunks(ids):
        scope = {"ids": part, "libraries": granted}
        counts = {row[0]: (row[1], row[2]) for row in connection.execute(_ARTIST_COUNTS, scope)}
        art = dict(connection.execute(_ARTIST_ART, scope).all())
        art |= {id: portrait for id, portrait in connection.execute(_ARTIST_PORTRAIT, scope) if portrait}
        for row in connection.execute(_ARTISTS, {"ids": part, "user_id": user_id}):
            own, n_tracks = counts.get(row.id, (0, 0))
            roles = [name for name, has in (("albumartist", own), ("artist", n_tracks)) if has]
            out[row.id] = Artist(
                id=row.id,
                name=row.name,
                sort_name=row.sort_name,
                art=row.art_id or art.get(row.id),
                release_count=own,
                track_count=n_tracks,
                mbid=row.mbid,
                roles=tuple(roles),
                annotation=annotation(row),
            )
    return out


def folder(row: Any) -> Folder:
    return Folder(id=row.id, library_id=row.library_id, parent_id=row.parent_id, name=row.name, path=row.path, track_count=row.track_count)
