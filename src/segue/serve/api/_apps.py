"""``/api/lastfm-apps``: apps that may ask listeners to be let in by the Last.fm protocol."""

from typing import Any

import msgspec
from litestar import delete, get, post

from segue.access import LastfmApp
from segue.model import Listener
from segue.parts import Parts
from segue.serve.api import _shapes as shape
from segue.serve.api._manage import ADMIN


class NewApp(msgspec.Struct):
    name: str
    callback: str | None = None
    """Where a listener who let it in is sent to."""


class AppAnswer(msgspec.Struct, kw_only=True):
    api_key: str
    name: str
    created_at: str
    callback: str | None


class AppWithSecret(AppAnswer, kw_only=True):
    secret: str


class Apps(msgspec.Struct):
    items: list[AppAnswer]


def handlers(parts: Parts) -> list[Any]:
    access = parts.accounts.lastfm

    def shown(app: LastfmApp) -> dict[str, Any]:
        return {"api_key": app.api_key, "name": app.name, "created_at": shape.instant(app.created_at) or "", "callback": app.callback}

    @get("/lastfm-apps", sync_to_thread=True, opt=ADMIN)
    def apps(me: Listener) -> Apps:
        """Apps registered here."""
        return Apps([AppAnswer(**shown(app)) for app in access.apps()])

    @post("/lastfm-apps", sync_to_thread=True, opt=ADMIN)
    def add(data: NewApp, me: Listener) -> AppWithSecret:
        """The shared secret is in this answer and nowhere else, ever."""
        app, secret = access.add_app(data.name, data.callback)
        return AppWithSecret(**shown(app), secret=secret)

    @delete("/lastfm-apps/{id:str}", sync_to_thread=True, opt=ADMIN)
    def remove(me: Listener, id: str) -> None:
        """By its key. Its sessions end; the app passwords that listeners gave it stay until they revoke them."""
        access.remove_app(id)

    return [apps, add, remove]
