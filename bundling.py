"""Evidence bundles written with all that this program has for them, whoever asks: command, job or demo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from classifiers.answers.explained import explain
from classifiers.registry import model_cards
from crawler.egress import Guard
from crawler.home import Home, loopback_allowed
from evidence.bundle import ExportedBundle, export_bundle
from evidence.recipients import Request
from evidence.report.printing import print_pages
from storage.audit import AuditChain
from storage.database import Database


def write_bundle(
    database: Database,
    home: Home,
    *,
    chain: AuditChain,
    actor: str,
    to: Path,
    case: str | None = None,
    listing_id: int | None = None,
    languages: Sequence[str],
    request: Request | None = None,
    progress: Callable[[Mapping[str, Any]], None] | None = None,
) -> ExportedBundle:
    """`export_bundle` with the machine's answers in words, printed reports, model cards and time from authorities."""
    return export_bundle(
        database,
        home,
        chain=chain,
        actor=actor,
        to=to,
        case=case,
        listing_id=listing_id,
        languages=languages,
        explain=explain,
        printer=print_pages,
        guard=Guard(allow_loopback=loopback_allowed()),
        cards=lambda: model_cards(home),
        request=request,
        progress=progress,
    )
