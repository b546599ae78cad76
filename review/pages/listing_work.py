"""Work on a listing beside its decision: Object ID, captures, which listings are one object, register candidates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from crawler.errors import RelicwatchError
from evidence.store import EvidenceStore
from review.desk import Decider, Desk, DeskOf, Form, NotThere, Reader, Visitor, go_to, row_id, word
from review.masking import NoReason, is_lifted, lift_mask, shows_contacts
from review.pages.queue_group import chosen_assignee
from review.picture_choice import view_pictures
from storage.assignments import AssignmentRefused, assign
from storage.imports import NotFetchable, check_fetchable
from storage.jobs import insert_job
from storage.listing_notes import NoteRefused, add_listing_note
from storage.object_id import ObjectIdError, examination_source, photo_source, state_field, text_source
from storage.objects import ObjectError, keep_apart, merge, split, undo
from storage.queue_filters import filters_query, read_filters
from storage.registers import VERDICTS, RegisterError, say_verdict
from storage.tables import Listing, Match

router = APIRouter()
CAPTURE_REASON = "a person's request"
MOST_NOTE = 2000


@router.get("/listings/{listing_id}/pictures")
def pictures_page(request: Request, desk: DeskOf, visitor: Reader, listing_id: str) -> Response:
    asked = request.query_params
    shown = asked.get("shown") == "1"
    with desk.writing() as session:
        listing = _listing(session, listing_id)
        viewer = view_pictures(session, listing, asked.get("left", ""), asked.get("right", ""), asked.get("zoom", "1"))
        desk.chain.record(
            session,
            actor=visitor.user.name,
            action="pictures viewed",
            object_kind="listing",
            object_id=listing.id,
            details={
                "left": viewer.left.ref if viewer.left else None,
                "right": viewer.right.ref if viewer.right else None,
                "unveiled": shown and viewer.is_veiled,
            },
        )
        event = asked.get("contacts", "")
        number = row_id(event) if event.isdigit() else None
        lifted = is_lifted(session, number, listing_id=listing.id, actor=visitor.user.name)
        veiled = not lifted and any(one.is_screenshot for group in viewer.groups for one in group.choices)
        veiled = veiled and shows_contacts(session, EvidenceStore(desk.home), listing.id)
    return desk.page(
        request,
        "pictures.html",
        listing=listing,
        viewer=viewer,
        shown=shown,
        contacts=event if lifted else "",
        screenshots_veiled=veiled,
    )


@router.post("/listings/{listing_id}/object-id")
def describe(request: Request, desk: DeskOf, visitor: Decider, form: Form, listing_id: str) -> Response:
    taken_back = word(form, "take_back") == "1"

    def act(session: Session, listing: Listing) -> None:
        state_field(
            session,
            desk.chain,
            listing.id,
            field=word(form, "field"),
            value=None if taken_back else word(form, "value"),
            source=_source(session, listing.id, form),
            actor=visitor.user.name,
        )

    return _acted(desk, request, form, listing_id, act, "object-id", written=("value", "words", "note"))


@router.post("/listings/{listing_id}/capture")
def capture_now(request: Request, desk: DeskOf, visitor: Decider, form: Form, listing_id: str) -> Response:
    """Queue the job that the command `capture` runs; asked twice with one form, it is queued once."""

    def act(session: Session, listing: Listing) -> None:
        check_fetchable(session, listing.id)
        arguments = {"listing_id": listing.id, "reason": CAPTURE_REASON, "actor": visitor.user.name}
        job = insert_job(session, "capture", arguments, f"capture:request:{word(form, 'request_key')[:80]}")
        if job is not None:
            _told(session, desk, visitor, listing, "capture asked", {"job": job.id})

    return _acted(desk, request, form, listing_id, act, "captures")


@router.post("/listings/{listing_id}/assignment")
def give(request: Request, desk: DeskOf, visitor: Decider, form: Form, listing_id: str) -> Response:
    """Say who is to look at this listing."""
    try:
        with desk.writing() as session:
            number = _listing(session, listing_id).id
            assign(session, desk.chain, [number], user_id=chosen_assignee(form, visitor), actor=visitor.user.name)
    except AssignmentRefused:
        return desk.problem(request, 422, "group_nobody_to_give")
    query = filters_query(read_filters(word(form, "filters"))[0])
    return go_to(f"/listings/{number}{'?' + query if query else ''}#assignment")


@router.post("/listings/{listing_id}/notes")
def write_note(request: Request, desk: DeskOf, visitor: Decider, form: Form, listing_id: str) -> Response:
    """Keep a note beside the decisions; it decides nothing."""
    text = word(form, "note")
    try:
        with desk.writing() as session:
            number = _listing(session, listing_id).id
            add_listing_note(session, desk.chain, listing_id=number, text=text, actor=visitor.user.name)
    except NoteRefused as error:
        said = desk.words(request)(f"case_error_{error.key}")
        return desk.problem(request, 422, "api_note", written=[text], said=said)
    return go_to(f"/listings/{number}#notes")


@router.post("/listings/{listing_id}/same")
def say_same(request: Request, desk: DeskOf, visitor: Decider, form: Form, listing_id: str) -> Response:
    """Whether this listing and another are one object; every word of a person has its reason."""

    def act(session: Session, listing: Listing) -> None:
        note, what = word(form, "note").strip()[:MOST_NOTE], word(form, "act")
        if not note:
            raise ObjectError("Say why.")
        said: dict[str, Any] = {"actor": visitor.user.name, "note": note}
        if what == "undo":
            undo(session, desk.chain, row_id(word(form, "statement")) or 0, **said)
            return
        other = row_id(word(form, "other")) or 0
        if what == "same":
            merge(session, desk.chain, listing.id, other, **said)
        elif what == "split":
            split(session, desk.chain, [other], **said)
        elif what == "leave":
            split(session, desk.chain, [listing.id], **said)
        elif what == "apart":
            keep_apart(session, desk.chain, listing.id, other, **said)
        else:
            raise ObjectError(f"{what!r} is nothing that can be said of two listings.")

    return _acted(desk, request, form, listing_id, act, "same-object", written=("note",))


@router.post("/listings/{listing_id}/matches/{match_id}")
def judge_match(
    request: Request, desk: DeskOf, visitor: Decider, form: Form, listing_id: str, match_id: str
) -> Response:
    """A person's word on a register candidate of this listing."""

    def act(session: Session, listing: Listing) -> None:
        match = session.get(Match, row_id(match_id) or 0)
        if match is None or match.listing_id != listing.id:
            raise NotThere(f"Listing {listing.id} has no candidate {match_id}.")
        verdict, note = word(form, "verdict"), word(form, "note").strip()[:MOST_NOTE]
        if verdict not in VERDICTS or not note:
            raise RegisterError("Choose a verdict and say why.")
        say_verdict(session, desk.chain, match.id, verdict=verdict, actor=visitor.user.name, note=note)

    return _acted(desk, request, form, listing_id, act, "registers", written=("note",))


