"""What the verbs share: the home, options in common, and how records are printed."""

from __future__ import annotations

import getpass
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crawler.errors import UsageError
from crawler.home import Home

AsJson = Annotated[bool, typer.Option("--json", help="Print records as JSON, one a line.")]
InLanguage = Annotated[Literal["en", "fr", "ar"], typer.Option("--lang", help="The language to read them in.")]
out = Console()
err = Console(stderr=True)


def open_home() -> tuple[Home, Any]:
    from storage.database import Database

    home = Home.from_environment()
    database = Database(home.database_url)
    database.require_current()
    return home, database


def this_user() -> str:
    return f"{getpass.getuser()} (command)"


def log_to_stderr() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)


def span_in_seconds(text: str, option: str = "--every") -> int:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    number, unit = text[:-1], text[-1:]
    whole = unit in units and number.isascii() and number.isdigit()
    if whole and int(number) == 0:
        raise UsageError(f"{option} {text!r} has to be more than nothing: write it like 6h.")
    if not whole:
        raise UsageError(f"{option} {text!r} is no span of time: write a number and s, m, h, d or w, like 6h.")
    return int(number) * units[unit]


def past_moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--saved-at {text!r} is no date and time: write it like 2026-11-20T14:03+02:00.") from error


def moment_text(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if value else ""


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def headed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a person reads it: the zone and the unit in the heading."""
    shown = {}
    for key, value in row.items():
        if key.endswith("_at"):
            shown[f"{key.removesuffix('_at')} (UTC)"] = moment_text(value)
        elif key == "bytes":
            shown["kB"] = f"{value / 1000:.1f}"
        else:
            shown[key.replace("_", " ")] = value
    return shown


def print_record(record: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(record, ensure_ascii=False, default=_plain) + "\n")
        return
    for line in _lines(record):
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _lines(record: Mapping[str, Any], margin: str = "") -> Iterator[str]:
    """A record for a person: a line a value, and what it holds further in indented below its name."""
    for key, value in record.items():
        if isinstance(value, Mapping) and value:
            yield f"{margin}{key}:"
            yield from _lines(value, margin + "    ")
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            for number, one in enumerate(value, 1):
                yield f"{margin}{key} {number} of {len(value)}:"
                yield from _lines(one, margin + "    ")
        else:
            none = isinstance(value, Mapping | list) and not value
            shown = f"{moment_text(value)} UTC" if isinstance(value, datetime) else "none" if none else _shown(value)
            yield f"{margin}{key}: " + shown.replace("\n", f"\n{margin}    ")


def print_rows(rows: Iterable[Mapping[str, Any]], as_json: bool) -> None:
    rows = list(rows)
    if as_json:
        for row in rows:
            print_record(row, True)
        return
    if not rows:
        out.print("Nothing here yet.")
        return
    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    for key in rows[0]:
        table.add_column(key)
    for row in rows:
        table.add_row(*(Text(_shown(value)) for value in row.values()))
    if out.measure(table, options=out.options.update(max_width=10_000)).maximum <= out.width:
        out.print(table)
        return
    for row in rows:  # too wide for this terminal: a block each reads better than columns of three letters
        for key, value in row.items():
            if _shown(value):
                out.print(Text.assemble((f"{key}: ", "bold"), _shown(value)), soft_wrap=True)
        out.print()


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)


@contextmanager
def waiting(what: str) -> Iterator[Callable[[str], None]]:
    """Where stderr is a terminal, a line there until the work is done, with its time; a call adds words to it."""
    if not sys.stderr.isatty():
        yield lambda _more: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    # Left to itself it takes over sys.stdout too, and records would go to stderr.
    with Progress(*columns, console=err, transient=True, redirect_stdout=False, redirect_stderr=False) as line:
        task = line.add_task(what, total=None)
        yield lambda more: line.update(task, description=f"{what}: {more}")


def counted(what: str, records: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The records, counted on a terminal that does not show them itself."""
    if sys.stdout.isatty():
        yield from records
        return
    with waiting(what) as show:
        for number, record in enumerate(records, 1):
            yield record
            show(f"{number:,} done")


def progress(what: str, *, quiet: bool) -> Any:
    @contextmanager
    def showing() -> Iterator[Any]:
        if quiet or not err.is_terminal:
            yield None
            return
        with err.status(what) as status:

            def show(counts: Mapping[str, Any]) -> None:
                status.update(
                    f"{what}: {counts.get('pages', 0)} pages, {counts.get('listings', 0)} listings, "
                    f"{counts.get('flagged', 0)} flagged"
                )

            yield show

    return showing()


def finish(home: Home, database: Any, job: Any, done: Mapping[str, Any], what: str, as_json: bool) -> None:
    """Do a job that was just queued and print its result after what is `done`; or say that the scheduler does it."""
    from work import run_job

    if job.claimed is None:
        print_record({**done, "job": job.job_id, "done_by": "relicwatch run, which was quicker to take it"}, as_json)
        return
    with progress(what, quiet=as_json) as show:
        result = run_job(database, home, job.claimed, show)
    print_record({**done, **result}, as_json)
