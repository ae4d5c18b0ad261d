"""Who may come in by the Last.fm protocol: apps registered here, approvals in the browser, and session keys.

A session key belongs to one app password: revoking that ends it. It is kept as a keyed hash. An app registered here has a shared secret,
kept encrypted, which its calls are signed with. Approvals wait in memory: after a restart, the app asks again.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from segue.access._secrets import Vault, new_secret
from segue.access._throttle import Throttle
from segue.errors import BadRequest, NotFound, Unauthenticated, Unavailable
from segue.model import Listener, Record, Token
from segue.ports import Clock
from segue.store import Database, schema
from segue.types import Instant, TokenId, UserId

LONGEST_KEY = 64
"""Characters of an app's key."""
_MOST_APPS = 100
_MOST_SESSIONS = 50
"""Of one app password, the latest: an app that asks for another at each start keeps its own."""
_MOST_WAITING = 1_000
_WAITING_MS = 3_600_000
_SCOPES = ("read", "listen")


class LastfmApp(Record, frozen=True, kw_only=True):
    """An app registered here. Its shared secret is shown once and read only to check signatures."""

    api_key: str
    name: str
    created_at: Instant
    callback: str | None = None
    """Where a listener who let it in is sent to; None: nowhere."""


class NotApproved(Unauthenticated):
    """The listener has not approved the app yet."""


@dataclass(slots=True)
class _Waiting:
    api_key: str
    at: Instant
    token_id: TokenId | None = None


