"""What a listing's page shows beside facts and decision: pictures, Object ID, prices, coverage, register candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crawler.blackening import black_text
from evidence.store import EvidenceStore
from review.coverage import Coverage, view_coverage
from review.glosses import Term, terms_of
from review.listing_view import ListingView
from review.masking import SCREENSHOTS, shows_contacts
from review.object_id_view import Sheet, view_sheet
from review.pictures import Picture, are_veiled, pictures_of
from review.price_history import PriceHistory, price_history
from review.register_view import RegisterMatch, register_matches
from review.word_diff import Piece, word_diff

DIFFED = ("title", "description")
"""Texts whose change is shown word by word."""
MOST_DIFFS = 20
"""Of the newest observations; older changes are shown whole."""


@dataclass(frozen=True, slots=True)
class Sections:
    pictures: Sequence[Picture]
    elsewhere: Mapping[int, Picture]
    """Listing -> its first picture, of those that are or may be the same object."""
    veiled: bool
    """Whether the pictures are shown only to who asks, because the text offers human remains."""
    is_unveiled: bool
    sheet: Sheet
    terms: Sequence[Term]
    prices: PriceHistory
    diffs: Mapping[tuple[int, str], Sequence[Piece]]
    """(observation, field) -> what changed against the one before."""
    coverage: Coverage
    matches: Sequence[RegisterMatch]
    contacts_event: str
    """The event that lifted the mask over contacts for this reader, "" where none did."""
    screenshots_veiled: bool
    has_contacts: bool
    """Whether something is blacked out of the text shown."""

    @property
    def contacts_shown(self) -> bool:
        return bool(self.contacts_event)

    @property
    def contacts_query(self) -> str:
        """What the address of a screenshot needs to show it."""
        return f"&contacts={self.contacts_event}" if self.contacts_event else ""

    @property
    def shown_query(self) -> str:
        """What the address of a picture needs to show it."""
        return "&shown=1" if self.is_unveiled else ""


def view_sections(
    session: Session,
    store: EvidenceStore,
    view: ListingView,
    language: str,
    *,
    unveiled: bool = False,
    contacts_event: str = "",
) -> Sections:
    """Read in the transaction in which the view was read."""
    listing, seen = view.listing, view.observation
    veiled = are_veiled(session, listing.id)
    others = [one.offer.listing.id for one in (*view.object.others, *view.object.maybe)]
    firsts = {id_: next(iter(pictures_of(session, id_)), None) for id_ in others}
    answers = view.assessment.answers if view.assessment is not None and view.assessed_now else None
    history = [one.observation for one in reversed(view.history)]
    return Sections(
        pictures=pictures_of(session, listing.id),
        elsewhere={id_: first for id_, first in firsts.items() if first is not None},
        veiled=veiled,
        is_unveiled=veiled and unveiled,
        sheet=view_sheet(session, listing),
        terms=terms_of(answers, language),
        prices=price_history(listing, history, right_to_left=language == "ar"),
        diffs=_diffs(view, bool(contacts_event)),
        coverage=view_coverage(session, listing, seen),
        matches=register_matches(session, listing.id, language),
        contacts_event=contacts_event,
        screenshots_veiled=not contacts_event
        and any(one.kind in SCREENSHOTS for one in view.captures)
        and shows_contacts(session, store, listing.id),
        has_contacts=any(text and black_text(text, None) != text for text in (seen.title, seen.description)),
    )


def _diffs(view: ListingView, contacts_shown: bool) -> dict[tuple[int, str], Sequence[Piece]]:
    def fit(text: Any) -> str:
        return str(text or "") if contacts_shown else black_text(str(text or ""), None)

    return {
        (seen.observation.id, change.field): word_diff(fit(change.before), fit(change.after))
        for seen in view.history[:MOST_DIFFS]
        for change in seen.changes
        if change.field in DIFFED
    }
