"""The hits that the filters let through, as a table for a risk engine or a spreadsheet."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from evidence.risk_tables import csv_table, listing_rows
from review.desk import DeskOf, Exporter, go_to
from storage.queue import MOST_AT_ONCE, Queue
from storage.queue_filters import filters_query, read_filters

router = APIRouter()


@router.get("/queue.csv")
def queue_table(request: Request, desk: DeskOf, visitor: Exporter) -> Response:
    """As many as the queue shows over all its pages, the most pressing first; who took it stands in the log."""
    filters, wrong = read_filters(request.query_params)
    if wrong:  # the queue says what is not understood; a table would hold more than was asked for
        return go_to(f"/?{request.url.query}")
    with desk.reading() as session:
        listings = [place.listing_id for place in Queue(session, filters).places(0, MOST_AT_ONCE + 1)]
        if len(listings) > MOST_AT_ONCE:
            return desk.problem(request, 422, "queue_table_too_long", most=desk.words(request).number(MOST_AT_ONCE))
        rows = {row["listing"]: row for row in listing_rows(session, listings=listings)}
    table = csv_table(rows[id_] for id_ in listings if id_ in rows)
    with desk.writing() as session:
        desk.chain.record(
            session,
            actor=visitor.user.name,
            action="table exported",
            object_kind="listing",
            object_id="hits",
            details={"rows": len(rows), "format": "csv", "filters": filters_query(filters)},
        )
    headers = {"content-disposition": 'attachment; filename="hits.csv"'}
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)
