"""Calls that list and search: albums in every order, random songs, favourites, search."""

from typing import Any

from segue.errors import BadRequest
from segue.library import ReleaseSort
from segue.model import Page, Release
from segue.serve.subsonic import _records as record
from segue.serve.subsonic._browse import library_of
from segue.serve.subsonic._call import Call
from segue.serve.subsonic._params import MissingParameter
from segue.serve.subsonic._wire import known
from segue.types import now

_SORTS: dict[str, ReleaseSort] = {
    "random": "random",
    "newest": "newest",
    "highest": "rated",
    "frequent": "frequent",
    "recent": "recent",
    "alphabeticalByName": "name",
    "alphabeticalByArtist": "artist",
    "starred": "liked",
    "byYear": "year",
    "byGenre": "name",
}
_FURTHEST = 2**31 - 1


def _albums(call: Call) -> Page[Release]:
    kind = call.params.need("type")
    if kind not in _SORTS:
        raise BadRequest(f"Parameter 'type' must be one of {', '.join(_SORTS)}.")
    first, last = call.params.maybe_number("fromYear", -9999, 9999), call.params.maybe_number("toYear", -9999, 9999)
    genre = call.params.text("genre", longest=256)
    if kind == "byYear" and (first is None or last is None):
        raise MissingParameter("Type byYear needs the parameters 'fromYear' and 'toYear'.")
    if kind == "byGenre" and genre is None:
        raise MissingParameter("Type byGenre needs the parameter 'genre'.")
    return call.parts.catalogue.releases(
        call.listener,
        sort=_SORTS[kind],
        genre=genre if kind == "byGenre" else None,
        from_year=first if kind == "byYear" else None,
        to_year=last if kind == "byYear" else None,
        library=library_of(call),
        offset=call.params.number("offset", 0, 0, _FURTHEST),
        limit=call.params.count("size", 10, 500),
    )


def get_album_list(call: Call) -> dict[str, Any]:
    return {"albumList": {"album": [record.album_as_folder(release) for release in _albums(call).items]}}


def get_album_list2(call: Call) -> dict[str, Any]:
    return {"albumList2": {"album": [record.album(release) for release in _albums(call).items]}}


def get_random_songs(call: Call) -> dict[str, Any]:
    tracks = call.parts.catalogue.random_tracks(
        call.listener,
        call.params.count("size", 10, 500),
        genre=call.params.text("genre", longest=256),
        from_year=call.params.maybe_number("fromYear", -9999, 9999),
        to_year=call.params.maybe_number("toYear", -9999, 9999),
        library=library_of(call),
    )
    return {"randomSongs": {"song": [record.song(track) for track in tracks]}}


def get_songs_by_genre(call: Call) -> dict[str, Any]:
    page = call.parts.catalogue.tracks_page(
        call.listener,
        sort="title",
        genre=call.params.need("genre", longest=256),
        library=library_of(call),
        offset=call.params.number("offset", 0, 0, _FURTHEST),
        limit=call.params.count("count", 10, 500),
    )
    return {"songsByGenre": {"song": [record.song(track) for track in page.items]}}


def get_starred(call: Call) -> dict[str, Any]:
    library = library_of(call)
    liked = call.parts.catalogue.liked(call.listener, library=library)
    return {
        "starred": {
            "artist": [record.plain_artist(artist) for artist in liked.artists],
            "album": [record.album_as_folder(release) for release in liked.releases],
            "song": [record.song(track) for track in liked.tracks],
        }
    }


def get_starred2(call: Call) -> dict[str, Any]:
    liked = call.parts.catalogue.liked(call.listener, library=library_of(call))
    return {
        "starred2": {
            "artist": [record.artist(artist) for artist in liked.artists],
            "album": [record.album(release) for release in liked.releases],
            "song": [record.song(track) for track in liked.tracks],
        }
    }


def _found(call: Call) -> Any:
    text = call.params.need("query", longest=10_000)
    window = {
        kind: (call.params.number(f"{kind}Offset", 0, 0, _FURTHEST), call.params.count(f"{kind}Count", 20, 500))
        for kind in ("artist", "album", "song")
    }
    return call.parts.search.query(
        call.listener, text, artists=window["artist"], releases=window["album"], tracks=window["song"], library=library_of(call)
    )


def search2(call: Call) -> dict[str, Any]:
    found = _found(call)
    return {
        "searchResult2": {
            "artist": [record.plain_artist(artist) for artist in found.artists],
            "album": [record.album_as_folder(release) for release in found.releases],
            "song": [record.song(track) for track in found.tracks],
        }
    }


def search3(call: Call) -> dict[str, Any]:
    """The empty query, and the two quotes that some clients send, page through everything in a stable order."""
    found = _found(call)
    return {
        "searchResult3": {
            "artist": [record.artist(artist) for artist in found.artists],
            "album": [record.album(release) for release in found.releases],
            "song": [record.song(track) for track in found.tracks],
        }
    }


def get_now_playing(call: Call) -> dict[str, Any]:
    """Who plays what now, as far as the asker may hear it too."""
    entries = []
    for number, playing in enumerate(call.parts.listening.now_playing(call.listener)):
        entries.append(
            {
                **record.song(playing.track),
                "username": playing.user,
                "minutesAgo": max(0, now() - playing.started_at) // 60_000,
                "playerId": number,
                "playerName": playing.client or "",
                **(known(state=playing.state, positionMs=playing.position_ms, playbackRate=playing.rate) if playing.state else {}),
            }
        )
    return {"nowPlaying": {"entry": entries}}
