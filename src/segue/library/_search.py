"""Search as you type over titles, artists and releases: prefixes, folded accents, two CJK characters, one typing error.

A tantivy index in the data directory, made from the database and never the truth: it can be deleted at any time, and is rebuilt
while the server runs; until it is ready, queries are answered by the database, more slowly and without typing errors
(``Found.degraded``). Words are folded and cut here (:func:`words`), not by tantivy, so that index and query agree. What a listener may
not see is filtered in the query and checked again in the database.
"""

import os
import re
import shutil
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
import tantivy

from segue.library import _pages, _rows
from segue.library._catalogue import Catalogue
from segue.model import Artist, Listener, Release, Track
from segue.observe import get_logger
from segue.ports import Progress
from segue.store import Database
from segue.store import schema as s
from segue.text import fold
from segue.types import ArtistId, LibraryId, ReleaseId, TrackId, new_id

_log = get_logger("search")
_VERSION = "1"
"""Raised whenever the documents or the cutting of words change: an index of another version is rebuilt."""
_LONGEST = 256
_MOST_WORDS = 8
_FURTHEST = 10_000
"""Hits looked at for one page at the most: further pages of a query with words are empty."""
_HEAP_BYTES = 20_000_000
_BATCH = 2000
_SEGMENT_FILES = frozenset({".store", ".term", ".idx", ".pos", ".fieldnorm", ".fast", ".del"})
_FOOTER_MARK = 1337
_CHUNK_BYTES = 1 << 20
_WORD = re.compile(r"\w+")
_CJK = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+")
_FIELDS = (("title", 3.0), ("artist", 2.0), ("release", 1.0))
"""What a match is worth by where it stands: a guess, the order that people expect."""

Kind = Literal["track", "release", "artist"]


@dataclass(frozen=True, slots=True)
class Found:
    """Best first. ``degraded``: the index is not ready, and typing errors were not looked for."""

    artists: tuple[Artist, ...]
    releases: tuple[Release, ...]
    tracks: tuple[Track, ...]
    degraded: bool = False


