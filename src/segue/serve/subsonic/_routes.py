"""The route table, and the one place where a call comes in and its answer or error goes out."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import anyio.to_thread
from litestar import Request, Response, route
from litestar.handlers import HTTPRouteHandler

from segue.errors import AppPasswordNeeded, Forbidden, NotFound, SegueError, Throttled, Unauthenticated, Unavailable
from segue.observe import get_logger, metrics
from segue.parts import Parts
from segue.serve import http
from segue.serve.subsonic import _alike, _annotate, _browse, _lists, _media, _playlists, _resume, _system, _wire
from segue.serve.subsonic._call import Call, ConflictingAuthentication, InvalidApiKey, authenticate
from segue.serve.subsonic._params import MissingParameter, Params

_log = get_logger("subsonic")

Handler = Callable[[Call], Any]
ROUTES: dict[str, Handler] = {
    "ping": _system.ping,
    "getLicense": _system.get_license,
    "tokenInfo": _system.token_info,
    "getUser": _system.get_user,
    "getScanStatus": _system.get_scan_status,
    "startScan": _system.start_scan,
    "getMusicFolders": _browse.get_music_folders,
    "getIndexes": _browse.get_indexes,
    "getMusicDirectory": _browse.get_music_directory,
    "getArtists": _browse.get_artists,
    "getArtist": _browse.get_artist,
    "getAlbum": _browse.get_album,
    "getSong": _browse.get_song,
    "getGenres": _browse.get_genres,
    "getArtistInfo": _browse.get_artist_info,
    "getArtistInfo2": _browse.get_artist_info2,
    "getAlbumInfo2": _browse.get_album_info2,
    "getSimilarSongs": _alike.get_similar_songs,
    "getSimilarSongs2": _alike.get_similar_songs2,
    "getSonicSimilarTracks": _alike.get_sonic_similar_tracks,
    "findSonicPath": _alike.find_sonic_path,
    "getTopSongs": _browse.get_top_songs,
    "getAlbumList": _lists.get_album_list,
    "getAlbumList2": _lists.get_album_list2,
    "getRandomSongs": _lists.get_random_songs,
    "getSongsByGenre": _lists.get_songs_by_genre,
    "getStarred": _lists.get_starred,
    "getStarred2": _lists.get_starred2,
    "search2": _lists.search2,
    "search3": _lists.search3,
    "getNowPlaying": _lists.get_now_playing,
    "stream": _media.stream,
    "download": _media.download,
    "getCoverArt": _media.get_cover_art,
    "getLyrics": _media.get_lyrics,
    "getLyricsBySongId": _media.get_lyrics_by_song_id,
    "star": _annotate.star,
    "unstar": _annotate.unstar,
    "setRating": _annotate.set_rating,
    "scrobble": _annotate.scrobble,
    "reportPlayback": _annotate.report_playback,
    "getPlayQueue": _resume.get_play_queue,
    "getPlayQueueByIndex": _resume.get_play_queue_by_index,
    "savePlayQueue": _resume.save_play_queue,
    "savePlayQueueByIndex": _resume.save_play_queue_by_index,
    "getBookmarks": _resume.get_bookmarks,
    "createBookmark": _resume.create_bookmark,
    "deleteBookmark": _resume.delete_bookmark,
    "getPlaylists": _playlists.get_playlists,
    "getPlaylist": _playlists.get_playlist,
    "createPlaylist": _playlists.create_playlist,
    "updatePlaylist": _playlists.update_playlist,
    "deletePlaylist": _playlists.delete_playlist,
}
NOT_IMPLEMENTED = frozenset(
    [
        "addChatMessage",
        "changePassword",
        "createInternetRadioStation",
        "createPodcastChannel",
        "createShare",
        "createUser",
        "deleteInternetRadioStation",
        "deletePodcastChannel",
        "deletePodcastEpisode",
        "deleteShare",
        "deleteUser",
        "downloadPodcastEpisode",
        "getAlbumInfo",
        "getAvatar",
        "getCaptions",
        "getChatMessages",
        "getInternetRadioStations",
        "getNewestPodcasts",
        "getPodcastEpisode",
        "getPodcasts",
        "getShares",
        "getTranscodeDecision",
        "getTranscodeStream",
        "getUsers",
        "getVideoInfo",
        "getVideos",
        "hls",
        "hls.m3u8",
        "jukeboxControl",
        "refreshPodcasts",
        "search",
        "updateInternetRadioStation",
        "updateShare",
        "updateUser",
    ]
)
"""The rest of the specification: answered 501 in the asker's format."""

