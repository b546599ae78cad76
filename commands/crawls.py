"""`relicwatch crawls`: what crawls did."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.terminal import AsJson, headed, open_home, out, print_record, print_rows

app = typer.Typer(help="What crawls did.", no_args_is_help=True)


@app.command("list")
def crawls_list(limit: int = 20, as_json: AsJson = False) -> None:
    """The last crawls with what they found and what went wrong.

    Example: relicwatch crawls list
    """
    from storage.crawls import crawl_rows

    _, database = open_home()
    rows = crawl_rows(database, limit)
    if as_json:
        print_rows(rows, True)
        return
    left_out = ("fault", "failed", "changed", "gone", "median_answer_seconds")  # `crawls show` has them: a table fits
    print_rows([headed({key: row[key] for key in row if key not in left_out}) for row in rows], False)
    for row in rows:
        if row["fault"]:
            out.print(f"crawl {row['id']}: {row['fault']}", markup=False, highlight=False, soft_wrap=True)


@app.command("show")
def crawls_show(crawl_id: Annotated[int, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """One crawl: counts, and every page that gave no listing with the reason.

    Example: relicwatch crawls show 3
    """
    from storage.crawls import crawl_record

    _, database = open_home()
    record = crawl_record(database, crawl_id)
    if as_json:
        print_record(record, True)
        return
    counts, problems = record.pop("counts"), record.pop("problems")
    told = {key: value for key, value in record.items() if value is not None and key != "problems"}
    print_record(headed({**told, "queries": ", ".join(record["queries"])}), False)
    counted = counts.get("counts", {})
    read = counted.get("live_listings_read", counted.get("listings_read", record["listings"]))
    filled = [
        {"field": name, "listings": number, "share": f"{number / read:.0%}" if read else ""}
        for name, number in counts.get("filled", {}).items()
    ]
    if filled:
        out.print()
        print_rows(filled, False)
    if problems:
        out.print(f"\n{len(problems)} problems:", highlight=False)
    for problem in problems:
        out.print(f"{problem['url']}\n    {problem['reason']}", markup=False, highlight=False, soft_wrap=True)
