"""What decisions teach: the text that was on the screen, and the last word about it."""

from __future__ import annotations

import uuid

import pytest

from storage.tables import Decision
from storage.taught import decided_texts
from storage.users import create_user
from tests.review.seed import NOW, Offer, add_listing, add_observation


@pytest.fixture
def amina(database):
    with database.transaction() as session:
        create_user(session, "amina", "reviewer")
    return "amina"


def decide(session, listing, verdict, reason=None, observation=None):
    decision = Decision(
        listing_id=listing.id,
        observation_id=observation or listing.current_observation_id,
        assessment_id=listing.current_assessment_id,
        user_id=1,
        verdict=verdict,
        reason=reason,
        next_step="dismiss",
        request_key=str(uuid.uuid4()),
    )
    session.add(decision)
    session.flush()
    listing.current_decision_id = decision.id


def taught(session):
    return [(one.title, one.antiquity, one.reviewer) for one in decided_texts(session)]


def test_the_last_word_about_a_text_counts_and_a_changed_text_is_another(database, home, amina):
    with database.transaction() as session:
        listing = add_listing(session, home, Offer(title="lamp"))
        decide(session, listing, "antiquity")
        decide(session, listing, "replica")
        first = listing.current_observation_id
        add_observation(session, listing, Offer(title="lamp, 19th century"), None, NOW)
        decide(session, listing, "other")
        assert taught(session) == [("lamp", False, "amina"), ("lamp, 19th century", False, "amina")]
        decide(session, listing, "antiquity", observation=first)
        assert ("lamp", True, "amina") in taught(session)


def test_what_says_nothing_of_the_text_teaches_nothing(database, home, amina):
    with database.transaction() as session:
        for title, verdict, reason in (
            ("unsure", "unsure", None),
            ("seen before", "other", "duplicate"),
            ("with an export licence", "other", "lawful_documented"),
            ("a museum's page", "other", "not_an_offer"),
            ("an antiquity with a licence", "antiquity", "lawful_documented"),
            ("a copy", "replica", "replica"),
        ):
            decide(session, add_listing(session, home, Offer(title=title)), verdict, reason)
        listing = add_listing(session, home, Offer(title="of the demo"))
        listing.demo = True
        decide(session, listing, "antiquity")
        decide(session, add_listing(session, home, Offer(title="", description=None)), "antiquity")
        assert taught(session) == [("an antiquity with a licence", True, "amina"), ("a copy", False, "amina")]
