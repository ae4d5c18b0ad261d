"""Every page on a desk, for screen readers and under its own security policy."""

from playwright.sync_api import expect

from .conftest import OpenListener
from .pages import all_complaints, all_pages


def test_no_page_complains_or_is_hard_to_use(listener: OpenListener) -> None:
    assert all_complaints(listener(viewport={"width": 1280, "height": 860}, bypass_csp=True, reduced_motion="reduce")) == []


def test_no_page_breaks_its_policy(listener: OpenListener) -> None:
    one = listener()
    for path in all_pages(one):
        one.go(path)
        one.page.wait_for_load_state("networkidle")
        expect(one.page.locator(".player-bar")).to_be_visible()
        assert one.page.title()
        assert one.troubles == [], path
