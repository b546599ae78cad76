"""The page between the desk and the world outside: it shows the whole address and says what opening it gives away."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from review.desk import DeskOf, NotThere, Reader, row_id
from review.leaving import find_departure

router = APIRouter()


@router.get("/leaving")
def leaving_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    """By the kind and number of a record, never by an address: nobody can send a colleague elsewhere through it."""
    asked = request.query_params
    kind, record_id, number = asked.get("of", ""), row_id(asked.get("id")) or 0, row_id(asked.get("number", "1")) or 0
    with desk.reading() as session:
        leave = find_departure(session, kind, record_id, number, allow_loopback=desk.home.is_demo)
    if leave is None:
        raise NotThere(f"No record {kind} {record_id} names such an address.")
    with desk.writing() as session:
        desk.chain.record(
            session,
            actor=visitor.user.name,
            action="outside address viewed",
            object_kind=leave.kind,
            object_id=leave.record_id,
            details={"address": leave.address},
        )
    return desk.page(request, "leaving.html", leave=leave)
