"""What a bundle says of one listing, in three files that never mix: captured fact, machine opinion, human decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.program import ProgramInfo
from evidence.warc_reading import WarcRecord
from storage.captures import SAVED_FILE
from storage.decisions import undone_decisions
from storage.object_id import statements_of
from storage.tables import (
    Assessment,
    Capture,
    Decision,
    Exhibit,
    Listing,
    ListingAlias,
    MarketApproval,
    ObjectIdStatement,
    Observation,
    Outcome,
    Segment,
    Seller,
    User,
)

FORMAT = "relicwatch-item-2"
ANALYSIS_FORMAT = "relicwatch-analysis-1"
DECISIONS_FORMAT = "relicwatch-decisions-1"
NOT_A_VERDICT = "A score is not a verdict: it is a machine's opinion of the text. Only a person decides."
_MOST_HOPS = 30
_REPORT = "capture_report"
SURROUNDINGS = (
    "browser", "user_agent", "viewport", "locale", "timezone", "program", "commit", "egress_ip", "clock", "hosts",
    "linked_pages",
)  # fmt: skip
"""Fields of a capture's report that item.json repeats. # EV-15, EV-16"""


@dataclass(frozen=True, slots=True)
class ListingRecords:
    """Every row about one listing that a bundle speaks of, loaded and free of its session."""

    listing: Listing
    exhibit: Exhibit | None
    observations: Sequence[Observation]
    assessments: Sequence[Assessment]
    decisions: Sequence[tuple[Decision, User]]
    undone: Mapping[int, datetime]
    """Decisions that were taken back, and when."""
    outcomes: Sequence[tuple[Outcome, User]]
    statements: Sequence[ObjectIdStatement]
    """What officers stated of the object, first to last."""
    sellers: dict[int, Seller]
    aliases: Sequence[ListingAlias]
    captures: Sequence[Capture]
    """Those in sealed evidence files and those kept as files, in order of time."""
    left_out: Sequence[Capture]
    """Those whose bytes are in transit or in a file not sealed yet: named, not packed."""
    segments: dict[int, Segment]
    config_sha256: str | None
    """Of the market's definition as approved when the last capture was made."""

    @property
    def observation(self) -> Observation | None:
        """The one put into the case, else the current one, else the latest."""
        chosen = self.exhibit.observation_id if self.exhibit else self.listing.current_observation_id
        by_id = {row.id: row for row in self.observations}
        return by_id.get(chosen or 0) or (self.observations[-1] if self.observations else None)


@dataclass(frozen=True, slots=True)
class PackedCapture:
    """Where a capture stands in the bundle: a record in a WARC of the listing's WACZ, or a file of its own."""

    capture: Capture
    place: dict[str, Any]
    """{"warc": name, "offset": ..., "length": ...} or {"file": path below the listing's directory}."""
    record: WarcRecord | None


def load_listing(session: Session, listing: Listing, exhibit: Exhibit | None) -> ListingRecords:
    """Read every row about a listing."""

    def rows(table: Any, order: Any) -> list[Any]:
        return list(session.scalars(select(table).where(table.listing_id == listing.id).order_by(order, table.id)))

    observations = rows(Observation, Observation.observed_at)
    captures = rows(Capture, Capture.captured_at)
    segment_ids = {row.segment_id for row in captures if row.segment_id}
    segments = {row.id: row for row in session.scalars(select(Segment).where(Segment.id.in_(segment_ids)))}
    packed = [row for row in captures if _is_exportable(row, segments)]
    seller_ids = {row.seller_id for row in observations if row.seller_id}
    last_capture = max((row.captured_at for row in packed), default=listing.last_seen_at)
    approval = session.scalars(
        select(MarketApproval)
        .where(MarketApproval.market == listing.market, MarketApproval.approved_at <= last_capture)
        .order_by(MarketApproval.approved_at.desc(), MarketApproval.id.desc())
        .limit(1)
    ).first()
    return ListingRecords(
        listing=listing,
        exhibit=exhibit,
        observations=observations,
        assessments=rows(Assessment, Assessment.assessed_at),
        decisions=_with_user(session, rows(Decision, Decision.decided_at)),
        undone=undone_decisions(session, listing.id),
        outcomes=_with_user(session, rows(Outcome, Outcome.recorded_at)),
        statements=statements_of(session, listing.id),
        sellers={row.id: row for row in session.scalars(select(Seller).where(Seller.id.in_(seller_ids)))},
        aliases=rows(ListingAlias, ListingAlias.recorded_at),
        captures=packed,
        left_out=[row for row in captures if row not in packed],
        segments=segments,
        config_sha256=approval.definition_sha256 if approval else None,
    )


