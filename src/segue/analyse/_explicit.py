"""A guess at whether words are explicit: whole words of short hand-made lists (``explicit_words.toml``), in the language they are sung in.

The lists are small, know neither irony nor spelling by stars, and miss what they do not hold: a guess, and said to be one.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import resources

from segue.model import Record
from segue.text import fold

_STRONG, _MILD = 3, 1
_FROM = 3
"""A strong word, or three mild ones: a guess."""
_STOP_WORDS = 4
"""Different frequent words from which a language is told; and so many occurrences more than of any other."""
_WORD = re.compile(r"[^\W_]+")


class Explicit(Record, frozen=True, kw_only=True):
    """``value`` None: nothing can be said, for want of words or because their language has no list."""

    value: bool | None = None
    language: str | None = None
    """Two letters."""
    words: int = 0
    """Occurrences of listed words."""


class _List(Record, frozen=True):
    codes: frozenset[str]
    stop: frozenset[str]
    weights: dict[str, int]


def guess_explicit(lyrics: Iterable[tuple[str, str]]) -> Explicit:
    """``lyrics``: a language tag (ISO 639, may be empty, unknown or wrong) and a text, each. The worst of them counts."""
    guesses = [_guess(tag, text) for tag, text in lyrics]
    return max(guesses, key=lambda one: (one.value is not None, bool(one.value), one.words), default=Explicit())


def _guess(tag: str, text: str) -> Explicit:
    words = Counter(_WORD.findall(fold.__wrapped__(text)))  # not kept in the cache: texts are long
    everywhere, lists = word_lists()
    language = _language(tag, words)
    weights = everywhere | (lists[language].weights if language else {})
    found = {word: times for word, times in words.items() if word in weights}
    weight = sum(weights[word] * times for word, times in found.items())
    if not words or (weight < _FROM and language is None):
        return Explicit()
    return Explicit(value=weight >= _FROM, language=language, words=sum(found.values()))


def _language(tag: str, words: Counter[str]) -> str | None:
    """What the frequent words say, where they are clear, for ID3 says English of everything; else the tag."""
    _, lists = word_lists()
    told = {name: [word for word in one.stop if word in words] for name, one in lists.items()}
    ranked = sorted(told, key=lambda name: -sum(words[word] for word in told[name]))
    first, second = (sum(words[word] for word in told[name]) for name in ranked[:2])
    if len(told[ranked[0]]) >= _STOP_WORDS and first >= second + _STOP_WORDS:
        return ranked[0]
    code = re.split(r"[-_]", tag.strip().lower(), maxsplit=1)[0]
    return next((name for name, one in lists.items() if code in one.codes), None)


@cache
def word_lists() -> tuple[dict[str, int], dict[str, _List]]:
    """Weights of the words that are strong in every language, and the lists by language."""
    told = tomllib.loads((resources.files("segue.analyse") / "explicit_words.toml").read_text("utf-8"))
    everywhere = dict.fromkeys(told.pop("everywhere").split(), _STRONG)
    lists = {
        name: _List(
            frozenset(one["codes"]),
            frozenset(one["stop"].split()),
            dict.fromkeys(one["mild"].split(), _MILD) | dict.fromkeys(one["strong"].split(), _STRONG),
        )
        for name, one in told.items()
    }
    return everywhere, lists
