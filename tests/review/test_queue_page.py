"""The queue as an investigator reads it in the morning: one line a hit, filters, orders."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from review.summary import NOTHING, summarise
from storage.tables import Assessment, Decision, Listing
from tests.review.conftest import decision_form, field
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


def chosen(listing) -> str:
    decision = listing.current_decision_id or ""
    return f"{listing.id}.{listing.current_observation_id}.{listing.current_assessment_id}.{decision}"


def group_form(page: str, **sent):
    part = page[page.index('id="group-form"') :]
    return {name: field(part, name) for name in ("csrf", "request_key", "filters", "page")} | sent


DISMISSED = {"verdict": "replica", "next_step": "dismiss", "reason": "replica", "note": ""}


@pytest.fixture
def three(desk_database, home):
    with desk_database.transaction() as session:
        return [add_listing(session, home, Offer(title=f"Group vase {number}")) for number in range(3)]


def test_several_hits_are_decided_on_at_once_each_by_itself(visit, desk_database, three):
    reader, other = visit("reviewer"), visit("lead")
    form = group_form(reader.get("/").text, chosen=[chosen(one) for one in three], **DISMISSED)
    page = other.get(f"/listings/{three[1].id}").text
    other.post(f"/listings/{three[1].id}/decision", data=decision_form(page, verdict="antiquity"))
    answer = reader.post("/queue/decisions", data=form)
    assert answer.status_code == 200
    kept, conflicts = answer.text.split("not decided: somebody was faster")
    assert titles_in(kept) == ["Group vase 0", "Group vase 2"]
    assert titles_in(conflicts) == ["Group vase 1"]
    with desk_database.reading() as session:
        rows = session.scalars(
            select(Decision).where(Decision.verdict == "replica").order_by(Decision.listing_id)
        ).all()
        assert [(row.listing_id, row.observation_id) for row in rows] == [
            (one.id, one.current_observation_id) for one in (three[0], three[2])
        ]
    assert reader.post("/queue/decisions", data=form).status_code == 200
    with desk_database.reading() as session:
        assert len(session.scalars(select(Decision)).all()) == 3
    undo = {"csrf": form["csrf"], "filters": "", "page": "1", "decision": [str(row.id) for row in rows]}
    assert "2 undone" in reader.post("/queue/undo", data=undo).text
    assert titles(reader.get("/").text, "Group vase 0", "Group vase 1", "Group vase 2") == [
        "Group vase 0",
        "Group vase 2",
    ]


def titles_in(part: str) -> list[str]:
    return sorted(set(re.findall(r"Group vase \d", part)))


def test_a_group_without_a_reason_or_without_hits_keeps_nothing(visit, desk_database, three):
    reader = visit("reviewer")
    form = group_form(reader.get("/").text, **(DISMISSED | {"reason": ""}))
    assert reader.post("/queue/decisions", data=form | {"chosen": [chosen(three[0])]}).status_code == 422
    assert reader.post("/queue/decisions", data=form).status_code == 422
    assert reader.post("/queue/decisions", data=form | {"chosen": ["1.x"]}).status_code == 404
    with desk_database.reading() as session:
        assert session.scalars(select(Decision)).all() == []


def test_somebody_else_s_decision_cannot_be_undone(visit, desk_database, three):
    reader, other = visit("reviewer"), visit("lead")
    form = group_form(reader.get("/").text, chosen=[chosen(three[0])], **DISMISSED)
    reader.post("/queue/decisions", data=form)
    with desk_database.reading() as session:
        number = session.scalars(select(Decision.id)).one()
    csrf = field(other.get("/?state=decided").text, "csrf")
    answer = other.post("/queue/undo", data={"csrf": csrf, "decision": [str(number)]})
    assert answer.status_code == 422
    with desk_database.reading() as session:
        assert session.get_one(Listing, three[0].id).current_decision_id == number


def test_hits_are_given_to_a_person_and_found_by_that(visit, desk_database, three):
    reader = visit("reviewer")
    form = group_form(reader.get("/").text, chosen=[chosen(three[0]), chosen(three[2])], assignee="me")
    assert reader.post("/queue/assignment", data=form).headers["location"] == f"/?#hit-{three[0].id}"
    page = reader.get("/?assignee=reviewer").text
    assert titles(page, "Group vase 0", "Group vase 1", "Group vase 2") == ["Group vase 0", "Group vase 2"]
    assert page.count("Given to reviewer") == 2
    assert titles(reader.get("/?assignee=-").text, "Group vase 0", "Group vase 1") == ["Group vase 1"]
    assert reader.post("/queue/assignment", data=form | {"assignee": "999"}).status_code == 422


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_a_filter_that_is_not_understood_is_named_and_left_out(visit, three, language):
    page = visit("reviewer").get(f"/?lang={language}&price_min=5&size_max=1,000&since=tomorrow").text
    notice = page[page.index('role="alert"') : page.index('class="filters"')]
    assert notice.count("<li>") == 3
    assert len(titles_in(page)) == 3


def test_new_hits_are_counted_from_when_the_page_was_opened(visit, desk_database, home, three):
    reader = visit("reviewer")
    address = html.unescape(re.search(r'data-address="([^"]+)"', reader.get("/?market=example_auction").text).group(1))
    assert reader.get(address).json()["count"] == 0
    with desk_database.transaction() as session:
        add_listing(session, home, Offer(title="Just in"))
        add_listing(session, home, Offer(title="Elsewhere", market="other"))
    assert reader.get(address).json() == {"count": 1, "text": "1 new"}
    assert reader.get("/queue/new").status_code == 404
