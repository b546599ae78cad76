"""`relicwatch terms`: a unit's own terms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.terminal import AsJson, finish, open_home, print_record, this_user, waiting

app = typer.Typer(help="A unit's own terms.", no_args_is_help=True)


@app.command("test")
def terms_test(
    file: Annotated[Path, typer.Argument(help="A lexicon file: family, groups, languages, terms.")],
    as_json: AsJson = False,
) -> None:
    """Run a file of own terms over the stored listings and show what would change; nothing is kept.

    Example: relicwatch terms test our_terms.yaml
    """
    from learning import trial_record, try_terms

    home, database = open_home()
    with waiting("trying the terms"):
        trial = try_terms(database, home, file)
    print_record(trial_record(trial), as_json)


@app.command("add")
def terms_add(
    file: Annotated[Path, typer.Argument(help="A lexicon file that `terms test` has tried.")], as_json: AsJson = False
) -> None:
    """Add a file of own terms; they count from now on, and stored listings are judged anew.

    Example: relicwatch terms add our_terms.yaml
    """
    from learning import keep_terms

    home, database = open_home()
    kept, job = keep_terms(database, home, file, actor=this_user())
    finish(home, database, job, {"added": str(kept)}, "judging anew", as_json)
