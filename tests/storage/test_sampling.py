"""What is drawn for people though nothing flags it, and who may set how much, on both databases."""

from __future__ import annotations

import itertools
import math
import threading

import pytest
from sqlalchemy import func, select

from crawler.errors import UsageError
from storage.audit import AuditChain
from storage.sampling import current_sampling, draw, lot, set_sampling
from storage.tables import AuditEvent, Listing, ReviewMark, ReviewSampling
from tests.review.seed import Offer, add_listing


def add_ordinary(session, home, count):
    for number in range(count):
        add_listing(session, home, Offer(title=f"Plain pot {number}", flagged=False, score=0.1, band="weak"))


def test_every_listing_is_drawn_from_once_whatever_shares_are_set_between(database, home):
    with database.transaction() as session:
        set_sampling(session, AuditChain(), actor="Ann", audit_share=1.0, explore_per_market=0)
        add_ordinary(session, home, 5)
        assert draw(session) == {"audit": 5, "explore": 0}
        set_sampling(session, AuditChain(), actor="Ann", audit_share=0.0)
        add_ordinary(session, home, 4)
        assert draw(session) == {"audit": 0, "explore": 0}
        set_sampling(session, AuditChain(), actor="Ann", audit_share=1.0)
        add_ordinary(session, home, 3)
        assert draw(session)["audit"] == 3
        assert draw(session)["audit"] == 0


def test_what_is_drawn_can_be_repeated_by_anybody(database, home):
    with database.transaction() as session:
        set_sampling(session, AuditChain(), actor="Ann", audit_share=0.5, explore_per_market=0)
        add_ordinary(session, home, 60)
        draw(session)
        marked = set(session.scalars(select(ReviewMark.listing_id)))
        listings = session.scalars(select(Listing)).all()
        assert marked == {one.id for one in listings if lot(one.id_space, one.native_id) < 0.5}
        assert 10 < len(marked) < 50


@pytest.mark.parametrize(
    "shares",
    [
        {"audit_share": 1.1},
        {"audit_share": -0.1},
        {"audit_share": math.nan},
        {"explore_per_market": -1},
        {"queue_audit": 0.3, "queue_explore": 0.3},
        {"queue_audit": -0.1},
        {"queue_explore": math.nan},
        {"queue_audit": math.nan},
    ],
)
def test_what_is_no_share_is_refused_and_nothing_is_kept(database, shares):
    with pytest.raises(UsageError), database.transaction() as session:
        set_sampling(session, AuditChain(), actor="Ann", **shares)
    with database.reading() as session:
        assert current_sampling(session).set_by == "relicwatch"


def test_who_set_shares_is_in_the_audit_log_and_what_was_not_given_stays(database):
    with database.transaction() as session:
        set_sampling(session, AuditChain(), actor="Ann", queue_audit=0.2)
        set_sampling(session, AuditChain(), actor="Ben", queue_explore=0.3)
    with database.reading() as session:
        now = current_sampling(session)
        assert (now.queue_audit, now.queue_explore, now.audit_share, now.set_by) == (0.2, 0.3, 0.02, "Ben")
        events = session.scalars(select(AuditEvent).where(AuditEvent.action == "sampling set")).all()
        assert [event.actor for event in events] == ["Ann", "Ben"]


def test_crawls_that_end_together_draw_each_listing_once(database, home):
    with database.transaction() as session:
        add_ordinary(session, home, 30)
    failed = []

    def end_a_crawl(number):
        try:
            for _ in range(3):
                with database.transaction() as session:
                    draw(session)
                with database.transaction() as session:
                    set_sampling(session, AuditChain(), actor=f"{number}", audit_share=1.0)
        except Exception as error:  # told in the main thread
            failed.append(error)

    threads = [threading.Thread(target=end_a_crawl, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with database.reading() as session:
        samplings = session.scalars(select(ReviewSampling).order_by(ReviewSampling.id)).all()
        for before, after in itertools.pairwise(samplings):
            assert after.drawn_from == before.drawn_to
        assert samplings[-1].drawn_to == session.scalar(select(func.max(Listing.id)))
