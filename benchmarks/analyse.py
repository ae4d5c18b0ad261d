"""How fast and in how much memory tracks are heard: one JSON line a figure.

    python benchmarks/analyse.py --audio FOLDER [--files N] [--workers N]

``stage``: processor seconds a file, of the worker's own and of its FFmpeg's, one thread, by stage. ``core``: × real time of one core, all
stages together, without the tagger (musicnn) and with it. ``librosa``, where installed: tempo and beats, chroma, MFCC, onsets, RMS and
spectral shape of samples already decoded (22,050 Hz), beside our transform, description and descriptor of the same files (16,000 Hz).
``workers``: real worker processes side by side, by the clock: tracks of 3½ minutes an hour, and peak resident memory.
Medians over files with the 10th and 90th percentile.
"""

import argparse
import importlib.util
import json
import os
import queue
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import imageio_ffmpeg
import numpy as np
import psutil

from segue.analyse import AnalysisWorker, Ask, models
from segue.analyse._decode import decode, payload_hash
from segue.analyse._descriptor import descriptor
from segue.analyse._encoders import load
from segue.analyse._spectra import spectra
from segue.analyse._speech import MODEL, Speech, model_path
from segue.analyse.describe import describe

SUFFIXES = {".mp3", ".opus", ".ogg", ".flac", ".m4a", ".wav"}
TRACK_S = 210
T = TypeVar("T")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--audio", type=Path, required=True)
    options.add_argument("--files", type=int, default=24)
    options.add_argument("--workers", type=int, default=2)
    asked = options.parse_args()
    found = sorted(path for path in asked.audio.rglob("*") if path.suffix.lower() in SUFFIXES)
    files = found[:: max(1, len(found) // asked.files)][: asked.files]
    tagger = next((model for model in models(Path("nowhere")) if model.tags), None)
    lengths = by_stage(files, tagger.path if tagger else None)
    beside_librosa(files)
    for name, encoders in (("without tagger", ()), (("with " + tagger.name) if tagger else "", (str(tagger.path),) if tagger else ())):
        if name:
            together(files, lengths, encoders, asked.workers, name)


def by_stage(files: list[Path], tagger: Path | None) -> dict[Path, float]:
    encoder = load(tagger) if tagger else None
    silero = model_path(MODEL)
    speech = Speech(silero) if silero else None
    took: dict[str, list[float]] = {}
    rates: dict[str, list[float]] = {"without tagger": [], "with tagger": []}
    lengths: dict[Path, float] = {}

    def timed(name: str, work: Callable[[], T]) -> T:
        own, theirs = time.process_time(), children_s()
        out = work()
        for key, span in ((name, time.process_time() - own), (f"{name} (ffmpeg)", children_s() - theirs)):
            if span or not key.endswith(")"):
                took.setdefault(key, []).append(span)
        return out

    for path in files:
        before = {name: sum(spans) for name, spans in took.items()}
        name = os.fsencode(path)
        timed("hash", lambda name=name: payload_hash(name, 0))
        decoded = timed("decode", lambda name=name: decode(name, 0))
        lengths[path] = decoded.duration_s
        made = timed("transform", lambda decoded=decoded: spectra(decoded.windows))
        timed("describe", lambda decoded=decoded, made=made: describe(decoded.windows, decoded.duration_s, transformed=made))
        timed("descriptor", lambda made=made: descriptor(made))
        if speech is not None:
            timed("speech", lambda decoded=decoded: speech.speechiness(decoded.windows))
        plain = sum(sum(spans) for spans in took.values()) - sum(before.values())
        rates["without tagger"].append(decoded.duration_s / plain)
        if encoder is not None:
            timed("tagger", lambda decoded=decoded: encoder.encode(decoded.windows))
            whole = sum(sum(spans) for spans in took.values()) - sum(before.values())
            rates["with tagger"].append(decoded.duration_s / whole)
    total = sum(lengths.values())
    say("files", n=len(files), seconds=round(total), median_s=round(statistics.median(lengths.values()), 1), load=load_now())
    for name, spans in took.items():
        say("stage", stage=name, **spread(spans, 3), ms_a_second=round(1000 * sum(spans) / total, 2))
    for name, values in rates.items():
        if values:
            say("core", how=name, x_real_time=spread(values, 0))
    return lengths


def beside_librosa(files: list[Path]) -> None:
    if importlib.util.find_spec("librosa") is None:
        say("librosa", note="not installed")
        return
    import librosa

    theirs: list[float] = []
    ours: list[float] = []
    parts: dict[str, float] = {}
    heard_s = 0.0
    for number, path in enumerate([files[0], *files]):  # the first twice: what is compiled is compiled then
        y, sr = samples(path, 22_050), 22_050
        spent: dict[str, float] = {}
        for name, work in five(librosa, y, sr).items():
            began = time.process_time()
            work()
            spent[name] = time.process_time() - began
        windows = decode(os.fsencode(path), 0).windows
        began = time.process_time()
        made = spectra(windows)
        describe(windows, y.size / sr, transformed=made)
        descriptor(made)
        own = time.process_time() - began
        if number:
            theirs.append(y.size / sr / sum(spent.values()))
            ours.append(sum(one.y.size for one in windows) / 16_000 / own)
            heard_s += y.size / sr
            for name, span in spent.items():
                parts[name] = parts.get(name, 0) + span
    each = {name: round(heard_s / span) for name, span in parts.items()}
    say("librosa", version=librosa.__version__, x_real_time=spread(theirs, 0), x_real_time_each=each, load=load_now())
    say("ours_of_samples", x_real_time=spread(ours, 0))


def five(librosa: Any, y: "np.ndarray[Any, Any]", sr: int) -> dict[str, Callable[[], Any]]:
    return {
        "tempo, beats": lambda: librosa.beat.beat_track(y=y, sr=sr),
        "chroma": lambda: librosa.feature.chroma_cqt(y=y, sr=sr),
        "mfcc": lambda: librosa.feature.mfcc(y=y, sr=sr),
        "onsets": lambda: librosa.onset.onset_strength(y=y, sr=sr),
        "rms, spectral": lambda: (
            librosa.feature.rms(y=y),
            librosa.feature.spectral_centroid(y=y, sr=sr),
            librosa.feature.spectral_rolloff(y=y, sr=sr),
            librosa.feature.spectral_contrast(y=y, sr=sr),
        ),
    }


def together(files: list[Path], lengths: dict[Path, float], encoders: tuple[str, ...], count: int, name: str) -> None:
    waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for path in sorted(files, key=lambda path: -lengths[path]):
        waiting.put(path)
    workers = [AnalysisWorker(priority="normal") for _ in range(count)]
    for worker in workers:
        worker.hear(Ask(path=os.fsencode(files[0]), duration_ms=0, encoders=encoders))  # warm
    peaks: dict[str, int] = {}
    ended = threading.Event()
    watcher = threading.Thread(target=watch, args=([worker.pid for worker in workers], peaks, ended), daemon=True)
    watcher.start()

    def work(worker: AnalysisWorker) -> None:
        while not waiting.empty():
            path = waiting.get()
            answer = worker.hear(Ask(path=os.fsencode(path), duration_ms=round(lengths[path] * 1000), encoders=encoders))
            if answer.error:
                say("failed", file=path.name, error=answer.error[0])

    began = time.perf_counter()
    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    ended.set()
    watcher.join()
    for worker in workers:
        worker.close()
    x = sum(lengths.values()) / wall
    say(
        "workers", how=name, workers=count, seconds=round(wall, 1), x_real_time=round(x), tracks_an_hour=round(3600 * x / TRACK_S),
        tracks_an_hour_of_these=round(3600 * len(files) / wall), load=load_now(),
        peak_rss_mib={what: round(peak / 2**20) for what, peak in peaks.items()},
    )  # fmt: skip


def watch(pids: list[int | None], peaks: dict[str, int], ended: threading.Event) -> None:
    while not ended.wait(0.02):
        for pid in pids:
            try:
                parent = psutil.Process(pid)
                own = parent.memory_info().rss
                children = [child.memory_info().rss for child in parent.children(recursive=True)]
            except psutil.Error:
                continue
            for what, value in (("worker", own), ("its ffmpeg", max(children, default=0)), ("together", own + sum(children))):
                peaks[what] = max(peaks.get(what, 0), value)


def samples(path: Path, rate: int) -> "np.ndarray[Any, Any]":
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-nostdin",
        "-v",
        "error",
        "-i",
        str(path),
        "-ac",
        "1",
        "-ar",
        str(rate),
        "-f",
        "f32le",
        "-",
    ]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, dtype=np.float32)


def children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def spread(values: list[float], digits: int) -> dict[str, float]:
    low, high = (float(np.percentile(values, at)) for at in (10, 90))
    return {"median": round(statistics.median(values), digits), "p10": round(low, digits), "p90": round(high, digits)}


def load_now() -> float:
    return round(os.getloadavg()[0], 2)


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "analyse", "what": what, **figures}), flush=True)


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":  # read when numpy is loaded
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | one)
    main()
