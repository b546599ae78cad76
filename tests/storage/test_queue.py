"""The order of the review queue and its filters, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.audit import AuditChain
from storage.objects import join, statements_about, undo
from storage.queue import Queue, flagged_before, queue_choices, queue_places, queue_rows
from storage.queue_filters import Filters
from storage.queue_ranks import BUSY_SELLER, is_conflict_zone_find
from storage.tables import Assessment, Crawl, Decision
from storage.users import create_user
from tests.review.seed import NOW, Offer, add_assessment, add_listing, add_observation


def add(session, home, name, **other):
    values = {"title": name, "seller": name, "labels": [], "marked": {}, "score": 0.5, "band": "medium"}
    return add_listing(session, home, Offer(**(values | other)))


def names(session, **filters):
    places = queue_places(session, Filters(**filters), now=NOW)
    return [row.observation.title for row in queue_rows(session, places)]


def test_the_most_pressing_hit_stands_first(database, home):
    with database.transaction() as session:
        add(session, home, "weak", band="weak", score=0.1)
        add(session, home, "strong low", band="strong", score=0.8)
        add(session, home, "strong high", band="strong", score=0.9)
        for number in range(BUSY_SELLER):
            add(session, home, f"busy {number}", seller="busy", score=0.5 - number / 100)
        add(session, home, "in 70 h", ends_in=timedelta(hours=70))
        add(session, home, "in 30 h", ends_in=timedelta(hours=30), score=0.1)
        add(session, home, "in 3 h", ends_in=timedelta(hours=3))
        add(session, home, "ended", ends_in=timedelta(hours=-1), band="weak", score=0.2)
        add(session, home, "conflict", labels=["period:sumerian", "find:excavation"], band="weak")
        add(session, home, "changed", band="weak").changed_after_decision = True
    with database.transaction() as session:
        assert names(session) == [
            "changed",
            "conflict",
            "in 3 h",
            "in 30 h",
            "in 70 h",
            "busy 0",
            "busy 1",
            "busy 2",
            "strong high",
            "strong low",
            "ended",
            "weak",
        ]


def ranked(session, home, name, priority, **other):
    """A listing whose answers name this rule of the order."""
    listing = add(session, home, name, **other)
    judged = session.get_one(Assessment, listing.current_assessment_id)
    judged.priority = priority
    judged.must_be_seen = priority in ("danger_to_person", "museum_number")
    session.flush()
    return listing


def test_the_order_of_the_answers_is_that_of_the_queue(database, home):
    with database.transaction() as session:
        ranked(session, home, "none", "no_rule_before", score=0.9)
        ranked(session, home, "partner", "partner_country", score=0.8)
        ranked(session, home, "ours", "own_country", score=0.1)
        ranked(session, home, "was to end", "ends_within_24_hours", score=0.95, ends_in=timedelta(hours=-1))
        add(session, home, "in 3 h", ends_in=timedelta(hours=3))
        ranked(session, home, "conflict", "conflict_zone_find", score=0.1)
        ranked(session, home, "not on the list of this unit", "no_rule_before", labels=["period:sumerian", "find:x"])
        ranked(session, home, "number", "museum_number", band="weak", score=0.1)
        add(session, home, "changed").changed_after_decision = True
        ranked(session, home, "danger", "danger_to_person", band="weak", score=0.1)
        assert names(session) == [
            "danger",
            "changed",
            "number",
            "conflict",
            "in 3 h",
            "ours",
            "partner",
            "was to end",
            "none",
            "not on the list of this unit",
        ]


def test_what_must_be_seen_waits_though_no_score_flags_it(database, home):
    with database.transaction() as session:
        listing = ranked(session, home, "Inv. 1234", "museum_number", flagged=False, score=0.05, band="weak")
        add(session, home, "flagged", score=0.9, band="strong")
        assert names(session) == ["Inv. 1234", "flagged"]
        read_anew(session, listing)  # the page no longer shows the number
        assert names(session) == ["Auction house", "flagged"]
        [row, _] = queue_rows(session, queue_places(session, Filters(), now=NOW))
        assert row.place.must_be_seen
        assert row.flagged_before.title == "Inv. 1234"
        decided(session, listing)
        assert names(session) == ["flagged"]


def test_what_is_not_flagged_does_not_wait(database, home):
    with database.transaction() as session:
        add(session, home, "ordinary", flagged=False)
        assert names(session) == []


def test_the_filters_let_through_what_they_name(database, home):
    with database.transaction() as session:
        add(session, home, "Lampe 100%", market="a", language="fr", band="strong", score=0.9)
        add(session, home, "مصباح", market="b", language="ar")
        assert names(session, market="b") == names(session, language="ar") == ["مصباح"]
        assert names(session, band="strong") == names(session, text="LAMPE 100%") == ["Lampe 100%"]
        assert names(session, text="lampe 1_0") == names(session, text="%%") == names(session, text="' OR 1=1") == []
        assert queue_choices(session).markets == {"a": 1, "b": 1}
        assert queue_choices(session).languages == {"ar": 1, "fr": 1}
        assert names(session, state="decided") == []
        assert len(names(session, state="all")) == 2


@pytest.mark.parametrize(
    ("labels", "reasons", "is_one"),
    [
        (["period:sumerian", "find:excavation"], [], True),
        (["object:cylinder_seal"], [{"rule": "find:treasure"}], True),
        (["period:sumerian"], [], False),
        (["period:roman", "find:excavation"], [], False),
        ([], [], False),
    ],
)
def test_a_conflict_zone_culture_needs_a_word_of_the_find(labels, reasons, is_one):
    assert is_conflict_zone_find(labels, reasons) is is_one


def test_the_neighbours_are_those_of_the_queue(database, home):
    with database.transaction() as session:
        ids = [add(session, home, str(n), score=0.9 - n / 10).id for n in range(3)]
        queue = Queue(session, Filters(), now=NOW)
        assert queue.neighbours(ids[0]) == (None, ids[1])
        assert queue.neighbours(ids[1]) == (ids[0], ids[2])
        assert queue.neighbours(ids[2]) == (ids[1], None)
        assert queue.neighbours(999) == (None, ids[0])
        assert Queue(session, Filters(market="none"), now=NOW).neighbours(999) == (None, None)


def read_anew(session, listing, title="Auction house", **other):
    """The listing's page read again: now with this title and nothing else, and not flagged."""
    offer = Offer(title=title, description=None, **({"flagged": False, "score": 0.02, "band": "weak"} | other))
    seen = add_observation(session, listing, offer, None, NOW)
    listing.current_assessment_id = add_assessment(session, listing, seen, offer).id
    session.flush()


