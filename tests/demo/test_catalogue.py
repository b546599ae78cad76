from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from unicodedata import is_normalized

import pytest

from demo import catalogue
from demo.catalogue import DemoDataError, load_listings, load_sales, lot_ends_at

LISTINGS = load_listings()


def test_there_are_240_offers_in_three_languages_and_two_markets():
    assert Counter(one.language for one in LISTINGS) == {"en": 110, "fr": 65, "ar": 65}
    assert Counter(one.sale is not None for one in LISTINGS) == {True: 140, False: 100}


def test_40_are_antiquities_and_30_only_look_like_it_in_every_language_and_market():
    assert Counter(one.kind for one in LISTINGS) == {"antiquity": 40, "replica": 30, "ordinary": 170}
    seen = {(one.kind, one.language, one.sale is None) for one in LISTINGS}
    assert len(seen) == 3 * 3 * 2


def test_no_two_offers_share_a_key_a_title_or_a_description():
    for texts in (
        [one.key for one in LISTINGS],
        [one.title for one in LISTINGS],
        [one.description for one in LISTINGS],
    ):
        assert [text for text, count in Counter(texts).items() if count > 1] == []


def test_no_two_descriptions_are_nearly_the_same():
    bags = [(one, set(one.description.lower().split())) for one in LISTINGS]
    alike = [
        (first.title, second.title)
        for number, (first, some) in enumerate(bags)
        for second, others in bags[number + 1 :]
        if len(some & others) / len(some | others) > 0.4
    ]
    assert alike == []


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda one: one.key)
def test_each_offer_reads_like_an_offer(listing):
    assert 3 <= len(listing.title.split()) <= 14
    assert 5 <= len(listing.description.split()) <= 80
    assert listing.price > 0
    assert 1 <= listing.picture_count <= 3
    assert is_normalized("NFC", listing.title + listing.description)
    has_arabic = any("\u0600" <= sign <= "\u06ff" for sign in listing.title)
    assert has_arabic == (listing.language == "ar")


def test_our_texts_never_call_a_thing_by_a_verdict():
    words = ("looted", "stolen", "pillé", "volé", "مسروق", "منهوب")
    assert [
        one.key for one in LISTINGS if any(w in f"{one.title} {one.description}".lower().split() for w in words)
    ] == []


def test_lot_numbers_begin_again_at_1_in_each_sale_and_leave_no_gap():
    for number in load_sales():
        lots = [one.lot for one in LISTINGS if one.sale == number]
        assert lots == list(range(1, len(lots) + 1))


def test_prices_come_in_the_currencies_of_all_three_worlds():
    assert {one.currency for one in LISTINGS} >= {"GBP", "EUR", "USD", "MAD", "TND", "EGP", "SAR", "AED"}


def test_ends_spread_from_hours_to_days_in_each_sales_own_zone():
    start = datetime(2026, 11, 23, 12, 0, 31, tzinfo=UTC)
    ends = [lot_ends_at(load_sales()[one.sale], one.lot, start) for one in LISTINGS if one.sale]
    hours = [(end - start).total_seconds() / 3600 for end in ends]
    assert 3 < min(hours) < 4
    assert 120 < max(hours) < 168
    assert len({end.utcoffset() for end in ends}) >= 3


def test_each_odd_manner_belongs_to_one_offer():
    manners = Counter(one.behaviour for one in LISTINGS if one.behaviour)
    assert manners == dict.fromkeys(("redirect", "gzip", "busy_once", "price_change", "disappears"), 1)


def test_an_entry_without_a_price_is_refused_with_its_file_and_title():
    entry = {"place": {"item": 1}, "kind": "ordinary", "language": "en", "title": "A hat", "description": "Felt."}
    with pytest.raises(DemoDataError, match=r"english\.yaml: 'A hat' lacks 'price'"):
        catalogue._listing(entry, "english.yaml")
