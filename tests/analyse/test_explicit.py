"""A guess at explicit words: whole words in their language, whatever their case, accents and punctuation. The words stay in their file."""

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.analyse import Explicit, guess_explicit
from segue.analyse._explicit import word_lists
from segue.text import fold

EVERYWHERE, LISTS = word_lists()
STRONG = {name: sorted(word for word, weight in one.weights.items() if weight == 3) for name, one in LISTS.items()}
MILD = {name: sorted(word for word, weight in one.weights.items() if weight == 1) for name, one in LISTS.items()}
LISTED = {*EVERYWHERE, *(word for one in LISTS.values() for word in one.weights)}
languages = st.sampled_from(sorted(LISTS))


def calm(language: str) -> str:
    return " ".join(sorted(LISTS[language].stop - LISTED))


def test_lists_are_folded_single_words_and_of_the_languages_promised() -> None:
    assert set(LISTS) >= {"en", "de", "es", "fr", "it", "pt", "nl", "pl"}
    for word in LISTED:
        assert word == fold(word)
        assert word.isalpha()
    for name, one in LISTS.items():
        assert {name} < one.codes
        assert len(STRONG[name]) >= 15
        assert len(one.stop) >= 25
        assert not one.stop & one.weights.keys()
        assert not one.weights.keys() & EVERYWHERE.keys()


@given(languages, st.data())
def test_case_accents_and_punctuation_change_nothing(language: str, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(STRONG[language]))
    marks = data.draw(st.lists(st.sampled_from(["", "\u0301", "\u0327", "\u0308"]), min_size=len(word), max_size=len(word)))
    upper = data.draw(st.lists(st.booleans(), min_size=len(word), max_size=len(word)))
    dressed = "".join((letter.upper() if high else letter) + mark for letter, high, mark in zip(word, upper, marks, strict=True))
    around = st.sampled_from(["", " ", "\n", "¡", "“", "(", "-", "…", "l'", "!!"])
    before, after = data.draw(around), data.draw(around).rstrip("l'")
    form: Literal["NFC", "NFD"] = data.draw(st.sampled_from(["NFC", "NFD"]))
    told = guess_explicit([(language, f"la {before}{unicodedata.normalize(form, dressed)}{after} la")])
    assert told == Explicit(value=True, language=language, words=1)


@given(languages, st.data())
def test_a_word_inside_another_does_not_count(language: str, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(STRONG[language]))
    letters = st.text(st.characters(categories=["Ll", "Lo", "Nd"]), max_size=4)
    inside = fold(data.draw(letters) + word + data.draw(letters))
    if inside not in LISTED and inside.isalnum():
        assert guess_explicit([(language, f"{inside} {inside}")]) == Explicit(value=False, language=language, words=0)


@given(st.text(max_size=8), st.text(max_size=300))
def test_nothing_crashes_it_and_it_is_deterministic(tag: str, text: str) -> None:
    assert guess_explicit([(tag, text)]) == guess_explicit([(tag, text)])


@given(languages, st.integers(0, 6), st.data())
def test_one_mild_word_is_not_enough_and_more_never_make_it_cleaner(language: str, times: int, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(MILD[language]))
    told = guess_explicit([("xxx", calm(language) + f" {word}" * times)])
    assert told == Explicit(value=times >= 3, language=language, words=times)


@pytest.mark.parametrize("language", sorted(LISTS))
def test_the_language_is_told_by_its_frequent_words_even_against_the_tag(language: str) -> None:
    for tag in ("xxx", "", "eng", "fra", "???"):
        assert guess_explicit([(tag, calm(language))]) == Explicit(value=False, language=language, words=0)
    for code in LISTS[language].codes:
        assert guess_explicit([(code.upper() + "-XX", "la la")]) == Explicit(value=False, language=language, words=0)


def test_without_a_known_language_only_what_is_strong_everywhere_counts() -> None:
    assert guess_explicit([]) == guess_explicit([("eng", " ... ")]) == guess_explicit([("xxx", "la la la")]) == Explicit()
    assert guess_explicit([("fin", "laa " + MILD["en"][0])]) == Explicit()
    assert guess_explicit([("fin", "laa " + sorted(EVERYWHERE)[0])]) == Explicit(value=True, language=None, words=1)


def test_of_several_lyrics_the_worst_counts() -> None:
    clean, dirty = ("eng", calm("en")), ("deu", STRONG["de"][0])
    assert guess_explicit([clean, dirty]) == guess_explicit([dirty, clean]) == guess_explicit([dirty])
