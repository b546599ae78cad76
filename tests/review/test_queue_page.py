"""The queue as an investigator reads it in the morning: one line a hit, filters, orders."""

from __future__ import annotations

from datetime import timedelta

import pytest

from review.summary import NOTHING, summarise
from storage.tables import Assessment
from tests.review.conftest import decision_form
from tests.review.seed import Offer, add_listing

ANSWERS = {
    "replica": {"band": "strong", "findings": []},
    "types": [{"id": "oil_lamp"}],
    "materials": [{"id": "terracotta"}],
    "periods": [{"id": "roman"}, {"id": "roman"}],
    "provenance": {"claims": [{"id": "an_id_of_tomorrow"}], "papers": True},
    "red_list": [],
}


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_a_summary_names_each_answer_once_in_the_reader_s_language(language):
    said = summarise(ANSWERS, language)
    assert len(said.object.split(" · ")) == 3
    assert "_" not in said.object
    assert (said.claims, said.is_replica_likely, said.has_papers) == ("an_id_of_tomorrow", True, True)
    assert said.object != summarise(ANSWERS, "fr" if language == "en" else "en").object


@pytest.mark.parametrize("answers", [None, {}])
def test_an_assessment_without_answers_has_nothing_to_sum_up(answers):
    assert summarise(answers, "en") is NOTHING


def test_a_listing_that_names_no_antiquity_is_summed_up_without_claims():
    assert summarise({"replica": {"band": "weak"}, "provenance": None}, "en") == NOTHING


@pytest.mark.parametrize("band", ["none", "weak"])
def test_a_weak_answer_earns_no_mark_of_a_replica(band):
    assert not summarise(ANSWERS | {"replica": {"band": band}}, "en").is_replica_likely


@pytest.mark.parametrize(("language", "words"), [("en", "Papers claimed"), ("fr", "Documents"), ("ar", "وثائق")])
def test_the_card_says_what_the_answers_say(visit, desk_database, home, language, words):
    with desk_database.transaction() as session:
        listing = add_listing(session, home, Offer())
        session.get_one(Assessment, listing.current_assessment_id).answers = ANSWERS
    page = visit("reviewer").get(f"/?lang={language}").text
    card = page[page.index('class="hits"') :]
    assert words in card
    assert str(summarise(ANSWERS, language).object.split(" · ")[0]) in card
    assert "Lyon, France" in card


def titles(page: str, *names: str) -> list[str]:
    """Those of the names that the page has, in its order."""
    hits = page[page.index("</form>", page.index('class="filters"')) :]
    return sorted((name for name in names if name in hits), key=hits.index)


def test_a_seller_s_name_leads_to_that_seller_s_hits_alone(visit, desk_database, home):
    with desk_database.transaction() as session:
        add_listing(session, home, Offer(title="First vase", seller="A & B"))
        add_listing(session, home, Offer(title="Second vase", seller="Others"))
    reader = visit("reviewer")
    assert 'href="/?seller=A%20%26%20B"' in reader.get("/").text
    assert titles(reader.get("/?seller=A%20%26%20B").text, "First vase", "Second vase") == ["First vase"]


def test_hits_are_filtered_by_priority_and_by_what_was_decided(visit, desk_database, home):
    with desk_database.transaction() as session:
        ours = add_listing(session, home, Offer(title="First vase"))
        session.get_one(Assessment, ours.current_assessment_id).priority = "own_country"
        other = add_listing(session, home, Offer(title="Second vase"))
    reader = visit("reviewer")
    both = ("First vase", "Second vase")
    assert titles(reader.get("/?priority=own_country").text, *both) == ["First vase"]
    form = decision_form(reader.get(f"/listings/{other.id}").text)
    assert reader.post(f"/listings/{other.id}/decision", data=form).status_code == 303
    assert titles(reader.get("/?state=all&verdict=unsure").text, *both) == ["Second vase"]
    assert "No listing fits" in reader.get("/?state=all&verdict=replica").text


def test_the_reader_chooses_the_order_and_danger_stays_first(visit, desk_database, home):
    names = ("Late vase", "Soon vase", "New vase", "Danger vase")
    with desk_database.transaction() as session:
        add_listing(session, home, Offer(title="Danger vase", score=0.1, band="weak"))
        add_listing(session, home, Offer(title="Soon vase", score=0.2, ends_in=timedelta(days=5)))
        add_listing(session, home, Offer(title="Late vase", score=0.9, ends_in=timedelta(days=9)))
        add_listing(session, home, Offer(title="New vase", score=0.3))
        for row in session.query(Assessment).where(Assessment.score == 0.1):
            row.priority = "danger_to_person"
    reader = visit("reviewer")

    def order(sort):
        return [name.split()[0] for name in titles(reader.get(f"/?sort={sort}").text, *names)]

    assert order("urgency") == order("no_such_order") == ["Danger", "Late", "New", "Soon"]
    assert order("ending") == ["Danger", "Soon", "Late", "New"]
    assert order("newest") == ["Danger", "New", "Late", "Soon"]