def test_a_flag_ends_with_a_decision_only(database, home):
    with database.transaction() as session:
        listing = add(session, home, "Roman lamp from a dig", band="strong", score=0.9, language="fr")
        add(session, home, "newer", band="medium", score=0.6)
        read_anew(session, listing)
        places = queue_places(session, Filters(), now=NOW)
        assert [(place.band, place.score) for place in places] == [("strong", 0.9), ("medium", 0.6)]
        former, newer = queue_rows(session, places)
        assert former.observation.title == "Auction house"
        assert former.flagged_before.title == "Roman lamp from a dig"
        assert newer.flagged_before is None
        judged, told = flagged_before(session, listing)
        assert (judged.id, told.id) == (former.assessment.id, former.flagged_before.id)
        assert names(session, text="roman lamp") == names(session, text="auction") == ["Auction house"]
        assert names(session, band="strong", language="fr") == ["Auction house"]

        decided(session, listing)
        assert names(session) == ["newer"]
        assert names(session, state="decided") == ["Auction house"]
        listing.changed_after_decision = True
        session.flush()
        assert names(session) == ["Auction house", "newer"]


def test_the_newest_flag_counts_where_it_stands(database, home):
    with database.transaction() as session:
        listing = add(session, home, "lamp", score=0.9)
        read_anew(session, listing)
        read_anew(session, listing, title="lamp again", flagged=True, score=0.7)
        [row] = queue_rows(session, queue_places(session, Filters(), now=NOW))
        assert (row.observation.title, row.assessment.score, row.flagged_before) == ("lamp again", 0.7, None)
        assert flagged_before(session, listing) is None


def test_a_saved_picture_without_words_waits_whatever_its_market(database, home):
    with database.transaction() as session:
        add(session, home, "lot 12", description=None, flagged=False, market="example_auction", language=None)
        assert names(session) == ["lot 12"]
        assert queue_choices(session).markets == {"example_auction": 1}
        crawled = add(session, home, "of a crawl", description=None, flagged=False)
        crawl = Crawl(market="example_auction", queries=[])
        session.add(crawl)
        session.flush()
        crawled.current_observation.crawl_id = crawl.id
        session.flush()
        assert names(session) == ["lot 12"]


def decided(session, listing):
    user = create_user(session, "Amina", "reviewer")
    decision = Decision(
        listing_id=listing.id,
        observation_id=listing.current_observation_id,
        user_id=user.id,
        verdict="unsure",
        next_step="keep_an_eye",
        request_key="once",
    )
    session.add(decision)
    session.flush()
    listing.current_decision_id = decision.id
    session.flush()


def joined(session, one, other):
    return join(session, one.id, other.id, score=9.0, why=[], method="test", actor="job 1")


def test_an_object_has_one_card_however_often_it_is_offered(database, home):
    with database.transaction() as session:
        weak = add(session, home, "weak", band="weak", score=0.1)
        best = add(session, home, "best", band="strong", score=0.9)
        unflagged = add(session, home, "unflagged", flagged=False, score=0.0)
        add(session, home, "alone")
        joined(session, weak, best)
        joined(session, unflagged, best)
        rows = queue_rows(session, queue_places(session, Filters(), now=NOW))
        assert [(row.observation.title, row.elsewhere) for row in rows] == [("best", 2), ("alone", 0)]


def test_a_decision_on_another_offering_is_shown_and_not_copied(database, home):
    with database.transaction() as session:
        one, other = add(session, home, "one", score=0.9), add(session, home, "other", score=0.8)
        joined(session, one, other)
        user = create_user(session, "amina", role="reviewer", password="correct horse battery")
        decision = Decision(
            listing_id=one.id, observation_id=one.current_observation_id, user_id=user.id, verdict="replica",
            next_step="dismiss", request_key="k",
        )  # fmt: skip
        session.add(decision)
        session.flush()
        one.current_decision_id = decision.id
        session.flush()
        (row,) = queue_rows(session, queue_places(session, Filters(), now=NOW))
        assert (row.observation.title, row.decision, row.decided_elsewhere) == ("other", None, decision)
        assert names(session, state="decided") == ["one"]
        said = statements_about(session, [one.id])[0]
        undo(session, AuditChain(), said.id, actor="amina")
        (row,) = queue_rows(session, queue_places(session, Filters(), now=NOW))
        assert (row.elsewhere, row.decided_elsewhere) == (0, None)
