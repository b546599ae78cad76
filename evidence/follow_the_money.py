"""A case as FollowTheMoney entities, for those who work in OpenAleph: one JSON object a line.

A listing is an Article with its address and words; its seller a LegalEntity, linked by UnknownLink because who stands
behind the name is not known. What a model thought and what a person decided are Notes of their own, named as such.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from evidence.item import ListingRecords

Entity = dict[str, Any]


def case_entities(reference: str, exhibits: Iterable[ListingRecords]) -> Iterator[Entity]:
    """The entities of a case, each once; values only as the rows have them."""
    told: set[str] = set()
    for records in exhibits:
        for entity in _exhibit(reference, records):
            if entity["id"] not in told:
                told.add(entity["id"])
                yield entity


def as_lines(entities: Iterable[Entity]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False, sort_keys=True) + "\n" for one in entities)


def _exhibit(reference: str, records: ListingRecords) -> Iterator[Entity]:
    listing, shown = records.listing, records.observation
    here = _id("listing", listing.id_space, listing.native_id)
    yield _entity(
        here,
        "Article",
        title=shown.title if shown else None,
        bodyText=shown.description if shown else None,
        sourceUrl=_web(listing.url),
        publisher=listing.market,
        retrievedAt=shown.observed_at.isoformat() if shown else None,
        notes=f"Exhibit of case {reference}. The words are the seller's claims.",
    )
    seller = records.sellers.get(shown.seller_id) if shown and shown.seller_id else None
    if seller is not None:
        person = _id("seller", seller.id_space, seller.native_id)
        yield _entity(
            person, "LegalEntity", name=seller.name, sourceUrl=_web(seller.url), notes="The name that a market shows."
        )
        yield _entity(
            _id("offers", here, person),
            "UnknownLink",
            subject=person,
            object=here,
            role="offered by, as the market shows",
        )
    for judged in records.assessments:
        yield _note(
            here,
            f"machine-{judged.id}",
            f"Machine opinion ({judged.model}): score {judged.score:.3f}, {judged.band}. No person has said this.",
        )
    for decision, user in records.decisions:
        text = f"Human decision by {user.name}: {decision.verdict}, {decision.next_step}."
        yield _note(here, f"human-{decision.id}", f"{text} {decision.note or ''}".strip())


def _note(about: str, key: str, text: str) -> Entity:
    return _entity(_id("note", about, key), "Note", entity=about, description=text)


def _entity(id_: str, schema: str, **properties: str | None) -> Entity:
    return {"id": id_, "schema": schema, "properties": {name: [value] for name, value in properties.items() if value}}


def _web(url: str | None) -> str | None:
    """A saved file has no address of the web, and FollowTheMoney takes no other."""
    return url if url and url.startswith(("http://", "https://")) else None


def _id(*parts: str) -> str:
    return "relicwatch-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
