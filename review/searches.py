"""Searches in the audit log: who searched and when; the words by their digest, since they may name people."""

from __future__ import annotations

import hashlib

from review.desk import Desk, Visitor
from storage.folding import fold


def record_search(desk: Desk, visitor: Visitor, text: str, *, found: int) -> None:
    """Note a search for `text`; the same words in another spelling give the same digest."""
    with desk.writing() as session:
        desk.chain.record(
            session,
            actor=visitor.user.name,
            action="searched",
            object_kind="page",
            object_id="queue",
            details={"folded_text_sha256": hashlib.sha256(fold(text).encode()).hexdigest(), "found": found},
        )
