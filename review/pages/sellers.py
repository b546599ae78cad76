"""A seller: what is known where that may be counted, who may be the same, and the picture of what hangs together.

Every look at the page stands in the audit log, as it shows a person by name.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from matching.graph_drawing import draw
from matching.seller_graph import build_graph
from matching.seller_likeness import find_alike
from review.desk import Decider, DeskOf, Form, NotThere, Reader, go_to, row_id, word
from review.seller_view import alike_view, graph_rows, types_view
from storage.sellers import SellerRefusal, follow, get_seller, list_sellers, reregistrations

router = APIRouter()


@router.get("/sellers/{seller_id}")
def seller_page(request: Request, desk: DeskOf, visitor: Reader, seller_id: str) -> Response:
    words = desk.words(request)
    id_ = row_id(seller_id) or 0
    with desk.writing() as session:
        try:
            get_seller(session, id_)
        except SellerRefusal as error:
            raise NotThere(str(error)) from error
        [seller] = list_sellers(session, ids=[id_])
        same_name = reregistrations(session, id_)
        alike = alike_view(session, find_alike(session, id_), id_)
        graph = build_graph(session, sellers=[id_])
        desk.chain.record(session, actor=visitor.user.name, action="viewed", object_kind="seller", object_id=id_)
    return desk.page(
        request,
        "seller.html",
        seller=seller,
        types=types_view(seller["types"], words.language),
        same_name=same_name,
        alike=alike,
        graph=graph,
        rows=graph_rows(graph),
        drawing=draw(graph, right_to_left=words.direction == "rtl"),
    )


@router.post("/sellers/{seller_id}/follow")
def follow_seller(desk: DeskOf, visitor: Decider, form: Form, seller_id: str) -> Response:
    """Follow from now on, or no longer; asked twice nothing is said twice."""
    id_ = row_id(seller_id) or 0
    following = word(form, "following") == "1"
    with desk.writing() as session:
        try:
            get_seller(session, id_)
        except SellerRefusal as error:
            raise NotThere(str(error)) from error
        [seller] = list_sellers(session, ids=[id_])
        if seller["followed"] != following:
            note = word(form, "note").strip() or None
            follow(session, desk.chain, id_, following=following, actor=visitor.user.name, note=note)
    return go_to(f"/sellers/{id_}")
