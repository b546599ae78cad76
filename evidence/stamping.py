"""Having things stamped: noted with what they belong to, asked for at once or later, never waited for by a capture."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from crawler.egress import Guard
from crawler.home import Home
from evidence.authorities import Authority, load_authorities
from evidence.merkle import root_and_paths
from evidence.stamp_token import Stamp, StampRefused
from evidence.timestamps import StampUnavailable, ask
from storage.audit import AuditChain
from storage.database import Database
from storage.stamps import (
    Pending,
    due_stamps,
    ending_stamps,
    keep_answer,
    keep_failure,
    keep_leaves,
    references,
    supersede,
    unstamped_captures,
    want_stamps,
)
from storage.tables import utc_now

logger = logging.getLogger(__name__)

CAPTURES, EXPORT, AGAIN = "captures", "export", "stamp"
STAMP_AGAIN_BEFORE = timedelta(days=180)
"""So long before its signer's certificate ends, a token gets another one over itself. # EV-41"""


def note_captures(database: Database, home: Home) -> int:
    """Gather what was sealed since the last time under one root to be stamped; how many captures. # EV-20"""
    authorities = load_authorities(home)
    if not authorities:
        return 0
    with database.transaction() as session:
        digests = unstamped_captures(session)
        if not digests:
            return 0
        root, paths = root_and_paths(digests)
        subject = want_stamps(
            session,
            kind=CAPTURES,
            reference=root,
            data=f"{root}\n".encode(),
            authorities=[one.name for one in authorities],
        )
        leaves = [(sha256, [asdict(step) for step in path]) for sha256, path in zip(digests, paths, strict=True)]
        keep_leaves(session, subject, leaves)
    return len(digests)


def note_ending(database: Database, home: Home, now: datetime | None = None) -> int:
    """Ask for a new token over each whose signer's certificate ends soon; how many were not asked for yet. # EV-41

    The old one is superseded when the new one has come, not before: an authority that is down takes nothing away.
    """
    authorities = [one.name for one in load_authorities(home)]
    if not authorities:
        return 0
    with database.transaction() as session:
        ending = ending_stamps(session, (now or utc_now()) + STAMP_AGAIN_BEFORE)
        asked = references(session, AGAIN)
        for stamp, _ in ending:
            assert stamp.answer is not None
            want_stamps(session, kind=AGAIN, reference=str(stamp.id), data=stamp.answer, authorities=authorities)
    return sum(str(stamp.id) not in asked for stamp, _ in ending)


def ask_pending(
    database: Database,
    home: Home,
    guard: Guard,
    *,
    chain: AuditChain,
    actor: str,
    now: datetime | None = None,
    everything: bool = False,
    reference: str | None = None,
) -> dict[str, int]:
    """Ask every question whose time has come, or `everything`; of one `reference` alone where it is named. # EV-21

    Counts come back: stamped, flagged, waiting.
    An authority that does not answer is asked once a round, not for each question. Nothing is raised for an
    authority's sake; what it lacks stands with each question.
    """
    authorities = {one.name: one for one in load_authorities(home)}
    with database.reading() as session:
        due = due_stamps(session, datetime.max.replace(tzinfo=UTC) if everything else now)
    if reference is not None:
        due = [one for one in due if one.reference == reference]
    counts = {"stamped": 0, "flagged": 0, "waiting": 0}
    silent: dict[str, str] = {}
    for question in due:
        stamp, problem = _asked(question, authorities, silent, guard)
        with database.transaction() as session:
            if stamp is None:
                keep_failure(session, question.id, problem, now)
                counts["waiting"] += 1
                continue
            kept = keep_answer(
                session,
                question.id,
                state=stamp.state,
                answer=stamp.answer,
                gen_time=stamp.gen_time,
                serial=stamp.serial,
                policy=stamp.policy,
                signer=stamp.signer,
                signer_until=stamp.signer_until,
                own_time=stamp.own_time,
                problem=stamp.problem,
            )
            if kept and question.kind == AGAIN:
                supersede(session, int(question.reference))
            if kept:
                chain.record(
                    session,
                    actor=actor,
                    action="time stamped",
                    object_kind=question.kind,
                    object_id=question.reference,
                    details={"stamp": question.id, "authority": stamp.authority, "serial": stamp.serial},
                )
        counts["flagged" if stamp.state == "flagged" else "stamped"] += 1
    if counts["waiting"]:
        logger.warning(
            "%d time stamps are still waited for: `relicwatch stamps list --pending` says why.", counts["waiting"]
        )
    return counts


def _asked(
    question: Pending, authorities: dict[str, Authority], silent: dict[str, str], guard: Guard
) -> tuple[Stamp | None, str]:
    authority = authorities.get(question.authority)
    if authority is None:
        return None, f"{question.authority} no longer stands in authorities.yaml."
    if question.authority in silent:
        return None, silent[question.authority]
    try:
        return ask(authority, question.data, guard), ""
    except StampUnavailable as error:
        silent[question.authority] = str(error)
        return None, str(error)
    except StampRefused as error:
        return None, str(error)
