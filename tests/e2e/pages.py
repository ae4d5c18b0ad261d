"""What every page is held to: nothing serious that axe finds, and no scrolling sideways."""

import time

import pytest

from .conftest import ROOT, Listener

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
