"""Stored listings: searched, and one whole with all its versions and the receipts of its captures."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Header, Query, Request
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from crawler.blackening import black_text
from review.answers_view import view_answers
from review.api.access import ApiDesk, Caller, Reading, require
from review.api.fields import Asked, Line, Page, PageAsked, RowId, Shown, from_cursor, page_of
from review.api.problems import Refusal
from review.desk import NotThere
from review.listing_view import view_listing
from review.masking import NoReason, lift_mask
from review.pages.files import image_answer
from review.searches import record_search
from storage.search import listing_record, search_listings
from storage.stamps import leaf_of
from storage.tables import Capture, User, utc_now

router = APIRouter(tags=["listings"])


WhyContacts = Annotated[
    str | None,
    Header(
        max_length=2000,
        description="Telephone numbers and addresses in title and description are blocked out, unless this says why "
        "they are needed (5 to 500 characters, UTF-8, percent-encoded); that takes the scope decide, and stands in the "
        "audit log.",
    ),
]


class ListingFound(Shown):
    """A listing in a list. Telephone numbers and addresses in the title are blocked out."""

    id: int
    market: str
    native_id: str
    state: str
    band: str | None = Field(description="strong, medium or weak; null before it was assessed.")
    score: float | None
    title: str | None
    price: str | None
    url: str


class Observation(Shown):
    """What a crawl saw, kept only when something changed."""

    id: int
    crawl_id: int | None = None
    capture_id: int | None = None
    observed_at: datetime
    digest: str
    title: str | None = None
    description: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    estimate_low: Decimal | None = None
    estimate_high: Decimal | None = None
    starting_bid: Decimal | None = None
    current_bid: Decimal | None = None
    bids: int | None = None
    size: str | None = None
    dimensions: list[dict[str, Any]] | None = None
    weight_grams: Decimal | None = None
    seller_id: int | None = None
    seller_name: str | None = None
    location: str | None = None
    lot_number: str | None = None
    ends_at: datetime | None = None
    availability: str | None = None
    state: str
    images: list[str] = Field(default_factory=list)
    sources: dict[str, Any] = Field(default_factory=dict)
    problems: list[Any] = Field(default_factory=list)
    personal_erased_at: datetime | None = None


class Assessment(Shown):
    """What one version of the model thought of one observation. A score is not a verdict."""

    id: int
    observation_id: int
    model: str
    score: float
    flagged: bool
    band: str
    language: str | None = None
    labels: list[str]
    reasons: list[dict[str, Any]] = Field(description="Strongest first; start and end count in title or description.")
    answers: dict[str, Any] | None = None
    priority: str | None = None
    must_be_seen: bool = False
    assessed_at: datetime


class Decision(Shown):
    """What a person decided, with what was on the screen."""

    id: int
    listing_id: int
    observation_id: int
    assessment_id: int | None = None
    decided_by: str
    decided_at: datetime
    verdict: str
    next_step: str
    reason: str | None = None
    note: str | None = None
    supersedes_id: int | None = None


class Stamp(Shown):
    """What an authority's clock says of it."""

    authority: str
    state: str
    gen_time: datetime | None


class Receipt(Shown):
    """One capture: what was fetched, when, its SHA-256, where its bytes lie, and who stamped it."""

    id: int
    kind: str
    url: str
    method: str
    status: int | None = None
    captured_at: datetime
    media_type: str | None = None
    server_ip: str | None = None
    sha256: str
    payload_bytes: int
    segment_id: int | None = None
    offset: int | None = None
    length: int | None = None
    record_id: str | None = None
    truncated: str | None = None
    decoded_by_browser: bool = False
    state: str
    note: str | None = None
    stamps: list[Stamp] = Field(default_factory=list)


class AnswerLine(Shown):
    id: str
    name: str
    sentence: str
    weight: float | None
    quotes: list[dict[str, Any]]
    remarks: list[str]


class AnswerSection(Shown):
    """One answer in the caller's language."""

    id: str
    name: str
    sentence: str
    lines: list[AnswerLine]


class ListingWhole(Shown):
    """All that is kept of a listing, oldest first within each part."""

    id: int
    market: str
    id_space: str
    native_id: str
    url: str
    state: str
    state_proof: str | None = None
    first_seen_at: datetime
    last_seen_at: datetime
    current_observation_id: int
    current_assessment_id: int | None = None
    current_decision_id: int | None = Field(None, description="`expected_decision_id` of a decision made on this.")
    changed_after_decision: bool
    demo: bool
    assignee: str | None = Field(description="Who is to look at it.")
    object_id: int | None = Field(description="The object that other listings offer too.")
    cases: list[str] = Field(description="References of the cases that hold it.")
    answers: list[AnswerSection] = Field(description="Of the newest assessment, in the language of Accept-Language.")
    alarms: list[AnswerLine] = Field(description="Open signs of danger to a person.")
    observations: list[Observation]
    assessments: list[Assessment]
    decisions: list[Decision]
    captures: list[Receipt]


