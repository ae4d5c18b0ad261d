"""One call as its handler sees it: who asks, with what parameters, over which parts; and who may ask at all."""

from dataclasses import dataclass
from typing import Any

from segue.errors import BadRequest, Unauthenticated
from segue.model import Listener
from segue.parts import Parts
from segue.serve.subsonic._params import MissingParameter, Params


@dataclass(frozen=True, slots=True)
class Call:
    parts: Parts
    params: Params
    listener: Listener
    client: str
    base_url: str
    """Where this server is, as the asker sees it, without a trailing slash."""
    scope: Any = None
    """The ASGI scope, for answers that are bytes."""


class ConflictingAuthentication(Unauthenticated):
    """Error 43."""


class InvalidApiKey(Unauthenticated):
    """Error 44."""


def authenticate(parts: Parts, params: Params, address: str) -> Listener:
    """Who asks, by API key, by token and salt, or by password (plain or ``enc:`` hex): always one of their app passwords.

    Raises an :class:`~segue.errors.Unauthenticated` of the matching kind, :class:`MissingParameter` when nothing was offered.
    """
    client = (params.text("c", "", longest=256) or "")[:64] or None
    name, password = params.text("u", longest=256), params.text("p")
    token, salt = params.text("t", longest=256), params.text("s", longest=256)
    key = params.text("apiKey")
    if key is not None:
        if password is not None or token is not None or name is not None:
            raise ConflictingAuthentication("Send either apiKey, or u with p or with t and s; not both.")
        try:
            return parts.accounts.authenticate_secret(key, address=address, client=client)
        except Unauthenticated as error:
            raise InvalidApiKey(f"Invalid API key. {error}") from error
    if name is None:
        raise MissingParameter("Required parameter 'u' (or 'apiKey') is missing.")
    if password is not None and token is not None:
        raise ConflictingAuthentication("Send either p, or t and s; not both.")
    if token is not None and salt is None:
        raise MissingParameter("Required parameter 's' is missing.")
    if password is None and token is None:
        raise MissingParameter("Required parameter 'p', or 't' and 's', is missing.")
    if password is not None and password.startswith("enc:"):
        try:
            password = bytes.fromhex(password[4:]).decode("utf-8")
        except (ValueError, UnicodeDecodeError):
            raise BadRequest("Parameter 'p' starts with enc: but is not hexadecimal UTF-8.") from None
    return parts.accounts.authenticate_app(name, password=password, token=token, salt=salt, address=address, client=client)
