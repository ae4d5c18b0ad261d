"""What was heard: looked at, put right, summed up, matched by hand. On a server of its own, with listens of known dates."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, expect

from segue.testing.server import RunningServer, running_server

from .conftest import Json, Listener, OpenListener
from .pages import complaints

PLACE = {"timezone_id": "Europe/Berlin", "locale": "en-GB"}
"""An hour ahead of the listens' own instants: 20:00 UTC is 21:00 there."""

HEARD = [
    ("2025-03-10T09:00:00Z", "Hum 1", "finished", 20_000),
    ("2025-03-10T09:10:00Z", "Hum 2", "skipped", 5_000),
    ("2025-03-11T20:00:00Z", "Hum 1", "finished", 20_000),
    ("2025-03-12T20:00:00Z", "Hum 3", "finished", 20_000),
]
SCROBBLED = [("2025-03-12T21:00:00Z", "Nobody Here", "Elsewhere Song"), ("2025-03-15T21:30:00Z", "Nobody Here", "Elsewhere Song")]
MANY = 260
"""Listens of the year before: more than the history reads at once."""


def _api(server: RunningServer) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/api/", headers={"Authorization": f"Bearer {server.token()}"}, timeout=30)


def _ended(at: str, track_id: str, outcome: str, played_ms: int) -> Json:
    return {
        "event_id": f"e{at}",
        "kind": "ended",
        "at": at,
        "subject": {"type": "track", "id": track_id},
        "play_id": f"p{at}",
        "played_ms": played_ms,
        "outcome": outcome,
        "client": "Walkman",
        "utc_offset_min": 60,
    }


def _scrobbled(at: str, artist: str, title: str) -> Json:
    subject = {"type": "external", "external": {"artist": artist, "title": title}}
    return {"event_id": f"e{at}", "kind": "scrobbled", "at": at, "subject": subject, "client": "Radio", "utc_offset_min": 60}


@pytest.fixture(scope="module")
def lived(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("lived") / "data", tones) as running, _api(running) as api:
        ids = {track["title"]: track["id"] for track in api.get("tracks", params={"limit": 100}).json()["items"]}
        events = [_ended(at, ids[title], outcome, played) for at, title, outcome, played in HEARD]
        events += [_scrobbled(*play) for play in SCROBBLED]
        first = datetime(2024, 5, 1, 12, tzinfo=UTC)
        events += [_ended((first + timedelta(hours=3 * n)).isoformat(), ids["Hum 10"], "finished", 20_000 + n) for n in range(MANY)]
        answer = api.post("events", json={"sent_at": datetime.now(UTC).isoformat(), "events": events}).json()
        assert len(answer["accepted"]) == len(events), answer["rejected"]
        yield running


def _rows(one: Listener) -> Locator:
    return one.page.locator('[role="row"][data-index]')


def _menu(one: Listener, row: Locator, item: str) -> None:
    row.click(button="right")
    one.page.get_by_role("menuitem", name=item).click()


def _toast(one: Listener, text: str) -> Locator:
    return one.page.locator(".toast").filter(has_text=text)


def test_history_shows_each_day_and_how_each_listen_ended(lived: RunningServer, listener: OpenListener) -> None:
    one = listener(lived, **PLACE)
    one.go("/history")
    # The skipped one does not count.
    expect(one.page.locator(".page-count")).to_have_text(f"{MANY + 5} listens")
    days = one.page.get_by_role("rowheader")
    expect(days.nth(0)).to_have_text(re.compile("Saturday,? 15 March 2025"))
    expect(days.nth(1)).to_have_text(re.compile("Wednesday,? 12 March 2025"))
    expect(days.nth(3)).to_have_text(re.compile("Monday,? 10 March 2025"))
    skipped = _rows(one).filter(has_text="Hum 2")
    expect(skipped).to_contain_text("Skipped at 25 %")
    expect(skipped).to_contain_text("10:10")
    expect(skipped).to_contain_text("Walkman")
    expect(_rows(one).nth(0)).to_contain_text("Elsewhere Song")
    expect(_rows(one).nth(0)).to_contain_text("22:30")
    expect(_rows(one).filter(has_text="Hum 3")).to_contain_text("Finished")


