"""Scripts that FFmpeg would follow elsewhere, dressed as sound: given to a real server, they reach neither the network nor other files."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from segue.testing.server import running_server
from segue.testing.tones import id3, tone

from .listening import client, ffmpeg, tracks

SECRET = "a line that only the named file holds"
MUTE_FRAMES = (b"\xff\xfb\x90\x64" + b"U" * 413) * 30
"""Frames of MP3 by their headers, in one line without a zero: a script holds them as a comment."""
SUFFIXES = ("mp3", "m4a", "flac", "wav")


class Trap:
    """A loopback address that counts who connects. ``caught`` holds the first bytes of each."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.caught: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.caught.append(b"")
            with connection:
                connection.settimeout(2)
                try:
                    self.caught[-1] = connection.recv(200)
                except OSError:
                    continue

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    trap.close()


def scripts(port: int, secret_text: Path, secret_sound: Path) -> dict[str, str]:
    """By kind, scripts that name an address of the trap, a text file and a sound file."""
    named = (f"http://127.0.0.1:{port}/part.mp3", "file:///etc/passwd", f"file://{secret_text}", f"file://{secret_sound}")
    parts = "".join(f"#EXTINF:2,\n{one}\n" for one in named)
    segments = "".join(f'<SegmentURL media="{one}"/>' for one in named)
    return {
        "hls": f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n{parts}#EXT-X-ENDLIST\n",
        "concat": "ffconcat version 1.0\n" + "".join(f"file '{one}'\n" for one in (*named, secret_sound)),
        "neighbour": f"ffconcat version 1.0\nfile {secret_sound.name}\n",
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\na=control:rtsp://127.0.0.1:{port}/\n"
        f"m=audio {port} RTP/AVP 0\na=control:rtsp://127.0.0.1:{port}/track\n",
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT8S" '
        f'profiles="urn:mpeg:dash:profile:isoff-live:2011"><BaseURL>http://127.0.0.1:{port}/</BaseURL><Period><AdaptationSet '
        'contentType="audio"><Representation id="1" bandwidth="64000" mimeType="audio/mp4"><SegmentList duration="2">'
        f"{segments}</SegmentList></Representation></AdaptationSet></Period></MPD>",
    }


def peak(sound: bytes) -> float:
    """The loudest sample that FFmpeg decodes, 0 to 1."""
    samples = memoryview(ffmpeg("-i", "pipe:0", "-f", "s16le", "-ac", "1", "pipe:1", stdin=sound)).cast("h")
    return max((abs(one) for one in samples), default=0) / 32768


def test_the_trap_catches_who_follows_a_script(tmp_path: Path, trap: Trap) -> None:
    """Else the test below would hold nothing: FFmpeg as it comes, told only that it may, does connect."""
    script = tmp_path / "sound.mp3"
    script.write_text(scripts(trap.port, tmp_path / "a", tmp_path / "b")["dash"])
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file,tcp,http"]
    subprocess.run([*command, "-i", str(script), "-f", "null", "-"], capture_output=True, check=False, timeout=60)
    assert trap.caught
    assert trap.caught[0].startswith(b"GET /part.mp3")


def test_a_script_dressed_as_sound_reaches_nothing_through_the_server(tmp_path: Path, trap: Trap) -> None:
    music = tmp_path / "music"
    secret_text, secret_sound = tmp_path / "secret.txt", music / "secret.bin"  # a sound, and beside the scripts no track
    music.mkdir()
    secret_text.write_text(SECRET)
    secret_sound.write_bytes(tone("wav", seconds=2))
    silence = {}
    for suffix, encoder in {"mp3": "libmp3lame", "m4a": "aac", "flac": "flac", "wav": "pcm_s16le"}.items():
        quiet = tmp_path / f"silence.{suffix}"
        ffmpeg("-f", "lavfi", "-i", "anullsrc=r=44100:cl=stereo", "-t", "2", "-c:a", encoder, "-id3v2_version", "0", str(quiet))
        silence[suffix] = quiet.read_bytes()
    tag = id3([("TIT2", "Title"), ("TPE1", "Artist")])
    for kind, script in scripts(trap.port, secret_text, secret_sound).items():
        (music / f"{kind}.m3u8").write_text(script)
        text, frames, after = script.encode(), silence["mp3"], b"# " + MUTE_FRAMES
        for suffix in SUFFIXES:
            dresses = {"plain": text, "tag": tag + text, "own kind": silence[suffix] + text}
            if suffix == "mp3":
                dresses |= {
                    "frames before": tag + frames + text,
                    "frames after": text + after,
                    "tag and frames after": tag + text + after,
                }
            for dress, data in dresses.items():
                (music / f"{kind} {dress}.{suffix}").write_bytes(data)
    forbidden = (SECRET.encode(), Path("/etc/passwd").read_bytes().splitlines()[0])
    followed = []
    with running_server(tmp_path / "data", music) as server, client(server) as http:
        found = tracks(http)
        for kind in ("hls", "concat", "neighbour", "sdp", "dash"):
            assert {f"{kind} {dress}.mp3" for dress in ("frames before", "frames after", "tag and frames after")} <= set(found)
            assert {f"{kind} own kind.{suffix}" for suffix in SUFFIXES} <= set(found)
        for path, track in found.items():
            for query in ("", "?format=flac"):
                answer = http.get(f"/api/tracks/{track['id']}/stream{query}")
                assert answer.status_code in {200, 422}, f"{path}: {answer.status_code}"
                assert not any(words in answer.content for words in forbidden), path
                if answer.status_code == 200 and query and peak(answer.content) > 0.01:
                    followed.append(path)
    assert followed == []
    assert trap.caught == []
