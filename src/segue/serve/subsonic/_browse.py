"""Calls that walk the library: by tags (artists, albums, songs, genres) and by real folders."""

from typing import Any

from segue.errors import NotFound
from segue.model import Artist, Listener
from segue.parts import Parts
from segue.serve.subsonic import _records as record
from segue.serve.subsonic._call import Call
from segue.serve.subsonic._wire import instant, known
from segue.types import ArtistId, FolderId, LibraryId, ReleaseId, TrackId

_EVERYTHING = 1_000_000


def library_of(call: Call) -> LibraryId | None:
    """``musicFolderId``: one granted library, or all of them."""
    number = call.params.maybe_number("musicFolderId", -1, 2**31 - 1)
    if number is None or number == -1:
        return None
    if number not in call.listener.libraries:
        raise NotFound("music folder", str(number))
    return LibraryId(number)


def get_music_folders(call: Call) -> dict[str, Any]:
    libraries = call.parts.libraries.for_listener(call.listener)
    return {"musicFolders": {"musicFolder": [{"id": library.id, "name": library.name} for library in libraries]}}


def _artists(parts: Parts, listener: Listener, library: LibraryId | None) -> tuple[Artist, ...]:
    return parts.catalogue.artists(listener, library=library, offset=0, limit=_EVERYTHING).items


def get_artists(call: Call) -> dict[str, Any]:
    artists = _artists(call.parts, call.listener, library_of(call))
    sections = record.by_initial((artist.sort_name, record.artist(artist)) for artist in artists)
    return {"artists": {"ignoredArticles": record.IGNORED_ARTICLES, "index": sections}}


def get_indexes(call: Call) -> dict[str, Any]:
    """Real folders: what lies in the roots, folders as artists, files as children."""
    library = library_of(call)
    changed = call.parts.catalogue.changed_at()
    head = {"lastModified": changed, "ignoredArticles": record.IGNORED_ARTICLES}
    since = call.params.maybe_number("ifModifiedSince", 0, 2**53)
    if since is not None and since >= changed:
        return {"indexes": head}
    folders: list[tuple[str, dict[str, Any]]] = []
    files: list[dict[str, Any]] = []
    for root in call.parts.catalogue.roots(call.listener):
        if library is None or root.library_id == library:
            view = call.parts.catalogue.folder(call.listener, root.id, offset=0, limit=_EVERYTHING)
            folders += [(folder.name.casefold(), {"id": folder.id, "name": folder.name}) for folder in view.folders]
            files += [record.song(track) for track in view.tracks]
    return {"indexes": {**head, "index": record.by_initial(sorted(folders, key=lambda row: row[0])), "child": files}}


def get_music_directory(call: Call) -> dict[str, Any]:
    """A real folder; an artist's or album's id opens it as a folder too, as clients expect of album lists."""
    id = call.params.id()
    catalogue, listener = call.parts.catalogue, call.listener
    kind = catalogue.kind_of(listener, id)
    if kind == "folder":
        view = catalogue.folder(listener, FolderId(id), offset=0, limit=_EVERYTHING)
        children = [record.folder(folder, view.folder.id) for folder in view.folders] + [record.song(track) for track in view.tracks]
        return {"directory": known(id=view.folder.id, parent=view.folder.parent_id, name=view.folder.name, child=children)}
    if kind == "artist":
        artist = catalogue.artist(listener, ArtistId(id))
        own, appearances = catalogue.artist_releases(listener, artist.id)
        children = [record.album_as_folder(release) for release in (*own, *appearances)]
        return {"directory": known(id=artist.id, name=artist.name, starred=instant(artist.annotation.liked_at), child=children)}
    if kind == "release":
        release = catalogue.release(listener, ReleaseId(id))
        children = [record.song(track) for track in catalogue.release_tracks(listener, release.id)]
        parent = release.artists[0].artist_id if release.artists else release.folder_id
        return {
            "directory": known(
                id=release.id,
                parent=parent,
                name=release.title,
                starred=instant(release.annotation.liked_at),
                playCount=release.annotation.play_count,
                child=children,
            )
        }
    raise NotFound("directory", id)


def get_artist(call: Call) -> dict[str, Any]:
    artist = call.parts.catalogue.artist(call.listener, ArtistId(call.params.id()))
    own, appearances = call.parts.catalogue.artist_releases(call.listener, artist.id)
    return {"artist": {**record.artist(artist), "album": [record.album(release) for release in (*own, *appearances)]}}


def get_album(call: Call) -> dict[str, Any]:
    release = call.parts.catalogue.release(call.listener, ReleaseId(call.params.id()))
    tracks = call.parts.catalogue.release_tracks(call.listener, release.id)
    return {"album": {**record.album(release), "song": [record.song(track) for track in tracks]}}


def get_song(call: Call) -> dict[str, Any]:
    return {"song": record.song(call.parts.catalogue.track(call.listener, TrackId(call.params.id())))}


def get_genres(call: Call) -> dict[str, Any]:
    return {"genres": {"genre": [record.genre(genre) for genre in call.parts.catalogue.genres(call.listener)]}}


def _images(call: Call, art: str | None) -> dict[str, Any]:
    """Addresses of a picture. They carry no secret: a client adds its own authentication, as for any call."""
    if art is None:
        return {}
    address = f"{call.base_url}/rest/getCoverArt?id={art}"
    return {"smallImageUrl": f"{address}&size=64", "mediumImageUrl": f"{address}&size=300", "largeImageUrl": f"{address}&size=1200"}


def _artist_info(call: Call) -> tuple[dict[str, Any], tuple[Artist, ...]]:
    """What the tags know of an artist, and who sounds like them here. Nothing is asked of the outside."""
    id = call.params.id()
    catalogue, listener = call.parts.catalogue, call.listener
    kind = catalogue.kind_of(listener, id)
    if kind == "release":
        release = catalogue.release(listener, ReleaseId(id))
        id = release.artists[0].artist_id if release.artists else id
    elif kind == "track":
        track = catalogue.track(listener, TrackId(id))
        id = track.artists[0].artist_id if track.artists else id
    artist = catalogue.artist(listener, ArtistId(id))
    alike = call.parts.mixes.related(listener, artist.id, call.params.count("count", 20, 100))
    return known(biography="", musicBrainzId=artist.mbid or "", **_images(call, artist.art)), alike


def get_artist_info(call: Call) -> dict[str, Any]:
    told, alike = _artist_info(call)
    return {"artistInfo": {**told, "similarArtist": [record.plain_artist(other) for other in alike]}}


def get_artist_info2(call: Call) -> dict[str, Any]:
    told, alike = _artist_info(call)
    return {"artistInfo2": {**told, "similarArtist": [record.artist(other) for other in alike]}}


def get_album_info2(call: Call) -> dict[str, Any]:
    id = call.params.id()
    catalogue = call.parts.catalogue
    if catalogue.kind_of(call.listener, id) == "track":
        id = catalogue.track(call.listener, TrackId(id)).release_id
    release = catalogue.release(call.listener, ReleaseId(id))
    return {"albumInfo": known(notes="", musicBrainzId=release.mbid or "", **_images(call, release.art))}


def get_top_songs(call: Call) -> dict[str, Any]:
    """The most played of an artist, by name; an unknown name has none."""
    name = call.params.need("artist", longest=512)
    n = call.params.count("count", 50, 500)
    artist = call.parts.catalogue.artist_named(call.listener, name)
    tracks = call.parts.catalogue.top_tracks(call.listener, artist.id, n) if artist else ()
    return {"topSongs": {"song": [record.song(track) for track in tracks]}}
