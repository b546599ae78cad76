"""Searches in the audit log: who searched and when; the words by their digest, since they may name people."""

from __future__ import annotations

import hashlib

from review.desk import Desk
from storage.audit import AuditChain
from storage.folding import fold
from storage.tables import User


def record_search(
    desk: Desk, user: User, text: str, *, found: int, chain: AuditChain | None = None, where: str = "queue"
) -> None:
    """Note a search for `text`; the same words in another spelling give the same digest."""
    with desk.writing() as session:
        (chain or desk.chain).record(
            session,
            actor=user.name,
            action="searched",
            object_kind="page",
            object_id=where,
            details={"folded_text_sha256": hashlib.sha256(fold(text).encode()).hexdigest(), "found": found},
        )
