"""Dates in seven languages, and what only looks like one."""

import pytest

from classifiers.dates import find_dates, find_measures
from classifiers.words import Batch


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("3rd millennium BC", "bc"),
        ("ca. 1336–1327 B.C.", "bc"),
        ("2nd century AD", "before_500"),
        ("AD 117-138", "before_500"),
        ("618-907, bronze", "before_1000"),
        ("15th century", "before_1500"),
        ("1939", "after_1900"),
        ("IIIe siècle av. J.-C.", "bc"),
        ("Ier siècle", "before_500"),
        ("XIXe", "before_1900"),
        ("vers 75 av. J.-C.", "bc"),
        ("V sec. a.C.", "bc"),
        ("siglo II d.C.", "before_500"),
        ("2. Jh. n. Chr.", "before_500"),
        ("um 1810", "before_1900"),
        ("M.Ö. 4. yüzyıl", "bc"),
        ("القرن الثاني الميلادي", "before_500"),
        ("القرن الثالث قبل الميلاد", "bc"),
        ("القرن التاسع عشر", "before_1900"),
        ("سنة ٧٩ هـ", "before_1000"),
        ("130-138م", "before_500"),
        ("collection formed before 1965", "ownership_year"),
        ("Rilievo, XIX dinastia", "bc"),
        ("XVIIIe dynastie", "bc"),
        ("Dynasty XXVI", "bc"),
        ("26. Dynastie", "bc"),
        ("third century BC", "bc"),
        ("im dritten Jahrhundert v. Chr.", "bc"),
        ("septième siècle", "before_1000"),
        ("siglo tercero d.C.", "before_500"),
        ("terzo secolo a.C.", "bc"),
        ("Yedinci yüzyıl", "before_1000"),
    ],
)
def test_a_date_is_read_in_its_language(text, kind):
    assert [dating.kind for dating in find_dates(Batch([(text, None)]))] == [kind]


@pytest.mark.parametrize("text", ["1650 €", "1920x1080", "lot 1650 g", "iPhone 12", "12 cm", "ارتفاع 5 م", "75~120"])
def test_prices_sizes_and_models_are_no_dates(text):
    assert find_dates(Batch([(text, None)])) == []


def test_a_coins_weight_diameter_and_die_axis_are_measures():
    kinds = {measure.kind for measure in find_measures(Batch([("Silver, 30 mm, 16,81 g, 12 h", None)]))}
    assert kinds == {"coin_weight", "millimetres", "die_axis"}
