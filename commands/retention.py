"""`relicwatch purge`, `hold`, `retention` and `subject`: what goes when, what keeps it, and what a person may ask."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.terminal import AsJson, err, open_home, out, print_record, print_rows, this_user, waiting
from crawler.errors import UsageError
from crawler.home import Home

app = typer.Typer()
hold = typer.Typer(help="Legal holds: what nothing deletes while they stand.", no_args_is_help=True)
periods = typer.Typer(help="How long each kind of data stays.", no_args_is_help=True)
subject = typer.Typer(help="What is kept of one seller, for a person who asks.", no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="Why; it stays in the log, so name nobody in it.")]


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; change nothing.")] = False,
    every: Annotated[bool, typer.Option("--each", help="With --dry-run: each thing, not only sums.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what has had its time; holds and open cases keep what is theirs.

    Example: relicwatch purge --dry-run
    """
    from evidence.retention_plan import make_plan
    from retention import purge as delete_due
    from storage.audit import AuditChain

    home, database = open_home()
    if dry_run:
        plan = make_plan(database, home)
        if as_json:
            print_record(plan.as_record(), True)
            return
        rows = [_shown(row) for row in plan.summary()]
        if rows:
            print_rows(rows, False)
        else:
            out.print("Nothing has had its time.")
        if every:
            print_rows([asdict(one) for one in plan.due], False)
            print_rows([asdict(one) for one in plan.kept], False)
        for text in _reviews(plan):
            out.print(text, markup=False, highlight=False)
        return
    if every:
        raise UsageError("--each goes with --dry-run.")
    with waiting("deleting") as show:
        done = delete_due(
            database,
            home,
            chain=AuditChain(),
            actor=this_user(),
            progress=lambda counts: show(f"{counts['done']} of {counts['of']}"),
        )
    print_record(done.as_record(), as_json)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    oldest = row["oldest_at"]
    named = {**row, "oldest": f"{oldest:%Y-%m-%d}" if oldest else None, "kept_by": row["kept_by"][:5]}
    return {key.replace("_", " "): value for key, value in named.items() if key != "oldest_at"}


def _reviews(plan: Any) -> list[str]:
    texts = []
    if plan.pending_files:
        texts.append(f"{plan.pending_files} files of earlier deletions are still to go: a purge finishes that.")
    if plan.watches_to_review:
        texts.append(f"To look at again, watches: {', '.join(plan.watches_to_review)}")
    if plan.hits_to_review:
        texts.append(f"To look at again, hits that only a person ends: {len(plan.hits_to_review)}")
    return texts


# -- holds ------------------------------------------------------------------------------------------------------


