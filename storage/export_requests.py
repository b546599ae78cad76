"""A case's bundle leaves for a purpose that somebody gave, and under four eyes only once a second person agreed."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from storage.audit import AuditChain
from storage.cases import CaseError
from storage.jobs import insert_job
from storage.tables import Case, ExportRequest, Job, User, utc_now

MAXIMUM_PURPOSE = 500


def ask_for_export(
    session: Session,
    chain: AuditChain,
    *,
    case: Case,
    user: User,
    purpose: str,
    languages: Sequence[str],
    request_key: str,
    cover: Mapping[str, Any] | None = None,
) -> ExportRequest:
    """Ask for the bundle; without four eyes its job is queued at once. The same key asks once.

    `cover` says whom it is for and what its cover holds, by the fields of `evidence.recipients.Request`.
    Raises CaseError without a purpose.
    """
    there = session.scalars(select(ExportRequest).where(ExportRequest.request_key == request_key)).one_or_none()
    if there is not None:
        return there
    purpose = unicodedata.normalize("NFC", purpose).strip()
    if not purpose or len(purpose) > MAXIMUM_PURPOSE:
        raise CaseError(f"Say in 1 to {MAXIMUM_PURPOSE} characters what the bundle is for.", "purpose")
    request = ExportRequest(
        case_id=case.id,
        purpose=purpose,
        languages=list(languages),
        cover=dict(cover or {}),
        state="pending",
        asked_by_id=user.id,
        request_key=request_key,
    )
    session.add(request)
    session.flush()
    details = {"request": request.id, "languages": list(languages), "four_eyes": case.four_eyes, **request.cover}
    _record(session, chain, user, "bundle asked for", case, details)
    if not case.four_eyes:
        _queue(session, case, request, user)
    return request


def decide_export(session: Session, chain: AuditChain, *, request: ExportRequest, user: User, agree: bool) -> None:
    """Agree to a bundle or refuse it. Raises CaseError for one's own request and for one decided already."""
    session.refresh(request, with_for_update=True)
    if request.state != "pending":
        raise CaseError("Somebody has decided about this request already.", "decided_already")
    if request.asked_by_id == user.id:
        raise CaseError("Nobody agrees to a request of their own: ask a colleague.", "own_request")
    case = session.get_one(Case, request.case_id)
    request.decided_by_id, request.decided_at = user.id, utc_now()
    if agree:
        _queue(session, case, request, session.get_one(User, request.asked_by_id))
    else:
        request.state = "refused"
    _record(session, chain, user, "bundle agreed to" if agree else "bundle refused", case, {"request": request.id})


def export_requests_of(session: Session, case: Case) -> list[tuple[ExportRequest, User, User | None, Job | None]]:
    """The requests with who asked, who decided, and the job that makes the bundle; newest first."""
    decider = aliased(User)
    rows = session.execute(
        select(ExportRequest, User, decider, Job)
        .join(User, User.id == ExportRequest.asked_by_id)
        .outerjoin(decider, decider.id == ExportRequest.decided_by_id)
        .outerjoin(Job, Job.id == ExportRequest.job_id)
        .where(ExportRequest.case_id == case.id)
        .order_by(ExportRequest.id.desc())
    )
    return [(request, asked_by, decided_by, job) for request, asked_by, decided_by, job in rows]


def _queue(session: Session, case: Case, request: ExportRequest, asked_by: User) -> None:
    arguments = {
        "case": case.reference,
        "languages": request.languages,
        "actor": asked_by.name,
        "cover": request.cover,
    }
    job = insert_job(session, "export", arguments, f"export:{case.reference}:{request.request_key}")
    request.state, request.job_id = "approved", job.id if job else None


def _record(
    session: Session, chain: AuditChain, user: User, action: str, case: Case, details: dict[str, object]
) -> None:
    chain.record(session, actor=user.name, action=action, object_kind="case", object_id=case.id, details=details)
