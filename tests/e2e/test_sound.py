"""What tracks sound like, in a real browser over a server that listened to real files."""

import math
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from segue.testing.rendering import convert
from segue.testing.server import RunningServer, running_server

from .conftest import ROOT, Json, Listener, OpenListener
from .pages import complaints

WAIT_S = 240
TRACKS = (
    "Halcyon Drive/Static & Chrome/05 - Static.m4a",
    "Ilse Marren/Nocturnes for a Small Room/CD1/02 - Nocturne No. 2.flac",
    "Kestrel Row/Letters from the Weir/02 - Weir Song.flac",
    "Mira Lund/Slow Harbours/06 - Lamps Out.opus",
    "Neon Borough/Night Buses/05 - Request Stop.mp3",
    "Quiet Machinery/Substation/03 - Fifty Hertz.ogg",
    "The Velvet Abacus/Counting in Colour/01 - Ochre.mp3",
    "Tidewrack/Salt/02 - Wrack Line.m4a",
    "さくら通り/雨の日のラジオ/02 - 窓ぎわ.opus",
)
COPIED = "Weir Song"
MARGIN_PX = 48
"""Between the outermost points of the whole map and its edges."""


@pytest.fixture(scope="module")
def heard(demo_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Nine tracks of the demo library by nine artists, and an MP3 copy of the FLAC ``COPIED``; all listened to, the map laid out."""
    if not (ROOT / "src/segue/serve/web/index.html").is_file():
        pytest.skip("the player is not built (make setup, or npm run build in player/)")
    folder = tmp_path_factory.mktemp("heard")
    for name in TRACKS:
        (folder / "music" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(demo_library / name, folder / "music" / name)
        if COPIED in name:
            convert(folder / "music" / name, folder / "music" / f"{COPIED}.mp3", "-b:a", "160k")
    with running_server(folder / "data", folder / "music", analysis=True) as running:
        with httpx.Client(base_url=f"{running.url}/api/", timeout=60) as client:
            client.post("session", json={"name": running.admin, "password": running.password}).raise_for_status()
            until = time.monotonic() + WAIT_S
            while not _settled(client):
                assert time.monotonic() < until, client.get("analysis").text
                time.sleep(0.3)
        yield running


def _settled(client: httpx.Client) -> bool:
    status = client.get("analysis").json()
    if status["total"] != len(TRACKS) + 1 or status["left"] or status["state"] != "idle":
        return False
    return len(client.get("map").json()["ids"]) == len(TRACKS) + 1 and client.get("duplicates").json()["total"] == 1


@pytest.fixture
def one(listener: OpenListener, heard: RunningServer) -> Listener:
    return listener(heard)


def queued(one: Listener) -> list[str]:
    """The titles in the queue, by its panel."""
    rows = one.page.get_by_role("complementary", name="Queue").get_by_role("listitem")
    if not one.page.get_by_role("complementary", name="Queue").is_visible():
        one.page.locator("main").focus()
        one.page.keyboard.press("q")
    expect(rows.first).to_be_visible()
    return rows.locator(".queue-title").all_inner_texts()


def test_a_track_page_tells_what_was_heard(one: Listener) -> None:
    track = one.track("Static")
    told = one.get(f"tracks/{track['id']}/analysis")
    one.go(f"/tracks/{track['id']}")
    page = one.page
    values = told["values"]
    assert 40 < values["tempo_bpm"]["value"] < 250
    expect(page.get_by_text(f"{values['tempo_bpm']['value']:.1f} BPM")).to_be_visible()
    expect(page.locator(".tile").filter(has_text="Key")).to_contain_text("minor" if values["mode"]["value"] < 0.5 else "major")
    expect(page.locator(".tile").filter(has_text="Key")).to_contain_text(told["camelot"])
    expect(page.locator(".tile").filter(has_text="LUFS")).to_contain_text(f"{abs(values['loudness_lufs']['value']):.1f}")
    drawn = page.locator("path.wave-bars").first.get_attribute("d") or ""
    assert max(told["waveform"]) > 0
    assert len(drawn) > 500
    expect(page.get_by_role("list", name="Sections").get_by_role("listitem")).to_have_count(len(told["sections"]))
    expect(page.locator(".proxy")).to_have_count(7)
    if told["tags"]:
        expect(page.locator(".chip-guess").first).to_contain_text(told["tags"][0]["name"])
    alike = one.get(f"similar/{track['id']}")["items"]
    rows = page.get_by_role("grid", name="Tracks that sound like Static").get_by_role("row")
    expect(rows.filter(has_text=alike[0]["track"]["title"]).first).to_be_visible()


def test_a_value_is_corrected_by_hand_and_put_back(one: Listener) -> None:
    track = one.track("Ochre")
    told = one.get(f"tracks/{track['id']}/analysis")
    measured = f"{told['values']['tempo_bpm']['value']:.1f} BPM"
    one.go(f"/tracks/{track['id']}")
    page = one.page
    page.get_by_role("button", name="Correct values").click()
    page.get_by_label("Tempo (BPM)").fill("61.5")
    page.get_by_role("button", name="Save").click()
    tempo = page.locator(".tile").filter(has_text="Tempo")
    expect(tempo).to_contain_text("61.5 BPM")
    expect(tempo).to_contain_text(f"corrected by hand · measured {measured}")
    page.reload()
    expect(tempo).to_contain_text("61.5 BPM")
    page.get_by_role("button", name="Undo the correction of tempo").click()
    expect(tempo).to_contain_text(measured)
    expect(tempo).not_to_contain_text("corrected")


def test_tracks_are_sorted_and_filtered_by_tempo(one: Listener) -> None:
    one.page.set_viewport_size({"width": 1600, "height": 900})
    one.go("/tracks")
    page = one.page
    page.get_by_label("Order").select_option("tempo")
    rows = page.get_by_role("grid", name="Tracks", exact=True).locator(".row-sound[data-index]")
    expect(page.get_by_text(f"{len(TRACKS) + 1} tracks")).to_be_visible()
    expect(rows).to_have_count(len(TRACKS) + 1)
    expect(rows.locator(".cell-sound")).to_have_count(3 * (len(TRACKS) + 1))
    expect(rows.locator(".cell-sound").filter(has_text=re.compile(r"\d")).nth(5)).to_be_visible()
    tempos = [int(text) for text in rows.locator(".cell-sound").all_inner_texts()[::3] if text]
    assert len(tempos) > 5
    assert tempos == sorted(tempos)
    middle = tempos[len(tempos) // 2]
    page.get_by_role("button", name="Filter by sound").click()
    page.get_by_label("Tempo from (BPM)").fill(str(middle + 1))
    page.get_by_label("Tempo from (BPM)").press("Enter")
    expect(rows).to_have_count(one.get(f"tracks?tempo={middle + 1}..")["total"])
    assert 0 < rows.count() < len(tempos)
    page.get_by_role("button", name="Clear").click()
    expect(rows).to_have_count(len(TRACKS) + 1)


def places(one: Listener) -> dict[str, tuple[float, float]]:
    """Where each track's point is on the page, by its id; the map is shown whole."""
    told = one.get("map")
    box = one.page.get_by_role("application").bounding_box()
    assert box is not None
    (left, right), (low, high) = ((min(told[axis]), max(told[axis])) for axis in "xy")
    scale = min((box["width"] - 2 * MARGIN_PX) / (right - left), (box["height"] - 2 * MARGIN_PX) / (high - low))
    across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    return {
        id: (across + (x - (left + right) / 2) * scale, down + ((low + high) / 2 - y) * scale)
        for id, x, y in zip(told["ids"], told["x"], told["y"], strict=True)
    }


def far_apart(points: dict[str, tuple[float, float]]) -> tuple[str, str]:
    """The two outermost points, from left to right."""
    ids = sorted(points, key=lambda id: points[id][0])
    return ids[0], ids[-1]


def test_the_map_shows_every_track_and_plays_a_point(one: Listener) -> None:
    one.go("/map")
    page = one.page
    expect(page.get_by_text(f"{len(TRACKS) + 1} tracks; what sounds alike lies together")).to_be_visible()
    expect(page.get_by_role("application", name=f"Map of {len(TRACKS) + 1} tracks")).to_be_visible()
    points = places(one)
    chosen, _ = far_apart(points)
    title = one.get(f"tracks/{chosen}")["title"]
    page.mouse.move(*points[chosen])
    expect(page.locator(".map-card")).to_contain_text(title)
    page.mouse.click(*points[chosen])
    one.sounding(title)


Place = tuple[float, float]


class Fingers:
    """Fingers on the page, each where it is."""

    def __init__(self, page: Page) -> None:
        self.cdp = page.context.new_cdp_session(page)
        self.down: dict[int, Place] = {}

    def _tell(self, type: str) -> None:
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in self.down.items()]
        self.cdp.send("Input.dispatchTouchEvent", {"type": type, "touchPoints": points})

    def press(self, finger: int, at: Place) -> None:
        self.down[finger] = at
        self._tell("touchStart")

    def move(self, to: dict[int, Place], steps: int = 8) -> None:
        start = dict(self.down)
        for step in range(1, steps + 1):
            for finger, place in to.items():
                x, y = ((a + (b - a) * step / steps) for a, b in zip(start[finger], place, strict=True))
                self.down[finger] = x, y
            self._tell("touchMove")

    def lift(self) -> None:
        self.down.clear()
        self._tell("touchEnd")

    def tap(self, at: Place) -> None:
        self.press(0, at)
        self.lift()


