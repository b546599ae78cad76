"""Prices and currencies as pages write them, in Latin and Arabic script and in many habits of grouping.

A currency is only named where a code, a word or a sign says so; signs that several countries share are read by the
market's currency, then by the country of the page. An amount is kept in the unit in which it is offered: tomans stay
tomans, whose code IRT is the trade's own and none of ISO 4217.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from babel.core import get_global

from crawler.items import TOMAN


class Money(NamedTuple):
    amount: Decimal
    currency: str | None
    """One of CURRENCIES, None where the text names none."""


CURRENCIES = frozenset(get_global("all_currencies")) | {TOMAN}
"""Codes of ISO 4217, past ones too, and the toman's."""

_CURRENCY_WORDS: dict[str, str] = {
    # Arabic script: abbreviations and words
    "ر.س": "SAR", "ريال سعودي": "SAR", "ر.ق": "QAR", "ريال قطري": "QAR", "ر.ع": "OMR", "ريال عماني": "OMR",
    "ر.ي": "YER", "ريال يمني": "YER", "د.إ": "AED", "د.ا": "AED", "درهم إماراتي": "AED", "درهم اماراتي": "AED",
    "د.م": "MAD", "درهم مغربي": "MAD", "د.ت": "TND",
    "دينار تونسي": "TND", "د.ج": "DZD", "دينار جزائري": "DZD", "دج": "DZD",
    "د.ك": "KWD", "دينار كويتي": "KWD", "د.ب": "BHD", "دينار بحريني": "BHD", "د.ع": "IQD", "دينار عراقي": "IQD",
    "د.أ": "JOD", "دينار أردني": "JOD", "دينار اردني": "JOD", "د.ل": "LYD", "دينار ليبي": "LYD",
    "ج.م": "EGP", "جنيه مصري": "EGP", "جنيه سوداني": "SDG", "ل.س": "SYP", "ليرة سورية": "SYP", "ل.ل": "LBP",
    "ليرة لبنانية": "LBP", "ليرة تركية": "TRY", "يورو": "EUR",
    "أورو": "EUR", "دولار أمريكي": "USD", "دولار امريكي": "USD",
    "دولار": "USD", "جنيه إسترليني": "GBP", "جنيه استرليني": "GBP", "تومان": TOMAN, "تومن": TOMAN,
    # words and abbreviations in Latin, Cyrillic, Hebrew and East Asian script
    "euros": "EUR", "euro": "EUR", "us dollars": "USD", "dollars": "USD", "pounds sterling": "GBP",
    "us $": "USD", "us$": "USD", "u$s": "USD", "u.s. $": "USD", "c $": "CAD", "c$": "CAD", "ca$": "CAD", "cdn$": "CAD",
    "au $": "AUD", "au$": "AUD", "a$": "AUD", "nz$": "NZD",
    "hk$": "HKD", "nt$": "TWD", "s$": "SGD", "mx$": "MXN", "r$": "BRL",
    "ar$": "ARS", "zł": "PLN", "zl": "PLN", "kč": "CZK",
    "ft": "HUF", "lei": "RON", "ron": "RON", "лв": "BGN", "kn": "HRK",
    "тг": "KZT", "тенге": "KZT", "руб": "RUB", "грн": "UAH", "сум": "UZS", "so'm": "UZS", "soʻm": "UZS", "so‘m": "UZS",
    "soʼm": "UZS", "сўм": "UZS", "сом": "KGS", "лари": "GEL", "₾": "GEL", "дин": "RSD", "din": "RSD", "tl": "TRY",
    "円": "JPY", "원": "KRW", "nis": "ILS", "ש״ח": "ILS", "ש\"ח": "ILS", "dhs": "AED", "aed": "AED", "mad": "MAD",
    "dt": "TND", "da": "DZD", "l.e": "EGP", "le": "EGP",
    "egp": "EGP", "fcfa": "XOF", "f cfa": "XOF", "baht": "THB", "rmb": "CNY",
    "rp": "IDR", "rm": "MYR", "php": "PHP", "sfr": "CHF",
    "fr.": "CHF", "chf": "CHF", "s/.": "PEN", "s/": "PEN", "bs": "BOB",
    "ksh": "KES", "tk": "BDT", "৳": "BDT",
    "ريال إيراني": "IRR", "ریال": "IRR", "؋": "AFN", "دینار": "IQD", "ليره سوريه": "SYP", "جنيه استرلينى": "GBP",
    "درهم مغربى": "MAD", "ر.س.": "SAR", "sar": "SAR", "qar": "QAR", "kd": "KWD", "bd": "BHD", "jd": "JOD",
    "rd$": "DOP", "j$": "JMD", "tt$": "TTD", "bz$": "BZD", "nu.": "BTN", "km": "BAM", "cfa": "XOF", "gh₵": "GHS",
    "₵": "GHS", "₮": "MNT", "₭": "LAK", "៛": "KHR", "đ": "VND", "บาท": "THB", "yen": "JPY", "tsh": "TZS",
    "ush": "UGX", "рублей": "RUB", "рубля": "RUB", "рубль": "RUB", "р.": "RUB", "р": "RUB", "ден": "MKD",
    "lek": "ALL", "dinara": "RSD", "forint": "HUF", "złotych": "PLN", "korun": "CZK", "lira": "TRY",
    "francs suisses": "CHF",
    # codes that shops write small; "try", "all" and "top" are words and stay out
    "toman": TOMAN, "tomans": TOMAN,
    "eur": "EUR", "usd": "USD", "gbp": "GBP", "pln": "PLN", "czk": "CZK", "huf": "HUF", "sek": "SEK", "nok": "NOK",
    "dkk": "DKK", "bgn": "BGN", "rsd": "RSD", "uah": "UAH", "kzt": "KZT", "ils": "ILS", "inr": "INR", "cad": "CAD",
    "aud": "AUD", "jpy": "JPY", "dzd": "DZD", "tnd": "TND", "kwd": "KWD", "jod": "JOD", "iqd": "IQD", "lbp": "LBP",
    # signs of one currency
    "€": "EUR", "₽": "RUB", "₴": "UAH", "₸": "KZT", "₺": "TRY",
    "₪": "ILS", "₩": "KRW", "₫": "VND", "฿": "THB", "₱": "PHP",
    "₦": "NGN", "₡": "CRC", "₲": "PYG", "₼": "AZN", "֏": "AMD", "₹": "INR", "zl.": "PLN",
}  # fmt: skip

