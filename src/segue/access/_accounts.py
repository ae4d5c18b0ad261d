"""Accounts, sessions, tokens and grants: who may come in, and which libraries exist for them.

The login password (argon2id) is for signing in to the player, and never serves an app. Each app has a secret of its own. Grants are
decided in :meth:`Accounts.listener` and nowhere else; an admin manages every library and hears those granted to them, like anyone.
"""

import hashlib
import hmac
import secrets
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from segue.access._lastfm import LastfmAccess
from segue.access._secrets import Vault, new_secret
from segue.access._throttle import Throttle
from segue.errors import AppPasswordNeeded, BadRequest, Conflict, NotFound, Unauthenticated, Unavailable
from segue.model import Listener, Token, User
from segue.ports import Clock
from segue.store import Database, schema
from segue.types import Instant, LibraryId, TokenId, UserId, new_id, now

SCOPES = ("read", "listen", "write", "admin")
DEFAULT_SCOPES = ("read", "listen", "write")
_APP_SENTENCE = (
    "Wrong user name or app password. Apps need an app password, not the one for signing in: "
    "make one in the player under Settings, Connect an app."
)
_IDLE_MS = 30 * 86_400_000
_ABSOLUTE_MS = 365 * 86_400_000
_TOUCH_MS = 60_000
_MOST_TOKENS = 100
LONGEST_TOKEN_S = 10 * 366 * 86_400
_HASHING_AT_ONCE = 2
_HASHING_WAITING = 8
_LONGEST_APP_WAIT_S = 30.0
"""Shorter than for signing in: a forgotten app that retries with a revoked secret must not keep the household's new ones waiting for long,
and nobody guesses 190 bits."""


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """A listener's settings of the player."""

    autoplay: bool = True
    discovery: float = msgspec.field(default=0.3)
    replaygain: Literal["track", "album", "off"] = "track"
    crossfade_s: float = 0
    max_bitrate_kbps: int | None = None
    transcode_format: Literal["opus", "mp3", "aac", "flac"] = "opus"
    theme: Literal["system", "light", "dark"] = "system"
    timezone: str | None = None
    """An IANA name: by whose clock hours and days of an imported history count. None: nobody said."""

    def __post_init__(self) -> None:
        if not 0 <= self.discovery <= 1:
            raise ValueError("discovery must lie between 0 and 1")
        if not 0 <= self.crossfade_s <= 12:
            raise ValueError("crossfade_s must lie between 0 and 12")
        if self.max_bitrate_kbps is not None and not 32 <= self.max_bitrate_kbps <= 2000:
            raise ValueError("max_bitrate_kbps must lie between 32 and 2000")
        if self.timezone is not None:
            try:
                zone_of(self.timezone)
            except BadRequest as error:
                raise ValueError(str(error)) from error


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises BadRequest where there is none of that name."""
    try:
        if not 1 <= len(name) <= 64:
            raise ValueError
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadRequest(f"There is no time zone {name[:64]!r}. Give one such as Europe/Berlin.") from error


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session: ``cookie`` is its secret, known only now; ``csrf`` must come with every unsafe request."""

    cookie: str
    csrf: str
    user: User
    expires_at: Instant


_DECOY = "$argon2id$v=19$m=65536,t=3,p=4$YvNoH9CUa/p2qA5PaFg4hA$3pC/2I6DJ9+KSbhbajpxw9V9dHU2OH0NYzBcukogovk"
"""Of a password that nobody knows: what a guess at a user who does not exist is held against, for as long."""


@dataclass(frozen=True, slots=True)
class Session:
    user: User
    csrf: str


