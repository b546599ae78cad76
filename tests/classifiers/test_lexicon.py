"""The lexicons and the search for their terms."""

import numpy as np
import pytest

from classifiers.language import LANGUAGES
from classifiers.lexicon import Lexicon, LexiconError
from classifiers.words import Batch


@pytest.fixture(scope="module")
def lexicon():
    return Lexicon()


def rules(lexicon, text, language):
    hits = lexicon.find(Batch([(text, None)]), np.array([LANGUAGES.index(language)]))
    return {lexicon.rules[rule] for rule in hits.rules}


def test_terms_are_found_through_accents_case_and_plural(lexicon):
    assert "object:shabti" in rules(lexicon, "Two USHABTIS", "en")
    assert "object:shabti" in rules(lexicon, "OUCHEBTI en faience", "fr")


def test_arabic_terms_are_found_behind_article_and_preposition(lexicon):
    assert "object:shabti" in rules(lexicon, "والأوشابتي", "ar")
    assert "period:roman" in rules(lexicon, "العملات الرُّومانيّة", "ar")


def test_a_french_novel_is_not_roman(lexicon):
    assert "period:roman" not in rules(lexicon, "Roman policier", "fr")
    assert "period:roman" in rules(lexicon, "Roman bronze ring", "en")


def test_no_coin_is_in_a_longer_word(lexicon):
    assert "later:later_coin" in rules(lexicon, "Ten cents", "en")
    assert "later:later_coin" not in rules(lexicon, "Struck off center, with a marker", "en")


def test_a_lexicon_in_the_wrong_form_is_refused_with_its_file(tmp_path):
    (tmp_path / "bad.yaml").write_text("groups: [1]\n")
    with pytest.raises(LexiconError, match=r"bad\.yaml"):
        Lexicon(tmp_path)


def test_a_directory_without_lexicons_is_refused(tmp_path):
    with pytest.raises(LexiconError, match="No lexicon"):
        Lexicon(tmp_path)
