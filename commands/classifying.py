"""`classify`, `train`, `evaluate`, `simulate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.terminal import AsJson, counted, err, finish, open_home, out, print_rows, waiting
from crawler.errors import UsageError
from crawler.home import Home

app = typer.Typer()


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
    for record in counted("classifying", classify_path(listings, load_classifier(Home.from_environment()), tell)):
        write(json.dumps(record, ensure_ascii=False) + "\n")
    if faults:
        raise ListingsFileError(f"{len(faults)} line(s) of {listings} were not scored; all others were.")


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
    with waiting("training"):
        train_model(corpus or CORPUS, to, records, seed)
    out.print(f"{to} holds {ListingClassifier.load(to).model}", highlight=False, soft_wrap=True)


def _train_from_decisions(name: str | None, validate: list[str], without: list[str], as_json: bool) -> None:
    from learning import new_name, queue_retraining

    home, database = open_home()
    name = name or new_name(home)
    finish(home, database, queue_retraining(database, name, validate, without), {"name": name}, "training", as_json)


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
    with waiting("evaluating"):
        records = evaluate_rows(load_classifier(Home.from_environment(), model), rows)
    print_rows([_plain_figures(record, as_json) for record in records], as_json)
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
    with waiting("reading the pool"):
        records = [one.as_record() for one in replayed]
    print_rows(records, as_json)
    if faults:
        raise ListingsFileError(f"{len(faults)} line(s) of {pool} did not count; all others did.")
