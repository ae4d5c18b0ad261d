"""What a listener does beside pressing play: dragging the queue, keys on a headset, a sleep timer, private hours, a restarted server."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from segue.testing.server import RunningServer, running_server

from .conftest import PART_S, Json, Listener, OpenListener
from .sound import loudness, take

HANDLERS = """
window.__keys = {}
const set = MediaSession.prototype.setActionHandler
MediaSession.prototype.setActionHandler = function (name, handler) {
  window.__keys[name] = handler
  return set.call(this, name, handler)
}
"""
METADATA = """
() => {
  const shown = navigator.mediaSession.metadata
  const artwork = shown?.artwork.map(({ src, sizes }) => ({ src, sizes }))
  return shown && { title: shown.title, artist: shown.artist, album: shown.album, artwork }
}
"""

KEPT_EVENTS = """
() => new Promise((done) => {
  indexedDB.open('segue').onsuccess = ({ target: { result } }) => {
    result.transaction('outbox').objectStore('outbox').count().onsuccess = (event) => { result.close(); done(event.target.result) }
  }
})
"""


class OwnServer:
    """A server that can go and come back: the same port, the same data."""

    def __init__(self, data: Path, music: Path) -> None:
        self.data, self.music = data, music
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.running = self.start(scan=True)

    def start(self, *, scan: bool = False) -> RunningServer:
        self.until = ExitStack()
        self.running = self.until.enter_context(running_server(self.data, self.music, port=self.port, scan=scan))
        return self.running

    def stop(self) -> None:
        self.until.close()

    def kill(self) -> None:
        self.running.kill()
        self.until.close()


@pytest.fixture(scope="module")
def own(tones: Path, listening: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    """``listening`` only because it skips where the player is not built."""
    server = OwnServer(tmp_path_factory.mktemp("own") / "data", tones)
    yield server
    server.stop()


def queue_rows(page: Page) -> Locator:
    page.locator("main").focus()
    page.keyboard.press("q")
    return page.get_by_role("complementary", name="Queue").get_by_role("listitem")


def drag(one: Listener, row: Locator, onto: Locator, share: float, *, dropped: bool = True) -> None:
    """Takes ``row`` by its grip and lets it go at ``share`` 0..1 of the height of ``onto``; not ``dropped``: Escape takes it back."""
    page = one.page
    row.hover()
    grip = row.locator(".queue-grip").bounding_box()
    goal = onto.bounding_box()
    assert grip
    assert goal
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(goal["x"] + 20, goal["y"] + goal["height"] * share, steps=8)
    expect(page.locator(".drop-line")).to_be_visible()
    if not dropped:
        page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".drop-line")).to_have_count(0)


def test_a_row_of_the_queue_is_dragged_to_another_place(listener: OpenListener) -> None:
    one = listener()
    one.play("Part 1")
    page = one.page
    rows = queue_rows(page)
    expect(rows.nth(2)).to_contain_text("Part 3")
    page.locator(".bar-middle").get_by_role("button", name="Pause").click()
    drag(one, rows.nth(2), rows.nth(1), 0.2)
    expect(rows.nth(1)).to_contain_text("Part 3")
    expect(rows.nth(2)).to_contain_text("Part 2")
    # What plays is dragged as well: it stays what plays.
    drag(one, rows.nth(0), rows.nth(1), 0.8)
    expect(rows.nth(1)).to_contain_text("Part 1")
    expect(rows.nth(1).locator(".queue-main")).to_have_attribute("aria-current", "true")
    expect(page.locator(".bar-title")).to_have_text("Part 1")
    drag(one, rows.nth(2), rows.nth(0), 0.2, dropped=False)
    expect(rows.nth(2)).to_contain_text("Part 2")
    page.reload()
    expect(page.locator(".bar-title")).to_have_text("Part 1")
    for at, title in enumerate(("Part 3", "Part 1", "Part 2")):
        expect(rows.nth(at)).to_contain_text(title)


def press_media_key(one: Listener, name: str, **details: float) -> None:
    one.page.evaluate("([name, details]) => window.__keys[name]({ action: name, ...details })", [name, details])


def media(one: Listener) -> Json:
    found: Json = one.page.evaluate(METADATA)
    return found


def test_the_lock_screen_shows_what_plays_and_its_keys_work(listener: OpenListener) -> None:
    one = listener()
    one.page.add_init_script(HANDLERS)
    one.play("Part 1")
    shown = media(one)
    assert (shown["title"], shown["artist"], shown["album"]) == ("Part 1", "Continuous", "One Tone")
    assert [each["sizes"] for each in shown["artwork"]] == ["128x128", "256x256", "512x512"]
    for each in shown["artwork"]:
        answer = one.page.request.get(each["src"])
        assert answer.ok
        assert answer.headers["content-type"].startswith("image/")
    middle = one.page.locator(".bar-middle")
    assert one.page.evaluate("navigator.mediaSession.playbackState") == "playing"
    press_media_key(one, "pause")
    expect(middle.get_by_role("button", name="Play")).to_be_visible()
    assert one.page.evaluate("navigator.mediaSession.playbackState") == "paused"
    press_media_key(one, "seekto", seekTime=2)
    assert one.position_s() == pytest.approx(2, abs=0.2)
    press_media_key(one, "nexttrack")
    expect(one.page.locator(".bar-title")).to_have_text("Part 2")
    expect(middle.get_by_role("button", name="Play")).to_be_visible()
    assert media(one)["title"] == "Part 2"
    # Before its third second, the one before; after it, its own start.
    press_media_key(one, "previoustrack")
    expect(one.page.locator(".bar-title")).to_have_text("Part 1")
    press_media_key(one, "seekto", seekTime=4)
    press_media_key(one, "previoustrack")
    expect(one.page.locator(".bar-title")).to_have_text("Part 1")
    assert one.position_s() == pytest.approx(0, abs=0.2)
    press_media_key(one, "play")
    one.sounding("Part 1")

    # Without a cover the player's own picture stands in.
    one.play("Hum 8")
    (picture,) = media(one)["artwork"]
    assert one.page.request.get(picture["src"]).headers["content-type"] == "image/png"


def set_sleep(one: Listener, choice: str) -> None:
    one.page.locator(".bar-side").get_by_role("button", name=re.compile("Sleep timer")).click()
    one.page.get_by_role("menu").get_by_text(choice).click()


def test_the_sleep_timer_ends_the_music_and_gives_the_sound_back(listener: OpenListener) -> None:
    one = listener()
    one.page.clock.install()
    one.play("Staircase")
    middle = one.page.locator(".bar-middle")
    set_sleep(one, "In 15 minutes")
    expect(one.page.get_by_role("button", name="Sleep timer: 15 min left")).to_be_visible()
    one.page.clock.fast_forward("14:30")
    time.sleep(1)
    expect(middle.get_by_role("button", name="Pause")).to_be_visible()
    one.page.clock.fast_forward("00:35")
    expect(middle.get_by_role("button", name="Play")).to_be_visible()
    expect(one.page.get_by_role("button", name="Sleep timer", exact=True)).to_be_visible()
    at = one.position_s()
    time.sleep(1)
    assert one.position_s() == at, "it is shown as paused and goes on"
    take(one.page)
    middle.get_by_role("button", name="Play").click()
    one.sounding("Staircase")
    time.sleep(2)
    y, rate = take(one.page)
    assert loudness(y[-rate // 2 :]) > 0.05, "the fade of the timer stays"


@pytest.mark.parametrize("title", ["Part 1", "Part 3"])
def test_the_sleep_timer_lets_a_track_end(listener: OpenListener, title: str) -> None:
    """In the middle of a queue, and at its very end, where autoplay would go on."""
    one = listener()
    one.page.route("**/api/next", lambda route: route.abort())
    one.play(title)
    set_sleep(one, "At the end of this track")
    one.page.unroute("**/api/next")
    expect(one.page.get_by_role("button", name="Sleep timer: after this track")).to_be_visible()
    expect(one.page.get_by_role("button", name="Sleep timer", exact=True)).to_be_visible(timeout=20_000)
    part = one.track(title)["id"]
    ended = one.told(lambda event: event["kind"] == "ended" and event["subject"]["id"] == part)[-1]
    assert ended["outcome"] == "finished"
    time.sleep(3)
    expect(one.page.locator(".bar-middle").get_by_role("button", name="Play")).to_be_visible()
    expect(one.page.locator(".bar-title")).to_have_text("Part 2" if title == "Part 1" else title)
    assert one.events()[-1]["event_id"] == ended["event_id"], "something was played after the end"
    one.troubles[:] = [text for text in one.troubles if "ERR_FAILED" not in text]


def test_private_listening_is_resumed_and_never_counted(listener: OpenListener, own: OwnServer) -> None:
    one = listener(own.running)
    page = one.page
    bearer = {"Authorization": f"Bearer {own.running.token()}"}

    def ask(path: str) -> Json:
        answer = page.request.get(f"{own.running.url}/api/{path}", headers=bearer)
        assert answer.ok, answer.text()
        found: Json = answer.json()
        return found

    def private_listening() -> None:
        page.locator(".bar-side").get_by_role("button", name="More").click()
        page.get_by_role("menuitemcheckbox", name="Private listening").click()

    one.go("/")
    private_listening()
    expect(page.get_by_label("Private listening")).to_be_visible()
    release = one.track("Hum 4")["release_id"]
    # Going to a page by its address would end the private hours: it is gone to within the player.
    page.get_by_role("searchbox").fill("Hum 4")
    page.get_by_role("link", name="Single 4").first.click()
    expect(page).to_have_url(re.compile("/releases/"))  # what was searched for has rows of the same name
    page.get_by_role("row").filter(has_text="Hum 4").dblclick()
    one.sounding("Hum 4")
    hum = one.track("Hum 4")["id"]
    page.wait_for_function("() => document.querySelector('input[aria-label=Position]').value > 12_000", timeout=40_000)
    page.locator(".bar-middle").get_by_role("button", name="Pause").click()
    one.told(lambda event: event["kind"] == "paused" and event["subject"]["id"] == hum)
    mine = [event for event in ask("events?limit=500")["events"] if (event.get("subject") or {}).get("id") == hum]
    assert {event["kind"] for event in mine} >= {"started", "paused"}
    assert all(event.get("private") for event in mine)
    assert mine[-1]["played_ms"] > 10_000, "not enough was heard to count in any case"
    at = one.position_s()

    page.reload()
    expect(page.locator(".bar-title")).to_have_text("Hum 4")
    assert one.position_s() == pytest.approx(at, abs=1.1)
    page.locator(".bar-middle").get_by_role("button", name="Play").click()
    one.sounding("Hum 4")
    page.locator(".bar-middle").get_by_role("button", name="Next").click()
    one.told(lambda event: event["kind"] == "ended" and event["subject"]["id"] == hum)
    track = ask(f"tracks/{hum}")
    assert (track["play_count"], track["last_played_at"]) == (0, None)
    home = ask("home")
    for shelf in ("recent", "frequent"):
        assert release not in [each["id"] for each in home[shelf]], shelf

    # The same by daylight counts: it is the privacy that kept it out.
    one.play("Part 2")
    part = one.track("Part 2")["id"]
    one.told(lambda event: event["kind"] == "ended" and event["subject"]["id"] == part, within_s=30)
    until = time.monotonic() + 10  # counted just after it is in the log
    while ask(f"tracks/{part}")["play_count"] != 1 and time.monotonic() < until:
        time.sleep(0.2)
    assert ask(f"tracks/{part}")["play_count"] == 1


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_restarted_server_is_found_again_and_told_everything_once(listener: OpenListener, own: OwnServer, how: str) -> None:
    """The server goes while the first of three tracks plays and comes back once the player has nothing left that it had loaded."""
    one = listener(own.running)
    page = one.page
    parts = [one.track(f"Part {n}")["id"] for n in (1, 2, 3)]
    before = {event["event_id"] for event in one.events()}
    one.play("Part 1")
    page.evaluate("window.__same_page = true")
    (own.kill if how == "killed" else own.stop)()
    page.keyboard.press("l")
    expect(page.locator(".bar-error")).to_have_text("The server cannot be reached.", timeout=60_000)
    own.start()
    one.sounding("Part 3", within_s=60)
    ended = one.told(lambda each: each["kind"] == "ended" and each["subject"]["id"] == parts[2] and each["event_id"] not in before, 30)
    told = [event for event in one.events() if event["event_id"] not in before and (event.get("subject") or {}).get("id") in parts]
    for part in parts:
        of_part = [event for event in told if event["subject"]["id"] == part]
        assert [event["kind"] for event in of_part if event["kind"] in ("started", "ended")] == ["started", "ended"]
        assert len({event["play_id"] for event in of_part if event.get("play_id")}) == 1
    assert len([event for event in told if event["kind"] in ("liked", "unliked")]) == 1
    assert "format=" not in next(url for url in reversed(one.streams) if parts[2] in url), "it is converted without need"
    assert ended[-1]["outcome"] == "finished"
    assert ended[-1]["played_ms"] == pytest.approx(PART_S * 1000, abs=1500)
    assert page.evaluate("window.__same_page"), "the page was loaded again"
    until = time.monotonic() + 20
    while page.evaluate(KEPT_EVENTS) and time.monotonic() < until:
        time.sleep(0.3)
    assert page.evaluate(KEPT_EVENTS) == 0, "some events still wait to be sent"
    one.troubles[:] = [text for text in one.troubles if "net::ERR_" not in text]
