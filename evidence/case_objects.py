"""Which listings of a case are one object, and who said so, for the unit that goes on with the case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from evidence.item import utc
from evidence.objects_check import FORMAT
from storage.objects import objects_of, statements_about

NOTE = (
    "Listings that offer one and the same thing, as the comparison or a person of the sending unit said; by the "
    "numbers of the items here. An aid to sorting and no proof."
)


def build_objects(session: Session, numbers: Mapping[int, str]) -> dict[str, Any] | None:
    """The content of `objects.json`; None where nothing was said. `numbers`: listing -> number of its item."""
    members: dict[int, list[str]] = defaultdict(list)
    for listing, object_id in objects_of(session, numbers).items():
        members[object_id].append(numbers[listing])
    found = statements_about(session, numbers)
    gone = {one.undoes_id for one in found}
    statements = []
    for one in found:
        sides = [[numbers[id_] for id_ in one.details.get(side) or () if id_ in numbers] for side in ("one", "other")]
        if all(sides):
            statements.append(
                {
                    "id": one.id,
                    "kind": one.kind,
                    "one": sides[0],
                    "other": sides[1],
                    "undone": one.id in gone,
                    "score": one.score,
                    "why": one.why,
                    "method": one.method,
                    "by": one.said_by,
                    "at": utc(one.said_at),
                    "note": one.note,
                }
            )
    objects = sorted(sorted(some) for some in members.values() if len(some) > 1)
    if not objects and not statements:
        return None
    return {"format": FORMAT, "note": NOTE, "objects": objects, "statements": statements}