class ListingsAsked(PageAsked):
    text: Line = Field("", description="Words that all stand in the listing, in any spelling.")
    market: Line = ""
    flagged: bool = Field(False, description="Only what the model in use flags.")


class PictureAsked(Asked):
    shown: bool = Field(False, description="Human remains are veiled unless this is true.")


@router.get("/listings")
def search(desk: ApiDesk, caller: Reading, asked: Annotated[ListingsAsked, Query()]) -> Page[ListingFound]:
    """Search the stored listings, newest first."""
    caller.spend(2)
    (before,) = from_cursor(asked.cursor, int) or (None,)
    rows = search_listings(
        desk.database,
        asked.text.split(),
        market=asked.market or None,
        flagged_only=asked.flagged,
        limit=asked.limit + 1,
        before=before,
        newest_first=True,
    )
    if asked.text:
        record_search(desk, caller.user, asked.text, found=len(rows), chain=caller.chain, where="listings")
    page = page_of(rows, asked.limit, lambda row: (row["id"],))
    shown = [{**row, "native_id": row["native id"], "title": masked(row["title"])} for row in page["items"]]
    return Page[ListingFound].model_validate({**page, "items": shown})


@router.get("/listings/{listing_id}")
def listing(
    request: Request, desk: ApiDesk, caller: Reading, listing_id: RowId, relicwatch_reason: WhyContacts = None
) -> ListingWhole:
    """One listing whole. The view is noted in the audit log, as in the desk; and why contacts were asked for."""
    if relicwatch_reason is not None:
        require(request, desk, caller, ["decide"])
    with desk.writing() as session:
        view = view_listing(session, listing_id)
        if view is None:
            raise NotThere(f"There is no listing {listing_id}.")
        if relicwatch_reason is not None:
            _lift(session, caller, listing_id, unquote(relicwatch_reason))
        answers = view_answers(session, desk.home, view, caller.words.language, utc_now())
        caller.chain.record(
            session,
            actor=caller.user.name,
            action="viewed",
            object_kind="listing",
            object_id=listing_id,
            details={"observation": view.observation.id},
        )
        names = {user.id: user.name for _, user in view.decisions}
    record = listing_record(desk.database, listing_id)
    if relicwatch_reason is None:
        for row in record["observations"]:
            row |= {name: masked(row[name]) for name in ("title", "description") if name in row}
    record["decisions"] = [{**row, "decided_by": names.get(row["user_id"], "")} for row in record["decisions"]]
    with desk.database.reading() as session:
        record["captures"] = [{**row, "stamps": stamps_of(session, row["sha256"])} for row in record["captures"]]
    return ListingWhole.model_validate(
        {
            **record,
            "assignee": view.assignee.name if view.assignee is not None else None,
            "object_id": view.object.object_id,
            "cases": [case.reference for case in view.cases],
            "answers": answers.sections,
            "alarms": answers.alarms,
        }
    )


@router.get("/captures/{capture_id}/image", response_class=Response, responses={200: {"content": {"image/*": {}}}})
def picture(
    request: Request,
    desk: ApiDesk,
    caller: Reading,
    capture_id: RowId,
    asked: Annotated[PictureAsked, Query()],
    relicwatch_reason: WhyContacts = None,
) -> Response:
    """The picture of a capture: a thumbnail, a screenshot. What is no picture comes as a file. A screenshot of a page
    with contacts is veiled unless `Relicwatch-Reason` says why they are needed.
    """
    event = ""
    if relicwatch_reason is not None:
        require(request, desk, caller, ["decide"])
        with desk.writing() as session:
            capture = session.get(Capture, capture_id)
            if capture is None or capture.listing_id is None:
                raise NotThere(f"There is no picture of capture {capture_id}.")
            event = str(_lift(session, caller, capture.listing_id, unquote(relicwatch_reason)))
    return image_answer(desk, capture_id, shown=asked.shown, actor=caller.user.name, contacts=event)


def masked(text: str | None) -> str | None:
    """The text with what tells how to reach somebody as blocks, and of the same length: reasons still point right."""
    return black_text(text, None) if text else text


def _lift(session: Session, caller: Caller, listing_id: int, reason: str) -> int:
    """The number of the event that lets the caller see them."""
    actor = caller.user.name
    try:
        event = lift_mask(session, caller.chain, listing_id=listing_id, actor=actor, reason=reason, case=None)
        return event.id
    except NoReason as error:
        raise Refusal(422, "reason") from error


def decided_by(session: Session, user_id: int) -> str:
    return session.get_one(User, user_id).name


def stamps_of(session: Session, sha256: str) -> list[Any]:
    """What authorities said of a capture's bytes; empty while it waits for the next tree."""
    leaf = leaf_of(session, sha256)
    return list(leaf.stamps) if leaf is not None else []
