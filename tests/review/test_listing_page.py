"""A listing's page beside facts and decision: terms, Object ID, prices, differences, coverage, pictures, registers."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from PIL import Image
from sqlalchemy import select

from storage.audit import AuditChain
from storage.object_id import examination_source, state_field
from storage.tables import (
    Assessment,
    AuditEvent,
    Capture,
    Crawl,
    Job,
    Listing,
    Match,
    ObjectIdStatement,
    Observation,
    RegisterEntry,
    RegisterList,
    Segment,
)
from storage.users import find_user
from tests.review.conftest import field
from tests.review.seed import NOW, Offer, add_assessment, add_listing, add_observation, keep_file, png

LANGUAGES = ("en", "fr", "ar")
WORDS_OF_LAMP = {"field": "title", "start": 11, "end": 19, "text": "oil lamp", "weight": 1.2, "rule": "object:oil_lamp"}
ANSWERS = {"types": [{"id": "oil_lamp", "weight": 1.2, "basis": "words", "reasons": [WORDS_OF_LAMP]}], "origins": []}


@pytest.fixture
def lamp(desk_database, home):
    with desk_database.transaction() as session:
        return add_listing(session, home, Offer()).id


def speak(desk_database, role, language):
    with desk_database.transaction() as session:
        find_user(session, role).language = language


def send(client, listing, what, **data):
    csrf = field(client.get(f"/listings/{listing}").text, "csrf")
    return client.post(f"/listings/{listing}/{what}", data={"csrf": csrf} | data)


def soup(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, address
    return BeautifulSoup(answer.text, "html.parser")


# -- terms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "name"), [("en", "oil lamp"), ("fr", "lampe à huile"), ("ar", "سراج زيت")])
def test_a_known_term_has_its_meaning_beside_it_in_the_readers_language(visit, desk_database, lamp, language, name):
    with desk_database.transaction() as session:
        judged = session.scalars(select(Assessment)).one()
        judged.answers = ANSWERS
    speak(desk_database, "reviewer", language)
    [term] = soup(visit("reviewer"), f"/listings/{lamp}").select("h1 dfn.gloss")
    tip = term.select_one("[role=tooltip]")
    assert term["aria-describedby"] == tip["id"] and term["tabindex"] == "0"
    assert term.find(string=True) == "oil lamp"  # the words of the listing stay, the reason's mark around them too
    assert tip.strong.text == name
    assert len(tip.text) > len(name) + 10


# -- Object ID ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sheet_keeps_the_listings_claim_and_the_officers_word_apart(visit, desk_database, lamp, language):
    speak(desk_database, "reviewer", language)
    client = visit("reviewer")
    photo = client.get(f"/listings/{lamp}").text
    assert 'href="/static/listing.css"' in photo
    with desk_database.reading() as session:
        capture = session.scalars(select(Capture).where(Capture.kind == "thumbnail")).one()
    sent = [
        {"field": "maker", "value": "unknown workshop", "source": "text", "words": "soil traces"},
        {"field": "distinguishing_features", "value": "chip", "source": "photo", "capture": str(capture.id)},
        {"field": "subject", "value": "Isis", "source": "examination", "note": "10x lens, at the counter"},
        {"field": "subject", "value": "Isis with Horus", "source": "examination", "note": "cleaned"},
    ]
    for one in sent:
        answer = send(client, lamp, "object-id", **one)
        assert answer.headers["location"] == f"/listings/{lamp}#object-id"
    sheet = soup(client, f"/listings/{lamp}").select_one("#object-id")
    rows = {row.th.text: [cell.text for cell in row.find_all("td")] for row in sheet.tbody.find_all("tr")}
    assert len(rows) == 11
    stated = [officer for _, officer in rows.values()]
    assert any("unknown workshop" in one and "soil traces" in one and "reviewer" in one for one in stated)
    assert any("Isis with Horus" in one and "cleaned" in one and "10x lens" in one for one in stated)
    nothing = {"en": "not stated", "fr": "non indiqué", "ar": "غير مذكور"}[language]
    assert sum(nothing in listing for listing, _ in rows.values()) >= 3
    assert sheet.meter["value"] == str(int(sheet.meter.text))
    with desk_database.reading() as session:
        kept = session.scalars(select(ObjectIdStatement).order_by(ObjectIdStatement.id)).all()
        assert [(one.field, one.value, one.source["kind"]) for one in kept] == [
            (one["field"], one["value"], one["source"]) for one in sent
        ]
        told = session.scalars(select(AuditEvent).where(AuditEvent.action == "described")).all()
        assert [event.actor for event in told] == ["reviewer"] * 4
    answer = send(client, lamp, "object-id", field="subject", take_back="1", source="examination", note="another lamp")
    assert answer.status_code == 303
    assert "Isis with Horus" in soup(client, f"/listings/{lamp}").select_one("#object-id details").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_statement_that_rests_on_nothing_is_refused_in_the_readers_language(visit, desk_database, lamp, language):
    speak(desk_database, "reviewer", language)
    client = visit("reviewer")
    for one, words in (
        ({"field": "maker", "value": "Thebes", "source": "text", "words": "from Thebes"}, "from Thebes"),
        ({"field": "maker", "value": "Thebes", "source": "photo", "capture": "999"}, "Thebes"),
        ({"field": "maker", "value": "Thebes", "source": "examination", "note": ""}, "Thebes"),
        ({"field": "nothing", "value": "Thebes", "source": "examination", "note": "x"}, "Thebes"),
    ):
        answer = send(client, lamp, "object-id", **one)
        assert answer.status_code == 422
        assert words in answer.text  # what was written is there to be copied
    with desk_database.reading() as session:
        assert session.scalars(select(ObjectIdStatement)).all() == []


# -- prices and differences ----------------------------------------------------------------------------------------


@pytest.fixture
def repriced(desk_database, home):
    """240 EUR, then 180 and another text, then sold."""
    with desk_database.transaction() as session:
        offer = Offer(description="Found in an old tomb near the river. Call 0612345678.")
        listing = add_listing(session, home, offer)
        for days, price, words, state in (
            (1, Decimal(180), "Found in an old house near the river. Call 0612345678.", "live"),
            (0, Decimal(180), "Found in an old house near the river. Call 0612345678.", "sold"),
        ):
            seen = add_observation(
                session, listing, replace(offer, price=price, description=words), None, NOW - timedelta(days=days)
            )
            seen.state = state
        add_assessment(session, listing, seen, offer)
        return listing.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_price_and_state_are_drawn_and_said(visit, desk_database, repriced, language):
    speak(desk_database, "reviewer", language)
    page = soup(visit("reviewer"), f"/listings/{repriced}")
    drawing = page.select_one("#prices svg")
    said = " ".join(page.find(id=one).text for one in drawing["aria-labelledby"].split())
    assert drawing["role"] == "img"
    assert "240 EUR" in said.replace("\xa0", " ") and "180 EUR" in said.replace("\xa0", " ")
    assert {"en": "sold", "fr": "vendu", "ar": "مباع"}[language] in said
    places = [int(dot["cx"]) for dot in drawing.select("circle")]
    assert places == sorted(places, reverse=language == "ar") and len(places) == 3
    assert len(page.select("#prices table tbody tr")) == 3
    heights = [int(dot["cy"]) for dot in drawing.select("circle")]
    assert heights[0] < heights[1] == heights[2]


def test_a_changed_text_is_shown_word_by_word_with_contacts_masked(visit, repriced):
    page = soup(visit("reviewer"), f"/listings/{repriced}")
    [diff] = page.select("#history .diff")
    for sign in diff.select(".sr"):
        sign.decompose()
    assert [one.text.strip() for one in diff.select("del")] == ["tomb"]
    assert [one.text.strip() for one in diff.select("ins")] == ["house"]
    assert "0612345678" not in page.text


# -- contacts ------------------------------------------------------------------------------------------------------


def test_contacts_are_masked_until_a_reason_is_given_and_then_for_that_person_alone(  # SEC-36
    visit, desk_database, repriced
):
    client, other = visit("reviewer"), visit("lead")
    assert "0612345678" not in client.get(f"/listings/{repriced}").text
    assert "0612345678" not in client.get("/").text
    assert send(client, repriced, "contacts", reason="  no").status_code == 422
    assert send(client, repriced, "contacts", reason="to ask for papers", case="RW-1999-1").status_code == 422
    address = send(client, repriced, "contacts", reason="to ask for papers").headers["location"]
    assert "0612345678" in client.get(address).text
    assert "0612345678" not in other.get(address).text
    assert "0612345678" not in client.get(address.replace(f"/{repriced}?", "/999?")).text
    with desk_database.transaction() as session:
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.action == "contacts shown"))
        assert (event.actor, event.details["reason"]) == ("reviewer", "to ask for papers")
        assert event.object_id == str(repriced)


def test_a_viewer_may_not_lift_the_mask(visit, repriced):
    assert send(visit("viewer"), repriced, "contacts", reason="to ask for papers").status_code == 403


# -- pictures ------------------------------------------------------------------------------------------------------


def picture(answer):
    assert answer.status_code == 200
    return Image.open(io.BytesIO(answer.content)).convert("RGB")


def chequered(home):
    """A picture whose content is in its detail."""
    drawn = Image.new("RGB", (200, 200), "white")
    for x in range(0, 200, 10):
        for y in range(0, 200, 10):
            if (x + y) % 20:
                drawn.paste((0, 0, 0), (x, y, x + 10, y + 10))
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return keep_file(home, out.getvalue())


def test_human_remains_are_veiled_wherever_the_picture_is_shown_until_asked_for(visit, desk_database, home, lamp):
    with desk_database.transaction() as session:
        sha256 = chequered(home)
        capture = session.scalars(select(Capture).where(Capture.kind == "thumbnail")).one()
        capture.sha256 = sha256
        number = capture.id
    client = visit("viewer")
    for address in (f"/captures/{number}/image?x=1", f"/captures/{number}/picture?size=small"):
        plain = picture(client.get(address)).resize((20, 20), Image.Resampling.NEAREST)
        assert plain.convert("L").getextrema()[1] - plain.convert("L").getextrema()[0] > 200
    with desk_database.transaction() as session:
        session.scalars(select(Assessment)).one().labels = ["risk:human_remains"]
    for address in (f"/captures/{number}/image?x=1", f"/captures/{number}/picture?size=small"):
        veiled = client.get(address)
        low, high = picture(veiled).convert("L").getextrema()
        assert high - low < 120, "squares can be told apart"
        assert veiled.headers["cache-control"] == "no-store"
        low, high = picture(client.get(f"{address}&shown=1")).convert("L").getextrema()
        assert high - low > 200
    page = soup(client, f"/listings/{lamp}")
    assert page.select_one("#pictures .notice a")["href"] == f"/listings/{lamp}?shown=1"
    assert all("shown=1" not in image["src"] for image in page.select("img"))
    shown = soup(client, f"/listings/{lamp}?shown=1")
    assert all("shown=1" in image["src"] for image in shown.select("#pictures img"))
    with desk_database.reading() as session:
        seen = session.scalars(select(AuditEvent).where(AuditEvent.action == "viewed").order_by(AuditEvent.id)).all()
        assert [event.details.get("unveiled", False) for event in seen] == [False, True]


def test_a_picture_is_drawn_anew_and_what_is_none_is_refused(visit, desk_database, home, lamp):
    broken = keep_file(home, b"\x89PNG\r\n\x1a\n" + b"<script>alert(1)</script>" * 9)
    with desk_database.transaction() as session:
        good = session.scalars(select(Capture).where(Capture.kind == "thumbnail")).one()
        values = {"kind": "thumbnail", "listing_id": lamp, "url": "https://x.example/1.png", "captured_at": NOW}
        bad = Capture(**values, media_type="image/png", sha256=broken)
        page = session.scalars(select(Capture).where(Capture.kind == "exchange")).one()
        session.add(bad)
        session.flush()
        numbers = good.id, bad.id, page.id
    client = visit("viewer")
    answer = client.get(f"/captures/{numbers[0]}/picture?size=large")
    assert answer.content.startswith(b"\xff\xd8\xff") and answer.headers["content-type"] == "image/jpeg"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert client.get(f"/captures/{numbers[1]}/picture").status_code == 404
    assert client.get(f"/captures/{numbers[2]}/picture").status_code == 404
    assert client.get("/captures/999/picture").status_code == 404
    assert visit(None).get(f"/captures/{numbers[0]}/picture").status_code == 303


def test_two_pictures_stand_side_by_side_by_links_alone(visit, desk_database, home, register):
    listing, entry, _ = register
    client = visit("viewer")
    page = soup(client, f"/listings/{listing}/pictures")
    assert len(page.select(".pane")) == 1
    beside = next(link["href"] for link in page.select(".strip a") if f"right=r{entry}-1" in link["href"])
    pair = soup(client, beside)
    assert [image["src"].partition("?")[0] for image in pair.select(".pane img")][1] == (
        f"/registers/entries/{entry}/photos/1"
    )
    larger = soup(client, pair.select_one("a[data-viewer='+']")["href"])
    assert len(larger.select(".pane-box.zoom-2")) == 2
    assert (
        soup(client, larger.select_one("a[data-viewer=x]")["href"])
        .select(".pane img")[0]["src"]
        .startswith("/registers/")
    )
    assert len(soup(client, f"/listings/{listing}/pictures?right=r99-1&zoom=9").select(".pane")) == 1
    assert picture(client.get(f"/registers/entries/{entry}/photos/1?size=small")).size == (180, 240)
    for wrong in (f"/registers/entries/{entry}/photos/2", "/registers/entries/99/photos/1"):
        assert client.get(wrong).status_code == 404


# -- registers -----------------------------------------------------------------------------------------------------


@pytest.fixture
def register(desk_database, home, lamp):
    """(listing, entry, candidate)."""
    with desk_database.transaction() as session:
        rows = RegisterList(
            source="MOC-2003", version=1, file_name="l.csv", file_sha256="0" * 64, imported_by="a", counts={}, faults=[]
        )
        session.add(rows)
        session.flush()
        told = {"title": "مسراج", "materials": ["فخار"], "weight_g": 341, "owner": "Museum"}
        entry = RegisterEntry(
            list_id=rows.id, source="MOC-2003", record_id="IM-17", status="missing", fields=told, original=told,
            digest="d" * 64, read_as={}, photos=[{"name": "x.png", "sha256": keep_file(home, png("#864", (180, 240)))}],
        )  # fmt: skip
        session.add(entry)
        session.flush()
        why = [
            {"part": "weight", "weight": 2.1, "ours": "340.5 g", "theirs": "341 g"},
            {"part": "type", "weight": -0.9, "ours": "oil_lamp", "theirs": "glass_vessel"},
        ]
        seen = session.scalars(select(Observation)).one()
        match = Match(
            listing_id=lamp, observation_id=seen.id, register_entry_id=entry.id, score=4.0, band="medium", why=why,
            method="test",
        )  # fmt: skip
        session.add(match)
        session.flush()
        return lamp, entry.id, match.id


def test_a_register_candidate_stands_beside_the_listing_row_by_row_and_a_person_judges(visit, desk_database, register):
    listing, entry, match = register
    client = visit("reviewer")
    section = soup(client, f"/listings/{listing}").select_one("#registers")
    assert [image["src"] for image in section.select("img")][1] == f"/registers/entries/{entry}/photos/1?size=small"
    rows = {row.th.text: [cell.text.strip() for cell in row.find_all("td")] for row in section.tbody.find_all("tr")}
    assert rows["Weight"][:2] == ["340.5 g", "341 g"] and rows["Weight"][2].startswith("for")
    assert rows["Type"][:2] == ["oil lamp", "glass vessel"] and rows["Type"][2].startswith("against")
    assert rows["Material"][:2] == ["not stated", "فخار"]
    assert send(client, listing, f"matches/{match}", verdict="same", note="").status_code == 422
    assert send(client, listing, f"matches/{match}", verdict="same", note="same chip").status_code == 303
    assert send(client, listing, f"matches/{match}", verdict="other", note="another wick hole").status_code == 303
    said = [one.text for one in soup(client, f"/listings/{listing}").select("#registers article > p strong")]
    assert said == ["another object", "the same object"]


def test_a_candidate_of_another_listing_is_not_judged_here(visit, desk_database, home, register):
    _, _, match = register
    with desk_database.transaction() as session:
        other = add_listing(session, home, Offer(title="Another")).id
    assert send(visit("reviewer"), other, f"matches/{match}", verdict="same", note="x").status_code == 404


# -- coverage and captures -------------------------------------------------------------------------------------------


def test_the_page_says_what_failed_and_what_was_never_met_again(visit, desk_database, home, lamp):
    with desk_database.transaction() as session:
        seen_in = Crawl(market="example_auction", queries=[], state="complete")
        later = Crawl(market="example_auction", queries=[], state="failed", fault="The market is out of reach.")
        session.add_all([seen_in, later])
        session.flush()
        capture = session.scalars(select(Capture).where(Capture.kind == "screenshot")).one()
        capture.state, capture.note = "PARTIAL", "two images could not be had"
        listing = capture.listing_id
        row = session.get_one(Listing, listing)
        row.seen_in_crawl_id, row.absent_from_crawls, row.state_proof = seen_in.id, 2, "HTTP 404 at noon"
    text = soup(visit("viewer"), f"/listings/{lamp}").select_one("#coverage").text
    for words in ("two images could not be had", "HTTP 404 at noon", "out of reach", "failed", "did not meet"):
        assert words in text


def test_a_capture_is_queued_once_and_its_receipt_is_shown_when_it_is_made(visit, desk_database, home, lamp):
    client = visit("reviewer")
    page = client.get(f"/listings/{lamp}").text
    form = {"csrf": field(page, "csrf"), "request_key": field(page[page.index('id="captures"') :], "request_key")}
    for _ in range(2):
        assert client.post(f"/listings/{lamp}/capture", data=form).status_code == 303
    with desk_database.transaction() as session:
        [job] = session.scalars(select(Job).where(Job.kind == "capture"))
        assert job.arguments == {"listing_id": lamp, "reason": "a person's request", "actor": "reviewer"}
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.action == "capture asked"))
        assert event.details["job"] == job.id
        number = job.id
    section = soup(client, f"/listings/{lamp}").select_one("#captures")
    assert section.select_one("[data-pending]") and "waits" in section.text
    digest = hashlib.sha256(b"sealed").hexdigest()
    with desk_database.transaction() as session:
        job = session.get_one(Job, number)
        job.state, job.finished_at, job.result = "done", NOW, {"state": "PARTIAL", "reason": "an image was refused"}
        segment = Segment(store="evidence", name="example/1.warc.gz", state="sealed", sha256=digest)
        session.add(segment)
        session.flush()
        common = {"listing_id": lamp, "job_id": number, "url": "https://auction.example/1", "captured_at": NOW}
        session.add(Capture(kind="exchange", segment_id=segment.id, offset=0, length=9, sha256="a" * 64, **common))
        session.add(Capture(kind="pdf", sha256="b" * 64, **common))
    receipt = soup(client, f"/listings/{lamp}").select_one("#captures .receipt")
    assert not receipt.has_attr("data-pending")
    for words in (digest, "b" * 64, "example/1.warc.gz", "an image was refused", "PARTIAL".lower()):
        assert words in receipt.text.lower() or words in receipt.text


def test_what_came_of_a_file_is_not_captured(visit, desk_database, lamp):
    with desk_database.transaction() as session:
        session.get_one(Listing, lamp).market = "imported"
    client = visit("reviewer")
    assert f'action="/listings/{lamp}/capture"' not in client.get(f"/listings/{lamp}").text
    assert send(client, lamp, "capture", request_key="k").status_code == 422


# -- roles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["object-id", "capture", "same", "matches/1", "contacts"])
def test_only_who_decides_may_work_on_a_listing(visit, lamp, what):
    for role, status in (("viewer", 403), ("auditor", 403)):
        assert send(visit(role), lamp, what, reason="because").status_code == status
    page = visit("viewer").get(f"/listings/{lamp}").text
    assert not re.search(rf'action="/listings/{lamp}/(?:object-id|capture|same|contacts)"', page)


def test_hostile_words_of_officers_and_registers_stay_words(visit, desk_database, register):
    listing, entry, _ = register
    with desk_database.transaction() as session:
        session.get_one(RegisterEntry, entry).fields = {"title": "<script>alert(1)</script>", "owner": '"><img src=x>'}
        state_field(
            session, AuditChain(), listing, field="maker", value="<img src=x onerror=alert(1)>",
            source=examination_source("</td><script>"), actor="amira",
        )  # fmt: skip
    page = soup(visit("reviewer"), f"/listings/{listing}")
    assert all(script.get("src", "").startswith("/static/") for script in page.select("script"))
    assert all(image["src"].startswith(("/captures/", "/registers/")) for image in page.select("img"))