def test_fingers_move_and_pinch_the_map(listener: OpenListener, heard: RunningServer) -> None:
    one = listener(heard, has_touch=True, viewport={"width": 800, "height": 1000})
    one.go("/map")
    page, plot = one.page, one.page.get_by_role("application")
    plot.wait_for()
    box = plot.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    points = places(one)
    chosen = min(points, key=lambda id: math.dist(points[id], middle))
    title, place, card = one.get(f"tracks/{chosen}")["title"], points[chosen], page.locator(".map-card")
    fingers = Fingers(page)

    def found(at: Place) -> None:
        """That the chosen track lies there: a tap shows it."""
        fingers.tap(at)
        expect(card).to_contain_text(title)
        drawn = card.bounding_box()
        assert drawn is not None
        near = min(abs(x - at[0]) for x in (drawn["x"], drawn["x"] + drawn["width"]))
        assert near < 20, "the card stands beside its point"

    found(place)
    fingers.press(0, middle)
    fingers.move({0: (middle[0] + 90, middle[1] - 70)})
    fingers.lift()
    expect(card).to_have_count(0)
    place = place[0] + 90, place[1] - 70
    found(place)

    # Two fingers, twice as far apart at the end: what lies between them stays, the rest goes twice as far from it.
    between = place[0] - 30, place[1] + 20
    fingers.press(0, (between[0] - 50, between[1]))
    fingers.press(1, (between[0] + 50, between[1]))
    fingers.move({0: (between[0] - 100, between[1]), 1: (between[0] + 100, between[1])}, steps=10)
    fingers.lift()
    expect(card).to_have_count(0)
    place = between[0] + 2 * 30, between[1] - 2 * 20
    assert box["x"] < place[0] < box["x"] + box["width"]
    assert box["y"] < place[1] < box["y"] + box["height"]
    found(place)
    assert page.evaluate("[visualViewport.scale, scrollX, scrollY]") == [1, 0, 0], "the page itself stood still"
    fingers.tap(place)  # a second tap plays
    one.sounding(title)


