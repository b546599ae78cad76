"""Every payload of every list in every field on every view of the desk. `make test` has the short form. # SEC-9"""

from __future__ import annotations

import pytest

from tests.needs import need_checkers
from tests.review.conftest import chromium_alone, migrated_home  # noqa: F401  (a fixture)
from tests.review.payloads import OWN, grammar, naughty, wapiti
from tests.review.test_hostile_views import visit_all

pytestmark = pytest.mark.prove
AT_ONCE = 25
"""Payloads on one desk: more would not all be shown among the newest crawls."""


def test_hostile_words_do_nothing_anywhere(chromium_alone, tmp_path, sqlite_template):  # noqa: F811
    checkers = need_checkers("wapiti")
    packaged = wapiti(checkers)
    assert packaged, f"{checkers} holds no payloads: scripts/checkers"
    payloads = list(dict.fromkeys([*OWN, *naughty(), *packaged, *grammar(1, 100)]))
    turns = -(-len(payloads) // AT_ONCE)
    seen, found = 0, []
    for turn in range(turns):
        with migrated_home(tmp_path / f"home-{turn}", sqlite_template) as home:
            views, faults = visit_all(chromium_alone, home, payloads[turn::turns])
        seen += views
        found += faults
        print(f"\nturn {turn + 1} of {turns}, {len(payloads)} payloads in all: {seen} pages, {len(found)} faults")
    assert not found, "\n".join(map(str, found))