def test_a_search_of_the_history_stays_in_the_address(lived: RunningServer, listener: OpenListener) -> None:
    one = listener(lived, **PLACE)
    one.go("/history")
    box = one.page.get_by_role("searchbox", name="Search your history")
    box.fill("other 1 hum")
    expect(_rows(one).filter(has_text="Hum 3")).to_have_count(0)
    expect(_rows(one).filter(has_text="Hum 1").first).to_be_visible()
    box.fill("elsewhere")
    expect(_rows(one)).to_have_count(2)
    expect(one.page).to_have_url(f"{lived.url}/history?q=elsewhere")
    one.page.reload()
    expect(box).to_have_value("elsewhere")
    expect(_rows(one)).to_have_count(2)
    box.fill("nothing like it")
    expect(one.page.get_by_role("heading", name="Nothing heard like “nothing like it”")).to_be_visible()
    box.press("Escape")
    expect(_rows(one).filter(has_text="Hum 3")).to_have_count(1)
    expect(one.page).to_have_url(f"{lived.url}/history")


def test_a_listen_is_deleted_and_brought_back(lived: RunningServer, listener: OpenListener) -> None:
    one = listener(lived, **PLACE)
    one.go("/history")
    row = _rows(one).filter(has_text="Hum 3")
    _menu(one, row, "Delete from history")
    expect(row).to_have_count(0)
    expect(one.page.locator(".page-count")).to_have_text(f"{MANY + 4} listens")
    assert one.get("stats?period=2025&utc_offset_min=60")["listens"] == 4
    _toast(one, "deleted").get_by_role("button", name="Undo").click()
    expect(row).to_have_count(1)
    expect(one.page.locator(".page-count")).to_have_text(f"{MANY + 5} listens")
    assert one.get("stats?period=2025&utc_offset_min=60")["listens"] == 5


def test_the_history_is_walked_and_put_right_by_keyboard(lived: RunningServer, listener: OpenListener) -> None:
    one = listener(lived, **PLACE)
    one.go("/history")
    _rows(one).nth(0).focus()
    one.page.keyboard.press("ArrowDown")
    expect(_rows(one).nth(1)).to_be_focused()
    one.page.keyboard.press("ArrowDown")
    third = _rows(one).filter(has_text="Hum 3")
    expect(third).to_be_focused()
    one.page.keyboard.press("Delete")
    expect(third).to_have_count(0)
    _toast(one, "deleted").get_by_role("button", name="Undo").click()
    expect(third).to_have_count(1)
    one.page.keyboard.press("Escape")
    _rows(one).nth(0).focus()
    one.page.keyboard.press("Home")
    one.page.keyboard.press("PageDown")
    expect(_rows(one).nth(0)).not_to_be_focused()


def test_it_was_another_track_at_another_time(lived: RunningServer, listener: OpenListener) -> None:
    one = listener(lived, **PLACE)
    one.go("/history")
    _menu(one, _rows(one).filter(has_text="Hum 2"), "It was another track…")
    dialog = one.page.get_by_role("dialog", name="Which track was it?")
    dialog.get_by_role("searchbox").fill("Hum 7")
    dialog.get_by_role("button", name="Hum 7").click()
    expect(_rows(one).filter(has_text="Hum 7")).to_have_count(1)
    expect(_rows(one).filter(has_text="Hum 2")).to_have_count(0)
    _toast(one, "after all").get_by_role("button", name="Undo").click()
    skipped = _rows(one).filter(has_text="Hum 2")
    expect(skipped).to_have_count(1)

    _menu(one, skipped, "Change the time…")
    dialog = one.page.get_by_role("dialog", name="Change the time")
    when = dialog.get_by_label("When did")
    expect(when).to_have_value("2025-03-10T10:10")
    when.fill("2125-01-01T08:00:00")
    dialog.get_by_role("button", name="Change").click()
    expect(dialog).to_contain_text("It was heard before now.")
    when.fill("2025-03-16T08:05:00")
    dialog.get_by_role("button", name="Change").click()
    expect(_rows(one).nth(0)).to_contain_text("Hum 2")
    expect(_rows(one).nth(0)).to_contain_text("08:05")
    expect(one.page.get_by_role("rowheader").nth(0)).to_have_text(re.compile("Sunday,? 16 March 2025"))
    _toast(one, "time").get_by_role("button", name="Undo").click()
    expect(_rows(one).nth(0)).to_contain_text("Elsewhere Song")


