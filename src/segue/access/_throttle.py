"""Slowing down guesses, without ever locking the owner out.

Failures are counted per account and per address. After a few free ones, each further attempt must wait twice as long as the one
before, up to a bound. An address that proved itself for an account before is not held back by what others do to that account: only by
its own failures. Kept in memory, bounded; a restart forgets, which costs a guesser nothing worth having against a 190-bit secret or
argon2id.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from segue.errors import Throttled
from segue.ports import Clock

FREE = 5
"""Failures before waiting begins: typing errors."""
LONGEST_S = 300.0
_FORGET_MS = 3_600_000
_MOST = 20_000


@dataclass(slots=True)
class _Failures:
    count: int
    last: int


class Throttle:
    """One door's memory of failures."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._proven: OrderedDict[tuple[str, str], None] = OrderedDict()

    def check(self, account: str, address: str) -> None:
        """Raises :class:`~segue.errors.Throttled` when this attempt comes too early."""
        with self._lock:
            keys = [f"address {address}"]
            if (account, address) not in self._proven:
                keys.append(f"account {account}")
            wait = max(self._wait_s(key) for key in keys)
        if wait > 0:
            raise Throttled(wait)

    def failed(self, account: str, address: str) -> None:
        with self._lock:
            for key in (f"account {account}", f"address {address}"):
                found = self._failures.pop(key, None) or _Failures(0, 0)
                found.count, found.last = found.count + 1, self._clock()
                self._failures[key] = found
            while len(self._failures) > _MOST:
                self._failures.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        with self._lock:
            self._failures.pop(f"address {address}", None)
            self._proven.pop((account, address), None)
            self._proven[account, address] = None
            while len(self._proven) > _MOST:
                self._proven.popitem(last=False)

    def _wait_s(self, key: str) -> float:
        found = self._failures.get(key)
        if found is None or found.count < FREE:
            return 0.0
        since = self._clock() - found.last
        if since > _FORGET_MS or since < 0:  # long ago, or the clock was set back
            self._failures.pop(key)
            return 0.0
        return float(min(2.0 ** (found.count - FREE), LONGEST_S)) - since / 1000
