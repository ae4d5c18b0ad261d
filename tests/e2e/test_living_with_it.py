"""What a listener does beside pressing play: dragging the queue, keys on a headset, a sleep timer, private hours, a restarted server."""

from playwright.sync_api import Locator, Page, expect

from .conftest import Listener, OpenListener


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