def words(text: str) -> list[str]:
    """Folded words of a text, in order. A run of CJK characters gives each character and each pair of neighbours."""
    out: list[str] = []
    for word in _WORD.findall(fold(text).replace("'", "")):
        rest = 0
        for run in _CJK.finditer(word):
            if run.start() > rest:
                out.append(word[rest : run.start()])
            characters = run[0]
            out += list(characters) + [characters[i : i + 2] for i in range(len(characters) - 1)]
            rest = run.end()
        if rest < len(word):
            out.append(word[rest:])
    return out


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("library", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("whole", tokenizer_name="raw", index_option="basic")
    for field, _ in _FIELDS:
        builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


class Search:
    """One index directory below ``directory``; see the module. Safe from any thread."""

    def __init__(self, directory: Path, db: Database) -> None:
        self._directory = directory
        self._db = db
        self._catalogue = Catalogue(db)
        self._schema = _schema()
        self._writing = threading.Lock()
        self._one_rebuild = threading.Lock()
        self._giving_up = threading.Lock()
        self._index: Any = None
        self._writer: Any = None
        self._rebuilding: threading.Thread | None = None
        self._closed = False
        self._open()

    @property
    def ready(self) -> bool:
        """Whether queries are answered from the index."""
        return self._index is not None

    def close(self) -> None:
        with self._giving_up:
            self._closed = True
        if self._rebuilding:
            self._rebuilding.join(30)
        with self._writing:
            self._writer = None
            self._index = None

    # -- asking ------------------------------------------------------------------------------------------------------

    def query(
        self,
        listener: Listener,
        text: str,
        *,
        artists: tuple[int, int] = (0, 20),
        releases: tuple[int, int] = (0, 20),
        tracks: tuple[int, int] = (0, 20),
        library: LibraryId | None = None,
    ) -> Found:
        """Windows are (offset, how many). The empty text and ``""`` mean everything, in a stable order. Any text is a query."""
        libraries = listener.libraries if library is None else listener.libraries & {library}
        scoped = Listener(user=listener.user, libraries=frozenset(libraries))
        text = text[:_LONGEST].strip()
        if text in {"", '""', "''", "*"}:
            return self._everything(scoped, artists, releases, tracks)
        windows: dict[Kind, tuple[int, int]] = {"artist": artists, "release": releases, "track": tracks}
        cut = list(dict.fromkeys(words(text)))[:_MOST_WORDS]
        ids = self._indexed(libraries, cut, fold(text), windows) if cut else None
        if ids is None:
            ids = {kind: self._like(scoped, kind, fold(text), *window) for kind, window in windows.items()}
        artist_ids, release_ids = [ArtistId(id) for id in ids["artist"]], [ReleaseId(id) for id in ids["release"]]
        with self._db.read() as connection:
            found_artists = _rows.artists(connection, artist_ids, listener.user.id, scoped.libraries)
            found_releases = _rows.releases(connection, release_ids, listener.user.id)
        return Found(
            artists=tuple(a for id in artist_ids if (a := found_artists.get(id)) and (a.release_count or a.track_count)),
            releases=tuple(r for id in release_ids if (r := found_releases.get(id)) and r.library_id in libraries and r.track_count),
            tracks=self._catalogue.visible_tracks(scoped, [TrackId(id) for id in ids["track"]]),
            degraded=not self.ready,
        )

    def _indexed(
        self, libraries: Iterable[LibraryId], cut: Sequence[str], folded: str, windows: dict[Kind, tuple[int, int]]
    ) -> dict[Kind, Sequence[str]] | None:
        """Ids from the index; None when there is none, or it turns out to be damaged."""
        index = self._index
        if index is None:
            return None
        try:
            searcher, wanted = index.searcher(), self._words_query(cut, folded)
            return {kind: self._hits(searcher, wanted, kind, libraries, *window) for kind, window in windows.items()}
        except BaseException as error:
            if not _means_damage(error):
                raise
            self._renew(index, error)
            return None

    def _words_query(self, cut: Sequence[str], folded: str) -> Any:
        query, schema = tantivy.Query, self._schema
        every = []
        for number, word in enumerate(cut):
            last = number == len(cut) - 1
            ways = []
            for field, weight in _FIELDS:
                ways.append(query.boost_query(query.term_query(schema, field, word, "basic"), weight))
                if not _CJK.match(word):
                    if last or len(word) > 2:
                        begins = query.regex_query(schema, field, re.escape(word) + ".+")
                        ways.append(query.const_score_query(begins, weight * 0.6))
                    if len(word) >= 4:
                        alike = query.fuzzy_term_query(schema, field, word, 1, True, last and len(word) >= 5)
                        ways.append(query.const_score_query(alike, weight * 0.3))
            every.append((tantivy.Occur.Must, query.disjunction_max_query(ways, 0.1)))
        whole = query.const_score_query(query.term_query(schema, "whole", folded[:_LONGEST], "basic"), 20.0)
        return query.boolean_query([*every, (tantivy.Occur.Should, whole)])

    def _hits(self, searcher: Any, wanted: Any, kind: Kind, libraries: Iterable[LibraryId], offset: int, n: int) -> Sequence[str]:
        if n <= 0 or offset + n > _FURTHEST:
            return ()
        query, must = tantivy.Query, tantivy.Occur.Must
        of_kind = query.const_score_query(query.term_query(self._schema, "kind", kind, "basic"), 0.0)
        granted = query.const_score_query(query.term_set_query(self._schema, "library", [str(id) for id in sorted(libraries)]), 0.0)
        found = searcher.search(query.boolean_query([(must, wanted), (must, of_kind), (must, granted)]), n, False, offset=offset)
        return [searcher.doc(address)["key"][0] for _, address in found.hits]

    def _everything(self, listener: Listener, artists: tuple[int, int], releases: tuple[int, int], tracks: tuple[int, int]) -> Found:
        catalogue = self._catalogue
        return Found(
            artists=catalogue.artists(listener, offset=artists[0], limit=artists[1]).items if artists[1] else (),
            releases=catalogue.releases(listener, sort="name", offset=releases[0], limit=releases[1]).items if releases[1] else (),
            tracks=catalogue.tracks_page(listener, sort="title", offset=tracks[0], limit=tracks[1]).items if tracks[1] else (),
        )

    def _like(self, listener: Listener, kind: Kind, folded: str, offset: int, n: int) -> Sequence[str]:
        """From the database: every row whose folded title or name holds the text."""
        escaped = re.sub(r"([\\%_])", r"\\\1", folded)
        granted = sorted(listener.libraries)
        query: sa.Select[Any]
        if kind == "artist":
            seen = sa.select(s.artist_library.c.artist_id).where(s.artist_library.c.library_id.in_(granted))
            column, query = s.artist.c.name_folded, sa.select(s.artist.c.id).where(s.artist.c.id.in_(seen))
        elif kind == "release":
            r = s.release
            column, query = r.c.title_folded, sa.select(r.c.id).where(_rows.within(r, granted), r.c.track_count > 0)
        else:
            t = s.track
            column, query = t.c.title_folded, sa.select(t.c.id).where(_pages.seen(granted))
        query = query.where(column.like(f"%{escaped}%", escape="\\")).order_by(sa.func.length(column), column, "id")
        with self._db.read() as connection:
            return list(connection.execute(query.offset(offset).limit(n)).scalars())

    # -- keeping it ----------------------------------------------------------------------------------------------------

    def update(self, track_ids: Sequence[TrackId] = (), release_ids: Sequence[ReleaseId] = (), artist_ids: Sequence[ArtistId] = ()) -> None:
        """Bring these up to date with the database (those gone or missing disappear); seen by the next query."""
        with self._writing:
            index, writer = self._index, self._writer
            if index is None or self._closed:
                return  # a rebuild is under way, and reads the database later than this
            try:
                with self._db.read() as connection:
                    for kind, ids in (("track", track_ids), ("release", release_ids), ("artist", artist_ids)):
                        for part in _rows.chunks(list(dict.fromkeys(ids))):
                            for id in part:
                                writer.delete_documents_by_term("key", id)
                            for document in _documents(connection, kind, part):  # type: ignore[arg-type]
                                writer.add_document(tantivy.Document(**document))
                writer.commit()
                index.reload()
            except BaseException as error:
                if not _means_damage(error):
                    raise
                self._renew(index, error)

    def rebuild(self, progress: Progress | None = None) -> None:
        """Make the index anew from the database, then put it in the old one's place. The old one serves meanwhile."""
        with self._one_rebuild:
            self._rebuild(progress)

    def _rebuild(self, progress: Progress | None) -> None:
        fresh = self._directory / f"v{_VERSION}-{new_id()}"
        fresh.mkdir(parents=True)
        try:
            self._fill(fresh, progress)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise

    def _fill(self, fresh: Path, progress: Progress | None) -> None:
        index = tantivy.Index(self._schema, path=str(fresh))
        writer = index.writer(heap_size=_HEAP_BYTES * 2, num_threads=1)
        done = 0
        with self._writing:  # updates wait, so that none falls between the copy and the swap
            with self._db.read() as connection:
                for kind, table in (("artist", s.artist), ("release", s.release), ("track", s.track)):
                    after = ""
                    while ids := list(
                        connection.execute(sa.select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(_BATCH)).scalars()
                    ):
                        if self._closed:
                            return
                        for part in _rows.chunks(ids):
                            for document in _documents(connection, kind, part):  # type: ignore[arg-type]
                                writer.add_document(tantivy.Document(**document))
                        after, done = ids[-1], done + len(ids)
                        if progress:
                            progress("indexing", done, None)
            writer.commit()
            index.reload()
            marker = self._directory / "current.new"
            marker.write_text(fresh.name)
            marker.replace(self._directory / "current")
            self._index, self._writer = index, writer
        self._sweep(fresh.name)

    def _open(self) -> None:
        """The index the marker names; if there is none, or it cannot be read, a new one in the background."""
        self._directory.mkdir(parents=True, exist_ok=True)
        marker = self._directory / "current"
        try:
            name = marker.read_text().strip()
            if not name.startswith(f"v{_VERSION}-"):
                raise ValueError("another version")
            place = self._directory / name
            if not tantivy.Index.exists(str(place)):
                raise ValueError("its folder holds no index")
            index = tantivy.Index(self._schema, path=str(place))
            self._writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
            index.searcher()
            self._index = index
            self._sweep(name)
            self._start(lambda: self._examine(index, place))
        except BaseException as error:
            if not _means_damage(error):
                raise
            if marker.exists():
                _log.warning("the search index is rebuilt", why=str(error)[:_LONGEST])
            self._start(self._rebuild_quietly)

    def _start(self, work: Callable[[], None]) -> None:
        self._rebuilding = threading.Thread(target=work, name="search-rebuild", daemon=True)
        self._rebuilding.start()

    def _examine(self, index: Any, place: Path) -> None:
        """Read the files of an index just opened once: most damage shows itself only to the query that meets it, or never."""
        for file in sorted(place.glob("*.*")):
            if self._closed:
                return
            try:
                whole = _is_whole(file)
            except (msgspec.MsgspecError, KeyError):  # a footer of another form
                whole = False
            except OSError:  # merged away meanwhile, or unreadable: then a query will tell
                continue
            if not whole:
                self._renew(index, ValueError(f"{file.name} is damaged"))
                return

    def _renew(self, index: Any, error: BaseException) -> None:
        """Give up a damaged index: the database answers until a new one is made from it."""
        with self._giving_up:
            if self._index is not index or self._closed:
                return
            self._index = self._writer = None
            _log.warning("the search index is damaged, and is rebuilt", why=str(error)[:_LONGEST])
            self._start(self._rebuild_quietly)

    def _rebuild_quietly(self) -> None:
        try:
            self.rebuild()
        except Exception:
            _log.exception("the search index cannot be built; the database answers searches")

    def _sweep(self, keep: str) -> None:
        for old in self._directory.glob("v*-*"):
            if old.name != keep:
                shutil.rmtree(old, ignore_errors=True)


def _means_damage(error: BaseException) -> bool:
    """tantivy raises ValueError for files that it finds wrong, and panics over those that it does not."""
    return isinstance(error, (ValueError, OSError)) or type(error).__name__ == "PanicException"


def _is_whole(file: Path) -> bool:
    """Whether a segment's file holds what its footer (JSON with a CRC-32, its length, a mark) was written for; True for other files."""
    if file.suffix not in _SEGMENT_FILES:
        return True
    with file.open("rb") as opened:
        end = opened.seek(-8, os.SEEK_END)
        length, mark = struct.unpack("<II", opened.read(8))
        if mark != _FOOTER_MARK or length > end:
            return False
        opened.seek(end - length)
        told = msgspec.json.decode(opened.read(length), type=dict[str, Any])["crc"]
        opened.seek(0)
        left, crc = end - length, 0
        while left and (part := opened.read(min(left, _CHUNK_BYTES))):
            crc, left = zlib.crc32(part, crc), left - len(part)
        return bool(crc == told)


def _documents(connection: sa.Connection, kind: Kind, ids: Sequence[str]) -> Iterable[dict[str, Any]]:
    """What of these is present, as documents."""
    row: Any
    if kind == "track":
        t, r = s.track, s.release
        query: sa.Select[Any] = sa.select(
            t.c.id, t.c.library_id, t.c.title, t.c.artist, r.c.title.label("release"), r.c.artist.label("by")
        ).join(r, r.c.id == t.c.release_id)
        for row in connection.execute(query.where(t.c.id.in_(ids), t.c.missing_at.is_(None))):
            by = row.artist if row.by == row.artist else f"{row.artist} {row.by}"
            yield _document(row.id, kind, [row.library_id], row.title, by, row.release)
    elif kind == "release":
        r = s.release
        query = sa.select(r.c.id, r.c.library_id, r.c.title, r.c.artist).where(r.c.id.in_(ids), r.c.track_count > 0)
        for row in connection.execute(query):
            yield _document(row.id, kind, [row.library_id], row.title, row.artist, "")
    else:
        of = s.artist_library
        libraries: dict[str, list[int]] = {}
        for row in connection.execute(sa.select(of).where(of.c.artist_id.in_(ids), (of.c.release_count > 0) | (of.c.track_count > 0))):
            libraries.setdefault(row.artist_id, []).append(row.library_id)
        for row in connection.execute(sa.select(s.artist.c.id, s.artist.c.name).where(s.artist.c.id.in_(list(libraries)))):
            yield _document(row.id, kind, libraries[row.id], row.name, "", "")


def _document(key: str, kind: Kind, libraries: list[int], title: str, artist: str, release: str) -> dict[str, Any]:
    return {
        "key": key,
        "kind": kind,
        "library": [str(id) for id in libraries],
        "whole": fold(title)[:_LONGEST],
        "title": " ".join(words(title)),
        "artist": " ".join(words(artist)),
        "release": " ".join(words(release)),
    }
