"""How a listen is told to ListenBrainz and to Last.fm, and what their answers mean: taken, never, later, or not with this secret."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from segue import __version__
from segue.errors import BadRequest, SegueError, Unavailable
from segue.types import Instant, Ms

if TYPE_CHECKING:
    import httpx

_MOST_BYTES = 1 << 16
"""Of an answer, read."""
_LONGEST_S = 60.0
"""However slowly an answer trickles."""
_LASTFM_SECRET = frozenset({4, 9, 10, 13, 14, 15, 26})
"""Last.fm's error codes of sessions, keys and signatures."""
_LASTFM_LATER = frozenset({8, 11, 16, 29})
_LASTFM_SHORTEST_MS = 30_000


class Later(SegueError):
    """Not now: the network, a fault over there, too many requests. ``after_s``: not before."""

    def __init__(self, why: str, after_s: float = 0) -> None:
        super().__init__(why)
        self.after_s = after_s


class Never(SegueError):
    """This listen is not wanted there, however often it is sent."""


class Refused(SegueError):
    """Nothing is wanted there until a person has looked at it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A listen as others want it told."""

    artist: str
    title: str
    album: str | None
    started_at: Instant
    duration_ms: Ms | None
    mbid: str | None
    isrc: str | None
    client: str | None


@dataclass(frozen=True, slots=True)
class Services:
    """Where they are, and as which application one speaks to Last.fm."""

    listenbrainz_url: str = "https://api.listenbrainz.org"
    lastfm_url: str = "https://ws.audioscrobbler.com/2.0/"
    lastfm_api_key: str = ""
    lastfm_secret: str = ""


class Speaker:
    """Sends one listen at a time. Addresses are followed nowhere else; answers are read up to a bound."""

    def __init__(self, services: Services, *, timeout_s: float = 20.0) -> None:
        self._services = services
        self._timeout_s = timeout_s

    @cached_property
    def _http(self) -> "httpx.Client":
        """Made for the first listen that is sent: many a server sends none."""
        import httpx

        headers = {"User-Agent": f"Segue/{__version__}", "Accept": "application/json"}
        return httpx.Client(timeout=self._timeout_s, follow_redirects=False, headers=headers)

    def close(self) -> None:
        if "_http" in self.__dict__:
            self._http.close()

    def send(self, service: str, url: str, secret: str, heard: Heard) -> None:
        """Returns once it was taken. Raises Later, Never, Refused."""
        if service == "lastfm":
            self._to_lastfm(url, secret, heard)
        else:
            self._to_listenbrainz(url, secret, heard)

    def _to_listenbrainz(self, url: str, secret: str, heard: Heard) -> None:
        info = {
            "submission_client": "Segue",
            "submission_client_version": __version__,
            "media_player": heard.client,
            "duration_ms": heard.duration_ms,
            "recording_mbid": heard.mbid,
            "isrc": heard.isrc,
        }
        metadata: dict[str, Any] = {"artist_name": heard.artist, "track_name": heard.title, "additional_info": _known(info)}
        if heard.album:
            metadata["release_name"] = heard.album
        body = {"listen_type": "single", "payload": [{"listened_at": heard.started_at // 1000, "track_metadata": metadata}]}
        headers = {"Authorization": f"Token {secret}", "Content-Type": "application/json"}
        answer = self._post(f"{url}/1/submit-listens", content=msgspec.json.encode(body), headers=headers)
        if answer.get("status") != "ok":
            raise Later("It answered, but not as ListenBrainz does.")

    def _to_lastfm(self, url: str, secret: str, heard: Heard) -> None:
        if heard.duration_ms and heard.duration_ms < _LASTFM_SHORTEST_MS:
            raise Never("Last.fm takes nothing shorter than 30 s.")
        told = {
            "artist": heard.artist,
            "track": heard.title,
            "timestamp": str(heard.started_at // 1000),
            "album": heard.album,
            "duration": str(heard.duration_ms // 1000) if heard.duration_ms else None,
            "mbid": heard.mbid,
        }
        answer = self._lastfm(url, "track.scrobble", {**_known(told), "sk": secret})
        scrobbles = _inner(answer, "scrobbles")
        if not scrobbles:
            raise Later("It answered, but not as Last.fm does.")
        if str(_inner(scrobbles, "@attr").get("ignored") or "0") != "0":
            why = _inner(_inner(scrobbles, "scrobble"), "ignoredMessage")
            if str(why.get("code")) == "5":
                raise Later("Last.fm's limit of a day is reached.", 3600)
            raise Never(f"Last.fm ignored it: {why.get('#text') or why.get('code') or 'it did not say why'}"[:300])

    def lastfm_session(self, url: str, name: str, password: str) -> str:
        """A session key for a listener's name and password, which are not kept. Raises BadRequest, Unavailable."""
        try:
            answer = self._lastfm(url, "auth.getMobileSession", {"username": name, "password": password})
            return str(_inner(answer, "session")["key"])
        except (Refused, Never) as error:
            raise BadRequest(f"Last.fm refused: {error}") from error
        except (Later, KeyError) as error:
            raise Unavailable(f"Last.fm does not answer as it should: {error}. Try again later.") from error

    def _lastfm(self, url: str, method: str, told: Mapping[str, str]) -> dict[str, Any]:
        signed = {**told, "method": method, "api_key": self._services.lastfm_api_key}
        text = "".join(f"{name}{signed[name]}" for name in sorted(signed)) + self._services.lastfm_secret
        signature = hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
        clean = {name: value.encode("utf-8", "replace").decode() for name, value in signed.items()}
        return self._post(url, data={**clean, "api_sig": signature, "format": "json"}, lastfm=True)

    def _post(self, url: str, *, lastfm: bool = False, **more: Any) -> dict[str, Any]:
        status, headers, body = self._exchange(url, more)
        try:
            found = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            found = None
        answer: dict[str, Any] = found if isinstance(found, dict) else {}
        said = f"{status} {str(answer.get('message' if lastfm else 'error') or '')[:200]}".strip()
        code = answer.get("error")
        if lastfm and isinstance(code, int):
            if code in _LASTFM_LATER:
                raise Later(said, _after(headers))
            raise (Refused if code in _LASTFM_SECRET else Never)(f"{code}: {str(answer.get('message') or '')[:200]}")
        if status < 300:
            return answer
        if status in {408, 425, 429} or status >= 500:
            raise Later(said, _after(headers))
        if status < 400 or status in {401, 403, 404, 405}:
            raise Refused(said)
        raise Never(said)

    def _exchange(self, url: str, more: dict[str, Any]) -> "tuple[int, httpx.Headers, bytes]":
        import httpx

        until = time.monotonic() + _LONGEST_S
        body = b""
        try:
            with self._http.stream("POST", url, **more) as answer:
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES or time.monotonic() > until:
                        break
                return answer.status_code, answer.headers, body
        except httpx.InvalidURL as error:
            raise Refused(f"The address cannot be used: {error}") from error
        except (httpx.HTTPError, OSError) as error:
            raise Later(f"{type(error).__name__}: {error}"[:300]) from error


def _inner(outer: dict[str, Any], name: str) -> dict[str, Any]:
    found = outer.get(name)
    return found if isinstance(found, dict) else {}


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _after(headers: Mapping[str, str]) -> float:
    """Seconds for which the other side wants to be left alone; 0 where it does not say."""
    for name in ("retry-after", "x-ratelimit-reset-in"):
        text = headers.get(name, "")
        if text.isascii() and text.isdigit():
            return min(float(text[:6]), 86_400.0)
    return 0.0
