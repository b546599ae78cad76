from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crawler.errors import HomeError
from crawler.home import Home
from markets.approval import (
    ApprovalRefused,
    NotApproved,
    approval_state,
    approve,
    keep_file,
    require_approval,
    revoke,
    standing_approval,
)
from markets.definition import Definition
from storage.audit import AuditChain, chain_faults
from storage.database import Database
from storage.tables import AuditEvent, MarketApproval
from tests.markets.samples import AUCTION, changed, sample

TERMS = b"<html>No robots without permission.</html>"
ROBOTS = b"User-agent: *\nDisallow: /account\n"
LOCAL = changed("search", '{url: "http://127.0.0.1:8099/{query}"}', changed("domains", '["127.0.0.1:8099"]'))


def turn_on(database: Database, home: Home, definition: Definition, **changes: Any) -> MarketApproval:
    arguments: dict[str, Any] = {
        "actor": "layla",
        "legal_basis": "Agreement 12/2026 with the house",
        "terms": TERMS,
        "robots": ROBOTS,
    }
    with database.transaction() as session:
        return approve(session, AuditChain("test"), home, definition, **(arguments | changes))


def state(database: Database, definition: Definition) -> str:
    with database.transaction() as session:
        return approval_state(session, definition)


def test_every_market_starts_off(database: Database, home: Home, tmp_path: Path) -> None:
    definition = sample(tmp_path)
    assert state(database, definition) == "off"
    with database.transaction() as session:
        assert standing_approval(session, definition) is None
        with pytest.raises(NotApproved, match=r"\(off\).*markets approve example_auction"):
            require_approval(session, definition)


def test_an_approval_is_kept_with_its_copies_and_in_the_log(database: Database, home: Home, tmp_path: Path) -> None:
    definition = sample(tmp_path)
    before = datetime.now(UTC)
    turn_on(database, home, definition)
    with database.transaction() as session:
        approval = require_approval(session, definition)
        assert (approval.market, approval.approved_by) == ("example_auction", "layla")
        assert approval.legal_basis == "Agreement 12/2026 with the house"
        assert before - timedelta(seconds=1) <= approval.approved_at <= datetime.now(UTC)
        assert approval.terms_sha256 == hashlib.sha256(TERMS).hexdigest()
        assert approval.robots_sha256 == hashlib.sha256(ROBOTS).hexdigest()
        for digest, content in (
            (approval.terms_sha256, TERMS),
            (approval.robots_sha256, ROBOTS),
            (approval.definition_sha256, AUCTION.encode()),
        ):
            assert home.file_path(digest).read_bytes() == content
        events = session.scalars(select(AuditEvent)).all()
        assert chain_faults(events) == []
        (event,) = events
        assert (event.actor, event.action, event.object_kind, event.object_id) == (
            "layla",
            "approve",
            "market",
            "example_auction",
        )
        assert event.details["terms_sha256"] == approval.terms_sha256
    assert state(database, definition).startswith("approved by layla on 20")


def test_a_definition_changed_since_its_approval_is_off(database: Database, home: Home, tmp_path: Path) -> None:
    turn_on(database, home, sample(tmp_path))
    edited = sample(tmp_path, AUCTION + "# a comment is a change too\n")
    assert state(database, edited) == "changed since approval"
    with database.transaction() as session, pytest.raises(NotApproved, match="changed since approval"):
        require_approval(session, edited)


def test_only_the_latest_approval_counts(database: Database, home: Home, tmp_path: Path) -> None:
    first = sample(tmp_path)
    turn_on(database, home, first)
    turn_on(database, home, sample(tmp_path, AUCTION + "# second\n"))
    assert state(database, first) == "changed since approval"


def test_an_approval_of_one_market_is_none_of_another(database: Database, home: Home, tmp_path: Path) -> None:
    turn_on(database, home, sample(tmp_path))
    text = changed("name", "other_auction")
    assert state(database, sample(tmp_path, text, "other_auction")) == "off"


