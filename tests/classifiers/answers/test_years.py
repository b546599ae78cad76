"""First and last year of a date, in the ways sellers write one."""

import pytest

from classifiers.answers.years import read_years
from classifiers.normalise import fold


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("664-332 BC", (-664, -332)),
        ("27 v. Chr.", (-27, -27)),
        ("117-138 AD", (117, 138)),
        ("2nd century AD", (101, 200)),
        ("5th-4th century BC", (-500, -301)),
        ("IIe siècle av. J.-C.", (-200, -101)),
        ("III-II secolo a.C.", (-300, -101)),
        ("siglo I d.C.", (1, 100)),
        ("1.-2. Jh. n. Chr.", (1, 200)),
        ("MÖ 3. yüzyıl", (-300, -201)),
        ("3rd millennium BC", (-3000, -2001)),
        ("ca. 1350", (1350, 1350)),
        ("1870", (1870, 1870)),
        ("القرن الثاني الميلادي", (101, 200)),
        ("300 هجري", (913, 913)),
        ("no date", None),
    ],
)
def test_a_date_has_a_first_and_a_last_year(text, years):
    assert read_years(fold(text)) == years
