"""Sound in a real browser: to the end, without a gap, from anywhere, and told to the server."""

import time

import numpy as np
import pytest
from playwright.sync_api import expect

from .conftest import PART_S, STEP_S, STEPS_HZ, TONE_HZ, Listener, OpenListener
from .sound import breaks, loudness, pitch_hz, take


def _played_to_its_end(one: Listener) -> list[float]:
    """Where sound is missing, in seconds."""
    one.play("Part 1")
    first = one.position_s()
    time.sleep(2)
    assert one.position_s() > first, "time does not pass"
    for part in ("Part 2", "Part 3"):
        one.sounding(part, within_s=PART_S + 6)
    time.sleep(PART_S - 1.5)
    y, rate = take(one.page)
    assert loudness(y) > 0.05, "it is silent"
    # The joins lie at 6 and 12 seconds; not one sample may be missing there. Starting up is let off.
    return [at for at in breaks(y, rate, TONE_HZ) if 0.1 < at < 2.6 * PART_S]


def test_a_release_plays_to_its_end_without_a_break(listener: OpenListener) -> None:
    """Sound that a busy machine drops is not dropped each time; what the player leaves out, is."""
    for _ in range(4):
        one = listener()
        missing = _played_to_its_end(one)
        if not missing:
            break
        one.page.context.close()
    assert missing == []
    ended = one.told(lambda event: event["kind"] == "ended" and event["subject"]["id"] == one.track("Part 1")["id"])[-1]
    assert ended["outcome"] == "finished"
    assert ended["played_ms"] == pytest.approx(PART_S * 1000, abs=600)
    started = [event for event in one.events() if event["kind"] == "started" and event["play_id"] == ended["play_id"]]
    assert len(started) == 1


def test_what_the_browser_cannot_decode_is_converted_and_seeks(listener: OpenListener) -> None:
    one = listener()
    one.play("Staircase")
    assert any("format=" in url for url in one.streams), "ALAC was asked for as it is"
    time.sleep(1.5)
    y, rate = take(one.page)
    assert pitch_hz(y[-rate // 2 :], rate) == pytest.approx(STEPS_HZ[0], abs=8)

    slider = one.page.get_by_label("Position").first
    box = slider.bounding_box()
    assert box
    one.page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    time.sleep(3)
    at = one.position_s()
    assert at == pytest.approx(0.8 * 40 + 2.5, abs=2.5)
    y, rate = take(one.page)
    heard = y[-rate // 2 :]
    assert loudness(heard) > 0.05
    step = int((at - 0.3) // STEP_S)
    assert min(abs(pitch_hz(heard, rate) - hz) for hz in STEPS_HZ[step : step + 2]) < 8, "it sounds like another second"
    one.told(lambda event: event["kind"] == "seeked")


def test_reloading_keeps_queue_place_and_volume(listener: OpenListener) -> None:
    one = listener()
    one.play("Part 2")
    one.page.get_by_label("Volume").fill("40")
    one.page.keyboard.press("Escape")
    time.sleep(2.5)
    one.page.locator(".bar-middle").get_by_role("button", name="Pause").click()
    before = one.position_s()
    one.page.reload()
    expect(one.page.locator(".bar-title")).to_have_text("Part 2")
    assert one.position_s() == pytest.approx(before, abs=1.1)
    assert one.page.get_by_label("Volume").input_value() == "40"
    take(one.page)
    one.page.locator(".bar-middle").get_by_role("button", name="Play").click()
    one.sounding("Part 2")
    time.sleep(1)
    assert one.position_s() >= before
    y, _ = take(one.page)
    assert loudness(y) > 0.005
    resumed = one.told(lambda event: event["kind"] == "resumed")[-1]
    same = [event["kind"] for event in one.events() if event["play_id"] == resumed["play_id"]]
    assert same == ["started", "paused", "resumed"], "a reload made two plays of one"

    # Another browser finds the same queue: the server has it.
    other = listener()
    expect(other.page.locator(".bar-title")).to_have_text("Part 2", timeout=15_000)


def test_a_skip_arrives_and_autoplay_goes_on(listener: OpenListener) -> None:
    one = listener()
    one.play("Hum 1")
    time.sleep(2)
    one.page.keyboard.press("q")
    panel = one.page.get_by_role("complementary", name="Queue")
    expect(panel.get_by_role("listitem").nth(3)).to_be_visible(timeout=15_000)
    one.page.locator(".bar-middle").get_by_role("button", name="Next").click()
    hum = one.track("Hum 1")["id"]
    skipped = one.told(lambda event: event["kind"] == "ended" and event["subject"]["id"] == hum)[-1]
    assert skipped["outcome"] == "skipped"
    assert 500 < int(skipped["played_ms"]) < 15_000
    expect(one.page.locator(".bar-title")).not_to_have_text("Hum 1")
    time.sleep(1.5)
    y, _ = take(one.page)
    assert loudness(y[-20_000:]) > 0.005, "what Segue chose does not sound"
    chosen = one.told(lambda event: event["kind"] == "started" and (event.get("context") or {}).get("slate_id"))
    assert chosen[-1]["context"]["rank"] is not None


def test_liking_by_key_is_an_event(listener: OpenListener) -> None:
    one = listener()
    one.play("Hum 3")
    one.page.keyboard.press("l")
    hum = one.track("Hum 3")["id"]
    one.told(lambda event: event["kind"] == "liked" and event["subject"]["id"] == hum)
    assert one.get(f"tracks/{hum}")["liked_at"] is not None


def test_events_wait_while_the_server_cannot_be_reached(listener: OpenListener) -> None:
    one = listener()
    one.play("Hum 5")
    hum = one.track("Hum 5")["id"]
    one.page.route("**/api/events", lambda route: route.abort())
    one.page.keyboard.press("l")
    time.sleep(1.5)
    assert not [event for event in one.events() if event["kind"] == "liked" and event["subject"]["id"] == hum]
    one.page.unroute("**/api/events")
    one.page.reload()
    one.told(lambda event: event["kind"] == "liked" and event["subject"]["id"] == hum)
    one.troubles[:] = [text for text in one.troubles if "ERR_FAILED" not in text]


def test_a_crossfade_keeps_its_power(listener: OpenListener) -> None:
    one = listener()
    one.patch("preferences", {"crossfade_s": 4, "autoplay": True, "replaygain": "off"})
    one.go("/")
    try:
        one.play("Hum 7")
        expect(one.page.locator(".bar-title")).to_have_text("Hum 7")
        time.sleep(2)
        one.page.get_by_label("Position").first.focus()
        for _ in range(11):
            one.page.keyboard.press("ArrowRight")
        time.sleep(0.5)
        take(one.page)
        expect(one.page.locator(".bar-title")).not_to_have_text("Hum 7", timeout=15_000)
        time.sleep(5)
        y, rate = take(one.page)
        window = rate // 4
        levels = [loudness(y[at : at + window]) for at in range(window, len(y) - window, window)]
        assert min(levels) > 0.5 * float(np.median(levels)), "the sound sinks in the fade"
        assert max(levels) < 1.8 * float(np.median(levels)), "the sound swells in the fade"
    finally:
        one.patch("preferences", {"crossfade_s": 0})
