"""Cases at the desk: assignment, referral, outcomes and lawful provenance with proof, and the second person's word."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from storage.audit import chain_faults
from storage.tables import Attachment, AuditEvent, Case, Decision, ExportRequest, Job, Outcome
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing

PDF = b"%PDF-1.7 a letter of the museum"


@pytest.fixture
def case(visit, desk_database, home):
    """(reference, listing id): a case with one exhibit."""
    with desk_database.transaction() as session:
        listing = add_listing(session, home, Offer())
    client = visit("lead")
    page = client.get(f"/listings/{listing.id}").text
    form = {"csrf": field(page, "csrf"), "observation": field(page, "observation"), "case": "", "title": "Lamps"}
    return client.post(f"/listings/{listing.id}/case", data=form).headers["location"].rpartition("/")[2], listing.id


def send(client, address, file=None, **data):
    csrf = field(client.get("/cases").text, "csrf")
    files = {"proof": file} if file else None
    return client.post(address, data={"csrf": csrf} | data, files=files)


def test_a_case_goes_from_hand_to_hand_and_who_had_it_stays(visit, case):
    reference, _ = case
    client = visit("lead")
    for name in ("reviewer", "exporter"):
        assert send(client, f"/cases/{reference}/assign", user=name).status_code == 303
    page = client.get(f"/cases/{reference}").text
    assert page.index("<bdi>exporter</bdi>") < page.index("<bdi>reviewer</bdi>")
    assert "<bdi>exporter</bdi>" in client.get("/cases").text
    assert send(client, f"/cases/{reference}/assign", user="Nobody here").status_code == 404


def test_a_closed_case_takes_nothing_until_it_is_opened_again(visit, case):
    reference, listing_id = case
    client = visit("lead")
    assert send(client, f"/cases/{reference}/state", state="closed").status_code == 303
    for address, data in (
        ("assign", {"user": "reviewer"}),
        ("referrals", {"referred_to": "Customs"}),
        (f"exhibits/{listing_id}/outcome", {"result": "none"}),
        ("state", {"state": "closed"}),
    ):
        assert send(client, f"/cases/{reference}/{address}", **data).status_code == 422, address
    assert send(client, f"/cases/{reference}/state", state="open").status_code == 303
    assert send(client, f"/cases/{reference}/assign", user="reviewer").status_code == 303


def test_an_outcome_needs_its_proof_and_the_proof_leaves_as_a_download(visit, case, desk_database):
    reference, listing_id = case
    client, address = visit("lead"), f"/cases/{reference}/exhibits/{listing_id}/outcome"
    assert send(client, address, result="seized").status_code == 422
    assert send(client, address, result="sold").status_code == 422
    assert send(client, address, ("../x<b>.pdf", PDF, "text/html"), result="seized").status_code == 303
    page = client.get(f"/cases/{reference}").text
    assert '<span class="tag done">seized</span>' in page
    assert "x&lt;b&gt;.pdf" in page and "x<b>" not in page
    with desk_database.transaction() as session:
        attachment = session.scalars(select(Attachment)).one()
        assert attachment.outcome_id == session.scalars(select(Outcome)).one().id
    answer = visit("viewer").get(f"/attachments/{attachment.id}")
    assert answer.content == PDF
    assert answer.headers["content-disposition"] == f'attachment; filename="proof-{attachment.id}.pdf"'
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("content", [b"<html><script>alert(1)</script>", b"", b"MZ\x90", b"%PDF-" + b"x" * 10_485_760])
def test_what_is_no_document_or_too_long_is_not_kept(visit, case, desk_database, home, content):
    reference, listing_id = case
    address = f"/cases/{reference}/exhibits/{listing_id}/outcome"
    before = sorted(home.files.rglob("*"))
    answer = send(visit("lead"), address, ("a.pdf", content, "application/pdf"), result="seized", note="there")
    assert answer.status_code == 422 and "The file was not kept" in answer.text
    assert sorted(home.files.rglob("*")) == before
    with desk_database.transaction() as session:
        assert session.scalars(select(Outcome)).all() == []


def test_a_file_is_kept_only_for_who_may_attach_one(visit, case, home):
    reference, listing_id = case
    before = sorted(home.files.rglob("*"))
    address = f"/cases/{reference}/exhibits/{listing_id}/outcome"
    for role in ("viewer", "reviewer", "auditor"):
        assert send(visit(role), address, ("a.pdf", PDF, "application/pdf"), result="seized").status_code == 403
    assert sorted(home.files.rglob("*")) == before


def test_lawful_and_documented_keeps_decision_and_document_or_neither(visit, case, desk_database):
    reference, listing_id = case
    client, address = visit("lead"), f"/cases/{reference}/exhibits/{listing_id}/lawful"
    page = client.get(f"/cases/{reference}").text
    key = field(page[page.index("/lawful") :], "request_key")
    form = {"request_key": key, "expected_decision": "", "note": "Sale of 1962"}
    assert send(client, address, **form).status_code == 422
    document = ("a.pdf", PDF, "application/pdf")
    assert send(client, address, document, **form | {"expected_decision": "7"}).status_code == 422
    with desk_database.transaction() as session:
        assert session.scalars(select(Attachment)).all() == []
    assert send(client, address, document, **form).status_code == 303
    with desk_database.transaction() as session:
        decision = session.scalars(select(Decision)).one()
        assert (decision.next_step, decision.reason) == ("dismiss", "lawful_documented")
        assert session.scalars(select(Attachment)).one().kind == "lawful_documented"


def test_under_four_eyes_nobody_agrees_to_their_own_request(visit, case, desk_database):
    reference, _ = case
    assert send(visit("lead"), f"/cases/{reference}/four-eyes", on="1").status_code == 403
    assert send(visit("admin"), f"/cases/{reference}/four-eyes", on="1").status_code == 303
    exporter = visit("exporter")
    form = {"purpose": "For the prosecutor", "languages": "fr", "request_key": "k"}
    assert send(exporter, f"/cases/{reference}/bundle", **form).headers["location"].endswith("asked=pending")
    with desk_database.transaction() as session:
        assert session.scalars(select(Job)).all() == []
        number = session.scalars(select(ExportRequest)).one().id
    assert send(exporter, f"/export-requests/{number}", agree="1").status_code == 422
    assert send(visit("lead"), f"/export-requests/{number}", agree="1").status_code == 403
    assert send(visit("admin"), f"/export-requests/{number}", agree="1").status_code == 303
    assert send(visit("admin"), f"/export-requests/{number}", agree="0").status_code == 422
    with desk_database.transaction() as session:
        job = session.scalars(select(Job)).one()
        assert job.arguments == {"case": reference, "languages": ["fr"], "actor": "exporter", "cover": {}}
        events = session.scalars(select(AuditEvent)).all()
        assert chain_faults(events) == []
        said = [(event.actor, event.action) for event in events if event.action.startswith("bundle")]
        assert said == [("exporter", "bundle asked for"), ("admin", "bundle agreed to")]


def test_a_bundle_is_asked_for_with_whom_it_is_for_and_what_its_cover_says(visit, case, desk_database):
    reference, _ = case
    client = visit("exporter")
    form = {"purpose": "Preservation", "request_key": "k", "recipient": "platform", "asked": "Keep it.", "redact": "1"}
    assert send(client, f"/cases/{reference}/bundle", **form).status_code == 303
    cover = {"recipient": "platform", "reference": None, "asked": "Keep it.", "handling": None, "redact": True}
    with desk_database.transaction() as session:
        job = session.scalars(select(Job)).one()
        assert job.arguments["cover"] == cover
        job.state, job.progress = "running", {"listings": 3, "of": 7}
        asked = session.scalars(select(AuditEvent).where(AuditEvent.action == "bundle asked for")).one()
        assert {"recipient": "platform", "redact": True}.items() <= asked.details.items()
    page = client.get(f"/cases/{reference}").text
    assert "Preservation" in page and "3 of 7 listings" in page and 'class="tag">Platform<' in page


@pytest.mark.parametrize("wrong", [{"recipient": "press"}, {"recipient": "police", "asked": "x" * 4001}])
def test_a_bundle_for_nobody_of_the_list_is_not_asked_for(visit, case, desk_database, wrong):
    reference, _ = case
    sent = send(visit("exporter"), f"/cases/{reference}/bundle", purpose="For them", request_key="k", **wrong)
    assert sent.status_code == 422 and "name a recipient of the list" in sent.text
    with desk_database.transaction() as session:
        assert session.scalars(select(ExportRequest)).all() == []


def test_a_refused_request_makes_no_bundle(visit, case, desk_database):
    reference, _ = case
    send(visit("admin"), f"/cases/{reference}/four-eyes", on="1")
    send(visit("exporter"), f"/cases/{reference}/bundle", purpose="For the press", request_key="k")
    assert send(visit("admin"), "/export-requests/1", agree="0").status_code == 303
    assert "For the press" in visit("viewer").get(f"/cases/{reference}").text
    with desk_database.transaction() as session:
        assert session.scalars(select(Job)).all() == []


def test_notes_run_each_in_their_own_direction_and_nobody_writes_under_another_name(visit, case):
    reference, _ = case
    forged = "fine\n\n[2026-01-01 10:00 UTC, admin]\nI agree \u202e"
    for text in ("ملاحظة عن lot 14", forged):
        assert send(visit("lead"), f"/cases/{reference}/notes", note=text).status_code == 303
    page = visit("viewer").get(f"/cases/{reference}").text
    notes = re.findall(r'<article class="panel">.*?</article>', page, re.S)
    assert len(notes) == 2 and all("<bdi>lead</bdi>" in note for note in notes)
    assert all('class="text" dir="auto"' in note for note in notes)
    assert "U+202E" in page and "\u202e" not in page


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_why_a_case_was_not_changed_is_said_in_the_readers_language(visit, case, language, desk_database):
    reference, _ = case
    answer = send(visit("lead"), f"/cases/{reference}/referrals?lang={language}", referred_to=" ")
    assert answer.status_code == 422
    assert {"ar": "اذكر الجهة", "fr": "dites à qui"}[language] in answer.text
    with desk_database.transaction() as session:
        assert session.scalars(select(Case)).one().state == "open"
