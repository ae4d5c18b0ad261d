"""The laws of the description: gain changes nothing, time-stretch moves the tempo, transposition the key; and known sounds by example."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.analyse import Description
from segue.analyse._descriptor import DIMENSION, descriptor
from segue.analyse._spectra import Spectra, Window, spectra
from segue.analyse.describe import describe
from segue.testing.sounds import RATE, Floats, chords, repeated

few = settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
NAMES = {
    *("dynamic_complexity_db", "tempo_bpm", "time_signature", "key", "mode", "energy", "danceability", "valence", "acousticness"),
    *("instrumentalness", "liveness", "silence_head_s", "silence_tail_s", "intro_end_s", "outro_start_s", "cue_in_s", "cue_out_s"),
}


def heard(y: Floats) -> Description:
    return describe([Window(0.0, y)], y.size / RATE)


def value(of: Description, name: str) -> float:
    return of.values[name].value


def song(bpm: float = 110, tonic: int = 0, major: bool = True, seconds: float = 16, loop: str = "rock") -> Floats:
    drums = repeated(loop, bpm, seconds)
    return (0.5 * drums + 0.5 * chords(tonic, major, (0, 5, 3, 4), chord_s=240 / bpm, seconds=seconds)).astype(np.float32)


def octave_apart(a: float, b: float) -> float:
    """Ratio less 1, whichever octave."""
    return abs(2 ** ((np.log2(a / b) + 0.5) % 1 - 0.5) - 1)


def sound(spectra: Spectra) -> bool:
    return all(
        np.isfinite(getattr(spectra, name)).all() for name in ("power_db", "mel_db", "onset", "pitch", "flatness", "tonal", "chroma")
    )


@few
@given(gain=st.floats(0.003, 4), bpm=st.integers(70, 150), tonic=st.integers(0, 11), major=st.booleans())
def test_gain_changes_nothing(gain: float, bpm: int, tonic: int, major: bool) -> None:
    y = song(bpm, tonic, major, 12)
    loud = (y * np.float32(gain)).astype(np.float32)
    one, other = heard(y), heard(loud)
    assert {name: v.value for name, v in one.values.items()} == pytest.approx({name: v.value for name, v in other.values.items()}, abs=2e-3)
    assert one.beats_s == pytest.approx(other.beats_s, abs=0.02)
    assert [s.label for s in one.sections] == [s.label for s in other.sections]
    assert float(descriptor(spectra([Window(0.0, y)])) @ descriptor(spectra([Window(0.0, loud)]))) > 0.99999


@few
@given(bpm=st.integers(80, 120), stretch=st.floats(0.8, 1.25), loop=st.sampled_from(["rock", "house", "waltz"]))
def test_time_stretch_moves_the_tempo_by_as_much(bpm: int, stretch: float, loop: str) -> None:
    before, after = (value(heard(repeated(loop, tempo, 20)), "tempo_bpm") for tempo in (bpm, bpm * stretch))
    assert octave_apart(after, before * stretch) < 0.02


@few
@given(tonic=st.integers(0, 11), by=st.integers(1, 11), major=st.booleans(), timbre=st.sampled_from(["organ", "saw", "square"]))
def test_transposition_moves_the_key_by_as_much(tonic: int, by: int, major: bool, timbre: str) -> None:
    before, after = (heard(chords(at, major, (0, 3, 4, 0), timbre, seconds=9)) for at in (tonic, (tonic + by) % 12))
    assert (value(after, "key") - value(before, "key")) % 12 == by
    assert value(after, "mode") == value(before, "mode") == int(major)


@settings(few, max_examples=60)
@given(
    st.sampled_from(["zeros", "dc", "noise", "clipped", "impulse", "nan", "inf", "huge", "tiny", "sine"]),
    st.sampled_from([0, 1, 7, 255, 256, 2047, 3200, 16_000, 70_000, 130_001]),
)
def test_whatever_the_samples_every_value_is_finite(kind: str, n: int) -> None:
    rng = np.random.default_rng(n)
    y = {
        "zeros": np.zeros(n),
        "dc": np.full(n, 0.7),
        "noise": rng.normal(0, 0.2, n),
        "clipped": np.clip(rng.normal(0, 20, n), -1, 1),
        "impulse": np.eye(1, n)[0] if n else np.zeros(0),
        "nan": np.where(rng.random(n) < 0.5, np.nan, 0.1),
        "inf": np.where(rng.random(n) < 0.1, np.inf, rng.normal(0, 0.1, n)),
        "huge": rng.normal(0, 1e30, n),
        "tiny": rng.normal(0, 1e-30, n),
        "sine": np.sin(np.arange(n) * 0.2),
    }[kind].astype(np.float32)
    transformed = spectra([Window(0.0, y)])
    made = describe([], n / RATE, transformed=transformed)
    assert sound(transformed)
    assert np.isfinite(transformed.level)
    assert set(made.values) == NAMES
    assert all(np.isfinite(v.value) and 0 <= v.confidence <= 1 for v in made.values.values())
    assert all(0 <= made.values[name].value <= 1 for name in ("energy", "danceability", "valence", "acousticness", "liveness"))
    assert all(0 <= t <= n / RATE + 1e-3 for t in (*made.beats_s, *made.downbeats_s))
    for name in ("silence_head_s", "silence_tail_s", "intro_end_s", "outro_start_s", "cue_in_s", "cue_out_s"):
        assert 0 <= value(made, name) <= n / RATE + 1e-3
    vector = descriptor(transformed)
    assert vector.shape == (DIMENSION,)
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)


def test_no_window_at_all_is_described_as_silence() -> None:
    made = describe([], 0)
    assert set(made.values) == NAMES
    assert made.values["tempo_bpm"].confidence == made.values["key"].confidence == 0
    assert made.beats_s == made.sections == ()


@pytest.mark.parametrize("y", [np.zeros(RATE * 8), np.full(RATE * 8, 0.5), np.random.default_rng(1).normal(0, 0.1, RATE * 8)])
def test_silence_dc_and_noise_have_no_tempo_and_no_key_to_trust(y: Floats) -> None:
    made = heard(y.astype(np.float32))
    assert made.values["tempo_bpm"].confidence < 0.25
    assert made.values["key"].confidence < 0.1


def test_the_same_samples_are_described_alike() -> None:
    y = song()
    assert heard(y) == heard(y.copy())
    assert descriptor(spectra([Window(0.0, y)])).tobytes() == descriptor(spectra([Window(0.0, y.copy())])).tobytes()


@pytest.mark.parametrize("bpm", [60, 75, 90, 110, 128, 150, 174, 190])
@pytest.mark.parametrize("loop", ["clicks", "rock", "house", "waltz"])
def test_tempo_of_clicks_and_loops(loop: str, bpm: int) -> None:
    made = heard(repeated(loop, bpm, 15))
    tempo = value(made, "tempo_bpm")
    assert octave_apart(tempo, bpm) < 0.02
    if loop == "clicks" or 90 <= bpm <= 128:
        assert tempo == pytest.approx(bpm, rel=0.02)
        true = 0.1 + np.arange(0, 15, 60 / bpm)
        near = np.abs(np.array(made.beats_s)[:, None] - true).min(axis=1)
        assert np.mean(near < 0.05) > 0.9
        assert len(made.beats_s) >= 0.8 * len(true) - 2


def test_three_beats_are_told_from_four() -> None:
    assert value(heard(repeated("waltz", 120, 24)), "time_signature") == 3
    assert value(heard(repeated("rock", 110, 24)), "time_signature") == 4
    made = heard(repeated("waltz", 120, 24))
    bars = np.array([0.1 + 1.5 * bar for bar in range(17)])
    assert np.mean(np.abs(np.array(made.downbeats_s)[:, None] - bars).min(axis=1) < 0.07) > 0.9


@pytest.mark.parametrize("major", [True, False])
@pytest.mark.parametrize("tonic", range(12))
def test_key_of_chords_in_all_24_keys(tonic: int, major: bool) -> None:
    made = heard(chords(tonic, major, (0, 5, 3, 4), "saw", seconds=8))
    assert (value(made, "key"), value(made, "mode")) == (tonic, int(major))
    assert made.values["key"].confidence > 0.3


@pytest.mark.parametrize("cents", [-40, -20, 20, 40])
def test_a_key_is_found_when_all_is_out_of_tune(cents: int) -> None:
    y = chords(4, False, (0, 3, 4, 0), "organ", seconds=8, cents=cents)
    assert (value(heard(y), "key"), value(heard(y), "mode")) == (4, 0)
    assert spectra([Window(0.0, y)]).tuning_cents == pytest.approx(cents, abs=8)


def test_silence_at_the_ends_parts_and_cues_are_found() -> None:
    quiet, body = chords(0, True, seconds=12) * np.float32(0.1), song(120, 0, True, 40, "house")
    other = song(120, 6, False, 30, "waltz")[::-1] * np.float32(0.8)
    y = np.concatenate([np.zeros(2 * RATE), quiet, body, other, body, np.zeros(3 * RATE)]).astype(np.float32)
    made = heard(y)
    assert value(made, "silence_head_s") == pytest.approx(2, abs=0.15)
    assert value(made, "silence_tail_s") == pytest.approx(3, abs=0.3)
    assert value(made, "intro_end_s") == pytest.approx(14, abs=2)
    assert 2 <= value(made, "cue_in_s") < value(made, "cue_out_s") <= 124.2
    assert min(abs(value(made, "cue_in_s") - t) for t in made.downbeats_s) < 0.01
    starts = [section.start_s for section in made.sections]
    for cut in (14, 54, 84):
        assert min(abs(start - cut) for start in starts) < 4
    labels = {s.label for s in made.sections if 16 < (s.start_s + s.end_s) / 2 < 52}
    again = {s.label for s in made.sections if 86 < (s.start_s + s.end_s) / 2 < 122}
    assert labels & again
    assert made.sections[0].label == "A"
    assert all(a.end_s == pytest.approx(b.start_s, abs=0.01) for a, b in zip(made.sections, made.sections[1:], strict=False))


def test_windows_say_where_they_stand() -> None:
    """Beats and sections of a long file lie within the windows heard, in file time."""
    y = song(100, 2, True, 30)
    made = describe([Window(0.0, y), Window(100.0, y), Window(270.0, y)], 300)
    whole = heard(y)
    assert value(made, "tempo_bpm") == pytest.approx(value(whole, "tempo_bpm"), rel=0.01)
    assert value(made, "key") == value(whole, "key")
    assert {0, 100, 270} == {int(t // 10) * 10 // 50 * 50 if t < 150 else 270 for t in made.beats_s}
    assert all(any(a <= s.start_s < s.end_s <= a + 30.1 for a in (0, 100, 270)) for s in made.sections)
    assert list(made.beats_s) == sorted(made.beats_s)


def test_energy_follows_what_is_played_not_how_loud() -> None:
    calm = chords(0, True, timbre="sine", chord_s=3, seconds=18)
    driven = (repeated("rock", 150, 18) + 0.5 * np.tanh(6 * chords(0, True, timbre="saw", chord_s=0.4, seconds=18))).astype(np.float32)
    assert value(heard(calm * np.float32(3)), "energy") < value(heard(driven * np.float32(0.05)), "energy") - 0.2
    assert value(heard(calm), "acousticness") > value(heard(driven), "acousticness")
    assert value(heard(repeated("house", 122, 18)), "danceability") > value(heard(calm), "danceability")


def test_descriptor_puts_like_beside_like() -> None:
    def vector(y: Floats) -> Floats:
        return descriptor(spectra([Window(0.0, y)]))

    rock, higher, other = (vector(y) for y in (song(110, 0), song(112, 5), chords(0, True, timbre="sine", chord_s=3, seconds=16)))
    assert float(rock @ higher) > 0.7 > float(rock @ other)
