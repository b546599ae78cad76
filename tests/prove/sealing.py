"""Kills of a capture job while it seals: afterwards there is one whole evidence file with its rows, and no orphan."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from sqlalchemy import select

from storage.database import Database
from storage.tables import AuditEvent, Capture, Job, Listing, Segment
from tests.prove.kills import CALLS
from tests.prove.seal_one import BODIES
from tests.prove.trial import NAMES, SYNCS, Ground, Report, Site, examine, last_call, tracing

SEALER = "tests.prove.seal_one"
CALLS_OF_SEALING = (*CALLS, "write", "fchmod")


def seal_kills(ground: Ground, call: str, say: Callable[[Report], None], numbers: range = range(1, 200)) -> int:
    """Kill at the first, second, ... call of that name until a sealing ends undisturbed; returns how many kills."""
    origin = ground.second
    assert origin is not None
    for number in numbers:
        what = f"sealing, {call} {number}"
        site = origin.copy_to(ground.directory / f"seal-{call}-{number}")
        log = site.home.root.with_suffix(".strace")
        job_id, listing_id = _a_capture(site)
        arguments = (str(job_id), str(listing_id))
        # -P would miss what is renamed, so prints to the terminal are counted too: they come last.
        before = tracing(log, f"{call}:signal=KILL:when={number}", calls=f"{SYNCS},{NAMES},{call}")
        ended = site.run(*arguments, before=before, module=SEALER)
        where = last_call(log)
        reached = ended.killed
        assert reached or ended.status == 0, (what, ended)
        again = site.run(*arguments, module=SEALER)
        assert again.status == 0, (what, where, again)
        # A second start finds nothing left to heal.
        once_more = site.run(*arguments, module=SEALER)
        assert once_more.out.endswith("healed 0\n"), (what, where, once_more)
        _one_whole_file(site, job_id, listing_id)
        shutil.rmtree(site.home.root)
        log.unlink()
        healed = again.out.strip().rpartition(" ")[2]
        say(Report(what, f"at {where} ({healed} orphans healed)", reached))
        if not reached:
            return number - 1
    return len(numbers)


def _a_capture(site: Site) -> tuple[int, int]:
    database = Database(site.database_url)
    with database.reading() as session:
        job = session.scalars(select(Job).where(Job.kind == "capture").order_by(Job.id)).first()
        assert job is not None
        found = job.id, int(job.arguments["listing_id"])
    database.dispose()
    return found


def _one_whole_file(site: Site, job_id: int, listing_id: int) -> None:
    examine(site)  # every sealed file is read strictly there, and compared with its rows
    database = Database(site.database_url)
    with database.reading() as session:
        segments = list(session.scalars(select(Segment).where(Segment.store == "evidence")))
        assert [segment.state for segment in segments] == ["sealed"], segments
        rows = list(session.scalars(select(Capture).where(Capture.job_id == job_id)))
        assert sorted(row.kind for row in rows if row.segment_id is None) == sorted(BODIES), rows
        transit = select(Segment.id).where(Segment.store == "transit")
        own = session.scalars(
            select(Capture.id).where(
                Capture.listing_id == listing_id, Capture.kind == "exchange", Capture.segment_id.in_(transit)
            )
        )
        sealed = [row.source_id for row in rows if row.segment_id == segments[0].id]
        assert set(own) <= set(sealed) and len(sealed) == len(set(sealed)), "a record is missing or doubled"
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "captured", AuditEvent.object_id == str(listing_id))
        )
        assert len(list(events)) == 1, "custody tells of it not once"
        assert session.get_one(Listing, listing_id)
    database.dispose()
    name = site.home.evidence / segments[0].name
    assert name.stat().st_mode & 0o777 == 0o444, "the evidence file may be written"
    assert [p.name for p in name.parent.iterdir()] == [name.name], "something lies beside the evidence file"