class LastfmAccess:
    """Synchronous, safe from any thread. ``through`` makes a listener of a row of table ``token``."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        throttle: Throttle,
        clock: Clock,
        *,
        through: Callable[[Any, str | None], Listener],
        create_token: Callable[..., tuple[Token, str]],
    ) -> None:
        self._db = db
        self._vault = vault
        self._throttle = throttle
        self._clock = clock
        self._through = through
        self._create_token = create_token
        self._lock = threading.Lock()
        self._waiting: OrderedDict[bytes, _Waiting] = OrderedDict()

    # -- apps --------------------------------------------------------------------------------------------------------

    def add_app(self, name: str, callback: str | None = None) -> tuple[LastfmApp, str]:
        """An app and its shared secret, shown this once. Raises BadRequest (no name, an unfit address, too many)."""
        name = "".join(c for c in name.strip() if c.isprintable())[:64]
        if not name:
            raise BadRequest("Give the app a name.")
        if callback is not None:
            _check_callback(callback)
        app = LastfmApp(api_key=secrets.token_hex(16), name=name, created_at=self._clock(), callback=callback)
        secret = secrets.token_hex(16)
        t = schema.lastfm_app
        with self._db.write(urgent=True) as connection:
            if (connection.execute(sa.select(sa.func.count()).select_from(t)).scalar() or 0) >= _MOST_APPS:
                raise BadRequest(f"There are {_MOST_APPS} apps already: remove some.")
            sealed = self._vault.seal(secret, app.api_key)
            row = {"api_key": app.api_key, "name": name, "sealed": sealed, "created_at": app.created_at, "callback": callback}
            connection.execute(t.insert().values(**row))
        return app, secret

    def apps(self) -> tuple[LastfmApp, ...]:
        t = schema.lastfm_app
        with self._db.read() as connection:
            return tuple(_app(row) for row in connection.execute(sa.select(t).order_by(t.c.created_at, t.c.api_key)))

    def remove_app(self, api_key: str) -> None:
        """With its sessions. Raises NotFound."""
        with self._db.write(urgent=True) as connection:
            if not connection.execute(schema.lastfm_app.delete().where(schema.lastfm_app.c.api_key == api_key)).rowcount:
                raise NotFound("app", api_key)
            connection.execute(schema.lastfm_session.delete().where(schema.lastfm_session.c.api_key == api_key))

    def app(self, api_key: str) -> tuple[LastfmApp, str] | None:
        """A registered app and the secret its calls are signed with; None for any other."""
        with self._db.read() as connection:
            row = connection.execute(sa.select(schema.lastfm_app).where(schema.lastfm_app.c.api_key == api_key)).first()
        if row is None:
            return None
        secret = self._vault.open(row.sealed, row.api_key)
        if secret is None:
            raise Unavailable("The server's key has changed: register this app again.")
        return _app(row), secret

    # -- approvals ---------------------------------------------------------------------------------------------------

    def ask(self, api_key: str) -> str:
        """A token to be approved within the hour. Raises Unavailable when too many wait."""
        token, at = new_secret(""), self._clock()
        with self._lock:
            for key in [key for key, one in self._waiting.items() if not 0 <= at - one.at < _WAITING_MS]:
                del self._waiting[key]
            if len(self._waiting) >= _MOST_WAITING:
                raise Unavailable("Too many apps wait for an approval. Try again later.")
            self._waiting[self._vault.lookup(token)] = _Waiting(api_key, at)
        return token

    def asked_by(self, token: str, api_key: str) -> LastfmApp:
        """Which app waits for an approval of ``token``. Raises NotFound for one that is unknown, too old, or approved already."""
        with self._lock:
            waiting = self._found(token, api_key)
            if waiting is None or waiting.token_id is not None:
                raise NotFound("request of an app")
        known = self.app(api_key)
        if known is None:
            raise NotFound("request of an app")
        return known[0]

    def sent_back(self, api_key: str, callback: str) -> LastfmApp:
        """The app that may have its listeners sent to ``callback`` (empty: to the address it is registered with). Raises NotFound."""
        known = self.app(api_key)
        if known is None or known[0].callback is None or callback not in ("", known[0].callback):
            raise NotFound("app with this address to come back to")
        return known[0]

    def approve(self, token: str, api_key: str, user_id: UserId) -> LastfmApp:
        """Let the app in as this user: it gets an app password of its own, by which it is revoked. Raises NotFound, BadRequest."""
        app = self.asked_by(token, api_key)
        made, _ = self._create_token(user_id, app.name, kind="app", scopes=_SCOPES)
        with self._lock:
            waiting = self._found(token, api_key)
            if waiting is not None and waiting.token_id is None:
                waiting.token_id = made.id
                return app
        with self._db.write(urgent=True) as connection:  # approved twice at once: the other one stands
            connection.execute(schema.token.delete().where(schema.token.c.id == made.id))
        raise NotFound("request of an app")

    def redeem(self, token: str, api_key: str, address: str) -> tuple[Listener, str]:
        """Who approved ``token``, and a session key; works once. Raises NotApproved, Unauthenticated, Throttled."""
        account = self._account(token)
        self._throttle.check(account, address)
        with self._lock:
            waiting = self._found(token, api_key)
            if waiting is not None and waiting.token_id is not None:
                del self._waiting[self._vault.lookup(token)]
        if waiting is None:
            self._throttle.failed(account, address)
            raise Unauthenticated("This token is unknown, used or older than an hour. Ask for another.")
        if waiting.token_id is None:
            raise NotApproved("This token is not approved yet. Open /api/auth/ with it, signed in.")
        with self._db.read() as connection:
            row = connection.execute(sa.select(schema.token).where(schema.token.c.id == waiting.token_id)).first()
        if row is None:
            raise Unauthenticated("The app's password was revoked.")
        self._throttle.succeeded(account, address)
        listener = self._through(row, None)
        return listener, self.open_session(listener, api_key)

    def _found(self, token: str, api_key: str) -> _Waiting | None:
        one = self._waiting.get(self._vault.lookup(token[:256]))
        return one if one is not None and one.api_key == api_key and 0 <= self._clock() - one.at < _WAITING_MS else None

    # -- sessions ----------------------------------------------------------------------------------------------------

    def open_session(self, listener: Listener, api_key: str) -> str:
        """A session key for this app, under the app password that ``listener`` came with."""
        key, t = new_secret(""), schema.lastfm_session
        row = {"lookup": self._vault.lookup(key), "user_id": listener.user.id, "token_id": listener.token_id, "api_key": api_key}
        with self._db.write(urgent=True) as connection:
            connection.execute(t.insert().values(**row, created_at=self._clock()))
            latest = sa.select(t.c.lookup).where(t.c.token_id == listener.token_id).order_by(sa.text("rowid DESC")).limit(_MOST_SESSIONS)
            connection.execute(t.delete().where(t.c.token_id == listener.token_id, t.c.lookup.not_in(latest)))
        return key

    def listener(self, key: str, api_key: str, *, address: str, client: str | None = None) -> Listener:
        """Who a session key belongs to, when it was given to this app. Raises Unauthenticated, Throttled."""
        account = self._account(key)
        self._throttle.check(account, address)
        t = schema.lastfm_session
        query = sa.select(schema.token).join(t, t.c.token_id == schema.token.c.id)
        with self._db.read() as connection:
            row = connection.execute(query.where(t.c.lookup == self._vault.lookup(key[:256]), t.c.api_key == api_key)).first()
        if row is None:
            self._throttle.failed(account, address)
            raise Unauthenticated("This session key is not known: its app password was revoked, or it is another app's. Sign in again.")
        self._throttle.succeeded(account, address)
        return self._through(row, client)

    def _account(self, secret: str) -> str:
        return f"secret {self._vault.lookup(secret[:256]).hex()[:32]}"


def _app(row: Any) -> LastfmApp:
    return LastfmApp(api_key=row.api_key, name=row.name, created_at=row.created_at, callback=row.callback)


def _check_callback(address: str) -> None:
    try:
        parts = urlsplit(address)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.username is None and "#" not in address and parts.port != 0
    except ValueError:
        sound = False
    if not sound or len(address) > 500 or not all(" " < character < "\x7f" for character in address):
        raise BadRequest(
            "Give the whole address the app waits at, such as https://app.example.org/back: http or https, in ASCII, without #."
        )
