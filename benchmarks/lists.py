"""Lists of the catalogue at 100,000 tracks, as one listener asks: one JSON line a list.

    python benchmarks/lists.py [--tracks N] [--rounds N]

Each is a page of 50 rows, from random places of the list, hydrated and annotated, with its total; no HTTP. Aim: p99 < 50 ms. The listener
has marks and plays on 20,000 tracks. The peer is what a plain server would do: ``SELECT * … ORDER BY … LIMIT 50 OFFSET n`` with an exact
``count(*)`` in a table with no index for it, and one query a row for its artists.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from segue.library import Catalogue, Playlists
from segue.store import Database
from segue.store import schema as s
from segue.testing.catalogue import Filled, add_listener, annotate, fill


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tracks", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=100)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        db = Database(Path(directory) / "segue.db")
        with db.write() as connection:
            s.metadata.create_all(connection)
        filled = fill(db, asked.tracks, seed=1)
        measure(db, filled, asked.rounds)
        db.close()


def measure(db: Database, filled: Filled, rounds: int) -> None:
    me = add_listener(db, "ada", filled.libraries)
    annotate(db, me, filled, 20_000)
    for number in range(4):
        annotate(db, add_listener(db, f"other{number}", filled.libraries), filled, 20_000, seed=number + 2)
    catalogue, playlists, chance = Catalogue(db), Playlists(db), random.Random(1)
    n_tracks, n_releases = len(filled.tracks), len(filled.releases)
    long = playlists.create(me, "Long", track_ids=filled.tracks[:1000])
    huge = playlists.create(me, "Huge", track_ids=filled.tracks[:50_000])
    any_of = chance.choice

    lists: dict[str, Callable[[], object]] = {}
    for sort in ("name", "artist", "newest", "year", "random", "recent", "frequent", "rated", "liked"):
        lists[f"releases {sort}"] = lambda sort=sort: catalogue.releases(me, sort=sort, seed=7, offset=chance.randrange(n_releases))
    lists["releases genre"] = lambda: catalogue.releases(me, genre="Jazz", offset=chance.randrange(n_releases // 20))
    lists["releases years"] = lambda: catalogue.releases(me, sort="year", from_year=1990, to_year=1980, offset=chance.randrange(500))
    for order in ("title", "artist", "added", "recent", "frequent", "random"):
        lists[f"tracks {order}"] = lambda order=order: catalogue.tracks_page(me, sort=order, offset=chance.randrange(n_tracks))
    lists["tracks genre"] = lambda: catalogue.tracks_page(me, genre="Jazz", offset=chance.randrange(n_tracks // 20))
    lists["tracks liked"] = lambda: catalogue.tracks_page(me, liked=True, offset=chance.randrange(1000))
    lists["random tracks"] = lambda: catalogue.random_tracks(me, 50)
    lists["random tracks, genre and years"] = lambda: catalogue.random_tracks(me, 50, genre="Jazz", from_year=1980, to_year=1990)
    lists["artists"] = lambda: catalogue.artists(me, offset=chance.randrange(len(filled.artists)))
    lists["genres"] = lambda: catalogue.genres(me)
    lists["artist page"] = lambda: catalogue.artist_releases(me, any_of(filled.artists))
    lists["top tracks"] = lambda: catalogue.top_tracks(me, any_of(filled.artists), 10)
    lists["related artists"] = lambda: catalogue.related_artists(me, any_of(filled.artists), 20)
    lists["release page"] = lambda: catalogue.release_tracks(me, any_of(filled.releases))
    lists["folder"] = lambda: catalogue.folder(me, any_of(filled.folders[1:]))
    lists["favourites, 1,000 of each"] = lambda: catalogue.liked(me)
    lists["playlists"] = lambda: playlists.list(me)
    lists["playlist of 1,000"] = lambda: playlists.get(me, long.id)
    lists["cut from and append to a playlist of 50,000"] = lambda: _append(playlists, me, huge.id, filled)
    lists["tracks like"] = lambda: catalogue.tracks_like(genres=["Jazz"], libraries=me.libraries, limit=300, seed=chance.randrange(99))
    lists["tracks like, years"] = lambda: catalogue.tracks_like(years=(1980, 1990), libraries=me.libraries, limit=300)
    lists["sample"] = lambda: catalogue.sample(libraries=me.libraries, limit=300, seed=chance.randrange(99))
    for name, ask in lists.items():
        report(name, ask, rounds, n_tracks)
    report("peer: plain page of tracks", lambda: plain(db, chance.randrange(n_tracks)), rounds, n_tracks)


def _append(playlists: Playlists, me: object, id: object, filled: Filled) -> None:
    playlists.remove_positions(me, id, range(50))  # type: ignore[arg-type]
    playlists.append(me, id, filled.tracks[:50])  # type: ignore[arg-type]


def plain(db: Database, offset: int) -> None:
    with db.read() as connection:
        run = connection.exec_driver_sql
        run("SELECT count(*) FROM track WHERE missing_at IS NULL").scalar()
        for row in run("SELECT * FROM track WHERE missing_at IS NULL ORDER BY lower(title) LIMIT 50 OFFSET ?", (offset,)).all():
            run("SELECT * FROM track_artist WHERE track_id = ?", (row.id,)).all()


def report(name: str, ask: Callable[[], object], rounds: int, n_tracks: int) -> None:
    ask()
    spans: list[float] = []
    stop = time.perf_counter() + 20
    while len(spans) < rounds and (len(spans) < 5 or time.perf_counter() < stop):
        began = time.perf_counter()
        ask()
        spans.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(spans, n=100, method="inclusive")
    figures = {"tracks": n_tracks, "n": len(spans), "p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2)}
    print(json.dumps({"benchmark": "lists", "what": name, **figures}), flush=True)


if __name__ == "__main__":
    main()