_SHARED_WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    # sign or word -> (reading without a hint or "" for none, currencies that use it)
    "$": (
        "USD",
        ("USD", "CAD", "AUD", "NZD", "HKD", "TWD", "SGD", "MXN", "ARS", "CLP", "COP", "UYU", "DOP", "JMD", "BBD"),
    ),
    "£": ("GBP", ("GBP", "EGP", "LBP", "SYP", "GIP", "FKP")),
    "¥": ("JPY", ("JPY", "CNY")), "￥": ("JPY", ("JPY", "CNY")), "元": ("CNY", ("CNY", "TWD", "HKD")),
    "kr": ("", ("SEK", "NOK", "DKK", "ISK")), "kr.": ("", ("DKK", "SEK", "NOK", "ISK")), ":-": ("", ("SEK", "NOK")),
    "rs": ("", ("PKR", "INR", "LKR", "NPR", "MUR")), "rs.": ("", ("PKR", "INR", "LKR", "NPR", "MUR")),
    "dh": ("", ("MAD", "AED")), "درهم": ("", ("MAD", "AED")), "دراهم": ("", ("MAD", "AED")),
    "ريال": ("", ("SAR", "QAR", "OMR", "YER", "IRR")), "دينار": ("", ("TND", "DZD", "KWD", "JOD", "IQD", "BHD", "LYD")),
    "جنيه": ("EGP", ("EGP", "SDG", "GBP")), "ليرة": ("", ("SYP", "LBP", "TRY")), "sr": ("SAR", ("SAR", "SCR")),
    "q": ("", ("GTQ",)), "l": ("", ("HNL", "ALL")), "r": ("", ("ZAR", "BRL")), "br": ("", ("BYN", "ETB")),
    "₨": ("", ("PKR", "INR", "LKR", "NPR", "MUR")), "dirhams": ("", ("MAD", "AED")), "din.": ("RSD", ("RSD",)),
    "﷼": ("SAR", ("SAR", "IRR", "QAR", "OMR", "YER")),
    "francs": ("", ("CHF", "XOF", "XAF")), "ليره": ("", ("SYP", "LBP", "TRY")), "دولار كندي": ("CAD", ("CAD",)),
}  # fmt: skip

