"""Sign-in, rights, forms and pages of the desk."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from crawler.blocks import find_challenge
from evidence.saved_files import SavedBy
from importing import Importer
from markets.catalog import get_market
from review.desk import COOKIE, local_path
from review.words import messages
from storage.audit import AuditChain
from storage.tables import (
    AuditEvent,
    Capture,
    Case,
    Crawl,
    Decision,
    Exhibit,
    Export,
    Job,
    Listing,
    UserSession,
    utc_now,
)
from storage.users import create_user, find_user, make_sign_in_code, set_disabled
from tests.review.conftest import ADDRESS, decision_form, field
from tests.review.seed import NOW, Offer, add_assessment, add_listing, add_observation, keep_file, png


@pytest.fixture
def listing(desk_database, home):
    with desk_database.transaction() as session:
        return add_listing(session, home, Offer())


def count(database, kind):
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(kind))


# -- signing in -------------------------------------------------------------------------------------------------


def test_a_stranger_is_led_to_the_sign_in_page_and_sees_nothing_else(visit, listing):
    stranger = visit(None)
    for path in ("/", f"/listings/{listing.id}", "/cases", "/crawls", "/captures/1/image", "/exports/x"):
        answer = stranger.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=")


def test_who_signs_in_comes_back_to_the_filters_they_had(visit, listing):
    answer = visit(None).get("/?band=strong&text=oil+lamp&page=2")
    assert answer.headers["location"] == "/sign-in?next=%2F%3Fband%3Dstrong%26text%3Doil%2Blamp%26page%3D2"
    page = visit(None).get(answer.headers["location"]).text
    assert field(page, "next") == "/?band=strong&amp;text=oil+lamp&amp;page=2"


def test_a_form_sent_after_the_session_ended_shows_what_was_written_and_leads_back(visit, listing, desk_database):
    client = visit("reviewer")
    form = decision_form(client.get(f"/listings/{listing.id}").text, note="</textarea>a long note")
    client.cookies.clear()
    answer = client.post(f"/listings/{listing.id}/decision", data=form)
    assert answer.status_code == 403
    assert "&lt;/textarea&gt;a long note</textarea>" in answer.text
    assert f'href="/sign-in?next=%2Flistings%2F{listing.id}"' in answer.text
    assert count(desk_database, Decision) == 0


def test_nothing_but_written_words_is_shown_again_to_who_is_signed_out(visit):
    sent = {"csrf": "x", "password": "correct horse", "password_again": "correct horse", "note": " "}
    answer = visit(None).post("/password", data=sent)
    assert answer.status_code == 403
    assert "correct horse" not in answer.text and "<textarea" not in answer.text


def test_a_one_time_code_signs_in_by_post_only_and_once(visit, desk_database):
    with desk_database.transaction() as session:
        code = make_sign_in_code(session, find_user(session, "reviewer"), 5)
    client = visit(None)
    page = client.get("/sign-in", params={"code": code})
    assert page.status_code == 200
    assert code in page.text
    assert count(desk_database, UserSession) == 0
    form = {"csrf": field(page.text, "csrf"), "code": code, "next": "/cases"}
    answer = client.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/password?next=/cases")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower() and "secure" not in cookie.lower()
    assert client.get("/").status_code == 200
    again = visit(None)
    page = again.get("/sign-in")
    assert again.post("/sign-in", data=form | {"csrf": field(page.text, "csrf")}).status_code == 403


def test_a_password_signs_in_and_a_wrong_one_gets_the_same_answer_as_an_unknown_name(visit, desk_database):
    with desk_database.transaction() as session:
        create_user(session, "Nadia", "lead", password="correct horse")
    client = visit(None)
    csrf = field(client.get("/sign-in").text, "csrf")
    wrong = client.post("/sign-in", data={"csrf": csrf, "name": "Nadia", "password": "no"})
    unknown = client.post("/sign-in", data={"csrf": csrf, "name": "Nobody", "password": "no"})
    no_password = client.post("/sign-in", data={"csrf": csrf, "name": "lead", "password": "no"})
    assert wrong.status_code == unknown.status_code == no_password.status_code == 403
    assert wrong.text == unknown.text == no_password.text
    right = client.post("/sign-in", data={"csrf": csrf, "name": "Nadia", "password": "correct horse"})
    assert right.status_code == 303


def test_signing_in_needs_the_token_of_the_form(visit):
    client = visit(None)
    client.get("/sign-in")
    assert client.post("/sign-in", data={"csrf": "x", "name": "a", "password": "b"}).status_code == 403
    assert visit(None).post("/sign-in", data={"csrf": "", "name": "a", "password": "b"}).status_code == 403


def test_a_session_dies_at_sign_out_even_for_a_kept_cookie(visit):
    client = visit("reviewer")
    token = client.cookies[COOKIE]
    csrf = field(client.get("/").text, "csrf")
    assert client.post("/sign-out", data={"csrf": csrf}).status_code == 303
    client.cookies.set(COOKIE, token)
    assert client.get("/").status_code == 303


def test_a_disabled_user_is_out_at_once(visit, desk_database):
    client = visit("reviewer")
    assert client.get("/").status_code == 200
    with desk_database.transaction() as session:
        set_disabled(session, find_user(session, "reviewer"), True)
    assert client.get("/").status_code == 303


@pytest.mark.parametrize("late", [{"last_seen_at": timedelta(hours=8)}, {"expires_at": timedelta(seconds=1)}])
def test_a_session_ends_when_idle_or_too_old(visit, desk_database, late):
    client = visit("reviewer")
    with desk_database.transaction() as session:
        row = session.scalars(select(UserSession)).one()
        for name, ago in late.items():
            setattr(row, name, utc_now() - ago)
    assert client.get("/").status_code == 303


def test_only_hashes_of_session_tokens_are_kept(visit, desk_database):
    client = visit("reviewer")
    with desk_database.transaction() as session:
        row = session.scalars(select(UserSession)).one()
    assert client.cookies[COOKIE] not in (row.token_sha256, row.csrf_token)


@pytest.mark.parametrize(
    "address", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", "/a\nb"]
)
def test_the_page_after_signing_in_is_one_of_ours(address):
    assert local_path(address) == "/"


# -- the guard --------------------------------------------------------------------------------------------------


def test_every_answer_carries_the_strict_headers(visit, listing):
    client = visit("admin")
    for path in ("/", f"/listings/{listing.id}", "/cases", "/crawls", "/nothing", "/static/desk.css", "/health"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254", "[", ""])
def test_another_host_name_is_refused(visit, host):
    assert visit("admin").get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"origin": ADDRESS, "sec-fetch-site": "cross-site"},
        {"origin": "null", "sec-fetch-site": "same-site"},
    ],
)
def test_a_form_from_another_site_is_refused(visit, headers):
    client = visit("reviewer")
    csrf = field(client.get("/").text, "csrf")
    assert client.post("/sign-out", data={"csrf": csrf}, headers=headers).status_code == 403
    assert client.get("/").status_code == 200


def test_a_form_of_ours_is_taken_though_the_browser_hides_its_origin(visit):
    client = visit("reviewer")
    csrf = field(client.get("/").text, "csrf")
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    assert client.post("/sign-out", data={"csrf": csrf}, headers=headers).status_code == 303


def test_no_post_works_without_the_token_of_the_session(visit, listing, desk_database):
    client = visit("admin")
    other = field(visit("admin").get("/").text, "csrf")
    posts = [route.path for route in _routes(client) if "POST" in route.methods and route.path != "/sign-in"]
    assert len(posts) >= 7
    for path in posts:
        address = path.format_map(Names(listing_id=listing.id, reference="RW-2026-0001"))
        for csrf in ("", "x", other):
            assert client.post(address, data={"csrf": csrf}).status_code == 403, path
    assert count(desk_database, Decision) == count(desk_database, Case) == 0


def test_a_body_too_long_is_refused(visit):
    assert visit("admin").post("/language", data={"csrf": "x" * 300_000}).status_code == 413


def test_other_methods_are_closed(visit):
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
        assert visit("admin").request(method, "/").status_code == 405


def _routes(client):
    found = []
    for route in client.app.routes:
        inner = getattr(getattr(route, "original_router", None), "routes", [route])
        found += [r for r in inner if hasattr(r, "methods")]
    return found


# -- rights -----------------------------------------------------------------------------------------------------

# Who may use which route; `tests.review.test_rights` asks each with every role.
NEEDS = {
    ("GET", "/leaving"): "read",
    ("GET", "/queue/new"): "read",
    ("GET", "/queue.csv"): "export",
    ("POST", "/queue/decisions"): "decide",
    ("POST", "/queue/undo"): "decide",
    ("POST", "/queue/assignment"): "decide",
    ("POST", "/listings/{listing_id}/decision"): "decide",
    ("POST", "/listings/{listing_id}/undo"): "decide",
    ("POST", "/listings/{listing_id}/assignment"): "decide",
    ("POST", "/listings/{listing_id}/notes"): "decide",
    ("POST", "/listings/{listing_id}/case"): "cases",
    ("POST", "/cases"): "cases",
    ("POST", "/cases/{reference}/notes"): "cases",
    ("POST", "/cases/{reference}/bundle"): "export",
    ("POST", "/cases/{reference}/assign"): "cases",
    ("POST", "/cases/{reference}/state"): "cases",
    ("POST", "/cases/{reference}/referrals"): "cases",
    ("POST", "/cases/{reference}/exhibits/{listing_id}/outcome"): "cases",
    ("POST", "/cases/{reference}/exhibits/{listing_id}/lawful"): "cases",
    ("POST", "/cases/{reference}/four-eyes"): "administer",
    ("GET", "/alarms"): "read",
    ("POST", "/alarms/{alarm_id}/receipt"): "read",
    ("POST", "/alarms/{alarm_id}/close"): "decide",
    ("POST", "/alarms/recipients"): "administer",
    ("GET", "/searches"): "read",
    ("GET", "/searches/open"): "read",
    ("POST", "/searches"): "read",
    ("POST", "/searches/{search_id}/change"): "read",
    ("GET", "/alerts"): "read",
    ("POST", "/alerts/read"): "read",
    ("POST", "/alerts/email"): "read",
    ("GET", "/alerts/confirm"): "read",
    ("POST", "/alerts/confirm"): "read",
    ("POST", "/alerts/webhook"): "cases",
    ("POST", "/alerts/test"): "read",
    ("POST", "/alerts/deliveries/{delivery_id}/again"): "read",
    ("GET", "/overview"): "read",
    ("GET", "/overview/months.csv"): "read",
    ("GET", "/administration/users"): "administer",
    ("POST", "/administration/users"): "administer",
    ("POST", "/administration/users/{user_id}/role"): "administer",
    ("POST", "/administration/users/{user_id}/change"): "administer",
    ("GET", "/administration/markets"): "audit",
    ("POST", "/administration/markets/{name}/approve"): "administer",
    ("POST", "/administration/markets/{name}/revoke"): "administer",
    ("GET", "/administration/approvals/{approval_id}/{what}"): "audit",
    ("GET", "/administration/watches"): "audit",
    ("POST", "/administration/watches"): "administer",
    ("GET", "/administration/models"): "audit",
    ("GET", "/administration/retention"): "audit",
    ("POST", "/administration/retention/periods"): "administer",
    ("POST", "/administration/retention/holds"): "administer",
    ("POST", "/administration/retention/holds/{hold_id}/lift"): "administer",
    ("POST", "/administration/models"): "administer",
    ("GET", "/audit"): "audit",
    ("POST", "/export-requests/{request_id}"): "export",
    ("GET", "/attachments/{attachment_id}"): "read",
    ("GET", "/exports/{bundle_id}"): "export",
    ("GET", "/received/{bundle_id}"): "export",
    ("GET", "/received-exhibits/{exhibit_id}/image"): "read",
    ("GET", "/sellers/{seller_id}"): "read",
    ("POST", "/sellers/{seller_id}/follow"): "decide",
    ("GET", "/"): "read",
    ("GET", "/captures/{capture_id}/picture"): "read",
    ("GET", "/photos"): "read",
    ("POST", "/photos"): "read",
    ("GET", "/photos/asked/{key}.jpg"): "read",
    ("GET", "/photos/listings/{listing_id}/{sha256}"): "read",
    ("GET", "/photos/entries/{entry_id}/{sha256}"): "read",
    ("GET", "/registers/entries/{entry_id}/photos/{number}"): "read",
    ("GET", "/listings/{listing_id}/pictures"): "read",
    ("POST", "/listings/{listing_id}/capture"): "decide",
    ("POST", "/listings/{listing_id}/contacts"): "decide",
    ("POST", "/listings/{listing_id}/matches/{match_id}"): "decide",
    ("POST", "/listings/{listing_id}/object-id"): "decide",
    ("POST", "/listings/{listing_id}/same"): "decide",
    ("GET", "/first-hour"): "administer",
    ("POST", "/first-hour/approve"): "administer",
    ("POST", "/first-hour/key"): "administer",
    ("POST", "/first-hour/lawful"): "administer",
    ("POST", "/first-hour/own"): "administer",
    ("POST", "/first-hour/reading"): "administer",
    ("POST", "/first-hour/saved"): "administer",
    ("POST", "/first-hour/searches"): "administer",
    ("POST", "/first-hour/skip"): "administer",
    ("GET", "/practice"): "read",
    ("POST", "/practice"): "read",
    ("GET", "/practice/next"): "read",
    ("GET", "/practice/result/{round_id}"): "read",
    ("GET", "/practice/pictures/{name}.jpg"): "read",
    ("GET", "/practice/{name}"): "read",
    ("POST", "/practice/{name}"): "read",
    ("GET", "/crawls"): "read",
    ("GET", "/cases"): "read",
    ("GET", "/cases/{reference}"): "read",
    ("GET", "/listings/{listing_id}"): "read",
    ("GET", "/captures/{capture_id}/image"): "read",
}


class Names(dict):
    """Parts of an address; those not named are numbers of records that are not there."""

    def __missing__(self, name):
        return "999"


OPEN_TO_ALL = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("POST", "/language"),
    ("GET", "/password"),
    ("POST", "/password"),
    ("GET", "/second-factor"),
    ("POST", "/second-factor"),
    ("POST", "/second-factor/codes"),
    ("POST", "/second-factor/remove"),
    ("GET", "/purpose"),
    ("POST", "/purpose"),
    ("GET", "/tokens"),
    ("POST", "/tokens"),
    ("POST", "/tokens/{token_id}/revoke"),
    ("GET", "/health"),
}


# -- the queue --------------------------------------------------------------------------------------------------


def test_the_queue_shows_a_hit_with_its_own_words(visit, listing):
    page = visit("viewer").get("/").text
    assert "Terracotta oil lamp" in page
    assert "strong" in page and "0.86" in page
    assert "oil lamp" in page and "museum copy" in page
    assert "€" in page or "EUR" in page
    assert "not a verdict" in page
    assert re.search(r'<img src="/captures/\d+/image" width="112" height="112" loading="lazy"', page)


def test_an_empty_queue_says_so(visit):
    assert "Nothing waits for a decision" in visit("viewer").get("/").text


def test_a_search_takes_other_spellings_of_the_same_words(visit, desk_database, home):
    with desk_database.transaction() as session:
        add_listing(
            session, home, Offer(title="مسكوكة أُمَوِيّة نادرة", description="من القرن ١", marked={}, language="ar")
        )
        add_listing(session, home, Offer(title="Tête 100% étrusque", description="", marked={}, language="fr"))
    client = visit("viewer")
    assert "مسكوكة" in client.get("/", params={"text": "امويه"}).text
    assert "étrusque" in client.get("/", params={"text": "TETE etrusque"}).text
    assert "No listing fits" in client.get("/", params={"text": "50%"}).text
    assert "étrusque" not in client.get("/", params={"language": "ar"}).text
    assert "No listing fits" in client.get("/", params={"market": "another"}).text


def test_a_long_queue_comes_in_pages_of_25(visit, desk_database, home):
    with desk_database.transaction() as session:
        for number in range(26):
            add_listing(session, home, Offer(title=f"Lamp number {number:03}", marked={}))
    client = visit("viewer")
    assert client.get("/").text.count('class="hit"') == 25
    assert client.get("/?page=2").text.count('class="hit"') == 1
    assert client.get("/?page=999999&band=junk&state=junk").text.count('class="hit"') == 1


# -- the listing and the decision -------------------------------------------------------------------------------


def test_the_listing_marks_its_reasons_where_they_stand(visit, listing):
    page = visit("viewer").get(f"/listings/{listing.id}").text
    assert '<mark class="for" title="object:oil_lamp (+1.40)">oil lamp</mark>' in page
    assert '<mark class="against" title="replica:museum_copy (-1.90)">museum copy</mark>' in page
    assert ">complete<" in page and "as received" in page
    assert "https://auction.example/sale/3/lot/14" in page
    assert f'href="/leaving?of=listing&amp;id={listing.id}"' in page and 'href="https://' not in page


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Starting bid", "Current bid", "Bids", "Size as shown", "340.5 g")),
        ("fr", ("Mise à prix", "Enchère actuelle", "Enchères", "Dimensions affichées", "340,5 g")),
        ("ar", ("سعر الافتتاح", "المزايدة الحالية", "عدد المزايدات", "القياسات كما عُرضت", "غ")),
    ],
)
def test_bids_size_and_weight_are_shown_in_the_readers_words(visit, listing, language, said):
    page = visit("viewer").get(f"/listings/{listing.id}?lang={language}").text
    assert all(word in page for word in said), [word for word in said if word not in page]
    assert "H. 12 cm" in page


def test_viewing_a_listing_is_logged_and_changes_nothing_else(visit, listing, desk_database):
    visit("viewer").get(f"/listings/{listing.id}")
    with desk_database.transaction() as session:
        event = session.scalars(select(AuditEvent)).one()
        assert (event.actor, event.action, event.object_id) == ("viewer", "viewed", str(listing.id))
        assert session.get(Listing, listing.id).current_decision_id is None


def test_a_decision_is_kept_with_what_was_on_the_screen_and_leads_to_the_next_hit(visit, desk_database, home):
    with desk_database.transaction() as session:
        first = add_listing(session, home, Offer(score=0.9))
        second = add_listing(session, home, Offer(score=0.8))
    client = visit("reviewer")
    page = client.get(f"/listings/{first.id}").text
    form = decision_form(page, verdict="replica", next_step="dismiss", reason="replica", note="محفور حديثًا")
    answer = client.post(f"/listings/{first.id}/decision", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/listings/{second.id}?")
    with desk_database.transaction() as session:
        kept = session.scalars(select(Decision)).one()
        assert (kept.observation_id, kept.assessment_id) == (first.current_observation_id, first.current_assessment_id)
        assert (kept.verdict, kept.next_step, kept.reason, kept.note) == (
            "replica",
            "dismiss",
            "replica",
            "محفور حديثًا",
        )
        assert session.get(Listing, first.id).current_decision_id == kept.id
        assert [e.action for e in session.scalars(select(AuditEvent))] == ["viewed", "decided"]
    assert f"/listings/{first.id}" not in client.get("/").text
    assert f"/listings/{first.id}" in client.get("/?state=decided").text


def test_a_kept_decision_is_told_with_the_way_back_to_its_listing(visit, listing):
    client = visit("reviewer")
    form = decision_form(client.get(f"/listings/{listing.id}?band=strong").text)
    answer = client.post(f"/listings/{listing.id}/decision", data=form)
    assert answer.headers["location"] == "/?band=strong&decided=1"  # it was the last that waited
    page = client.get(answer.headers["location"]).text
    assert "The decision is kept." in page and f'href="/listings/{listing.id}?band=strong"' in page


@pytest.mark.parametrize("decided", ["", "7", "x", "9" * 30])
def test_a_decision_that_is_not_there_is_not_told_as_kept(visit, listing, decided):
    client = visit("reviewer")
    for path in ("/", f"/listings/{listing.id}"):
        answer = client.get(path, params={"decided": decided})
        assert answer.status_code == 200
        assert "The decision is kept." not in answer.text


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/listings/1/decision?lang=fr", "/listings/1?lang=fr"),
        ("/listings/1/case", "/listings/1?"),
        ("/cases/RW-2026-0001/notes", "/cases/RW-2026-0001?"),
        ("/sign-out", "/?"),
    ],
)
def test_an_address_that_only_takes_forms_leads_to_the_page_of_the_form(visit, path, page):
    answer = visit("reviewer").get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, page)


def test_an_address_that_is_not_there_is_told_in_the_language_of_who_asks(visit, desk_database):
    with desk_database.transaction() as session:
        find_user(session, "lead").language = "ar"
    answer = visit("lead").get("/nothing/here")
    assert answer.status_code == 404
    assert '<html lang="ar" dir="rtl">' in answer.text and "/sign-out" in answer.text


def test_sending_a_decision_twice_decides_once(visit, listing, desk_database):
    client = visit("reviewer")
    form = decision_form(client.get(f"/listings/{listing.id}").text)
    for _ in range(2):
        assert client.post(f"/listings/{listing.id}/decision", data=form).status_code == 303
    assert count(desk_database, Decision) == 1


def test_a_stale_screen_gets_both_decisions_and_keeps_neither_over_the_other(visit, listing, desk_database):  # RL-29
    mine, theirs = visit("reviewer"), visit("lead")
    form = decision_form(mine.get(f"/listings/{listing.id}").text, verdict="antiquity", next_step="refer", note="mine")
    other = decision_form(theirs.get(f"/listings/{listing.id}").text, note="theirs")
    theirs.post(f"/listings/{listing.id}/decision", data=other)
    answer = mine.post(f"/listings/{listing.id}/decision", data=form)
    assert answer.status_code == 409
    assert "theirs" in answer.text and "mine" in answer.text and "was kept while you had it open" in answer.text
    assert count(desk_database, Decision) == 1
    anew = decision_form(answer.text, verdict="antiquity", next_step="refer")
    assert mine.post(f"/listings/{listing.id}/decision", data=anew).status_code == 303
    with desk_database.transaction() as session:
        first, second = session.scalars(select(Decision).order_by(Decision.id))
        assert second.supersedes_id == first.id


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "stolen"},
        {"next_step": ""},
        {"next_step": "dismiss"},
        {"next_step": "dismiss", "reason": "other"},
        {"reason": "<b>"},
        {"observation": "999"},
        {"assessment": "999"},
        {"note": "x" * 5000},
    ],
)
def test_a_half_filled_or_forged_decision_is_refused_and_shown_again(visit, listing, desk_database, wrong):
    client = visit("reviewer")
    form = decision_form(client.get(f"/listings/{listing.id}").text, **wrong)
    answer = client.post(f"/listings/{listing.id}/decision", data=form)
    assert answer.status_code == 422
    assert "could not be kept" in answer.text
    assert count(desk_database, Decision) == 0


def test_a_listing_that_changes_after_a_decision_comes_back_first_and_shows_what_changed(
    visit, listing, desk_database, home
):
    client = visit("reviewer")
    form = decision_form(client.get(f"/listings/{listing.id}").text)
    client.post(f"/listings/{listing.id}/decision", data=form)
    with desk_database.transaction() as session:
        add_listing(session, home, Offer(score=0.99))
        changed = session.get(Listing, listing.id)
        offer = Offer(price=Decimal("90"), title="Lamp, decorative")
        observation = add_observation(session, changed, offer, None, NOW)
        changed.current_assessment_id = add_assessment(session, changed, observation, offer).id
        changed.changed_after_decision = True
    page = client.get("/").text
    assert page.index(f"/listings/{listing.id}") < page.index("/listings/2")
    assert "Changed after a decision" in page
    page = client.get(f"/listings/{listing.id}").text
    assert "This listing changed after the decision" in page
    assert re.search(r"<bdi>240</bdi></del>\s*<ins>.*<bdi>90</bdi></ins>", page)


def test_a_former_flag_is_shown_with_what_the_page_said_and_why(visit, listing, desk_database):
    with desk_database.transaction() as session:
        emptied = Offer(title="Auction house", description=None, flagged=False, band="weak", score=0.02)
        changed = session.get(Listing, listing.id)
        seen = add_observation(session, changed, emptied, None, NOW)
        changed.current_assessment_id = add_assessment(session, changed, seen, emptied).id
    client = visit("reviewer")
    row = client.get("/").text.partition('class="hits"')[2]
    assert "Was flagged before: the page says something else now" in row
    assert "Auction house" in row and "Terracotta oil lamp, Roman" in row and "strong" in row
    page = client.get(f"/listings/{listing.id}").text
    former = page.partition('id="flagged-before"')[2].partition("</section>")[0]
    assert '<mark class="for" title="object:oil_lamp (+1.40)">oil lamp</mark>' in former
    assert "Found in an old" in former and "replica:museum_copy" in former
    client.post(f"/listings/{listing.id}/decision", data=decision_form(page))
    assert "Nothing waits" in client.get("/").text


def test_a_flag_of_an_earlier_model_is_told_as_such(visit, listing, desk_database):
    with desk_database.transaction() as session:
        same = session.get(Listing, listing.id)
        newer = add_assessment(session, same, same.current_observation, Offer(flagged=False), model="text-2")
        same.current_assessment_id = newer.id
    client = visit("viewer")
    assert "Was flagged before, by an earlier model" in client.get("/").text
    assert "An earlier model flagged this listing" in client.get(f"/listings/{listing.id}").text


def test_the_queue_gives_three_different_reasons(visit, desk_database, home):
    marked = {"Lamp": (2.0, "a"), "lamp": (1.9, "a"), "dig": (1.2, "b"), "soil": (-0.5, "c")}
    with desk_database.transaction() as session:
        add_listing(session, home, Offer(title="Lamp of a dig", description="lamp with soil", marked=marked))
    row = visit("viewer").get("/").text.partition('class="chips"')[2].partition("</p>")[0]
    assert re.findall(r"</span> (\w+)</span>", row) == ["Lamp", "dig", "soil"]


@pytest.mark.parametrize(
    ("language", "saved", "by", "note", "nothing", "open_photo"),
    [
        (
            "en",
            "saved by officers",
            "Saved by Amina, 20 Nov",
            "taken out of the saved file",
            "without words",
            "the photo",
        ),
        ("fr", "enregistré par des agents", "Enregistré par Amina", "extraite telle quelle", "sans texte", "la photo"),
        ("ar", "حفظه الضباط", "حفظه \u2068Amina\u2069", "مأخوذة كما هي", "صورة بلا كلمات", "افتح الصورة"),
    ],
)
def test_a_saved_picture_is_told_in_the_readers_words(
    visit, desk_database, home, language, saved, by, note, nothing, open_photo
):
    path = home.root / "IMG_2031.png"
    path.write_bytes(png("#123456"))
    saver = SavedBy("Amina", datetime(2026, 11, 20, 14, 3, tzinfo=UTC), "clerk")
    [listing] = Importer(desk_database, home, saved_by=saver, chain=AuditChain()).import_file(path).listings
    page = visit("viewer").get(f"/listings/{listing.listing_id}?lang={language}").text
    for words in (saved, by, note, nothing, open_photo):
        assert words in page
    assert "COMPLETE" not in page and 'href="/leaving' not in page
    outside = re.sub(r'<span lang="en" dir="ltr" class="recorded">.*?</span>', "", page)
    assert "by their own word" not in outside or language == "en"


def test_markets_stand_by_their_titles(visit, listing, desk_database, home):
    with desk_database.transaction() as session:
        session.add(Crawl(market="ebay_fr", queries=[]))
        session.get(Listing, listing.id).market = "ebay_fr"
    title = get_market(home, "ebay_fr").title
    for path in ("/", f"/listings/{listing.id}", "/crawls"):
        assert f'<bdi title="ebay_fr">{title}</bdi>' in visit("viewer").get(path).text


def test_a_decision_on_an_outdated_observation_keeps_it_and_leaves_the_listing_waiting(visit, listing, desk_database):
    client = visit("reviewer")
    form = decision_form(client.get(f"/listings/{listing.id}").text)
    with desk_database.transaction() as session:
        changed = session.get(Listing, listing.id)
        add_observation(session, changed, Offer(price=Decimal("1")), None, NOW)
    client.post(f"/listings/{listing.id}/decision", data=form)
    with desk_database.transaction() as session:
        assert session.scalars(select(Decision)).one().observation_id == listing.current_observation_id
        assert session.get(Listing, listing.id).changed_after_decision


def test_decisions_can_neither_be_edited_nor_deleted(visit, listing, desk_database):
    client = visit("reviewer")
    client.post(f"/listings/{listing.id}/decision", data=decision_form(client.get(f"/listings/{listing.id}").text))
    for statement in ("UPDATE decision SET verdict = 'other'", "DELETE FROM decision"):
        with pytest.raises(DBAPIError, match="append-only"), desk_database.transaction() as session:
            session.connection().exec_driver_sql(statement)


# -- pictures and bundles ---------------------------------------------------------------------------------------


def test_a_thumbnail_is_shown_and_sandboxed(visit, listing, desk_database):
    with desk_database.transaction() as session:
        capture = session.scalars(select(Capture).where(Capture.kind == "thumbnail")).one()
    answer = visit("viewer").get(f"/captures/{capture.id}/image")
    assert answer.headers["content-type"] == "image/png"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", b"<html><script>1</script>"]
)
def test_what_is_no_raster_picture_only_comes_as_a_download(visit, listing, desk_database, home, content):  # SEC-11
    with desk_database.transaction() as session:
        capture = session.scalars(select(Capture).where(Capture.kind == "thumbnail")).one()
        capture.sha256 = keep_file(home, content)
        capture.media_type = "image/png"
    answer = visit("viewer").get(f"/captures/{capture.id}/image")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("name", ["99", "0", "-1", "..%2f..%2fetc%2fpasswd", "1e3", "٣", "9" * 30])
def test_an_unknown_record_gets_a_plain_page(visit, listing, name):
    client = visit("admin")
    for path in (f"/captures/{name}/image", f"/listings/{name}", f"/cases/{name}", f"/exports/{name}"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "There is nothing at this address" in answer.text
        assert "Traceback" not in answer.text


def test_a_case_is_opened_from_a_listing_and_its_bundle_asked_for_once(visit, listing, desk_database, home):
    client = visit("exporter")
    page = client.get(f"/listings/{listing.id}").text
    csrf = field(page, "csrf")
    form = {"csrf": csrf, "observation": field(page, "observation"), "case": "", "title": "Lampes du nord"}
    answer = client.post(f"/listings/{listing.id}/case", data=form)
    reference = answer.headers["location"].rpartition("/")[2]
    assert re.fullmatch(r"RW-\d{4}-0001", reference)
    case_page = client.get(f"/cases/{reference}").text
    assert "Terracotta oil lamp" in case_page and "Lampes du nord" in case_page
    client.post(f"/cases/{reference}/notes", data={"csrf": csrf, "note": "ملاحظة أولى"})
    assert "ملاحظة أولى" in client.get(f"/cases/{reference}").text
    asked = {"csrf": csrf, "request_key": field(case_page, "request_key"), "languages": ["en", "ar", "xx"]}
    assert client.post(f"/cases/{reference}/bundle", data=asked).status_code == 422  # SEC-36: no purpose
    asked["purpose"] = "For the customs of Lyon"
    for _ in range(2):
        assert client.post(f"/cases/{reference}/bundle", data=asked).status_code == 303
    with desk_database.transaction() as session:
        job = session.scalars(select(Job)).one()
        assert (job.kind, job.arguments) == (
            "export",
            {"case": reference, "languages": ["en", "ar"], "actor": "exporter", "cover": {}},
        )
        case = session.scalars(select(Case)).one()
        session.add(
            Export(
                bundle_id="good", case_id=case.id, path="a.zip", sha256="0", exported_by="exporter", languages=["en"]
            )
        )
        outside = {"case_id": case.id, "sha256": "0", "exported_by": "exporter", "languages": ["en"]}
        session.add(Export(bundle_id="outside", path="../DEMO", **outside))
    (home.exports / "a.zip").write_bytes(b"PK")
    (home.root / "DEMO").touch()
    assert client.get("/exports/good").content == b"PK"
    assert client.get("/exports/outside").status_code == 404
    assert "a.zip" in client.get(f"/cases/{reference}").text


def test_an_exhibit_stays_what_it_was_when_the_listing_changes(visit, listing, desk_database):
    client = visit("lead")
    page = client.get(f"/listings/{listing.id}").text
    form = {"csrf": field(page, "csrf"), "observation": field(page, "observation"), "case": "", "title": "A case"}
    address = client.post(f"/listings/{listing.id}/case", data=form).headers["location"]
    with desk_database.transaction() as session:
        add_observation(session, session.get(Listing, listing.id), Offer(title="Garden gnome"), None, NOW)
        assert session.scalars(select(Exhibit)).one().observation_id == listing.current_observation_id
    assert "Garden gnome" not in client.get(address).text


# -- whole pages ------------------------------------------------------------------------------------------------


def test_the_demo_says_so_on_every_page(visit, listing, home):
    (home.root / "DEMO").touch()
    client = visit("admin")
    for path in ("/", f"/listings/{listing.id}", "/cases", "/crawls", "/nothing"):
        assert "demo-banner" in client.get(path).text
    assert "demo-banner" in visit(None).get("/sign-in").text


def test_the_language_is_kept_for_the_user_and_arabic_runs_from_right_to_left(visit, listing):
    client = visit("reviewer")
    csrf = field(client.get("/").text, "csrf")
    client.post("/language", data={"csrf": csrf, "language": "ar", "next": "/"})
    page = visit("reviewer").get("/").text
    assert '<html lang="ar" dir="rtl">' in page
    assert "قائمة المراجعة" in page
    client.post("/language", data={"csrf": csrf, "language": "xx"})
    assert 'lang="ar" dir="rtl"' in client.get("/").text


def test_an_error_nobody_foresaw_gets_an_id_and_no_traceback(visit, desk_database, caplog):
    client = visit("viewer")
    with desk_database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE user SET role = 'viewer', language = 'xx'")
    import review.pages.queue as queue_module

    def broken(*_):
        raise ZeroDivisionError("secret inside")

    original, queue_module.Queue = queue_module.Queue, broken
    try:
        answer = client.get("/")
    finally:
        queue_module.Queue = original
    assert answer.status_code == 500
    assert "secret inside" not in answer.text and "Traceback" not in answer.text
    error_id = re.search(r"desk: ([0-9a-f]{8})", answer.text).group(1)
    assert error_id in caplog.text
    assert "content-security-policy" in answer.headers


def test_a_crawls_counts_are_told_in_the_readers_words(visit, desk_database):
    with desk_database.transaction() as session:
        counts = {"pages": 1287, "listings": 140, "pages_search": 7, "flagged": 24}
        session.add(Crawl(market="m", queries=["lamp"], counts={"counts": counts, "filled": {"title": 140}}))
    text = visit("viewer").get("/crawls").text
    row = text.partition("<tbody>")[2]
    assert "pages&nbsp;<strong>1,287</strong> · listings&nbsp;<strong>140</strong>" in row
    assert "hits&nbsp;<strong>24</strong>" in row
    assert "{" not in row and "pages_search" not in row and "filled" not in row


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "<bdi>Price</bdi>: found in <bdi>0</bdi> % of <bdi>1,200</bdi> listings"),
        ("fr", "<bdi>Prix</bdi> : présent dans <bdi>0</bdi> %"),
        ("ar", "<bdi>السعر</bdi>: موجود في <bdi>0</bdi> %"),
    ],
)
def test_a_crawls_fault_is_told_in_the_readers_words(visit, desk_database, language, said):
    values = {"field": "price", "listings": 1200, "share": 0, "usual": 95}
    faults = [{"code": "thin_before", "values": values}]
    with desk_database.transaction() as session:
        session.add(Crawl(market="m", queries=[], state="failed", fault="In English.", counts={"faults": faults}))
    row = visit("viewer").get(f"/crawls?lang={language}").text.partition("<tbody>")[2]
    assert said in row
    assert "In English." not in row


def test_a_fault_of_an_old_crawl_or_with_a_markets_own_words_is_shown_as_text(visit, desk_database):
    faults = [{"code": "challenge", "values": {"status": 403, "sign": "the title '<b>\u202ehalt'"}}]
    with desk_database.transaction() as session:
        session.add(Crawl(market="m", queries=[], state="failed", fault="It was <i>so</i>."))
        session.add(Crawl(market="m", queries=[], state="failed", fault="Kept out.", counts={"faults": faults}))
    row = visit("viewer").get("/crawls?lang=ar").text.partition("<tbody>")[2]
    assert "It was &lt;i&gt;so&lt;/i&gt;." in row
    assert '<bdi dir="ltr">HTTP&nbsp;403</bdi>' in row
    assert "&lt;b&gt;" in row and "<b>" not in row and "\u202e" not in row and "U+202E" in row


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "HTTP&nbsp;200</bdi>, the title “<bdi>Just a moment</bdi>”)"),
        ("fr", "HTTP&nbsp;200</bdi>, le titre « <bdi>Just a moment</bdi> »)"),
        ("ar", "HTTP&nbsp;200</bdi>، العنوان «<bdi>Just a moment</bdi>»)"),
    ],
)
def test_a_challenge_is_told_by_what_it_shows(visit, desk_database, language, said):
    block = find_challenge(200, {}, b"<title>Just a moment</title><body>Are you a robot? g-recaptcha</body>")
    faults = [{"code": block.code, "values": block.values}]
    with desk_database.transaction() as session:
        session.add(Crawl(market="m", queries=[], state="failed", fault=block.sentence, counts={"faults": faults}))
    row = visit("viewer").get(f"/crawls?lang={language}").text.partition("<tbody>")[2]
    assert said in row


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_a_fruitless_crawl_names_its_first_problem_marked_as_english(visit, desk_database, language):
    faults = [{"code": "all_failed", "values": {"pages": 1}}]
    problems = [{"url": "https://auction.example/", "reason": "robots.txt could not be read (HTTP 503)"}]
    with desk_database.transaction() as session:
        crawl = Crawl(market="m", queries=[], state="failed", fault="x", counts={"faults": faults}, problems=problems)
        session.add(crawl)
    row = visit("viewer").get(f"/crawls?lang={language}").text.partition("<tbody>")[2]
    marked = '<span lang="en" dir="ltr" class="recorded">robots.txt could not be read (HTTP 503)</span>'
    assert row.count(marked) == 2  # beside the fault and in the list of problems
    assert messages(language)["fault_first_problem"] in row


def test_a_crawls_problems_are_counted_and_shown_with_address_and_reason(visit, desk_database):
    with desk_database.transaction() as session:
        problems = [{"url": f"https://auction.example/{n}", "reason": "<b>no title"} for n in range(30)]
        session.add(Crawl(market="m", queries=[], counts={"counts": {"problems": 28, "failed": 2}}, problems=problems))
    row = visit("viewer").get("/crawls").text.partition("<tbody>")[2]
    assert "problems&nbsp;<strong>30</strong>" in row
    assert "https://auction.example/19<" in row and "https://auction.example/20<" not in row
    assert "&lt;b&gt;no title" in row


def test_a_database_without_tables_is_told_in_plain_words(visit, desk_database):
    client = visit("viewer")
    with desk_database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE crawl RENAME TO crawl_gone")
    answer = client.get("/crawls")
    assert answer.status_code == 503
    assert "database does not answer" in answer.text


def test_health_says_ok_or_degraded_and_nothing_else(visit, desk_database):
    assert visit(None).get("/health").json() == {"status": "ok"}
    with desk_database.transaction() as session:
        session.connection().exec_driver_sql("DROP TABLE alembic_version")
    answer = visit(None).get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "degraded"})
