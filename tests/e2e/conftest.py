"""A real browser against a real server over a small library of tones, made so that what is heard can be told from what should be."""

import shutil
import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from segue.testing.server import RunningServer, running_server

from .sound import RECORDER, SR

ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
POLICY_WATCH = """
document.addEventListener('securitypolicyviolation', (event) => console.error('CSP', event.violatedDirective, event.blockedURI))
"""

Json = dict[str, Any]

PART_S = 6.0031
"""A part of the continuous tone: not a whole number of its periods, so that a wrong join is heard."""
TONE_HZ = 440.0
STEP_S = 5
STEPS_HZ = tuple(300 + 100 * step for step in range(8))
"""The climbing tone: another pitch every five seconds tells which second is heard."""


REAL_TIME = ("test_playing.py",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if item.path.name in REAL_TIME:
                item.add_marker(pytest.mark.real_time)


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases and some singles.

    Continuous/One Tone/01..03.flac    one 440 Hz tone, cut in three, with a cover
    Climber/Steps/01.m4a               ALAC, which Chromium cannot decode: a pitch per five seconds, 40 s
    Other N/Single N/01.mp3            ten tracks of 20 s by ten artists, for autoplay to choose from
    """
    root = tmp_path_factory.mktemp("tones")
    count = int(SR * PART_S)
    tone = 0.4 * np.sin(2 * np.pi * TONE_HZ * np.arange(count * 3) / SR)
    for part in range(3):
        tags = {"title": f"Part {part + 1}", "artist": "Continuous", "album": "One Tone", "track": f"{part + 1}/3", "genre": "Tone"}
        _encode(tone[part * count : (part + 1) * count], root / "Continuous" / "One Tone" / f"0{part + 1}.flac", tags)
    Image.new("RGB", (600, 600), "teal").save(root / "Continuous" / "One Tone" / "cover.png")
    at = np.arange(SR * STEP_S) / SR
    climb = 0.4 * np.concatenate([np.sin(2 * np.pi * hz * at) for hz in STEPS_HZ])
    tags = {"title": "Staircase", "artist": "Climber", "album": "Steps", "track": "1", "genre": "Tone"}
    _encode(climb, root / "Climber" / "Steps" / "01.m4a", tags, "-c:a", "alac")
    for n in range(1, 11):
        hum = 0.2 * np.sin(2 * np.pi * (200 + 20 * n) * np.arange(SR * 20) / SR)
        tags = {"title": f"Hum {n}", "artist": f"Other {n}", "album": f"Single {n}", "track": "1", "genre": "Tone" if n % 2 else "Drone"}
        _encode(hum, root / f"Other {n}" / f"Single {n}" / "01.mp3", tags, "-b:a", "128k")
    (root / "Other 1" / "Single 1" / "01.lrc").write_text("[00:00.00]First line\n[00:08.00]Second line\n[00:15.00]Third line\n")
    return root


def _encode(y: "np.ndarray[tuple[int], np.dtype[np.float64]]", path: Path, tags: dict[str, str], *options: str) -> None:
    """``y``: (n,) -1..1 at ``SR``."""
    from imageio_ffmpeg import get_ffmpeg_exe

    path.parent.mkdir(parents=True, exist_ok=True)
    plain = path.with_suffix(".wav.part")
    with wave.open(str(plain), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SR)
        out.writeframes((y * 32767).astype("<i2").tobytes())
    named = [word for key, value in tags.items() for word in ("-metadata", f"{key}={value}")]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", "-f", "wav", "-i", str(plain), *named, *options, str(path)], check=True)
    plain.unlink()


@pytest.fixture(scope="session")
def listening(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    if not (ROOT / "src/segue/serve/web/index.html").is_file():
        pytest.skip("the player is not built (make setup, or npm run build in player/)")
    with running_server(tmp_path_factory.mktemp("listening") / "data", tones) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on the PATH (apt-get install chromium)")
    with sync_playwright() as playwright:
        yield _launch(playwright, path)


def _launch(playwright: Playwright, path: str) -> Browser:
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)


@dataclass
class Listener:
    """A signed-in page, and what went wrong on it."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    since: int = 0
    """Events before are of other pages: the place in the log when this one was opened."""

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)
        self.page.locator(".player-bar").wait_for(state="attached")

    def get(self, path: str) -> Json:
        """What the page's own session gets from ``/api/PATH``."""
        answer = self.page.request.get(f"{self.url}/api/{path}")
        assert answer.ok, answer.text()
        found: Json = answer.json()
        return found

    def track(self, title: str) -> Json:
        tracks = self.get(f"search?q={title}&limit=5")["tracks"]
        return next(track for track in tracks if track["title"] == title)

    def play(self, title: str) -> None:
        """Opens the release of ``title`` and plays that track by its row."""
        self.go(f"/releases/{self.track(title)['release_id']}")
        row = self.page.get_by_role("row").filter(has_text=title).first
        row.dblclick()
        self.sounding(title)

    def sounding(self, title: str, within_s: float = 15) -> None:
        self.page.locator(".bar-title").filter(has_text=title).wait_for(timeout=within_s * 1000)
        self.page.locator(".player-bar .bar-middle").get_by_role("button", name="Pause").wait_for(timeout=within_s * 1000)

    def position_s(self) -> float:
        return float(self.page.get_by_label("Position").first.input_value()) / 1000

    def patch(self, path: str, body: Json) -> None:
        csrf = self.get("session")["csrf"]
        answer = self.page.request.patch(f"{self.url}/api/{path}", data=body, headers={"X-Segue-CSRF": str(csrf)})
        assert answer.ok, answer.text()

    def events(self) -> list[Json]:
        """The listener's log since the page was opened."""
        return self._read(self.since)[0]

    def _read(self, after: int) -> tuple[list[Json], int]:
        found: list[Json] = []
        while (batch := self.get(f"events?after={after}&limit=500"))["events"]:
            found += batch["events"]
            after = batch["next"]
        return found, after

    def told(self, wanted: Callable[[Json], object], within_s: float = 10) -> list[Json]:
        """The events for which ``wanted`` holds, once there is one."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if found := [event for event in self.events() if wanted(event)]:
                return found
            time.sleep(0.25)
        raise AssertionError(f"no such event among {[(event['kind'], event.get('outcome')) for event in self.events()]}")


OpenListener = Callable[..., Listener]


@pytest.fixture
def listener(chromium: Browser, listening: RunningServer) -> Iterator[OpenListener]:
    """Opens signed-in pages, each in a browser profile of its own. At the end none of them may have complained."""
    opened: list[Listener] = []

    def start(server: RunningServer = listening, **options: object) -> Listener:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})  # type: ignore[arg-type]
        page = context.new_page()
        page.add_init_script(RECORDER)
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.blockedURI))"
        )
        one = Listener(page, server.url)
        page.on(
            "console", lambda message: one.troubles.append(f"{message.text} {message.location['url']}") if message.type == "error" else None
        )
        page.on("pageerror", lambda error: one.troubles.append(str(error)))
        page.on("request", lambda request: one.streams.append(request.url) if "/stream" in request.url else None)
        page.goto(server.url)
        page.get_by_label("Name").fill(server.admin)
        page.get_by_label("Password", exact=True).fill(server.password)
        page.get_by_role("button", name="Sign in").click()
        page.locator(".player-bar").wait_for(state="attached")
        # Being told that nobody is signed in yet is how the page learns it.
        one.troubles[:] = [text for text in one.troubles if "401" not in text]
        one.since = one._read(0)[1]
        opened.append(one)
        return one

    yield start
    for one in opened:
        one.page.context.close()
    assert [one.troubles for one in opened if one.troubles] == []
