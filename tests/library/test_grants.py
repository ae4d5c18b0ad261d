"""What is not granted does not exist: every call, for every set of libraries, against what was put in."""

import json
from itertools import combinations
from typing import Any, get_args

import msgspec
import pytest

from segue.errors import NotFound
from segue.library import ReleaseSort, TrackSort
from segue.model import Listener
from segue.types import ArtistId, FolderId, ReleaseId, TrackId, is_id

from .conftest import Invented


def _ids(answer: Any) -> set[str]:
    """Every id in an answer."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, str) and is_id(value):
            found.add(value)

    walk(json.loads(msgspec.json.encode(answer)))
    return found


def _granted(invented: Invented, n: int) -> list[Listener]:
    return [invented.granted(libraries) for libraries in combinations(invented.filled.libraries, n)]


def _allowed(invented: Invented, listener: Listener) -> set[str]:
    """Ids of the granted libraries' own things, of artists credited on them, and of the listener."""
    with invented.db.read() as connection:
        run = connection.exec_driver_sql
        libraries = ",".join(str(id) for id in sorted(listener.libraries)) or "NULL"
        tables = ("track", "release", "folder", "art")
        found = {id for table in tables for id in run(f"SELECT id FROM {table} WHERE library_id IN ({libraries})").scalars()}
        credited = "SELECT a.artist_id FROM track_artist a JOIN track t ON t.id = a.track_id"
        found |= set(run(f"{credited} WHERE t.library_id IN ({libraries})").scalars())
        own = "SELECT a.artist_id FROM release_artist a JOIN release r ON r.id = a.release_id"
        found |= set(run(f"{own} WHERE r.library_id IN ({libraries})").scalars())
    return found | {listener.user.id}


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_no_answer_holds_an_id_that_is_not_granted(invented: Invented, n: int) -> None:
    catalogue, filled = invented.catalogue, invented.filled
    playlist = invented.playlists.create(
        invented.me, "All", public=True, track_ids=[id for id in filled.tracks if id not in filled.missing]
    )
    for listener in _granted(invented, n):
        answers: list[Any] = [catalogue.releases(listener, sort=sort, seed=1, limit=500) for sort in get_args(ReleaseSort)]
        answers += [catalogue.tracks_page(listener, sort=sort, seed=1, limit=500) for sort in get_args(TrackSort)]
        answers += [
            catalogue.releases(listener, genre="jazz", from_year=1970, to_year=2000, limit=500),
            catalogue.tracks_page(listener, genre="Jazz", liked=True, limit=500),
            catalogue.artists(listener, limit=500),
            catalogue.random_tracks(listener, 500),
            catalogue.roots(listener),
            catalogue.liked(listener),
            catalogue.findings(listener),
            catalogue.visible_tracks(listener, filled.tracks),
            catalogue.sample(libraries=listener.libraries, limit=900),
            catalogue.tracks_like(genres=["jazz"], years=(1960, 2000), artists=filled.artists[:9], libraries=listener.libraries, limit=900),
            [catalogue.artist_releases(listener, id) for id in filled.artists],
            [catalogue.top_tracks(listener, id, 20) for id in filled.artists],
            [catalogue.related_artists(listener, id, 20) for id in filled.artists],
            [catalogue.release_tracks(listener, id) for id in filled.releases],
            invented.playlists.get(listener, playlist.id)[1],
        ]
        answers += [invented.search.query(listener, text, tracks=(0, 500)) for text in ("", "a", "e", "the", "ka na", "東")]
        allowed = _allowed(invented, listener)
        for answer in answers:
            assert _ids(answer) <= allowed, answer
        if n == 0:
            assert not any(_ids(answer) for answer in answers)
    invented.playlists.delete(invented.me, playlist.id)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_what_is_granted_is_found_and_nothing_else(invented: Invented, n: int) -> None:
    catalogue, filled = invented.catalogue, invented.filled
    for listener in _granted(invented, n):
        present = invented.present(listener)
        assert {track.id for track in catalogue.visible_tracks(listener, filled.tracks)} == present
        assert set(catalogue.sample(libraries=listener.libraries, limit=900)) == present
        assert catalogue.tracks_page(listener, limit=1).total == len(present)
        releases = {track.release_id for track in catalogue.visible_tracks(listener, filled.tracks)}
        for id in filled.releases:
            assert (catalogue.kind_of(listener, id) == "release") == (id in releases)
            if id in releases:
                release = catalogue.release(listener, id)
                inside = catalogue.release_tracks(listener, id)
                assert release.track_count == len(inside)
                assert release.duration_ms == sum(track.duration_ms for track in inside)
            else:
                with pytest.raises(NotFound):
                    catalogue.release(listener, id)
        for id in filled.tracks:
            assert (catalogue.kind_of(listener, id) == "track") == (id in present)
        for id in filled.folders:
            if catalogue.kind_of(listener, id):
                assert {track.id for track in catalogue.folder(listener, id).tracks} <= present
            else:
                with pytest.raises(NotFound):
                    catalogue.folder(listener, id)
        for art in filled.art:
            try:
                catalogue.art(listener, art)
            except NotFound:
                assert art not in _allowed(invented, listener)
            else:
                assert art in _allowed(invented, listener)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_counts_count_what_the_listener_sees(invented: Invented, n: int) -> None:
    catalogue, filled = invented.catalogue, invented.filled
    for listener in _granted(invented, n):
        tracks = catalogue.visible_tracks(listener, filled.tracks)
        for genre in catalogue.genres(listener):
            assert genre.track_count == sum(genre.name in track.genres for track in tracks)
            assert genre.track_count == catalogue.tracks_page(listener, genre=genre.name, limit=1).total
            assert genre.release_count == catalogue.releases(listener, genre=genre.name, limit=1).total
        assert {genre.name for genre in catalogue.genres(listener)} == {name for track in tracks for name in track.genres}
        listed = {artist.id for artist in catalogue.artists(listener, limit=500).items}
        for id in filled.artists:
            on = [track for track in tracks if id in {credit.artist_id for credit in (*track.artists, *track.contributors)}]
            own, others = catalogue.artist_releases(listener, id)
            if not (on or own):
                with pytest.raises(NotFound):
                    catalogue.artist(listener, id)
                continue
            artist = catalogue.artist(listener, id)
            assert (artist.track_count, artist.release_count) == (len(on), len(own))
            assert (id in listed) == bool(own)
            assert {release.id for release in others} == {track.release_id for track in on} - {release.id for release in own}


