"""The practice queue's items: answered in the desk's own words, explained in three languages, marked DEMO."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from PIL import Image

from classifiers.answers.facts import read_facts
from classifiers.answers.meanings import meaning
from demo.pictures import FIGURES
from demo.practice import practice_item, practice_items, practice_picture
from storage.decisions import DISMISSAL_REASONS, NEXT_STEPS, VERDICTS
from storage.users import LANGUAGES
from tests.review.test_words import FORBIDDEN


def test_there_are_two_dozen_items_ten_of_them_replicas_and_every_verdict_occurs():
    verdicts = Counter(item.verdict for item in practice_items())
    assert sum(verdicts.values()) == len({item.id for item in practice_items()}) == 24
    assert verdicts["replica"] == 10
    assert set(verdicts) == set(VERDICTS)


def test_no_three_items_in_a_row_have_the_same_verdict():
    verdicts = [item.verdict for item in practice_items()]
    assert not any(len(set(verdicts[at : at + 3])) == 1 for at in range(len(verdicts) - 2))


@pytest.mark.parametrize("item", practice_items(), ids=lambda item: item.id)
def test_an_answer_is_one_that_the_desk_takes_and_its_red_list_names_the_type(item):
    assert item.verdict in VERDICTS and set(item.steps) <= set(NEXT_STEPS) and item.figure in FIGURES
    assert (item.reason in DISMISSAL_REASONS) == ("dismiss" in item.steps)
    assert (item.red_list is None) == (item.type is None)
    for language in LANGUAGES:
        told = item.told[language]
        assert told.title.startswith("DEMO · ") and told.text and told.why
        assert not any(word in f"{told.title} {told.text} {told.why}".lower() for word in FORBIDDEN)
        assert meaning("countries", item.ships_from, language).name
        if item.red_list is not None:
            assert item.type in read_facts("red_lists")[item.red_list]["categories"]
            assert meaning("red_lists", item.red_list, language) and meaning("types", item.type, language)


def test_every_picture_bears_the_red_demo_mark_in_its_corner():
    for item in practice_items():
        picture = Image.open(io.BytesIO(practice_picture(item)))
        assert picture.size == (800, 600)
        corner = picture.crop((680, 545, 800, 600)).convert("RGB")
        red = sum(r > 120 and g < 80 and b < 80 for r, g, b in corner.get_flattened_data())
        assert red > 500, item.id


def test_an_unknown_item_is_none():
    assert practice_item("nothing") is None
