"""The worker as a program: what it answers, what it may take, and what becomes of it when it hangs or is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from segue.analyse import AnalysisWorker, Ask, Heard
from segue.testing.rendering import MUSIC, convert, render


def ask(path: Path, **more: object) -> Ask:
    return Ask(path=os.fsencode(path), duration_ms=0, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def worker() -> Iterator[AnalysisWorker]:
    worker = AnalysisWorker(priority="normal")
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("song") / "song.flac", f"0.5*({MUSIC})|0.4*({MUSIC})", seconds=20)


def test_the_server_side_loads_no_numbers() -> None:
    code = "import sys, segue.analyse; sys.exit(any(name in sys.modules for name in ('numpy', 'onnxruntime', 'imageio_ffmpeg')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_a_file_is_heard(worker: AnalysisWorker, song: Path) -> None:
    heard = worker.hear(ask(song))
    assert heard.error is None
    assert heard.duration_ms == 20_000
    assert (len(heard.payload_hash), len(heard.waveform)) == (16, 800)
    assert len(heard.fingerprint) > 400
    assert heard.description is not None
    assert {"loudness_lufs", "loudness_range_lu", "true_peak_dbtp"} <= set(heard.description.values)
    assert worker.hear(ask(song)) == heard  # to the bit
    assert worker.hear(ask(song, hash_only=True)) == Heard(payload_hash=heard.payload_hash)


def test_it_stands_behind_everything_else(tmp_path: Path) -> None:
    worker = AnalysisWorker()
    try:
        worker.hear(ask(tmp_path / "absent.mp3"))
        assert worker.pid is not None
        process = psutil.Process(worker.pid)
        assert process.nice() == 19
        assert os.sched_getscheduler(worker.pid) == os.SCHED_IDLE
        assert process.ionice().ioclass == psutil.IOPRIO_CLASS_IDLE
    finally:
        worker.close()


def test_what_is_no_sound_is_an_error_and_the_next_is_heard(worker: AnalysisWorker, song: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp3"
    text.write_text("no sound\n" * 100)
    for path, kind in ((text, "no_audio"), (tmp_path / "absent.mp3", "unreadable")):
        heard = worker.hear(ask(path))
        assert heard.error is not None
        assert heard.error[0] == kind
    pid = worker.pid
    assert worker.hear(ask(song)).error is None
    assert worker.pid == pid


def test_a_model_that_is_none_is_a_finding_and_an_error_where_only_it_was_asked(worker: AnalysisWorker, song: Path, tmp_path: Path) -> None:
    model = tmp_path / "broken.onnx"
    model.write_bytes(b"no model")
    heard = worker.hear(ask(song, encoders=(str(model),)))
    assert heard.error is None
    assert [kind for kind, _ in heard.findings] == ["model"]
    only = worker.hear(ask(song, encoders=(str(model),), only_encoders=True, descriptor=False))
    assert only.error is not None
    assert only.error[0] == "model"


def test_a_hung_worker_is_ended_and_the_next_file_heard(song: Path) -> None:
    worker = AnalysisWorker(priority="normal")
    try:
        worker.hear(ask(song, hash_only=True))
        pid = worker.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        worker._answer_s = 0.5
        heard = worker.hear(ask(song))
        assert heard.error is not None
        assert heard.error[0] == "timeout"
        assert not psutil.pid_exists(pid)
        worker._answer_s = 600
        assert worker.hear(ask(song)).error is None
    finally:
        worker.close()


@pytest.fixture(scope="module")
def mix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty minutes, made of one minute again and again: as much is kept of them as of two hours."""
    folder = tmp_path_factory.mktemp("mix")
    minute = render(
        folder / "minute.mp3", MUSIC, "-ac", "1", "-b:a", "32k", "-write_xing", "0", "-id3v2_version", "0", seconds=60, rate=8000
    )
    mix = folder / "mix.mp3"
    mix.write_bytes(minute.read_bytes() * 20)
    return mix


def test_a_killed_worker_takes_ffmpeg_along_and_the_next_file_is_heard(mix: Path, song: Path) -> None:
    worker = AnalysisWorker(priority="normal")
    answers: list[Heard] = []
    try:
        worker.hear(ask(song, hash_only=True))
        assert worker.pid is not None
        process = psutil.Process(worker.pid)
        thread = threading.Thread(target=lambda: answers.append(worker.hear(ask(mix))))
        thread.start()
        deadline = time.monotonic() + 60
        while not (children := process.children()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert children
        process.kill()
        thread.join(60)
        assert answers[0].error is not None
        assert answers[0].error[0] == "died"
        _, alive = psutil.wait_procs(children, timeout=60)
        assert not alive
        assert worker.hear(ask(song)).error is None
    finally:
        worker.close()


def test_a_long_mix_is_bounded_by_windows(mix: Path) -> None:
    worker = AnalysisWorker(priority="normal")
    try:
        heard = worker.hear(ask(mix))
        assert heard.error is None
        assert heard.duration_ms == pytest.approx(1_200_000, rel=0.02)
        assert len(heard.waveform) == 800
        assert worker.pid is not None
        status = Path(f"/proc/{worker.pid}/status").read_text()
        peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        assert peak_kb < 400 << 10
    finally:
        worker.close()


def test_an_encoding_of_the_same_keeps_the_loudness(worker: AnalysisWorker, song: Path, tmp_path: Path) -> None:
    def loudness(path: Path) -> float:
        heard = worker.hear(ask(path))
        assert heard.description is not None
        return heard.description.values["loudness_lufs"].value

    plain = loudness(song)
    assert loudness(convert(song, tmp_path / "a.mp3", "-b:a", "128k")) == pytest.approx(plain, abs=0.6)  # LAME scales by .95
    assert loudness(convert(song, tmp_path / "a.opus", "-b:a", "64k")) == pytest.approx(plain, abs=0.3)
