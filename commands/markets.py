"""`relicwatch markets`: definitions, their checks and approvals."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from commands.terminal import AsJson, err, open_home, out, print_record, print_rows, this_user
from crawler.errors import UsageError
from crawler.home import Home

app = typer.Typer(help="Market definitions: list, show, check, new, approve.", no_args_is_help=True)


@app.command("list")
def markets_list(
    leads: Annotated[bool, typer.Option("--leads", help="Sites worth watching that have no definition yet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Known markets: on or off, draft or verified, and what their last crawl said.

    Example: relicwatch markets list
    """
    from markets.overview import lead_rows, market_rows

    if leads:
        print_rows(lead_rows(), as_json)
        return
    home, database = open_home()
    print_rows(market_rows(database, home), as_json)


@app.command("show")
def markets_show(name: str) -> None:
    """A market's definition as it stands, with its file.

    Example: relicwatch markets show example_auction
    """
    from markets.catalog import get_market

    definition = get_market(Home.from_environment(), name)
    out.print(f"# {definition.path}", style="dim", highlight=False, soft_wrap=True)
    out.print(definition.file_content.decode(), markup=False, highlight=False, soft_wrap=True)


@app.command("check")
def markets_check(names: Annotated[list[str] | None, typer.Argument()] = None, as_json: AsJson = False) -> None:
    """Check every definition, and each against its frozen pages. Exit status 1 where one fails.

    Example: relicwatch markets check
    """
    from markets.checks import check

    reports = check(Home.from_environment(), names or None)
    for report in reports:
        if as_json:
            print_record(report.as_record(), True)
        else:
            out.print(report.as_text(), markup=False, highlight=False, soft_wrap=True)
    if not reports:
        out.print("There are no definitions yet: docs/add-a-market.md says how to write one.")
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


@app.command("new")
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
        print_record(drafted.as_record(), True)
        return
    for line in summary(drafted):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if rows := listing_rows(drafted):
        print_rows(rows, False)
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


@app.command("approve")
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

    home, database = open_home()
    definition = get_market(home, name)
    with database.transaction() as session:
        approve(
            session,
            AuditChain(),
            home,
            definition,
            actor=this_user(),
            legal_basis=basis,
            rate_permission=rate_permission,
            terms=terms.read_bytes() if terms else None,
            robots=robots.read_bytes() if robots else None,
        )
    out.print(f"{name} is on, approved by {this_user()}.", highlight=False)
    if robots and robots.stat().st_size == 0:
        out.print("The copy of robots.txt is empty: it is on record that the market has none.")
    (report,) = check(home, [name])
    if not report.ok or any(case.unchecked for case in report.cases):
        out.print(report.as_text(), markup=False, highlight=False, soft_wrap=True)
