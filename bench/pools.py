"""Pools for `relicwatch simulate`, out of labelled records and of our corpus with kinds of offer held out whole.

    python -m bench.pools --to DIR [--records RECORDS.jsonl]
    relicwatch train --to DIR/kinds_model --corpus DIR/corpus_without
    relicwatch simulate DIR/kinds.jsonl --start DIR/kinds_model
    relicwatch train --to DIR/corpus_model
    relicwatch simulate DIR/share_3.jsonl --start DIR/corpus_model

RECORDS has the form of `train --records`. Of it three pools are made: `share_3`, all that is no antiquity with so many
antiquities that they are 3 in 100; `hard`, the easily mistaken ones with 5 in 100; `sale`, what is offered for sale
(`register` is not museum). `kinds` holds every third kind of offer of the corpus, antiquities thinned to 5 in 100, and
`corpus_without` the corpus that lacks those kinds. The shipped model was taught by records of free licence, so that on
the first three only a model of the corpus alone is on trial; on `kinds` only one that lacks them.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from classifiers.corpus import CORPUS
from classifiers.json_lines import numbered_lines_of, read_object

Row = dict[str, Any]
EVERY = 3


def rows_of(path: Path) -> list[Row]:
    return [read_object(line, place) for place, line in numbered_lines_of(path)]


def thinned(rows: Sequence[Row], share: float, chance: random.Random) -> list[Row]:
    """All that is no antiquity, with as many antiquities as make up `share`, in an order of chance."""
    antiquities = [row for row in rows if row["label"] == "antiquity"]
    others = [row for row in rows if row["label"] != "antiquity"]
    wanted = round(len(others) * share / (1 - share))
    pool = others + chance.sample(antiquities, min(wanted, len(antiquities)))
    chance.shuffle(pool)
    return pool


def write(path: Path, rows: Sequence[Row]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    antiquities = sum(row["label"] == "antiquity" for row in rows)
    sys.stdout.write(f"{path}: {len(rows)} rows, {antiquities} antiquities\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--records", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    asked.to.mkdir(parents=True, exist_ok=True)
    chance = random.Random(asked.seed)
    if asked.records:
        records = rows_of(asked.records)
        write(asked.to / "share_3.jsonl", thinned(records, 0.03, chance))
        of_hard = [row for row in records if row["label"] == "antiquity" or row.get("hard")]
        write(asked.to / "hard.jsonl", thinned(of_hard, 0.05, chance))
        sale = [row for row in records if row.get("register") != "museum"]
        chance.shuffle(sale)
        write(asked.to / "sale.jsonl", sale)
    files = sorted(CORPUS.glob("*/*.jsonl"))
    chance.shuffle(files)
    held: list[Row] = []
    shutil.rmtree(asked.to / "corpus_without", ignore_errors=True)
    for number, file in enumerate(files):
        of = file.relative_to(CORPUS)
        if number % EVERY == 0:
            known = {"language": of.parent.name, "source": str(of.with_suffix(""))}
            held += [row | known | {"id": f"{of}:{at}"} for at, row in enumerate(rows_of(file), start=1)]
        else:
            to = asked.to / "corpus_without" / of
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)
    write(asked.to / "kinds.jsonl", thinned(held, 0.05, chance))


if __name__ == "__main__":
    main()
