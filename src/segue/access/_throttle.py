"""Slowing down guesses, without ever locking the owner out.

Failures are counted per account, per address, and per account at an address. After a few free ones, each further attempt must wait twice
as long as the one before, up to a bound.

- An attempt waits for its account and its address, whoever failed there.
- An address that proved itself for an account before is *not* held back by what others do to that account, nor by what others do from that
  address: only by its own failures for that account.
- Proving oneself forgives one's own failures and the address's; never what anyone did to another account. Without that, a listener could
  guess a housemate's password without end by signing in as themselves in between.

An IPv6 network of 64 bits is one address: whoever has one of its addresses has them all. Kept in memory, bounded; a restart forgets, which
costs a guesser nothing worth having against a 190-bit secret or argon2id.
"""

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass

from segue.errors import Throttled
from segue.ports import Clock

FREE = 5
"""Failures before waiting begins: typing errors."""
LONGEST_S = 300.0
"""Between two guesses at a login password."""
MOST = 20_000
"""Counters kept; the longest unused go first."""
_FORGET_MS = 3_600_000
_MOST_DOUBLINGS = 30


@dataclass(slots=True)
class _Failures:
    count: int
    last: int


class Throttle:
    """One door's memory of failures. ``longest_s``: the longest wait between two attempts."""

    def __init__(self, clock: Clock, *, longest_s: float = LONGEST_S) -> None:
        self._clock = clock
        self._longest_s = longest_s
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._proven: OrderedDict[str, None] = OrderedDict()

    def check(self, account: str, address: str) -> None:
        """Raises :class:`~segue.errors.Throttled` when this attempt comes too early."""
        of_account, of_address, of_both = _keys(account, address)
        with self._lock:
            keys = [of_both] if of_both in self._proven else [of_account, of_address]
            wait = max(self._wait_s(key) for key in keys)
        if wait > 0:
            raise Throttled(wait)

    def failed(self, account: str, address: str) -> None:
        with self._lock:
            for key in _keys(account, address):
                found = self._failures.pop(key, None) or _Failures(0, 0)
                found.count, found.last = found.count + 1, self._clock()
                self._failures[key] = found
            while len(self._failures) > MOST:
                self._failures.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        of_account, of_address, of_both = _keys(account, address)
        with self._lock:
            own = self._failures.pop(of_both, None)
            self._failures.pop(of_address, None)
            if own and (held := self._failures.get(of_account)):
                held.count -= own.count
                if held.count <= 0:
                    del self._failures[of_account]
            self._proven.pop(of_both, None)
            self._proven[of_both] = None
            while len(self._proven) > MOST:
                self._proven.popitem(last=False)

    def _wait_s(self, key: str) -> float:
        found = self._failures.get(key)
        if found is None or found.count < FREE:
            return 0.0
        since = self._clock() - found.last
        if since > _FORGET_MS or since < 0:  # long ago, or the clock was set back
            del self._failures[key]
            return 0.0
        return min(2.0 ** min(found.count - FREE, _MOST_DOUBLINGS), self._longest_s) - since / 1000


def _keys(account: str, address: str) -> tuple[str, str, str]:
    network = _network(address)
    return f"account {account}", f"address {network}", f"both {network} {account}"


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
