"""Pages written by us in the manners of the trade's site software: auction houses, shops, classifieds, forums.

`shapes/NAME.html` is such a page, `shapes/NAME.json` its address and what a person reads on it.
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from crawler.extraction.page import extract_page

SHAPES = Path(__file__).parent / "shapes"
AMOUNTS = ("price", "estimate_low", "estimate_high")
PARTS = ("description", "location", "images", "ends")
"""Fields of which a part is named."""


def _as_wanted(page, field, value):
    """What was read, in the wanted wording where it says the same."""
    got = page.ends_at.isoformat() if field == "ends" and page.ends_at else getattr(page, field, None)
    if field in AMOUNTS:
        return value if got is not None and got == Decimal(value) else got
    if field in PARTS:
        return value if value in ("".join(got or []) if field == "images" else str(got)) else got
    return got


@pytest.mark.parametrize("name", sorted(path.stem for path in SHAPES.glob("*.html")))
def test_a_page_in_the_manner_of_the_trade_is_read_as_a_person_reads_it(name):
    wanted = json.loads((SHAPES / f"{name}.json").read_text("utf-8"))
    page = extract_page((SHAPES / f"{name}.html").read_bytes(), wanted.pop("url"), charset="utf-8")
    read = {field: _as_wanted(page, field, value) for field, value in wanted.items()}
    assert read == wanted


def test_every_page_says_what_is_to_be_read():
    assert {path.stem for path in SHAPES.glob("*.html")} == {path.stem for path in SHAPES.glob("*.json")}
