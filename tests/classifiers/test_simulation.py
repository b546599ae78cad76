"""A labelled pool read in our order, and what that saves."""

import json
from pathlib import Path

import numpy as np
import pytest

from classifiers.evaluation import Labelled
from classifiers.simulation import ASREVIEW_SCRIPT, Pool, SimulationError, savings, simulate, work_saved


def pool(antiquities: int = 12, others: int = 188) -> list[Labelled]:
    """Words that no model was taught tell the two apart, and what it makes of them by itself is wrong."""
    of = [("zagrosian wobble", True)] * antiquities + [("qarnawu grzybek", False)] * others
    rows = [
        Labelled(str(n), f"{words} number {n}", None, label, source=f"market {n % 3}")
        for n, (words, label) in enumerate(of)
    ]
    return [rows[at] for at in np.random.default_rng(3).permutation(len(rows))]


def test_work_saved_is_what_need_not_be_read_less_what_chance_would_save():
    found = np.zeros(100, dtype=bool)
    found[[*range(19), 60]] = True  # 95 % of 20 antiquities are found after 19 of 100 rows
    assert work_saved(found, 100, 20) == pytest.approx((100 - 19) / 100 - 0.05)
    assert work_saved(found[::-1], 100, 20) == pytest.approx((100 - 99) / 100 - 0.05)


def test_an_order_that_ends_too_soon_has_no_work_saved():
    with pytest.raises(SimulationError, match="ends before"):
        work_saved(np.array([True, False]), 100, 20)


def test_recall_counts_the_first_twentieth_and_tenth_of_the_pool():
    labels = np.zeros(100, dtype=bool)
    labels[[0, 4, 7, 50]] = True
    saved = savings(np.arange(100), labels)
    assert (saved.recall_5, saved.recall_10) == (0.5, 0.75)


def test_reading_teaches_what_the_model_does_not_know(classifier):
    rows = pool()
    runs = {(one.order, one.seed): one.savings for one in simulate(classifier, rows, seeds=[0, 1])}
    assert runs["relicwatch", None].wss_95 > runs["relicwatch, untaught", None].wss_95 + 0.2
    mean = (runs["relicwatch", 0].wss_95 + runs["relicwatch", 1].wss_95) / 2
    assert runs["relicwatch", None].wss_95 == pytest.approx(mean)


def test_the_same_seed_reads_in_the_same_order_and_each_row_once(classifier):
    read = Pool(classifier, pool())
    known = read.priors(5, 2)
    one, other = (read.taught(5, known, by_chance=0.3) for _ in range(2))
    assert one.tolist() == other.tolist()
    assert one.tolist()[:4] == known
    assert len(set(one.tolist())) == len(one)
    assert read.labels[known].tolist() == [True, True, False, False]


def test_nothing_need_be_known_at_the_start(classifier):
    read = Pool(classifier, pool())
    order = read.taught(0, [])
    assert read.labels[order].sum() == read.labels.sum()


def test_a_pool_of_one_label_is_refused(classifier):
    with pytest.raises(SimulationError, match="0 antiquities and 188 others"):
        Pool(classifier, pool(antiquities=0))
    with pytest.raises(SimulationError, match="12 rows of either label"):
        list(simulate(classifier, pool(), seeds=[0], of_each=12))


def test_asreview_gets_the_same_pool_and_the_same_known_rows(classifier, tmp_path: Path):
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncat > {tmp_path}/asked.json; echo "$1" > {tmp_path}/script\ncat {tmp_path}/answer.json\n'
    )
    python.chmod(0o755)
    rows = pool()
    order = sorted(range(len(rows)), key=lambda at: not rows[at].antiquity)
    answer = {"version": "2.2", "model": "elas_u4", "orders": [order, order]}
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    runs = list(simulate(classifier, rows, seeds=[0, 1], asreview=python))
    assert [(one.order, one.seed) for one in runs[-3:]] == [("ASReview 2.2 (elas_u4)", seed) for seed in (0, 1, None)]
    assert runs[-1].savings.wss_95 == pytest.approx((200 - 12) / 200 - 0.05)
    asked = json.loads((tmp_path / "asked.json").read_text())
    assert asked["titles"] == [row.title for row in rows]
    assert asked["labels"] == [int(row.antiquity) for row in rows]
    assert [run["priors"] for run in asked["runs"]] == [Pool(classifier, rows).priors(seed, 1) for seed in (0, 1)]
    assert Path((tmp_path / "script").read_text().strip()) == ASREVIEW_SCRIPT
    assert ASREVIEW_SCRIPT.is_file()


def test_an_environment_without_asreview_is_told_with_what_to_do(classifier, tmp_path: Path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'ModuleNotFoundError: No module named asreview' >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(SimulationError, match=r"No module named asreview.*pip install asreview"):
        list(simulate(classifier, pool(), seeds=[0], asreview=python))
    python.write_text("no program")
    python.chmod(0o644)
    with pytest.raises(SimulationError, match="does not start"):
        list(simulate(classifier, pool(), seeds=[0], asreview=python))
