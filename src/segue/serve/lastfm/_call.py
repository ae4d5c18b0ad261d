"""One call as its method sees it: parameters, which app asks, and for whom.

The calls of an app registered here are signed with its shared secret. Of any other app nobody here knows the secret, so its signature
is not looked at: it is let in by an app password of the listener's, and from then on by the session key that it got for that.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from segue.access import LONGEST_KEY, LastfmApp
from segue.errors import Unauthenticated
from segue.model import Listener
from segue.parts import Parts
from segue.serve import http
from segue.serve.lastfm import _wire as wire
from segue.serve.lastfm._wire import LastfmError

LONGEST = 1_000
"""Characters of a name that are read."""
_UNSIGNED = frozenset({"api_sig", "format", "callback"})


class Params:
    """Named values; of a repeated name, the last one counts."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.values = dict(pairs)

    def text(self, name: str) -> str:
        """Without surrounding space, cut; empty when absent."""
        return self.values.get(name, "")[: LONGEST * 4].strip()[:LONGEST]

    def need(self, name: str) -> str:
        """Raises error 6 when it is absent or blank."""
        value = self.text(name)
        if not value:
            raise LastfmError(wire.INVALID_PARAMETERS, f"The parameter {name} is missing.")
        return value

    def is_signed(self, secret: str) -> bool:
        """Whether ``api_sig`` is the MD5 of all parameters in order of their names, and the secret."""
        text = "".join(name + self.values[name] for name in sorted(self.values) if name not in _UNSIGNED)
        expected = hashlib.md5((text + secret).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(expected.encode(), self.values.get("api_sig", "").lower().encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Call:
    parts: Parts
    params: Params
    api_key: str
    app: LastfmApp | None
    """None: not registered here."""
    address: str
    base_url: str

    @property
    def client(self) -> str:
        """The name that events bear."""
        return self.app.name if self.app else "lastfm"

    def listener(self, scope: str) -> Listener:
        """Who the session key belongs to. Raises error 9, Throttled, Forbidden."""
        key = self.params.text("sk")
        if not key:
            raise LastfmError(wire.INVALID_SESSION, "The session key sk is missing.")
        try:
            listener = self.parts.accounts.lastfm.listener(key, self.api_key, address=self.address, client=self.client)
        except Unauthenticated as error:
            raise LastfmError(wire.INVALID_SESSION, str(error)) from error
        http.check_scope(listener, scope)
        return listener


def call_of(parts: Parts, params: Params, *, address: str, base_url: str) -> Call:
    """Raises error 10 without an ``api_key``, 13 when a registered app's call is not signed with its secret."""
    api_key = params.values.get("api_key", "")
    if not 0 < len(api_key) <= LONGEST_KEY:
        raise LastfmError(wire.INVALID_API_KEY, f"api_key has 1 to {LONGEST_KEY} characters.")
    known = parts.accounts.lastfm.app(api_key)
    if known is not None and not params.is_signed(known[1]):
        raise LastfmError(wire.INVALID_SIGNATURE, "api_sig is not the signature of this call with the app's secret.")
    return Call(parts, params, api_key, known[0] if known else None, address, base_url)
