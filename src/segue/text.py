"""Text as people search and sort it: folded, so that case, accents and width do not matter."""

import re
import unicodedata
from functools import lru_cache

_SPECIAL = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ß": "ss", "’": "'", "‘": "'"}
)
_ARTICLE = re.compile(r"(the|an|a|die|das|ein|eine|les|le|la|el|los|las|il|lo) (?=\S)|l'(?=\S)")
_SPACE = re.compile(r"\s+")
LONGEST_KEY = 200
"""Characters of a sort key: beyond any title that sorting could tell apart."""


@lru_cache(8192)
def fold(text: str) -> str:
    """Case, accents, width and ligatures taken away (Unicode NFKD, then casefold), spaces collapsed. Idempotent."""
    if text.isascii():
        return _SPACE.sub(" ", text.lower()).strip()
    for _ in range(2):  # casefolding can give what decomposes again
        decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_SPECIAL))
        text = "".join(c for c in decomposed if not unicodedata.combining(c) and not "\ud800" <= c <= "\udfff")
    # Hangul and kana are composed again, so that a syllable is one character.
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()


@lru_cache(8192)
def sort_key(text: str) -> str:
    """Folded, without a leading article or punctuation: “The Beatles” sorts under b."""
    folded = fold(text)
    without = _ARTICLE.sub("", folded, count=1) if _ARTICLE.match(folded) else folded
    return (without.lstrip("'\"([{.-_¡¿!?*#/ ") or folded)[:LONGEST_KEY]
