"""Making the demo library: the same seed gives the same bytes, styles can be told apart, and a run that stops can go on."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import segue.demo
from segue.demo import make_demo_library
from segue.demo._catalogue import Plan, make_plan
from segue.demo._styles import STYLES, compose
from segue.demo._synth import SR, fast_size, hz, pluck
from segue.demo._write import write_track
from segue.errors import BadRequest, Unavailable


def features(style: str, seed: int) -> tuple[float, float, float]:
    """(spectral centroid in Hz, RMS in dBFS, crest in dB) of four seconds from the middle of a piece."""
    y = compose(style, 12.0, seed).mean(axis=0)[5 * SR : 9 * SR]
    power = np.abs(np.fft.rfft(y)) ** 2
    rms = float(np.sqrt((y**2).mean()))
    centroid = float((power * np.fft.rfftfreq(len(y), 1 / SR)).sum() / power.sum())
    return centroid, 20 * np.log10(rms), 20 * np.log10(float(np.abs(y).max()) / rms)


def test_styles_can_be_told_apart() -> None:
    heard = {style: features(style, 3) for style in STYLES}
    centroids, levels = [h[0] for h in heard.values()], [h[1] for h in heard.values()]
    assert max(centroids) > 5 * min(centroids)
    assert max(levels) > min(levels) + 9

    def differ(a: str, b: str) -> bool:
        (ca, ra, xa), (cb, rb, xb) = heard[a], heard[b]
        slow, fast = sorted((STYLES[a].bpm, STYLES[b].bpm))
        return abs(np.log2(ca / cb)) > 0.3 or abs(ra - rb) > 1.5 or abs(xa - xb) > 1.5 or slow[1] * 1.1 < fast[0]

    assert [(a, b) for a in STYLES for b in STYLES if a < b and not differ(a, b)] == []


@pytest.mark.parametrize("style", STYLES)
def test_a_piece_is_whole(style: str) -> None:
    sound = compose(style, 6.0, 11)
    assert sound.shape == (2, 6 * SR)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert 0.05 < float(np.abs(sound).max()) < 10 ** (-1 / 20)
    assert float(np.abs(sound[:, -20:]).max()) < 0.01, "it ends in a fade"
    assert np.array_equal(sound, compose(style, 6.0, 11))
    assert not np.array_equal(sound, compose(style, 6.0, 12))


@pytest.mark.parametrize("midi", [52, 69, 81, 90])
def test_a_plucked_string_is_in_tune(midi: int) -> None:
    y = pluck(midi, 1.8)[SR // 10 :]
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 1 << 19))
    f = np.fft.rfftfreq(1 << 19, 1 / SR)
    near = (f > hz(midi) * 0.94) & (f < hz(midi) * 1.06)
    cents = 1200 * np.log2(f[near][spectrum[near].argmax()] / hz(midi))
    assert abs(cents) < 4


def test_fast_sizes() -> None:
    for n in (1, 2, 17, 1000, 97_021, 1_234_801):
        assert n <= fast_size(n) <= n * 1.126
    assert all(a <= b for a, b in pairwise(fast_size(n) for n in range(1, 3000)))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    chosen = {"mp3", "flac", "opus", "ogg", "m4a", "alac", "wma", "wav"}
    subset = []
    for track in sorted(make_plan(1).tracks, key=lambda track: track.sound[1]):
        if track.format in chosen:
            chosen.remove(track.format)
            subset.append(track)
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    for track in subset:
        write_track(first, track)
        write_track(second, track)
        assert (first / track.path).read_bytes() == (second / track.path).read_bytes(), track.path
    made = first / subset[0].path
    before = made.stat().st_ino
    write_track(first, subset[0])
    assert made.stat().st_ino == before, "a file that comes out as it was is left alone"
    assert make_plan(1) == make_plan(1) != make_plan(2)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan of the two interludes, so that a whole library is made in a second or two."""
    whole = make_plan(1)
    plan = Plan(tuple(track for track in whole.tracks if track.sound[1] == 3.0), whole.texts, whole.covers)
    monkeypatch.setattr(segue.demo, "make_plan", lambda seed: plan)
    return plan


def test_it_goes_on_where_it_stopped(short: Plan, tmp_path: Path) -> None:
    target, told = tmp_path / "new" / "demo", []
    report = make_demo_library(target, progress=lambda done, total: told.append((done, total)))
    assert (report.tracks, report.made, told) == (2, 2, [(1, 2), (2, 2)])
    marker = json.loads((target / ".segue-demo.json").read_text())
    assert set(marker["files"]) == {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file() and path.name[0] != "."}
    lost, kept = (target / track.path for track in short.tracks)
    lost.unlink()
    before = kept.stat().st_mtime_ns
    assert make_demo_library(target).made == 1
    assert make_demo_library(target).made == 0
    assert kept.stat().st_mtime_ns == before
    assert lost.is_file()
    assert not list(target.rglob(".making*"))


def test_an_older_one_is_brought_up_to_date(short: Plan, tmp_path: Path) -> None:
    make_demo_library(tmp_path)
    marker, track = tmp_path / ".segue-demo.json", tmp_path / short.tracks[0].path
    good = track.read_bytes()
    track.write_bytes(b"as an older version made it")
    marker.write_text('{"version":1,"seed":1}')
    assert make_demo_library(tmp_path).made == 2
    assert track.read_bytes() == good
    assert json.loads(marker.read_text())["version"] > 1


def test_folders_it_does_not_touch(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadRequest, match="not empty"):
        make_demo_library(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(BadRequest, match="not a folder"):
        make_demo_library(tmp_path / "mine.txt")
    with pytest.raises(Unavailable):
        make_demo_library(tmp_path / "mine.txt" / "below")
    marker = tmp_path / ".segue-demo.json"
    for content, said in (
        (b"", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b'{"version":1,"seed":9}', "seed 9"),
        (b'{"version":99,"seed":1}', "newer"),
    ):
        marker.write_bytes(content)
        with pytest.raises(BadRequest, match=said):
            make_demo_library(tmp_path)
