"""What FFmpeg gives at further sample rates, for encoders that take them, beside what everything is described at."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest

from segue.analyse import AnalysisWorker, Ask
from segue.analyse._decode import decode
from segue.analyse._encoders import load
from segue.analyse._modelfile import Described, Mel, Output
from segue.analyse._samples import STRETCHES_BYTES, Further
from segue.testing.rendering import render

from .test_encoders import WAVE, model, saved

RATES = (22_050, 24_000, 32_000, 44_100, 48_000)
BANDS = Described(
    name="bands",
    version="1",
    licence="CC0-1.0",
    dimension=16,
    sample_rate_hz=48_000,
    window_s=0.33,
    excerpts=3,
    input=Mel(tensor="in", axes=("batch", "one", "mels", "frames"), n_fft=1024, hop=512, n_mels=16, frames=32, log="db", fmax_hz=14_000),
    output=Output(embedding="out"),
)
"""Fits the mel model of ``test_encoders``."""


def loudest_hz(y: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(y)).argmax()) * rate / len(y)


def tone(path: Path, hz: float, seconds: float = 4, rate: int = 48_000) -> Path:
    return render(path, f"0.5*sin({hz}*2*PI*t)", seconds=seconds, rate=rate)


@pytest.mark.parametrize("samples_only", [False, True])
def test_every_rate_comes_from_one_run_and_what_else_is_heard_stays_the_same(samples_only: bool, tmp_path: Path) -> None:
    path = os.fsencode(tone(tmp_path / "high.flac", 10_000))
    wanted = {rate: {rate // 2: 4} for rate in RATES}
    plain = decode(path, 4000, samples_only=samples_only)
    decoded = decode(path, 4000, samples_only=samples_only, wanted=wanted)
    assert decoded.payload_hash == plain.payload_hash
    assert (decoded.waveform, decoded.fingerprint, decoded.loudness_lufs) == (plain.waveform, plain.fingerprint, plain.loudness_lufs)
    assert np.array_equal(decoded.windows[0].y, plain.windows[0].y)
    assert not plain.further
    assert set(decoded.further) == {(rate, rate // 2) for rate in RATES}
    for (rate, _), windows in decoded.further.items():
        assert sum(len(window.y) for window in windows) == pytest.approx(4 * rate, abs=rate // 100)
        assert all(window.y.dtype == np.float32 for window in windows)
        if rate > 20_000:
            assert loudest_hz(windows[0].y, rate) == pytest.approx(10_000, abs=5)


def test_stretches_of_a_long_file_are_few_and_spread() -> None:
    rate, length = 48_000, 4_800
    further = Further(rate, {length: 4, 2 * length: 2}, STRETCHES_BYTES)
    total = 1_000 * length + 77
    for start in range(0, total, 99_991):
        data = np.arange(start, min(start + 99_991, total), dtype=np.float32) / total
        raw = data.astype("<f4").tobytes()
        further.feed(raw[:3])
        further.feed(raw[3:])
    held = further.windows()
    for asked, most in ((length, 4), (2 * length, 2)):
        windows = held[asked]
        assert most < len(windows) <= 2 * most
        starts = [window.start_s * rate for window in windows]
        assert [float(window.y[0]) * total for window in windows] == pytest.approx(starts, abs=1)
        assert {round(b - a) for a, b in pairwise(starts)} == {round(starts[1])}
        assert starts[-1] > 0.6 * total


def test_more_than_there_is_room_for_is_held_in_fewer() -> None:
    length = 60 * 48_000
    further = Further(48_000, {length: 64}, STRETCHES_BYTES)
    block = np.ones(48_000, "<f4").tobytes()
    for _ in range(60 * 12):
        further.feed(block)
    windows = further.windows()[length]
    assert len(windows) >= 2
    assert sum(window.y.nbytes for window in windows) <= STRETCHES_BYTES


def test_channels_that_cancel_and_samples_that_are_no_numbers_are_heard_at_further_rates_too(tmp_path: Path) -> None:
    path = render(tmp_path / "against.flac", "0.5*sin(9000*2*PI*t)|-0.5*sin(9000*2*PI*t)", seconds=3, rate=48_000)
    for samples_only in (False, True):
        decoded = decode(os.fsencode(path), 3000, samples_only=samples_only, wanted={48_000: {24_000: 2}})
        assert "cancelling" in {kind for kind, _ in decoded.findings}
        [window, *_] = decoded.further[48_000, 24_000]
        assert loudest_hz(window.y, 48_000) == pytest.approx(9_000, abs=5)
    further = Further(48_000, {100: 1}, STRETCHES_BYTES)
    further.feed(np.array([np.nan, np.inf, -np.inf, 7, -7] * 40, "<f4").tobytes())
    [window, *_] = further.windows()[100]
    assert set(window.y.tolist()) == {0.0, 1.0, -1.0}


def test_an_encoder_of_48_khz_hears_what_lies_above_8_khz(tmp_path: Path) -> None:
    encoder = saved(model_of(BANDS), tmp_path / "bands.onnx")
    assert load(encoder).described.sample_rate_hz == 48_000
    worker = AnalysisWorker(priority="normal")
    try:
        found = {}
        for hz in (3_000, 9_000, 12_000):
            path = os.fsencode(tone(tmp_path / f"{hz}.flac", hz))
            for only in (False, True):
                heard = worker.hear(Ask(path=path, duration_ms=4000, encoders=(str(encoder),), only_encoders=only))
                assert heard.error is None
                found[hz, only] = np.frombuffer(heard.embedded[str(encoder)].vector, "<f4")
        bands = [int(found[hz, False].argmax()) for hz in (3_000, 9_000, 12_000)]
        assert bands[0] < bands[1] < bands[2]
        for hz in (3_000, 9_000, 12_000):
            assert found[hz, True] == pytest.approx(found[hz, False], abs=1e-4)
    finally:
        worker.close()


def test_a_worker_stays_small_at_every_rate_at_once(tmp_path: Path) -> None:
    path = render(tmp_path / "long.flac", "0.4*sin(2*PI*440*t)", seconds=420, rate=48_000)
    names = []
    for rate in RATES:
        described = Described(
            **{field: getattr(WAVE, field) for field in ("version", "licence", "dimension", "input", "output")},
            name=f"wave-{rate}",
            sample_rate_hz=rate,
            window_s=8,
            excerpts=12,
        )
        names.append(str(saved(model(described, samples=8 * rate), tmp_path / f"{rate}.onnx")))
    worker = AnalysisWorker(priority="normal")
    try:
        heard = worker.hear(Ask(path=os.fsencode(path), duration_ms=420_000, encoders=tuple(names)))
        assert heard.error is None
        assert set(names) <= set(heard.embedded)
        assert worker.pid is not None
        status = Path(f"/proc/{worker.pid}/status").read_text()
        assert psutil.pid_exists(worker.pid)
        assert next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) < 400 * 1024
    finally:
        worker.close()


def model_of(described: Described):  # type: ignore[no-untyped-def]
    """The mel model of ``test_encoders``, with another description inside."""
    import msgspec
    from onnx import helper

    from segue.analyse._modelfile import METADATA_KEY

    from .test_encoders import MEL

    made = model(MEL)
    helper.set_model_props(made, {METADATA_KEY: msgspec.json.encode(described).decode()})
    return made
