"""The player by keyboard."""

import time

from playwright.sync_api import expect

from .conftest import OpenListener


def test_the_keys_do_what_the_sheet_says(listener: OpenListener) -> None:
    one = listener()
    one.play("Hum 2")
    page = one.page
    middle = page.locator(".bar-middle")
    page.locator("main").focus()
    page.keyboard.press(" ")
    expect(middle.get_by_role("button", name="Play")).to_be_visible()
    page.keyboard.press(" ")
    expect(middle.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("m")
    expect(page.get_by_label("Volume")).to_have_attribute("aria-valuetext", "Muted")
    page.keyboard.press("m")
    page.keyboard.press("s")
    expect(middle.get_by_role("button", name="Shuffle")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("s")
    page.keyboard.press("r")
    expect(middle.get_by_role("button", name="Repeat: the whole queue")).to_be_visible()
    page.keyboard.press("r")
    page.keyboard.press("r")
    before = one.position_s()
    page.keyboard.press("ArrowRight")
    time.sleep(0.6)
    assert one.position_s() >= before + 4
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).not_to_be_visible()
    page.keyboard.press("f")
    expect(page).to_have_url(f"{one.url}/playing")
    page.keyboard.press("f")
    expect(page).not_to_have_url(f"{one.url}/playing")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("s?q")
    expect(page.get_by_role("searchbox")).to_have_value("s?q")


def test_the_queue_is_put_in_order_by_keyboard(listener: OpenListener) -> None:
    one = listener()
    one.play("Part 1")
    page = one.page
    page.locator("main").focus()
    page.keyboard.press("q")
    rows = page.get_by_role("complementary", name="Queue").get_by_role("listitem")
    expect(rows.nth(2)).to_contain_text("Part 3")
    rows.nth(2).locator(".queue-main").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(rows.nth(1)).to_contain_text("Part 3")
    expect(rows.nth(1).locator(".queue-main")).to_be_focused()
    page.keyboard.press("Delete")
    expect(rows.nth(1)).to_contain_text("Part 2")
    page.keyboard.press("ArrowDown")
    page.reload()
    expect(page.locator(".bar-title")).to_have_text("Part 1")
    expect(rows.nth(1)).to_contain_text("Part 2")
    assert "Part 3" not in " ".join(rows.all_text_contents())


def test_lyrics_follow_and_lead(listener: OpenListener) -> None:
    one = listener()
    one.play("Hum 1")
    one.page.locator("main").focus()
    one.page.keyboard.press("f")
    line = one.page.get_by_role("button", name="Second line")
    line.click()
    expect(line).to_have_attribute("aria-current", "true", timeout=5_000)
    assert one.position_s() >= 7


def test_a_search_still_being_typed_does_not_lead_away(listener: OpenListener) -> None:
    one = listener()
    one.go("/")
    box = one.page.get_by_role("searchbox")
    box.fill("hum")
    one.page.get_by_role("link", name="Artists").first.click()
    time.sleep(1)
    expect(one.page).to_have_url(f"{one.url}/artists")
    expect(box).to_have_value("")
