"""One file through FFmpeg: samples, loudness, fingerprint and the hash of its sound from one process and one read.

FFmpeg opens one local file with the demuxers of audio files alone, under limits of its own, and ends with the worker. What it says comes
over pipes, read as it arrives.

Findings, a closed list of kinds:

``silent``      nothing above -60 dBFS
``short``       under 3 s: too short for a fingerprint, and under 0.4 s for loudness
``clipped``     over one sample in ten thousand lies in a run of three and more at full scale (first channel)
``channel``     one channel is empty beside others that are not
``cancelling``  the channels cancel one another: only the first was analysed
``offset``      the mean lies more than .05 off zero
``nan``         samples that are no numbers; they are heard as zero
``truncated``   the sound ends before the file says
``duration``    the sound goes on after the file says
``damaged``     parts could not be decoded
``too_long``    only the first 24 hours were heard
"""

import ctypes
import fcntl
import os
import re
import resource
import selectors
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache

import imageio_ffmpeg
import numpy as np

from segue.analyse._peaks import Peaks
from segue.analyse._record import SAMPLE_RATE_HZ
from segue.analyse._samples import STRETCHES_BYTES, Further, Samples
from segue.analyse._window import Window

LONGEST_S = 86_400
FINGERPRINT_S = 120
_DEMUXERS = "mp3,flac,ogg,mov,wav,w64,aiff,wv,ape,asf,dsf,aac,caf,tta,mpc,mpc8,matroska"
_MEMORY_BYTES = 1 << 30
_PIPE_BYTES = 1 << 20
_LOG_BYTES = 1 << 16
_SILENT = 1e-3
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_ZERO_FOR_NAN = r"aeval=exprs='if(isnan(val(ch))+isinf(val(ch))\,0\,val(ch))':c=same,"
_FIRST_CHANNEL = "pan=mono|c0=c0,"


Wanted = Mapping[int, Mapping[int, int]]
"""Sample rate above 16 kHz -> length in samples -> how many stretches of it."""


