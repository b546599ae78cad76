"""The same object elsewhere, on the card and on the listing's page, in three languages."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from storage.audit import AuditChain
from storage.object_index import keep_candidates
from storage.objects import join, split
from storage.tables import Decision
from storage.users import create_user, find_user
from tests.review.seed import NOW, Offer, add_listing


@pytest.fixture
def two(desk_database, home):
    """A lamp that was removed from one market, dismissed there, and came back cheaper on another."""
    with desk_database.transaction() as session:
        first = add_listing(session, home, Offer(title="Lamp of the first house", price=Decimal(900), market="one"))
        again = add_listing(session, home, Offer(title="Lamp again", price=Decimal(600), market="two", score=0.9))
        first.state, first.first_seen_at = "gone", NOW - timedelta(days=40)
        first.last_seen_at = NOW - timedelta(days=30)
        user = create_user(session, "Basma", "reviewer")
        decision = Decision(
            listing_id=first.id, observation_id=first.current_observation_id, user_id=user.id,
            verdict="replica", next_step="dismiss", request_key="k",
        )  # fmt: skip
        session.add(decision)
        session.flush()
        first.current_decision_id = decision.id
        join(session, first.id, again.id, score=9.0, why=[], method="test", actor="job 1")
        return first.id, again.id


WORDS = {
    "en": (
        "Same object elsewhere: 1",
        "Relisted on",
        "Price fell from",
        "Moved to another market",
        "Decided on another",
    ),
    "fr": (
        "Même objet ailleurs : 1",
        "Remis en vente",
        "Prix baissé",
        "Passé à un autre marché",
        "Décidé sur une autre",
    ),
    "ar": ("القطعة نفسها في عروض أخرى", "أعيد عرضها", "انخفض السعر", "انتقلت إلى سوق أخرى", "قرار على عرض آخر"),
}


@pytest.mark.parametrize("language", WORDS)
def test_the_card_counts_and_the_page_tells_what_the_offerings_say_together(visit, two, desk_database, language):
    first, again = two
    with desk_database.transaction() as session:
        find_user(session, "reviewer").language = language
    client = visit("reviewer")
    card, page = client.get("/").text, client.get(f"/listings/{again}").text
    counted, relisted, fell, moved, decided = WORDS[language]
    assert counted in card and decided in card
    assert all(words in page for words in (relisted, fell, moved, decided))
    assert f'href="/listings/{first}"' in page
    assert "<strong>" not in page.split('id="same-object"')[1].split("</section>")[0]


def test_what_may_be_the_same_is_shown_with_what_speaks_against_it(visit, two, desk_database, home):
    _, again = two
    with desk_database.transaction() as session:
        split(session, AuditChain(), [again], actor="Basma")
        third = add_listing(session, home, Offer(title="Another lamp"))
        keep_candidates(
            session,
            [
                {
                    "listing_id": third.id,
                    "other_listing_id": again,
                    "observation_id": third.current_observation_id,
                    "other_observation_id": again,
                    "score": 5.0,
                    "why": [{"part": "size", "weight": 3.0, "ours": "12", "theirs": "12"}],
                    "conflicts": ["weight"],
                    "method": "test",
                }
            ],
        )
    page = visit("reviewer").get(f"/listings/{again}").text
    section = page.split('id="same-object"')[1].split("</section>")[0]
    assert "Another lamp" in section and "another weight" in section and "size" in section
    assert "Lamp of the first house" not in section
