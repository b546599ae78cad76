"""Every view in every language and light: axe-core, reflow, keys. `make test` has the short form."""

from __future__ import annotations

from itertools import product

import pytest

from storage.users import LANGUAGES
from tests.review.access import SCHEMES, access_faults, tab_faults
from tests.review.conftest import chromium_alone, looker, staged  # noqa: F401  (fixtures)
from tests.review.test_access import seen, told
from tests.review.views import views_of

pytestmark = pytest.mark.prove


def test_no_view_keeps_anybody_out_in_any_language_or_light(looker, staged):  # noqa: F811
    views = views_of(staged.stage)
    found = [
        (view.name, language, scheme, *fault)
        for view, language, scheme, page in seen(looker, list(product(views, LANGUAGES, SCHEMES)))
        for fault in access_faults(page)
    ]
    print(f"\n{len(views)} views in {len(LANGUAGES)} languages and {len(SCHEMES)} lights: {len(found)} faults")
    assert not found, told(found)


def test_keys_reach_every_action_in_every_language(looker, staged):  # noqa: F811
    views = [view for view in views_of(staged.stage) if view.act is None]
    found = [
        (view.name, language, *fault)
        for view, language, _, page in seen(looker, list(product(views, LANGUAGES, ["light"])))
        for fault in tab_faults(page)
    ]
    assert not found, told(found)