def build_item(
    records: ListingRecords,
    packed: Sequence[PackedCapture],
    images: Sequence[dict[str, Any]],
    program: ProgramInfo,
    surroundings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of `item.json` (plain JSON values): captured fact alone."""
    listing = records.listing
    chain = redirect_chain(listing.url, packed)
    times = [entry.capture.captured_at for entry in packed]
    shown = records.observation
    by_source = {
        entry.capture.source_id: entry.capture.id for entry in packed if entry.record and entry.capture.source_id
    }
    # What is named here; a number that means nothing to a reader of the bundle is left out.
    named = {row.id: row.id for row in (*records.captures, *records.left_out)} | by_source
    facts: dict[str, Any] = {
        "market": listing.market,
        "id_space": listing.id_space,
        "site_item_id": listing.native_id,
        "url_asked": chain[0]["url"] if chain else listing.url,
        "final_url": chain[-1]["url"] if chain else None,
        "http_status": chain[-1]["status"] if chain else None,
        "capture_started_at": utc(min(times)) if times else None,
        "capture_ended_at": utc(max(times)) if times else None,
        "capture_state": _capture_state([*records.captures, *records.left_out]),
        "collector": _collectors(records.captures),
        "config_sha256": records.config_sha256,
        "surroundings": surroundings,
        "first_seen_at": utc(listing.first_seen_at),
        "last_seen_at": utc(listing.last_seen_at),
        "state": listing.state,
        "state_proof": listing.state_proof,
        "shown": _observation(records, shown, named) if shown else None,
        "redirects": chain,
        "captures": [_capture(entry.capture, named) | entry.place for entry in packed],
        "captures_left_out": [_left_out(row, records.segments, by_source) for row in records.left_out],
        "images": list(images),
        "observations": [_observation(records, row, named) for row in records.observations],
        "earlier_ids": [
            {"id_space": a.id_space, "site_item_id": a.native_id, "reason": a.reason, "recorded_at": utc(a.recorded_at)}
            for a in records.aliases
        ],
    }
    return {
        "format": FORMAT,
        "demo": listing.demo,
        "item_id": item_id(listing),
        "tool": {"name": program.name, "version": program.version, "commit": program.commit},
        "exhibit": _exhibit(records.exhibit),
        "captured_fact": facts,
    }


def item_id(listing: Listing) -> str:
    return f"urn:relicwatch:item:{listing.id_space}:{listing.native_id}"


def build_analysis(records: ListingRecords) -> dict[str, Any]:
    """The content of `analysis/NNN.json`: machine opinion, labelled so."""
    return {
        "format": ANALYSIS_FORMAT,
        "item_id": item_id(records.listing),
        "note": NOT_A_VERDICT,
        "assessments": [_assessment(row) for row in records.assessments],
    }


def build_decisions(records: ListingRecords) -> dict[str, Any]:
    """The content of `decisions/NNN.json`: what people decided, on which observation, and why."""
    return {
        "format": DECISIONS_FORMAT,
        "item_id": item_id(records.listing),
        "changed_after_decision": records.listing.changed_after_decision,
        "decisions": [_decision(row, user, records.undone.get(row.id)) for row, user in records.decisions],
        "outcomes": [
            {"result": row.result, "recorded_at": utc(row.recorded_at), "by": _person(user), "note": row.note}
            for row, user in records.outcomes
        ],
    }


def redirect_chain(url: str, packed: Iterable[PackedCapture]) -> list[dict[str, Any]]:
    """Every hop from the address asked to the page that answered, as recorded in the WARC. # EV-6"""
    exchanges = [entry for entry in packed if entry.record is not None and entry.capture.kind == "exchange"]
    chain: list[dict[str, Any]] = []
    used: set[int] = set()
    address: str | None = url
    while address and len(chain) < _MOST_HOPS:
        hop = next((e for e in exchanges if e.capture.url == address and e.capture.id not in used), None)
        if hop is None or hop.record is None:
            break
        used.add(hop.capture.id)
        status = hop.record.http_status
        location = hop.record.http_header("location") if status and 300 <= status < 400 else None
        chain.append(
            {
                "url": address,
                "status": status,
                "location": location,
                "captured_at": utc(hop.capture.captured_at),
                "capture": hop.capture.id,
            }
        )
        address = _next_address(address, location) if location else None
    return chain


def _next_address(address: str, location: str) -> str | None:
    """Where a redirect leads; None for a Location header that is no address."""
    try:
        return urljoin(address, location)
    except ValueError:
        return None


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def amount(value: Decimal | None) -> str | None:
    """As people write it: two places where there is a fraction, none where there is none."""
    if value is None:
        return None
    text = format(value, "f")
    return f"{value:.2f}" if len(text.partition(".")[2]) == 1 else text


def _is_exportable(row: Capture, segments: dict[int, Segment]) -> bool:
    if row.segment_id is None:
        return row.state not in ("FAILED", "DELETED") and row.kind != "exchange"
    segment = segments[row.segment_id]
    return segment.store == "evidence" and segment.state == "sealed"


def _with_user(session: Session, rows: list[Any]) -> list[tuple[Any, User]]:
    users = {user.id: user for user in session.scalars(select(User).where(User.id.in_({row.user_id for row in rows})))}
    return [(row, users[row.user_id]) for row in rows]


def _collectors(captures: Sequence[Capture]) -> list[str]:
    names = {
        # A record of a crawl that a job sealed was captured by the crawl.
        f"automated crawl {row.crawl_id}" if row.crawl_id else f"automated job {row.job_id}"
        for row in captures
        if row.job_id or row.crawl_id
    }
    names |= {f"saved by an officer: {row.note}" for row in captures if row.kind == SAVED_FILE}
    return sorted(names)


def _capture_state(rows: Sequence[Capture]) -> dict[str, Any]:
    """How the latest capture of the page ended by its own report; without one, whether any record is incomplete."""
    reports = [row for row in rows if row.kind == _REPORT]
    if reports:
        last = max(reports, key=lambda row: (row.captured_at, row.id))
        return {"state": last.state, "reason": None if last.state == "COMPLETE" else last.note}
    partial = [row for row in rows if row.state != "COMPLETE" or row.truncated]
    return {"state": "PARTIAL" if partial else "COMPLETE", "reason": partial[-1].note if partial else None}


def _capture(row: Capture, named: dict[int, int]) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "url": row.url,
        "method": row.method if row.kind == "exchange" else None,
        "status": row.status,
        "captured_at": utc(row.captured_at),
        "media_type": row.media_type,
        "server_ip": row.server_ip,
        "sha256": row.sha256,
        "bytes": row.payload_bytes,
        "truncated": row.truncated,
        "decoded_by_browser": row.decoded_by_browser,
        "state": row.state,
        "note": row.note,
        "source": named.get(row.source_id or 0),
    }


