"""What `relicwatch doctor` finds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import checkup
from checkup import examine
from crawler.home import DEMO_MARK, Home
from evidence.signing import ensure_signing_key, load_signing_key
from storage.alarm_receipts import set_recipient
from storage.audit import AuditChain
from storage.database import Database
from storage.deliveries import end_delivery, new_delivery
from storage.migrate import upgrade
from storage.tables import Job, Listing
from storage.users import create_user
from storage.watches import add_watch
from tests.alerts.conftest import Mailbox, serve

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def whole_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("RELICWATCH_DATABASE_URL", raising=False)
    database = Database(home.database_url)
    upgrade(database)
    database.dispose()
    ensure_signing_key(home)
    return home


def faults(home: Home) -> list[str]:
    return [finding.text for finding in examine(home) if finding.level == "fault"]


def plant_demo_listing(home: Home) -> None:
    database = Database(home.database_url)
    with database.transaction() as session:
        session.add(
            Listing(
                market="demo_auction",
                id_space="demo_auction",
                native_id="1/2",
                url="http://127.0.0.1/1/2",
                first_seen_at=NOW,
                last_seen_at=NOW,
                demo=True,
            )
        )
    database.dispose()


def test_a_whole_installation_has_no_fault(whole_home: Home) -> None:
    assert faults(whole_home) == []


def test_the_keys_whole_fingerprint_is_told_so_that_it_can_be_published(whole_home: Home) -> None:
    fingerprint = load_signing_key(whole_home).fingerprint
    assert f"bundles are signed by the key {fingerprint}" in [finding.text for finding in examine(whole_home)]


def test_failed_jobs_are_told_by_kind_with_the_last_reason(whole_home: Home) -> None:
    database = Database(whole_home.database_url)
    with database.transaction() as session:
        for kind, reason in (("capture", "first"), ("crawl", "no answer"), ("capture", "no sandbox")):
            key = f"{kind} {reason}"
            session.add(Job(kind=kind, arguments={}, idempotency_key=key, state="failed", error=reason))
            session.flush()
    database.dispose()
    told = [finding.text for finding in examine(whole_home) if finding.text.startswith("jobs that failed")]
    assert told == [
        "jobs that failed, of kind capture: 2. The last one: no sandbox",
        "jobs that failed, of kind crawl: 1. The last one: no answer",
    ]


def test_a_saved_search_of_a_market_that_is_off_is_a_fault(whole_home: Home) -> None:
    database = Database(whole_home.database_url)
    with database.transaction() as session:
        add_watch(
            session,
            name="lamps",
            markets=["etsy"],
            queries=["lamp"],
            every_seconds=3600,
            actor="sami",
            audit=AuditChain(),
        )
    database.dispose()
    (fault,) = faults(whole_home)
    assert fault.startswith("a saved search waits in vain: etsy may not be crawled (off)")


def test_a_real_home_with_demo_listings_is_refused(whole_home: Home) -> None:
    plant_demo_listing(whole_home)
    (fault,) = faults(whole_home)
    assert fault.startswith("1 DEMO listings are in this real home")


def test_the_demos_own_home_may_hold_demo_listings(whole_home: Home) -> None:
    (whole_home.root / DEMO_MARK).touch()
    plant_demo_listing(whole_home)
    assert faults(whole_home) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('echo "$0: error while loading shared libraries: libnss3.so" >&2; exit 127', "shared libraries: libnss3.so"),
        ("echo '<html></html>'", None),
    ],
)
def test_a_chromium_that_does_not_start_is_told_with_its_reason(
    whole_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str | None
) -> None:
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("RELICWATCH_CHROMIUM", str(program))
    monkeypatch.setenv("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
    (finding,) = [one for one in examine(whole_home) if str(program) in one.text]
    if reason is None:
        assert (finding.level, finding.text) == ("ok", f"Chromium is {program}, and it starts")
    else:
        assert finding.level == "note"
        assert finding.text.startswith("Browser markets and screenshots are off. Chromium (")
        assert finding.text.endswith(reason)


@pytest.mark.parametrize("there", [True, False])
def test_a_missing_arabic_font_is_told(whole_home: Home, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(checkup, "has_arabic_font", lambda: there)
    assert any("No Arabic font" in one.text for one in examine(whole_home)) is not there


def test_a_missing_home_says_how_to_make_one(tmp_path) -> None:
    (fault,) = faults(Home(tmp_path / "nowhere"))
    assert "relicwatch db upgrade" in fault


def test_a_broken_definition_is_named_with_its_file(whole_home: Home) -> None:
    (whole_home.markets / "torn.yaml").write_text("name: torn\ntitle: [\n")
    (fault,) = faults(whole_home)
    assert "torn.yaml" in fault


def test_a_missing_signing_key_is_a_fault(whole_home: Home) -> None:
    for path in whole_home.keys.iterdir():
        path.unlink()
    assert len(faults(whole_home)) == 1


def test_a_mail_server_that_takes_nothing_is_a_fault_and_one_that_does_is_told(
    whole_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any("No mail server is set" in finding.text for finding in examine(whole_home))
    box = Mailbox()
    controller = serve(box)
    for name, value in box.environment().items():
        monkeypatch.setenv(name, value)
    assert faults(whole_home) == []
    assert f"127.0.0.1:{box.port} (no encryption) takes messages" in "".join(one.text for one in examine(whole_home))
    assert box.envelopes == [], "doctor sends nothing"
    controller.stop()
    (fault,) = faults(whole_home)
    assert "no e-mail goes out" in fault and "cannot be reached" in fault
    monkeypatch.setenv("RELICWATCH_SMTP_SENDER", "nonsense")
    (fault,) = faults(whole_home)
    assert "RELICWATCH_SMTP_SENDER" in fault


def test_somebody_named_for_alarms_without_an_address_is_a_fault(whole_home: Home) -> None:
    database = Database(whole_home.database_url)
    with database.transaction() as session:
        user = create_user(session, "amina", "lead")
        set_recipient(session, AuditChain(), user=user, named=True, actor="admin")
        failed = new_delivery(session, user.id, "email", "alerts", NOW)
        end_delivery(session, failed, "failed", "550")
    database.dispose()
    (fault,) = faults(whole_home)
    assert "amina is named for safety alarms" in fault
    assert any("messages that are failed: 1" in finding.text for finding in examine(whole_home))