class DecodeFailed(Exception):
    """There is nothing to hear. ``kind``: unreadable no_audio timeout."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Decoded:
    """Loudness after EBU R128 over the whole file; None where it is too short or too quiet to have one."""

    payload_hash: bytes
    duration_s: float
    windows: tuple[Window, ...]
    waveform: bytes
    fingerprint: bytes
    loudness_lufs: float | None
    range_lu: float | None
    true_peak_db: float | None
    findings: tuple[tuple[str, str], ...]
    further: dict[tuple[int, int], tuple[Window, ...]] = field(default_factory=dict)
    """By (rate, length in samples), as wanted."""


def cpu_seconds(duration_ms: int) -> int:
    """What FFmpeg may take for a file: at worst 5 × real time, and enough for ten hours with a header that says nothing."""
    return 240 + min(max(duration_ms, 0) // 1000, LONGEST_S) // 5


def decode(path: bytes, duration_ms: int, *, samples_only: bool = False, wanted: Wanted | None = None) -> Decoded:
    """Everything but what is computed from samples. ``duration_ms`` as the file claims, 0 where unknown: it sets limits and findings, never
    what is kept. ``samples_only`` leaves out loudness and fingerprint; ``wanted``: at further rates too. Raises DecodeFailed."""
    _regular(path)
    wanted = wanted or {}
    if samples_only:
        return _plain(path, duration_ms, wanted)
    heard = _Heard(path, duration_ms, wanted)
    samples = heard.samples
    if samples.not_finite:
        heard = _Heard(path, duration_ms, wanted, _ZERO_FOR_NAN)
    cancelling = samples.peak < _SILENT <= heard.loudest
    if cancelling:
        first = _Heard(path, duration_ms, wanted, (_ZERO_FOR_NAN if samples.not_finite else "") + _FIRST_CHANNEL)
        heard.samples, heard.further = first.samples, first.further
    decoded = heard.decoded()
    more = []
    if samples.not_finite:
        more.append(("nan", "Some samples are no numbers; they were heard as silence. Encode the file anew from its source."))
    if cancelling:
        more.append(("cancelling", "Its channels cancel one another when mixed: only the first was analysed. One may be inverted."))
    return replace(decoded, findings=(*decoded.findings, *more))


def payload_hash(path: bytes, duration_ms: int) -> bytes:
    """16 bytes over the audio packets, undecoded: the same after new tags. Raises DecodeFailed."""
    _regular(path)
    out = bytearray()
    log = _run([*_open(path), "-map", "0:a:0", *_HASH, "pipe:{}"], [out.extend], cpu_seconds(duration_ms))
    return _digest(bytes(out), log)


def _plain(path: bytes, duration_ms: int, wanted: Wanted) -> Decoded:
    samples, digest, further = Samples(), bytearray(), _further(wanted)
    command = [
        *_open(path),
        *(part for rate in (SAMPLE_RATE_HZ, *wanted) for part in ("-map", "0:a:0", "-af", _mono(rate), *_SAMPLES)),
        "-map",
        "0:a:0",
        *_HASH,
        "pipe:{}",
    ]
    sinks = [samples.feed, *(one.feed for one in further), digest.extend]
    log = _run(command, sinks, cpu_seconds(duration_ms))
    samples.end()
    if not samples.total:
        raise _failed(log)
    if samples.peak < _SILENT or samples.not_finite:  # perhaps its channels cancel one another: found out the long way
        return decode(path, duration_ms, wanted=wanted)
    return Decoded(
        _digest(bytes(digest), log), samples.duration_s, samples.windows(), samples.waveform(), b"", None, None, None, (), _held(further)
    )


_HASH = ["-c", "copy", "-f", "hash", "-hash", "sha256"]
_SAMPLES = ["-flush_packets", "0", "-f", "f32le", "pipe:{}"]


def _mono(rate_hz: int) -> str:
    return f"aformat=sample_fmts=fltp,aresample={rate_hz}:rematrix_maxval=1,aformat=sample_fmts=flt:channel_layouts=mono"


def _further(wanted: Wanted) -> list[Further]:
    return [Further(rate, lengths, STRETCHES_BYTES // len(wanted)) for rate, lengths in wanted.items()]


def _held(further: Sequence[Further]) -> dict[tuple[int, int], tuple[Window, ...]]:
    return {(one.rate_hz, length): windows for one in further for length, windows in one.windows().items()}


class _Heard:
    """One run, and what came of it."""

    def __init__(self, path: bytes, duration_ms: int, wanted: Wanted, before: str = "") -> None:
        self.samples = Samples()
        self.further = _further(wanted)
        self._asked_s = duration_ms / 1000
        self._fingerprint = bytearray()
        self._hash = bytearray()
        self._levels = _Levels()
        self._peaks = Peaks()
        graph = (  # few large frames: FFmpeg hands each on from thread to thread
            f"[0:a:0]{before}aformat=sample_fmts=fltp,asetnsamples=n=9600:p=0,"
            f"asplit={3 + len(wanted)}[a][b][c]{''.join(f'[in{rate}]' for rate in wanted)};"
            + "".join(f"[in{rate}]{_mono(rate)}[at{rate}];" for rate in wanted)
            + "[c]aformat=sample_fmts=flt[whole];"
            r"[a]ebur128=metadata=1:framelog=quiet,ametadata=mode=print:file=pipe\\:{},anullsink;"
            f"[b]{_mono(SAMPLE_RATE_HZ)},asplit=2[mono][print]"
        )
        command = [*_open(path), "-filter_complex_threads", "1", "-filter_complex", graph]
        command += ["-map", "[mono]", *_SAMPLES]
        for rate in wanted:
            command += ["-map", f"[at{rate}]", *_SAMPLES]
        command += ["-map", "[print]", "-t", str(FINGERPRINT_S), "-f", "chromaprint", "-fp_format", "raw", "pipe:{}"]
        command += ["-map", "[whole]", "-flush_packets", "0", "-c:a", "pcm_f32le", "-f", "wav", "pipe:{}"]
        command += ["-map", "0:a:0", *_HASH, "pipe:{}"]
        further = [one.feed for one in self.further]
        sinks = [self._levels.feed, self.samples.feed, *further, self._fingerprint.extend, self._peaks.feed, self._hash.extend]
        log = _run(command, sinks, cpu_seconds(duration_ms))
        self._levels.end()
        self._peaks.end()
        self.samples.end()
        self._payload_hash = _digest(bytes(self._hash), log)
        self._errors = sum(line.count(b"[error]") for line in log.splitlines())
        if not self.samples.total:
            raise _failed(log)

    @property
    def loudest(self) -> float:
        """Of all samples of all channels."""
        return float(max(self._peaks.channels, default=0.0))

    def decoded(self) -> Decoded:
        silent = self.loudest < _SILENT and self.samples.peak < _SILENT
        levels = self._levels.values
        loudness = _within(levels.get("I"), -69.9, 60)
        peak = self._peaks.between
        return Decoded(
            payload_hash=self._payload_hash,
            duration_s=self.samples.duration_s,
            windows=self.samples.windows(),
            waveform=self.samples.waveform(),
            fingerprint=b"" if silent else bytes(self._fingerprint[: len(self._fingerprint) & ~3]),
            loudness_lufs=loudness,
            range_lu=_within(levels.get("LRA"), 0, 130) if loudness is not None else None,
            true_peak_db=_within(float(20 * np.log10(peak)), -140, 60) if peak and np.isfinite(peak) else None,
            findings=tuple(self._findings(silent)),
            further=_held(self.further),
        )

    def _findings(self, silent: bool) -> Iterator[tuple[str, str]]:
        lasts, asked = self.samples.duration_s, self._asked_s
        channels = self._peaks.channels
        if silent:
            yield "silent", "Nothing can be heard: no sample lies above -60 dBFS."
        elif len(channels) > 1 and min(channels) < _SILENT and len(channels) <= 2:
            yield "channel", f"The {'left' if channels[0] < _SILENT else 'right'} channel is empty."
        if lasts < 3:
            yield "short", f"It lasts {lasts:.1f} s: too short to be recognised."
        if self._peaks.clipped > 1e-4:
            yield "clipped", f"{self._peaks.clipped:.2%} of its samples are clipped. A copy with a lower level may sound better."
        if abs(self.samples.mean) > 0.05:
            yield "offset", "The sound does not swing about zero (an offset of direct current)."
        if asked and lasts < min(asked * 0.98, asked - 2):
            yield "truncated", f"The file says {asked:.0f} s, the sound ends after {lasts:.0f} s. Copy it anew from its source."
        if asked and lasts > max(asked * 1.02, asked + 2):
            yield "duration", f"The file says {asked:.0f} s, the sound lasts {lasts:.0f} s. Write its headers anew."
        if self._errors:
            yield "damaged", "Parts of it could not be decoded. Copy it anew from its source."
        if lasts >= LONGEST_S - 1:
            yield "too_long", "Only its first 24 hours were heard."


class _Levels:
    """The last of each level that ebur128 said."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self._rest = b""

    def feed(self, data: bytes) -> None:
        data = self._rest + data
        begin = data.rfind(b"frame:")
        if begin < 0:
            self._rest = data[-4096:]
            return
        # The last frame may be cut: it is read when the next part, or the end, has come.
        before = data.rfind(b"frame:", 0, begin)
        if before >= 0:
            self._read(data[before:begin])
        self._rest = data[begin:]

    def end(self) -> None:
        self._read(self._rest)

    def _read(self, frame: bytes) -> None:
        found = dict(re.findall(rb"^lavfi\.r128\.(\w+)=(\S+)$", frame, re.M))
        with suppress(ValueError):
            self.values |= {name: float(found[name.encode()]) for name in ("I", "LRA") if name.encode() in found}