_CODES: tuple[tuple[type[SegueError], int], ...] = (
    (MissingParameter, 10),
    (ConflictingAuthentication, 43),
    (InvalidApiKey, 44),
    (AppPasswordNeeded, 40),
    (Throttled, 40),
    (Unauthenticated, 40),
    (Forbidden, 50),
    (NotFound, 70),
)
"""Domain errors as OpenSubsonic's codes; anything else is 0, a generic error."""
_SLOW = frozenset({"stream", "getCoverArt"})
"""Calls that may wait for a decoder."""


_LISTEN = (
    *("star", "unstar", "setRating", "scrobble", "reportPlayback"),
    *("savePlayQueue", "savePlayQueueByIndex", "createBookmark", "deleteBookmark"),
)
_SCOPES = dict.fromkeys(_LISTEN, "listen") | dict.fromkeys(["createPlaylist", "updatePlaylist", "deletePlaylist"], "write")
"""What a token must be allowed to do; the rest only reads, or asks for an admin itself."""


def _code(error: SegueError) -> int:
    return next((code for kind, code in _CODES if isinstance(error, kind)), 0)


def routes(parts: Parts) -> list[HTTPRouteHandler]:
    """One handler for all of ``/rest``."""

    @route(["/rest/{endpoint:str}"], http_method=["GET", "HEAD", "POST"], include_in_schema=False, status_code=200, name="subsonic")
    async def rest(request: Request[Any, Any, Any], endpoint: str) -> Response[Any]:
        name = endpoint.removesuffix(".view")
        pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=20_000)
        try:
            if request.method == "POST" and request.content_type[0] == "application/x-www-form-urlencoded":
                pairs += parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20_000)
        except ValueError as error:
            return _answer(_wire.failed(0, str(error)), "xml", None)
        return await anyio.to_thread.run_sync(_dispatch, parts, request, name, Params(pairs), limiter=http.threads(slow=name in _SLOW))

    return [rest]


def _dispatch(parts: Parts, request: Any, name: str, params: Params) -> Any:
    format, callback = "xml", None
    try:
        format = params.text("f", "xml") or "xml"
        callback = params.text("callback")
        if format not in {"xml", "json", "jsonp"}:
            format = "xml"
        if format == "jsonp" and not (callback and _wire.is_callback(callback)):
            format = "json"
            raise MissingParameter("Format jsonp needs the parameter 'callback', a plain JavaScript name.")
        if name == "getOpenSubsonicExtensions":
            return _answer(_wire.ok(_system.get_extensions()), format, callback)
        handler = ROUTES.get(name)
        if handler is None:
            known = name in NOT_IMPLEMENTED
            message = f"{name} is not implemented here." if known else f"There is no call {name[:64]!r}."
            return _answer(_wire.failed(0, message), format, callback, status=501 if known else 404)
        listener = authenticate(parts, params, http.client_address(request))
        http.check_scope(listener, _SCOPES.get(name, "read"))
        call = Call(parts, params, listener, params.text("c", "", longest=256) or "", http.base_url(request, parts), request.scope)
        answer = handler(call)
        if answer is None or isinstance(answer, dict):
            if answer:
                _resume.mark(call, answer)
            return _answer(_wire.ok(answer), format, callback)
        return answer
    except SegueError as error:
        if isinstance(error, Unauthenticated | Throttled):
            metrics.sign_in_failures.labels("subsonic").inc()
        if isinstance(error, Unavailable):
            _log.warning("unavailable", call=name, why=str(error))
        headers = {"Retry-After": str(round(error.retry_after_s) or 1)} if isinstance(error, Throttled) else None
        return _answer(_wire.failed(_code(error), str(error)), format, callback, headers=headers)


def _answer(
    body: dict[str, Any], format: str, callback: str | None, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response[bytes]:
    content, content_type = _wire.encode(body, format, callback)
    return Response(content, status_code=status, media_type=content_type, headers={"Cache-Control": "no-store", **(headers or {})})
