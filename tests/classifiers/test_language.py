"""The language guess on short titles."""

import pytest


@pytest.mark.parametrize(
    ("title", "language"),
    [
        ("Roman bronze figurine of a standing goddess", "en"),
        ("Statuette en terre cuite, ancienne collection privée", "fr"),
        ("تمثال فرعوني صغير من الحجر", "ar"),
        ("سکه قدیمی ساسانی با گواهی", "fa"),
        ("Griechische Schale aus Ton, aus alter Sammlung", "de"),
        ("Cuenco de cerámica con dos asas, colección particular", "es"),
        ("Vaso in terracotta dipinta, vecchia collezione", "it"),
        ("Bronz heykelcik, eski koleksiyondan satılık", "tr"),
        ("античная монета, копаная", "ru"),
        ("αρχαίο νόμισμα", "el"),
        ("מטבע עתיק", "he"),
        ("1234 5678", None),
        ("", None),
    ],
)
def test_the_language_of_a_title(classifier, title, language):
    assert classifier.assess(title, None).language == language
