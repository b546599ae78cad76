"""`relicwatch doctor`: what a person should know about this installation, with what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import func, select

from alerts.letters import desk_address
from alerts.mail_settings import mail_settings
from alerts.smtp import check_server
from crawler.chromium import chromium_fault, find_chromium
from crawler.errors import RelicwatchError
from crawler.fonts import has_arabic_font
from crawler.free_space import space_fault
from crawler.home import Home
from crawler.program import operator, program_info, user_agent
from evidence.sealing import find_orphans
from evidence.signing import load_signing_key
from markets.admission import watched_in_vain
from markets.catalog import all_markets
from storage.alarm_notices import without_address
from storage.audit import chain_faults
from storage.database import Database
from storage.deliveries import counts_by_state
from storage.notice_settings import mail_is_set
from storage.tables import AuditEvent, Job, Listing

LEAST_FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    level: Literal["ok", "note", "fault"]
    text: str

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def examine(home: Home) -> list[Finding]:
    """Everything looked at, in order; a fault needs a person before the next crawl."""
    findings = [Finding("ok", f"{program_info().label}, home {home.root}")]
    if not home.root.is_dir():
        findings.append(Finding("fault", f"There is no home at {home.root}: run `relicwatch db upgrade` to make it."))
        return findings
    findings += _surroundings(home)
    try:
        database = Database(home.database_url)
        database.require_current()
    except RelicwatchError as error:
        return [*findings, Finding("fault", str(error))]
    try:
        findings += _store(home, database)
    except RelicwatchError as error:
        findings.append(Finding("fault", str(error)))
    finally:
        database.dispose()
    return findings


def _surroundings(home: Home) -> Iterator[Finding]:
    if (full := space_fault(home)) is not None:
        yield Finding("fault", full)
    free = shutil.disk_usage(home.root).free
    level: Literal["ok", "fault"] = "ok" if free >= LEAST_FREE_BYTES else "fault"
    yield Finding(
        level, f"{free / 1024**3:.1f} GiB are free under the home" + (": make room" if level == "fault" else "")
    )
    browserless = chromium_fault()
    if browserless is not None:
        yield Finding("note", f"Browser markets and screenshots are off. {browserless}")
    else:
        yield Finding("ok", f"Chromium is {find_chromium()}, and it starts")
    if not has_arabic_font():
        yield Finding(
            "note", "No Arabic font is here: screenshots show boxes for Arabic (Debian: apt install fonts-noto-core)."
        )
    if "not configured" in operator():
        yield Finding("note", "RELICWATCH_OPERATOR is not set: evidence does not say who collected it.")
    if "(+" not in user_agent():
        yield Finding("note", "RELICWATCH_CONTACT is not set: markets cannot reach whoever crawls them.")
    yield from _mail()
    try:
        key = load_signing_key(home)
        yield Finding("ok", f"bundles are signed by the key {key.fingerprint}")
    except RelicwatchError as error:
        yield Finding("fault", str(error))
    for name, fault in all_markets(home).broken.items():
        yield Finding("fault", f"the definition of {name} is broken: {fault}")


def _mail() -> Iterator[Finding]:
    """Connects and signs in as a message would, and sends nothing."""
    if not mail_is_set():
        yield Finding("note", "No mail server is set (RELICWATCH_SMTP_HOST): alerts stand on the desk alone.")
        return
    try:
        settings = mail_settings()
        check_server(settings)
        yield Finding("ok", f"the mail server {settings.shown} takes messages from {settings.sender}")
    except RelicwatchError as error:
        yield Finding("fault", f"no e-mail goes out: {error}")
    if not desk_address():
        yield Finding("note", "RELICWATCH_DESK_URL is not set: e-mails carry no links to the desk.")


def _store(home: Home, database: Database) -> Iterator[Finding]:
    yield Finding("ok", f"the database {database.engine.url.render_as_string(hide_password=True)} is of this version")
    with database.reading() as session:
        demo = session.scalar(select(func.count()).select_from(Listing).where(Listing.demo.is_(True))) or 0
        failed = session.execute(
            select(Job.kind, func.count(), func.max(Job.id)).where(Job.state == "failed").group_by(Job.kind)
        ).all()
        last_errors = {kind: session.get_one(Job, last).error for kind, _, last in failed}
        faults = chain_faults(session.scalars(select(AuditEvent)))
        messages, unreached = counts_by_state(session), without_address(session)
    if demo and not home.is_demo:
        yield Finding(
            "fault", f"{demo} DEMO listings are in this real home: evidence from it would not hold. Start a new home."
        )
    elif home.is_demo:
        yield Finding("note", "This is the DEMO's home: nothing in it is real.")
    for kind, count, _ in failed:
        yield Finding("note", f"jobs that failed, of kind {kind}: {count}. The last one: {last_errors[kind]}")
    for state in ("failed", "uncertain"):
        if messages.get(state):
            yield Finding(
                "note", f"messages that are {state}: {messages[state]}; their readers' page of alerts has them"
            )
    for name in unreached:
        yield Finding("fault", f"{name} is named for safety alarms and has no address: the alarm reaches nobody there")
    yield from (Finding("fault", fault) for fault in faults)
    if not faults:
        yield Finding("ok", "the audit log's hash chains are whole")
    for sentence in watched_in_vain(home, database):
        yield Finding("fault", f"a saved search waits in vain: {sentence}")
    orphans = find_orphans(database, home)
    if orphans.store_problem:
        yield Finding("fault", orphans.store_problem)
    if orphans.count:
        yield Finding("note", f"{orphans.sentence} The next start sets them right.")
