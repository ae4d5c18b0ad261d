"""Every page on a phone."""

from .conftest import OpenListener
from .pages import all_complaints


def test_no_page_complains_or_is_hard_to_use(listener: OpenListener) -> None:
    # The policy would keep axe out; what the pages themselves do under it, every other test watches.
    assert all_complaints(listener(viewport={"width": 390, "height": 860}, bypass_csp=True, reduced_motion="reduce")) == []
