"""What people write in different ways is found under one form."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.folding import fold


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Tête Égyptienne", "tete egyptienne"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("œuvre", "oeuvre"),
        ("تِمْثَال", "تمثال"),
        ("تمـــثال", "تمثال"),
        ("أثار إسلامية آثار", "اثار اسلاميه اثار"),
        ("فخّار من الموصل", "فخار من موصل"),
        ("والتماثيل", "تماثيل"),
        ("بالمتحف", "متحف"),
        ("للمتحف", "متحف"),
        ("مستشفى", "مستشفي"),
        ("کتاب", "كتاب"),
        ("١٢٣ ۴۵۶", "123 456"),
        ("al-Mina", "mina"),
        ("El-Amarna", "amarna"),
        ("Sarcophagus\u200b \u200fBox", "sarcophagus box"),
        ("ﻻ ﺕﺡﻑﺓ", "لا تحفه"),
        ("  two\n lines\t", "two lines"),
        ("broken \x00 text", "broken text"),
    ],
)
def test_one_form_for_all_ways_of_writing(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("short", "kept"), [("ال", "ال"), ("الى", "الي"), ("al-", "al-"), ("بالون", "بالون"), ("coal-fired", "coal-fired")]
)
def test_what_only_looks_like_an_article_stays(short: str, kept: str) -> None:
    assert fold(short) == kept


ARABIC = st.text(st.sampled_from("الالواببفكلليىةهءآأإؤئـًٌٍَُِّْ ١٢٣-\u200c"), max_size=30)


@given(st.one_of(st.text(), ARABIC, st.text(st.sampled_from("aAlLeE-lIıİßŒ\u0345\u0307 "))))
def test_folding_twice_changes_nothing(text: str) -> None:
    once = fold(text)
    assert fold(once) == once


@given(st.text())
def test_composed_and_decomposed_text_fold_alike(text: str) -> None:
    assert fold(unicodedata.normalize("NFC", text)) == fold(unicodedata.normalize("NFD", text))


@given(st.text())
def test_folded_text_can_be_stored(text: str) -> None:
    assert "\x00" not in fold(text)
    fold(text).encode()