@router.post("/listings/{listing_id}/contacts")
def show_contacts(request: Request, desk: DeskOf, visitor: Decider, form: Form, listing_id: str) -> Response:
    """Lift the mask over contacts of this listing for this person, for a while; case and reason are kept. # SEC-36"""
    reason, case = word(form, "reason"), word(form, "case") or None
    try:
        with desk.writing() as session:
            listing = _listing(session, listing_id)
            event = lift_mask(
                session, desk.chain, listing_id=listing.id, actor=visitor.user.name, reason=reason, case=case
            )
            address = f"/listings/{listing.id}?contacts={event.id}#description"
    except NoReason:
        return desk.problem(request, 422, "problem_contacts")
    return go_to(address)


def _source(session: Session, listing_id: int, form: FormData) -> dict[str, Any]:
    kind = word(form, "source")
    if kind == "text":
        return text_source(
            session, listing_id, word(form, "words"), observation_id=row_id(word(form, "observation")) or None
        )
    if kind == "photo":
        return photo_source(session, listing_id, row_id(word(form, "capture")) or 0)
    return examination_source(word(form, "note"))


def _acted(
    desk: Desk,
    request: Request,
    form: FormData,
    listing_id: str,
    act: Callable[[Session, Listing], None],
    section: str,
    *,
    written: tuple[str, ...] = (),
) -> Response:
    """Do it in one transaction and go back to the section; what is refused is said in the reader's language."""
    try:
        with desk.writing() as session:
            listing = _listing(session, listing_id)
            number = listing.id
            act(session, listing)
    except (ObjectIdError, ObjectError, RegisterError, NotFetchable) as error:
        words = [text for name in written if (text := word(form, name).strip())]
        return desk.problem(request, 422, _problem_key(error), written=words, said=_said(desk, request, error))
    return go_to(f"/listings/{number}#{section}")


def _problem_key(error: RelicwatchError) -> str:
    if isinstance(error, ObjectIdError):
        return "problem_object_id"
    if isinstance(error, NotFetchable):
        return "problem_capture"
    return "problem_match" if isinstance(error, RegisterError) else "problem_same_object"


def _said(desk: Desk, request: Request, error: RelicwatchError) -> str:
    return desk.words(request)(f"object_id_error_{error.key}") if isinstance(error, ObjectIdError) else ""


def _listing(session: Session, listing_id: str) -> Listing:
    listing = session.get(Listing, row_id(listing_id) or 0)
    if listing is None or listing.current_observation_id is None:
        raise NotThere(f"There is no listing {listing_id}.")
    return listing


def _told(
    session: Session, desk: Desk, visitor: Visitor, listing: Listing, action: str, details: dict[str, Any]
) -> None:
    desk.chain.record(
        session,
        actor=visitor.user.name,
        action=action,
        object_kind="listing",
        object_id=listing.id,
        details=details,
    )
