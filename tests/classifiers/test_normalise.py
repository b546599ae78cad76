"""Folding: one form for what people write in many, and the way back."""

from hypothesis import given
from hypothesis import strategies as st

from classifiers.normalise import fold, original_span, origins


@given(st.text())
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_every_folded_character_has_an_origin_in_order(text):
    places = origins(text)
    assert len(places) == len(fold(text))
    assert list(places) == sorted(places)
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
    places = origins(text)
    start = fold(text).index(fold("تمثال"))
    first, last = original_span(text, places, start, start + len(fold("تمثال")))
    assert text[first:last] == "تِمْثَالٌ"
