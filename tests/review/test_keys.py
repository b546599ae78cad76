"""Decisions by key on the queue's cards, hits gone through on every page that lists them, and help that tells no more
than what works there; in a real browser.
"""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from storage.assignments import assignee_of
from storage.audit import AuditChain
from storage.cases import add_exhibit, open_case
from storage.decisions import undone_decisions
from storage.tables import Alert, Decision, Listing, Observation
from storage.users import create_user, find_user
from tests.review.conftest import decision_form, field
from tests.review.seed import Offer, add_listing
from tests.review.test_browser import chromium, open_page, running  # noqa: F401


@pytest.fixture
def three(desk_database, home):
    with desk_database.transaction() as session:
        offers = [Offer(title=f"Lamp {n}", score=0.9 - n / 100) for n in range(3)]
        return [add_listing(session, home, offer).id for offer in offers]


def decided(desk_database):
    with desk_database.reading() as session:
        made = session.scalars(select(Decision).order_by(Decision.id)).all()
        return [(one.listing_id, one.verdict, one.next_step, one.reason, one.note) for one in made]


def focused_hit(page):
    return page.evaluate("document.activeElement.id")


def await_focus(page, hit):
    """Until the card has the focus on a page whose script hears keys: one pressed before that does nothing."""
    page.wait_for_selector(f"#hit-{hit}:focus")
    page.wait_for_load_state()


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_cards_are_decided_on_where_they_stand_one_after_the_other(
    open_page,  # noqa: F811
    desk_database,
    three,
    language,
):
    page = open_page("reviewer")
    with desk_database.transaction() as session:
        find_user(session, "reviewer").language = language
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("r")
    form = page.locator(f"li:has(#hit-{three[0]}) form#decision")
    assert form.is_visible() and form.locator("textarea[name=note]").is_visible()
    page.keyboard.press("Enter")
    await_focus(page, three[1])
    for key in ("u", "e", "n"):
        page.keyboard.press(key)
    page.keyboard.type("rad 7")
    page.keyboard.press("Control+Enter")
    await_focus(page, three[2])
    page.keyboard.press("o")
    page.keyboard.press("8")
    page.keyboard.press("Enter")
    page.wait_for_selector(".empty")
    page.wait_for_load_state()
    assert decided(desk_database) == [
        (three[0], "replica", "dismiss", "replica", None),
        (three[1], "unsure", "keep_an_eye", None, "rad 7"),
        (three[2], "other", "dismiss", "not_an_offer", None),
    ]
    page.keyboard.press("z")
    await_focus(page, three[2])
    with desk_database.reading() as session:
        assert len(undone_decisions(session)) == 1
        assert session.get_one(Listing, three[2]).current_decision_id is None


def test_the_form_goes_with_the_card_and_away_with_escape(open_page, three):  # noqa: F811
    page = open_page("reviewer")
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.keyboard.press("j")
    assert focused_hit(page) == f"hit-{three[1]}"
    page.keyboard.press("d")
    assert page.locator("form#decision").count() == 1
    assert (
        page.locator(f"li:has(#hit-{three[1]}) form#decision").get_attribute("action")
        == f"/listings/{three[1]}/decision"
    )
    chosen = page.evaluate("[...new FormData(document.getElementById('decision')).entries()]")
    assert [value for name, value in chosen if name in ("verdict", "next_step")] == ["dismiss"]
    page.keyboard.press("Escape")
    assert page.locator("form#decision").count() == 0
    assert focused_hit(page) == f"hit-{three[1]}"


def test_after_the_last_card_of_a_page_comes_the_next_page(open_page, desk_database, home):  # noqa: F811
    with desk_database.transaction() as session:
        ids = [add_listing(session, home, Offer(title=f"Lamp {n}", score=0.9 - n / 100)).id for n in range(27)]
    page = open_page("reviewer")
    for _ in range(25):
        page.keyboard.press("j")
    assert focused_hit(page) == f"hit-{ids[24]}"
    page.keyboard.press("j")
    page.wait_for_url("**/?page=2")
    page.keyboard.press("j")
    assert focused_hit(page) == f"hit-{ids[25]}"
    page.keyboard.press("k")
    page.wait_for_url("**/?page=1")


def test_m_gives_the_card_or_the_listing_to_oneself(open_page, desk_database, running, three):  # noqa: F811
    page = open_page("reviewer")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("m")
    page.wait_for_url(f"**#hit-{three[1]}")
    page.goto(f"{running.address}/listings/{three[2]}?state=all")
    page.wait_for_load_state()
    page.keyboard.press("m")
    page.wait_for_url(f"**/listings/{three[2]}?state=all#assignment")
    assert "reviewer" in page.locator("#assignment p").first.inner_text()
    with desk_database.reading() as session:
        given = [assignee_of(session, one) for one in three]
        assert [user.name if user else None for user in given] == [None, "reviewer", "reviewer"]


