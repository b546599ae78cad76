"""How long what stays, what would go now, and what is held: shown to who keeps watch, changed by an administrator."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from starlette.responses import Response

from crawler.errors import RelicwatchError
from evidence.retention_plan import make_plan
from review.desk import Administrator, Auditor, Desk, DeskOf, Form, go_to, row_id, word
from storage.cases import find_case
from storage.holds import HELD_KINDS, HoldError, lift_hold, list_holds, place_hold
from storage.retention import RetentionRefused, case_schedules, list_periods, set_period
from storage.tables import Tombstone

router = APIRouter()
ADDRESS = "/administration/retention"
MOST_TOMBSTONES = 50


@router.get(ADDRESS)
def retention_page(request: Request, desk: DeskOf, visitor: Auditor) -> Response:
    return _page(request, desk)


@router.post(f"{ADDRESS}/periods")
def change_period(request: Request, desk: DeskOf, visitor: Administrator, form: Form) -> Response:
    days = word(form, "days").strip()
    try:
        if not days.isdecimal() or len(days) > 6:  # digits of any script
            raise RetentionRefused(f"{days!r} is no number of days.")
        with desk.writing() as session:
            set_period(
                session,
                desk.chain,
                kind=word(form, "kind"),
                days=int(days),
                reason=word(form, "reason"),
                actor=visitor.user.name,
                role=visitor.user.role,
            )
    except (RetentionRefused, HoldError) as error:
        return _page(request, desk, refused=error)
    return go_to(ADDRESS)


@router.post(f"{ADDRESS}/holds")
def hold(request: Request, desk: DeskOf, visitor: Administrator, form: Form) -> Response:
    """Let nothing of a listing, a case or a seller be deleted; a case is named by its reference too."""
    kind, named = word(form, "kind"), word(form, "object").strip()
    try:
        with desk.writing() as session:
            case = find_case(session, named) if kind == "case" else None
            number = case.id if case is not None else row_id(named)
            if number is None:
                raise HoldError(f"{named!r} is no number of a {kind}.")
            place_hold(
                session,
                desk.chain,
                object_kind=kind,
                object_id=number,
                reason=word(form, "reason"),
                actor=visitor.user.name,
            )
    except HoldError as error:
        return _page(request, desk, refused=error)
    return go_to(ADDRESS)


@router.post(f"{ADDRESS}/holds/{{hold_id}}/lift")
def lift(request: Request, desk: DeskOf, visitor: Administrator, form: Form, hold_id: str) -> Response:
    try:
        with desk.writing() as session:
            actor = visitor.user.name
            lift_hold(session, desk.chain, row_id(hold_id) or 0, reason=word(form, "reason"), actor=actor)
    except HoldError as error:
        return _page(request, desk, refused=error)
    return go_to(ADDRESS)


def _page(request: Request, desk: Desk, *, refused: RelicwatchError | None = None) -> Response:
    # Asked for by itself: it reads every listing there is.
    plan = make_plan(desk.database, desk.home) if request.query_params.get("plan") == "1" else None
    with desk.reading() as session:
        return desk.page(
            request,
            "retention.html",
            status=422 if refused else 200,
            refused=refused,
            plan=plan,
            periods=list(list_periods(session).values()),
            schedules=case_schedules(session),
            holds=list_holds(session),
            held_kinds=HELD_KINDS,
            deleted=session.scalar(select(func.count(Tombstone.id))),
            tombstones=session.scalars(select(Tombstone).order_by(Tombstone.id.desc()).limit(MOST_TOMBSTONES)).all(),
        )
