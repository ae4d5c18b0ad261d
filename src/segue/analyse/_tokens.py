"""Text -> the numbers of its tokens, after a ``tokenizer.json``: byte-level BPE (RoBERTa, GPT-2) and WordPiece (BERT), and no other kind.

A listener's text is data: what looks like a special token in it is read letter by letter.
"""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from segue.analyse._modelfile import TOKENIZER_MAX, bytes_of
from segue.errors import BadRequest

_TEXT_MAX = 4_000
Id = Annotated[int, Meta(ge=0, lt=2**31)]
_Merge = str | tuple[str, str]


class _Bpe(Struct, tag="BPE"):
    vocab: dict[str, Id]
    merges: list[_Merge]
    unk_token: str | None = None
    continuing_subword_prefix: str | None = None
    end_of_word_suffix: str | None = None
    byte_fallback: bool = False
    ignore_merges: bool = False


class _WordPiece(Struct, tag="WordPiece"):
    vocab: dict[str, Id]
    unk_token: str = "[UNK]"  # noqa: S105 - a token of words
    continuing_subword_prefix: str = "##"
    max_input_chars_per_word: Annotated[int, Meta(ge=1, le=1000)] = 100


class _ByteLevel(Struct, tag="ByteLevel"):
    add_prefix_space: bool = True
    use_regex: bool = True


class _BertWords(Struct, tag="BertPreTokenizer"):
    pass


class _BertNormalizer(Struct, tag="BertNormalizer"):
    clean_text: bool = True
    handle_chinese_chars: bool = True
    strip_accents: bool | None = None
    lowercase: bool = True


class _Lowercase(Struct, tag="Lowercase"):
    pass


class _Nfc(Struct, tag="NFC"):
    pass


class _Nfkc(Struct, tag="NFKC"):
    pass


class _Pair(Struct, array_like=True):
    token: str
    id: Id


class _Roberta(Struct, tag="RobertaProcessing"):
    sep: _Pair
    cls: _Pair


class _Bert(Struct, tag="BertProcessing"):
    sep: _Pair
    cls: _Pair


class _Named(Struct):
    id: str


class _Part(Struct):
    special: _Named | None = msgspec.field(default=None, name="SpecialToken")
    sequence: _Named | None = msgspec.field(default=None, name="Sequence")


class _Special(Struct):
    ids: Annotated[list[Id], Meta(max_length=16)]


class _Template(Struct, tag="TemplateProcessing"):
    single: Annotated[list[_Part], Meta(max_length=16)]
    special_tokens: dict[str, _Special]


class _Added(Struct):
    id: Id
    content: str


class _Padding(Struct):
    pad_id: Id


class _File(Struct):
    model: _Bpe | _WordPiece
    normalizer: _BertNormalizer | _Lowercase | _Nfc | _Nfkc | None = None
    pre_tokenizer: _ByteLevel | _BertWords | None = None
    post_processor: _Roberta | _Bert | _Template | _ByteLevel | None = None
    added_tokens: list[_Added] = []
    padding: _Padding | None = None