_CAPITALS_ONLY = frozenset({"le", "da", "dt", "rm", "q", "l", "r", "sr", "mad", "php", "ron", "kd", "bd", "jd", "km"})
_THREE_DECIMALS = frozenset({"KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD"})
_NO_DECIMALS = frozenset(
    {"JPY", "KRW", "VND", "CLP", "PYG", "ISK", "XOF", "XAF", "IDR", "UZS", "IRR", TOMAN, "COP", "HUF"}
)

_DIGITS = str.maketrans(
    "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹０１２３４５６７８９٫٬،，．＄",
    "012345678901234567890123456789.,,,.$",
)
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_MARKS = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_NUMBER = re.compile(
    r"(?<![\d.,])\d+\.\d{5,20}(?![\d.,])"  # as machines write it
    r"|\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{2,3})*(?:[.,]\d{1,4})?(?!\d)|\d+"
)
_SIMPLE = re.compile(
    r"(?:(?P<before>[A-Z]{3}|[$€£]) ?)?(?P<number>\d{1,9}(?:\.\d\d)?|\d{1,3}(?:,\d{3}){1,3}(?:\.\d\d)?)"
    r"(?: ?(?P<after>[A-Z]{3}|[$€£]))?",
    re.A,
)
"""An amount with a code or a sign beside it and nothing else, as most are: in it there is nothing to search for."""
_LOOSE_CENTS = re.compile(r"(?<=\d)([.,]) (\d\d)(?![\d.,])")
"""The cents that a page's layout moved away: "118, 99 TL"."""
_SPLIT_BY_SIGN = re.compile(r"(?<=\d)\s?([€£$])\s?(\d\d)(?![\d.,%])")
"""The sign in the decimal point's place: "35€99"."""
_NO_WHOLE = re.compile(r"(?<![\d.,])\.{1,2}(?=\d{1,2}(?!\d))")
_NO_PRICE = re.compile(
    r"\d+(?:[.,]\d+)?\s?[%٪]|[%٪]\s?\d+(?:[.,]\d+)?|(?<!\d)\d{1,2}([./])\d{1,2}\1(?:19|20)\d\d(?!\d)"
)
"""Shares and dates, which are amounts of nothing."""
_BEFORE_OLD = re.compile(
    r"\b(?:was|before|rrp|msrp|retail|list price|reg(?:ular|\.)?(?: price)?|instead of|old price|originally"
    r"|statt|war|uvp|vorher|bisher|alter preis|au lieu de|prix conseillé|avant|ancien prix|antes|prima"
    r"|invece di|zamiast|původní|przed"
    r"|старая цена|eski|بدلا من|بدلًا من|بدل|كان|كانت|قبل(?: الخصم)?|السعر (?:القديم|السابق|الأصلي)(?: هو)?)\W*\Z",
    re.I,
)
"""What stands before a price that is no longer asked."""
_RANGE = re.compile(r"\s?[^\d\s]{0,3}\s?(?:[-–—~]|\bto\b|\bà\b|\bbis\b|\ba\b|\bдо\b|إلى|الى|حتى)\s?[^\d\s]{0,4}\s?")
_PLAIN = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,6})?\Z")
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:\.\d*)?[eE][+-]?\d+\Z", re.A)
_ROUND = re.compile(r"(?<=\d)\s?[.,](?:-+|–|—|=)")
_SCALE = {
    "k": 1000,
    "m": 1_000_000,
    "mio": 1_000_000,
    "million": 1_000_000,
    "مليون": 1_000_000,
    "ألف": 1000,
    "الف": 1000,
    "万": 10_000,
    "هزار": 1000,
    "میلیون": 1_000_000,
    "میلیارد": 1_000_000_000,
}
_SCALE_WORD = re.compile(r"\s?(mio|million|مليون|ألف|الف|万|هزار|میلیون|میلیارد|k|m)(?![^\W\d_])", re.I)
_AND = re.compile(r"\s?و\s?")
"""Between the parts of an amount in words: "2 million and 500 thousand", in Arabic script."""

MAX_AMOUNT = Decimal("1e12")
_LONGEST_PRICE_TEXT = 200


def _edge(word: str) -> str:
    """Letters must not run on into other letters ("ft" is no currency inside "craft"); signs may."""
    left = r"(?<![^\W\d_])" if word[0].isalpha() else ""
    right = r"(?![^\W\d_])" if word[-1].isalpha() else ""
    return f"{left}{re.escape(word)}{right}"


