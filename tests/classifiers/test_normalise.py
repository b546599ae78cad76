"""Folding: one form for what people write in many, and the way back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classifiers.normalise import as_text, code_points, fold, fold_codes, original_end
from classifiers.words import Batch


@given(st.text())
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_every_folded_character_has_an_origin_in_order(text):
    folded = fold_codes(code_points(text))
    places = folded.original(np.arange(len(folded.codes))).tolist()
    assert as_text(folded.codes) == fold(text)
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)


def test_arabic_spellings_of_one_word_fold_alike():
    assert fold("آثَارٌ") == fold("اثار") == fold("أثــار")
    assert fold("جرة") == fold("جره")
    assert fold("مصطفى") == fold("مصطفي")
    assert fold("٣٫٧٨").startswith("3")
    assert fold("۱۲") == fold("١٢") == "12"


def test_accents_case_and_presentation_forms_fold_away():
    assert fold("ÉGYPTE œuvre Straße İznik ısı") == "egypte oeuvre strasse iznik isi"
    assert fold("ﻛﺘﺎب") == fold("كتاب")


def test_a_span_takes_the_marks_of_its_last_letter_with_it():
    text = "في تِمْثَالٌ قديم"
    batch = Batch([("", text)])
    word = 1
    [field], [first], [last] = batch.original_spans(batch.words.starts[[word]], batch.words.ends[[word]])
    assert field == 1
    assert text[first : original_end(text, int(last))] == "تِمْثَالٌ"