def _within(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None


@cache
def _executable() -> str:
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def _open(path: bytes) -> list[str | bytes]:
    command: list[str | bytes] = [_executable(), "-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+error"]
    command += ["-protocol_whitelist", "file,pipe", "-format_whitelist", _DEMUXERS, "-threads", "1", "-vn", "-sn", "-dn"]
    return [*command, "-t", str(LONGEST_S), "-i", b"file:" + os.path.abspath(path)]


def _regular(path: bytes) -> None:
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise DecodeFailed("unreadable", "It is no regular file.")
        with open(path, "rb"):
            pass
    except OSError as error:
        raise DecodeFailed("unreadable", f"It cannot be read: {error.strerror or error}. Check permissions and the disk.") from error


def _digest(said: bytes, log: bytes) -> bytes:
    found = re.fullmatch(rb"SHA256=([0-9a-f]{64})\s*", said)
    if not found:
        raise _failed(log)
    return bytes.fromhex(found[1].decode())[:16]


def _failed(log: bytes) -> DecodeFailed:
    lines = [line for line in log.decode("utf-8", "replace").splitlines() if "[error]" in line or "[fatal]" in line]
    why = re.sub(r"^.*\[(error|fatal)\] ", "", lines[0])[:80] if lines else "nothing in it is audio"
    return DecodeFailed("no_audio", f"There is no sound in it that can be decoded ({why}). Copy it anew from its source.")


def _run(command: list[str | bytes], sinks: Sequence[Callable[[bytes], object]], cpu_s: int) -> bytes:
    """Run FFmpeg; each ``{}`` in the command is a pipe to the sink of its place, in order. Returns its last words. Raises DecodeFailed."""
    log = bytearray()

    def keep(data: bytes) -> None:
        log.extend(data)
        del log[: -2 * _LOG_BYTES]

    with _pipes(len(sinks)) as (readers, writers):
        numbers = iter(writers)
        filled = [
            re.sub(r"\{\}", lambda _: str(next(numbers)), part) if isinstance(part, str) and "{}" in part else part for part in command
        ]
        process = subprocess.Popen(
            filled,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            env={"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"},  # an arena a thread would fill the address space
            pass_fds=writers,
            preexec_fn=lambda: _limit(cpu_s),
        )
        try:
            for handle in writers:
                os.close(handle)
            writers.clear()
            assert process.stderr is not None
            with selectors.DefaultSelector() as waiting:
                waiting.register(process.stderr.fileno(), selectors.EVENT_READ, keep)
                for handle, sink in zip(readers, sinks, strict=True):
                    waiting.register(handle, selectors.EVENT_READ, sink)
                while waiting.get_map():
                    for key, _ in waiting.select():
                        data = os.read(key.fd, _PIPE_BYTES)
                        if data:
                            key.data(data)
                        else:
                            waiting.unregister(key.fd)
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            if process.stderr:
                process.stderr.close()
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        raise DecodeFailed("timeout", "Decoding it took too long. It may be damaged or made to do harm.")
    return bytes(log)


@contextmanager
def _pipes(n: int) -> Iterator[tuple[list[int], list[int]]]:
    readers: list[int] = []
    writers: list[int] = []
    try:
        for _ in range(n):
            reader, writer = os.pipe()
            readers.append(reader)
            writers.append(writer)
            with suppress(OSError):
                fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        yield readers, writers
    finally:
        for handle in (*readers, *writers):
            os.close(handle)


def _limit(cpu_s: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