_WORDS = sorted({*_CURRENCY_WORDS, *_SHARED_WORDS}, key=len, reverse=True)
_CURRENCY = re.compile("|".join(_edge(word) for word in _WORDS), re.I)
_CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
_ANY_CURRENCY = re.compile(f"(?:{_CODE.pattern})|(?i:{_CURRENCY.pattern})")


@lru_cache(maxsize=256)
def country_currency(country: str | None) -> str | None:
    """The currency in use in a country (ISO 3166), or None."""
    if not country:
        return None
    for entry in reversed(get_global("territory_currencies").get(country.upper(), [])):
        code, _start, end, tender = entry
        if end is None and tender:
            return str(code)
    return None


def currency_code(value: object, *, hint: str | None = None, country: str | None = None) -> str | None:
    """The code that a code, word or sign stands for; `hint` and `country` decide on signs that several share."""
    if not isinstance(value, str):
        return None
    text = _tidy(value)[:_LONGEST_PRICE_TEXT]
    if text.upper() in CURRENCIES and len(text) == 3:
        return text.upper()
    for match in _CODE.finditer(text):
        if match.group() in CURRENCIES:
            return match.group()
    word = next((m.group() for m in _CURRENCY.finditer(text) if _is_sign(m.group())), None)
    return _resolve(word.casefold(), hint, country) if word else None


def _resolve(word: str, hint: str | None, country: str | None) -> str | None:
    if word in _CURRENCY_WORDS and word not in _SHARED_WORDS:
        return _CURRENCY_WORDS[word]
    default, users = _SHARED_WORDS.get(word, ("", ()))
    for code in (hint, country_currency(country)):
        if code in users:
            return code
    return default or None


def _tidy(text: str) -> str:
    return _MARKS.sub("", _SPACES.sub(" ", text.translate(_DIGITS))).strip()


