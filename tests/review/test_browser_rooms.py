"""The newer rooms of the desk in a real browser, in three languages, on a desk screen and on a phone."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from storage.audit import AuditChain
from storage.cases import add_exhibit, open_case
from storage.tables import Alarm, Attachment, Case, ExportRequest, User, utc_now
from storage.watches import add_watch
from tests.review.seed import Offer, add_listing
from tests.review.test_browser import PAYLOADS, chromium, open_page, running  # noqa: F401  (fixtures)

ROOMS = (
    "/cases",
    "/cases/{case}",
    "/alarms",
    "/overview",
    "/second-factor",
    "/administration/users",
    "/administration/markets",
    "/administration/watches",
    "/administration/models",
    "/audit?check=1",
)
UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]):not([hidden]), select, textarea, button')]
  .filter(e => !(e.labels && e.labels.length) && !e.getAttribute('aria-label') && !e.textContent.trim())
  .map(e => e.outerHTML)"""


@pytest.fixture
def case(desk_database, home):
    """A case, an alarm and a schedule, every word of which is hostile."""
    hostile = " ".join(PAYLOADS)[:280]
    chain = AuditChain()
    with desk_database.transaction() as session:
        listing = add_listing(session, home, Offer(title=hostile, description=hostile, seller=hostile))
        case = open_case(session, chain, title=hostile[:200], actor=hostile)
        add_exhibit(
            session,
            chain,
            case=case,
            listing_id=listing.id,
            observation_id=listing.current_observation_id,
            actor=hostile,
        )
        session.add(
            Alarm(
                kind="x",
                listing_id=listing.id,
                observation_id=listing.current_observation_id,
                model="x",
                reasons=[{"text": hostile}],
                raised_at=utc_now(),
            )
        )
        add_watch(session, name=hostile, markets=[hostile], queries=[hostile], every_seconds=60, actor="x", audit=chain)
        return case.reference


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_hostile_words_do_nothing_and_nothing_is_cut_in_any_room(open_page, running, desk_database, case, language):  # noqa: F811
    page = open_page("admin")
    with desk_database.transaction() as session:
        session.scalars(select(User).where(User.name == "admin")).one().language = language
    for width in (1366, 390):
        page.set_viewport_size({"width": width, "height": 768})
        for room in ROOMS:
            page.goto(running.address + room.format(case=case))
            assert page.locator("html").get_attribute("lang") == language
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, (room, width)
            assert page.evaluate(UNNAMED) == [], room
            assert page.locator("main iframe, main script, main base, main meta").count() == 0, room


def test_a_case_is_worked_on_from_assignment_to_a_bundle_that_two_people_agree_to(
    open_page,  # noqa: F811
    running,  # noqa: F811
    desk_database,
    home,
    tmp_path,
):
    chain = AuditChain()
    with desk_database.transaction() as session:
        listing = add_listing(session, home, Offer())
        case = open_case(session, chain, title="Lamps", actor="lead")
        case.four_eyes = True
        seen = listing.current_observation_id
        add_exhibit(session, chain, case=case, listing_id=listing.id, observation_id=seen, actor="lead")
        address = f"{running.address}/cases/{case.reference}"
    letter = tmp_path / "letter of the museum.pdf"
    letter.write_bytes(b"%PDF-1.7 letter")

    page = open_page("exporter")
    page.goto(address)
    page.get_by_label("Give the case to").select_option("lead")
    page.get_by_role("button", name="Assign").click()
    page.get_by_label("Authority or market").fill("الجمارك Lyon")
    page.get_by_role("button", name="Record the referral").click()
    page.get_by_text("Record an outcome").first.click()
    page.locator("select[name=result]").select_option("seized")
    page.locator("form[action$='/outcome'] input[type=file]").set_input_files(letter)
    page.get_by_role("button", name="Record an outcome").click()
    page.get_by_role("link", name="letter of the museum.pdf").wait_for()
    page.get_by_label("What is the bundle for?").fill("For the court")
    page.get_by_role("button", name="Make an evidence bundle").click()
    page.get_by_text("A second person has to agree").wait_for()
    assert page.get_by_role("button", name="Agree").count() == 0

    second = open_page("admin")
    second.goto(address)
    second.get_by_role("button", name="Agree").click()
    second.get_by_text("waiting to start").wait_for()
    with desk_database.transaction() as session:
        assert session.scalars(select(ExportRequest)).one().state == "approved"
        assert session.scalars(select(Attachment)).one().media_type == "application/pdf"
        assert re.fullmatch(r"RW-\d{4}-0001", session.scalars(select(Case)).one().reference)