def test_a_drawn_path_makes_a_queue(one: Listener) -> None:
    one.go("/map")
    page = one.page
    plot = page.get_by_role("application")
    plot.wait_for()
    points = places(one)
    start, end = far_apart(points)
    page.get_by_role("button", name="Draw a path to listen along").click()
    page.mouse.move(*points[start])
    page.mouse.down()
    page.mouse.move(*points[end], steps=12)
    page.mouse.up()
    page.get_by_role("button", name="Listen along").click()
    expect(page.get_by_text(re.compile(r"\d+ tracks along your path\."))).to_be_visible()
    first, last = (one.get(f"tracks/{id}")["title"] for id in (start, end))
    one.sounding(first)
    titles = queued(one)
    assert titles[0] == first
    assert last in titles
    assert len(titles) > 2


def test_duplicates_are_shown_preferred_and_separated(one: Listener) -> None:
    one.go("/duplicates")
    page = one.page
    group = page.get_by_role("region", name=f"{COPIED} by")
    lines = group.get_by_role("listitem")
    expect(lines).to_have_count(2)
    expect(lines.filter(has_text="Preferred")).to_contain_text("FLAC")
    group.get_by_role("button", name=re.compile(f"^Prefer {COPIED}.*, MP3$")).click()
    expect(lines.filter(has_text="Preferred")).to_contain_text("MP3")
    copy: Json = one.get("duplicates")["items"][0]["tracks"][0]["track"]
    group.get_by_role("button", name=re.compile(f"^{COPIED}.*, MP3 is not the same recording$")).click()
    expect(page.get_by_text("No duplicates")).to_be_visible()
    csrf = str(one.get("session")["csrf"])
    page.request.delete(f"{one.url}/api/tracks/{copy['id']}/duplicates", headers={"X-Segue-CSRF": csrf})
    one.go(f"/tracks/{copy['id']}")
    expect(page.get_by_role("heading", name="The same recording")).to_be_visible()


