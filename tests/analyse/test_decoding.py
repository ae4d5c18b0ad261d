"""What FFmpeg is made to say of real files, of every format and of every kind of nonsense."""

import os
import shutil
import struct
from itertools import pairwise
from pathlib import Path

import mutagen
import numpy as np
import pytest

from segue.analyse._decode import Decoded, DecodeFailed, decode, payload_hash
from segue.analyse._samples import Samples
from segue.testing.rendering import MUSIC, convert, render
from segue.testing.tones import FORMATS, suffix, tone

RATE = 16_000


def heard(path: Path, duration_ms: int = 0) -> Decoded:
    decoded = decode(os.fsencode(path), duration_ms)
    for window in decoded.windows:
        assert window.y.dtype == np.float32
        assert np.isfinite(window.y).all()
        assert np.abs(window.y).max(initial=0) <= 1
    return decoded


def kinds(decoded: Decoded) -> set[str]:
    return {kind for kind, _ in decoded.findings}


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_heard(format: str, tmp_path: Path) -> None:
    path = tmp_path / f"a tone: 100%.{suffix(format)}"
    path.write_bytes(tone(format, seconds=3.5))
    decoded = heard(path, 3500)
    assert decoded.duration_s == pytest.approx(3.5, abs=0.2)
    assert len(decoded.waveform) == 800
    assert decoded.fingerprint
    assert decoded.loudness_lufs == pytest.approx(-22.2, abs=0.5)
    assert not kinds(decoded)
    spectrum = np.abs(np.fft.rfft(decoded.windows[0].y[: 2 * RATE]))
    assert int(spectrum.argmax()) / 2 == pytest.approx(440, abs=2)
    assert payload_hash(os.fsencode(path), 0) == decoded.payload_hash
    assert heard(path, 3500).payload_hash == decoded.payload_hash


@pytest.mark.parametrize("format", ["mp3", "flac", "ogg", "opus", "m4a", "alac", "wav", "aiff", "wv", "wma"])
def test_new_tags_keep_the_payload_hash(format: str, tmp_path: Path) -> None:
    path = tmp_path / f"song.{suffix(format)}"
    path.write_bytes(tone(format))
    before = payload_hash(os.fsencode(path), 1000)
    assert len(before) == 16
    for title in ("One", "Two " * 5000):
        file = mutagen.File(path, easy=True)
        if file.tags is None:
            file.add_tags()
        if format in ("wav", "aiff"):
            from mutagen.id3 import TIT2

            file.tags.add(TIT2(encoding=3, text=title))
        else:
            file["Title" if format == "wma" else "title"] = title
        file.save()
        assert payload_hash(os.fsencode(path), 1000) == before
    path.write_bytes(tone(format, hz=441))
    assert payload_hash(os.fsencode(path), 1000) != before


def test_tags_at_both_ends_of_an_mp3_keep_the_payload_hash(tmp_path: Path) -> None:
    from mutagen.apev2 import APEv2
    from mutagen.id3 import ID3, TIT2

    path = tmp_path / "song.mp3"
    path.write_bytes(tone("mp3"))
    bare = payload_hash(os.fsencode(path), 1000)
    ape = APEv2()
    ape["Title"] = "An APE title " * 30
    ape.save(path)
    assert payload_hash(os.fsencode(path), 1000) == bare
    tags = ID3()
    tags.add(TIT2(encoding=3, text="x" * 70_000))
    tags.save(path, v1=2)
    assert path.read_bytes()[-128:-125] == b"TAG"
    assert payload_hash(os.fsencode(path), 1000) == bare
    assert heard(path).payload_hash == bare


