"""Whether a crawl that ended gave what its market is expected to give: a crawl is never quietly empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markets.definition import Definition


def crawl_fault(definition: Definition, counts: Mapping[str, Any]) -> str | None:
    """What a person should look at after a crawl, in one sentence, or None where it was as expected.

    `counts`: `listings` (met in this crawl), `pages` (asked for), `failed` (pages of these that gave no answer),
    `queries`, `filled`: field -> listings in which it had a value; and, where known, `max_listings` (the crawl's own
    limit: reaching it is no fault) and `reason` (the first problem met). A missing count is 0.
    """
    listings, pages, failed = (int(counts.get(key) or 0) for key in ("listings", "pages", "failed"))
    first = f" First problem: {counts['reason']}" if counts.get("reason") else ""
    if pages == 0:
        return f"No page was read: look at the log, at robots.txt and at search.url.{first}"
    if failed >= pages:
        every = "The only page" if pages == 1 else f"All {pages} pages"
        return f"{every} failed: the market is out of reach or refuses us.{first}"
    if listings == 0:
        return (
            f"{_pages(pages - failed)} read and no listing was found: the layout has changed, the market hides "
            f"its listings, or nothing is offered for these words.{first}"
        )
    return _too_few(definition, counts, listings) or _poorly_filled(definition, counts, listings)


def _pages(number: int) -> str:
    return "1 page was" if number == 1 else f"{number} pages were"


def _too_few(definition: Definition, counts: Mapping[str, Any], listings: int) -> str | None:
    expected = definition.expect.listings_per_query
    queries = int(counts.get("queries") or 0)
    limit = counts.get("max_listings")
    if expected is None or queries == 0 or (limit and listings >= limit) or listings / queries >= expected[0]:
        return None
    return (
        f"{listings / queries:.1f} listings a query were found and at least {expected[0]} are expected "
        "(expect.listings_per_query): look at a search page and at the definition."
    )


def _poorly_filled(definition: Definition, counts: Mapping[str, Any], listings: int) -> str | None:
    filled = counts.get("filled") or {}
    poor = [
        f"{field} in {filled.get(field, 0) / listings:.0%} (expected {share:.0%})"
        for field, share in definition.expect.filled.items()
        if filled.get(field, 0) / listings < share
    ]
    if not poor:
        return None
    return f"Of {listings} listings too few have {', '.join(poor)}: look at the definition's fields (expect.filled)."
