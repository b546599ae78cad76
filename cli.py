"""The `relicwatch` command: thin, one function a verb. What a verb does lives in the rooms it calls.

Heavy rooms are imported inside the verbs, so that `--help` and small verbs answer at once.
"""

from __future__ import annotations

import getpass
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crawler.errors import RelicwatchError, UsageError
from crawler.home import Home

app = typer.Typer(
    help="Watch auctions and marketplaces for antiquities, review what is found, hand over evidence that holds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
markets_app = typer.Typer(help="Market definitions: list, show, check, new, approve.", no_args_is_help=True)
watch_app = typer.Typer(help="Saved searches: market(s) x queries x schedule.", no_args_is_help=True)
crawls_app = typer.Typer(help="What crawls did.", no_args_is_help=True)
listings_app = typer.Typer(help="What is stored.", no_args_is_help=True)
cases_app = typer.Typer(help="Cases: listings put together for a referral.", no_args_is_help=True)
users_app = typer.Typer(help="The people who use the review desk.", no_args_is_help=True)
models_app = typer.Typer(help="The models that judge listings.", no_args_is_help=True)
terms_app = typer.Typer(help="A unit's own terms.", no_args_is_help=True)
stamps_app = typer.Typer(help="Trusted time from timestamp authorities.", no_args_is_help=True)
custody_app = typer.Typer(help="The append-only log and its signed heads.", no_args_is_help=True)
registers_app = typer.Typer(help="Missing-object lists and the listings that may be theirs.", no_args_is_help=True)
alarms_app = typer.Typer(help="Signs of danger to a person, outside the queue.", no_args_is_help=True)
photos_app = typer.Typer(help="Photographs: the same picture, the same object.", no_args_is_help=True)
db_app = typer.Typer(help="The database.", no_args_is_help=True)
for name, group in {
    "markets": markets_app,
    "watch": watch_app,
    "crawls": crawls_app,
    "listings": listings_app,
    "cases": cases_app,
    "models": models_app,
    "terms": terms_app,
    "stamps": stamps_app,
    "custody": custody_app,
    "registers": registers_app,
    "alarms": alarms_app,
    "photos": photos_app,
    "users": users_app,
    "db": db_app,
}.items():
    app.add_typer(group, name=name)

AsJson = Annotated[bool, typer.Option("--json", help="Print records as JSON, one a line.")]
InLanguage = Annotated[Literal["en", "fr", "ar"], typer.Option("--lang", help="The language to read them in.")]
CODE_MINUTES = 60
out = Console()
err = Console(stderr=True)


def main() -> NoReturn:
    """The entry point: a RelicwatchError is one sentence on stderr and its exit status, never a traceback."""
    try:
        app(standalone_mode=True)
    except RelicwatchError as error:
        err.print(f"relicwatch: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


# -- the whole of it --------------------------------------------------------------------------------------------


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit 0 when the bundle is verified.")] = False,
    home: Annotated[Path, typer.Option(help="The demo's own home.")] = Path("demo-home"),
) -> None:
    """The whole job on a make-believe market.

    Example: relicwatch demo --once
    """
    from demonstration import run_demo

    raise typer.Exit(run_demo(home.absolute(), once=once, console=out))


@app.command()
def run(
    port: Annotated[int, typer.Option(help="Port of the review desk on 127.0.0.1; 0 takes a free one.")] = 8765,
    processes: Annotated[int, typer.Option(help="Jobs at a time.")] = 2,
) -> None:
    """Scheduler, job processes and review desk, until stopped (Ctrl-C ends cleanly).

    Example: relicwatch run --port 8765
    """
    from service import run_service

    home, database = _open()
    run_service(database, home, port=port, max_processes=processes, console=out)


@app.command()
def crawl(
    market: str,
    query: Annotated[list[str], typer.Option("--query", "-q", help="Words to search for; may be given often.")],
    max_listings: Annotated[int | None, typer.Option(min=1, help="Stop after so many listings.")] = None,
    as_json: AsJson = False,
) -> None:
    """Crawl one market now, or go on with the same crawl where it was interrupted.

    Example: relicwatch crawl example_auction --query "roman lamp" --query "lampe romaine"
    """
    from storage.crawls import claim_crawl
    from storage.leases import process_holder
    from work import run_job

    home, database = _open()
    from markets.admission import admit

    admit(market, home, database).search_urls(query)  # refuses a query that cannot be asked
    job = claim_crawl(database, market, query, max_listings, process_holder())
    with _progress(f"crawling {market}", quiet=as_json) as show:
        result = run_job(database, home, job, show)
    _print_record(result, as_json)


@app.command()
def job(
    job_id: Annotated[int, typer.Argument(metavar="ID")],
    token: Annotated[int | None, typer.Option(help="The claim's fencing token; the scheduler passes it.")] = None,
) -> None:
    """Do one queued job in this process (the scheduler starts one process a job).

    Example: relicwatch job 12
    """
    from storage.jobs import adopt_claim, claim_job, save_progress
    from storage.leases import process_holder
    from work import run_job

    home, database = _open()
    _log_to_stderr()
    if token is None:
        claimed = claim_job(database, process_holder(), job_id=job_id)
        if claimed is None:
            raise UsageError(f"Job {job_id} is not waiting: it is done, failed, or another process has it.")
    else:
        claimed = adopt_claim(database, job_id, token, process_holder())
    held = claimed

    def keep(progress: Mapping[str, Any]) -> None:
        save_progress(database, held, dict(progress))

    run_job(database, home, claimed, keep)


@app.command()
def serve(port: Annotated[int, typer.Option(help="0 takes a free port.")] = 8765) -> None:
    """The review desk alone, on 127.0.0.1.

    Example: relicwatch serve --port 8765
    """
    from review.server import serve as serve_desk

    home, database = _open()
    serve_desk(database, home, port, on_ready=lambda address: out.print(f"review desk at {address}"))


# -- markets ----------------------------------------------------------------------------------------------------


@markets_app.command("list")
def markets_list(
    leads: Annotated[bool, typer.Option("--leads", help="Sites worth watching that have no definition yet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Known markets: on or off, draft or verified, and what their last crawl said.

    Example: relicwatch markets list
    """
    from markets.overview import lead_rows, market_rows

    if leads:
        _print_rows(lead_rows(), as_json)
        return
    home, database = _open()
    _print_rows(market_rows(database, home), as_json)


@markets_app.command("show")
def markets_show(name: str) -> None:
    """A market's definition as it stands, with its file.

    Example: relicwatch markets show example_auction
    """
    from markets.catalog import get_market

    definition = get_market(Home.from_environment(), name)
    out.print(f"# {definition.path}", style="dim", highlight=False, soft_wrap=True)
    out.print(definition.file_content.decode(), markup=False, highlight=False, soft_wrap=True)


@markets_app.command("check")
def markets_check(names: Annotated[list[str] | None, typer.Argument()] = None, as_json: AsJson = False) -> None:
    """Check every definition, and each against its frozen pages. Exit status 1 where one fails.

    Example: relicwatch markets check
    """
    from markets.checks import check

    reports = check(Home.from_environment(), names or None)
    for report in reports:
        if as_json:
            _print_record(report.as_record(), True)
        else:
            out.print(report.as_text(), markup=False, highlight=False, soft_wrap=True)
    if not reports:
        out.print("There are no definitions yet: docs/add-a-market.md says how to write one.")
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


@markets_app.command("new")
def markets_new(
    url: Annotated[str, typer.Argument(help="The address of a search with results, as the browser shows it.")],
    name: Annotated[str | None, typer.Option(help="The market's name; made of its host by default.")] = None,
    query: Annotated[str | None, typer.Option(help="The words that were searched for, as they stand in URL.")] = None,
    page: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A saved copy of the search page: nothing is asked."),
    ] = None,
    listing: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="With --page: a saved copy of one listing.")
    ] = None,
    listing_url: Annotated[
        str | None, typer.Option(help="The address of --listing, where its page does not name it.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask the site without asking you first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at a market's search page, sitemap or feed and write a draft definition with frozen pages.

    Without --page the site is asked for robots.txt, the search page, one listing and, where the page tells of Shopify
    or WooCommerce, for the shop's own list, 10 seconds apart.

    Example: relicwatch markets new "https://auction.example/search?q=lamp"
    """
    from markets.drafting.new import check_request, draft_from_file, draft_from_web
    from markets.drafting.report import listing_rows, summary

    home = Home.from_environment()
    if page is None and (listing or listing_url):
        raise UsageError("--listing goes with --page: without a saved search page the site itself is asked.")
    if page is not None:
        drafted = draft_from_file(home, page, url, name=name, words=query, listing=listing, listing_url=listing_url)
    else:
        check_request(home, url, name=name, words=query)
        if not yes:
            _confirm_look(url)
        with err.status("asking the site, 10 seconds between two requests"):
            drafted = draft_from_web(home, url, name=name, words=query)
    if as_json:
        _print_record(drafted.as_record(), True)
        return
    for line in summary(drafted):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if rows := listing_rows(drafted):
        _print_rows(rows, False)
    for number, line in enumerate(drafted.proposal.todo, 1):
        out.print(f"{number}. {line}", markup=False, highlight=False, soft_wrap=True)
    out.print(
        f"Next: read {drafted.written.definition}, then `relicwatch markets check {drafted.proposal.name}`.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _confirm_look(url: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("The site is asked only after a yes: add --yes, or give a saved page with --page FILE.")
    err.print(
        f"This market is not approved. For this draft {url} and few more pages of that site are asked for: robots.txt, "
        "one listing and a shop's own list of products (or a sitemap), as robots.txt allows, 10 seconds apart. "
        "Pages drawn by scripts are opened in the browser.",
        markup=False,
        highlight=False,
    )
    typer.confirm("Ask the site?", abort=True, err=True)


@markets_app.command("approve")
def markets_approve(
    name: str,
    basis: Annotated[str, typer.Option(help="The legal basis, in words.")],
    rate_permission: Annotated[str | None, typer.Option(help="Who allowed a faster rate, and where that is.")] = None,
    terms: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Copy of the terms of use.")] = None,
    robots: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Copy of robots.txt.")] = None,
) -> None:
    """Turn a market on: who, when and on what basis is recorded.

    Example: relicwatch markets approve example_auction --basis "Heritage Act art. 5, order 12/2026"
    """
    from markets.approval import approve
    from markets.catalog import get_market
    from markets.checks import check
    from storage.audit import AuditChain

    home, database = _open()
    definition = get_market(home, name)
    with database.transaction() as session:
        approve(
            session,
            AuditChain(),
            home,
            definition,
            actor=_actor(),
            legal_basis=basis,
            rate_permission=rate_permission,
            terms=terms.read_bytes() if terms else None,
            robots=robots.read_bytes() if robots else None,
        )
    out.print(f"{name} is on, approved by {_actor()}.", highlight=False)
    if robots and robots.stat().st_size == 0:
        out.print("The copy of robots.txt is empty: it is on record that the market has none.")
    (report,) = check(home, [name])
    if not report.ok or any(case.unchecked for case in report.cases):
        out.print(report.as_text(), markup=False, highlight=False, soft_wrap=True)


# -- watches ----------------------------------------------------------------------------------------------------


@watch_app.command("add")
def watch_add(
    name: str,
    market: Annotated[list[str], typer.Option("--market", "-m", help="Where to search; may be given often.")],
    query: Annotated[
        list[str],
        typer.Option("--query", "-q", help="Words to search for; may be given often, each asked at each market."),
    ],
    every: Annotated[
        str, typer.Option(help="At least this often: a number and s, m, h, d or w, like 30m, 6h or 1d.")
    ] = "1d",
    adaptive: Annotated[
        bool,
        typer.Option(
            "--adaptive/--fixed",
            help="Ask each search more often than --every when new listings are expected there, as its market's rate "
            "allows; or all of them at --every exactly.",
        ),
    ] = True,
    least: Annotated[
        str | None, typer.Option(help="With --adaptive: never sooner after the last crawl than this; 15m if not given.")
    ] = None,
    max_listings: Annotated[int | None, typer.Option(min=1, help="Stop each crawl after so many listings.")] = None,
) -> None:
    """Save a search; a running scheduler takes it up within seconds.

    What appears where is learned from the crawls, for each market, query and hour of the day; `watch list` says when
    each is asked next and why. A flagged listing is looked at again shortly before its sale ends.

    Example: relicwatch watch add lamps --market example_auction --query "roman lamp" --every 6h
    """
    from markets.admission import hindrances
    from markets.catalog import get_market
    from markets.planning import require_lawful_interval
    from storage.audit import AuditChain
    from storage.watches import LEAST_SECONDS, add_watch

    home, database = _open()
    seconds = _seconds(every)
    if least is not None and not adaptive:
        raise UsageError("--fixed asks at --every exactly, so --least says nothing there: leave one of them out.")
    for one in market:
        definition = get_market(home, one)
        definition.search_urls(query)  # refuses a query that cannot be asked
        require_lawful_interval(one, seconds, len(query), definition.rate.delay)
    with database.transaction() as session:
        watch = add_watch(
            session,
            name=name,
            markets=market,
            queries=query,
            every_seconds=seconds,
            actor=_actor(),
            audit=AuditChain(),
            max_listings=max_listings,
            adaptive=adaptive,
            least_seconds=min(LEAST_SECONDS, seconds) if least is None else _seconds(least, "--least"),
        )
        due = watch.next_due_at
    out.print(f"{name} is saved; its first crawl is due {due:%Y-%m-%d %H:%M} UTC.", highlight=False)
    for sentence in hindrances(dict.fromkeys(market), home, database):
        err.print(f"It waits in vain there: {sentence}", style="yellow", markup=False, highlight=False, soft_wrap=True)


@watch_app.command("list")
def watch_list(as_json: AsJson = False) -> None:
    """Saved searches, when each is asked next and why then.

    Example: relicwatch watch list --json
    """
    from storage.watch_plans import watch_rows

    _, database = _open()
    _print_rows(watch_rows(database), as_json)


def _change_watch(change: str, name: str) -> None:
    from storage import watches
    from storage.audit import AuditChain

    _, database = _open()
    with database.transaction() as session:
        getattr(watches, f"{change}_watch")(session, name, actor=_actor(), audit=AuditChain())
    out.print(f"{name}: {change}d.", highlight=False)


@watch_app.command("pause")
def watch_pause(name: str) -> None:
    """Make no more crawls of it for now. Example: relicwatch watch pause lamps"""
    _change_watch("pause", name)


@watch_app.command("resume")
def watch_resume(name: str) -> None:
    """Go on with it. Example: relicwatch watch resume lamps"""
    _change_watch("resume", name)


@watch_app.command("remove")
def watch_remove(name: str) -> None:
    """End it; what it found stays. Example: relicwatch watch remove lamps"""
    _change_watch("remove", name)


# -- crawls and listings ----------------------------------------------------------------------------------------


@crawls_app.command("list")
def crawls_list(limit: int = 20, as_json: AsJson = False) -> None:
    """The last crawls with what they found and what went wrong.

    Example: relicwatch crawls list
    """
    from storage.crawls import crawl_rows

    _, database = _open()
    rows = crawl_rows(database, limit)
    if as_json:
        _print_rows(rows, True)
        return
    left_out = ("fault", "failed", "changed", "gone", "median_answer_seconds")  # `crawls show` has them: a table fits
    _print_rows([_headed({key: row[key] for key in row if key not in left_out}) for row in rows], False)
    for row in rows:
        if row["fault"]:
            out.print(f"crawl {row['id']}: {row['fault']}", markup=False, highlight=False, soft_wrap=True)


@crawls_app.command("show")
def crawls_show(crawl_id: Annotated[int, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """One crawl: counts, and every page that gave no listing with the reason.

    Example: relicwatch crawls show 3
    """
    from storage.crawls import crawl_record

    _, database = _open()
    record = crawl_record(database, crawl_id)
    if as_json:
        _print_record(record, True)
        return
    counts, problems = record.pop("counts"), record.pop("problems")
    told = {key: value for key, value in record.items() if value is not None and key != "problems"}
    _print_record(_headed({**told, "queries": ", ".join(record["queries"])}), False)
    counted = counts.get("counts", {})
    read = counted.get("live_listings_read", counted.get("listings_read", record["listings"]))
    filled = [
        {"field": name, "listings": number, "share": f"{number / read:.0%}" if read else ""}
        for name, number in counts.get("filled", {}).items()
    ]
    if filled:
        out.print()
        _print_rows(filled, False)
    if problems:
        out.print(f"\n{len(problems)} problems:", highlight=False)
    for problem in problems:
        out.print(f"{problem['url']}\n    {problem['reason']}", markup=False, highlight=False, soft_wrap=True)


@listings_app.command("search")
def listings_search(
    words: Annotated[list[str] | None, typer.Argument()] = None,
    market: str | None = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Flagged listings only.")] = False,
    limit: int = 50,
    as_json: AsJson = False,
) -> None:
    """Stored listings whose text holds all the words (accents, case and Arabic forms do not matter).

    Example: relicwatch listings search lampe romaine --flagged
    """
    from storage.search import search_listings

    _, database = _open()
    rows = search_listings(database, words or [], market=market, flagged_only=flagged, limit=limit)
    if not rows and not as_json and search_listings(database, [], market=None, flagged_only=False, limit=1):
        out.print("No stored listing matches: give fewer words, or leave out --market and --flagged.")
        return
    _print_rows(rows, as_json)


@listings_app.command("show")
def listings_show(
    listing_id: Annotated[int, typer.Argument(metavar="ID")],
    lang: InLanguage = "en",
    as_json: AsJson = False,
) -> None:
    """One listing with its versions, captures and assessments; the answers in a reader's language.

    Example: relicwatch listings show 17 --lang fr
    """
    from classifiers.answers.explained import as_lines
    from storage.search import listing_record

    _, database = _open()
    record = listing_record(database, listing_id)
    if not as_json:
        for assessment in record["assessments"]:
            assessment["answers"] = as_lines(assessment.get("answers") or {}, lang)
    _print_record(record, as_json)


@listings_app.command("export")
def listings_export(
    to: Annotated[Path, typer.Option(help="A new file.")],
    form: Annotated[
        Literal["csv", "xlsx", "jsonl"], typer.Option("--format", help="What a risk engine takes.")
    ] = "csv",
    case: Annotated[str | None, typer.Option(help="Reference of a case: its listings alone.")] = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Only what the model in use flags.")] = False,
) -> None:
    """Listings as a table for risk engines and analysts; no cell of it can act as a formula. Evidence is `export`.

    Example: relicwatch listings export --to hits.xlsx --format xlsx --flagged
    """
    from evidence.risk_tables import listing_rows, write_table
    from storage.audit import AuditChain
    from storage.cases import find_case

    _, database = _open()
    with database.transaction() as session:
        if case is not None and find_case(session, case) is None:
            raise UsageError(f"There is no case {case!r}: `relicwatch cases list` shows those there are.")
        count = write_table(listing_rows(session, case=case, flagged_only=flagged), to, form)
        AuditChain().record(
            session,
            actor=_actor(),
            action="table exported",
            object_kind="case" if case else "listing",
            object_id=case or "all",
            details={"rows": count, "format": form, "flagged": flagged},
        )
    out.print(f"{count} listings in {to}", highlight=False, soft_wrap=True)


# -- alarms -----------------------------------------------------------------------------------------------------


@alarms_app.command("list")
def alarms_list(
    lang: InLanguage = "en",
    closed: Annotated[bool, typer.Option("--closed", help="Those too that somebody has closed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Signs of danger to a person that listings show: call the police, do not wait for the queue.

    Example: relicwatch alarms list --lang ar
    """
    from classifiers.answers.explained import explain_alarm
    from storage.alarms import list_alarms

    _, database = _open()
    rows = list_alarms(database, closed=closed)
    if as_json:
        _print_rows(rows, True)
        return
    if not rows:
        out.print("No alarm stands open.")
        return
    for row in rows:
        told = explain_alarm(row["kind"], row["reasons"], lang)
        words = [str(reason["text"]) for reason in row["reasons"]]
        shown = row | {"kind": told.name, "meaning": told.sentence, "reasons": words}
        _print_record({name: value for name, value in shown.items() if value is not None}, False)
        out.print()


@alarms_app.command("close")
def alarms_close(
    alarm_id: Annotated[int, typer.Argument(metavar="ID")],
    note: Annotated[str, typer.Option(help="What was done, and who was told.")],
) -> None:
    """Close an alarm once somebody has acted on it; the audit log keeps who did.

    Example: relicwatch alarms close 3 --note "Police told by telephone, ref. 77/26"
    """
    from storage.alarms import close_alarm
    from storage.audit import AuditChain

    _, database = _open()
    with database.transaction() as session:
        close_alarm(session, AuditChain(), alarm_id, actor=_actor(), note=note)
    out.print(f"Alarm {alarm_id} is closed.", highlight=False)


@app.command("capture")
def capture_command(
    url: Annotated[str | None, typer.Argument(help="The address of a stored listing.")] = None,
    listing_id: Annotated[int | None, typer.Option("--listing", help="Which listing to capture.")] = None,
) -> None:
    """Capture a stored listing as evidence now: page, images, screenshots, DOM, the seller's page and the terms.

    Example: relicwatch capture https://auction.example/sale/3/lot/14
    """
    import uuid

    from storage.imports import check_fetchable, listing_at
    from storage.jobs import claim_job, insert_job
    from storage.leases import process_holder
    from work import run_job

    if (url is None) == (listing_id is None):
        raise UsageError("Say what to capture: the address of a stored listing, or --listing ID.")
    home, database = _open()
    with database.transaction() as session:
        if url is not None:
            listing_id = listing_at(session, url)
        assert listing_id is not None
        check_fetchable(session, listing_id)
        arguments = {"listing_id": listing_id, "reason": "a person's request", "actor": _actor()}
        job = insert_job(session, "capture", arguments, f"capture:request:{uuid.uuid4()}")
        assert job is not None
        job_id = job.id
    claimed = claim_job(database, process_holder(), job_id=job_id)
    if claimed is None:
        out.print(f"The running scheduler has taken it: job {job_id} captures listing {listing_id}.", highlight=False)
        return
    _print_record(run_job(database, home, claimed), False)


# -- cases and evidence -----------------------------------------------------------------------------------------


@cases_app.command("open")
def cases_open(title: str, listing: Annotated[list[int] | None, typer.Option("--listing")] = None) -> None:
    """Open a case, with listings as exhibits.

    Example: relicwatch cases open "Lamps from one seller" --listing 17 --listing 21
    """
    from storage.audit import AuditChain
    from storage.cases import add_exhibit, open_case
    from storage.search import current_observation

    home, database = _open()
    chain = AuditChain()
    with database.transaction() as session:
        case = open_case(session, chain, actor=_actor(), title=title, demo=home.is_demo)
        for one in listing or ():
            shown = current_observation(session, one)
            add_exhibit(session, chain, actor=_actor(), case=case, listing_id=one, observation_id=shown)
        reference = case.reference
    out.print(f"{reference} is open.", highlight=False)


@cases_app.command("list")
def cases_list(as_json: AsJson = False) -> None:
    """Cases and how many exhibits they hold. Example: relicwatch cases list"""
    from storage.cases import list_cases

    _, database = _open()
    with database.reading() as session:
        rows = [
            {
                "reference": case.reference,
                "title": case.title,
                "state": case.state,
                "exhibits": exhibits,
                "opened (UTC)": _moment(case.opened_at),
                "by": case.opened_by,
            }
            for case, exhibits in list_cases(session)
        ]
    _print_rows(rows, as_json)


@app.command()
def export(
    to: Annotated[Path, typer.Option(help="Directory that gets the bundle.")],
    case: Annotated[str | None, typer.Option(help="Reference of the case.")] = None,
    listing: Annotated[int | None, typer.Option(help="One listing alone.")] = None,
    lang: Annotated[str, typer.Option(help="Languages of the report, with commas: ar,fr,en.")] = "en",
) -> None:
    """Write an evidence bundle: signed, verifiable with nothing but itself.

    Example: relicwatch export --case RW-2026-0001 --to out/ --lang ar,fr,en
    """
    from classifiers.answers.explained import explain
    from classifiers.registry import model_cards
    from crawler.egress import Guard
    from crawler.home import loopback_allowed
    from evidence.bundle import export_bundle
    from evidence.report.printing import print_pages
    from storage.audit import AuditChain

    if (case is None) == (listing is None):
        raise UsageError("Say what to export: --case REFERENCE or --listing ID, one of them.")
    home, database = _open()
    with _waiting("writing the bundle"):
        bundle = export_bundle(
            database,
            home,
            chain=AuditChain(),
            actor=_actor(),
            to=to,
            case=case,
            listing_id=listing,
            languages=tuple(one.strip() for one in lang.split(",") if one.strip()),
            explain=explain,
            printer=print_pages,
            guard=Guard(allow_loopback=loopback_allowed()),
            cards=lambda: model_cards(home),
        )
    out.print(f"{bundle.path}\nSHA-256 {bundle.sha256}", highlight=False, soft_wrap=True)


@app.command()
def verify(
    bundle: Path,
    trust: Annotated[
        list[Path] | None, typer.Option(help="PEM certificates of timestamp authorities that you trust yourself.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a bundle with nothing but the bundle. Exit status 0 valid, 1 invalid, 3 incomplete.

    Example: relicwatch verify RW-2026-0001.zip --trust example_tsa.pem
    """
    from evidence.verify import as_record, read_trusted, report_lines, verify_bundle

    trusted = read_trusted(trust or ())
    with _waiting("verifying"):
        verification = verify_bundle(bundle, trusted)
    if as_json:
        _print_record(as_record(verification), True)
    else:
        for line in report_lines(verification):
            out.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(verification.exit_status)


# -- reading and judging text -----------------------------------------------------------------------------------


@app.command()
def extract(
    page: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="A saved page.")] = None,
    url: Annotated[str, typer.Option(help="The address it was saved from.")] = "",
    batch: Annotated[Path | None, typer.Option(dir_okay=False, help="JSON Lines: path, url, charset.")] = None,
) -> None:
    """Saved pages to records: no network, no database.

    Example: relicwatch extract page.html --url https://auction.example/lot/1
    """
    from crawler.extraction.batch import extract_batch, page_as_json
    from crawler.extraction.page import extract_page

    if (page is None) == (batch is None):
        raise UsageError("Give a saved page, or --batch MANIFEST.jsonl, one of them.")
    if batch is not None:
        for record in _counted("extracting", extract_batch(batch)):
            _print_record(record, True)
    elif page is not None:
        _print_record(page_as_json(extract_page(page.read_bytes(), url)), True)


@app.command("import")
def import_command(
    path: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="What was saved.")],
    by: Annotated[str, typer.Option(help="Who saved it.")],
    saved_at: Annotated[str, typer.Option(help="When, like 2026-11-20T14:03+02:00; without a zone: of this computer.")],
    market: Annotated[str | None, typer.Option(help="The market it is of, where its address does not tell.")] = None,
    url: Annotated[str | None, typer.Option(help="The address it was saved from, for one page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pages, WARC, WACZ, chat exports and screenshots that an officer saved: each becomes a listing with its evidence.

    Exit status 1 where a file failed; the others are imported all the same. Nothing is fetched.

    Example: relicwatch import saved/ --by "Amina Haddad" --saved-at 2026-11-20T14:03
    """
    from evidence.saved_files import SavedBy
    from importing import Importer, summary
    from storage.audit import AuditChain

    home, database = _open()
    saved_by = SavedBy(by.strip(), _past_moment(saved_at), _actor())
    importer = Importer(database, home, saved_by=saved_by, chain=AuditChain(), market=market, url=url)
    results = []
    for result in importer.import_path(path):
        results.append(result)
        if as_json:
            _print_record(result.as_record(), True)
        else:
            for line in result.lines():
                out.print(line, markup=False, highlight=False, soft_wrap=True)
    if not as_json:
        out.print(summary(results), highlight=False, soft_wrap=True)
    if any(result.error is not None for result in results):
        raise typer.Exit(1)


@app.command()
def classify(
    listings: Annotated[str, typer.Argument(help="JSON Lines with id, title, description; - for stdin.")],
) -> None:
    """Score listings: one JSON a line with score, flagged, labels, reasons, language, model, answers and alarms.

    `price`, `currency` (ISO 4217) and `location` of a line are read too where they are there.

    A line that is no listing is told with its number and field; the others are scored, and the exit status is 1.

    Example: relicwatch classify listings.jsonl > scores.jsonl
    """
    from classifiers.json_lines import ListingsFileError
    from classifiers.jsonl import classify_path
    from classifiers.registry import load_classifier

    faults: list[ListingsFileError] = []

    def tell(fault: ListingsFileError) -> None:
        faults.append(fault)
        err.print(str(fault), style="red", markup=False, highlight=False, soft_wrap=True)

    write = sys.stdout.write
    for record in _counted("classifying", classify_path(listings, load_classifier(Home.from_environment()), tell)):
        write(json.dumps(record, ensure_ascii=False) + "\n")
    if faults:
        raise ListingsFileError(f"{len(faults)} line(s) of {listings} were not scored; all others were.")


@photos_app.command("match")
def photos_match(
    query: Annotated[
        Path, typer.Argument(metavar="QUERY", exists=True, help="Photos to ask about: a folder or a file.")
    ],
    against: Annotated[Path, typer.Option(exists=True, file_okay=False, help="The folder of photos to look in.")],
    as_json: AsJson = False,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Photos read at a time.")] = 2,
) -> None:
    """Which photos of a folder show what another photo shows: no network, no database.

    A line a query: the candidates best first, each with score and reason, and those that are linked by themselves.
    Exit status 1 where a file cannot be read; the others are matched all the same.

    Example: relicwatch photos match new/ --against stored/ --json
    """
    from matching.photo_folders import PhotoFault, match_folders

    faults: list[PhotoFault] = []

    def tell(fault: PhotoFault) -> None:
        faults.append(fault)
        err.print(str(fault), style="red", markup=False, highlight=False, soft_wrap=True)

    for record in _counted("matching", match_folders(query, against, tell, processes=processes)):
        if as_json:
            sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
            continue
        out.print(record["file"], style="bold", markup=False, highlight=False, soft_wrap=True)
        for one in record["candidates"]:
            sign = "linked" if one["file"] in record["linked"] else "candidate"
            line = f"  {sign} {one['score']:.2f} {one['file']}: {one['reason']}"
            out.print(line, markup=False, highlight=False, soft_wrap=True)
    if faults:
        raise PhotoFault(f"{len(faults)} file(s) could not be read as photos; all others were matched.")


@app.command()
def train(
    to: Annotated[
        Path | None, typer.Option(help="Train from the corpus alone, into this directory, instead of from decisions.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The new model's name; without it, today's date.")] = None,
    validate: Annotated[
        list[str] | None, typer.Option(help="A market to hold out for validation; may be given often.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A reviewer whose decisions are left out; may be given often.")
    ] = None,
    corpus: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="Another corpus than ours.")] = None,
    records: Annotated[
        Path | None, typer.Option(exists=True, help="Labelled records (JSON Lines) whose free ones join the corpus.")
    ] = None,
    seed: int = 0,
    as_json: AsJson = False,
) -> None:
    """Train a model from the decisions of the desk, starting from the one that ships; it is not put to use.

    It is compared with the model in use on markets that taught it nothing. `--to` trains from a corpus instead.

    Example: relicwatch train --name 2026-12
    """
    if to is None:
        if corpus or records:
            raise UsageError("--corpus and --records train from a corpus: say with --to where the model shall lie.")
        _train_from_decisions(name, validate or [], without or [], as_json)
        return
    if name or validate or without:
        raise UsageError(
            "--name, --validate and --without are for training from decisions, which goes into the home: drop --to."
        )
    from classifiers.corpus import CORPUS
    from classifiers.listing import ListingClassifier
    from classifiers.training import train as train_model

    to.mkdir(parents=True, exist_ok=True)
    with _waiting("training"):
        train_model(corpus or CORPUS, to, records, seed)
    out.print(f"{to} holds {ListingClassifier.load(to).model}", highlight=False, soft_wrap=True)


def _train_from_decisions(name: str | None, validate: list[str], without: list[str], as_json: bool) -> None:
    from learning import new_name, queue_retraining

    home, database = _open()
    name = name or new_name(home)
    _finish(home, database, queue_retraining(database, name, validate, without), {"name": name}, "training", as_json)


@app.command()
def evaluate(
    gold: Annotated[
        Path, typer.Argument(help="JSON Lines with id, title, description, label (antiquity | not_antiquity).")
    ],
    model: Annotated[str | None, typer.Option(help="A model's name; without it, the one in use.")] = None,
    as_json: AsJson = False,
) -> None:
    """Figures of a model on labelled listings, with 95 % intervals, beside keyword counting.

    By language, register and source where the lines name them. A bad line is told and the others count.

    Example: relicwatch evaluate labelled.jsonl
    """
    from classifiers.evaluation import evaluate as evaluate_rows
    from classifiers.evaluation import read_labelled
    from classifiers.json_lines import ListingsFileError
    from classifiers.registry import load_classifier

    faults: list[ListingsFileError] = []

    def tell(fault: ListingsFileError) -> None:
        faults.append(fault)
        err.print(str(fault), style="red", markup=False, highlight=False, soft_wrap=True)

    rows = read_labelled(gold, tell)
    with _waiting("evaluating"):
        records = evaluate_rows(load_classifier(Home.from_environment(), model), rows)
    _print_rows([_plain_figures(record, as_json) for record in records], as_json)
    if faults:
        raise ListingsFileError(f"{len(faults)} line(s) of {gold} did not count; all others did.")


def _plain_figures(record: Mapping[str, Any], as_json: bool) -> dict[str, Any]:
    """Figures as numbers with low and high in JSON, in short for a table."""
    shown: dict[str, Any] = {}
    for name, value in record.items():
        if not is_dataclass(value) or isinstance(value, type):
            shown[name] = value
        elif as_json:
            shown[name] = asdict(value)
        else:
            figure = asdict(value)
            shown[name] = f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"
    return shown


@app.command()
def simulate(
    pool: Annotated[
        Path, typer.Argument(help="JSON Lines with id, title, description, label (antiquity | not_antiquity).")
    ],
    start: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="The model to start from, of `train --to`; or the one in use."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The first seed; the others follow it.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="So many runs, each with a seed of its own.")] = 3,
    known: Annotated[int, typer.Option(min=0, help="Rows of either label known at the start; they count as read.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Rows read between two trainings.")] = 10,
    by_chance: Annotated[
        float, typer.Option("--random", min=0, max=0.5, help="The share of random checks in the reading.")
    ] = 0.0,
    asreview: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The Python of an environment with ASReview, to run beside."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read a labelled pool in our order and print the work saved: WSS@95, and recall after 5 and 10 % of the reading.

    The model in use (or --start) orders the pool and is taught anew from the labels of what is read. A bad line is told
    and the others count. A pool that taught the model is no test of it: train one without it, `train --to DIR`.

    Example: relicwatch simulate pool.jsonl --seeds 5
    """
    from classifiers.evaluation import read_labelled
    from classifiers.json_lines import ListingsFileError
    from classifiers.listing import ListingClassifier
    from classifiers.registry import load_classifier
    from classifiers.simulation import simulate as replay

    faults: list[ListingsFileError] = []

    def tell(fault: ListingsFileError) -> None:
        faults.append(fault)
        err.print(str(fault), style="red", markup=False, highlight=False, soft_wrap=True)

    rows = read_labelled(pool, tell)
    classifier = ListingClassifier.load(start) if start else load_classifier(Home.from_environment())
    replayed = replay(
        classifier,
        rows,
        seeds=range(seed, seed + seeds),
        of_each=known,
        batch=batch,
        by_chance=by_chance,
        asreview=asreview,
    )
    with _waiting("reading the pool"):
        records = [one.as_record() for one in replayed]
    _print_rows(records, as_json)
    if faults:
        raise ListingsFileError(f"{len(faults)} line(s) of {pool} did not count; all others did.")


@models_app.command("list")
def models_list(as_json: AsJson = False) -> None:
    """Every model with its figures; the one in use is marked.

    Example: relicwatch models list
    """
    from learning import model_rows

    _print_rows(model_rows(Home.from_environment()), as_json)


@models_app.command("use")
def models_use(name: str, as_json: AsJson = False) -> None:
    """Put a model to use and judge active and recent listings anew; what they were judged before stays.

    Example: relicwatch models use 2026-12
    """
    from learning import use_model

    home, database = _open()
    job = use_model(database, home, name, actor=_actor())
    _finish(home, database, job, {"in_use": name}, "judging anew", as_json)


@models_app.command("rollback")
def models_rollback(as_json: AsJson = False) -> None:
    """Go back to the model that was in use before.

    Example: relicwatch models rollback
    """
    from learning import roll_back

    home, database = _open()
    name, job = roll_back(database, home, actor=_actor())
    _finish(home, database, job, {"in_use": name}, "judging anew", as_json)


def _finish(home: Home, database: Any, job: Any, done: Mapping[str, Any], what: str, as_json: bool) -> None:
    """Do a job that was just queued and print its result after what is `done`; or say that the scheduler does it."""
    from work import run_job

    if job.claimed is None:
        _print_record({**done, "job": job.job_id, "done_by": "relicwatch run, which was quicker to take it"}, as_json)
        return
    with _progress(what, quiet=as_json) as show:
        result = run_job(database, home, job.claimed, show)
    _print_record({**done, **result}, as_json)


@models_app.command("recall")
def models_recall(
    since: Annotated[str | None, typer.Option(help="Only listings first seen in this time: 30d, 12w.")] = None,
    as_json: AsJson = False,
) -> None:
    """How much of the antiquities the flags find, estimated from the random checks, with its 95 % interval.

    Example: relicwatch models recall --since 90d
    """
    from learning import estimated_recall

    _, database = _open()
    _print_record(estimated_recall(database, _seconds(since, "--since") if since else None), as_json)


@models_app.command("sampling")
def models_sampling(
    random: Annotated[
        float | None, typer.Option("--random", help="The share of the queue's places that random checks take.")
    ] = None,
    explore: Annotated[
        float | None, typer.Option("--explore", help="The share of the queue's places that near misses take.")
    ] = None,
    drawn: Annotated[
        float | None, typer.Option("--drawn", help="The share of new listings that is drawn for random checks.")
    ] = None,
    near_misses: Annotated[
        int | None, typer.Option("--near-misses", help="So many near misses of each market may wait.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show or set how many listings that nothing flags are shown to people all the same.

    A new share counts for listings that come from now on, and for the queue at once; the audit log keeps who set it.

    Example: relicwatch models sampling --random 0.05 --explore 0.1
    """
    from storage.audit import AuditChain
    from storage.sampling import current_sampling, sampling_record, set_sampling

    _, database = _open()
    if random is None and explore is None and drawn is None and near_misses is None:
        with database.reading() as session:
            record = sampling_record(current_sampling(session))
    else:
        with database.transaction() as session:
            record = sampling_record(
                set_sampling(
                    session,
                    AuditChain(),
                    actor=_actor(),
                    audit_share=drawn,
                    explore_per_market=near_misses,
                    queue_explore=explore,
                    queue_audit=random,
                )
            )
    _print_record(record, as_json)


@models_app.command("drift")
def models_drift(as_json: AsJson = False) -> None:
    """Markets whose listings no longer look to the model as they did.

    Example: relicwatch models drift
    """
    from learning import drift_sentences

    home, database = _open()
    rows = drift_sentences(database, home)
    if not rows and not as_json:
        out.print("No market looks otherwise than before, as far as there are listings enough to say so.")
        return
    _print_rows(rows, as_json)


@terms_app.command("test")
def terms_test(
    file: Annotated[Path, typer.Argument(help="A lexicon file: family, groups, languages, terms.")],
    as_json: AsJson = False,
) -> None:
    """Run a file of own terms over the stored listings and show what would change; nothing is kept.

    Example: relicwatch terms test our_terms.yaml
    """
    from learning import trial_record, try_terms

    home, database = _open()
    with _waiting("trying the terms"):
        trial = try_terms(database, home, file)
    _print_record(trial_record(trial), as_json)


@terms_app.command("add")
def terms_add(
    file: Annotated[Path, typer.Argument(help="A lexicon file that `terms test` has tried.")], as_json: AsJson = False
) -> None:
    """Add a file of own terms; they count from now on, and stored listings are judged anew.

    Example: relicwatch terms add our_terms.yaml
    """
    from learning import keep_terms

    home, database = _open()
    kept, job = keep_terms(database, home, file, actor=_actor())
    _finish(home, database, job, {"added": str(kept)}, "judging anew", as_json)


# -- people, database, health -----------------------------------------------------------------------------------


# -- trusted time and custody -----------------------------------------------------------------------------------


@stamps_app.command("list")
def stamps_list(
    pending: Annotated[bool, typer.Option("--pending", help="Only what waits for an answer.")] = False,
    as_json: AsJson = False,
) -> None:
    """What was stamped or waits for it, newest first.

    Example: relicwatch stamps list --pending
    """
    from storage.stamps import list_stamps

    _, database = _open()
    with database.reading() as session:
        rows = list_stamps(session, pending=pending)
    _print_rows(rows if as_json else [_headed(row) for row in rows], as_json)


@stamps_app.command("ask")
def stamps_ask(as_json: AsJson = False) -> None:
    """Ask the authorities now for all that waits, whatever its pause; else `relicwatch run` does it.

    Example: relicwatch stamps ask
    """
    from crawler.egress import Guard
    from crawler.home import loopback_allowed
    from evidence.custody_heads import write_stamps
    from evidence.stamping import ask_pending, note_captures
    from storage.audit import AuditChain

    home, database = _open()
    captures = note_captures(database, home)
    with _waiting("asking the timestamp authorities"):
        counts = ask_pending(
            database,
            home,
            Guard(allow_loopback=loopback_allowed()),
            chain=AuditChain(),
            actor=_actor(),
            everything=True,
        )
    write_stamps(database, home)
    _print_record({"captures_gathered": captures, **counts}, as_json)
    if counts["waiting"]:
        raise typer.Exit(1)


@custody_app.command("head")
def custody_head(as_json: AsJson = False) -> None:
    """Write a signed head of the log now; `relicwatch run` does it each day.

    Example: relicwatch custody head
    """
    from evidence.custody_heads import make_head
    from storage.audit import AuditChain

    home, database = _open()
    head = make_head(database, home, chain=AuditChain(), actor=_actor())
    _print_record({"head": str(head.path), "sha256": head.sha256, "chains": len(head.content["chains"])}, as_json)


@custody_app.command("verify")
def custody_verify(
    heads: Annotated[Path | None, typer.Option(help="Heads of another place; else the home's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the log and compare it with its signed heads: exit status 0 whole, 1 changed.

    Example: relicwatch custody verify --heads /media/safe/custody-heads
    """
    from evidence.custody_heads import verify_custody

    home, database = _open()
    if heads is not None and not heads.is_dir():
        raise UsageError(f"{heads} is no directory of heads.")
    report = verify_custody(database, home, heads)
    for fault in report.faults:
        err.print(f"FAULT {fault}", markup=False, highlight=False, soft_wrap=True)
    _print_record(asdict(report) if as_json else {k: v for k, v in asdict(report).items() if k != "faults"}, as_json)
    if report.faults:
        raise typer.Exit(1)
    if not as_json:
        out.print(
            "The log is whole." if report.heads else "The log is whole in itself; there is no head to compare it with."
        )


# -- registers --------------------------------------------------------------------------------------------------


@registers_app.command("import")
def registers_import(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, JSON or JSON Lines; or a zip of one with its photos.")],
    source: Annotated[str | None, typer.Option(help="The list's name; else its source_id or the file's name.")] = None,
    dated: Annotated[str | None, typer.Option(help="The keeper's date of the list, as 2026-11-27.")] = None,
    licence: Annotated[str | None, typer.Option(help="On what terms it may be used and shared.")] = None,
    part: Annotated[bool, typer.Option("--part", help="Only additions: entries that it lacks stay.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import a missing-object list as the next version of its source, and look for its objects in what is stored.

    A row that cannot be kept is told with its line and reason; the others are kept, and the exit status is 1.

    Example: relicwatch registers import losses.xlsx --source MOC-IQ-2003 --dated 2026-11-01 --licence "partners only"
    """
    from linking import import_register, match_registers
    from matching.register_files import refused
    from storage.audit import AuditChain

    home, database = _open()
    found = import_register(
        database,
        home,
        file,
        chain=AuditChain(),
        actor=_actor(),
        source=source,
        dated=dated,
        licence=licence,
        whole=not part,
    )
    for fault in found.faults:
        note = "kept, but" if fault.warning else "left out:"
        err.print(f"{file}, line {fault.line}: {note} {fault.reason}", markup=False, highlight=False, soft_wrap=True)
    for column in found.unknown_columns:
        err.print(
            f"{file}: the column '{column}' is not known; it stays with the original row", markup=False, soft_wrap=True
        )
    with _progress("looking for its objects", quiet=as_json) as show:
        counts = match_registers(database, home, source=found.version.source, progress=show)
    record = {
        "source": found.version.source,
        "version": found.version.version,
        **found.version.counts,
        "photos": found.photos,
        "offers_compared": counts["offers"],
        "candidates": counts["candidates"],
    }
    _print_record(record, as_json)
    if refused(found.faults):
        raise typer.Exit(1)


@registers_app.command("list")
def registers_list(as_json: AsJson = False) -> None:
    """The missing-object lists, each in its newest version.

    Example: relicwatch registers list
    """
    from storage.registers import list_registers

    _, database = _open()
    with database.reading() as session:
        rows = list_registers(session)
    shown = ("source", "version", "entries", "dated", "licence", "imported_by", "imported_at")
    _print_rows(rows if as_json else [_headed({key: row[key] for key in shown}) for row in rows], as_json)


@registers_app.command("match")
def registers_match(
    listing: Annotated[int | None, typer.Option(help="Of one listing alone.")] = None,
    photo: Annotated[Path | None, typer.Option(help="A photo from the counter: what does it show?")] = None,
    again: Annotated[bool, typer.Option("--again", help="Compare everything stored anew first.")] = False,
    most: Annotated[int, typer.Option(min=1, help="So many, strongest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Listings that may be missing objects, strongest first, with what speaks for each. A person decides.

    With --photo: register entries and stored listings that may show the same as a photograph.

    Example: relicwatch registers match --photo counter.jpg
    """
    from linking import match_registers
    from storage.registers import list_matches

    home, database = _open()
    if photo is not None:
        _print_rows(_asked_by_photo(home, database, photo), as_json)
        return
    if again or listing is not None:
        with _progress("comparing", quiet=as_json) as show:
            match_registers(database, home, listings=[listing] if listing is not None else (), progress=show)
    with database.reading() as session:
        rows = list_matches(session, listing_id=listing, most=most)
    if as_json:
        _print_rows(rows, True)
        return
    shown = [
        {
            "candidate": row["match"],
            "strength": row["band"],
            "listing": row["listing"],
            "title": row["title"],
            "register": f"{row['source']} {row['record']}",
            "because": ", ".join(
                one["part"] for one in sorted(row["why"], key=lambda one: -one["weight"]) if one["weight"] > 0.5
            ),
            "said": row["verdict"] or "",
        }
        for row in rows
    ]
    _print_rows(shown, False)


def _asked_by_photo(home: Home, database: Any, photo: Path) -> list[dict[str, Any]]:
    from photo_links import ask_photo

    with _waiting("looking"):
        answers = list(ask_photo(database, home, photo))
    return [
        {
            "kind": one.kind,
            "id": one.id,
            "score": one.link.score,
            "sure": one.link.links,
            **one.told,
            "reason": "; ".join(one.link.reasons),
        }
        for one in answers
    ]


def _parts_for(why: list[Mapping[str, Any]]) -> list[str]:
    return [one["part"] for one in sorted(why, key=lambda one: -one["weight"]) if one["weight"] > 0.5]


@registers_app.command("judge")
def registers_judge(
    candidate: int,
    verdict: Annotated[Literal["same", "other", "unsure"], typer.Argument()],
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
) -> None:
    """Keep what you say of a candidate: the same object, another, or unsure. Nothing said before is changed.

    Example: relicwatch registers judge 7 same --note "same chip at the base, both photographs"
    """
    from storage.audit import AuditChain
    from storage.registers import say_verdict

    _, database = _open()
    with database.transaction() as session:
        say_verdict(session, AuditChain(), candidate, verdict=verdict, actor=_actor(), note=note)
    out.print(f"Candidate {candidate}: {verdict}.")


@users_app.command("add")
def users_add(
    name: str,
    role: Annotated[str, typer.Option(help="viewer, reviewer, lead, exporter, admin or auditor.")] = "reviewer",
    language: Annotated[str, typer.Option(help="en, fr or ar.")] = "en",
) -> None:
    """Add a person; prints a one-time sign-in code, with which they choose a password.

    Example: relicwatch users add amina --role reviewer --language ar
    """
    from storage.audit import AuditChain
    from storage.users import create_user, make_sign_in_code

    _, database = _open()
    with database.transaction() as session:
        user = create_user(session, name, role, language=language)
        session.flush()
        details = {"role": role}
        AuditChain().record(
            session, actor=_actor(), action="user added", object_kind="user", object_id=user.id, details=details
        )
        code = make_sign_in_code(session, user, minutes=CODE_MINUTES)
    _print_code(f"{name} ({role})", code)


@users_app.command("code")
def users_code(name: str) -> None:
    """Make a new one-time sign-in code for a person who is there already.

    Example: relicwatch users code amina
    """
    from storage.audit import AuditChain
    from storage.users import UserError, find_user, make_sign_in_code

    _, database = _open()
    with database.transaction() as session:
        user = find_user(session, name)
        if user is None:
            raise UserError(f"There is no user {name!r}: see `relicwatch users list`, or add them.")
        if user.disabled:
            raise UserError(f"The account of {name!r} is disabled, so no code signs it in.")
        AuditChain().record(session, actor=_actor(), action="sign-in code made", object_kind="user", object_id=user.id)
        code = make_sign_in_code(session, user, minutes=CODE_MINUTES)
        who = f"{user.name} ({user.role})"
    _print_code(who, code)


@users_app.command("list")
def users_list(as_json: AsJson = False) -> None:
    """The desk's users. Example: relicwatch users list"""
    from storage.users import list_users

    _, database = _open()
    with database.reading() as session:
        rows = [
            {"name": user.name, "role": user.role, "language": user.language, "disabled": user.disabled}
            for user in list_users(session)
        ]
    _print_rows(rows, as_json)


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Make the home and its database, or bring the database to this version.

    Example: relicwatch db upgrade
    """
    from evidence.signing import ensure_signing_key
    from storage.database import Database
    from storage.migrate import head_revision, upgrade

    home = Home.from_environment()
    home.create()
    database = Database(home.database_url)
    with database.transaction():  # asks for nothing itself: it tells in one sentence why the database does not answer
        upgrade(database)
    ensure_signing_key(home)
    out.print(
        f"The database is at version {head_revision()}; the home is {home.root}.", highlight=False, soft_wrap=True
    )


@db_app.command("check")
def db_check() -> None:
    """Whether the database is there and of this version. Example: relicwatch db check"""
    _open()
    out.print("The database is there and of this version.")


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look the installation over: exit status 1 where something needs a person.

    Example: relicwatch doctor
    """
    from checkup import examine

    findings = examine(Home.from_environment())
    for finding in findings:
        if as_json:
            _print_record(finding.as_record(), True)
        else:
            style = {"ok": "green", "note": "yellow", "fault": "red"}[finding.level]
            out.print(f"[{style}]{finding.level:5}[/] ", end="")
            out.print(finding.text, markup=False, highlight=False, soft_wrap=True)
    if any(finding.level == "fault" for finding in findings):
        raise typer.Exit(1)


# -- shared by the verbs ----------------------------------------------------------------------------------------


def _print_code(who: str, code: str) -> None:
    out.print(
        f"{who} may sign in once within {CODE_MINUTES} minutes with the code {code}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _open() -> tuple[Home, Any]:
    from storage.database import Database

    home = Home.from_environment()
    database = Database(home.database_url)
    database.require_current()
    return home, database


def _actor() -> str:
    return f"{getpass.getuser()} (command)"


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)


def _seconds(text: str, option: str = "--every") -> int:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    number, unit = text[:-1], text[-1:]
    whole = unit in units and number.isascii() and number.isdigit()
    if whole and int(number) == 0:
        raise UsageError(f"{option} {text!r} has to be more than nothing: write it like 6h.")
    if not whole:
        raise UsageError(f"{option} {text!r} is no span of time: write a number and s, m, h, d or w, like 6h.")
    return int(number) * units[unit]


def _past_moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--saved-at {text!r} is no date and time: write it like 2026-11-20T14:03+02:00.") from error


def _moment(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if value else ""


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _headed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a person reads it: the zone and the unit in the heading."""
    shown = {}
    for key, value in row.items():
        if key.endswith("_at"):
            shown[f"{key.removesuffix('_at')} (UTC)"] = _moment(value)
        elif key == "bytes":
            shown["kB"] = f"{value / 1000:.1f}"
        else:
            shown[key.replace("_", " ")] = value
    return shown


def _print_record(record: Mapping[str, Any], as_json: bool) -> None:
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
            shown = f"{_moment(value)} UTC" if isinstance(value, datetime) else "none" if none else _shown(value)
            yield f"{margin}{key}: " + shown.replace("\n", f"\n{margin}    ")


def _print_rows(rows: Iterable[Mapping[str, Any]], as_json: bool) -> None:
    rows = list(rows)
    if as_json:
        for row in rows:
            _print_record(row, True)
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
def _waiting(what: str) -> Iterator[Callable[[str], None]]:
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


def _counted(what: str, records: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The records, counted on a terminal that does not show them itself."""
    if sys.stdout.isatty():
        yield from records
        return
    with _waiting(what) as show:
        for number, record in enumerate(records, 1):
            yield record
            show(f"{number:,} done")


def _progress(what: str, *, quiet: bool) -> Any:
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


if __name__ == "__main__":
    main()
