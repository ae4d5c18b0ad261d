"""What each method does. Names of things are matched to the library; what is not there is heard all the same."""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from segue.access import LastfmApp, NotApproved
from segue.errors import Unauthenticated
from segue.model import Listener, PastPlay, Subject
from segue.serve import http
from segue.serve.lastfm import _wire as wire
from segue.serve.lastfm._call import Call
from segue.serve.lastfm._wire import LastfmError
from segue.types import Instant, Ms, TrackId

MOST = 50
"""Scrobbles a call, as Last.fm has it."""
_OLDEST_S = 946_684_800
"""2000-01-01: before it, a clock that was never set."""
_AHEAD_S = 600
"""How much an app's clock may be fast: a guess."""
_INDEXED = re.compile(r"(artist|track|timestamp|album|albumArtist|duration|mbid)\[([0-9]{1,3})\]\Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_IGNORED = {0: "", 1: "Artist was ignored", 2: "Track was ignored", 3: "Timestamp was too old", 4: "Timestamp was too new"}


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one entry names."""

    artist: str
    track: str
    album: str
    album_artist: str
    mbid: str | None
    duration_ms: Ms | None

    @property
    def ignored(self) -> int:
        return 1 if not self.artist else 2 if not self.track else 0

    def found(self, call: Call, listener: Listener) -> TrackId | None:
        return call.parts.history.find_track(
            listener, artist=self.artist, title=self.track, album=self.album or None, mbid=self.mbid, duration_ms=self.duration_ms
        )

    def answer(self, ignored: int, **more: str) -> dict[str, Any]:
        said = {"artist": self.artist, "album": self.album, "track": self.track, "albumArtist": self.album_artist}
        shown = {name: {"corrected": "0", "#text": text} for name, text in said.items()}
        return {**shown, **more, "ignoredMessage": {"code": str(ignored), "#text": _IGNORED[ignored]}}


def _heard(call: Call, suffix: str = "") -> _Heard:
    text = call.params.text
    seconds, mbid = text(f"duration{suffix}"), text(f"mbid{suffix}")
    known = seconds.isascii() and seconds.isdigit() and 0 < len(seconds) < 6
    return _Heard(
        artist=text(f"artist{suffix}"),
        track=text(f"track{suffix}"),
        album=text(f"album{suffix}"),
        album_artist=text(f"albumArtist{suffix}"),
        mbid=mbid.lower() if _UUID.match(mbid) else None,
        duration_ms=Ms(int(seconds) * 1000) if known and int(seconds) else None,
    )


# -- who asks --------------------------------------------------------------------------------------------------------


def _session(name: str, key: str) -> dict[str, Any]:
    return {"session": {"name": name, "key": key, "subscriber": 0}}


def get_mobile_session(call: Call) -> dict[str, Any]:
    """With one of the listener's app passwords; the login password serves no app."""
    auth_token = call.params.text("authToken") or None
    listener = call.parts.accounts.authenticate_app(
        call.params.need("username"),
        password=None if auth_token else call.params.need("password"),
        auth_token=auth_token,
        address=call.address,
        client=call.client,
    )
    http.check_scope(listener, "listen")
    return _session(listener.user.name, call.parts.accounts.lastfm.open_session(listener, call.api_key))


def _registered(call: Call) -> LastfmApp:
    if call.app is None:
        message = "This app is not registered here. An admin can do that; or sign in with an app password (auth.getMobileSession)."
        raise LastfmError(wire.INVALID_API_KEY, message)
    return call.app


def get_token(call: Call) -> dict[str, Any]:
    return {"token": call.parts.accounts.lastfm.ask(_registered(call).api_key)}


def get_session(call: Call) -> dict[str, Any]:
    app = _registered(call)
    try:
        listener, key = call.parts.accounts.lastfm.redeem(call.params.need("token"), app.api_key, call.address)
    except NotApproved as error:
        raise LastfmError(wire.NOT_AUTHORIZED, str(error)) from error
    except Unauthenticated as error:
        raise LastfmError(wire.AUTHENTICATION_FAILED, str(error)) from error
    return _session(listener.user.name, key)


def get_info(call: Call) -> dict[str, Any]:
    """Of oneself only."""
    listener = call.listener("read")
    user = listener.user
    if call.params.text("user") and call.params.text("user").casefold() != user.name.casefold():
        raise LastfmError(wire.INVALID_PARAMETERS, "There is no such user, or it is not you.")
    registered = user.created_at // 1000
    return {
        "user": {
            "name": user.name,
            "realname": "",
            "url": f"{call.base_url}/",
            "image": [],
            "country": "",
            "subscriber": "0",
            "type": "user",
            "playcount": str(call.parts.history.count(listener)),
            "registered": {"unixtime": str(registered), "#text": registered},
        }
    }


# -- what was heard --------------------------------------------------------------------------------------------------


def update_now_playing(call: Call) -> dict[str, Any]:
    """A track of the library is shown as playing; another is only answered."""
    listener = call.listener("listen")
    call.params.need("artist")
    call.params.need("track")
    heard = _heard(call)
    track = heard.found(call, listener)
    if track is not None:
        call.parts.listening.scrobble(listener, track, submission=False, client=call.client)
    return {"nowplaying": heard.answer(0)}


def scrobble(call: Call) -> dict[str, Any]:
    """Up to 50 plays, each by its names and the second it began. Repeating is harmless."""
    listener = call.listener("listen")
    entries = [(_heard(call, suffix), _seconds(call, suffix)) for suffix in _suffixes(call)]
    latest = time.time() + _AHEAD_S
    answers, plays = [], []
    for heard, seconds in entries:
        ignored = heard.ignored or (3 if seconds < _OLDEST_S else 4 if seconds > latest else 0)
        answers.append(heard.answer(ignored, timestamp=str(seconds)))
        if not ignored:
            plays.append(_play(call, heard, seconds))
    call.parts.history.submit(listener, plays)
    counts = {"accepted": len(plays), "ignored": len(answers) - len(plays)}
    return {"scrobbles": {"scrobble": answers[0] if len(answers) == 1 else answers, "@attr": counts}}


def _suffixes(call: Call) -> list[str]:
    """Of the entries there are: empty for names without an index, else ``[0]``, ``[1]``… Raises error 6 for none or too many."""
    numbers = {int(match[2]) for name in call.params.values if (match := _INDEXED.match(name))}
    suffixes = [f"[{number}]" for number in sorted(numbers)] or [""]
    if len(suffixes) > MOST:
        raise LastfmError(wire.INVALID_PARAMETERS, f"At most {MOST} scrobbles a call.")
    for suffix in suffixes:
        for name in ("artist", "track", "timestamp"):
            if f"{name}{suffix}" not in call.params.values:
                raise LastfmError(wire.INVALID_PARAMETERS, f"The parameter {name}{suffix} is missing.")
    return suffixes


def _seconds(call: Call, suffix: str) -> int:
    text = call.params.text(f"timestamp{suffix}")
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise LastfmError(wire.INVALID_PARAMETERS, f"timestamp{suffix} is the second since 1970 at which the track began.")
    return int(text)


def _play(call: Call, heard: _Heard, seconds: int) -> PastPlay:
    named = "\0".join((str(seconds), heard.artist, heard.track)).encode("utf-8", "replace")
    return PastPlay(
        service=call.client,
        entry_id=f"lastfm:{hashlib.blake2b(named, digest_size=20).hexdigest()}",
        started_at=Instant(seconds * 1000),
        artist=heard.artist,
        title=heard.track,
        album=heard.album or None,
        mbid=heard.mbid,
        duration_ms=heard.duration_ms,
    )


def love(call: Call) -> dict[str, Any]:
    return _judge(call, call.parts.listening.like)


def unlove(call: Call) -> dict[str, Any]:
    return _judge(call, call.parts.listening.unlike)


def _judge(call: Call, tell: Callable[..., None]) -> dict[str, Any]:
    """Of a track of the library; of another, it is answered and forgotten."""
    listener = call.listener("listen")
    call.params.need("artist")
    call.params.need("track")
    track = _heard(call).found(call, listener)
    if track is not None:
        tell(listener, [Subject(type="track", id=track)], client=call.client)
    return {}


METHODS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "auth.getmobilesession": get_mobile_session,
    "auth.gettoken": get_token,
    "auth.getsession": get_session,
    "user.getinfo": get_info,
    "track.updatenowplaying": update_now_playing,
    "track.scrobble": scrobble,
    "track.love": love,
    "track.unlove": unlove,
}
"""In lower case: Last.fm takes them in any."""