def _left_out(row: Capture, segments: dict[int, Segment], by_source: dict[int, int]) -> dict[str, Any]:
    segment = segments.get(row.segment_id or 0)
    if segment is None:
        reason = row.note or "nothing was kept"
        if row.state == "DELETED":
            reason = "deleted by a rule of retention; the custody log tells which"
    elif segment.store == "transit":
        copy = by_source.get(row.id)
        reason = (
            f"working copy of the crawl; sealed as capture {copy}" if copy else "working copy of the crawl, not sealed"
        )
        if segment.state == "deleted":
            reason += "; deleted after its retention time, as the custody log tells"
    elif segment.state == "deleted":
        reason = "deleted by a rule of retention; the custody log tells which"
    else:
        reason = "its file was not sealed when the bundle was made"
    return {
        "id": row.id,
        "kind": row.kind,
        "url": row.url,
        "captured_at": utc(row.captured_at),
        "sha256": row.sha256,
        "state": row.state,
        "reason": reason,
    }


def _observation(records: ListingRecords, row: Observation, named: dict[int, int]) -> dict[str, Any]:
    seller = records.sellers.get(row.seller_id or 0)
    return {
        "id": row.id,
        "observed_at": utc(row.observed_at),
        "capture": named.get(row.capture_id or 0),
        "digest": row.digest,
        "title": row.title,
        "description": row.description,
        "price": amount(row.price),
        "currency": row.currency,
        "estimate_low": amount(row.estimate_low),
        "estimate_high": amount(row.estimate_high),
        "starting_bid": amount(row.starting_bid),
        "current_bid": amount(row.current_bid),
        "bids": row.bids,
        "size_as_shown": row.size,
        "weight_grams": amount(row.weight_grams),
        "seller": {
            "name_as_shown": row.seller_name,
            "site_id": seller.native_id if seller else None,
            "url": seller.url if seller else None,
        },
        "location": row.location,
        "lot_number": row.lot_number,
        "ends_at": utc(row.ends_at) if row.ends_at else None,
        "availability": row.availability,
        "state": row.state,
        "image_urls": row.images,
        "canonical_url": row.canonical_url,
        "value_sources": row.sources,
        "problems": row.problems,
    }


def _assessment(row: Assessment) -> dict[str, Any]:
    return {
        "id": row.id,
        "observation": row.observation_id,
        "model": row.model,
        "score": row.score,
        "band": row.band,
        "flagged": row.flagged,
        "language": row.language,
        "labels": row.labels,
        "reasons": row.reasons,
        "answers": row.answers,
        "assessed_at": utc(row.assessed_at),
    }


def _decision(row: Decision, user: User, undone_at: datetime | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "by": _person(user),
        "decided_at": utc(row.decided_at),
        "observation": row.observation_id,
        "assessment": row.assessment_id,
        "verdict": row.verdict,
        "reason": row.reason,
        "next_step": row.next_step,
        "note": row.note,
        "supersedes": row.supersedes_id,
        "undone_at": utc(undone_at) if undone_at else None,
    }


def _person(user: User) -> dict[str, Any]:
    return {"account": user.id, "name": user.name, "role": user.role}


def _exhibit(row: Exhibit | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "number": row.number,
        "observation": row.observation_id,
        "added_by": row.added_by,
        "added_at": utc(row.added_at),
    }
