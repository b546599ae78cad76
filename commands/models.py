"""`relicwatch models`: the models that judge listings."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.terminal import (
    AsJson,
    finish,
    open_home,
    out,
    print_record,
    print_rows,
    span_in_seconds,
    this_user,
)
from crawler.home import Home

app = typer.Typer(help="The models that judge listings.", no_args_is_help=True)


@app.command("list")
def models_list(as_json: AsJson = False) -> None:
    """Every model with its figures; the one in use is marked.

    Example: relicwatch models list
    """
    from learning import model_rows

    print_rows(model_rows(Home.from_environment()), as_json)


@app.command("use")
def models_use(
    name: str,
    although_worse: Annotated[
        bool, typer.Option("--although-worse", help="Also where it did worse than the one in use.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a model to use and judge active and recent listings anew; what they were judged before stays.

    A model that did worse than the one in use when it was trained is refused unless you say so.

    Example: relicwatch models use 2026-12
    """
    from learning import use_model

    home, database = open_home()
    job = use_model(database, home, name, actor=this_user(), although_worse=although_worse)
    finish(home, database, job, {"in_use": name}, "judging anew", as_json)


@app.command("rollback")
def models_rollback(as_json: AsJson = False) -> None:
    """Go back to the model that was in use before.

    Example: relicwatch models rollback
    """
    from learning import roll_back

    home, database = open_home()
    name, job = roll_back(database, home, actor=this_user())
    finish(home, database, job, {"in_use": name}, "judging anew", as_json)


@app.command("recall")
def models_recall(
    since: Annotated[str | None, typer.Option(help="Only listings first seen in this time: 30d, 12w.")] = None,
    as_json: AsJson = False,
) -> None:
    """How much of the antiquities the flags find, estimated from the random checks, with its 95 % interval.

    Example: relicwatch models recall --since 90d
    """
    from learning import estimated_recall

    _, database = open_home()
    print_record(estimated_recall(database, span_in_seconds(since, "--since") if since else None), as_json)


@app.command("sampling")
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

    _, database = open_home()
    if random is None and explore is None and drawn is None and near_misses is None:
        with database.reading() as session:
            record = sampling_record(current_sampling(session))
    else:
        with database.transaction() as session:
            record = sampling_record(
                set_sampling(
                    session,
                    AuditChain(),
                    actor=this_user(),
                    audit_share=drawn,
                    explore_per_market=near_misses,
                    queue_explore=explore,
                    queue_audit=random,
                )
            )
    print_record(record, as_json)


@app.command("drift")
def models_drift(as_json: AsJson = False) -> None:
    """Markets whose listings no longer look to the model as they did.

    Example: relicwatch models drift
    """
    from learning import drift_sentences

    home, database = open_home()
    rows = drift_sentences(database, home)
    if not rows and not as_json:
        out.print("No market looks otherwise than before, as far as there are listings enough to say so.")
        return
    print_rows(rows, as_json)