class Accounts:
    """Synchronous, safe from any thread."""

    def __init__(self, db: Database, key_file: Path, clock: Clock = now, *, hasher: PasswordHasher | None = None) -> None:
        self._db = db
        self._clock = clock
        self._vault = Vault(key_file)
        self._hasher = hasher or PasswordHasher()  # argon2id, RFC 9106's second recommendation
        self._hashing = threading.BoundedSemaphore(_HASHING_AT_ONCE)  # 64 MiB each: a flood of guesses must not take the memory
        self._places = threading.BoundedSemaphore(_HASHING_AT_ONCE + _HASHING_WAITING)  # nor all threads
        self._decoy = _DECOY if hasher is None else hasher.hash(secrets.token_urlsafe())
        self._sealed_decoy = self._vault.seal(new_secret("seg"), "")
        self._sign_in_throttle = Throttle(clock)
        self._app_throttle = Throttle(clock, longest_s=_LONGEST_APP_WAIT_S)
        self.lastfm = LastfmAccess(db, self._vault, self._app_throttle, clock, through=self._through, create_token=self.create_token)

    # -- users -------------------------------------------------------------------------------------------------------

    def add_user(self, name: str, password: str, *, admin: bool = False) -> User:
        """Raises BadRequest (name or password unfit), Conflict (name taken, whatever its case)."""
        name = _checked_name(name)
        hashed = self._hash(password)
        user = User(id=UserId(new_id()), name=name, admin=admin, created_at=self._clock())
        with self._db.write(urgent=True) as connection:
            row = {"id": user.id, "name": name, "name_folded": name.casefold(), "password_hash": hashed}
            taken = connection.execute(sa.select(schema.user.c.id).where(schema.user.c.name_folded == name.casefold())).first()
            if taken:
                raise Conflict(f"There is a user {name!r} already.")
            connection.execute(schema.user.insert().values(**row, admin=int(admin), preferences="{}", created_at=user.created_at))
        return user

    def create_first_admin(self) -> tuple[str, str] | None:
        """``admin`` with a generated password if there is no user at all; otherwise None."""
        if self.users():
            return None
        password = "-".join(secrets.token_hex(2) for _ in range(4))
        return self.add_user("admin", password, admin=True).name, password

    def users(self) -> tuple[User, ...]:
        with self._db.read() as connection:
            return tuple(_user(row) for row in connection.execute(sa.select(schema.user).order_by(schema.user.c.name_folded)))

    def user(self, id: UserId) -> User:
        with self._db.read() as connection:
            row = connection.execute(sa.select(schema.user).where(schema.user.c.id == id)).first()
        if row is None:
            raise NotFound("user", id)
        return _user(row)

    def update_user(self, id: UserId, *, name: str | None = None, admin: bool | None = None, password: str | None = None) -> User:
        """All of it or nothing. With a new ``password``, their sessions end; their apps go on.

        Raises Conflict when it would leave no admin, or the name is taken; BadRequest, NotFound.
        """
        values: dict[str, Any] = {} if password is None else {"password_hash": self._hash(password)}
        with self._db.write(urgent=True) as connection:
            if admin is False:
                _keep_one_admin(connection, id)
            values |= {} if admin is None else {"admin": int(admin)}
            if name is not None:
                name = _checked_name(name)
                other = sa.select(schema.user.c.id).where(schema.user.c.name_folded == name.casefold(), schema.user.c.id != id)
                if connection.execute(other).first():
                    raise Conflict(f"There is a user {name!r} already.")
                values |= {"name": name, "name_folded": name.casefold()}
            if values:
                connection.execute(schema.user.update().where(schema.user.c.id == id).values(**values))
            if password is not None:
                connection.execute(schema.session.delete().where(schema.session.c.user_id == id))
        return self.user(id)

    def check_removable(self, id: UserId) -> None:
        """Raises NotFound, or Conflict for the only admin."""
        self.user(id)
        with self._db.read() as connection:
            _keep_one_admin(connection, id)

    def remove_user(self, id: UserId) -> None:
        """With sessions, tokens, grants, playlists and queue. The last admin cannot be removed. The event log is erased by
        ``flow.history``, before."""
        with self._db.write(urgent=True) as connection:
            if not connection.execute(sa.select(schema.user.c.id).where(schema.user.c.id == id)).first():
                raise NotFound("user", id)
            _keep_one_admin(connection, id)
            own = sa.select(schema.playlist.c.id).where(schema.playlist.c.owner_id == id, schema.playlist.c.library_id.is_(None))
            connection.execute(schema.playlist_entry.delete().where(schema.playlist_entry.c.playlist_id.in_(own)))
            connection.execute(schema.playlist.delete().where(schema.playlist.c.owner_id == id, schema.playlist.c.library_id.is_(None)))
            for table in schema.metadata.sorted_tables:
                if "user_id" not in table.c:
                    continue
                connection.execute(table.delete().where(table.c.user_id == id))
            connection.execute(schema.user.delete().where(schema.user.c.id == id))

    def set_password(self, id: UserId, password: str, *, keep_session: str | None = None) -> None:
        """Other sessions end (``keep_session`` is a cookie to keep); apps go on."""
        hashed = self._hash(password)
        with self._db.write(urgent=True) as connection:
            if not connection.execute(schema.user.update().where(schema.user.c.id == id).values(password_hash=hashed)).rowcount:
                raise NotFound("user", id)
            ended = schema.session.delete().where(schema.session.c.user_id == id)
            if keep_session:
                ended = ended.where(schema.session.c.lookup != self._vault.lookup(keep_session))
            connection.execute(ended)

    def check_password(self, id: UserId, password: str, address: str = "local") -> None:
        """Raises Unauthenticated when it is not the user's, Throttled after too many wrong ones."""
        with self._db.read() as connection:
            row = connection.execute(
                sa.select(schema.user.c.password_hash, schema.user.c.name_folded).where(schema.user.c.id == id)
            ).first()
        account = row.name_folded if row else id  # one count with signing in: there is one password to guess
        if not self._prove(account, address, row.password_hash if row else None, password):
            raise Unauthenticated("The password is wrong.")

    def preferences(self, id: UserId) -> Preferences:
        with self._db.read() as connection:
            text = connection.execute(sa.select(schema.user.c.preferences).where(schema.user.c.id == id)).scalar()
        return msgspec.json.decode(text or "{}", type=Preferences)

    def set_preferences(self, id: UserId, changes: dict[str, Any]) -> Preferences:
        """Raises BadRequest for an unknown name or a value out of range."""
        if unknown := sorted(set(changes) - set(Preferences.__struct_fields__)):
            raise BadRequest(f"There is no preference {unknown[0][:64]!r}.")
        with self._db.write(urgent=True) as connection:  # read and written in one: two devices change different things at once
            text = connection.execute(sa.select(schema.user.c.preferences).where(schema.user.c.id == id)).scalar()
            try:
                new = msgspec.convert(msgspec.json.decode(text or "{}") | changes, Preferences)
            except msgspec.ValidationError as error:
                raise BadRequest(str(error)) from error
            connection.execute(schema.user.update().where(schema.user.c.id == id).values(preferences=msgspec.json.encode(new).decode()))
        return new

    # -- sessions ----------------------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, *, address: str, client: str | None = None) -> SignedIn:
        """Raises Unauthenticated (the same, as slowly, for an unknown name), Throttled."""
        folded = unicodedata.normalize("NFKC", name[:1024]).strip().casefold()[:256]
        self._sign_in_throttle.check(folded, address)  # before anything is spent on it
        with self._db.read() as connection:
            row = connection.execute(sa.select(schema.user).where(schema.user.c.name_folded == folded)).first()
        if not self._prove(folded, address, row.password_hash if row else None, password) or row is None:
            raise Unauthenticated("Wrong user name or password.")
        cookie, csrf, at = secrets.token_urlsafe(32), secrets.token_urlsafe(24), self._clock()
        with self._db.write(urgent=True) as connection:
            connection.execute(schema.session.delete().where(schema.session.c.expires_at < at))
            connection.execute(
                schema.session.insert().values(
                    lookup=self._vault.lookup(cookie), user_id=row.id, csrf=csrf, created_at=at, expires_at=at + _IDLE_MS, client=client
                )
            )
        return SignedIn(cookie, csrf, _user(row), Instant(at + _IDLE_MS))

    def session(self, cookie: str) -> Session | None:
        """Who a cookie belongs to. Using it keeps it alive, up to a year."""
        at, lookup = self._clock(), self._vault.lookup(cookie)
        query = sa.select(schema.session, schema.user.c.name, schema.user.c.admin, schema.user.c.created_at.label("user_created_at")).join(
            schema.user, schema.user.c.id == schema.session.c.user_id
        )
        with self._db.read() as connection:
            row = connection.execute(query.where(schema.session.c.lookup == lookup)).first()
        if row is None or row.expires_at < at:
            return None
        if row.expires_at < min(at + _IDLE_MS - 86_400_000, row.created_at + _ABSOLUTE_MS):
            with self._db.write(urgent=True) as connection:
                until = min(at + _IDLE_MS, row.created_at + _ABSOLUTE_MS)
                connection.execute(schema.session.update().where(schema.session.c.lookup == lookup).values(expires_at=until))
        return Session(User(id=row.user_id, name=row.name, admin=bool(row.admin), created_at=row.user_created_at), row.csrf)

    def sign_out(self, cookie: str) -> None:
        with self._db.write(urgent=True) as connection:
            connection.execute(schema.session.delete().where(schema.session.c.lookup == self._vault.lookup(cookie)))

    # -- tokens ------------------------------------------------------------------------------------------------------

    def create_token(
        self,
        user_id: UserId,
        name: str,
        *,
        kind: Literal["app", "api"] = "app",
        scopes: tuple[str, ...] = (),
        expires_in_s: int | None = None,
    ) -> tuple[Token, str]:
        """A token and its secret, shown this once. Raises BadRequest (name, kind, scope or time unfit, too many), NotFound."""
        name = "".join(c for c in name.strip() if c.isprintable())[:64]
        if not name:
            raise BadRequest("Give the app a name, such as “phone”.")
        if kind not in ("app", "api"):
            raise BadRequest("The kind of a token is app or api.")
        if expires_in_s is not None and not 1 <= expires_in_s <= LONGEST_TOKEN_S:
            raise BadRequest("A token expires after a second at least and ten years at most, or never.")
        admin = self.user(user_id).admin
        scopes = tuple(dict.fromkeys(scopes)) or DEFAULT_SCOPES
        for scope in scopes:
            if scope not in SCOPES or (scope == "admin" and not admin):
                raise BadRequest(
                    f"There is no scope {scope[:64]!r} for this user. There are: {', '.join(SCOPES if admin else DEFAULT_SCOPES)}."
                )
        at = self._clock()
        until = None if expires_in_s is None else Instant(at + expires_in_s * 1000)
        token = Token(id=TokenId(new_id()), user_id=user_id, name=name, kind=kind, scopes=scopes, created_at=at, expires_at=until)
        secret = new_secret("seg")
        with self._db.write(urgent=True) as connection:
            held = connection.execute(
                sa.select(sa.func.count()).select_from(schema.token).where(schema.token.c.user_id == user_id)
            ).scalar()
            if (held or 0) >= _MOST_TOKENS:
                raise BadRequest(f"There are {_MOST_TOKENS} tokens already: revoke some.")
            connection.execute(
                schema.token.insert().values(
                    id=token.id,
                    user_id=user_id,
                    name=name,
                    kind=kind,
                    scopes=msgspec.json.encode(scopes).decode(),
                    lookup=self._vault.lookup(secret),
                    sealed=self._vault.seal(secret, token.id),
                    created_at=token.created_at,
                    expires_at=token.expires_at,
                )
            )
        return token, secret

    def tokens(self, user_id: UserId) -> tuple[Token, ...]:
        query = sa.select(schema.token).where(schema.token.c.user_id == user_id).order_by(schema.token.c.id)
        with self._db.read() as connection:
            return tuple(_token(row) for row in connection.execute(query))

    def stands(self, token_id: TokenId | None) -> bool:
        """Whether a token was neither revoked nor has expired."""
        with self._db.read() as connection:
            row = connection.execute(sa.select(schema.token.c.expires_at).where(schema.token.c.id == token_id)).first()
        return row is not None and not self._expired(row)

    def _expired(self, row: Any) -> bool:
        return row.expires_at is not None and row.expires_at <= self._clock()

    def revoke(self, user_id: UserId, token_id: TokenId) -> None:
        with self._db.write(urgent=True) as connection:
            gone = connection.execute(schema.token.delete().where(schema.token.c.id == token_id, schema.token.c.user_id == user_id))
            if not gone.rowcount:
                raise NotFound("token", token_id)
            connection.execute(schema.lastfm_session.delete().where(schema.lastfm_session.c.token_id == token_id))

    def authenticate_secret(self, secret: str, *, address: str, client: str | None = None) -> Listener:
        """Who a Bearer secret or API key belongs to. Raises Unauthenticated, Throttled."""
        lookup = self._vault.lookup(secret[:256])
        account = f"secret {lookup.hex()[:32]}"  # the secret is the account: nobody's failures count against another's secret
        self._app_throttle.check(account, address)
        with self._db.read() as connection:
            row = connection.execute(sa.select(schema.token).where(schema.token.c.lookup == lookup)).first()
        if row is None:
            self._app_throttle.failed(account, address)
            raise Unauthenticated("This token is not known: it was revoked, or is cut short.")
        self._app_throttle.succeeded(account, address)
        return self._through(row, client)

    def authenticate_app(
        self,
        name: str,
        *,
        password: str | None = None,
        token: str | None = None,
        salt: str | None = None,
        auth_token: str | None = None,
        address: str,
        client: str | None = None,
    ) -> Listener:
        """By one of the user's app passwords: in clear, as ``token`` = md5(password + salt), or as ``auth_token`` = md5(name +
        md5(password)), both in hexadecimal.

        Raises AppPasswordNeeded for whatever is wrong, a login password included: a stranger learns nothing from it. Throttled.
        """
        folded = unicodedata.normalize("NFKC", name[:1024]).strip().casefold()[:256]
        self._app_throttle.check(folded, address)
        query = (
            sa.select(schema.token)
            .join(schema.user, schema.user.c.id == schema.token.c.user_id)
            .where(schema.user.c.name_folded == folded, schema.token.c.kind == "app")
            .where(schema.token.c.expires_at.is_(None) | (schema.token.c.expires_at > self._clock()))
            .order_by(schema.token.c.last_used_at.desc())
        )
        with self._db.read() as connection:
            rows: list[Any] = list(connection.execute(query).all())
        found = None
        for row in rows or [None]:  # every one is looked at, and one where there is none, so that the time tells nothing
            secret = self._vault.open(row.sealed, row.id) if row else self._vault.open(self._sealed_decoy, "")
            if secret is None:
                continue
            if token is not None:
                expected, offered = _md5(secret + (salt or "")), token.lower()
            elif auth_token is not None:
                expected, offered = _md5(name[:1024] + _md5(secret)), auth_token.lower()
            else:
                expected, offered = secret, password or ""
            matches = hmac.compare_digest(expected.encode(), offered.encode("utf-8", "surrogatepass"))
            found = row if matches else found
        if found is None:
            self._app_throttle.failed(folded, address)
            raise AppPasswordNeeded(_APP_SENTENCE)
        self._app_throttle.succeeded(folded, address)
        return self._through(found, client)

    # -- grants ------------------------------------------------------------------------------------------------------

    def listener(
        self, user: User, *, scopes: frozenset[str] = frozenset({"*"}), token_id: TokenId | None = None, client: str | None = None
    ) -> Listener:
        """Who asks and which libraries exist for them: those for everyone, and those granted by name."""
        granted = sa.select(schema.library_grant.c.library_id).where(schema.library_grant.c.user_id == user.id)
        query = sa.select(schema.library.c.id).where((schema.library.c.everyone == 1) | schema.library.c.id.in_(granted))
        with self._db.read() as connection:
            libraries = frozenset(LibraryId(id) for id in connection.execute(query).scalars())
        return Listener(user=user, libraries=libraries, scopes=scopes, token_id=token_id, client=client)

    def _through(self, row: Any, client: str | None) -> Listener:
        """Raises Unauthenticated for a token that has expired."""
        at = self._clock()
        if self._expired(row):
            raise Unauthenticated("This token has expired. Make another in the player: Settings, Connect an app.")
        if row.last_used_at is None or not 0 <= at - row.last_used_at < _TOUCH_MS or (client and client != row.last_client):
            with self._db.write(urgent=True) as connection:
                touched = schema.token.update().where(schema.token.c.id == row.id)
                connection.execute(touched.values(last_used_at=at, last_client=client or row.last_client))
        token = _token(row)
        return self.listener(self.user(token.user_id), scopes=frozenset(token.scopes), token_id=token.id, client=client)

    # -- passwords ---------------------------------------------------------------------------------------------------

    def _hash(self, password: str) -> str:
        if not 8 <= len(password) <= 1024:
            raise BadRequest("A password has 8 to 1,024 characters.")
        with self._hashing:
            return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def _prove(self, account: str, address: str, hashed: str | None, password: str) -> bool:
        """Whether ``password`` is the one; as slow for a user who does not exist. Raises Throttled, Unavailable.

        The throttle is asked once it is this guess's turn: a burst of guesses at once must not slip past together.
        """
        if not self._places.acquire(blocking=False):
            raise Unavailable("Too many people are signing in at once. Try again in a moment.")
        try:
            with self._hashing:
                self._sign_in_throttle.check(account, address)
                try:
                    self._hasher.verify(hashed or self._decoy, password[:1024].encode("utf-8", "surrogatepass"))
                    proven = hashed is not None
                except (VerificationError, InvalidHashError):
                    proven = False
                (self._sign_in_throttle.succeeded if proven else self._sign_in_throttle.failed)(account, address)
                return proven
        finally:
            self._places.release()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _keep_one_admin(connection: sa.Connection, id: UserId) -> None:
    others = sa.select(schema.user.c.id).where(schema.user.c.admin == 1, schema.user.c.id != id)
    is_admin = connection.execute(sa.select(schema.user.c.admin).where(schema.user.c.id == id)).scalar()
    if is_admin and not connection.execute(others).first():
        raise Conflict("This is the only admin: make another one first.")


def _checked_name(name: str) -> str:
    name = unicodedata.normalize("NFKC", name).strip()
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise BadRequest("A user name has 1 to 64 printable characters.")
    return name


def _user(row: Any) -> User:
    return User(id=row.id, name=row.name, admin=bool(row.admin), created_at=row.created_at)


def _token(row: Any) -> Token:
    return Token(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        kind=row.kind,
        scopes=tuple(msgspec.json.decode(row.scopes)),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        last_client=row.last_client,
        expires_at=row.expires_at,
    )
