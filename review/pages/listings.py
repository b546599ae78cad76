"""One listing, and the decision about it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from evidence.store import EvidenceStore
from matching.register_files import STATUSES
from review.answers_view import AnswersView, view_answers
from review.crawl_view import fault_sentences
from review.desk import Decider, Desk, DeskOf, Form, NotThere, Reader, Visitor, go_to, row_id, word
from review.listing_sections import Sections, view_sections
from review.listing_view import KeptDecision, ListingView, kept_decision, view_listing
from review.masking import is_lifted
from review.pages.queue import filters_from
from review.pages.queue_group import QUEUE, queue_address
from storage.alerts import mark_listing_read
from storage.captures import MADE_SMALL, REPORTED, TAKEN_OUT
from storage.decisions import DecisionError, StaleDecision, decide, undo_decision
from storage.queue import Queue
from storage.queue_filters import Filters, filters_query
from storage.tables import Decision, utc_now

router = APIRouter()

KNOWN_NOTES = {MADE_SMALL: "note_made_small", TAKEN_OUT: "note_taken_out", REPORTED: "note_report"}
"""Notes of captures that the desk has words for."""

NOTHING_SENT = {"verdict": "", "next_step": "", "reason": "", "note": ""}


@router.get("/listings/{listing_id}")
def listing_page(request: Request, desk: DeskOf, visitor: Reader, listing_id: str) -> Response:
    filters = filters_from(request.query_params)
    unveiled = request.query_params.get("shown") == "1"
    with desk.reading() as session:
        view = _view(session, listing_id)
        answers = _answers(request, session, desk, view)
        event = request.query_params.get("contacts", "")
        lifted = is_lifted(
            session,
            int(event) if event.isascii() and event.isdigit() and len(event) < 18 else None,
            listing_id=view.listing.id,
            actor=visitor.user.name,
        )
        sections = view_sections(
            session,
            EvidenceStore(desk.home),
            view,
            desk.words(request).language,
            unveiled=unveiled,
            contacts_event=event if lifted else "",
        )
        before, after = Queue(session, filters).neighbours(view.listing.id)
        kept = kept_decision(session, request.query_params.get("decided", ""), visitor.user)
    with desk.writing() as session:  # only now: whoever writes keeps others waiting
        mark_listing_read(session, visitor.user, view.listing.id)
        desk.chain.record(
            session,
            actor=visitor.user.name,
            action="viewed",
            object_kind="listing",
            object_id=view.listing.id,
            details={"observation": view.observation.id, **({"unveiled": True} if sections.is_unveiled else {})},
        )
    return _page(request, desk, view, answers, sections, filters, before=before, after=after, kept=kept)


@router.post("/listings/{listing_id}/decision")
def decide_about(request: Request, desk: DeskOf, visitor: Decider, form: Form, listing_id: str) -> Response:
    number = row_id(listing_id) or 0
    filters = filters_from(word(form, "filters"))
    try:
        with desk.writing() as session:
            # Asked before deciding, while the listing still has its place in the queue.
            _, after = Queue(session, filters).neighbours(number)
            decision = _decide(session, desk, visitor, number, form)
    except StaleDecision as stale:
        return _sent_again(request, desk, number, form, filters, status=409, newer=stale.newer_id is not None)
    except DecisionError as error:
        return _sent_again(request, desk, number, form, filters, status=422, refused=str(error))
    follows = None if after == number else after
    decided = f"decided={decision.id}"
    if word(form, "place") == QUEUE:
        return go_to(queue_address(form, decided, card=follows))
    page = "/" if follows is None else f"/listings/{follows}"
    return go_to(f"{page}?{'&'.join(part for part in (filters_query(filters), decided) if part)}")


@router.post("/listings/{listing_id}/undo")
def take_back(request: Request, desk: DeskOf, visitor: Decider, form: Form, listing_id: str) -> Response:
    """Take one's own decision back, and go to where the listing is decided on anew."""
    number = row_id(listing_id) or 0
    try:
        with desk.writing() as session:
            decision = session.get(Decision, row_id(word(form, "decision")) or 0)
            if decision is None or decision.listing_id != number:
                raise NotThere(f"Listing {listing_id} has no such decision.")
            undo_decision(session, desk.chain, user=visitor.user, decision_id=decision.id)
    except StaleDecision:
        return desk.problem(request, 409, "undo_too_late")
    except DecisionError as error:
        return desk.problem(request, 422, f"decision_error_{error.key}")
    if word(form, "place") == QUEUE:
        return go_to(queue_address(form, card=number))
    query = filters_query(filters_from(word(form, "filters")))
    return go_to(f"/listings/{number}{'?' + query if query else ''}")


def _decide(session: Session, desk: Desk, visitor: Visitor, listing_id: int, form: FormData) -> Decision:
    return decide(
        session,
        desk.chain,
        user=visitor.user,
        listing_id=listing_id,
        observation_id=row_id(word(form, "observation")) or 0,
        assessment_id=row_id(word(form, "assessment")),
        verdict=word(form, "verdict"),
        next_step=word(form, "next_step"),
        reason=word(form, "reason") or None,
        note=word(form, "note") or None,
        request_key=word(form, "request_key"),
        expected_decision_id=row_id(word(form, "expected_decision")),
    )


def _view(session: Session, listing_id: str | int) -> ListingView:
    view = view_listing(session, row_id(str(listing_id)) or 0)
    if view is None:
        raise NotThere(f"There is no listing {listing_id}.")
    return view


def _answers(request: Request, session: Session, desk: Desk, view: ListingView) -> AnswersView:
    return view_answers(session, desk.home, view, desk.words(request).language, utc_now())


def _sent_again(
    request: Request,
    desk: Desk,
    listing_id: int,
    form: FormData,
    filters: Filters,
    *,
    status: int,
    newer: bool = False,
    refused: str | None = None,
) -> Response:
    """The listing's page with what was sent filled in, to be looked at and sent anew."""
    with desk.reading() as session:
        view = _view(session, listing_id)
        answers = _answers(request, session, desk, view)
        sections = view_sections(session, EvidenceStore(desk.home), view, desk.words(request).language)
        before, after = Queue(session, filters).neighbours(view.listing.id)
    sent = {name: word(form, name) for name in NOTHING_SENT}
    return _page(
        request,
        desk,
        view,
        answers,
        sections,
        filters,
        before=before,
        after=after,
        status=status,
        sent=sent,
        newer=newer,
        refused=refused,
    )


def _page(
    request: Request,
    desk: Desk,
    view: ListingView,
    answers: AnswersView,
    sections: Sections,
    filters: Filters,
    *,
    before: int | None,
    after: int | None,
    status: int = 200,
    sent: dict[str, str] | None = None,
    kept: KeptDecision | None = None,
    newer: bool = False,
    refused: str | None = None,
) -> Response:
    return desk.page(
        request,
        "listing.html",
        status=status,
        view=view,
        answers=answers,
        s=sections,
        before=before,
        after=after,
        query=filters_query(filters),
        sent=sent or NOTHING_SENT,
        newer=newer,
        refused=refused,
        kept=kept,
        known_notes=KNOWN_NOTES,
        fault_sentences=fault_sentences,
        register_statuses=STATUSES,
    )
