"""The audit log: searched, and its chains checked (the data-protection officer's view)."""

from __future__ import annotations

import json
from itertools import islice

from fastapi import APIRouter, Request
from starlette.responses import Response

from review.desk import Auditor, DeskOf, page_number
from storage.audit_chains import chain_ends, log_faults
from storage.audit_search import PAGE_SIZE, AuditSought, audit_choices, find_events

router = APIRouter()
MOST_FAULTS = 50
MOST_TEXT = 200


@router.get("/audit")
def audit_page(request: Request, desk: DeskOf, visitor: Auditor) -> Response:
    """Checked anew only when asked for: a long log takes its time."""
    query = request.query_params
    names = ("actor", "action", "object_kind", "object_id")
    sought = AuditSought(**{name: query.get(name, "")[:MOST_TEXT] for name in names})
    number = page_number(request)
    with desk.reading() as session:
        events, total = find_events(session, sought, page=number)
        actions, kinds = audit_choices(session)
        ends = chain_ends(session)
        faults = list(islice(log_faults(session), MOST_FAULTS)) if "check" in query else None
    with desk.writing() as session:
        action = "audit log checked" if faults is not None else "audit log viewed"
        desk.chain.record(session, actor=visitor.user.name, action=action, object_kind="page", object_id="audit")
    return desk.page(
        request,
        "audit.html",
        events=[(event, json.dumps(event.details, ensure_ascii=False)) for event in events],
        total=total,
        number=number,
        pages=max(1, -(-total // PAGE_SIZE)),
        sought=sought,
        actions=actions,
        kinds=kinds,
        chains=len(ends),
        faults=faults,
    )
