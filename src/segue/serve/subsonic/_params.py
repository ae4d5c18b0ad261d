"""A call's parameters, from the query and the form together, each read with its type and its bounds.

A parameter that is missing or out of range is OpenSubsonic's error 10 or 0, never a failure of the server.
"""

import math
from collections.abc import Iterable

from segue.errors import BadRequest
from segue.types import is_id

MAX_VALUES = 10_000
"""Values of one repeated parameter (the tracks of a playlist): a guess, above any client's page."""


class MissingParameter(BadRequest):
    """Error 10."""


class Params:
    """Parameters in the order sent; a name may be repeated."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str | None = None, *, longest: int = 1024) -> str | None:
        values = self._values.get(name)
        if not values:
            return default
        if len(values[0]) > longest:
            raise BadRequest(f"Parameter {name!r} is longer than {longest} characters.")
        return values[0]

    def need(self, name: str, *, longest: int = 1024) -> str:
        value = self.text(name, longest=longest)
        if value is None:
            raise MissingParameter(f"Required parameter {name!r} is missing.")
        return value

    def many(self, name: str) -> list[str]:
        values = self._values.get(name, [])
        if len(values) > MAX_VALUES:
            raise BadRequest(f"Parameter {name!r} is given more than {MAX_VALUES} times.")
        return values

    def id(self, name: str = "id") -> str:
        """A required id. One that cannot be an id is answered as one that does not exist, by whoever looks it up."""
        value = self.need(name)
        return value if is_id(value) else "-"

    def ids(self, name: str) -> list[str]:
        return self.many(name)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.maybe_number(name, low, high)
        return default if value is None else value

    def maybe_number(self, name: str, low: int, high: int) -> int | None:
        text = self.text(name)
        if text is None or text == "":
            return None
        try:
            value = int(text)
        except ValueError:
            raise BadRequest(f"Parameter {name!r} must be a whole number, not {text[:40]!r}.") from None
        if not low <= value <= high:
            raise BadRequest(f"Parameter {name!r} must lie between {low} and {high}.")
        return value

    def need_number(self, name: str, low: int, high: int) -> int:
        value = self.maybe_number(name, low, high)
        if value is None:
            raise MissingParameter(f"Required parameter {name!r} is missing.")
        return value

    def decimal(self, name: str, default: float) -> float:
        """Any finite number."""
        text = self.text(name)
        if text is None or text == "":
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise BadRequest(f"Parameter {name!r} must be a number, not {text[:40]!r}.")
        return value

    def count(self, name: str, default: int, most: int) -> int:
        """How many: more than ``most`` gives ``most``, as clients that ask for “all” expect."""
        return min(self.number(name, default, 0, 2**31 - 1), most)

    def flag(self, name: str, default: bool) -> bool:
        text = self.text(name)
        if text is None or text == "":
            return default
        if text.lower() not in {"true", "false", "1", "0"}:
            raise BadRequest(f"Parameter {name!r} must be true or false.")
        return text.lower() in {"true", "1"}