@hold.command("set")
def hold_set(
    kind: Annotated[str, typer.Argument(help="listing, case or seller.", metavar="KIND")],
    what: Annotated[str, typer.Argument(help="Its number; of a case also its reference.", metavar="ID")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Let nothing of a listing, case or seller be deleted until the hold is lifted.

    Example: relicwatch hold set case RW-2026-0003 --reason "Letter of the prosecutor, ref. 77/26"
    """
    from storage.audit import AuditChain
    from storage.cases import find_case
    from storage.holds import place_hold

    _, database = open_home()
    with database.transaction() as session:
        case = find_case(session, what) if kind == "case" else None
        if case is None and not (what.isascii() and what.isdigit()):
            raise UsageError(f"{what!r} is no number of a {kind}.")
        id_ = case.id if case is not None else int(what)
        placed = place_hold(session, AuditChain(), object_kind=kind, object_id=id_, reason=reason, actor=this_user())
        print_record({"hold": placed.id, "kind": kind, "id": id_, "reason": placed.reason}, as_json)


@hold.command("lift")
def hold_lift(hold_id: Annotated[int, typer.Argument(metavar="HOLD")], reason: Reason) -> None:
    """Lift a hold; who, when and why stays.

    Example: relicwatch hold lift 3 --reason "Proceedings closed, ref. 77/26"
    """
    from storage.audit import AuditChain
    from storage.holds import lift_hold

    _, database = open_home()
    with database.transaction() as session:
        lift_hold(session, AuditChain(), hold_id, reason=reason, actor=this_user())
    out.print(f"Hold {hold_id} is lifted.", highlight=False)


@hold.command("list")
def hold_list(
    lifted: Annotated[bool, typer.Option("--lifted", help="Those too that were lifted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Holds that stand.

    Example: relicwatch hold list --lifted
    """
    from storage.holds import list_holds

    _, database = open_home()
    with database.reading() as session:
        rows = list_holds(session, lifted=lifted)
        columns = [column.key for column in rows[0].__table__.columns] if rows else []
        print_rows([{name: getattr(row, name) for name in columns} for row in rows], as_json)


# -- periods ----------------------------------------------------------------------------------------------------


@periods.command("show")
def retention_show(as_json: AsJson = False) -> None:
    """Every period with who set it and why, and the cases that have a schedule.

    Example: relicwatch retention show
    """
    from storage.retention import case_schedules, list_periods

    _, database = open_home()
    with database.reading() as session:
        print_rows([asdict(period) for period in list_periods(session).values()], as_json)
        rows = [
            {"case": case.reference, "keep_until": schedule.keep_until, "set_by": schedule.set_by}
            | {"reason": schedule.reason}
            for case, schedule in case_schedules(session)
        ]
        if rows:
            print_rows(rows, as_json)


@periods.command("set")
def retention_set(
    kind: Annotated[str, typer.Argument(metavar="KIND")],
    days: Annotated[int, typer.Argument(metavar="DAYS")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Change a period. An administrator's: whoever owns the home, or the desk's role of that name.

    Example: relicwatch retention set non_hit 14 --reason "Decision of the data-protection officer, 3 May"
    """
    from storage.audit import AuditChain
    from storage.retention import set_period

    home, database = open_home()
    with database.transaction() as session:
        period = set_period(
            session, AuditChain(), kind=kind, days=days, reason=reason, actor=this_user(), role=_role(home)
        )
        print_record(asdict(period), as_json)


@periods.command("case")
def retention_case(
    reference: Annotated[str, typer.Argument(metavar="CASE")],
    reason: Reason,
    until: Annotated[str | None, typer.Option(help="A date like 2031-12-31; without it the case is kept.")] = None,
) -> None:
    """Say until when a case and what is in it are kept.

    Example: relicwatch retention case RW-2026-0003 --until 2031-12-31 --reason "Five years from judgment"
    """
    from storage.audit import AuditChain
    from storage.retention import set_case_schedule

    home, database = open_home()
    with database.transaction() as session:
        set_case_schedule(
            session,
            AuditChain(),
            reference=reference,
            keep_until=_end_of(until) if until else None,
            reason=reason,
            actor=this_user(),
            role=_role(home),
        )
    kept = f"until {until}" if until else "until another rule is set"
    out.print(f"Case {reference} is kept {kept}.", markup=False, highlight=False)


@periods.command("reviewed")
def retention_reviewed(watch: Annotated[str, typer.Argument(metavar="WATCH")], reason: Reason) -> None:
    """Note that a watch was looked at and is still needed.

    Example: relicwatch retention reviewed lamps --reason "Still asked for by the ministry"
    """
    from storage.audit import AuditChain
    from storage.retention import review_watch

    _, database = open_home()
    with database.transaction() as session:
        review_watch(session, AuditChain(), name=watch, reason=reason, actor=this_user())
    out.print(f"Watch {watch} is noted as reviewed.", markup=False, highlight=False)


def _role(home: Home) -> str:
    """Whoever owns the home can change its database by any tool: on the command line that is the administrator."""
    return "admin" if os.geteuid() in (0, home.root.stat().st_uid) else "none"


def _end_of(day: str) -> datetime:
    try:
        return datetime.fromisoformat(day).replace(hour=23, minute=59, second=59, tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"--until {day!r} is no date: write it like 2031-12-31.") from error


# -- a person who asks ------------------------------------------------------------------------------------------


@subject.command("search")
def subject_search(
    words: Annotated[str, typer.Argument(help="Of a name, an id of the market, a telephone number or address.")],
    as_json: AsJson = False,
) -> None:
    """Find the sellers, and listings, that a person's question is about. The log keeps what was found, not the words.

    Example: relicwatch subject search "Jane Doe"
    """
    from storage.audit import AuditChain
    from storage.subjects import find_subjects

    _, database = open_home()
    with database.transaction() as session:
        rows = find_subjects(session, words)
        found = {"sellers": [row["seller"] for row in rows], "listings": sum(len(row["listings"]) for row in rows)}
        AuditChain().record(
            session, actor=this_user(), action="subject searched", object_kind="subject", object_id="", details=found
        )
        print_rows(rows, as_json)


@subject.command("export")
def subject_export(
    seller: Annotated[int, typer.Argument(metavar="SELLER")],
    to: Annotated[Path | None, typer.Option(help="A new file; else it goes to the terminal.")] = None,
) -> None:
    """All that is kept of a seller, as JSON.

    Example: relicwatch subject export 12 --to answer.json
    """
    from storage.audit import AuditChain
    from storage.subjects import seller_record

    _, database = open_home()
    with database.transaction() as session:
        record = seller_record(session, seller)
        AuditChain().record(
            session, actor=this_user(), action="subject exported", object_kind="seller", object_id=seller
        )
    text = json.dumps(record, ensure_ascii=False, default=str, indent=1) + "\n"
    if to is None:
        sys.stdout.write(text)
        return
    try:
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{to} cannot be written ({error.strerror}): name a new file.") from error
    err.print(f"Written to {to}.", markup=False, highlight=False)


@subject.command("erase")
def subject_erase(
    seller: Annotated[int, typer.Argument(metavar="SELLER")], reason: Reason, as_json: AsJson = False
) -> None:
    """Erase what is personal of a seller; what a hold, case or handed-out bundle needs stays, and is named.

    Example: relicwatch subject erase 12 --reason "Request of 3 May, ref. DP/26/4"
    """
    from retention import erase_subject
    from storage.audit import AuditChain

    home, database = open_home()
    result = erase_subject(database, home, seller, reason=reason, chain=AuditChain(), actor=this_user())
    print_record(result, as_json)