def test_the_menu_goes_to_the_track_on_its_release(lived: RunningServer, listener: OpenListener) -> None:
    one = listener(lived, **PLACE)
    one.go("/history?q=hum+3")
    _menu(one, _rows(one).first, "Go to track")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Single 3")
    expect(one.page.get_by_role("row", selected=True)).to_contain_text("Hum 3")


def test_a_long_history_is_read_to_its_end(lived: RunningServer, listener: OpenListener) -> None:
    one = listener(lived, **PLACE)
    one.go("/history?q=hum+10")
    _rows(one).first.wait_for()
    assert len(_rows(one).all()) < 60
    first_day = one.page.get_by_role("rowheader").filter(has_text=re.compile("Wednesday,? 1 May 2024"))
    for _ in range(40):
        if first_day.count():
            break
        one.page.evaluate("() => { const main = document.querySelector('main'); main.scrollTop = main.scrollHeight }")
        one.page.wait_for_timeout(250)
    expect(first_day).to_be_visible()
    assert len(_rows(one).all()) < 60


def test_statistics_say_what_the_api_says(lived: RunningServer, listener: OpenListener) -> None:
    one = listener(lived, **PLACE)
    stats = one.get("stats?period=2025&utc_offset_min=60")
    one.go("/statistics?period=2025")
    page = one.page
    tile = page.locator(".tile")
    expect(tile.filter(has_text="Listens")).to_contain_text(str(stats["listens"]))
    expect(tile.filter(has_text="Listens")).to_contain_text("1 skip")
    expect(tile.filter(has=page.get_by_text("Tracks", exact=True)).locator("dd")).to_have_text(str(stats["distinct"]["tracks"]))
    expect(tile.filter(has=page.get_by_text("Artists", exact=True)).locator("dd")).to_have_text(str(stats["distinct"]["artists"]))
    assert stats["listens"] == 5

    months = page.get_by_role("table", name="Listens by month").get_by_role("row")
    expect(months).to_have_count(13)
    expect(months.nth(3)).to_contain_text("March 2025")
    expect(months.nth(3).get_by_role("cell").first).to_have_text("5")

    assert len(page.locator(".heat-grid .heat-cell").all()) == 168
    hours = page.get_by_role("table", name="Listens by weekday and hour")
    shown = [[int(cell) for cell in row.locator("td").all_text_contents()] for row in hours.locator("tbody tr").all()]
    assert [shown[hour][day] for day in range(7) for hour in range(24)] == stats["hours"]
    assert shown[21][1] == 1  # Tuesday, 20:00 UTC
    tops = page.locator(".past-card").filter(has=page.get_by_role("heading", name="Top tracks")).get_by_role("listitem")
    expect(tops).to_have_count(3)
    named = [top["name"] for top in stats["top"]["tracks"]]
    assert [name for name, text in zip(named, tops.all_text_contents(), strict=True) if name in text] == named
    page.get_by_label("Period").select_option("2024")
    expect(page).to_have_url(f"{lived.url}/statistics?period=2024")
    expect(tile.filter(has_text="Listens")).to_contain_text(str(MANY))
    page.get_by_label("Period").select_option("7d")
    expect(page.get_by_role("heading", name="Nothing heard in this time")).to_be_visible()


def test_a_year_is_told_in_cards(lived: RunningServer, listener: OpenListener) -> None:
    one = listener(lived, viewport={"width": 390, "height": 844}, **PLACE)
    one.go("/statistics?period=2025")
    one.page.get_by_role("link", name="2025 in review").click()
    cards = one.page.locator(".year-card")
    expect(cards.filter(has_text="Your 2025")).to_contain_text("5 listens of 3 tracks")
    expect(cards.filter(has_text="The tracks you came back to")).to_contain_text("Elsewhere Song")
    expect(cards.filter(has_text="Your longest run")).to_contain_text("3 days in a row")
    expect(cards.filter(has_text="Your fullest day")).to_contain_text(re.compile("Wednesday,? 12 March"))
    wide = one.page.evaluate("() => { const main = document.querySelector('main'); return main.scrollWidth - main.clientWidth }")
    assert wide == 0


