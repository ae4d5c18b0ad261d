"""``segue user``, ``segue token`` and ``segue lastfm-app``: people, and what lets their apps in."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from segue.cli._common import Data, Json, Password, do, out, printable, show_json, table

users = App(name="user", help="People who listen.")
tokens = App(name="token", help="App passwords and API tokens.")
apps = App(name="lastfm-app", help="Apps that may ask listeners to be let in by the Last.fm protocol.")

Stdin = Annotated[bool, Parameter(name="--password-stdin", negative="", help="Read the password from the first line of standard input.")]


@users.command(name="add")
def add_user(name: str, admin: bool = False, password_stdin: Stdin = False, data: Data = None, json: Json = False) -> None:
    """Add a user. The login password is for signing in to the player; apps get passwords of their own (`segue token create`).

    Parameters
    ----------
    name
        1 to 64 characters; case does not matter when signing in.
    admin
        May manage users, libraries and scans.
    """
    user = do(data, "user.add", {"name": name, "password": Password.ask(password_stdin).text, "admin": admin})
    show_json(user) if json else out.print(f"Added {printable(user['name'])}{' (admin)' if user['admin'] else ''}.")


@users.command(name="list")
def list_users(data: Data = None, json: Json = False) -> None:
    """Show every user."""
    rows = do(data, "user.list", {})
    show_json(rows) if json else table(rows, [("name", "name"), ("admin", "admin"), ("id", "id")])


@users.command
def passwd(name: str, password_stdin: Stdin = False, data: Data = None, json: Json = False) -> None:
    """Set a user's login password. Their signed-in browsers are signed out; their apps go on."""
    answer = do(data, "user.passwd", {"name": name, "password": Password.ask(password_stdin).text})
    show_json(answer) if json else out.print(f"The password of {printable(answer['user'])} is changed.")


@users.command(name="remove")
def remove_user(name: str, data: Data = None, json: Json = False) -> None:
    """Remove a user with their playlists, sessions and app passwords."""
    answer = do(data, "user.remove", {"name": name})
    show_json(answer) if json else out.print(f"Removed {printable(answer['user'])}.")


@tokens.command
def create(
    *,
    user: str,
    name: str,
    kind: Literal["app", "api"] = "app",
    scope: list[str] | None = None,
    expires: str | None = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a password for one app. It is shown once, now.

    An `app` secret serves as the password (or API key) in OpenSubsonic apps, and as `Authorization: Bearer` on `/api`.

    Parameters
    ----------
    user
        Whose it is.
    name
        What it is for: "phone", "car".
    kind
        `app` for players, `api` for programs that use only `/api`.
    scope
        Limit what it may do; repeat for more. Default: all but administration.
    expires
        After how long it is refused: 12h, 30d, 8w, 1y. Default: never.
    """
    token = do(data, "token.create", {"user": user, "name": name, "kind": kind, "scopes": scope, "expires": expires})
    if json:
        show_json(token)
        return
    out.print(f"User name  [bold]{printable(token['user'])}[/]\nPassword   [bold]{token['secret']}[/]\n")
    if token["expires_at"]:
        out.print(f"It expires at {token['expires_at']}.")
    out.print(f"It is not shown again. Revoke: segue token revoke {token['id']}")


@tokens.command(name="list")
def list_tokens(user: str | None = None, data: Data = None, json: Json = False) -> None:
    """Show the app passwords and tokens of everyone, or of one user. Secrets are not shown."""
    rows = do(data, "token.list", {"user": user})
    show_json(rows) if json else table(
        rows, [("user", "user"), ("name", "name"), ("kind", "kind"), ("id", "id"), ("expires", "expires"), ("last_client", "last used by")]
    )


@tokens.command
def revoke(id: str, data: Data = None, json: Json = False) -> None:
    """End an app password or token, at once.

    Parameters
    ----------
    id
        As `segue token list` shows it.
    """
    answer = do(data, "token.revoke", {"id": id})
    show_json(answer) if json else out.print(f"Revoked {printable(answer['name'])} of {printable(answer['user'])}.")


@apps.command(name="add")
def add_app(name: str, *, callback: str | None = None, data: Data = None, json: Json = False) -> None:
    """Register an app. Its key and shared secret go into the app; the secret is shown once, now.

    Parameters
    ----------
    name
        As listeners see it when they let it in.
    callback
        The address that a listener who let it in is sent to, for apps on the web. Default: none.
    """
    app = do(data, "lastfm-app.add", {"name": name, "callback": callback})
    if json:
        show_json(app)
        return
    out.print(f"API key        [bold]{app['api_key']}[/]\nShared secret  [bold]{app['secret']}[/]\n")
    out.print(f"The secret is not shown again. Remove: segue lastfm-app remove {app['api_key']}")


@apps.command(name="list")
def list_apps(data: Data = None, json: Json = False) -> None:
    """Show the apps registered here. Secrets are not shown."""
    rows = do(data, "lastfm-app.list", {})
    show_json(rows) if json else table(rows, [("name", "name"), ("api_key", "API key"), ("callback", "callback")])


@apps.command(name="remove")
def remove_app(api_key: str, data: Data = None, json: Json = False) -> None:
    """Remove an app with its sessions. App passwords that listeners gave it stay until they revoke them.

    Parameters
    ----------
    api_key
        As `segue lastfm-app list` shows it.
    """
    answer = do(data, "lastfm-app.remove", {"api_key": api_key})
    show_json(answer) if json else out.print(f"Removed {printable(answer['api_key'])}.")
