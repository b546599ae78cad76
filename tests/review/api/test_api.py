"""The API as a program meets it: reading, deciding, cases, bundles, problems and limits."""

from __future__ import annotations

import hashlib
import re

import pytest
from sqlalchemy import select

from review.api.app import PATH
from review.api.limits import CALLS_AT_ONCE, REFUSED_A_MINUTE
from review.words import messages
from storage.audit import AuditChain
from storage.cases import add_exhibit, open_case
from storage.registers import EntryRow, keep_version
from storage.tables import AuditEvent, Capture, Decision, Export, ExportRequest, Job, Match, RegisterEntry
from storage.tokens import list_tokens, revoke_token
from storage.users import find_user, set_disabled, set_role
from tests.review.seed import Offer, add_listing, add_observation, png
from tests.review.stage import answers_of


@pytest.fixture
def listing(desk_database, home):
    with desk_database.transaction() as session:
        return add_listing(session, home, Offer())


@pytest.fixture
def case(desk_database, listing):
    with desk_database.transaction() as session:
        made = open_case(session, AuditChain(), title="Lamps", actor="lead")
        add_exhibit(
            session,
            AuditChain(),
            case=made,
            listing_id=listing.id,
            observation_id=listing.current_observation_id,
            actor="lead",
        )
        return made


def decision(listing, **chosen):
    return {
        "observation_id": listing.current_observation_id,
        "assessment_id": listing.current_assessment_id,
        "expected_decision_id": None,
        "verdict": "antiquity",
        "next_step": "refer",
        "request_key": "key-00000001",
    } | chosen


def events(database):
    with database.reading() as session:
        return list(session.scalars(select(AuditEvent).order_by(AuditEvent.id)))


def limits_of(client):
    return next(route.app for route in client.app.routes if getattr(route, "path", "") == PATH).state.limits


def _thumbnail(database, listing_id):
    with database.reading() as session:
        wanted = select(Capture.sha256).where(Capture.listing_id == listing_id, Capture.kind == "thumbnail")
        return session.scalars(wanted).one()


# -- reading ----------------------------------------------------------------------------------------------------


def test_a_listing_comes_whole_with_its_versions_reasons_and_receipts(call, listing, desk_database):
    with desk_database.transaction() as session:
        row = session.merge(listing)
        add_observation(session, row, Offer(price=None), None, row.last_seen_at)
    found = call("viewer", "read").get(f"listings/{listing.id}").json()
    assert [one["price"] for one in found["observations"]] == ["240", None]
    assert found["current_observation_id"] == found["observations"][1]["id"]
    (assessment,) = found["assessments"]
    strongest = assessment["reasons"][0]
    words = found["observations"][0][strongest["field"]][strongest["start"] : strongest["end"]]
    assert words == strongest["text"] == "museum copy"
    assert {one["kind"] for one in found["captures"]} == {"exchange", "thumbnail", "screenshot"}
    assert all(re.fullmatch("[0-9a-f]{64}", one["sha256"]) and one["captured_at"] for one in found["captures"])
    assert (found["decisions"], found["cases"], found["current_decision_id"]) == ([], [], None)


def test_answers_come_in_the_language_of_the_call(call, listing, desk_database, home):
    with desk_database.transaction() as session:
        session.merge(listing).current_assessment.answers = answers_of("Roman oil lamp from Syria", "no papers")
    client = call("viewer", "read")
    where = f"listings/{listing.id}"
    names = {}
    for language in ("ar", "fr", "en"):
        found = client.get(where, headers={"accept-language": language}).json()
        names[language] = [one["name"] for one in found["answers"]]
    assert len({tuple(one) for one in names.values()}) == 3 and all(names.values())