def test_listening_is_paused_and_resumed(one: Listener) -> None:
    one.go("/settings/analysis")
    page = one.page
    expect(page.get_by_text("Everything has been listened to")).to_be_visible()
    expect(page.get_by_text(f"{len(TRACKS) + 1} of {len(TRACKS) + 1} tracks")).to_be_visible()
    main = page.get_by_role("main")
    main.get_by_role("button", name="Pause").click()
    expect(main.get_by_text("Paused", exact=True)).to_be_visible()
    assert one.get("analysis")["state"] == "paused"
    main.get_by_role("button", name="Resume").click()
    expect(main.get_by_text("Everything has been listened to")).to_be_visible()


def test_a_mix_starts_from_an_artist(one: Listener) -> None:
    track = one.track("Lamps Out")
    artist = track["artists"][0]
    one.go(f"/artists/{artist['id']}")
    page = one.page
    expect(page.get_by_role("region", name="Sounds like").get_by_role("link").first).to_be_visible()
    mix = one.get(f"mix?type=artist&id={artist['id']}&n=50")
    page.get_by_role("button", name="Start a mix").click()
    expect(page.get_by_text(f"tracks like “{artist['name']}”")).to_be_visible()
    one.sounding(mix["items"][0]["track"]["title"])
    assert queued(one) == [item["track"]["title"] for item in mix["items"]]


def test_a_path_leads_from_one_track_to_another(one: Listener) -> None:
    start, end = one.track("Static"), one.track("Fifty Hertz")
    one.go(f"/tracks/{start['id']}")
    page = one.page
    page.get_by_role("button", name="Choose a track").click()
    page.get_by_role("searchbox", name="Search your tracks").fill(end["title"])
    page.get_by_role("dialog").get_by_role("button", name=re.compile(f"^{end['title']}")).click()
    page.get_by_label("Length").select_option("10")
    rows = page.get_by_role("grid", name=f"Path from {start['title']} to {end['title']}").locator(".row[data-index]")
    expect(rows.first).to_contain_text(start["title"])
    expect(rows.last).to_contain_text(end["title"])
    page.get_by_role("button", name="Play the path").click()
    one.sounding(start["title"])
    assert queued(one)[-1] == end["title"]


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_of_sound_are_easy_to_use(listener: OpenListener, heard: RunningServer, width: int) -> None:
    one = listener(heard, viewport={"width": width, "height": 860}, bypass_csp=True, reduced_motion="reduce")
    track = one.track(COPIED)
    paths = (f"/tracks/{track['id']}", "/map", "/duplicates", "/tracks?sort=tempo&tempo=60..180")
    one.go(f"/tracks/{track['id']}")
    one.page.get_by_role("main").get_by_role("button", name="Play", exact=True).click()
    assert [wrong for path in paths for wrong in complaints(one, path)] == []