@pytest.mark.parametrize("gain", [-12.0, -3.5, 6.0])
def test_gain_changes_loudness_and_peak_by_just_that(gain: float, tmp_path: Path) -> None:
    plain = heard(render(tmp_path / "plain.wav", f"0.3*({MUSIC})", "-c:a", "pcm_f32le", seconds=8))
    louder = heard(convert(tmp_path / "plain.wav", tmp_path / "gain.wav", "-af", f"volume={gain}dB:precision=float", "-c:a", "pcm_f32le"))
    assert plain.loudness_lufs is not None
    assert louder.loudness_lufs == pytest.approx(plain.loudness_lufs + gain, abs=0.002)
    assert plain.true_peak_db is not None
    assert louder.true_peak_db == pytest.approx(plain.true_peak_db + gain, abs=0.2)  # said to .001 of full scale
    assert louder.range_lu == pytest.approx(plain.range_lu, abs=0.02)


def test_silence(tmp_path: Path) -> None:
    decoded = heard(render(tmp_path / "silence.flac", "anullsrc"))
    assert kinds(decoded) == {"silent"}
    assert (decoded.loudness_lufs, decoded.range_lu, decoded.fingerprint) == (None, None, b"")
    assert set(decoded.waveform) == {0}


@pytest.mark.parametrize(
    ("sound", "arguments", "found"),
    [
        ("0.5+0*t", (), {"offset"}),
        ("anoisesrc=amplitude=0.3:seed=1", (), set()),
        ("3*sin(2764*t)", (), {"clipped"}),
        ("0.3*sin(2764*t)|0*t", (), {"channel"}),
        ("0.3*sin(2764*t)|-0.3*sin(2764*t)", (), {"cancelling"}),
        ("if(between(t,1,1.01),0/0,0.3*sin(2764*t))", ("-c:a", "pcm_f32le"), {"nan"}),
        ("if(between(t,1,1.01),1/0,0.3*sin(2764*t))", ("-c:a", "pcm_f64le"), {"nan"}),
        ("0/0", ("-c:a", "pcm_f32le"), {"nan", "silent"}),
        ("sine=frequency=440", ("-ac", "1"), set()),
        ("sine=frequency=440", ("-ac", "8"), set()),
        ("sine=frequency=440:sample_rate=192000", (), set()),
        ("sine=frequency=440:sample_rate=4000", (), set()),
    ],
)
def test_odd_sound_is_a_value_or_a_finding(sound: str, arguments: tuple[str, ...], found: set[str], tmp_path: Path) -> None:
    decoded = heard(render(tmp_path / "odd.wav", sound, *arguments))
    assert kinds(decoded) == found
    assert decoded.duration_s == pytest.approx(5, abs=0.05)
    for value in (decoded.loudness_lufs, decoded.range_lu, decoded.true_peak_db):
        assert value is None or np.isfinite(value)
    if not found & {"silent", "offset"}:
        assert decoded.loudness_lufs is not None
        assert np.abs(decoded.windows[0].y).max() > 0.02


def test_channels_that_cancel_are_heard_without_loudness_and_fingerprint_too(tmp_path: Path) -> None:
    render(tmp_path / "inverted.wav", "0.3*sin(2764*t)|-0.3*sin(2764*t)")
    decoded = decode(os.fsencode(tmp_path / "inverted.wav"), 0, samples_only=True)
    assert np.abs(decoded.windows[0].y).max() > 0.1


def test_only_samples_are_the_same_samples(tmp_path: Path) -> None:
    path = render(tmp_path / "music.opus", MUSIC, "-ac", "2")
    plain, full = decode(os.fsencode(path), 0, samples_only=True), heard(path)
    assert np.array_equal(plain.windows[0].y, full.windows[0].y)
    assert plain.payload_hash == full.payload_hash


def test_a_jingle(tmp_path: Path) -> None:
    decoded = heard(render(tmp_path / "jingle.mp3", "sine", seconds=0.2), 200)
    assert kinds(decoded) == {"short"}
    assert (decoded.loudness_lufs, decoded.fingerprint) == (None, b"")
    assert 0 < len(decoded.waveform) <= 800


