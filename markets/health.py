"""Whether a crawl that ended gave what its market is expected to give: a crawl is never quietly empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markets.definition import Definition


def crawl_fault(definition: Definition, counts: Mapping[str, Any]) -> str | None:
    """What a person should look at after a crawl, in one sentence, or None where it was as expected.

    `counts`: `listings` (met in this crawl), `pages` (asked for), `failed` (pages of these that gave no answer),
    `queries`, `problems`, and `filled`: field -> listings in which it had a value. A missing count is 0.
    """
    listings, pages, failed = (int(counts.get(key, 0)) for key in ("listings", "pages", "failed"))
    if pages == 0:
        return f"{definition.name}: no page was asked for: see the log and robots.txt."
    if failed >= pages:
        return f"{definition.name}: all {pages} pages failed: the market is out of reach or refuses us."
    if listings == 0:
        return (
            f"{definition.name}: {pages - failed} pages were read and no listing was found: the layout has changed, "
            "the market hides its listings, or nothing is offered for these words."
        )
    return _too_few(definition, counts, listings) or _poorly_filled(definition, counts, listings)


def _too_few(definition: Definition, counts: Mapping[str, Any], listings: int) -> str | None:
    expected = definition.expect.listings_per_query
    queries = int(counts.get("queries", 0))
    if expected is None or queries == 0 or listings / queries >= expected[0]:
        return None
    return (
        f"{definition.name}: {listings / queries:.1f} listings a query, at least {expected[0]} are expected "
        "(expect.listings_per_query): look at a search page and at the definition."
    )


def _poorly_filled(definition: Definition, counts: Mapping[str, Any], listings: int) -> str | None:
    filled = counts.get("filled", {})
    poor = [
        f"{field} in {filled.get(field, 0) / listings:.0%} (expected {share:.0%})"
        for field, share in definition.expect.filled.items()
        if filled.get(field, 0) / listings < share
    ]
    if not poor:
        return None
    return f"{definition.name}: of {listings} listings too few have {', '.join(poor)}: look at the definition's fields."
