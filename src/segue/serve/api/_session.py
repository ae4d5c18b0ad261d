"""``/api``: signing in, one's settings, one's apps."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.params import Body
from msgspec import UNSET, Meta, UnsetType

from segue import __version__
from segue.access import Preferences, Session
from segue.errors import Forbidden, Unauthenticated
from segue.model import Listener, Token
from segue.parts import Parts
from segue.serve import http
from segue.serve.api import _shapes as shape
from segue.types import TokenId

_COOKIE_S = 365 * 86_400


class Credentials(msgspec.Struct):
    name: str
    password: str


class SessionUser(msgspec.Struct):
    id: str
    name: str
    admin: bool


class ServerAbout(msgspec.Struct):
    name: str
    version: str


class SessionAnswer(msgspec.Struct):
    user: SessionUser
    csrf: str
    server: ServerAbout


class PasswordChange(msgspec.Struct):
    old: str
    new: str


class PreferencesChange(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Whichever of the preferences are to change."""

    autoplay: bool | UnsetType = UNSET
    discovery: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    replaygain: Literal["track", "album", "off"] | UnsetType = UNSET
    crossfade_s: Annotated[float, Meta(ge=0, le=12)] | UnsetType = UNSET
    max_bitrate_kbps: Annotated[int, Meta(ge=32, le=2000)] | UnsetType | None = UNSET
    transcode_format: Literal["opus", "mp3", "aac", "flac"] | UnsetType = UNSET
    theme: Literal["system", "light", "dark"] | UnsetType = UNSET
    timezone: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType | None = UNSET


class NewToken(msgspec.Struct):
    name: str
    kind: Literal["app", "api"] = "app"
    scopes: list[str] = []
    expires_in_s: int | None = None


class TokenAnswer(msgspec.Struct, kw_only=True):
    id: str
    name: str
    kind: str
    scopes: list[str]
    created_at: str
    last_used_at: str | None
    last_client: str | None
    expires_at: str | None


class TokenWithSecret(TokenAnswer, kw_only=True):
    secret: str


class Tokens(msgspec.Struct):
    items: list[TokenAnswer]


class App(msgspec.Struct):
    name: str
    platforms: str
    how: str


class Connect(msgspec.Struct):
    server_url: str
    user: str
    apps: list[App]


_APPS = [
    App("Symfonium", "Android", "Add a media provider › Subsonic / OpenSubsonic, then enter the address, your name and the app password."),
    App("Tempo", "Android", "Enter the address, your name and the app password at the first start."),
    App("play:Sub", "iPhone, iPad", "Settings › Servers › add a server, with the address, your name and the app password."),
    App("Amperfy", "iPhone, iPad, Mac", "Choose Subsonic, then enter the address, your name and the app password."),
    App("Feishin", "Windows, Mac, Linux", "Add a server of type Subsonic, with the address, your name and the app password."),
    App("Supersonic", "Windows, Mac, Linux", "Add a server of type Subsonic, with the address, your name and the app password."),
    App("Strawberry", "Windows, Mac, Linux", "Settings › Subsonic, with the address, your name and the app password."),
]


def handlers(parts: Parts) -> list[Any]:
    accounts = parts.accounts

    def answer(session: Session) -> SessionAnswer:
        user = session.user
        return SessionAnswer(SessionUser(user.id, user.name, user.admin), session.csrf, ServerAbout("Segue", __version__))

    @get("/session", sync_to_thread=True, dependencies={})
    def who(request: Request[Any, Any, Any]) -> SessionAnswer:
        """Who is signed in; 401 if nobody is."""
        session = accounts.session(request.cookies.get(http.COOKIE, ""))
        if session is None:
            raise Unauthenticated("Nobody is signed in.")
        return answer(session)

    @post("/session", sync_to_thread=True)
    def sign_in(request: Request[Any, Any, Any], data: Annotated[Credentials, Body()]) -> Response[SessionAnswer]:
        """Sign in with the login password; sets the session cookie."""
        http.check_same_site(request)
        client = request.headers.get("user-agent", "")[:200]
        signed = accounts.sign_in(data.name, data.password, address=http.client_address(request), client=client)
        cookie = Cookie(
            key=http.COOKIE,
            value=signed.cookie,
            httponly=True,
            samesite="lax",
            secure=http.is_secure(request),
            path=f"{parts.base_path}/",
            max_age=_COOKIE_S,
        )
        return Response(answer(Session(signed.user, signed.csrf)), status_code=201, cookies=[cookie])

    @delete("/session", sync_to_thread=True)
    def sign_out(request: Request[Any, Any, Any], me: Listener) -> Response[None]:
        accounts.sign_out(request.cookies.get(http.COOKIE, ""))
        gone = Cookie(key=http.COOKIE, value="", httponly=True, samesite="lax", path=f"{parts.base_path}/", max_age=0)
        return Response(None, status_code=204, cookies=[gone])

    @get("/preferences", sync_to_thread=True)
    def preferences(me: Listener) -> Preferences:
        return accounts.preferences(me.user.id)

    @patch("/preferences", sync_to_thread=True)
    def prefer(data: PreferencesChange, me: Listener) -> Preferences:
        """Change what is named; the rest stays."""
        return accounts.set_preferences(me.user.id, msgspec.to_builtins(data))

    @post("/password", sync_to_thread=True, status_code=204)
    def password(request: Request[Any, Any, Any], data: PasswordChange, me: Listener) -> None:
        """Change one's login password; other sessions end."""
        if me.token_id is not None:
            raise Forbidden("A token cannot change the login password. Sign in to the player.")
        accounts.check_password(me.user.id, data.old, http.client_address(request))
        accounts.set_password(me.user.id, data.new, keep_session=request.cookies.get(http.COOKIE))

    def shown(token: Token) -> dict[str, Any]:
        return {
            "id": token.id,
            "name": token.name,
            "kind": token.kind,
            "scopes": list(token.scopes),
            "created_at": shape.instant(token.created_at) or "",
            "last_used_at": shape.instant(token.last_used_at),
            "last_client": token.last_client,
            "expires_at": shape.instant(token.expires_at),
        }

    @get("/tokens", sync_to_thread=True)
    def tokens(me: Listener) -> Tokens:
        return Tokens([TokenAnswer(**shown(one)) for one in accounts.tokens(me.user.id)])

    @post("/tokens", sync_to_thread=True)
    def create_token(data: NewToken, me: Listener) -> TokenWithSecret:
        """The secret is in this answer and nowhere else, ever."""
        if me.token_id is not None:
            raise Forbidden("A token cannot make tokens. Sign in to the player.")
        token, secret = accounts.create_token(
            me.user.id, data.name, kind=data.kind, scopes=tuple(data.scopes), expires_in_s=data.expires_in_s
        )
        return TokenWithSecret(**shown(token), secret=secret)

    @delete("/tokens/{id:str}", sync_to_thread=True)
    def revoke(me: Listener, id: str) -> None:
        """At once. A token may end itself; only a signed-in listener ends others."""
        if me.token_id not in (None, id):
            raise Forbidden("A token can revoke itself only. Sign in to the player.")
        accounts.revoke(me.user.id, TokenId(id))

    @get("/connect", sync_to_thread=True)
    def connect(request: Request[Any, Any, Any], me: Listener) -> Connect:
        """How to connect an app."""
        return Connect(http.base_url(request, parts), me.user.name, _APPS)

    return [who, sign_in, sign_out, preferences, prefer, password, tokens, create_token, revoke, connect]