def parse_amount(value: object, currency: str | None = None) -> Decimal | None:
    """A bare amount: a JSON number or a text whose first number is the amount. None for no, negative or absurd ones."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float, Decimal)):
        return _bounded(str(value))
    if not isinstance(value, str):
        return None
    text = value.strip()
    if len(text) <= _LONGEST_PRICE_TEXT and _SCIENTIFIC.match(text):
        return _bounded(str(float(text)))  # a float is bounded: a Decimal may have 10^9 digits
    if _PLAIN.match(text) and not (currency in _NO_DECIMALS and re.fullmatch(r"\d{1,3}\.\d{3}", text)):
        return _bounded(text)
    match = _NUMBER.search(_ROUND.sub("", _tidy(text)[:_LONGEST_PRICE_TEXT]))
    return _bounded(_machine_number(match.group(), currency)) if match else None


def is_plain_amount(text: str) -> bool:
    """Whether a text is a number as machines write it, with no currency in it."""
    return _PLAIN.match(text) is not None


def names_money(text: str) -> bool:
    """Whether a text has any sign or word of money in it, also one that several currencies share."""
    return any(_is_sign(match.group()) for match in _ANY_CURRENCY.finditer(_tidy(text)))


def parse_price(text: object, *, hint: str | None = None, country: str | None = None) -> Money | None:
    """The first amount with a currency beside it, else the first amount, in a short text; None where there is none."""
    if not isinstance(text, str):
        amount = parse_amount(text, hint)
        return Money(amount, None) if amount is not None else None
    return _parse_price_text(text[:_LONGEST_PRICE_TEXT], hint, country)


@lru_cache(maxsize=4096)
def _parse_price_text(raw: str, hint: str | None, country: str | None) -> Money | None:
    simple = _SIMPLE.fullmatch(raw)
    if simple is not None and not (simple["before"] and simple["after"]):
        sign = simple["before"] or simple["after"]
        code = sign if sign is None or sign in CURRENCIES else _resolve(sign, hint, country)
        if sign is None or not sign.isalpha() or sign in CURRENCIES:
            amount = _bounded(_machine_number(simple["number"], code or hint))
            return Money(amount, code) if amount is not None else None
    return _search_price(raw, hint, country)


def _search_price(raw: str, hint: str | None, country: str | None) -> Money | None:
    if _SCIENTIFIC.match(raw.strip()):
        amount = parse_amount(raw)
        return None if amount is None else Money(amount, None)
    text = _readable(raw)
    numbers = _still_asked(list(_NUMBER.finditer(text)), text)
    if not numbers:
        return None
    signs = [m for m in _ANY_CURRENCY.finditer(text) if _is_sign(m.group())]
    for place, number in enumerate(numbers):
        sign = _beside(number, signs, text)
        if sign is None:
            continue
        number = _from_of(numbers[max(0, place - 1)], number, text)
        code = sign.group() if sign.group() in CURRENCIES else _resolve(sign.group().casefold(), hint, country)
        amount = _scaled(number, text, code or hint)
        if amount is not None:
            return Money(amount + _millions_before(numbers[:place], number, text), code)
    amount = _scaled(numbers[0], text, hint)
    return Money(amount, None) if amount is not None else None


def _readable(raw: str) -> str:
    """The text with its amounts in one piece each, shares and dates left out."""
    text = _NO_PRICE.sub(" ", _ROUND.sub("", _tidy(raw)))
    text = _SPLIT_BY_SIGN.sub(r".\2 \1", _LOOSE_CENTS.sub(r"\1\2", text))
    return _NO_WHOLE.sub("0.", text)


def _still_asked(numbers: list[re.Match[str]], text: str) -> list[re.Match[str]]:
    """The amounts without those that are named as the price of before, unless nothing else is left."""
    if len(numbers) < 2:
        return numbers
    now = []
    end = 0
    for number in numbers:
        before = _CURRENCY.sub("", text[end : number.start()]).rstrip(" :")
        if not _BEFORE_OLD.search(before):
            now.append(number)
        end = number.end()
    return now or numbers


def _from_of(first: re.Match[str], second: re.Match[str], text: str) -> re.Match[str]:
    """The lower end where two amounts are a range ("26 to 50 €"): that is what the thing costs at the least."""
    if first is second or not _RANGE.fullmatch(text[first.end() : second.start()]):
        return second
    low, high = (_bounded(_machine_number(number.group(), None)) for number in (first, second))
    return first if low and high and low < high <= 20 * low else second


def _is_sign(word: str) -> bool:
    """Three capitals count as a currency where ISO 4217 has them; "da" and "le" are words unless in capitals."""
    if _CODE.fullmatch(word) and word.casefold() not in _CURRENCY_WORDS:
        return word in CURRENCIES
    return word.isupper() or word.casefold() not in _CAPITALS_ONLY


def _beside(number: re.Match[str], signs: list[re.Match[str]], text: str) -> re.Match[str] | None:
    before = [s for s in signs if s.end() <= number.start() and not text[s.end() : number.start()].strip(" :.-")]
    after = [
        s
        for s in signs
        if s.start() >= number.end() and not _SCALE_WORD.sub("", text[number.end() : s.start()]).strip(" .")
    ]
    # "US $12": the longest reading wins by being the last before the number; a code after it beats a shared sign.
    if before and after and before[-1].group().casefold() in _SHARED_WORDS and after[0].group() in CURRENCIES:
        return after[0]
    return before[-1] if before else after[0] if after else None


def _millions_before(earlier: list[re.Match[str]], number: re.Match[str], text: str) -> Decimal:
    """What the number is added to: "2 million and" 500 thousand; else nothing."""
    scale = _SCALE_WORD.match(text, earlier[-1].end()) if earlier else None
    if scale is None or not _AND.fullmatch(text, scale.end(), number.start()):
        return Decimal(0)
    return _scaled(earlier[-1], text, None) or Decimal(0)


def _scaled(number: re.Match[str], text: str, currency: str | None) -> Decimal | None:
    amount = _bounded(_machine_number(number.group(), currency))
    if amount is None:
        return None
    tail = _SCALE_WORD.match(text[number.end() : number.end() + 10])
    return amount * _SCALE[tail.group(1).casefold()] if tail else amount


def _machine_number(text: str, currency: str | None) -> str:
    """Decide which separators group and which one is decimal: "1.234,56" -> "1234.56"."""
    text = re.sub(r"['’ ]", "", text)
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return text
    separators = {c for c in text if c in ".,"}
    whole, cents = text[:last], text[last + 1 :]
    grouped = len(separators) == 1 and text.count(text[last]) > 1
    three = len(cents) == 3 and not (currency in _THREE_DECIMALS and text[last] == ".") and whole != "0"
    if grouped or (three and len(separators) == 1) or (currency in _NO_DECIMALS and len(cents) == 3):
        return re.sub(r"[.,]", "", text)
    return re.sub(r"[.,]", "", whole) + "." + cents


def _bounded(number: str) -> Decimal | None:
    try:
        amount = Decimal(number)
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0 or amount > MAX_AMOUNT:
        return None
    return amount
