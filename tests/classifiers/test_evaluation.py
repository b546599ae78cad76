"""Figures on labelled listings, and intervals that know which rows are alike."""

import json

import numpy as np
import pytest

from classifiers.evaluation import LEAST_GROUPS, Labelled, measure, read_labelled
from classifiers.json_lines import ListingsFileError


def rows_of(groups, each):
    """Groups of rows: in every second one the scores are right, in the others they are upside down."""
    rows, scores = [], []
    for group in range(groups):
        for number in range(each):
            label = number % 2 == 0
            rows.append(Labelled(f"{group}/{number}", "x", None, label, group=f"g{group}"))
            scores.append(float(label == (group % 2 == 0)))
    return rows, np.array(scores)


def precision_of(rows, scores):
    return measure(rows, scores, scores > 0.5, np.zeros(len(rows)))


def test_whole_groups_are_drawn_anew_where_the_rows_name_them():
    rows, scores = rows_of(groups=8, each=40)
    alone = [Labelled(row.id, row.title, None, row.antiquity) for row in rows]
    grouped, single = precision_of(rows, scores), precision_of(alone, scores)
    assert (grouped["redrawn"], single["redrawn"]) == ("8 groups", "rows")
    wide, narrow = grouped["flagged_of_antiquities"], single["flagged_of_antiquities"]
    assert wide.value == narrow.value == 0.5
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_with_few_groups_rows_are_drawn_and_it_says_so():
    rows, scores = rows_of(groups=LEAST_GROUPS - 1, each=10)
    assert precision_of(rows, scores)["redrawn"] == "rows"


def test_no_draw_lacks_a_label():
    rows = [Labelled(str(n), "x", None, n == 0, group=f"g{n // 3}") for n in range(60)]
    rows += [Labelled(f"a{n}", "x", None, True, group="all antiquities") for n in range(4)]
    scores = np.array([float(row.antiquity) for row in rows])
    figure = precision_of(rows, scores)["average_precision"]
    assert (figure.value, figure.low, figure.high) == (1.0, 1.0, 1.0)


def test_the_figures_of_a_small_ranking_are_those_worked_out_by_hand():
    labels = [True, True, False, True, False, True, False, True, False, False]
    rows = [Labelled(str(n), "x", None, label) for n, label in enumerate(labels)]
    scores = np.linspace(0.95, 0.05, 10)
    figures = precision_of(rows, scores)
    assert figures["average_precision"].value == pytest.approx((1 + 1 + 3 / 4 + 4 / 6 + 5 / 8) / 5, abs=1e-4)
    assert figures["recall_at_precision_95"].value == 0.4
    assert figures["precision_at_recall_95"].value == pytest.approx(5 / 8)


def test_a_bad_line_is_told_with_line_and_field_and_all_others_count(tmp_path):
    path = tmp_path / "gold.jsonl"
    good = {"id": 1, "title": "Roman lamp", "label": "antiquity", "source_repo": "shop"}
    bad = [{"title": "x"}, {"title": 5, "label": "antiquity"}, {"label": "antiquity"}]
    bad += [{"title": "x", "label": "antiquity", "group": 4}, {"title": "x", "label": "antiquity", "hard": 1}]
    lines = [json.dumps(row) for row in (good, *bad)] + ["{", "[]", json.dumps(good | {"group": "one seller"})]
    path.write_text("\n".join(lines), encoding="utf-8")
    faults = []
    first, last = read_labelled(path, faults.append)
    assert (first.group, first.source, last.group, last.source) == ("shop", "shop", "one seller", "shop")
    told = [str(fault) for fault in faults]
    assert [f"line {n}" in said for n, said in enumerate(told, start=2)] == [True] * 7
    assert [word in said for word, said in zip(("label", "title", "title", "group", "hard"), told, strict=False)] == [
        True
    ] * 5


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ListingsFileError, match=r"none\.jsonl cannot be read"):
        read_labelled(tmp_path / "none.jsonl", pytest.fail)
