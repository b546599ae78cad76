"""Each act on a listing leaves its entry in the log: who, when in UTC, what, on which object, after which entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from crawler.home import Home
from evidence.bundle import export_bundle
from evidence.custody_heads import make_head, verify_custody
from evidence.recipients import Request
from evidence.sealing import AddedExchange, seal_listing
from evidence.signing import ensure_signing_key
from retention import purge
from storage.audit import AuditChain
from storage.cases import add_case_note, add_exhibit, open_case
from storage.database import Database
from storage.decisions import decide
from storage.holds import lift_hold, place_hold
from storage.tables import AuditEvent, Case, Listing, User
from tests.evidence.test_item_check import exchange
from tests.review.conftest import TestClient
from tests.review.seed import Offer, add_listing

Visit = Callable[[str | None], TestClient]


def test_every_kind_of_act_stands_in_the_log_and_the_log_is_whole(
    desk_database: Database, home: Home, visit: Visit, tmp_path: Path
) -> None:
    # EV-32: capture, view, label, comment, export, copy, hold, deletion
    chain = AuditChain("acts")
    ensure_signing_key(home)
    begun = datetime.now(UTC)
    with desk_database.transaction() as session:
        listing_id = add_listing(session, home, Offer()).id
        doomed_id = add_listing(session, home, Offer(title="Brass lamp", flagged=False, band="weak", labels=[])).id
    page = AddedExchange(exchange("/lot/1"), "COMPLETE")
    seal_listing(desk_database, home, listing_id, actor="job 1", chain=chain, extra=[page])
    assert visit("reviewer").get(f"/listings/{listing_id}").status_code == 200
    with desk_database.transaction() as session:
        listing = session.get_one(Listing, listing_id)
        reviewer = session.scalars(select(User).where(User.name == "reviewer")).one()
        decide(
            session, chain, user=reviewer, listing_id=listing_id, observation_id=listing.current_observation_id,
            assessment_id=listing.current_assessment_id, verdict="antiquity", next_step="refer", reason=None, note="n",
            request_key="k", expected_decision_id=None,
        )  # fmt: skip
        case = open_case(session, chain, title="Lamps", actor="reviewer")
        seen = listing.current_observation_id
        add_exhibit(session, chain, case=case, listing_id=listing_id, observation_id=seen, actor="reviewer")
        add_case_note(session, chain, case=case, text="Asked the museum.", actor="reviewer")
        held = {"object_kind": "listing", "object_id": listing_id, "actor": "reviewer"}
        hold = place_hold(session, chain, reason="court", **held)
        reference = case.reference
    with desk_database.transaction() as session:
        lift_hold(session, chain, hold.id, reason="over", actor="reviewer")
    given = {"chain": chain, "actor": "reviewer", "to": tmp_path / "out", "case": reference}
    export_bundle(desk_database, home, **given)
    export_bundle(desk_database, home, request=Request("expert"), **given)
    purge(desk_database, home, chain=chain, actor="job 2", now=datetime.now(UTC) + timedelta(days=90))

    with desk_database.reading() as session:
        events = list(session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
        assert session.scalars(select(Case)).one().reference == reference
    acts = {(event.action, event.object_kind) for event in events}
    on_listing = {action for action, kind in acts if kind == "listing"}
    assert {"captured", "viewed", "decided", "added to case", "hold placed", "hold lifted", "deleted"} <= on_listing
    assert {("export.started", "export"), ("export.finished", "export"), ("exhibit added", "case")} <= acts
    assert any("note" in action for action, kind in acts if kind == "case"), sorted(acts)
    finished = [event.details for event in events if event.action == "export.finished"]
    assert [one["original"] for one in finished if "original" in one], "the copy names the bundle that it was made of"
    assert next(event for event in events if event.action == "deleted").object_id == str(doomed_id)
    for event in events:
        assert event.actor and event.object_kind and event.object_id and len(event.previous_hash) == 64
        assert event.at.utcoffset() == timedelta(0) and begun - timedelta(seconds=5) < event.at
    make_head(desk_database, home, chain=chain, actor="test")
    assert verify_custody(desk_database, home).faults == []
