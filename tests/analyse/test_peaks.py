"""Peaks between samples: signals whose peak is known, and any way of cutting the stream."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.analyse._peaks import Peaks


def wav(y: np.ndarray, rate: int) -> bytes:
    channels = y.shape[1]
    head = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", 0xFFFFFFFF, b"WAVE", b"fmt ", 16, 3, channels, rate, 4 * rate * channels, 4 * channels, 32
    )
    return head + struct.pack("<4sI5sx", b"LIST", 5, b"other") + struct.pack("<4sI", b"data", 0xFFFFFFFF) + y.astype("<f4").tobytes()


def peaks(y: np.ndarray, rate: int = 48_000, pieces: tuple[int, ...] = ()) -> Peaks:
    found, data = Peaks(), wav(y, rate)
    at = 0
    for size in pieces:
        found.feed(data[at : at + size])
        at += size
    found.feed(data[at:])
    found.end()
    return found


def decibels(value: float) -> float:
    return float(20 * np.log10(value))


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize(("divisor", "degrees"), [(4, 0), (4, 45), (6, 60), (8, 67.5), (3, 30), (48, 10)])
def test_a_sine_peaks_at_its_amplitude_wherever_samples_fall(divisor: int, degrees: float, rate: int) -> None:
    """EBU Tech 3341, cases 15 to 19, and others."""
    n = np.arange(rate // 2)
    fade = np.minimum(1, np.minimum(n, n[::-1]) / (rate / 50))
    frequency = 48_000 / divisor / rate
    y = 0.5 * fade * np.sin(2 * np.pi * frequency * n + np.radians(degrees))
    assert decibels(peaks(y[:, None], rate).between) == pytest.approx(decibels(0.5), abs=0.2)


def test_a_peak_between_samples_is_seen_in_any_channel_and_at_the_ends() -> None:
    between = np.sinc(np.arange(-20, 21) + 0.5)
    for before in (0, 3, 40_000):
        y = np.zeros((before + 44, 3))
        y[before : before + 41, 2] = 0.8 * between
        found = peaks(y[: before + 41])
        assert found.between == pytest.approx(0.8, rel=0.05)
        assert found.channels.tolist() == pytest.approx([0, 0, 0.8 * between.max()])
    assert peaks(np.array([[0.1], [0.7], [0.7]])).between > 0.7


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 400_000), max_size=6), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_how_the_stream_is_cut_changes_nothing(seed: int, pieces: list[int], channels: int) -> None:
    chance = np.random.default_rng(seed)
    y = np.clip(chance.standard_normal((40_000, channels)) * 0.5, -1, 1)
    whole, cut = peaks(y), peaks(y, pieces=tuple(pieces))
    assert cut.between == whole.between
    assert cut.channels.tolist() == whole.channels.tolist() == pytest.approx(np.abs(y).max(axis=0))


def test_runs_at_full_scale_are_counted_in_the_first_channel() -> None:
    y = np.full((1_000, 2), 0.5)
    y[100:110, 0] = 1
    y[200:202, 0] = -1
    y[300:900, 1] = 1
    assert peaks(y).clipped == pytest.approx(0.01)


def test_neither_an_empty_stream_nor_one_of_no_numbers_is_an_error() -> None:
    assert peaks(np.zeros((0, 2))).between == 0
    assert peaks(np.zeros((70_000, 2))).between == 0
    with np.errstate(invalid="ignore"):
        peaks(np.full((70_000, 1), np.nan))
    assert Peaks().clipped == 0
