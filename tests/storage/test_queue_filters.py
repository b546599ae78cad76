"""The query string of the queue's filters: what it means, that it stays so, and what is said of what it cannot mean."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.decisions import VERDICTS
from storage.queue_filters import (
    BANDS,
    MOST_TEXT,
    ROUTES,
    SORTS,
    STATES,
    Filters,
    FiltersRefused,
    chosen_fields,
    filters_query,
    parse_filters,
    read_filters,
)

TEXT = st.text(max_size=MOST_TEXT).map(lambda text: read_filters({"text": text})[0].text)
NUMBERS = st.none() | st.decimals(0, 10**6, places=4).map(lambda number: number.normalize() + 0)
DAYS = st.none() | st.dates()
CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)


def ordered(bounds):
    low, high = bounds
    return (high, low) if low is not None and high is not None and low > high else bounds


@st.composite
def some_filters(draw):
    price, size, weight = (ordered(draw(st.tuples(NUMBERS, NUMBERS))) for _ in range(3))
    since, until = ordered(draw(st.tuples(DAYS, DAYS)))
    names = ("text", "market", "language", "priority", "seller", "assignee", "object_type", "culture", "red_list")
    return Filters(
        **{name: draw(TEXT) for name in names},
        band=draw(st.sampled_from(["", *BANDS])),
        state=draw(st.sampled_from(STATES)),
        verdict=draw(st.sampled_from(["", *VERDICTS])),
        sort=draw(st.sampled_from(SORTS)),
        route=draw(st.sampled_from(ROUTES)),
        country=draw(st.just("") | CODES.map(lambda code: code[:2])),
        currency=draw(CODES),
        price_min=price[0], price_max=price[1], size_min=size[0], size_max=size[1],
        weight_min=weight[0], weight_max=weight[1], since=since, until=until,
    )  # fmt: skip


@given(some_filters())
def test_the_query_string_of_filters_gives_the_same_filters_back(filters):
    assert parse_filters(filters_query(filters)) == filters


def test_a_saved_search_of_today_is_written_like_this_for_good():
    filters = Filters(
        text="مصباح roman", market="ebay", band="strong", language="ar", state="all", priority="museum_number",
        verdict="unsure", sort="price_low", seller="A & B", assignee="amina", country="IQ", route="source_or_transit",
        object_type="oil_lamp", culture="roman", red_list="iraq/tablets", currency="EUR", price_min=Decimal("0.5"),
        price_max=Decimal(2000), size_min=Decimal(3), size_max=Decimal("30.5"), weight_min=Decimal(1),
        weight_max=Decimal(900), since=date(2026, 11, 1), until=date(2026, 11, 28),
    )  # fmt: skip
    assert filters_query(filters) == (
        "text=%D9%85%D8%B5%D8%A8%D8%A7%D8%AD+roman&market=ebay&band=strong&language=ar&state=all"
        "&priority=museum_number&verdict=unsure&sort=price_low&seller=A+%26+B&assignee=amina&country=IQ"
        "&route=source_or_transit&object_type=oil_lamp&culture=roman&red_list=iraq%2Ftablets&currency=EUR"
        "&price_min=0.5&price_max=2000&size_min=3&size_max=30.5&weight_min=1&weight_max=900"
        "&since=2026-11-01&until=2026-11-28"
    )
    assert chosen_fields(filters) == [one.name for one in fields(Filters)]
    assert filters_query(Filters()) == ""
    assert parse_filters("") == parse_filters({"page": "2", "lang": "ar", "decided": "7"}) == Filters()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("١٢٠٠", "1200"),
        ("۱۲۰۰٫۵", "1200.5"),
        ("١٬٢٠٠", "1200"),
        ("1 200", "1200"),
        ("1\N{NARROW NO-BREAK SPACE}200,50", "1200.5"),
        ("12,5", "12.5"),
        ("0", "0"),
    ],
)
def test_numbers_are_read_as_people_write_them(written, meant):
    assert parse_filters({"weight_min": written}).weight_min == Decimal(meant)


@pytest.mark.parametrize("written", ["1,000", "1.000.000", "-3", "1e5", "9" * 14, "NaN", "about 3", "½", "1.23456"])
def test_what_is_no_plain_number_is_refused_by_name(written):
    with pytest.raises(FiltersRefused, match="weight_max") as refused:
        parse_filters({"weight_max": written, "market": "ebay"})
    assert [(one.field, one.problem) for one in refused.value.wrong] == [("weight_max", "no_number")]


def test_days_are_read_in_arabic_digits_too():
    assert parse_filters({"since": "٢٠٢٦-١١-٠١"}).since == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("query", "field", "problem"),
    [
        ({"band": "huge"}, "band", "not_offered"),
        ({"state": "gone"}, "state", "not_offered"),
        ({"sort": "value"}, "sort", "not_offered"),
        ({"verdict": "guilty"}, "verdict", "not_offered"),
        ({"route": "by sea"}, "route", "not_offered"),
        ({"since": "28.11.2026"}, "since", "no_date"),
        ({"until": "2026-02-30"}, "until", "no_date"),
        ({"country": "France"}, "country", "no_country"),
        ({"currency": "€"}, "currency", "no_currency"),
        ({"price_min": "5"}, "price_min", "needs_currency"),
        ({"price_min": "5", "price_max": "4", "currency": "EUR"}, "price_max", "turned_round"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "until", "turned_round"),
        ({"text": "x" * 201}, "text", "too_long"),
    ],
)
def test_each_field_that_is_wrong_is_named_with_why(query, field, problem):
    filters, wrong = read_filters(query | {"language": "fr"})
    assert [(one.field, one.problem) for one in wrong] == [(field, problem)]
    assert getattr(filters, field) == getattr(Filters(), field)
    assert filters.language == "fr"


@given(st.dictionaries(st.sampled_from([one.name for one in fields(Filters)]), st.text()))
def test_whatever_is_sent_is_either_understood_or_named(query):
    filters, wrong = read_filters(query)
    assert {one.field for one in wrong} <= set(query)
    assert parse_filters(filters_query(filters)) == filters
    assert all(str(one) for one in wrong)
