"""The first hour: opened once by itself, gone on with at any step, and honest about why there is no hit yet."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from classifiers.answers.facts import Settings
from crawler.operator import told_operator
from review.words import messages
from storage.jobs import claim_job
from storage.tables import AuditEvent, Crawl, Job, MarketApproval, SavedSearch, SourceReading, Watch, utc_now
from storage.users import LANGUAGES, create_user, find_user, make_sign_in_code
from storage.watches import add_watch
from tests.market_server import reply, serving
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing
from work import run_job

OWN = """
name: {name}
title: A small auction
domains: ["{host}"]
id_space: {name}
kind: auction
spider: catalogue
search: {{url: "http://{host}/search?q={{query}}"}}
listing_url: "/lot/(?P<lot>\\\\d+)"
"""


def send(client, step, address="", files=None, /, **data):
    page = client.get(f"/first-hour?step={step}").text
    return client.post(f"/first-hour/{address or step}", data={"csrf": field(page, "csrf")} | data, files=files)


def own_market(home, host="auction.example", name="small_auction"):
    (home.markets / f"{name}.yaml").write_text(OWN.format(name=name, host=host), "utf-8")
    return name


def sign_in(client, database, name):
    with database.transaction() as session:
        code = make_sign_in_code(session, find_user(session, name), 5)
    page = client.get("/sign-in").text
    return client.post("/sign-in", data={"csrf": field(page, "csrf"), "code": code, "next": "/"})


def test_the_first_administrator_is_led_to_it_once_and_others_are_not(visit, desk_database):
    assert "first-hour" not in sign_in(visit(None), desk_database, "lead").headers["location"]
    client = visit(None)
    assert sign_in(client, desk_database, "admin").headers["location"] == "/password?next=/first-hour"
    assert client.get("/first-hour").status_code == 200
    with desk_database.transaction() as session:
        create_user(session, "second", "admin")
    assert sign_in(visit(None), desk_database, "second").headers["location"] == "/password?next=/"
    assert 'href="/first-hour"' in client.get("/administration/users").text, "it stays within reach"


@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead", "exporter", "auditor"])
def test_it_is_the_administrators_alone(visit, role):
    client = visit(role)
    assert client.get("/first-hour").status_code == 403
    csrf = field(client.get("/password").text, "csrf")
    for act in ("own", "lawful", "source", "searches", "skip", "key", "reading", "saved", "approve"):
        assert client.post(f"/first-hour/{act}", data={"csrf": csrf}).status_code in (403, 404)


def test_language_and_own_country_are_kept(visit, desk_database, home):
    client = visit("admin")
    assert send(client, "own", language="ar", country="TN").headers["location"] == "/first-hour?step=lawful"
    assert Settings.load(home.root).own_country == {"TN"}
    page = client.get("/first-hour?step=own").text
    assert '<html lang="ar"' in page and re.search(r'value="TN" selected>تونس', page)
    refused = send(client, "own", language="ar", country="<x>")
    assert refused.status_code == 422 and Settings.load(home.root).own_country == {"TN"}


def test_basis_and_contact_are_kept_and_offered_for_each_approval(visit, desk_database, home):
    client = visit("admin")
    refused = send(client, "lawful", name="Unit", contact="no address", legal_basis="Law 22-80")
    assert refused.status_code == 422 and 'value="Law 22-80"' in refused.text
    send(client, "lawful", name="Unit", contact="unit@culture.example", legal_basis="Law 22-80")
    assert told_operator(home).contact == "unit@culture.example"
    own_market(home)
    assert 'value="Law 22-80"' in client.get("/first-hour?step=source&market=small_auction").text


def test_a_step_is_skipped_and_the_next_open_one_comes(visit):
    client = visit("admin")
    assert send(client, "own", "skip", step="own").headers["location"] == "/first-hour?step=lawful"
    page = client.get("/first-hour").text
    assert "skipped" in page and 'action="/first-hour/lawful"' in page
    for step in ("lawful", "source", "searches"):
        last = send(client, step, "skip", step=step)
    assert last.headers["location"] == "/first-hour?step=end"
    assert send(client, "own", "skip", step="all").status_code == 404


def test_a_source_is_read_shown_kept_and_approved_under_a_name(visit, desk_database, home, monkeypatch):
    monkeypatch.setenv("RELICWATCH_ALLOW_LOOPBACK", "1")
    monkeypatch.setattr("review.pages.first_hour.READING_PAUSE_SECONDS", 0.0)
    with serving() as server:
        server.routes["/robots.txt"] = reply("User-agent: *\nDisallow: /account/ # <b>\n")
        server.routes["/terms"] = reply("<html><script>bad()</script><p>Automated visits are welcome.</p></html>")
        own_market(home, server.url("").removeprefix("http://"))
        client = visit("admin")
        read = send(client, "source", "reading", market="small_auction", terms_url=server.url("/terms"))
    page = client.get(read.headers["location"]).text
    assert "Disallow: /account/" in page and "Automated visits are welcome." in page and "<script>bad" not in page
    assert "name: small_auction" in page, "the definition is shown"
    done = send(client, "source", "approve", market="small_auction", legal_basis="Law 22-80", read="1")
    assert done.headers["location"] == "/first-hour?step=searches"
    with desk_database.reading() as session:
        approval = session.scalars(select(MarketApproval)).one()
        kept = session.scalars(select(SourceReading)).one()
        assert (approval.approved_by, approval.legal_basis) == ("admin", "Law 22-80")
        assert (approval.terms_sha256, approval.robots_sha256) == (kept.terms_sha256, kept.robots_sha256)
        assert b"welcome" in home.file_path(kept.terms_sha256).read_bytes()
        assert kept.read_for == "admin" and kept.problem is None


def test_what_cannot_be_read_is_said_and_a_saved_copy_serves(visit, desk_database, home, monkeypatch):
    monkeypatch.setenv("RELICWATCH_ALLOW_LOOPBACK", "1")
    with serving() as server:
        host = server.url("").removeprefix("http://")
    own_market(home, host)  # nobody listens there any more
    client = visit("admin")
    read = send(client, "source", "reading", market="small_auction", terms_url=f"http://{host}/terms")
    assert "Not everything could be read" in client.get(read.headers["location"]).text
    refused = send(client, "source", "approve", market="small_auction", legal_basis="")
    assert refused.status_code == 422 and "give the legal basis" in refused.text
    files = {"terms": ("terms.html", b"<p>terms</p>", "text/html")}
    send(client, "source", "approve", files, market="small_auction", legal_basis="Law", no_robots="1", read="1")
    with desk_database.reading() as session:
        assert session.scalars(select(MarketApproval)).one().terms_sha256 is not None


def test_a_key_is_checked_where_there_is_one_and_never_shown(visit, desk_database, monkeypatch):
    monkeypatch.delenv("RELICWATCH_ETSY_KEY", raising=False)
    client = visit("admin")
    assert "RELICWATCH_ETSY_KEY" in client.get("/first-hour?step=source").text
    missing = send(client, "source", "key", api="etsy")
    assert "The key does not serve" in missing.text
    secret = "never-to-be-shown"
    monkeypatch.setenv("RELICWATCH_ETSY_KEY", secret)

    async def taken(walker):
        assert walker == "etsy"

    monkeypatch.setattr("review.pages.first_hour.check_key", taken)
    page = send(client, "source", "key", api="etsy").text
    assert "The API takes the key" in page and secret not in page
    with desk_database.reading() as session:
        told = [event.details for event in session.scalars(select(AuditEvent)) if event.action == "API key checked"]
        assert [(one["api"], one["taken"]) for one in told] == [("etsy", False), ("etsy", True)]
        assert secret not in json.dumps(told)


SAVED = (
    b"<html><head><title>Terracotta oil lamp, Roman, excavated</title></head><body><h1>Terracotta oil lamp, Roman, "
    b"excavated near Homs</h1><p>Found in an old tomb, soil on it. Price 200 EUR</p></body></html>"
)


def test_a_saved_page_becomes_the_first_hit_by_a_job(visit, desk_database, home):
    client = visit("admin")
    files = {"saved": ("../../lamp page.html", SAVED, "text/html")}
    sent = send(client, "source", "saved", files, who="Amina", when="2026-11-20T10:00")
    assert sent.status_code == 303
    assert "the work waits its turn" in client.get("/first-hour?step=end").text
    claimed = claim_job(desk_database, "host:1:1", kinds=["import"])
    assert run_job(desk_database, home, claimed)["listings"] == 1
    assert list((home.root / "uploads").iterdir()) == [], "the copy that was sent goes once it is sealed"
    page = client.get("/first-hour?step=end").text
    assert "The first hit waits for a person" in page and "Terracotta oil lamp" in page


@pytest.mark.parametrize(
    ("content", "when"), [(b"", "2026-11-20T10:00"), (SAVED, "2999-01-01T00:00"), (SAVED, "yesterday")]
)
def test_a_saved_page_without_content_or_with_a_time_that_cannot_be_is_refused(visit, home, content, when):
    files = {"saved": ("lamp.html", content, "text/html")}
    assert send(visit("admin"), "source", "saved", files, who="Amina", when=when).status_code == 422
    assert not list((home.root / "uploads").glob("*")) if (home.root / "uploads").exists() else True


def test_an_import_that_fails_says_why(visit, desk_database, home):
    files = {"saved": ("empty.html", b"<html></html>", "text/html")}
    client = visit("admin")
    send(client, "source", "saved", files, who="Amina", when="2026-11-20T10:00")
    claimed = claim_job(desk_database, "host:1:1", kinds=["import"])
    with pytest.raises(Exception, match=r"\w"):
        run_job(desk_database, home, claimed)
    page = client.get("/first-hour?step=end").text
    assert "the last attempt failed" in page and 'class="recorded"' in page


def test_ready_searches_are_kept_for_the_queue_and_ask_the_markets_that_are_on(visit, desk_database, home):
    client = visit("admin")
    send(client, "searches", ar="1", en="1", notify="1")
    with desk_database.transaction() as session:
        kept = session.scalars(select(SavedSearch).order_by(SavedSearch.id)).all()
        assert [(row.query, row.shared) for row in kept] == [("language=ar", True), ("language=en", True)]
        assert session.scalars(select(Watch)).all() == []
    own_market(home)
    files = {"terms": ("terms.html", b"terms", "text/html"), "robots": ("robots.txt", b"", "text/plain")}
    send(client, "source", "approve", files, market="small_auction", legal_basis="Law", no_robots="1", read="1")
    send(client, "searches", ar="1", fr="1")
    with desk_database.reading() as session:
        watches = session.scalars(select(Watch).order_by(Watch.id)).all()
        assert [watch.markets for watch in watches] == [["small_auction"]] * 2
        assert "قطعة أثرية" in watches[0].queries
        assert len(session.scalars(select(SavedSearch)).all()) == 3, "none is kept twice"


def _nothing(session, home):
    pass


def _approved(session, home):
    session.add(MarketApproval(market="m", definition_sha256="a" * 64, approved_by="amina", legal_basis="law"))


def _watched(session, home):
    from storage.audit import AuditChain

    _approved(session, home)
    add_watch(
        session, name="w", markets=["m"], queries=["q"], every_seconds=60, actor="a", audit=AuditChain(),
        first_due_at=utc_now() + timedelta(hours=1),
    )  # fmt: skip


def _queued(session, home):
    session.add(Job(kind="crawl", arguments={"market": "m"}, idempotency_key="k"))


def _running(session, home):
    session.add(Crawl(market="m", queries=["q"], state="running"))


def _failed(session, home):
    session.add(Crawl(market="m", queries=["q"], state="failed", fault="robots.txt forbids it <b>"))


def _unflagged(session, home):
    session.add(Crawl(market="m", queries=["q"], state="complete"))
    add_listing(session, home, Offer(flagged=False, score=0.1, band="weak"))


def _flagged(session, home):
    add_listing(session, home, Offer(title="<i>lamp"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("state", "why"),
    [
        (_nothing, "none_no_source"), (_approved, "none_no_search"), (_watched, "none_not_yet"),
        (_queued, "none_waiting"), (_running, "none_running"), (_failed, "none_failed"),
        (_unflagged, "none_nothing"), (_flagged, "hit_there"),
    ],
)  # fmt: skip
def test_it_ends_on_the_first_hit_or_on_why_there_is_none(visit, desk_database, home, state, why, language):
    with desk_database.transaction() as session:
        state(session, home)
    page = visit("admin").get(f"/first-hour?step=end&lang={language}").text
    assert messages(language)[f"first_{why}"] in page.replace("&#39;", "'")
    assert "<b>" not in page and "<i>" not in page
    if state is _failed:
        assert "robots.txt forbids it" in page
