"""Two browsers of one listener: one plays at a time, and either moves the music or presses the other's buttons."""

import time

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Json, Listener, OpenListener
from .sound import loudness, take


def other_device(one: Listener) -> Locator:
    return one.page.get_by_role("group", name="Other device")


def main_button(one: Listener, name: str) -> Locator:
    return one.page.locator(".player-bar .bar-middle").get_by_role("button", name=name, exact=True)


def test_the_music_moves_from_one_browser_to_the_other(listener: OpenListener) -> None:
    a, b = listener(), listener()
    earlier = {event["event_id"] for event in a.events()}
    a.play("Staircase")
    expect(other_device(b)).to_contain_text("Playing on Chrome on Linux", timeout=20_000)
    expect(other_device(a)).to_have_count(0)
    expect(b.page.locator(".bar-title")).to_have_text("Staircase", timeout=20_000)
    time.sleep(2)

    there = a.position_s()
    at = time.monotonic()
    b.page.get_by_role("button", name="Play here").click()
    b.sounding("Staircase", within_s=20)
    here, waited = b.position_s(), time.monotonic() - at
    assert there - 1.5 <= here <= there + waited + 1.5, (there, here, waited)
    expect(other_device(b)).to_have_count(0)
    expect(other_device(a)).to_contain_text("Playing on", timeout=20_000)
    take(a.page)
    take(b.page)
    time.sleep(1.5)
    quiet, _ = take(a.page)
    loud, _ = take(b.page)
    assert loudness(loud) > 0.05, "it does not sound where it was taken to"
    assert len(quiet) == 0 or loudness(quiet[len(quiet) // 2 :]) < 0.001, "it still sounds where it was"
    assert a.position_s() == pytest.approx(a.position_s(), abs=0.01)

    other_device(a).get_by_role("button", name="Pause there").click()
    expect(main_button(b, "Play")).to_be_visible(timeout=20_000)
    expect(other_device(a)).to_contain_text("Paused on", timeout=20_000)
    stood = b.position_s()
    time.sleep(1)
    assert b.position_s() == pytest.approx(stood, abs=0.3)

    # The play button of a page that shows another's queue goes on with it, where that one stands.
    main_button(a, "Play").click()
    a.sounding("Staircase", within_s=20)
    assert a.position_s() == pytest.approx(stood, abs=3)
    expect(other_device(b)).to_contain_text("Playing on", timeout=20_000)

    # What is added from the one that does not play is in the queue of the one that does.
    b.go(f"/releases/{b.track('Hum 2')['release_id']}")
    expect(other_device(b)).to_contain_text("Playing on", timeout=20_000)
    b.page.get_by_role("row").filter(has_text="Hum 2").first.click(button="right")
    b.page.get_by_role("menuitem", name="Play next").click()
    a.page.get_by_role("button", name="Queue", exact=True).first.click()
    expect(a.page.get_by_label("Tracks in the queue").get_by_text("Hum 2")).to_be_visible(timeout=20_000)
    expect(a.page.locator(".bar-title")).to_have_text("Staircase")

    # And handing it over, from the list of devices.
    a.page.get_by_role("button", name="Devices").click()
    expect(a.page.get_by_role("menuitem", name="This browser")).to_be_disabled()
    a.page.get_by_role("menuitem", name="Chrome on Linux").click()
    b.sounding("Staircase", within_s=20)
    expect(other_device(a)).to_contain_text("Playing on", timeout=20_000)

    # However often it moved, it is one play, and no device has ended it.
    def told() -> list[Json]:
        staircase = a.track("Staircase")["id"]
        of_it = [event for event in a.events() if (event.get("subject") or {}).get("id") == staircase and event.get("play_id")]
        return [event for event in of_it if event["event_id"] not in earlier]

    a.told(lambda event: event["kind"] == "paused" and event["device_id"] == told()[0]["device_id"])
    assert {event["play_id"] for event in told()} == {told()[0]["play_id"]}
    kinds = [event["kind"] for event in told()]
    assert kinds.count("started") == 1
    assert kinds.count("resumed") >= 3
    assert "ended" not in kinds


def test_what_another_device_plays_is_shown_and_skipped_from_here(listener: OpenListener) -> None:
    a, b = listener(), listener()
    a.play("Part 1")
    expect(b.page.locator(".bar-title")).to_have_text("Part 1", timeout=20_000)
    expect(main_button(b, "Pause")).to_be_visible(timeout=20_000)
    main_button(b, "Next").click()
    expect(a.page.locator(".bar-title")).to_have_text("Part 2", timeout=20_000)
    expect(b.page.locator(".bar-title")).to_have_text("Part 2", timeout=20_000)
    main_button(b, "Pause").click()
    expect(main_button(a, "Play")).to_be_visible(timeout=20_000)

    # What is chosen here plays here, and the other falls silent.
    b.play("Hum 2")
    expect(other_device(a)).to_contain_text("Playing on", timeout=20_000)
    expect(a.page.locator(".bar-title")).to_have_text("Hum 2", timeout=20_000)
    b.page.context.close()
    expect(other_device(a)).to_have_count(0, timeout=20_000)
