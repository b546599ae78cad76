"""Users, markets, schedules, models and the audit log at the desk."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from classifiers.registry import SHIPPED
from learning import follow_history
from markets.approval import standing_approval
from markets.catalog import all_markets, get_market
from storage.audit import AuditChain
from storage.model_uses import record_use
from storage.retention import list_periods
from storage.tables import AuditEvent, Job, MarketApproval, ModelUse, Tombstone, User, Watch, utc_now
from storage.users import find_user
from storage.watches import add_watch
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing


def send(client, address, files=None, **data):
    csrf = field(client.get("/").text, "csrf")
    return client.post(address, data={"csrf": csrf} | data, files=files)


@pytest.fixture
def number_of(desk_database):
    def find(name):
        with desk_database.transaction() as session:
            return find_user(session, name).id

    return find


def test_a_person_is_added_and_comes_in_by_the_code_that_is_shown_once(visit, desk_database):
    admin = visit("admin")
    page = send(admin, "/administration/users", name="أمينة", role="reviewer", language="ar").text
    code = re.search(r'<code dir="ltr">([\w-]+)</code>', page).group(1)
    assert code not in admin.get("/administration/users").text
    stranger = visit(None)
    csrf = field(stranger.get("/sign-in").text, "csrf")
    assert stranger.post("/sign-in", data={"csrf": csrf, "code": code}).status_code == 303
    assert '<html lang="ar" dir="rtl">' in stranger.get("/").text
    assert send(admin, "/administration/users", name="أمينة", role="reviewer", language="ar").status_code == 422


def test_a_new_role_counts_at_once_and_ends_what_was_open(visit, number_of):
    reviewer, admin = visit("reviewer"), visit("admin")
    address = f"/administration/users/{number_of('reviewer')}/role"
    assert send(admin, address, role="king").status_code == 422
    assert reviewer.get("/").status_code == 200
    assert send(admin, address, role="viewer").status_code == 303
    assert reviewer.get("/").status_code == 303
    assert '<option value="viewer" selected>' in admin.get("/administration/users").text


def test_disabling_signs_out_and_enabling_lets_in_again(visit, number_of, desk_database):
    lead, admin = visit("lead"), visit("admin")
    address = f"/administration/users/{number_of('lead')}/change"
    assert send(admin, address, change="disable").status_code == 303
    assert lead.get("/").status_code == 303
    assert send(admin, address, change="code").status_code == 422
    assert send(admin, address, change="enable").status_code == 303
    assert send(admin, address, change="code").status_code == 200
    assert send(admin, address, change="promote").status_code == 404
    with desk_database.transaction() as session:
        actions = [event.action for event in session.scalars(select(AuditEvent)) if event.object_kind == "user"]
    assert actions == ["user disabled", "user enabled", "sign-in code made"]


@pytest.mark.parametrize(("what", "data"), [("role", {"role": "viewer"}), ("change", {"change": "disable"})])
def test_an_administrator_does_not_lock_the_door_from_outside(visit, number_of, what, data):
    admin = visit("admin")
    assert send(admin, f"/administration/users/{number_of('admin')}/{what}", **data).status_code == 422
    assert admin.get("/administration/users").status_code == 200


def test_a_market_is_turned_on_with_copies_that_can_be_had_again_and_off_with_a_reason(visit, desk_database, home):
    name = next(name for name, one in all_markets(home).markets.items() if _approvable(one))
    admin, address = visit("admin"), f"/administration/markets/{name}"
    refused = send(admin, f"{address}/approve", legal_basis="Heritage Act")
    assert refused.status_code == 422 and "terms of use" in refused.text
    files = {"terms": ("t.html", b"<p>terms", "text/html"), "robots": ("robots.txt", b"User-agent: *", "text/plain")}
    assert send(admin, f"{address}/approve", files, legal_basis="Heritage Act").status_code == 303
    with desk_database.transaction() as session:
        approval = session.scalars(select(MarketApproval)).one()
        assert standing_approval(session, get_market(home, name)) is not None
        assert (approval.approved_by, approval.legal_basis) == ("admin", "Heritage Act")
    auditor = visit("auditor")
    copy = auditor.get(f"/administration/approvals/{approval.id}/terms")
    assert copy.content == b"<p>terms" and copy.headers["content-disposition"].startswith("attachment")
    assert auditor.get(f"/administration/approvals/{approval.id}/approved_by").status_code == 404
    assert "Heritage Act" in auditor.get("/administration/markets").text
    assert send(admin, f"{address}/revoke", reason=" ").status_code == 422
    assert send(admin, f"{address}/revoke", reason="The order ended").status_code == 303
    with desk_database.transaction() as session:
        assert standing_approval(session, get_market(home, name)) is None


def _approvable(definition):
    return not (definition.demo or definition.rate.needs_permission or definition.is_local) and (
        definition.access.login != "required"
    )


def test_a_schedule_is_paused_and_resumed_on_record(visit, desk_database):
    with desk_database.transaction() as session:
        add_watch(
            session,
            name="Lampes <b>",
            markets=["example_auction"],
            queries=["lampe"],
            every_seconds=3600,
            actor="lead",
            audit=AuditChain(),
        )
    admin = visit("admin")
    page = admin.get("/administration/watches").text
    assert "Lampes &lt;b&gt;" in page and "60 min" in page
    for pause, paused in (("1", True), ("0", False)):
        assert send(admin, "/administration/watches", watch="Lampes <b>", pause=pause).status_code == 303
        with desk_database.transaction() as session:
            assert session.scalars(select(Watch)).one().paused is paused
    assert send(admin, "/administration/watches", watch="none", pause="1").status_code == 404


def test_a_step_back_is_written_and_its_job_puts_the_model_to_use(visit, desk_database, home):
    admin = visit("admin")
    assert send(admin, "/administration/models", back="1").status_code == 422
    assert send(admin, "/administration/models", name="none").status_code == 404
    with desk_database.transaction() as session:
        record_use(session, AuditChain(), name="2026-11", model="x:1", replaces=SHIPPED, actor="Ann")
    assert send(admin, "/administration/models", back="1").status_code == 303
    with desk_database.transaction() as session:
        use = session.scalars(select(ModelUse).order_by(ModelUse.id.desc())).first()
        assert (use.name, use.replaces, use.rolled_back, use.used_by) == (SHIPPED, "2026-11", True, "admin")
        job = session.scalars(select(Job)).one()
        assert (job.kind, job.arguments) == ("rescore", {"model": SHIPPED})
    follow_history(desk_database, home)
    assert "Put to use" not in admin.get("/administration/models").text
    assert send(admin, "/administration/models", name=SHIPPED).status_code == 303  # in use already: nothing is queued
    with desk_database.transaction() as session:
        assert len(session.scalars(select(Job)).all()) == 1


def test_the_audit_log_is_searched_and_its_chains_are_checked(visit, desk_database):
    visit("viewer").get("/cases/none")
    send(visit("admin"), "/administration/users", name="Basil <i>", role="viewer", language="en")
    auditor = visit("auditor")
    page = auditor.get("/audit", params={"actor": "admin"}).text
    assert "user added" in page and "Entries found: 1." in page
    assert "Entries found: 0." in auditor.get("/audit", params={"actor": "admin", "action": "decided"}).text
    assert "All chains are whole" in auditor.get("/audit?check=1").text
    with desk_database.transaction() as session:
        for trigger in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            if "audit" in trigger:
                session.execute(text(f"DROP TRIGGER {trigger}"))
        session.execute(text("UPDATE audit_event SET actor = 'somebody' WHERE action = 'user added'"))
    page = auditor.get("/audit?check=1").text
    assert "The log is not whole" in page and "content does not match its hash" in page


def test_who_may_audit_looks_and_changes_nothing(visit, desk_database):
    auditor = visit("auditor")
    for path in ("/administration/markets", "/administration/watches", "/administration/models", "/audit"):
        page = auditor.get(path)
        assert page.status_code == 200
        assert page.text.count('method="post"') == 2, path  # language and signing out
    assert auditor.get("/administration/users").status_code == 403
    with desk_database.transaction() as session:
        assert session.scalars(select(User).where(User.disabled)).all() == []


RETENTION = "/administration/retention"
OFFERS = ("https://auction.example/sale/3/lot/14", "https://auction.example/sale/3/lot/15")


def test_a_period_is_changed_with_a_reason_by_an_administrator_alone(visit, desk_database):
    admin, auditor = visit("admin"), visit("auditor")
    form = {"kind": "non_hit", "days": "١٤", "reason": "Decision of 3 May"}
    assert send(auditor, f"{RETENTION}/periods", **form).status_code == 403
    assert send(admin, f"{RETENTION}/periods", **{**form, "reason": " "}).status_code == 422
    assert send(admin, f"{RETENTION}/periods", **{**form, "days": "fourteen"}).status_code == 422
    assert send(admin, f"{RETENTION}/periods", **form).status_code == 303
    page = auditor.get(RETENTION).text
    assert "Decision of 3 May" in page and "<bdi>admin</bdi>" in page
    with desk_database.reading() as session:
        assert list_periods(session)["non_hit"].days == 14


def test_a_hold_is_placed_and_lifted_and_the_dry_run_says_what_it_keeps(visit, desk_database, home):
    long_ago = utc_now() - timedelta(days=400)
    with desk_database.transaction() as session:
        kept, goes = (add_listing(session, home, Offer(flagged=False, url=url)) for url in OFFERS)
        for listing in (kept, goes):
            listing.first_seen_at = listing.last_seen_at = long_ago
        number = kept.id
    admin = visit("admin")
    assert send(admin, f"{RETENTION}/holds", kind="listing", object="99", reason="Court").status_code == 422
    assert send(admin, f"{RETENTION}/holds", kind="listing", object=str(number), reason="Court").status_code == 303
    assert "listings that nothing flagged" in admin.get(RETENTION).text
    row = re.search(
        r"<td[^>]*>listings that nothing flagged</td>(.*?)</tr>", admin.get(f"{RETENTION}?plan=1").text, re.S
    )
    told = re.findall(r"<td[^>]*>\s*(?:<bdi>)?([\d.]+)", row[1])
    assert (told[0], told[-2:]) == ("1", ["1", "0"])
    assert send(admin, f"{RETENTION}/holds/1/lift", reason="Over").status_code == 303
    assert send(admin, f"{RETENTION}/holds/1/lift", reason="Over").status_code == 422
    assert "Nothing is held." in admin.get(RETENTION).text


def test_what_was_deleted_is_shown_by_its_digest(visit, desk_database):
    with desk_database.transaction() as session:
        session.add(
            Tombstone(kind="listing", object_id="7", sha256="ab" * 32, rule="non_hit", reason="time", erased_by="job 3")
        )
    page = visit("auditor").get(RETENTION).text
    assert f"{'ab' * 8}…" in page and "listings that nothing flagged" in page
