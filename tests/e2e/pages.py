"""What every page is held to: nothing serious that axe finds, and no scrolling sideways."""

import time

import pytest

from .conftest import ROOT, Listener

PAGES = (
    "/",
    "/artists",
    "/releases",
    "/tracks",
    "/genres",
    "/folders",
    "/map",
    "/duplicates",
    "/search?q=hum",
    "/favourites",
    "/playlists",
    "/history",
    "/history/elsewhere",
    "/history/elsewhere?show=imports",
    "/statistics",
    "/year/2026",
    "/scan",
    "/playing",
    "/settings",
    "/settings/playback",
    "/settings/apps",
    "/settings/users",
    "/settings/libraries",
    "/settings/analysis",
)

AXE = ROOT / "player/node_modules/axe-core/axe.min.js"


def complaints(one: Listener, path: str) -> list[str]:
    """What is wrong with a page. The listener's context must bypass the page's policy, which would keep axe out."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm ci in player/)")
    one.go(path)
    one.page.wait_for_load_state("networkidle")
    time.sleep(0.4)
    one.page.add_script_tag(content=AXE.read_text())
    result = one.page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    found = [
        f"{path}: {each['id']} ({each['impact']}): {each['nodes'][0]['target']} {each['nodes'][0]['failureSummary'][:200]}"
        for each in result["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    over = one.page.evaluate(
        "() => Math.max(...[document.documentElement, document.querySelector('main')].map((each) => each.scrollWidth - each.clientWidth))"
    )
    return found + ([f"{path}: {over} pixels too wide"] if over > 0 else [])


def all_complaints(one: Listener) -> list[str]:
    """What is wrong with any page, with a track in the bar."""
    one.go(f"/releases/{one.track('Part 1')['release_id']}")
    one.page.locator("main").get_by_role("button", name="Play", exact=True).first.click()
    one.page.locator(".bar-title").filter(has_text="Part 1").wait_for()
    return [wrong for path in all_pages(one) for wrong in complaints(one, path)]


def all_pages(one: Listener) -> list[str]:
    return [*PAGES, f"/tracks/{one.track('Hum 1')['id']}"]
