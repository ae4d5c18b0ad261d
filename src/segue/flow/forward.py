"""Listens sent on to ListenBrainz and Last.fm, for those who entered a token there.

What counts as a listen, is not private, was not imported and did not come from that service is queued in the library database once
nobody has reported on it for half a minute, and sent until it is taken, each time with the same time of listening: at least once, and
repeats are known as such over there. Whatever stops the server, the queue is as it was.
"""

import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from segue.access import Vault
from segue.errors import BadRequest, Forbidden, NotFound
from segue.flow._services import Heard, Later, Never, Refused, Services, Speaker
from segue.flow.listen import Listening
from segue.library import Catalogue
from segue.model import Listener, Record
from segue.observe import get_logger
from segue.ports import Clock
from segue.state import Past
from segue.store import Database
from segue.store import schema as t
from segue.types import Instant, Ms, TrackId, UserId, base62, now

__all__ = ["Forwarder", "Forwarding", "Services"]

_log = get_logger("forward")
SERVICES = ("listenbrainz", "lastfm")
SETTLE_MS = 30_000
_POLL_S = 5.0
_BATCH = 50
"""Listens sent to one account before the next has its turn."""
_SAME_MS = 30_000
"""Two listens of one thing closer than this are one whose start was corrected."""
_KEEP_MS = 14 * 86_400_000
"""How long what was sent is remembered, and how late a listen may become known; Last.fm takes nothing older."""
_GIVE_UP_MS = 30 * 86_400_000
_FIRST_WAIT_S, _LONGEST_WAIT_S = 10.0, 3600.0
_FILL = """
INSERT OR IGNORE INTO forward_queue (user_id, service, listen_id, track_id, started_at, state, attempts, next_at)
SELECT l.user_id, :service, l.id, l.track_id, l.started_at, 'waiting', 0, 0 FROM listen l
WHERE l.user_id = :user_id AND l.id >= :low AND l.counted = 1 AND l.imported = 0 AND l.last_at <= :settled AND l.started_at >= :from_at
  AND replace(replace(lower(coalesce(l.client, '')), '.', ''), ' ', '') <> :service
  AND NOT EXISTS (SELECT 1 FROM external e WHERE e.user_id = l.user_id AND e.id = l.track_id AND e.type <> 'track')
  AND NOT EXISTS (SELECT 1 FROM forward_queue q WHERE q.user_id = l.user_id AND q.service = :service AND q.listen_id = l.id)
  AND NOT EXISTS (SELECT 1 FROM forward_queue q WHERE q.user_id = l.user_id AND q.service = :service AND q.track_id = l.track_id
                  AND q.state <> 'dropped' AND abs(q.started_at - l.started_at) < :same)
"""
_ACCOUNT, _QUEUE = t.forward_account.c, t.forward_queue.c


class Forwarding(Record, frozen=True, kw_only=True):
    """Where one listener's listens are sent on to, and how that goes. The secret is not told."""

    service: str
    url: str
    since: Instant
    """Listens that began before are not sent."""
    paused: str | None
    """Why nothing is sent until the secret is entered anew."""
    waiting: int
    sent: int
    last_sent_at: Instant | None
    trouble: str | None
    """Why the last attempt failed, while something waits."""


@dataclass(slots=True)
class _Patience:
    failures: int = 0
    next_at: int = 0


