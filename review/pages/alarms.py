"""Safety alarms: signs of danger to a person, and no hits. Named people give a receipt; somebody closes them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from review.answers_view import alarm_line
from review.desk import Administrator, Decider, Desk, DeskOf, Form, NotThere, Reader, go_to, row_id, word
from storage.alarm_notices import notices_of, without_address
from storage.alarm_receipts import give_receipt, receipts_of, recipients, set_recipient
from storage.alarms import NoSuchAlarm, close_alarm, list_alarms
from storage.tables import User
from storage.users import find_user, list_users

router = APIRouter()


@router.get("/alarms")
def alarms_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    return _page(request, desk)


@router.post("/alarms/recipients")
def name_recipient(desk: DeskOf, visitor: Administrator, form: Form) -> Response:
    with desk.writing() as session:
        user = find_user(session, word(form, "user"))
        if user is None:
            raise NotThere("There is no such user.")
        set_recipient(session, desk.chain, user=user, named=word(form, "named") == "1", actor=visitor.user.name)
    return go_to("/alarms")


@router.post("/alarms/{alarm_id}/receipt")
def receipt(desk: DeskOf, visitor: Reader, form: Form, alarm_id: str) -> Response:
    try:
        with desk.writing() as session:
            user = session.get_one(User, visitor.user.id)
            give_receipt(session, desk.chain, alarm_id=row_id(alarm_id) or 0, user=user)
    except NoSuchAlarm as error:
        raise NotThere(str(error)) from error
    return go_to("/alarms")


@router.post("/alarms/{alarm_id}/close")
def close(request: Request, desk: DeskOf, visitor: Decider, form: Form, alarm_id: str) -> Response:
    try:
        with desk.writing() as session:
            close_alarm(session, desk.chain, row_id(alarm_id) or 0, actor=visitor.user.name, note=word(form, "note"))
    except NoSuchAlarm:
        return _page(request, desk, refused=True)
    return go_to("/alarms")


def _page(request: Request, desk: Desk, *, refused: bool = False) -> Response:
    language = desk.words(request).language
    rows = list_alarms(desk.database, closed="all" in request.query_params)
    with desk.reading() as session:
        named = recipients(session)
        people = [user.name for user in list_users(session) if not user.disabled and user.name not in _names(named)]
        given = receipts_of(session, [row["id"] for row in rows])
        notices = notices_of(session, [row["id"] for row in rows])
        unreachable = without_address(session)
    shown = []
    for row in rows:
        receipts = given.get(row["id"], [])
        missing = [user.name for user in named if user.name not in {who.name for _, who in receipts}]
        told = [(user, *notices[row["id"], user.id]) for user in named if (row["id"], user.id) in notices]
        shown.append((row, alarm_line(row["kind"], row["reasons"], language), receipts, missing, told))
    return desk.page(
        request,
        "alarms.html",
        status=422 if refused else 200,
        alarms=shown,
        named=named,
        people=people,
        unreachable=unreachable,
        all_shown="all" in request.query_params,
        refused=refused,
    )


def _names(users: list[User]) -> set[str]:
    return {user.name for user in users}
