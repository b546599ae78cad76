"""The corpus: its form, its size, and that it does not repeat itself."""

import json
from collections import Counter

import pytest

from classifiers.composing import BANKS, compose, write_composed
from classifiers.corpus import CORPUS, CorpusError, load_corpus, load_records
from classifiers.near_duplicates import near_duplicates

LEAST = {"en": 1200, "ar": 1200, "fr": 1200, "de": 500, "es": 500, "it": 500, "tr": 500}


@pytest.fixture(scope="module")
def examples():
    return load_corpus()


def test_every_language_has_its_share_and_half_is_no_antiquity(examples):
    assert len(examples) >= 6000
    counts = Counter(example.language for example in examples)
    assert {language: counts[language] for language in LEAST if counts[language] < LEAST[language]} == {}
    negatives = [example for example in examples if example.label == "not_antiquity"]
    assert len(negatives) * 2 >= len(examples)
    assert sum(example.hard for example in negatives) * 2 >= len(negatives)


def test_near_duplicates_are_below_two_in_a_hundred(examples):
    pairs = near_duplicates([f"{example.title} {example.description or ''}" for example in examples])
    assert len({other for _, other in pairs}) < 0.02 * len(examples)


def test_the_composed_files_are_what_the_banks_give(tmp_path):
    write_composed(tmp_path)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.glob("*/*.jsonl")}
    kept = {path.relative_to(CORPUS): path.read_bytes() for path in CORPUS.glob("*/composed_*.jsonl")}
    assert made == kept


def test_near_duplicates_are_found_and_others_are_not():
    texts = [
        "Roman bronze fibula, 2nd century AD, 5.2 cm, green patina, from an old collection",
        "ROMAN bronze fibula, 2nd century AD, 5.3 cm, green patina, from an old collection!",
        "Roman silver ring, 2nd century AD, 2.1 cm",
        "",
    ]
    assert near_duplicates(texts) == [(0, 1)]


def write(directory, name, *rows):
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


ROW = {"title": "Roman brick", "description": None, "label": "antiquity"}


def test_a_file_says_its_language_and_kind_by_its_place(tmp_path):
    write(tmp_path, "en/bricks.jsonl", ROW, {"title": "New brick", "label": "not_antiquity", "hard": True})
    roman, new = load_corpus(tmp_path)
    assert (roman.language, roman.kind, roman.group, roman.origin) == ("en", "bricks", "en/bricks", "written")
    assert new.hard


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({}, "label"),
        (ROW | {"label": "old"}, "label"),
        (ROW | {"title": 5}, "title"),
        (ROW | {"description": []}, "desc"),
    ],
)
def test_a_broken_line_is_named_by_file_line_and_field(tmp_path, row, field):
    write(tmp_path, "en/bricks.jsonl", ROW, row)
    with pytest.raises(CorpusError, match=rf"bricks\.jsonl, line 2: `{field}"):
        load_corpus(tmp_path)


def test_a_directory_of_no_language_is_refused(tmp_path):
    write(tmp_path, "xx/bricks.jsonl", ROW)
    with pytest.raises(CorpusError, match="xx is no language"):
        load_corpus(tmp_path)


def test_a_corpus_of_one_label_is_refused(tmp_path):
    write(tmp_path, "en/bricks.jsonl", ROW)
    with pytest.raises(CorpusError, match="both labels"):
        load_corpus(tmp_path)


def test_a_record_without_a_licence_is_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"line 1: `licence`"):
        load_records(write(tmp_path, "records.jsonl", ROW))


def test_an_unknown_slot_of_a_bank_is_named(tmp_path):
    bank = (BANKS / "en.yaml").read_text(encoding="utf-8").replace("{", "{no_such_", 1)
    (tmp_path / "en.yaml").write_text(bank)
    with pytest.raises(CorpusError, match="no_such_"):
        compose(tmp_path)
