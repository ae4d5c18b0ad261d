"""The page on which a signed-in listener lets an app in: plain HTML without scripts."""

import hmac
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

from litestar import Request, Response

from segue.access import LastfmApp, Session
from segue.errors import Forbidden, SegueError
from segue.parts import Parts
from segue.serve import http

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>{head}</head>
<body><main><h1>{title}</h1>
{body}
</main></body></html>
"""


def show(parts: Parts, request: Request[Any, Any, Any]) -> Response[bytes]:
    """What asks to be let in, with a button for it."""
    session = parts.accounts.session(request.cookies.get(http.COOKIE, ""))
    if session is None:
        return _not_signed_in(parts)
    api_key, token = (request.query_params.get(name, "")[:256] for name in ("api_key", "token"))
    callback = request.query_params.get("cb", "")[:1_000]
    try:
        app, _ = _asking(parts, api_key, token, callback)
    except SegueError as error:
        return _unknown("" if token and not callback else str(error))
    hidden = {"api_key": api_key, "token": token, "cb": callback, "csrf": session.csrf}
    fields = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">\n' for name, value in hidden.items())
    return _page(
        200,
        f"Let {app.name} in?",
        f"<p>{escape(app.name)} may then scrobble as {escape(session.user.name)}, love tracks, and see how much you listened."
        f" It gets an app password of its own, which you can revoke in the settings. If you did not start this, close this page.</p>\n"
        f'<form method="post" action="{escape(parts.base_path)}/api/auth/">\n{fields}<button>Let it in</button></form>',
    )


def approve(parts: Parts, request: Request[Any, Any, Any], body: bytes) -> Response[bytes]:
    session = parts.accounts.session(request.cookies.get(http.COOKIE, ""))
    if session is None:
        return _not_signed_in(parts)
    try:
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        form = {}
    try:
        _check_form(request, session, form.get("csrf", ""))
        api_key, token = form.get("api_key", ""), form.get("token", "")
        app, back = _asking(parts, api_key, token, form.get("cb", ""))
        token = token or parts.accounts.lastfm.ask(api_key)
        parts.accounts.lastfm.approve(token, api_key, session.user.id)
    except Forbidden as error:
        return _page(403, "Not from here", f"<p>{escape(str(error))}</p>")
    except SegueError as error:
        return _unknown(str(error))
    if back is None:
        return _page(200, f"{app.name} is let in", "<p>Go back to the app now; you can close this page.</p>")
    # Not a redirect: browsers refuse one that answers a form and leads to another site.
    there = escape(f"{back}{'&' if '?' in back else '?'}{urlencode({'token': token})}")
    return _page(
        200,
        f"{app.name} is let in",
        f'<p><a href="{there}">Go on to {escape(app.name)}</a></p>',
        f'<meta http-equiv="refresh" content="0; url={there}">',
    )


def _asking(parts: Parts, api_key: str, token: str, callback: str) -> tuple[LastfmApp, str | None]:
    """The app, and where its listener is sent to afterwards: nowhere when it asked for ``token`` itself and names no address.

    Raises NotFound for an unknown request, and for any address but the one that the app is registered with."""
    access = parts.accounts.lastfm
    if token and not callback:
        return access.asked_by(token, api_key), None
    app = access.sent_back(api_key, callback)
    if token:
        access.asked_by(token, api_key)
    return app, app.callback


def _check_form(request: Request[Any, Any, Any], session: Session, csrf: str) -> None:
    if not hmac.compare_digest(csrf.encode("utf-8", "replace"), session.csrf.encode()):
        raise Forbidden("This form is stale. Go back, reload the page, and try again.")
    http.check_same_site(request)


def _not_signed_in(parts: Parts) -> Response[bytes]:
    where = escape(parts.base_path)
    return _page(401, "Sign in first", f'<p><a href="{where}/">Sign in to the player</a>, then come back and reload this page.</p>')


def _unknown(why: str = "") -> Response[bytes]:
    more = f"<p>{escape(why)}</p>" if why else ""
    return _page(404, "Nothing waits here", f"<p>This request is unknown, used, or older than an hour. Start again in the app.</p>{more}")


def _page(status: int, title: str, body: str, head: str = "") -> Response[bytes]:
    text = _PAGE.format(title=escape(title), body=body, head=head)
    content = text.encode("utf-8", "replace")
    return Response(content, status_code=status, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"})
