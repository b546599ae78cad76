"""What the page of pictures shows: one picture or two side by side, and all that may be chosen for either side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from review.pictures import are_veiled, pictures_of
from storage.object_index import candidates_of
from storage.objects import group_of
from storage.tables import Listing, Match, Observation, RegisterEntry

ZOOMS = ("1", "2", "4")
MOST_OTHERS = 6
MOST_EACH = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """A picture that may be looked at."""

    ref: str
    """c12: a capture; r5-1: the first photograph of register entry 5."""
    address: str
    """Without the size."""
    taken_at: datetime | None
    is_screenshot: bool
    number: int
    veiled: bool

    def sized(self, size: str, *, shown: bool) -> str:
        return f"{self.address}?size={size}" + ("&shown=1" if shown and self.veiled else "")


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures of one thing: this listing, another one, a register entry."""

    kind: str
    """own, same, maybe, register."""
    listing: Listing | None
    title: str | None
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Viewer:
    groups: Sequence[Group]
    left: Choice | None
    right: Choice | None
    zoom: str

    @property
    def own(self) -> Sequence[Choice]:
        return self.groups[0].choices

    @property
    def is_veiled(self) -> bool:
        return any(one.veiled for group in self.groups for one in group.choices)

    def beside(self, chosen: Choice | None, step: int) -> Choice | None:
        """The picture after or before one, within what it is of."""
        for group in self.groups:
            refs = [one.ref for one in group.choices]
            if chosen is not None and chosen.ref in refs:
                at = refs.index(chosen.ref) + step
                return group.choices[at] if 0 <= at < len(refs) else None
        return None

    def zoomed(self, step: int) -> str | None:
        at = ZOOMS.index(self.zoom) + step
        return ZOOMS[at] if 0 <= at < len(ZOOMS) else None


def view_pictures(session: Session, listing: Listing, left: str, right: str, zoom: str) -> Viewer:
    """What the address asks for; what it asks for in vain is not shown."""
    groups = [Group("own", listing, _title(session, listing), _choices(session, listing.id, 40, screenshots=True))]
    members = [id_ for id_ in group_of(session, listing.id) if id_ != listing.id]
    near = [one.listing_id + one.other_listing_id - listing.id for one in candidates_of(session, listing.id, 5)]
    for kind, ids in (("same", members), ("maybe", near)):
        for id_ in ids[:MOST_OTHERS]:
            other = session.get(Listing, id_)
            choices = _choices(session, id_, MOST_EACH)
            if other is not None and choices:
                groups.append(Group(kind, other, _title(session, other), choices))
    entries = session.execute(
        select(RegisterEntry, Match.score)
        .join(Match, Match.register_entry_id == RegisterEntry.id)
        .where(Match.listing_id == listing.id)
        .order_by(Match.score.desc())
        .limit(MOST_OTHERS)
    )
    for entry in dict.fromkeys(row[0] for row in entries):
        count = sum("sha256" in photo for photo in entry.photos)
        choices = [
            Choice(f"r{entry.id}-{n}", f"/registers/entries/{entry.id}/photos/{n}", None, False, n, False)
            for n in range(1, count + 1)
        ]
        if choices:
            name = entry.fields.get("title") or entry.fields.get("object_type") or ""
            groups.append(Group("register", None, f"{entry.source} {entry.record_id} {name}".strip(), choices))
    known = {one.ref: one for group in groups for one in group.choices}
    first = next(iter(groups[0].choices), None)
    return Viewer(groups, known.get(left, first), known.get(right), zoom if zoom in ZOOMS else "1")


def _choices(session: Session, listing_id: int, most: int, *, screenshots: bool = False) -> list[Choice]:
    veiled = are_veiled(session, listing_id)
    return [
        Choice(
            f"c{one.id}",
            f"/captures/{one.id}/picture",
            one.taken_at,
            one.capture.kind.startswith("screenshot"),
            one.number,
            veiled,
        )
        for one in pictures_of(session, listing_id, screenshots=screenshots)[:most]
    ]


def _title(session: Session, listing: Listing) -> str | None:
    seen = session.get(Observation, listing.current_observation_id or 0)
    return seen.title if seen is not None else None