class Tokenizer:
    """One tokenizer.json, read whole and checked."""

    def __init__(self, path: Path) -> None:
        """Raises BadRequest, which says what is wrong or what is not read."""
        data = bytes_of(path, TOKENIZER_MAX)
        try:
            found = msgspec.json.decode(data, type=_File)
            self._read(found)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise BadRequest(f"{path} is no tokenizer Segue reads: {error}. It reads byte-level BPE and WordPiece.") from error

    def _read(self, file: _File) -> None:
        model = file.model
        self._model = model
        self._normalizer = file.normalizer
        self._ranks: dict[tuple[str, str], int] = {}
        self._prefix_space = False
        if isinstance(model, _Bpe):
            if not isinstance(file.pre_tokenizer, _ByteLevel) or not file.pre_tokenizer.use_regex:
                raise ValueError("its BPE is not byte-level")
            if model.continuing_subword_prefix or model.end_of_word_suffix or model.byte_fallback:
                raise ValueError("its BPE marks words in a way that is not read")
            self._prefix_space = file.pre_tokenizer.add_prefix_space
            for rank, merge in enumerate(model.merges):
                left, _, right = merge.partition(" ") if isinstance(merge, str) else (merge[0], "", merge[1])
                if left + right not in model.vocab:
                    raise ValueError(f"it merges {left[:20]!r} and {right[:20]!r} into no token")
                self._ranks.setdefault((left, right), rank)
        elif not isinstance(file.pre_tokenizer, _BertWords):
            raise ValueError("its WordPiece does not cut words as BERT does")
        elif model.unk_token not in model.vocab:
            raise ValueError("it has no token for what it does not know")
        if not model.vocab:
            raise ValueError("its vocabulary is empty")
        self.before, self.after = _around(file.post_processor)
        added = {one.content: one.id for one in file.added_tokens}
        known = model.vocab | added
        self.pad = file.padding.pad_id if file.padding else next((known[name] for name in ("<pad>", "[PAD]") if name in known), None)
        self.highest = max(*known.values(), *self.before, *self.after, self.pad or 0)

    def encode(self, text: str, most: int) -> list[int]:
        """At most ``most`` ids, the special ones among them; what is behind is cut off."""
        text = self._normal(text[:_TEXT_MAX])
        ids = self._bytes(text) if isinstance(self._model, _Bpe) else self._words(text, self._model)
        room = max(0, most - len(self.before) - len(self.after))
        return [*self.before, *ids[:room], *self.after][:most]

    def _normal(self, text: str) -> str:
        how = self._normalizer
        text = text.encode("utf-8", "replace").decode()
        if isinstance(how, _Nfc | _Nfkc):
            return unicodedata.normalize("NFC" if isinstance(how, _Nfc) else "NFKC", text)
        if isinstance(how, _Lowercase):
            return "".join(map(str.lower, text))
        if not isinstance(how, _BertNormalizer):
            return text
        if how.clean_text:
            text = "".join(" " if _space(one) else one for one in text if not _control(one))
        if how.handle_chinese_chars:
            text = "".join(f" {one} " if _ideograph(ord(one)) else one for one in text)
        if how.lowercase if how.strip_accents is None else how.strip_accents:
            text = "".join(one for one in unicodedata.normalize("NFD", text) if unicodedata.category(one) != "Mn")
        return "".join(map(str.lower, text)) if how.lowercase else text

    def _bytes(self, text: str) -> list[int]:
        model = self._model
        assert isinstance(model, _Bpe)
        if self._prefix_space and text and not text.startswith(" "):
            text = " " + text
        ids = []
        for piece in pieces(text):
            word = "".join(_letters()[byte] for byte in piece.encode())
            parts = [word] if model.ignore_merges and word in model.vocab else self._merged(list(word))
            for part in parts:
                id = model.vocab.get(part, model.vocab.get(model.unk_token or "", -1))
                ids += [id] if id >= 0 else []
        return ids

    def _merged(self, parts: list[str]) -> list[str]:
        """The pair that was learnt first is joined wherever it stands from left to right, until none is known."""
        none = len(self._ranks)
        while len(parts) > 1:
            rank, at = min((self._ranks.get((parts[i], parts[i + 1]), none), i) for i in range(len(parts) - 1))
            if rank == none:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return parts

    def _words(self, text: str, model: _WordPiece) -> list[int]:
        ids = []
        for word in _bert_words(text):
            found: list[int] = []
            start = 0
            while start < len(word) <= model.max_input_chars_per_word:
                lead = model.continuing_subword_prefix if start else ""
                end = next((end for end in range(len(word), start, -1) if lead + word[start:end] in model.vocab), None)
                if end is None:
                    break
                found.append(model.vocab[lead + word[start:end]])
                start = end
            ids += found if start == len(word) else [model.vocab[model.unk_token]]
        return ids


def _around(how: _Roberta | _Bert | _Template | _ByteLevel | None) -> tuple[list[int], list[int]]:
    """The special ids before and behind a text."""
    if isinstance(how, _Roberta | _Bert):
        return [how.cls.id], [how.sep.id]
    if not isinstance(how, _Template):
        return [], []
    at = [n for n, part in enumerate(how.single) if part.sequence is not None]
    if len(at) != 1:
        raise ValueError("its template does not hold the text once")

    def ids(parts: list[_Part]) -> list[int]:
        out = []
        for part in parts:
            if part.special is None or part.special.id not in how.special_tokens:
                raise ValueError("its template names a token it does not have")
            out += how.special_tokens[part.special.id].ids
        return out

    return ids(how.single[: at[0]]), ids(how.single[at[0] + 1 :])


_CONTRACTIONS = re.compile("'(?:s|t|re|ve|m|ll|d)")
# Over the kinds of characters: L letters, N numbers, W white space but " ", O others.
_RUNS = re.compile(r" ?L+| ?N+| ?O+|[ W]+(?![LNO])|[ W]+")


def pieces(text: str) -> list[str]:
    """The words of byte-level BPE as GPT-2 cuts them: each takes the space before it along."""
    kinds = "".join(map(_kind, text))
    out = []
    at = 0
    while at < len(text):
        found = _CONTRACTIONS.match(text, at) or _RUNS.match(kinds, at)
        assert found is not None
        out.append(text[at : found.end()])
        at = found.end()
    return out


@lru_cache(maxsize=4096)
def _kind(one: str) -> str:
    if one == " ":
        return " "
    category = unicodedata.category(one)
    return "W" if _space(one) else category[0] if category[0] in "LN" else "O"


def _space(one: str) -> bool:
    return one.isspace() and one not in "\x1c\x1d\x1e\x1f"


def _control(one: str) -> bool:
    return one == "\ufffd" or (unicodedata.category(one) in ("Cc", "Cf", "Co") and one not in "\t\n\r")


_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


def _ideograph(code: int) -> bool:
    return any(first <= code <= last for first, last in _IDEOGRAPHS)


def _bert_words(text: str) -> list[str]:
    """Cut at white space, and at both sides of punctuation."""
    spaced = []
    for one in text:
        punctuation = one in "$+<=>^`|~" or unicodedata.category(one)[0] == "P"
        spaced.append(f" {one} " if punctuation else " " if _space(one) else one)
    return [word for word in "".join(spaced).split(" ") if word]


@lru_cache(maxsize=1)
def _letters() -> tuple[str, ...]:
    """A printable character for each byte, as GPT-2 has them: itself, or the next free one from U+0100."""
    itself = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    free = iter(range(0x100, 0x200))
    return tuple(chr(byte) if byte in itself else chr(next(free)) for byte in range(256))
