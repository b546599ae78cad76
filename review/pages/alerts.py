"""Alerts to new hits with their read marks, and where else than on the desk a person is told of them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from crawler.egress import Guard
from crawler.home import loopback_allowed
from review.desk import CaseKeeper, Desk, DeskOf, Form, NotThere, Reader, Visitor, go_to, page_number, row_id, word
from storage.alerts import PAGE_SIZE, count_alerts, deliveries_of, list_alerts, mark_read
from storage.deliveries import WAYS, new_delivery, recent_deliveries, send_again
from storage.notice_settings import (
    SettingsRefused,
    confirm_email,
    mail_is_set,
    set_email,
    set_webhook,
    settings_of,
    webhook_secret,
)
from storage.rhythms import RHYTHMS
from storage.tables import Delivery, User, utc_now

router = APIRouter()


@router.get("/alerts")
def alerts_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    return _page(request, desk, visitor)


@router.post("/alerts/read")
def mark(desk: DeskOf, visitor: Reader, form: Form) -> Response:
    """One alert, or all of them where none is named."""
    one = row_id(word(form, "alert"))
    with desk.writing() as session:
        mark_read(session, visitor.user, None if one is None else [one], read=word(form, "read") != "0")
    return go_to("/alerts?unread=1" if word(form, "unread") == "1" else "/alerts")


@router.post("/alerts/email")
def choose_email(request: Request, desk: DeskOf, visitor: Reader, form: Form) -> Response:
    try:
        with desk.writing() as session:
            user = session.get_one(User, visitor.user.id)
            set_email(session, desk.chain, user, email=word(form, "email"), rhythm=word(form, "rhythm"))
    except SettingsRefused as error:
        return _page(request, desk, visitor, refused=error.key)
    return go_to("/alerts")


@router.get("/alerts/confirm")
def confirmation_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    """Where the link of the e-mail leads. It changes nothing: what looks through mail for harm follows links too."""
    return _confirmation(request, desk, visitor, code=request.query_params.get("code", ""))


@router.post("/alerts/confirm")
def confirm(request: Request, desk: DeskOf, visitor: Reader, form: Form) -> Response:
    try:
        with desk.writing() as session:
            user = session.get_one(User, visitor.user.id)
            confirm_email(session, desk.chain, desk.home, user, word(form, "code"))
    except SettingsRefused as error:
        return _confirmation(request, desk, visitor, refused=error.key)
    return go_to("/alerts#ways")


def _confirmation(
    request: Request, desk: Desk, visitor: Visitor, *, code: str = "", refused: str | None = None
) -> Response:
    with desk.reading() as session:
        chosen = settings_of(session, visitor.user.id)
    status = 422 if refused else 200
    return desk.page(request, "confirm.html", status=status, chosen=chosen, code=code[:100], refused=refused)


@router.post("/alerts/webhook")
def choose_webhook(request: Request, desk: DeskOf, visitor: CaseKeeper, form: Form) -> Response:
    guard = Guard(allow_loopback=loopback_allowed())
    try:
        with desk.writing() as session:
            user = session.get_one(User, visitor.user.id)
            set_webhook(session, desk.chain, user, url=word(form, "url"), guard=guard)
    except SettingsRefused as error:
        return _page(request, desk, visitor, refused="webhook_refused", refused_why=str(error))
    return go_to("/alerts")


@router.post("/alerts/test")
def ask_for_test(desk: DeskOf, visitor: Reader, form: Form) -> Response:
    """It goes the way of all messages, so that what arrives proves that they do; its end stands in the list."""
    way = word(form, "way")
    if way not in WAYS:
        raise NotThere(f"There is no way {way!r} to send a message.")
    with desk.writing() as session:
        new_delivery(session, visitor.user.id, way, "test", utc_now())
    return go_to("/alerts")


@router.post("/alerts/deliveries/{delivery_id}/again")
def again(desk: DeskOf, visitor: Reader, form: Form, delivery_id: str) -> Response:
    with desk.writing() as session:
        send_again(session, _delivery(session, visitor, delivery_id))
    return go_to("/alerts")


def _delivery(session: Session, visitor: Visitor, number: str) -> Delivery:
    found = session.get(Delivery, row_id(number) or 0)
    if found is None or found.user_id != visitor.user.id:
        raise NotThere("There is no such message to this person.")
    return found


def _page(
    request: Request, desk: Desk, visitor: Visitor, *, refused: str | None = None, refused_why: str = ""
) -> Response:
    only_unread = request.query_params.get("unread") == "1"
    with desk.reading() as session:
        total = count_alerts(session, visitor.user, unread=only_unread)
        pages = max(1, -(-total // PAGE_SIZE))
        number = min(page_number(request), pages)
        rows = list_alerts(session, visitor.user, unread=only_unread, offset=(number - 1) * PAGE_SIZE)
        sent = deliveries_of(session, [row.alert.id for row in rows])
        chosen = settings_of(session, visitor.user.id)
        deliveries = recent_deliveries(session, visitor.user.id)
        unread = count_alerts(session, visitor.user, unread=True)
    return desk.page(
        request,
        "alerts.html",
        status=422 if refused else 200,
        rows=rows,
        sent=sent,
        number=number,
        pages=pages,
        unread=unread,
        only_unread=only_unread,
        chosen=chosen,
        secret=webhook_secret(desk.home, chosen) if chosen.webhook_url and visitor.may("cases") else "",
        rhythms=RHYTHMS,
        deliveries=deliveries,
        mail_set=mail_is_set(),
        refused=refused,
        refused_why=refused_why,
    )