def test_a_match_by_hand_moves_its_listens_and_can_be_undone(lived: RunningServer, listener: OpenListener) -> None:
    one = listener(lived, **PLACE)
    one.go("/history/elsewhere")
    expect(_rows(one)).to_have_count(1)
    expect(_rows(one).first).to_contain_text("2 listens")
    one.page.get_by_role("button", name="Match Elsewhere Song").click()
    dialog = one.page.get_by_role("dialog", name="Which track is “Elsewhere Song”?")
    dialog.get_by_role("searchbox").fill("Hum 9")
    dialog.get_by_role("button", name="Hum 9").click()
    expect(one.page.get_by_role("heading", name="Everything you heard is in your library")).to_be_visible()
    one.page.get_by_text("Found in it").click()
    expect(_rows(one).first).to_contain_text("Hum 9")
    expect(_rows(one).first).to_contain_text("by hand")
    hum = one.track("Hum 9")["id"]
    assert len(one.get(f"me/listens?track={hum}")["items"]) == 2
    one.go("/history")
    expect(_rows(one).nth(0)).to_contain_text("Hum 9")

    one.go("/history/elsewhere?show=matched")
    one.page.get_by_role("button", name="Unmatch Elsewhere Song").click()
    expect(one.page.get_by_role("heading", name="Nothing found yet")).to_be_visible()
    assert one.get(f"me/listens?track={hum}")["items"] == []
    one.go("/history")
    expect(_rows(one).nth(0)).to_contain_text("Elsewhere Song")


def test_a_history_is_brought_along_and_taken_away(tones: Path, tmp_path: Path, listener: OpenListener) -> None:
    plays = [("Kites", "The Paper Moons", "2021-03-04T05:06:07Z"), ("Hum 4", "Other 4", "2021-03-05T05:06:07Z")]
    entries = [
        {
            "ts": at,
            "ms_played": 20_000,
            "master_metadata_track_name": title,
            "master_metadata_album_artist_name": artist,
            "spotify_track_uri": f"spotify:track:{n:022d}",
            "reason_start": "clickrow",
            "reason_end": "trackdone",
            "skipped": False,
            "incognito_mode": False,
        }
        for n, (title, artist, at) in enumerate(plays)
    ]
    export = tmp_path / "Streaming_History_Audio_2021.json"
    export.write_text(json.dumps(entries))
    broken = tmp_path / "spotify.zip"
    broken.write_bytes(b"PK no zip at all")
    with running_server(tmp_path / "data", tones) as server:
        one = listener(server, **PLACE)
        page = one.page
        one.go("/history/elsewhere")
        page.get_by_text("Import and export").click()
        page.get_by_label("From").select_option("lastfm")
        page.get_by_label("File").set_input_files(export)
        expect(page.get_by_label("From")).to_have_value("spotify")
        page.get_by_role("button", name="Bring along").click()
        imports = page.get_by_role("list", name="Imports").get_by_role("listitem")
        expect(imports).to_contain_text("2 plays read, 2 of them new; 1 matched to your library, 1 not in it.", timeout=20_000)
        page.get_by_text("Not in the library").click()
        expect(_rows(one)).to_have_count(1)
        expect(_rows(one)).to_contain_text("Kites")

        one.go("/history/elsewhere?show=imports")
        with page.expect_download() as download:
            page.get_by_role("link", name="JSON lines").click()
        assert len(Path(download.value.path()).read_text().splitlines()) == 2

        page.get_by_label("File").set_input_files(broken)
        page.get_by_role("button", name="Bring along").click()
        expect(imports).to_have_count(2, timeout=20_000)
        failed = next(each for each in one.get("me/imports")["items"] if each["read"] == 0)
        assert failed["state"] == "failed"
        expect(imports.first).to_contain_text(failed["error"])
        imports.first.get_by_role("button", name="Forget the import from Spotify").click()
        expect(imports).to_have_count(1)

        one.go("/history")
        expect(_rows(one).filter(has_text="Hum 4")).to_contain_text("Imported")
        expect(_rows(one).filter(has_text="Hum 4")).to_have_count(1)
        page.context.close()  # before its server ends


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_past_is_easy_to_use(chromium: Browser, lived: RunningServer, listener: OpenListener, width: int, scheme: str) -> None:
    one = listener(lived, viewport={"width": width, "height": 860}, bypass_csp=True, reduced_motion="reduce", color_scheme=scheme, **PLACE)
    pages = ("/history", "/history/elsewhere", "/history/elsewhere?show=imports", "/statistics?period=2025", "/year/2025")
    assert [complaint for path in pages for complaint in complaints(one, path)] == []