def test_a_file_cut_short(tmp_path: Path) -> None:
    whole = render(tmp_path / "whole.flac", MUSIC, seconds=20)
    cut = tmp_path / "cut.flac"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    decoded = heard(cut, 20_000)
    assert "truncated" in kinds(decoded)
    assert 5 < decoded.duration_s < 15
    assert decoded.payload_hash != payload_hash(os.fsencode(whole), 0)


def test_a_header_that_lies(tmp_path: Path) -> None:
    path = render(tmp_path / "lie.wav", MUSIC)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 4, 0xFFFFFFFF)
    struct.pack_into("<I", data, data.index(b"data") + 4, 0xFFFFFFFF)
    path.write_bytes(data)
    decoded = heard(path, 3_600_000)
    assert decoded.duration_s == pytest.approx(5, abs=0.1)
    assert "truncated" in kinds(decoded)
    assert "duration" in kinds(heard(path, 1000))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"This is a text, and no sound at all.\n" * 100,
        b"#EXTM3U\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        bytes(5000),
        b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\x7f" + bytes(50),
        b"fLaC",
    ],
)
@pytest.mark.parametrize("name", ["x.mp3", "x.wav"])
def test_what_is_no_sound_is_refused(content: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DecodeFailed) as refused:
        decode(os.fsencode(path), 0)
    assert refused.value.kind == "no_audio"
    with pytest.raises(DecodeFailed):
        payload_hash(os.fsencode(path), 0)


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.mp3")
    for name in ("fifo.mp3", "absent.mp3", "."):
        with pytest.raises(DecodeFailed) as refused:
            decode(os.fsencode(tmp_path / name), 0)
        assert refused.value.kind == "unreadable"


def test_any_name_will_do(tmp_path: Path) -> None:
    source = render(tmp_path / "a.mp3", "sine", seconds=1)
    for name in (b"-i.mp3", b"http:x %d [a];b,c='\\.mp3", b"\xff\xfe\n.mp3"):
        path = os.fsencode(tmp_path) + b"/" + name
        shutil.copy(source, path)
        assert decode(path, 0).duration_s > 0.9


def test_windows_of_any_length_lie_where_they_say() -> None:
    """Samples that say where they are: the index over 2**24, exact in float32."""
    for seconds in (0.01, 60, 299.9, 300, 301, 1031.7):
        samples = Samples()
        total = int(seconds * RATE)
        ramp = (np.arange(total) / 2**24).astype("<f4")
        raw = np.minimum(ramp, 1).tobytes()
        step = 1_000_003  # no whole number of samples
        for start in range(0, len(raw), step):
            samples.feed(raw[start : start + step])
        samples.end()
        windows = samples.windows()
        assert samples.total == total
        for window in windows:
            start = round(window.start_s * RATE)
            assert np.array_equal(window.y, np.minimum(ramp[start : start + len(window.y)], 1))
        if seconds <= 300:
            assert [len(window.y) for window in windows] == [total]
            continue
        assert [len(window.y) for window in windows] == [60 * RATE] * 5
        assert windows[0].start_s == 0
        assert windows[-1].start_s == pytest.approx(seconds - 60, abs=1e-3)
        for number, window in enumerate(windows[1:-1], 1):
            ideal = (seconds - 60) * number / 4
            assert ideal - max(60, seconds / 8) <= window.start_s <= ideal
        assert all(b.start_s - a.start_s >= 59.999 for a, b in pairwise(windows))


def test_a_waveform_shows_where_it_is_loud() -> None:
    for seconds in (1, 30, 700):
        samples = Samples()
        y = np.zeros(seconds * RATE, "<f4")
        y[len(y) // 2 :] = -0.5
        for part in np.array_split(y, 7):
            samples.feed(part.tobytes())
        samples.end()
        peaks = samples.waveform()
        assert len(peaks) <= 800
        half = len(peaks) // 2
        assert set(peaks[: half - 1]) == {0}
        assert set(peaks[half + 1 :]) == {128}
