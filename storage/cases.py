"""Cases and their exhibits: what an investigator gathers and later hands over."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.tables import Case, CaseNote, Exhibit, Export, Listing, Observation, utc_now

MAXIMUM_TITLE = 200
MAXIMUM_NOTE = 4000
TRIES = 50
"""How often a number that another process took meanwhile is drawn anew."""


class CaseError(RelicwatchError):
    """A case cannot be made or changed as asked; `key` names the reason for those who word it in other languages."""

    def __init__(self, text: str, key: str) -> None:
        super().__init__(text)
        self.key = key


def open_case(
    session: Session, chain: AuditChain, *, title: str, actor: str, note: str | None = None, demo: bool = False
) -> Case:
    """Open a case under the year's next reference (RW-2026-0001). Raises CaseError for an empty or too long title."""
    title = unicodedata.normalize("NFC", title).strip()
    if not title or len(title) > MAXIMUM_TITLE:
        raise CaseError(f"A case needs a title of 1 to {MAXIMUM_TITLE} characters.", "title")
    for _ in range(TRIES):
        case = Case(reference=_next_reference(session), title=title, note=note or None, opened_by=actor, demo=demo)
        try:
            with session.begin_nested():
                session.add(case)
        except IntegrityError:  # another process took the reference
            continue
        _record(session, chain, actor, "case opened", case, {})
        return case
    raise CaseError("No free case reference was found: try again in a moment.", "crowded")


def find_case(session: Session, reference: str) -> Case | None:
    return session.scalars(select(Case).where(Case.reference == reference)).one_or_none()


def list_cases(session: Session, *, before: int | None = None, most: int | None = None) -> list[tuple[Case, int]]:
    """Cases with their number of exhibits, newest first: every one, or at most so many from the one below `before`."""
    count = (
        select(func.count()).select_from(Exhibit).where(Exhibit.case_id == Case.id).correlate(Case).scalar_subquery()
    )
    statement = select(Case, count).order_by(Case.id.desc()).limit(most)
    if before is not None:
        statement = statement.where(Case.id < before)
    return [(case, number) for case, number in session.execute(statement)]


def open_cases(session: Session) -> list[Case]:
    return list(session.scalars(select(Case).where(Case.state == "open").order_by(Case.id.desc())))


def add_exhibit(
    session: Session, chain: AuditChain, *, case: Case, listing_id: int, observation_id: int, actor: str
) -> Exhibit:
    """Put a listing into a case as that observation shows it; a listing already there stays as it was put.

    Raises CaseError for an observation of another listing and for a case that is not open.
    """
    if case.state != "open":
        raise CaseError(f"The case {case.reference} is not open: choose another.", "not_open")
    observation = session.get(Observation, observation_id)
    if observation is None or observation.listing_id != listing_id:
        raise CaseError("The page does not belong to this listing: open the listing again.", "page_other")
    for _ in range(TRIES):
        there = session.scalars(
            select(Exhibit).where(Exhibit.case_id == case.id, Exhibit.listing_id == listing_id)
        ).one_or_none()
        if there is not None:
            return there
        exhibit = Exhibit(
            case_id=case.id,
            listing_id=listing_id,
            observation_id=observation_id,
            number=_next_number(session, case),
            added_by=actor,
        )
        try:
            with session.begin_nested():
                session.add(exhibit)
        except IntegrityError:  # another process took the number, or added the listing
            continue
        details = {"exhibit": exhibit.id, "number": exhibit.number, "observation": observation_id, "case": case.id}
        _record(session, chain, actor, "exhibit added", case, {**details, "listing": listing_id})
        chain.record(
            session,
            actor=actor,
            action="added to case",
            object_kind="listing",
            object_id=listing_id,
            details=details,
        )
        return exhibit
    raise CaseError("No free exhibit number was found: try again in a moment.", "crowded")


def exhibits_of(session: Session, case: Case) -> list[tuple[Exhibit, Listing, Observation]]:
    """The exhibits with their listings and the observations they are fixed to, by number."""
    rows = session.execute(
        select(Exhibit, Listing, Observation)
        .join(Listing, Listing.id == Exhibit.listing_id)
        .join(Observation, Observation.id == Exhibit.observation_id)
        .where(Exhibit.case_id == case.id)
        .order_by(Exhibit.number)
    )
    return [(exhibit, listing, observation) for exhibit, listing, observation in rows]


def cases_of_listing(session: Session, listing_id: int) -> list[Case]:
    return list(
        session.scalars(select(Case).join(Exhibit, Exhibit.case_id == Case.id).where(Exhibit.listing_id == listing_id))
    )


def add_case_note(session: Session, chain: AuditChain, *, case: Case, text: str, actor: str) -> CaseNote:
    """Add a dated, signed paragraph to the case; what stood there stays. Raises CaseError."""
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise CaseError("The note is empty: write something or leave the page.", "note_empty")
    if len(text) > MAXIMUM_NOTE:
        raise CaseError(f"The note has more than {MAXIMUM_NOTE} characters: shorten it.", "note_long")
    note = CaseNote(case_id=case.id, text=text, written_by=actor)
    session.add(note)
    session.flush()
    _record(session, chain, actor, "note added", case, {"note": note.id})
    return note


def notes_of(session: Session, case: Case) -> Sequence[CaseNote]:
    """In the order they were written; what was noted when the case was opened stands in `Case.note`."""
    return session.scalars(select(CaseNote).where(CaseNote.case_id == case.id).order_by(CaseNote.id)).all()


def exports_of(session: Session, case: Case) -> Sequence[Export]:
    return session.scalars(select(Export).where(Export.case_id == case.id).order_by(Export.id.desc())).all()


def _next_reference(session: Session) -> str:
    prefix = f"RW-{utc_now():%Y}-"
    numbers = [
        int(reference.removeprefix(prefix))
        for reference in session.scalars(select(Case.reference).where(Case.reference.startswith(prefix)))
        if reference.removeprefix(prefix).isdigit()
    ]
    return f"{prefix}{max(numbers, default=0) + 1:04d}"


def _next_number(session: Session, case: Case) -> int:
    highest = session.scalar(select(func.max(Exhibit.number)).where(Exhibit.case_id == case.id))
    return (highest or 0) + 1


def _record(
    session: Session, chain: AuditChain, actor: str, action: str, case: Case, details: dict[str, object]
) -> None:
    chain.record(session, actor=actor, action=action, object_kind="case", object_id=case.id, details=details)