class Forwarder:
    """Synchronous; any thread may call it. ``start`` sends in the background until ``close``."""

    def __init__(
        self,
        db: Database,
        listening: Listening,
        catalogue: Catalogue,
        vault: Vault,
        services: Services,
        *,
        clock: Clock = now,
        timeout_s: float = 20.0,
    ) -> None:
        self._db = db
        self._listening = listening
        self._catalogue = catalogue
        self._vault = vault
        self._services = services
        self._clock = clock
        self._past = Past(db)
        self._speaker = Speaker(services, timeout_s=timeout_s)
        self._patience: dict[tuple[str, str], _Patience] = {}
        self._turn = threading.Lock()
        self._ending = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    # -- set up --------------------------------------------------------------------------------------------------------

    def get(self, listener: Listener, service: str) -> Forwarding:
        """Raises NotFound when nothing is sent there."""
        _known(service)
        mine = (_ACCOUNT.user_id == listener.user.id, _ACCOUNT.service == service)
        waits = (_QUEUE.user_id == listener.user.id, _QUEUE.service == service, _QUEUE.state == "waiting")
        with self._db.read() as connection:
            row = connection.execute(sa.select(t.forward_account).where(*mine)).first()
            waiting = connection.execute(sa.select(sa.func.count(), sa.func.max(_QUEUE.reason)).where(*waits)).one()
        if row is None:
            raise NotFound("forwarding", service)
        return Forwarding(
            service=service,
            url=row.url,
            since=row.created_at,
            paused=row.paused,
            waiting=waiting[0],
            sent=row.sent,
            last_sent_at=row.last_sent_at,
            trouble=waiting[1],
        )

    def put(
        self,
        listener: Listener,
        service: str,
        *,
        token: str = "",
        name: str = "",
        password: str = "",
        url: str | None = None,
        since: Instant | None = None,
    ) -> Forwarding:
        """Send this listener's listens there from now on, or from ``since`` on. What waits already is kept.

        Last.fm: a session key as ``token``, or a name and password, which are exchanged for one and forgotten. An address other than the
        server's setting is an admin's to choose. Raises BadRequest, Forbidden, Unavailable.
        """
        _known(service)
        standard = self._services.lastfm_url if service == "lastfm" else self._services.listenbrainz_url
        address = _address(url or standard)
        may_choose = listener.user.admin and not listener.scopes.isdisjoint({"admin", "*"})
        if address != _address(standard) and not may_choose:
            raise Forbidden("Only an admin may send listens to another address than the server's setting.")
        if service == "lastfm":
            if not self._services.lastfm_api_key:
                raise BadRequest("This server has no key of Last.fm: an operator sets lastfm_api_key and lastfm_secret.")
            if not token and name and password:
                token = self._speaker.lastfm_session(url or standard, name, password)
            address = url or standard
        if not token or len(token) > 512 or not token.isascii() or not token.isprintable():
            raise BadRequest("Give the token that the service shows in its settings.")
        moment = self._clock()
        start = moment if since is None else Instant(min(max(0, since), moment))
        values = {
            "user_id": listener.user.id,
            "service": service,
            "url": address,
            "sealed": self._vault.seal(token, _owner(listener.user.id, service)),
            "from_at": start,
            "paused": None,
            "sent": 0,
            "created_at": start,
        }
        again = {"url": address, "sealed": values["sealed"], "paused": None}
        if since is not None:
            again |= {"from_at": start, "created_at": start}
        statement = insert(t.forward_account).values(values)
        with self._db.write(urgent=True) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["user_id", "service"], set_=again))
        self._patience.pop((listener.user.id, service), None)
        self._wake.set()
        return self.get(listener, service)

    def remove(self, listener: Listener, service: str) -> None:
        """Send nothing more there, and forget the secret and what waits. Raises NotFound."""
        _known(service)
        with self._db.write(urgent=True) as connection:
            connection.execute(sa.delete(t.forward_queue).where(_QUEUE.user_id == listener.user.id, _QUEUE.service == service))
            gone = connection.execute(
                sa.delete(t.forward_account).where(_ACCOUNT.user_id == listener.user.id, _ACCOUNT.service == service)
            ).rowcount
        if not gone:
            raise NotFound("forwarding", service)

    # -- sent on -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Also what failed before the last stop is tried at once."""
        with self._db.write() as connection:
            connection.execute(sa.update(t.forward_queue).where(_QUEUE.state == "waiting", _QUEUE.next_at > 0).values(next_at=0))
        self._thread = threading.Thread(target=self._run, name="forward", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._speaker.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.clear()
            try:
                self.step()
            except Exception:
                if not self._ending.is_set():
                    _log.exception("forwarding_failed")
                    self._ending.wait(30)
            self._wake.wait(_POLL_S)

    def step(self) -> int:
        """Queue what has become due and send what is. Returns how many listens were taken over there."""
        if self._listening.behind():
            return 0
        sent = 0
        with self._turn:
            with self._db.read() as connection:
                accounts = list(connection.execute(sa.select(t.forward_account).where(_ACCOUNT.paused.is_(None))))
            for account in accounts:
                self._fill(account)
                patience = self._patience.setdefault((account.user_id, account.service), _Patience())
                if patience.next_at <= self._clock():
                    sent += self._empty(account, patience)
        return sent

    def _fill(self, account: Any) -> None:
        """A write only when something is due: most looks find nothing."""
        moment = self._clock()
        values = {
            "service": account.service,
            "user_id": account.user_id,
            "low": base62(max(0, account.from_at) << 80),
            "from_at": account.from_at,
            "settled": moment - SETTLE_MS,
            "same": _SAME_MS,
        }
        some = _FILL[_FILL.index("SELECT") :] + " LIMIT 1"
        with self._db.read() as connection:
            due = connection.execute(sa.text(some), values).first()
        oldest = moment - _KEEP_MS
        if due is None and account.from_at >= oldest - 86_400_000:
            return
        with self._db.write() as connection:
            connection.execute(sa.text(_FILL), values)
            if account.from_at < oldest:
                mine = (_ACCOUNT.user_id == account.user_id, _ACCOUNT.service == account.service)
                connection.execute(sa.update(t.forward_account).where(*mine).values(from_at=oldest))
                done = (_QUEUE.user_id == account.user_id, _QUEUE.service == account.service, _QUEUE.state != "waiting")
                connection.execute(sa.delete(t.forward_queue).where(*done, _QUEUE.started_at < oldest - 86_400_000))

    def _empty(self, account: Any, patience: _Patience) -> int:
        secret = self._vault.open(account.sealed, _owner(account.user_id, account.service))
        if secret is None:
            self._pause(account, "The secret can no longer be read: enter it again.")
            return 0
        sent = 0
        for row in self._due(account):
            if self._ending.is_set():
                break
            try:
                heard = self._heard(account.user_id, row)
                self._speaker.send(account.service, account.url, secret, heard)
            except Never as error:
                _log.warning("listen_dropped", service=account.service, listen=row.listen_id, why=str(error))
                self._settle(row, "dropped", str(error))
            except Refused as error:
                self._pause(account, f"{account.service} refused: {error}. Check the address, and enter the token again.")
                break
            except Later as error:
                self._put_off(row, patience, error)
                break
            else:
                self._settle(row, "sent", None)
                patience.failures = 0
                sent += 1
        return sent

    def _due(self, account: Any) -> list[Any]:
        mine = (_QUEUE.user_id == account.user_id, _QUEUE.service == account.service, _QUEUE.state == "waiting")
        statement = sa.select(t.forward_queue).where(*mine, _QUEUE.next_at <= self._clock())
        with self._db.read() as connection:
            return list(connection.execute(statement.order_by(_QUEUE.attempts, _QUEUE.listen_id).limit(_BATCH)))

    def _heard(self, user_id: UserId, row: Any) -> Heard:
        """As it is known now. Raises Never when it was deleted, or is of nothing any more."""
        statement = sa.select(t.listen.c.track_id, t.listen.c.client).where(t.listen.c.user_id == user_id, t.listen.c.id == row.listen_id)
        with self._db.read() as connection:
            listen = connection.execute(statement).first()
        if listen is None:
            raise Never("It was deleted or corrected meanwhile.")
        track = self._catalogue.tracks([TrackId(listen.track_id)]).get(TrackId(listen.track_id))
        if track is not None:
            isrc = track.isrc[0] if track.isrc else None
            found = Heard(
                track.artist, track.title, track.release, row.started_at, track.duration_ms or None, track.mbid, isrc, listen.client
            )
        else:
            other = self._past.external(user_id, listen.track_id)
            if other is None:
                raise Never("It is of a track that is gone.")
            found = Heard(other.artist, other.title, other.album, row.started_at, None, None, None, listen.client)
        if not found.artist.strip() or not found.title.strip():
            raise Never("It has no artist or no title.")
        return found

    def _settle(self, row: Any, state: str, reason: str | None) -> None:
        with self._db.write() as connection:
            connection.execute(sa.update(t.forward_queue).where(*_this(row)).values(state=state, reason=reason))
            if state == "sent":
                mine = (_ACCOUNT.user_id == row.user_id, _ACCOUNT.service == row.service)
                connection.execute(
                    sa.update(t.forward_account).where(*mine).values(sent=t.forward_account.c.sent + 1, last_sent_at=self._clock())
                )

    def _put_off(self, row: Any, patience: _Patience, error: Later) -> None:
        moment = self._clock()
        if moment - row.started_at > _GIVE_UP_MS and row.attempts > 10:
            _log.warning("listen_dropped", service=row.service, listen=row.listen_id, why=f"given up: {error}")
            self._settle(row, "dropped", str(error))
            return
        patience.failures += 1
        patience.next_at = moment + _wait_ms(patience.failures, error.after_s)
        _log.info("forwarding_put_off", service=row.service, why=str(error), failures=patience.failures)
        values = {"attempts": row.attempts + 1, "next_at": moment + _wait_ms(row.attempts + 1, error.after_s), "reason": str(error)}
        with self._db.write() as connection:
            connection.execute(sa.update(t.forward_queue).where(*_this(row)).values(values))

    def _pause(self, account: Any, why: str) -> None:
        _log.warning("forwarding_paused", service=account.service, user=account.user_id, why=why)
        mine = (_ACCOUNT.user_id == account.user_id, _ACCOUNT.service == account.service, _ACCOUNT.sealed == account.sealed)
        with self._db.write() as connection:
            connection.execute(sa.update(t.forward_account).where(*mine).values(paused=why))


def _known(service: str) -> None:
    if service not in SERVICES:
        raise NotFound("service", service[:32])


def _owner(user_id: UserId, service: str) -> str:
    return f"forward {service} {user_id}"


def _this(row: Any) -> tuple[sa.ColumnElement[bool], ...]:
    return (_QUEUE.user_id == row.user_id, _QUEUE.service == row.service, _QUEUE.listen_id == row.listen_id)


def _wait_ms(failures: int, at_least_s: float) -> Ms:
    doubled = _FIRST_WAIT_S * 2 ** min(failures - 1, 12)
    return Ms(round(max(min(doubled, _LONGEST_WAIT_S), at_least_s) * 1000))


def _address(url: str) -> str:
    """Without a trailing slash or ``/1``. Raises BadRequest for what is no address of a server."""
    try:
        parts = urlsplit(url)
        fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        fit = False
    if not fit or len(url) > 500 or not url.isascii() or not url.isprintable() or " " in url:
        raise BadRequest("An address is whole: https://api.listenbrainz.org.")
    return url.rstrip("/").removesuffix("/1")
