"""A recording encoded anew is found to be the same; another is not."""

import os
from pathlib import Path

import numpy as np
import pytest

from segue.analyse._decode import decode
from segue.analyse._fingerprint import SAME, keys, shared, similarity
from segue.testing.rendering import MUSIC, convert, render


def of(path: Path) -> bytes:
    return decode(os.fsencode(path), 0).fingerprint


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("song") / "song.flac", MUSIC, "-ac", "2", seconds=40)


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("a.mp3", ("-b:a", "128k")),
        ("a.opus", ("-b:a", "64k")),
        ("a.m4a", ("-b:a", "96k")),
        ("quiet.flac", ("-af", "volume=-9dB")),
        ("slow_rate.flac", ("-ar", "22050", "-ac", "1")),
        ("late.mp3", ("-af", "adelay=3s:all=1", "-b:a", "128k")),
    ],
)
def test_the_same_in_another_encoding(song: Path, file: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    one, other = of(song), of(convert(song, tmp_path / file, *arguments))
    assert similarity(one, other) == similarity(other, one) > SAME
    assert shared(keys(one), keys(other)) >= 2


def test_another_sound_is_not_the_same(song: Path, tmp_path: Path) -> None:
    faster = of(convert(song, tmp_path / "pitch.flac", "-af", "asetrate=49500,aresample=44100"))
    noise = of(render(tmp_path / "noise.flac", "anoisesrc=amplitude=0.3:seed=1", seconds=40))
    for other in (faster, noise):
        assert similarity(of(song), other) < SAME


def test_fingerprints_of_nothing_are_like_nothing() -> None:
    coins = np.random.default_rng(1).integers(0, 2**32, 400, np.uint32)
    for nothing in (b"", b"\0", bytes(8)):
        assert similarity(nothing, coins.tobytes()) == similarity(nothing, nothing) == 0.0
    assert keys(b"") == frozenset()
    assert similarity(coins.tobytes(), coins.tobytes()) == 1.0
    assert similarity(coins.tobytes(), coins[100:].tobytes()) == 1.0
    assert similarity(coins.tobytes(), coins[::-1].tobytes()) < 0.1