def test_a_search_is_paged_and_what_comes_in_meanwhile_neither_repeats_nor_hides(call, desk_database, home):
    with desk_database.transaction() as session:
        there = [add_listing(session, home, Offer(title=f"Lampe {n}")).id for n in range(5)]
    client, seen, cursor = call("viewer", "read"), [], None
    while True:
        page = client.get(
            "listings", params={"text": "LÀMPE", "limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        with desk_database.transaction() as session:
            add_listing(session, home, Offer(title="Lampe of later"))
    assert seen == there[::-1]


def test_ways_to_reach_a_seller_are_blocked_out_until_a_reason_is_given(call, desk_database, home):  # SEC-36
    with desk_database.transaction() as session:
        text = "Call +20 100 123 4567 or seller@example.org"
        one = add_listing(session, home, Offer(title="Lamp, call +20 100 123 4567", description=text))
    client = call("reviewer", "read", "decide")
    assert "123" not in client.get("listings").json()["items"][0]["title"]
    (seen,) = client.get(f"listings/{one.id}").json()["observations"]
    assert "123" not in seen["title"] and "@" not in seen["description"] and len(seen["description"]) == len(text)
    for reason, status in (("why", 422), ("%D8%A8%D9%84%D8%A7%D8%BA%20%D8%B1%D8%B3%D9%85%D9%8A", 200)):
        answer = client.get(f"listings/{one.id}", headers={"relicwatch-reason": reason})
        assert answer.status_code == status
    assert answer.json()["observations"][0]["description"] == text
    only_reads = call("reviewer", "read")
    assert only_reads.get(f"listings/{one.id}", headers={"relicwatch-reason": "official"}).status_code == 403
    lifted = next(event for event in events(desk_database) if event.action == "contacts shown")
    assert (lifted.details["reason"], lifted.details["purpose"]) == ("بلاغ رسمي", "triage")


def test_a_picture_comes_as_a_picture_that_runs_nothing(call, listing):
    client = call("viewer", "read")
    captures = client.get(f"listings/{listing.id}").json()["captures"]
    answers = {one["kind"]: client.get(f"captures/{one['id']}/image") for one in captures}
    assert answers["thumbnail"].headers["content-type"] == "image/png"
    assert "sandbox" in answers["thumbnail"].headers["content-security-policy"]
    assert answers["exchange"].status_code == 404


def test_views_and_searches_stand_in_the_log_with_token_and_purpose_and_without_the_words(
    call, listing, case, desk_database
):
    client = call("viewer", "read")
    client.get(f"listings/{listing.id}", headers={"relicwatch-purpose": f"case:{case.reference}"})
    client.get("listings", params={"text": "Nadia"})
    client.get(f"cases/{case.reference}")
    made, viewed, searched, looked = events(desk_database)[-4:]
    assert made.action == "API token made"
    assert (viewed.actor, viewed.action, viewed.object_id) == ("viewer", "viewed", str(listing.id))
    assert viewed.details["purpose"] == f"case:{case.reference}" and viewed.details["token"] == int(made.object_id)
    assert (searched.action, searched.object_id, searched.details["purpose"]) == ("searched", "listings", "triage")
    assert "Nadia" not in str(searched.details)
    assert (looked.action, looked.object_kind) == ("viewed", "case")


# -- deciding ---------------------------------------------------------------------------------------------------


def test_a_decision_is_kept_once_however_often_it_is_sent(call, listing, desk_database):
    client = call("reviewer", "decide")
    first = client.post(f"listings/{listing.id}/decisions", json=decision(listing, note="Soil traces"))
    again = client.post(f"listings/{listing.id}/decisions", json=decision(listing, note="Soil traces"))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.json()["decided_by"] == "reviewer"
    with desk_database.reading() as session:
        assert session.scalars(select(Decision)).one().note == "Soil traces"
    assert events(desk_database)[-1].details["purpose"] == "triage"


def test_whoever_comes_second_gets_both_versions_and_nothing_is_kept(call, listing, desk_database):
    one, other = call("reviewer", "decide"), call("lead", "decide")
    standing = one.post(f"listings/{listing.id}/decisions", json=decision(listing)).json()
    late = decision(listing, verdict="replica", next_step="dismiss", reason="replica", request_key="key-00000002")
    answer = other.post(f"listings/{listing.id}/decisions", json=late, headers={"accept-language": "fr"})
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    problem = answer.json()
    assert problem["theirs"] == standing
    assert (problem["yours"]["verdict"], problem["yours"]["expected_decision_id"]) == ("replica", None)
    assert problem["detail"].startswith("Quelqu’un a décidé")
    again = other.post(f"listings/{listing.id}/decisions", json=late | {"expected_decision_id": standing["id"]})
    assert again.json()["supersedes_id"] == standing["id"]


@pytest.mark.parametrize(
    ("chosen", "key"),
    [
        ({"next_step": "dismiss"}, "reason"),
        ({"next_step": "dismiss", "reason": "other"}, "note"),
        ({"observation_id": 999}, "page_other"),
    ],
)
def test_a_decision_that_lacks_something_says_what(call, listing, chosen, key):
    for language in ("ar", "fr", "en"):
        answer = call("reviewer", "decide").post(
            f"listings/{listing.id}/decisions", json=decision(listing, **chosen), headers={"accept-language": language}
        )
        assert answer.status_code == 422
        assert messages(language)[f"decision_error_{key}"] in answer.json()["detail"]
        assert answer.headers["content-language"] == language


# -- cases and bundles ------------------------------------------------------------------------------------------


def test_a_case_is_opened_filled_noted_on_assigned_referred_and_closed(call, listing):
    client = call("lead", "read", "cases")
    opened = client.post("cases", json={"title": "مصابيح Lamps"}).json()
    where = f"cases/{opened['reference']}"
    exhibit = {"listing_id": listing.id, "observation_id": listing.current_observation_id}
    assert client.post(f"{where}/exhibits", json=exhibit).json()["number"] == 1
    assert client.post(f"{where}/exhibits", json=exhibit).json()["number"] == 1
    assert client.post(f"{where}/notes", json={"text": "ملاحظة"}).status_code == 201
    assert client.post(f"{where}/assignee", json={"user": "reviewer"}).json()["assignee"] == "reviewer"
    assert client.post(f"{where}/referrals", json={"referred_to": "INTERPOL NCB"}).status_code == 201
    whole = client.get(where).json()
    assert (whole["title"], whole["assignee"], whole["exhibits"]) == ("مصابيح Lamps", "reviewer", 1)
    assert [note["text"] for note in whole["notes"]] == ["ملاحظة"]
    assert whole["referrals"][0]["referred_to"] == "INTERPOL NCB"
    assert whole["listings"][0]["title"].startswith("Terracotta")
    assert client.post(f"{where}/state", json={"state": "closed"}).json()["state"] == "closed"
    refused = client.post(f"{where}/exhibits", json=exhibit)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:relicwatch:problem:case")
    assert [one["reference"] for one in client.get("cases").json()["items"]] == [opened["reference"]]


def test_an_outcome_is_kept_with_its_proof_and_refused_without(call, listing, case, home):
    client = call("lead", "read", "cases")
    where = f"cases/{case.reference}/exhibits/{listing.id}/outcomes"
    assert client.post(where, data={"result": "seized"}).status_code == 422
    refused = client.post(where, data={"result": "seized"}, files={"proof": ("p.pdf", b"<html>")})
    assert refused.json()["type"] == "urn:relicwatch:problem:upload"
    kept = client.post(where, data={"result": "seized"}, files={"proof": ("p.png", png("#112233"))})
    assert kept.status_code == 201, kept.text
    (shown,) = client.get(f"cases/{case.reference}").json()["listings"]
    assert shown["outcomes"][0]["result"] == "seized"
    assert home.file_path(shown["attachments"][0]["sha256"]).is_file()


def test_a_bundle_is_asked_for_with_a_purpose_and_fetched_when_it_is_made(call, case, desk_database, home):
    client = call("exporter", "read", "export")
    where = f"cases/{case.reference}/exports"
    sent = {"purpose": "Court of first instance", "languages": ["ar", "fr"], "request_key": "key-00000001"}
    asked = client.post(where, json=sent)
    assert (asked.status_code, asked.json()["state"], asked.json()["job_state"]) == (202, "approved", "queued")
    assert client.post(where, json=sent).json()["id"] == asked.json()["id"]
    assert client.post(where, json={**sent, "purpose": ""}).status_code == 422
    bundle = home.exports / "bundle.zip"
    bundle.parent.mkdir(exist_ok=True)
    bundle.write_bytes(b"PK\x05\x06" + bytes(18))
    with desk_database.transaction() as session:
        assert session.scalars(select(Job).where(Job.kind == "export")).one().arguments["languages"] == ["ar", "fr"]
        session.add(
            Export(
                bundle_id="b-1",
                case_id=case.id,
                path="bundle.zip",
                sha256="a" * 64,
                exported_by="exporter",
                languages=["ar"],
            )
        )
    (made,) = client.get(where).json()["bundles"]
    assert made["fetchable"]
    fetched = client.get("exports/b-1")
    assert (fetched.headers["content-type"], fetched.content) == ("application/zip", bundle.read_bytes())
    assert events(desk_database)[-1].action == "bundle downloaded"
    assert call("lead").get("exports/b-1").status_code == 403


def test_nobody_agrees_to_a_request_of_their_own_under_four_eyes(call, case, desk_database):
    with desk_database.transaction() as session:
        session.merge(case).four_eyes = True
    asking, other = call("exporter", "export"), call("admin", "export")
    sent = {"purpose": "Court", "request_key": "key-00000001"}
    asked = asking.post(f"cases/{case.reference}/exports", json=sent).json()
    assert (asked["state"], asked["job_state"]) == ("pending", None)
    where = f"export-requests/{asked['id']}/answer"
    assert asking.post(where, json={"agree": True}).status_code == 422
    assert other.post(where, json={"agree": True}).json()["state"] == "approved"
    with desk_database.reading() as session:
        assert session.scalars(select(ExportRequest)).one().job_id


def test_a_photograph_finds_the_listing_that_shows_it_and_is_not_kept(call, desk_database, home):
    with desk_database.transaction() as session:
        one = add_listing(session, home, Offer(color="#123456"))
    photo = home.file_path(_thumbnail(desk_database, one.id)).read_bytes()
    client = call("reviewer", "read")
    before = {path.name for path in home.root.rglob("*")}
    found = client.post("photo-matches", files={"photo": ("c.png", photo)}, headers={"accept-language": "fr"}).json()
    assert (found["candidates"][0]["kind"], found["candidates"][0]["id"]) == ("listing", one.id)
    assert found["compared"] == 1 and found["candidates"][0]["reasons"]
    assert hashlib.sha256(photo).hexdigest() in str(events(desk_database)[-1].details)
    assert not [name for name in {path.name for path in home.root.rglob("*")} - before if "photo" in name]
    for content in (b"", b"<svg/>", b"\x89PNG\r\n\x1a\n" + bytes(100)):
        refused = client.post("photo-matches", files={"photo": ("c.png", content)})
        assert refused.json()["type"] == "urn:relicwatch:problem:photo", refused.text


def test_photographs_are_compared_one_at_a_time(call):  # SEC-40
    client = call("viewer")
    with limits_of(client).one_at_a_time() as ours:
        assert ours
        answer = client.post("photo-matches", files={"photo": ("c.png", png("#112233"))})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")


# -- registers, sellers -----------------------------------------------------------------------------------------


def test_a_candidate_is_read_and_judged(call, listing, desk_database):
    with desk_database.transaction() as session:
        row = EntryRow("7", "stolen", {"title": "Oil lamp"}, {"t": "Oil lamp"})
        keep_version(
            session,
            AuditChain(),
            source="MOC-2003",
            rows=[row],
            read_as={row.digest(): {}},
            faults=[],
            file_name="l.csv",
            file_sha256="b" * 64,
            actor="admin",
        )
        entry = session.scalars(select(RegisterEntry)).one()
        match = Match(
            listing_id=listing.id,
            observation_id=listing.current_observation_id,
            register_entry_id=entry.id,
            score=3.2,
            band="strong",
            why=[{"part": "type", "weight": 2.0}],
            method="test",
        )
        session.add(match)
    client = call("reviewer", "read", "decide")
    assert client.get("registers").json()["items"][0]["entries"] == 1
    (found,) = client.get("matches", params={"listing_id": listing.id}).json()["items"]
    assert (found["record"], found["verdict"]) == ("7", None)
    kept = client.post(f"matches/{found['id']}/verdicts", json={"verdict": "same", "note": "same chip"})
    assert (kept.status_code, kept.json()["said_by"]) == (201, "reviewer")
    assert client.get("matches").json()["items"][0]["verdict"] == "same"


def test_sellers_are_pseudonyms_in_lists_and_named_one_by_one(call, listing, desk_database):
    client = call("reviewer", "read", "decide")
    (found,) = client.get("sellers").json()["items"]
    assert "Old Things" not in str(found)
    assert client.get(f"sellers/{found['id']}").json()["name"] == "Old Things"
    assert client.post(f"sellers/{found['id']}/follow", json={"following": True}).json()["followed"]
    assert client.get("sellers").json()["items"][0]["followed"]


def test_the_audit_log_is_read_by_pages_and_checked(call, listing):
    client = call("auditor")
    for _ in range(3):
        client.get(f"listings/{listing.id}")
    page = client.get("audit", params={"limit": 2, "action": "viewed"}).json()
    rest = client.get("audit", params={"limit": 2, "action": "viewed", "cursor": page["next_cursor"]}).json()
    numbers = [event["id"] for event in page["items"] + rest["items"]]
    assert len(numbers) == 3 and numbers == sorted(numbers, reverse=True)
    assert client.get("audit/check").json() == {"sound": True, "faults": []}


# -- who may ----------------------------------------------------------------------------------------------------


def test_a_token_ends_with_its_revocation_its_owners_account_and_shrinks_with_the_role(call, desk_database):
    client = call("lead")
    assert client.post("cases", json={"title": "One"}).status_code == 201
    with desk_database.transaction() as session:
        set_role(session, find_user(session, "lead"), "viewer")
    answer = client.post("cases", json={"title": "Two"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:relicwatch:problem:role")
    assert client.get("cases").status_code == 200
    with desk_database.transaction() as session:
        set_disabled(session, find_user(session, "lead"), True)
    assert client.get("cases").status_code == 401
    with desk_database.transaction() as session:
        set_disabled(session, find_user(session, "lead"), False)
        (token, _), *_ = list_tokens(session)
        revoke_token(session, AuditChain(), token.id, actor="admin")
    answer = client.get("cases")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (
        401,
        'Bearer realm="relicwatch", error="invalid_token"',
    )


def test_a_token_in_the_address_opens_nothing(call, token):
    secret = token("viewer")
    for name in ("token", "access_token", "authorization"):
        assert call(None).get("listings", params={name: secret}).status_code == 401


def test_the_last_use_of_a_token_is_noted(call, desk_database):
    call("viewer", "read").get("cases")
    with desk_database.reading() as session:
        ((token, owner),) = list_tokens(session)
        assert (owner.name, token.last_used_at is not None) == ("viewer", True)


def test_an_unknown_purpose_is_refused(call):
    answer = call("viewer").get("cases", headers={"relicwatch-purpose": "case:RW-1900-0001"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:relicwatch:problem:purpose")


# -- problems and limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "language", "detail"),
    [
        ("ar", "ar", "لا شيء هنا تحت هذا العنوان أو الرقم."),
        ("fr-CA, en;q=0.5", "fr", "Il n’y a rien ici sous cette adresse ou ce numéro."),
        ("de, en;q=0.3, ar;q=0.7", "ar", "لا شيء هنا تحت هذا العنوان أو الرقم."),
        ("de", "en", "There is nothing here under this address or number."),
    ],
)
def test_a_problem_is_one_sentence_in_the_callers_language_with_an_id(call, accepted, language, detail):
    answer = call("viewer").get("listings/4711", headers={"accept-language": accepted})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.headers["content-language"] == language
    problem = answer.json()
    assert problem["detail"] == detail and problem["status"] == 404
    assert re.fullmatch("[0-9a-f]{8}", problem["id"])


@pytest.mark.parametrize("address", ["", "nothing", "cases/%0A", "listings/1%0A2/decisions", "../v2/cases", "cases/"])
def test_an_address_that_is_none_is_a_problem_and_no_page(call, address):
    answer = call("viewer").get(f"/api/v1/{address}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:relicwatch:problem:not_there"), answer.text


def test_what_was_not_understood_is_named_and_not_repeated(call, listing):
    sent = decision(listing, verdict="secret-word", request_key="x", extra=1)
    answer = call("reviewer").post(f"listings/{listing.id}/decisions", json=sent)
    assert answer.status_code == 422
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"body/verdict", "body/request_key", "body/extra"}
    assert "secret-word" not in answer.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=201", 422),
        ("limit=5&limit=6", 400),
        ("colour=red", 422),
        ("cursor=x", 400),
        ("cursor=WzEsMl0", 400),
        ("text=%00", 400),
        ("text=" + "x" * 201, 422),
        ("text=%27%20OR%201%3D1%20--", 200),
        ("text=%22NEAR%28%2A", 200),
    ],
)
def test_a_query_that_is_not_understood_is_refused_and_none_breaks_the_search(call, query, status):  # SEC-41, SEC-45
    answer = call("viewer").get(f"listings?{query}")
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD"])
def test_other_methods_are_closed_and_the_answer_says_which_are_open(call, method):  # SEC-41
    client = call("admin")
    answer = client.request(method, "cases", headers={"x-http-method-override": "POST"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert client.request(method, "figures").headers["allow"] == "GET"


def test_a_body_too_long_without_length_or_of_another_kind_is_refused(call):
    client = call("admin")
    assert client.post("cases", json={"title": "x" * 300_000}).json()["type"] == "urn:relicwatch:problem:too_long"
    assert client.post("cases", content=iter([b"{}"])).json()["type"] == "urn:relicwatch:problem:length"
    assert client.post("cases", data={"title": "x"}).status_code == 422
    assert client.post("cases", content=b"{", headers={"content-type": "application/json"}).status_code == 422
    for title in (rb"\ud800", rb"a\u0000b", rb"\u001b[31m"):
        sent = b'{"title": "' + title + b'"}'
        assert client.post("cases", content=sent, headers={"content-type": "application/json"}).status_code == 422


def test_no_cookie_is_taken_or_given_and_no_other_site_is_let_in(call, visit):
    answer = call("viewer").get("cases", headers={"origin": "https://elsewhere.example"})
    assert "set-cookie" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert visit("admin").get("/api/v1/cases").status_code == 401


def test_too_many_calls_are_put_off_and_say_for_how_long(call):  # SEC-40
    client, other = call("viewer"), call("viewer")
    limits, moment = limits_of(client), [0.0]
    limits.calls.clock = lambda: moment[0]
    answers = [client.get("registers") for _ in range(CALLS_AT_ONCE + 2)]
    assert [answer.status_code for answer in answers] == [200] * CALLS_AT_ONCE + [429] * 2
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].json()["type"] == "urn:relicwatch:problem:too_often"
    assert other.get("registers").status_code == 200
    moment[0] += 1
    assert [client.get("registers").status_code for _ in range(7)] == [200] * 5 + [429] * 2


def test_who_tries_tokens_is_put_off_before_the_database_is_asked(call, desk_database):
    client = call(None)
    limits_of(client).refused.clock = lambda: 0.0
    client.headers["authorization"] = "Bearer rwt_guess"
    statuses = [client.get("cases").status_code for _ in range(40)]
    assert statuses == [401] * REFUSED_A_MINUTE + [429] * (40 - REFUSED_A_MINUTE)
    refused = [event for event in events(desk_database) if event.action == "API token refused"]
    assert len(refused) == statuses.count(401)


def test_an_error_that_nobody_foresaw_tells_an_id_and_nothing_else(call, monkeypatch, caplog):  # SEC-39
    def broken(*_args, **_named):
        raise RuntimeError("SELECT secret")

    monkeypatch.setattr("review.api.registers.list_registers", broken)
    answer = call("viewer").get("registers", headers={"accept-language": "ar"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text
    assert f"error {answer.json()['id']}" in caplog.text and "SELECT secret" in caplog.text


def test_without_the_database_that_knows_the_tokens_everything_is_closed(call, visit, desk_database):  # SEC-39
    client, signed_in = call("admin"), visit("admin")
    desk_database.dispose()
    path = desk_database.sqlite_path
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    path.write_bytes(b"this is no database" * 1000)
    answer = client.get("cases")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:relicwatch:problem:database")
    assert client.post("cases", json={"title": "x"}).status_code == 503
    assert signed_in.get("/").status_code == 503
    assert signed_in.get("/tokens").status_code == 503
    assert visit(None).get("/health").status_code == 503
