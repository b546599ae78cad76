"""Counts of the overview, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage.figures import months_of, newest_crawls, precisions, waits_to_hit
from storage.tables import Assessment, Crawl, Decision, Outcome
from storage.users import create_user
from tests.review.seed import Offer, add_listing

NOVEMBER = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 0, 1, tzinfo=UTC)


@pytest.fixture
def decide(database, home):
    """`decide(verdict, flagged_at, ...)`: a listing that was flagged and decided on."""

    def make(verdict, at, *, market="example_auction", step="dismiss", flagged=True, outcome=None, waited=60):
        with database.transaction() as session:
            user = create_user(session, f"user {at} {verdict} {market} {step} {flagged} {waited}", "reviewer")
            listing = add_listing(session, home, Offer(market=market, flagged=flagged))
            listing.first_seen_at = at - timedelta(seconds=waited)
            session.get_one(Assessment, listing.current_assessment_id).assessed_at = at
            decision = Decision(
                listing_id=listing.id,
                observation_id=listing.current_observation_id,
                assessment_id=listing.current_assessment_id,
                user_id=user.id,
                decided_at=at,
                verdict=verdict,
                next_step=step,
                request_key=user.name,
            )
            session.add(decision)
            session.flush()
            listing.current_decision_id = decision.id
            if outcome:
                session.add(Outcome(listing_id=listing.id, result=outcome, user_id=user.id, recorded_at=at))

    return make


def test_months_are_those_of_utc_and_a_hit_counts_in_the_month_of_its_first_flag(database, decide):
    decide("antiquity", NOVEMBER, step="refer")
    decide("antiquity", DECEMBER, step="refer", outcome="seized")
    decide("other", DECEMBER, flagged=False, outcome="removed")
    with database.transaction() as session:
        months = months_of(session)
        assert [(m.month, m.hits, m.decisions, m.referrals, m.seizures) for m in months] == [
            ("2026-11", 1, 1, 1, 0),
            ("2026-12", 1, 2, 1, 1),
        ]
        assert [month.month for month in months_of(session, most=1)] == ["2026-12"]


def test_precision_counts_flagged_listings_that_somebody_was_sure_of(database, decide):
    decide("antiquity", NOVEMBER)
    decide("replica", NOVEMBER)
    decide("unsure", NOVEMBER)
    decide("other", NOVEMBER, flagged=False)
    decide("antiquity", NOVEMBER, market="zeta")
    with database.transaction() as session:
        found = [(row.market, row.model, row.decided, row.antiquities, row.share) for row in precisions(session)]
    assert found == [("example_auction", "text-1:test", 2, 1, 0.5), ("zeta", "text-1:test", 1, 1, 1.0)]


def test_the_wait_is_from_first_sight_to_first_flag(database, decide):
    with database.transaction() as session:
        assert waits_to_hit(session) is None
    for waited in (60, 120, 600):
        decide("antiquity", NOVEMBER, waited=waited)
    with database.transaction() as session:
        waits = waits_to_hit(session)
        assert (waits.count, waits.median, waits.longest_of_nine_tenths) == (3, 120.0, 600.0)


def test_of_each_market_the_newest_crawl_is_told(database):
    with database.transaction() as session:
        for market, state in (("a", "complete"), ("b", "complete"), ("a", "failed")):
            session.add(Crawl(market=market, queries=[], state=state))
            session.flush()
        assert [(crawl.market, crawl.state) for crawl in newest_crawls(session)] == [("a", "failed"), ("b", "complete")]
