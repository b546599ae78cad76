"""Several hits of the queue at once: one verdict for each of them, or one person who is to look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from review.desk import Decider, Desk, DeskOf, Form, NotThere, Visitor, go_to, row_id, word
from storage.assignments import AssignmentRefused, assign
from storage.decisions import DecisionError, StaleDecision, decide, undo_decision
from storage.queue import PAGE_SIZE
from storage.queue_filters import filters_query, read_filters
from storage.tables import Decision, Listing, Observation

router = APIRouter()
MINE, NOBODY = "me", "-"
QUEUE = "queue"
"""The place a form names that was sent from a card of the queue."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A card as it was on the screen when it was chosen."""

    listing_id: int
    observation_id: int
    assessment_id: int | None
    decision_id: int | None

    @classmethod
    def read(cls, text: str) -> Chosen:
        """Raises NotThere for what no card sends."""
        numbers = [row_id(part) for part in text.split(".")]
        if len(numbers) != 4 or numbers[0] is None or numbers[1] is None:
            raise NotThere(f"{text!r} is no hit of the queue.")
        return cls(numbers[0], numbers[1], numbers[2], numbers[3])


@dataclass(frozen=True, slots=True)
class Told:
    """A listing of the group, with what became of it."""

    listing_id: int
    title: str | None
    decision: Decision | None
    """The one kept; for a conflict the one that stands."""


@router.post("/queue/decisions")
def decide_on_group(request: Request, desk: DeskOf, visitor: Decider, form: Form) -> Response:
    """Each listing is decided on by itself: what somebody else decided meanwhile is named, and the rest is kept."""
    chosen = _chosen(form)
    kept: list[Told] = []
    conflicts: list[Told] = []
    refused: str | None = None
    for one in chosen:
        try:
            with desk.writing() as session:
                decision = _decide(session, desk, visitor, one, form)
                kept.append(_told(session, one.listing_id, decision))
        except StaleDecision as stale:
            with desk.reading() as session:
                newer = session.get(Decision, stale.newer_id) if stale.newer_id else None
                conflicts.append(_told(session, one.listing_id, newer))
        except DecisionError as error:  # the same for all: a dismissal without its reason
            refused = f"decision_error_{error.key}"
            break
    return _page(request, desk, form, kept=kept, conflicts=conflicts, refused=refused, chosen=len(chosen))


@router.post("/queue/undo")
def undo_group(request: Request, desk: DeskOf, visitor: Decider, form: Form) -> Response:
    undone: list[Told] = []
    conflicts: list[Told] = []
    refused: str | None = None
    for number in _numbers(form, "decision"):
        try:
            with desk.writing() as session:
                decision = undo_decision(session, desk.chain, user=visitor.user, decision_id=number)
                undone.append(_told(session, decision.listing_id, None))
        except StaleDecision as stale:
            with desk.reading() as session:
                mine = session.get_one(Decision, number)
                newer = session.get(Decision, stale.newer_id) if stale.newer_id else None
                conflicts.append(_told(session, mine.listing_id, newer))
        except DecisionError as error:
            refused = f"decision_error_{error.key}"
    return _page(request, desk, form, undone=undone, conflicts=conflicts, refused=refused)


@router.post("/queue/assignment")
def assign_group(request: Request, desk: DeskOf, visitor: Decider, form: Form) -> Response:
    """Back to the queue, where each card names who is to look at it."""
    user_id = chosen_assignee(form, visitor)
    try:
        with desk.writing() as session:
            listings = [one.listing_id for one in _chosen(form)]
            assign(session, desk.chain, listings, user_id=user_id, actor=visitor.user.name)
    except AssignmentRefused:
        return _page(request, desk, form, refused="group_nobody_to_give")
    return go_to(queue_address(form, card=next(iter(listings), None)))


def _chosen(form: FormData) -> list[Chosen]:
    sent = [text for text in form.getlist("chosen") if isinstance(text, str)][:PAGE_SIZE]
    return list({one.listing_id: one for one in map(Chosen.read, sent)}.values())


def _numbers(form: FormData, name: str) -> list[int]:
    sent = [text for text in form.getlist(name) if isinstance(text, str)][:PAGE_SIZE]
    return [number for number in map(row_id, sent) if number is not None]


def _decide(session: Session, desk: Desk, visitor: Visitor, one: Chosen, form: FormData) -> Decision:
    return decide(
        session,
        desk.chain,
        user=visitor.user,
        listing_id=one.listing_id,
        observation_id=one.observation_id,
        assessment_id=one.assessment_id,
        verdict=word(form, "verdict"),
        next_step=word(form, "next_step"),
        reason=word(form, "reason") or None,
        note=word(form, "note") or None,
        request_key=f"{word(form, 'request_key')}:{one.listing_id}",
        expected_decision_id=one.decision_id,
    )


def _told(session: Session, listing_id: int, decision: Decision | None) -> Told:
    listing = session.get(Listing, listing_id)
    seen = listing.current_observation_id if listing is not None else None
    observation = session.get(Observation, seen) if seen is not None else None
    return Told(listing_id, observation.title if observation is not None else None, decision)


def chosen_assignee(form: FormData, visitor: Visitor) -> int | None:
    """Whom the form gives something to; None: nobody."""
    whose = word(form, "assignee")
    return visitor.user.id if whose == MINE else row_id(whose) if whose.isdigit() else None


def queue_address(form: FormData, more: str = "", *, card: int | None = None) -> str:
    """The page of the queue from which the form came, at the card of this listing."""
    query = filters_query(read_filters(word(form, "filters"))[0])
    page = word(form, "page")
    numbered = f"page={page}" if page.isascii() and page.isdigit() and len(page) < 7 and page != "1" else ""
    parts = "&".join(part for part in (query, numbered, more) if part)
    return f"/?{parts}" + (f"#hit-{card}" if card is not None else "")


def _page(
    request: Request,
    desk: Desk,
    form: FormData,
    *,
    kept: Sequence[Told] = (),
    undone: Sequence[Told] = (),
    conflicts: Sequence[Told] = (),
    refused: str | None = None,
    chosen: int | None = None,
) -> Response:
    status = 422 if refused is not None or chosen == 0 else 409 if conflicts and not kept and not undone else 200
    return desk.page(
        request,
        "queue_group.html",
        status=status,
        kept=kept,
        undone=undone,
        conflicts=conflicts,
        refused=refused,
        none_chosen=chosen == 0,
        back=queue_address(form),
        filters=word(form, "filters"),
        number=word(form, "page"),
    )
