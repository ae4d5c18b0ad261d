"""The catalogue and search over the demo library's tracks: paging, grants, words."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from segue.errors import BadRequest, Forbidden, NotFound
from segue.library import Libraries, ReleaseSort, TrackSort
from segue.model import Listener, User
from segue.testing.libraries import Scanned, library_over
from segue.text import fold, sort_key
from segue.types import UserId


@pytest.fixture(scope="module")
def library(demo_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scanned]:
    with library_over(demo_library, tmp_path_factory.mktemp("library") / "data", workers=2) as scanned:
        scanned.scan()
        yield scanned


@pytest.fixture(scope="module")
def stranger() -> Listener:
    return Listener(user=User(id=UserId("1" * 22), name="stranger", created_at=0), libraries=frozenset())  # type: ignore[arg-type]


@pytest.mark.parametrize("sort", [sort for sort in get_args(ReleaseSort) if sort not in {"recent", "frequent", "rated", "liked"}])
def test_pages_of_releases_cover_everything_once(library: Scanned, sort: Any) -> None:
    seen: list[str] = []
    for offset in range(0, 40, 3):
        page = library.catalogue.releases(library.me, sort=sort, seed=5, offset=offset, limit=3)
        seen += [release.id for release in page.items]
    assert len(seen) == len(set(seen)) == page.total == library.catalogue.counts().releases


@pytest.mark.parametrize("sort", ["title", "artist", "added"])
def test_pages_of_tracks_cover_everything_once(library: Scanned, sort: TrackSort) -> None:
    seen: list[str] = []
    for offset in range(0, 98, 7):
        page = library.catalogue.tracks_page(library.me, sort=sort, offset=offset, limit=7)
        seen += [track.id for track in page.items]
    assert len(seen) == len(set(seen)) == page.total == 70


def test_years_genres_and_artists(library: Scanned) -> None:
    catalogue, me = library.catalogue, library.me
    years = [release.year for release in catalogue.releases(me, sort="year", from_year=1970, to_year=2010).items]
    assert years == sorted(years)
    assert years[0] == 1975
    assert [release.year for release in catalogue.releases(me, sort="year", from_year=2010, to_year=1970).items] == years[::-1]
    genres = catalogue.genres(me)
    assert sum(genre.release_count for genre in genres if genre.name == "Folk") == len(catalogue.releases(me, genre="FOLK").items) == 2
    weir = next(release for release in catalogue.releases(me).items if release.title == "Letters from the Weir")
    assert (weir.original_date, weir.date, weir.year) == ("1978", "2004", 1978)
    ilse = catalogue.artist_named(me, "ilse marren")
    assert ilse
    own, appearances = catalogue.artist_releases(me, ilse.id)
    assert [release.title for release in own] == ["Nocturnes for a Small Room"]
    assert {release.title for release in appearances} == {"Open Air: A Summer Sampler", "Night Buses"}
    assert (own[0].disc_count, own[0].disc_titles[0]) == (2, (1, "Evening"))
    assert [artist.name for artist in catalogue.artists(me, initial="k").items] == ["Kestrel Row"]
    assert catalogue.artists(me, initial="v").items[0].name == "Various Artists"


def test_a_listener_without_grants_sees_nothing(library: Scanned, stranger: Listener) -> None:
    catalogue = library.catalogue
    track = catalogue.tracks_page(library.me, limit=1).items[0]
    playlist = library.playlists.create(library.me, "public", public=True, track_ids=[track.id])
    assert catalogue.tracks_page(stranger).items == catalogue.releases(stranger).items == catalogue.artists(stranger).items == ()
    assert catalogue.genres(stranger) == catalogue.roots(stranger) == catalogue.random_tracks(stranger, 5) == ()
    for ask in (catalogue.track, catalogue.file, catalogue.lyrics):
        with pytest.raises(NotFound):
            ask(stranger, track.id)
    for ask, id in (
        (catalogue.release, track.release_id),
        (catalogue.artist, track.artists[0].artist_id),
        (catalogue.art, track.art or ""),
    ):
        with pytest.raises(NotFound):
            ask(stranger, id)  # type: ignore[operator]
    with pytest.raises(NotFound):
        catalogue.folder(stranger, track.folder_id)
    found = library.search.query(stranger, track.title)
    assert found.tracks == found.releases == found.artists == ()
    shown, tracks = library.playlists.get(stranger, playlist.id)
    assert (shown.track_count, tracks) == (0, ())
    with pytest.raises(Forbidden):
        library.playlists.update(stranger, playlist.id, name="mine now")
    with pytest.raises(NotFound):
        library.playlists.create(stranger, "x", track_ids=[track.id])
    library.playlists.delete(library.me, playlist.id)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("weir song", "Weir Song"), ("WEIR", "Weir Song"), ("wei", "Weir Song"), ("elegie iii", "Élégie III"),
        ("lantren carol", "Lantern Carol"),
        ("letters miller", "The Miller's Daughter"), ("millers daughter", "The Miller's Daughter"), ("散歩", "散歩"), ("ラジ", "ラジオ"),
        ("полярная", "Полярная ночь"), ("chrome halcyon", "Chrome Heart"), ("transformr", "Transformer"),
    ],
)  # fmt: skip
def test_words_find_titles(library: Scanned, text: str, title: str) -> None:
    assert title in [track.title for track in library.search.query(library.me, text).tracks]


def test_what_is_nearest_comes_first_and_no_text_is_an_error(library: Scanned) -> None:
    assert library.search.query(library.me, "salt").tracks[0].title == "Salt"
    assert library.search.query(library.me, "static").tracks[0].title == "Static"
    for text in ('"', "a AND (", "title:*", "~", "\\", "\0", "(((" * 80, "x" * 10_000, "😀", "-", "[a TO b]", "?"):
        library.search.query(library.me, text)


def test_a_lost_index_is_made_again(demo_library: Path, tmp_path: Path) -> None:
    with library_over(demo_library, tmp_path / "data", workers=2) as first:
        first.scan()
    shutil.rmtree(tmp_path / "data" / "search")
    with library_over(demo_library, tmp_path / "data") as again:
        found = again.search.query(again.me, "weir")
        assert found.tracks, "the database answers meanwhile"
        for _ in range(200):
            if again.search.ready:
                break
            time.sleep(0.05)
        assert not again.search.query(again.me, "wier").degraded
        assert again.search.query(again.me, "wier song").tracks


def test_libraries_do_not_overlap(library: Scanned, demo_library: Path, tmp_path: Path) -> None:
    libraries = Libraries(library.db)
    assert libraries.add(demo_library).id == library.library.id
    for path in (demo_library / "Tidewrack", demo_library.parent, tmp_path / "nowhere"):
        with pytest.raises(BadRequest):
            libraries.add(path)


def test_removing_a_library_removes_what_was_in_it(demo_library: Path, tmp_path: Path) -> None:
    with library_over(demo_library, tmp_path / "data", workers=2) as library:
        library.scan()
        assert Libraries(library.db).remove(library.library.id) == 70
        assert library.catalogue.counts().tracks == 0
        assert library.catalogue.releases(library.me).items == ()


def test_folding() -> None:
    assert fold("  Ærøskøbing  STRASSE straße ") == "aeroskobing strasse strasse"
    assert fold("Ｆｕｌｌ　Ｗｉｄｔｈ") == "full width"
    assert (sort_key("The Beatles"), sort_key("Les Élèves"), sort_key("The The"), sort_key("A")) == ("beatles", "eleves", "the", "a")
