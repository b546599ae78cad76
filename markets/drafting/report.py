"""What a person sees of a draft: what was understood, and a table of what the listing's page gives."""

from __future__ import annotations

from collections.abc import Iterator

from crawler.extraction.batch import page_as_json
from markets.drafting.new import Drafted
from markets.drafting.proposal import WANTED

_LONGEST = 40


def summary(drafted: Drafted) -> Iterator[str]:
    """The draft in lines."""
    made, written = drafted.proposal, drafted.written
    yield f"{made.name}: a draft for {made.title}"
    yield f"definition    {written.definition}"
    yield from (f"frozen page   {case} (to be checked by a person)" for case in written.cases)
    if written.robots:
        yield f"robots.txt    {written.robots}"
    yield f"walked by     {made.spider}" + (f" (the shop runs on {made.software})" if made.software else "")
    yield f"source        {made.source_url}" if made.source_url else f"search        {made.search_url}"
    yield f"listing_url   {made.listing_url}"
    yield f"listings      {len(made.links)} on this page, the first {made.links[0]}"
    if not made.source_url:
        yield f"next page     {made.next_url or 'none found'}"
    yield f"data seen     {'; '.join(made.structured) or 'none'}"


def listing_rows(drafted: Drafted) -> list[dict[str, str]]:
    """One row a field of the listing that was read: its value and where it came from; empty where none was read."""
    listing = drafted.proposal.listing
    if listing is None:
        return []
    record = page_as_json(listing)
    rows = []
    for name in ("native_id", *WANTED, "lot_number", "estimate_low", "estimate_high"):
        value = record[name]
        shown = f"{len(value)}: {value[0]}" if isinstance(value, list) and value else value
        if value or name in WANTED:
            text = " ".join(str(shown).split()) if value else "missing"
            text = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
            rows.append({"field": name, "value": text, "source": listing.sources.get(name, "")})
    return rows
