from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extraction import prices
from crawler.extraction.prices import country_currency, currency_code, parse_amount, parse_price

PRICES = [
    ("£1,899", "1899", "GBP"),
    ("1.234,56 €", "1234.56", "EUR"),
    ("€ 206,- Festpreis", "206", "EUR"),
    ("29.000,- €", "29000", "EUR"),
    ("1'200.50 CHF", "1200.50", "CHF"),
    ("GBP 12,99", "12.99", "GBP"),
    ("EUR 164,00oder Preisvorschlag", "164.00", "EUR"),
    ("Approximately US $2.66", "2.66", "USD"),
    ("1 234,50 €", "1234.50", "EUR"),
    ("1\u00a0234,50\u00a0€", "1234.50", "EUR"),
    ("$14800", "14800", "USD"),
    ("¥4,100", "4100", "JPY"),
    ("30,000원~", "30000", "KRW"),
    ("44 890 тг.", "44890", "KZT"),
    ("12 500 сум", "12500", "UZS"),
    ("1.299,00 zł", "1299.00", "PLN"),
    ("2,5 million €", "2500000.0", "EUR"),
    ("da 50 €", "50", "EUR"),
    ("99 ر.س (تتضمن ضريبة القيمة المضافة)", "99", "SAR"),
    ("١٬٢٣٤٫٥٠ د.إ", "1234.50", "AED"),
    ("٢٬٥٠٠ جنيه", "2500", "EGP"),
    ("12.500 د.ت", "12.500", "TND"),
    ("١٢٠٠ درهم مغربي", "1200", "MAD"),
    ("500 دينار كويتي", "500", "KWD"),
    ("۲۵۰۰ تومان", "2500", "IRT"),  # ten rials each: kept as offered
    ("Price: 2,500,000 Toman", "2500000", "IRT"),
    ("۲۵۰۰۰ ریال", "25000", "IRR"),
    ("۵۰۰ هزار تومان", "500000", "IRT"),
    ("۲ میلیون و ۵۰۰ هزار تومان", "2500000", "IRT"),
    ("۱.۲ میلیارد تومان", "1200000000", "IRT"),
    ("3,500 QAR", "3500", "QAR"),
]


@pytest.mark.parametrize(("text", "amount", "currency"), PRICES)
def test_a_price_is_read_with_its_currency(text, amount, currency):
    money = parse_price(text)
    assert money is not None
    assert (money.amount, money.currency) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    ("text", "hint", "country", "currency"),
    [
        ("1 234,50 DH", None, "MA", "MAD"),
        ("1,200 DH", None, "AE", "AED"),
        ("500 درهم", "MAD", None, "MAD"),
        ("250 دينار", None, "TN", "TND"),
        ("$294", None, "TW", "TWD"),
        ("$300", "CAD", "US", "CAD"),
        ("kr 1.200", None, "DK", "DKK"),
        ("Rs 635,000", None, "PK", "PKR"),
        ("£20", None, None, "GBP"),
        ("900 ﷼", None, "IR", "IRR"),
        ("900 ﷼", None, None, "SAR"),
    ],
)
def test_a_shared_sign_is_read_by_the_market_and_then_by_the_country(text, hint, country, currency):
    money = parse_price(text, hint=hint, country=country)
    assert money is not None
    assert money.currency == currency


@pytest.mark.parametrize("text", ["500 درهم", "kr 1.200", "250 دينار", "1200"])
def test_a_sign_that_several_share_names_no_currency_without_a_hint(text):
    money = parse_price(text)
    assert money is not None
    assert money.currency is None


@pytest.mark.parametrize("text", ["", "on request", "السعر عند الطلب", None, [], True])
def test_no_amount_is_no_price(text):
    assert parse_price(text) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5, True, 10**30, "1e400"])
def test_absurd_amounts_are_none_or_small(value):
    amount = parse_amount(value)
    assert amount is None or 0 <= amount <= 10**12


def test_machine_amounts_keep_their_decimals():
    assert parse_amount("1234.5") == Decimal("1234.5")
    assert parse_amount("12.500", "JPY") == Decimal("12500")
    assert parse_amount(12.5) == Decimal("12.5")


def test_codes_words_and_signs_name_currencies():
    assert currency_code("eur") == "EUR"
    assert currency_code("US $") == "USD"
    assert currency_code("ر.ق") == "QAR"
    assert currency_code("IRT") == "IRT"
    assert currency_code("XQZ") is None
    assert country_currency("TN") == "TND"
    assert country_currency("ZZ") is None


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("Rs. 5,00,000", "500000", None),
        ("118, 99 TL", "118.99", "TRY"),
        ("35€ 99", "35.99", "EUR"),
        (".75 €", "0.75", "EUR"),
        ("140,00 pln", "140", "PLN"),
        ("1 128 240 рублей", "1128240", "RUB"),
        ("423.923 KD", "423.923", "KWD"),
        ("From 26 to 50 €", "26", "EUR"),
        ("lot 3 - 500 €", "500", "EUR"),
        ("Was $120.00 Now $60.00", "60", "USD"),
        ("بدلا من 300 ر.س 250 ر.س", "250", "SAR"),
        ("-20% 80,00 €", "80", "EUR"),
    ],
)
def test_the_habits_of_shops_are_read(text, amount, currency):
    assert parse_price(text) == (Decimal(amount), currency)


@pytest.mark.parametrize("text", ["40% OFF", "15.08.2017"])
def test_shares_and_dates_are_no_price(text):
    assert parse_price(text) is None


@given(
    st.from_regex(prices._SIMPLE, fullmatch=True),
    st.sampled_from([(None, None), ("GBP", "GB"), ("KWD", "KW"), ("JPY", "JP"), ("EGP", "EG")]),
)
def test_a_plain_amount_is_read_as_a_search_for_it_would(text: str, where: tuple[str | None, str | None]) -> None:
    assert prices._parse_price_text(text, *where) == prices._search_price(text, *where)
