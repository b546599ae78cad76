"""The order in which ASReview (2 or newer) reads a pool, run by the Python of an environment of its own.

    python -m venv asreview-venv && asreview-venv/bin/pip install asreview
    relicwatch simulate POOL.jsonl --asreview asreview-venv/bin/python

Standard input: a JSON object with `titles`, `abstracts`, `labels` (0 or 1) and `runs`, each with a `seed` and `priors`,
indices of rows that are read first. Standard output: a JSON object with ASReview's `version` and `model`, and `orders`,
the indices of rows read, one list a run, up to the last relevant one. It does as `asreview simulate` does: the model is
ASReview's default, one row is read between two trainings, and the seed is numpy's.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
from asreview.learner import ActiveLearningCycle
from asreview.models.models import get_ai_config
from asreview.models.queriers import TopDown
from asreview.models.stoppers import IsFittable
from asreview.simulation.simulate import Simulate


def main() -> None:
    asked = json.load(sys.stdin)
    texts = pd.DataFrame({"title": asked["titles"], "abstract": asked["abstracts"]})
    default = get_ai_config()
    orders = []
    for run in asked["runs"]:
        np.random.seed(run["seed"])
        cycles = [
            ActiveLearningCycle(querier=TopDown(), stopper=IsFittable()),
            ActiveLearningCycle.from_meta(default["value"]),
        ]
        replay = Simulate(texts, np.array(asked["labels"]), cycles, print_progress=False)
        if run["priors"]:
            replay.label(run["priors"])
        replay.review()
        orders.append([int(one) for one in replay._results["record_id"]])
    json.dump({"version": version("asreview"), "model": default["name"], "orders": orders}, sys.stdout)


if __name__ == "__main__":
    main()