def test_a_revoked_market_is_off_and_the_log_says_who_and_why(database: Database, home: Home, tmp_path: Path) -> None:
    definition = sample(tmp_path)
    turn_on(database, home, definition)
    turn_on(database, home, definition)
    with database.transaction() as session:
        assert revoke(session, AuditChain("test"), definition.name, actor="omar", reason="agreement ended") == 2
    assert state(database, definition).startswith("revoked by omar on 20")
    with database.transaction() as session:
        assert standing_approval(session, definition) is None
        last = session.scalars(select(AuditEvent).order_by(AuditEvent.sequence.desc())).first()
        assert last is not None
        assert (last.action, last.actor, last.details["reason"]) == ("revoke", "omar", "agreement ended")
        with pytest.raises(NotApproved, match="off already"):
            revoke(session, AuditChain("test"), definition.name, actor="omar", reason="again")


def test_a_market_may_be_turned_on_again_after_it_was_revoked(database: Database, home: Home, tmp_path: Path) -> None:
    definition = sample(tmp_path)
    turn_on(database, home, definition)
    with database.transaction() as session:
        revoke(session, AuditChain("test"), definition.name, actor="omar", reason="agreement ended")
    turn_on(database, home, definition)
    with database.transaction() as session:
        assert standing_approval(session, definition) is not None


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        (AUCTION, {"actor": " "}, "say who approves it"),
        (AUCTION, {"legal_basis": " "}, "give the legal basis"),
        (AUCTION, {"terms": None}, "its terms of use"),
        (AUCTION, {"terms": b""}, "the copy of its terms of use is empty"),
        (LOCAL, {"terms": b" \n"}, "the copy of its terms of use is empty"),
        (AUCTION, {"robots": None}, "its robots.txt"),
        (changed("rate", "{delay: 9.9}"), {}, "name the permission"),
        (changed("rate", "{delay: 9.9}"), {"rate_permission": " "}, "name the permission"),
        (changed("rate", "{concurrency: 2}"), {}, "name the permission"),
        (changed("access", "{login: required}"), {}, "no log-in is crawled"),
        (AUCTION + "demo: true\n", {}, "is no demo home"),
        (LOCAL + "demo: true\n", {}, "is no demo home"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_recorded(
    database: Database, home: Home, tmp_path: Path, text: str, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ApprovalRefused, match="example_auction stays off") as caught:
        turn_on(database, home, sample(tmp_path, text), **changes)
    assert reason in str(caught.value)
    with database.transaction() as session:
        assert session.scalars(select(MarketApproval)).all() == []
        assert session.scalars(select(AuditEvent)).all() == []


def test_a_faster_rate_is_approved_with_its_permission_on_record(
    database: Database, home: Home, tmp_path: Path
) -> None:
    definition = sample(tmp_path, changed("rate", "{delay: 2, concurrency: 2}"))
    turn_on(database, home, definition, rate_permission="Letter of the house, 3 May 2026, file 44")
    with database.transaction() as session:
        assert require_approval(session, definition).rate_permission == "Letter of the house, 3 May 2026, file 44"


def test_pages_on_this_machine_need_no_terms(database: Database, home: Home, tmp_path: Path) -> None:
    turn_on(database, home, sample(tmp_path, LOCAL), terms=None, robots=None)


def test_an_empty_robots_file_is_a_copy_too(database: Database, home: Home, tmp_path: Path) -> None:
    assert turn_on(database, home, sample(tmp_path), robots=b"").robots_sha256 == hashlib.sha256(b"").hexdigest()


def test_a_demo_home_takes_demo_markets_alone(database: Database, home: Home, tmp_path: Path) -> None:
    home.create(demo=True)
    with pytest.raises(ApprovalRefused, match="is the demo's home"):
        turn_on(database, home, sample(tmp_path))
    approval = turn_on(database, home, sample(tmp_path, LOCAL + "demo: true\n"), terms=None, robots=None)
    assert approval.demo


def test_a_kept_file_is_whole_read_only_and_kept_once(home: Home) -> None:
    digest = keep_file(home, TERMS)
    assert keep_file(home, TERMS) == digest
    place = home.file_path(digest)
    assert place.read_bytes() == TERMS
    assert place.stat().st_mode & 0o777 == 0o444
    assert list(place.parent.iterdir()) == [place]


def test_a_home_that_takes_no_file_is_told_and_no_approval_stands(
    database: Database, home: Home, tmp_path: Path
) -> None:
    home.files.rmdir()
    home.files.write_text("in the way")
    definition = sample(tmp_path)
    with pytest.raises(HomeError, match="A copy cannot be kept"):
        turn_on(database, home, definition)
    assert state(database, definition) == "off"
