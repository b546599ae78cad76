"""Turning a market on and off: every market starts off, and a person turns it on with a legal basis on record."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import HomeError, RelicwatchError
from crawler.home import Home
from markets.definition import DEFAULT_DELAY_SECONDS, Definition
from storage.audit import AuditChain
from storage.tables import MarketApproval, utc_now


class ApprovalRefused(RelicwatchError):
    """A market may not be turned on like this; the text says what is missing."""


class NotApproved(RelicwatchError):
    """The market is off: never approved, revoked, or changed since its approval."""


def approve(
    session: Session,
    chain: AuditChain,
    home: Home,
    definition: Definition,
    *,
    actor: str,
    legal_basis: str,
    rate_permission: str | None = None,
    terms: bytes | None = None,
    robots: bytes | None = None,
) -> MarketApproval:
    """Turn a market on as its definition stands now, in the caller's transaction.

    Copies of the definition, of the terms of use and of robots.txt are kept in the home's files by their content; the
    approval's time dates them. Raises ApprovalRefused with everything that is missing.
    """
    reasons = _missing(home, definition, actor, legal_basis, rate_permission, terms, robots)
    if reasons:
        raise ApprovalRefused(f"{definition.name} stays off: " + " ".join(reasons))
    keep_file(home, definition.file_content)
    approval = MarketApproval(
        market=definition.name,
        definition_sha256=definition.digest,
        approved_by=actor,
        approved_at=utc_now(),
        legal_basis=legal_basis.strip(),
        terms_sha256=keep_file(home, terms) if terms else None,
        robots_sha256=keep_file(home, robots) if robots is not None else None,
        rate_permission=rate_permission.strip() if rate_permission else None,
        demo=definition.demo,
    )
    session.add(approval)
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="approve",
        object_kind="market",
        object_id=definition.name,
        details={
            "approval": approval.id,
            "definition_sha256": approval.definition_sha256,
            "terms_sha256": approval.terms_sha256,
            "robots_sha256": approval.robots_sha256,
            "delay_seconds": str(definition.rate.delay),
            "concurrency": definition.rate.concurrency,
            "draft": definition.is_draft,
            "demo": definition.demo,
        },
    )
    return approval


def standing_approval(session: Session, definition: Definition) -> MarketApproval | None:
    """The approval that lets this definition be crawled as it stands; None where the market is off.

    Only the latest approval counts, and only for the very definition that was approved.
    """
    latest = _latest(session, definition.name)
    return latest if latest and not latest.revoked_at and latest.definition_sha256 == definition.digest else None


def approval_state(session: Session, definition: Definition) -> str:
    """One phrase for a list: `approved by ...`, `off`, `changed since approval` or `revoked by ...`."""
    latest = _latest(session, definition.name)
    if latest is None:
        return "off"
    if latest.revoked_at:
        return f"revoked by {latest.revoked_by} on {latest.revoked_at:%Y-%m-%d}"
    if latest.definition_sha256 != definition.digest:
        return "changed since approval"
    return f"approved by {latest.approved_by} on {latest.approved_at:%Y-%m-%d}"


def require_approval(session: Session, definition: Definition) -> MarketApproval:
    """The standing approval. Raises NotApproved with the reason and what to do."""
    approval = standing_approval(session, definition)
    if approval is None:
        raise NotApproved(
            f"{definition.name} may not be crawled ({approval_state(session, definition)}): "
            f"`relicwatch markets approve {definition.name}` turns it on, with a legal basis."
        )
    return approval


def revoke(session: Session, chain: AuditChain, name: str, *, actor: str, reason: str) -> int:
    """Turn a market off and say how many standing approvals that ended. Raises NotApproved where it was off already."""
    if not actor.strip() or not reason.strip():
        raise ApprovalRefused(f"{name} stays as it is: say who turns it off and why.")
    standing = session.scalars(
        select(MarketApproval).where(MarketApproval.market == name, MarketApproval.revoked_at.is_(None))
    ).all()
    if not standing:
        raise NotApproved(f"{name} is off already: there is no standing approval to revoke.")
    now = utc_now()
    for approval in standing:
        approval.revoked_at = now
        approval.revoked_by = actor
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="revoke",
        object_kind="market",
        object_id=name,
        details={"approvals": [approval.id for approval in standing], "reason": reason.strip()},
    )
    return len(standing)


def keep_file(home: Home, content: bytes) -> str:
    """Keep `content` in the home's files under its SHA-256 and return that; whole or not at all, also after a kill."""
    digest = hashlib.sha256(content).hexdigest()
    place = home.file_path(digest)
    try:
        if place.exists():
            os.utime(place)  # retention lets alone what somebody may be about to name
        else:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(place, content)
    except OSError as error:
        raise HomeError(f"A copy cannot be kept in {home.files} ({error.strerror}): free the place.") from error
    return digest


def _write_whole(place: Path, content: bytes) -> None:
    draft = place.with_name(f"{place.name}.{os.getpid()}.part")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(0o444)
    draft.replace(place)
    directory = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _latest(session: Session, name: str) -> MarketApproval | None:
    newest_first = select(MarketApproval).where(MarketApproval.market == name).order_by(MarketApproval.id.desc())
    return session.scalars(newest_first.limit(1)).first()


def _missing(
    home: Home,
    definition: Definition,
    actor: str,
    legal_basis: str,
    rate_permission: str | None,
    terms: bytes | None,
    robots: bytes | None,
) -> list[str]:
    reasons = []
    if definition.demo and not home.is_demo:
        reasons.append(f"it is a demo market, and {home.root} is no demo home.")
    if home.is_demo and not definition.demo:
        reasons.append(f"it is a real market, and {home.root} is the demo's home: set RELICWATCH_HOME to your own.")
    if not actor.strip():
        reasons.append("say who approves it.")
    if not legal_basis.strip():
        reasons.append("give the legal basis: the law, agreement or order that lets you watch it.")
    if definition.access.login == "required":
        reasons.append("its listings stand behind a log-in, and no log-in is crawled: import saved pages instead.")
    if definition.rate.needs_permission and not (rate_permission and rate_permission.strip()):
        reasons.append(
            f"its rate (delay {definition.rate.delay:g} s, concurrency {definition.rate.concurrency}) is above the "
            f"default of one request every {DEFAULT_DELAY_SECONDS:g} s: name the permission, or set rate.delay."
        )
    # Pages on this machine alone have no operator whose terms could be read.
    if terms is not None and not terms.strip():
        reasons.append("the copy of its terms of use is empty: save the page that you read.")
    elif not definition.is_local and terms is None:
        reasons.append("read its terms of use and give a saved copy.")
    if not definition.is_local and robots is None:
        reasons.append("read its robots.txt and give a saved copy (an empty file where the market has none).")
    return reasons
