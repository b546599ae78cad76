"""`relicwatch photos`: the same picture, the same object."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from commands.terminal import AsJson, counted, err, out

app = typer.Typer(help="Photographs: the same picture, the same object.", no_args_is_help=True)


@app.command("match")
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

    for record in counted("matching", match_folders(query, against, tell, processes=processes)):
        if as_json:
            sys.stdout.write(json.dumps(record) + "\n")  # escaped: a file's name need not be UTF-8
            continue
        out.print(record["file"], style="bold", markup=False, highlight=False, soft_wrap=True)
        for one in record["candidates"]:
            sign = "linked" if one["file"] in record["linked"] else "candidate"
            line = f"  {sign} {one['score']:.2f} {one['file']}: {one['reason']}"
            out.print(line, markup=False, highlight=False, soft_wrap=True)
    if faults:
        raise PhotoFault(f"{len(faults)} file(s) could not be read as photos; all others were matched.")
