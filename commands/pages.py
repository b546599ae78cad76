"""Pages somebody saved: `extract`, `import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.terminal import AsJson, counted, open_home, out, past_moment, print_record, this_user
from crawler.errors import UsageError

app = typer.Typer()


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
        for record in counted("extracting", extract_batch(batch)):
            print_record(record, True)
    elif page is not None:
        print_record(page_as_json(extract_page(page.read_bytes(), url)), True)


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

    home, database = open_home()
    saved_by = SavedBy(by.strip(), past_moment(saved_at), this_user())
    importer = Importer(database, home, saved_by=saved_by, chain=AuditChain(), market=market, url=url)
    results = []
    for result in importer.import_path(path):
        results.append(result)
        if as_json:
            print_record(result.as_record(), True)
        else:
            for line in result.lines():
                out.print(line, markup=False, highlight=False, soft_wrap=True)
    if not as_json:
        out.print(summary(results), highlight=False, soft_wrap=True)
    if any(result.error is not None for result in results):
        raise typer.Exit(1)
