"""Listings as JSON Lines in, assessments out."""

import io
import json
import sys
from types import SimpleNamespace

import pytest

from classifiers.json_lines import ListingsFileError
from classifiers.jsonl import classify_lines, classify_path
from crawler.errors import RelicwatchError

GOOD = json.dumps({"id": "a1", "title": "Roman denarius of Hadrian", "description": None, "price": 3})


def test_a_file_gives_one_record_a_listing(classifier, tmp_path):
    path = tmp_path / "listings.jsonl"
    path.write_text(GOOD + "\n\n" + json.dumps({"id": 7, "title": "هاتف جديد"}, ensure_ascii=False) + "\n", "utf-8")
    first, second = classify_path(str(path), classifier, pytest.fail)
    assert (first["id"], second["id"]) == ("a1", 7)
    assert set(first) == {
        "id",
        "score",
        "flagged",
        "band",
        "labels",
        "reasons",
        "language",
        "model",
        "answers",
        "alarms",
    }
    assert set(first["reasons"][0]) == {"field", "start", "end", "text", "weight", "rule"}
    assert json.loads(json.dumps(first)) == first
    assert first["flagged"]
    assert not second["flagged"]


def test_a_dash_reads_standard_input(classifier, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(GOOD.encode())))
    [record] = classify_path("-", classifier, pytest.fail)
    assert record["id"] == "a1"


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"id": 1}',
        b'{"title": "x"}',
        b'{"id": true, "title": "x"}',
        b'{"id": 1, "title": 5}',
        b'{"id": 1, "title": "x", "description": []}',
        b"[" * 100_000,
    ],
)
def test_a_broken_line_is_named_and_all_others_are_answered(classifier, bad):
    faults = []
    records = classify_lines([GOOD.encode(), bad, GOOD.encode()], "listings.jsonl", classifier, faults.append)
    assert [record["id"] for record in records] == ["a1", "a1"]
    [fault] = faults
    assert isinstance(fault, RelicwatchError)
    assert str(fault).startswith("listings.jsonl, line 2: ")


def test_lone_surrogates_do_no_harm(classifier):
    [record] = classify_lines([b'{"id": 1, "title": "Roman \\ud800 coin\\ud800 "}'], "x", classifier, pytest.fail)
    assert 0 <= record["score"] <= 1


def test_a_missing_file_is_named(classifier, tmp_path):
    with pytest.raises(ListingsFileError, match=r"none\.jsonl cannot be read"):
        list(classify_path(str(tmp_path / "none.jsonl"), classifier, pytest.fail))


def test_html_entities_are_read_as_the_letters_they_stand_for(classifier):
    title = b"Lampe romaine d&#39;&eacute;poque imp&eacute;riale"
    line = b'{"id": 1, "title": "' + title + b'", "description": "Sceau &amp; lampe"}'
    [record] = classify_lines([line], "x", classifier, pytest.fail)
    title = "Lampe romaine d'époque impériale"
    in_title = [reason for reason in record["reasons"] if reason["field"] == "title"]
    assert in_title
    assert all(title[reason["start"] : reason["end"]] == reason["text"] for reason in in_title)