def test_a_missing_track_is_known_and_in_no_list(invented: Invented) -> None:
    gone = sorted(invented.filled.missing)
    assert set(invented.catalogue.tracks(gone)) == set(gone)
    assert all(track.missing_at for track in invented.catalogue.tracks(gone).values())
    for id in gone[:10]:
        for ask in (invented.catalogue.track, invented.catalogue.file, invented.catalogue.lyrics):
            with pytest.raises(NotFound):
                ask(invented.me, id)


@pytest.mark.parametrize("id", ["", "x", "\udcff" * 22, "\0" * 22, "é" * 22, "0" * 22, "a" * 100_000])
def test_what_is_no_id_is_not_found(invented: Invented, id: str) -> None:
    catalogue, me = invented.catalogue, invented.me
    for ask in (
        lambda: catalogue.track(me, TrackId(id)),
        lambda: catalogue.release(me, ReleaseId(id)),
        lambda: catalogue.artist(me, ArtistId(id)),
        lambda: catalogue.folder(me, FolderId(id)),
        lambda: catalogue.art(me, id),
        lambda: catalogue.lyrics(me, TrackId(id)),
        lambda: catalogue.file(me, TrackId(id)),
    ):
        with pytest.raises(NotFound) as raised:
            ask()  # type: ignore[no-untyped-call]
        assert len(str(raised.value)) < 400
    assert catalogue.kind_of(me, id) is None
    assert catalogue.release_tracks(me, ReleaseId(id)) == ()
    assert catalogue.artist_releases(me, ArtistId(id)) == ((), ())
    assert catalogue.artist_named(me, id) is None
    assert catalogue.tracks_page(me, genre=id).total == 0
    assert catalogue.artists(me, initial=id).total >= 0