def keys_told(page):
    page.keyboard.press("?")
    page.wait_for_selector("#keys:popover-open")
    told = page.locator("#keys dt").all_inner_texts()
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")
    return {key for one in told for key in one.split()}


def test_help_tells_the_keys_that_work_on_the_page_and_no_others(open_page, running, three):  # noqa: F811
    page = open_page("reviewer")
    deciding = set("aroufexdnz?") - {"z"} | {"1–9", "Enter"}
    assert keys_told(page) == deciding | {"j", "k", "m", "c", "g", "Esc"}
    page.goto(f"{running.address}/listings/{three[0]}")
    assert keys_told(page) == deciding | {"j", "k", "m", "p"}
    viewer = open_page("viewer")
    assert keys_told(viewer) == {"j", "k", "Enter", "?"}
    viewer.keyboard.press("j")
    viewer.keyboard.press("r")
    assert viewer.locator("form#decision").count() == 0
    viewer.goto(f"{running.address}/listings/{three[0]}")
    assert keys_told(viewer) == {"j", "k", "p", "?"}


def test_hits_are_gone_through_on_every_page_that_lists_them(open_page, desk_database, home, running, three):  # noqa: F811
    with desk_database.transaction() as session:
        chain = AuditChain()
        user = find_user(session, "reviewer")
        case = open_case(session, chain, title="Lamps", actor="lead")
        for number in three:
            seen = session.get_one(Listing, number).current_observation_id
            add_exhibit(session, chain, case=case, listing_id=number, observation_id=seen, actor="lead")
        for number in three:
            judged = session.get_one(Listing, number).current_assessment_id
            session.add(Alert(user_id=user.id, listing_id=number, assessment_id=judged, kind="hit", searches=[]))
        reference = case.reference
        seller = session.get_one(Observation, session.get_one(Listing, three[0]).current_observation_id).seller_id
    page = open_page("reviewer")
    for path in (f"/cases/{reference}", "/alerts", f"/sellers/{seller}"):
        page.goto(running.address + path)
        assert keys_told(page) == {"j", "k", "Enter", "?"}
        page.keyboard.press("j")
        first = page.evaluate("document.activeElement.pathname")
        page.keyboard.press("j")
        second = page.evaluate("document.activeElement.pathname")
        assert first != second, path
        assert re.fullmatch(r"/listings/\d+", first) and re.fullmatch(r"/listings/\d+", second)
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{first}")


def test_only_ones_own_standing_decision_is_taken_back(visit, desk_database, three):
    mine, theirs = visit("reviewer"), visit("lead")
    form = decision_form(mine.get(f"/listings/{three[0]}").text)
    address = mine.post(f"/listings/{three[0]}/decision", data=form).headers["location"]
    number = re.search(r"decided=(\d+)", address)[1]
    page = mine.get(address).text
    sent = {"csrf": field(page, "csrf"), "decision": number, "filters": "state=all", "place": "listing"}
    assert "data-undo" in page and "data-undo" not in theirs.get(address).text
    other = {**sent, "csrf": field(theirs.get(address).text, "csrf")}
    assert theirs.post(f"/listings/{three[0]}/undo", data=other).status_code == 422
    assert mine.post(f"/listings/{three[1]}/undo", data=sent).status_code == 404
    answer = mine.post(f"/listings/{three[0]}/undo", data=sent)
    assert answer.headers["location"] == f"/listings/{three[0]}?state=all"
    assert mine.post(f"/listings/{three[0]}/undo", data=sent).status_code == 409
    assert "data-undo" not in mine.get(address).text


def test_a_listing_is_given_to_another_without_script_and_to_nobody_who_does_not_decide(visit, desk_database, three):
    with desk_database.transaction() as session:
        people = {name: create_user(session, name, role) for name, role in (("Nadia", "lead"), ("Omar", "viewer"))}
        session.flush()
        numbers = {name: one.id for name, one in people.items()}
    client = visit("reviewer")
    path = f"/listings/{three[0]}/assignment"
    csrf = field(client.get(f"/listings/{three[0]}").text, "csrf")
    for name, status in (("Nadia", 303), ("Omar", 422)):
        answer = client.post(path, data={"csrf": csrf, "assignee": str(numbers[name]), "filters": ""})
        assert answer.status_code == status
    with desk_database.reading() as session:
        assert assignee_of(session, three[0]).name == "Nadia"
    client.post(path, data={"csrf": csrf, "assignee": "-", "filters": ""})
    with desk_database.reading() as session:
        assert assignee_of(session, three[0]) is None
