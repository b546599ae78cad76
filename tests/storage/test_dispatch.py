"""The country of dispatch is read from a place as people and markets write it, and never guessed from a town."""

from __future__ import annotations

import pytest

from storage.dispatch import country_of


@pytest.mark.parametrize(
    ("place", "country"),
    [
        ("Lyon, France", "FR"),
        ("القاهرة، مصر", "EG"),
        ("Berlin, Deutschland", "DE"),
        ("London, UK", "GB"),
        ("United States", "US"),
        ("Amman | الأردن", "JO"),
        ("Beirut (Lebanon)", "LB"),
        ("Alep, SYRIE", "SY"),
        ("DE", "DE"),
        ("Tripoli", None),
        ("Georgia Avenue 5", None),
        ("EU", None),
        ("", None),
        (None, None),
    ],
)
def test_a_place_names_its_country_or_none(place, country):
    assert country_of(place) == country
