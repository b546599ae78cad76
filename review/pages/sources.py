"""Markets with their approvals, and the schedules of saved searches: turned on and off by a person, on record."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.datastructures import FormData, UploadFile
from starlette.responses import FileResponse, Response

from crawler.errors import RelicwatchError
from markets.approval import ApprovalRefused, NotApproved, approve, revoke, standing_approval
from markets.catalog import UnknownMarket, all_markets, get_market
from markets.faults import DefinitionError
from review.desk import Administrator, Auditor, Desk, DeskOf, Form, NotThere, go_to, row_id, word
from review.pages.files import SANDBOX
from storage.tables import MarketApproval
from storage.watches import WatchError, list_watches, pause_watch, resume_watch

router = APIRouter()
MOST_COPY_BYTES = 4 * 1024 * 1024
COPIES = {"terms": "terms_sha256", "robots": "robots_sha256", "definition": "definition_sha256"}


@router.get("/administration/markets")
def markets_page(request: Request, desk: DeskOf, visitor: Auditor) -> Response:
    return _page(request, desk)


@router.post("/administration/markets/{name}/approve")
async def approve_market(request: Request, desk: DeskOf, visitor: Administrator, form: Form, name: str) -> Response:
    """Turn it on with the copies of terms and robots.txt that the form brings."""
    terms, robots = await _copy(form, "terms"), await _copy(form, "robots")
    if robots is None and word(form, "no_robots") == "1":
        robots = b""
    try:
        definition = get_market(desk.home, name)
        with desk.writing() as session:
            approve(
                session,
                desk.chain,
                desk.home,
                definition,
                actor=visitor.user.name,
                legal_basis=word(form, "legal_basis"),
                rate_permission=word(form, "rate_permission") or None,
                terms=terms,
                robots=robots,
            )
    except UnknownMarket as error:
        raise NotThere(str(error)) from error
    except (ApprovalRefused, DefinitionError) as error:
        return _page(request, desk, refused=error)
    return go_to("/administration/markets")


@router.post("/administration/markets/{name}/revoke")
def revoke_market(request: Request, desk: DeskOf, visitor: Administrator, form: Form, name: str) -> Response:
    try:
        with desk.writing() as session:
            revoke(session, desk.chain, name, actor=visitor.user.name, reason=word(form, "reason"))
    except (ApprovalRefused, NotApproved) as error:
        return _page(request, desk, refused=error)
    return go_to("/administration/markets")


@router.get("/administration/approvals/{approval_id}/{what}")
def approval_copy(desk: DeskOf, visitor: Auditor, approval_id: str, what: str) -> Response:
    """The copy that was kept with an approval, as a download."""
    with desk.reading() as session:
        approval = session.get(MarketApproval, row_id(approval_id) or 0)
    sha256 = getattr(approval, COPIES[what]) if approval is not None and what in COPIES else None
    if not sha256 or not desk.home.file_path(sha256).is_file():
        raise NotThere(f"There is no {what} of approval {approval_id} here.")
    path = desk.home.file_path(sha256)
    name = f"approval-{approval_id}-{what}.bin"
    return FileResponse(path, headers=SANDBOX, media_type="application/octet-stream", filename=name)


@router.get("/administration/watches")
def watches_page(request: Request, desk: DeskOf, visitor: Auditor) -> Response:
    with desk.reading() as session:
        watches = list_watches(session)
    return desk.page(request, "watches.html", watches=watches)


@router.post("/administration/watches")
def pause_or_resume(desk: DeskOf, visitor: Administrator, form: Form) -> Response:
    act = pause_watch if word(form, "pause") == "1" else resume_watch
    try:
        with desk.writing() as session:
            act(session, word(form, "watch"), actor=visitor.user.name, audit=desk.chain)
    except WatchError as error:
        raise NotThere(str(error)) from error
    return go_to("/administration/watches")


async def _copy(form: FormData, name: str) -> bytes | None:
    sent: Any = form.get(name)
    if not isinstance(sent, UploadFile) or not sent.filename:
        return None
    content: bytes = await sent.read(MOST_COPY_BYTES + 1)
    if len(content) > MOST_COPY_BYTES:
        raise NotThere("The copy is too long.")
    return content


def _page(request: Request, desk: Desk, *, refused: RelicwatchError | None = None) -> Response:
    catalog = all_markets(desk.home)
    with desk.reading() as session:
        approvals: dict[str, list[MarketApproval]] = {}
        for approval in session.scalars(select(MarketApproval).order_by(MarketApproval.id.desc())):
            approvals.setdefault(approval.market, []).append(approval)
        markets = [
            (definition, standing_approval(session, definition) is not None, approvals.get(name, []))
            for name, definition in catalog.markets.items()
        ]
    return desk.page(
        request,
        "markets.html",
        status=422 if refused else 200,
        markets=sorted(markets, key=lambda row: (not row[1], row[0].name)),
        broken=catalog.broken,
        refused=str(refused) if refused else "",
    )
