"""How a listing changed: each observation with what differs from the one before, and the prices by themselves."""

from __future__ import annotations

from typing import Any

from evidence.item import ListingRecords, amount, item_id, utc
from evidence.story_check import COMPARED
from storage.tables import Observation

FORMAT = "relicwatch-observations-1"


def build_history(records: ListingRecords) -> dict[str, Any]:
    """The content of `observations.json`. What each observation holds in full stands in item.json. # EV-35"""

    def told(value: Any) -> Any:
        return utc(value) if hasattr(value, "astimezone") else amount(value) if hasattr(value, "as_tuple") else value

    versions: list[dict[str, Any]] = []
    prices: list[dict[str, Any]] = []
    before: Observation | None = None
    for row in records.observations:
        changes = []
        for name in COMPARED if before is not None else ():
            old, new = getattr(before, name), getattr(row, name)
            if old != new:
                changes.append({"field": name, "before": told(old), "after": told(new)})
        if before is not None:
            added, removed = (
                [u for u in row.images if u not in before.images],
                [u for u in before.images if u not in row.images],
            )
            if added or removed:
                changes.append({"field": "image_urls", "added": added, "removed": removed})
        versions.append({"observation": row.id, "observed_at": utc(row.observed_at), "changes": changes})
        price = amount(row.price)
        if price is not None and (not prices or (prices[-1]["price"], prices[-1]["currency"]) != (price, row.currency)):
            prices.append(
                {"observation": row.id, "observed_at": utc(row.observed_at), "price": price, "currency": row.currency}
            )
        before = row
    return {
        "format": FORMAT,
        "item_id": item_id(records.listing),
        "state": records.listing.state,
        "state_proof": records.listing.state_proof,
        "versions": versions,
        "prices": prices,
    }
