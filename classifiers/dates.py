"""Dates, eras, weights and measures in folded text: where they stand and what time they point to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

BC = (
    r"(?:b\.?\s?c\.?(?:\s?e\.?)?(?![a-z])|av(?:\.|ant)?\s*j\.?\s*-?\s*c(?:hr)?\.?|av\.? n\.? e\.?"
    r"|a\.\s?c\.?(?![a-z])|a\. ?de ?c\.?"
    r"|v\.?\s*chr\.?|vor christus|avanti cristo|antes de cristo|до н\.?\s?э|п\.?χ|ق\.?\s?م(?!\w)|قبل الميلاد)"
)
AD = (
    r"(?:a\.?\s?d\.?(?![a-z])|c\.?\s?e\.?(?![a-z])|ap(?:\.|res|r\.)?\s*j\.?\s*-?\s*c(?:hr)?\.?"
    r"|d\.\s?c\.?(?![a-z])|n\.?\s*chr\.?"
    r"|dopo cristo|الميلادي(?!\w)|ميلادي[ه]?(?!\w)|بعد الميلاد|م(?!\w)|н\.?\s?э)"
)
ERA = rf"(?:\s*(?:(?P<bc>{BC})|(?P<ad>{AD})))?"
UNIT = (
    r"(?!\s*(?:x\s?\d|[,.]\d|g\b|gr\b|gm\b|kg|mm|cm|ml|m2|km|mah|w\b|watt|v\b|rpm|euro"
    r"|€|\$|usd|£|dh|da\b|جنيه|ريال|دينار|درهم|كم|جم|مم|سم|px|gb|tl\b|piece|pcs|million|mio\b|مليون))"
)

# The patterns below look behind their first digit and not before it: one that begins with a digit is searched for
# digits alone, which is many times faster.
YEAR_WITH_ERA = re.compile(
    rf"(?P<a>\d(?<![\d.,]\d)\d{{0,4}})(?:\s*(?:-|/|to|au|bis|الي)\s*(?P<b>\d{{1,4}}))?\s*(?:(?P<bc>{BC})|(?P<ad>{AD}))"
)
ERA_FIRST = re.compile(r"\b(?:a\.?d\.?|m\.?\s?s\.?|(?P<bc>m\.?\s?o\.?))\s*(?P<a>\d{1,4})(?!\d)(?!\s*(?:\.?\s*y))")
CENTURY = {
    "cent": re.compile(
        rf"(?P<a>\d{{1,2}})\s?(?:st|nd|rd|th)(?:\s*(?:-|to|/|or|and)\s*(?P<b>\d{{1,2}})\s?(?:st|nd|rd|th))?[\s-]*(?:centur(?:y|ies)|cent\b\.?){ERA}"
    ),
    "siecle": re.compile(
        rf"\b(?P<a>[ivx]+|\d{{1,2}})(?:er|eme|e|o)?(?:\s*(?:-|/|et|ou|au)\s*(?P<b>[ivx]+|\d{{1,2}})(?:er|eme|e)?)?\s*siecles?{ERA}"
    ),
    "s. a": re.compile(
        rf"\b(?P<a>[ivx]+)(?:er|eme|e)?(?:\s*-\s*(?P<b>[ivx]+)(?:er|eme|e)?)?\s*s\.(?=\s*a[vp])\s*{ERA}"
    ),
    "j": re.compile(
        rf"\b(?P<a>\d{{1,2}})\.?\s*(?:(?:-|/|bis|oder)\s*(?P<b>\d{{1,2}})\.?\s*)?(?:jh|jhd|jhdt|jahrhunderts?)\b\.?{ERA}"
    ),
    "s": re.compile(rf"\b(?:siglos?|ss?\.|secol[oi]|sec\.)\s*(?P<a>[ivx]+)\b(?:\s*(?:-|y|/)\s*(?P<b>[ivx]+)\b)?{ERA}"),
    "sec": re.compile(rf"\b(?P<a>[ivx]+)(?:\s*-\s*(?P<b>[ivx]+))?\s*(?:secol[oi]|sec\.?)(?![a-z]){ERA}"),
    "قرن": re.compile(
        rf"(?:ال)?قرن(?:ين)?\s*(?P<a>\d{{1,2}}|(?:ال)?\w+(?:\s+عشر)?)(?:\s*(?:-|و|الي)\s*(?P<b>\d{{1,2}}))?(?:\s*(?P<hijri>هجري|الهجري|ه(?!\w)))?{ERA}"
    ),
}
_TURKISH = re.compile(r"(?P<bc>m\.?o\.?\s*)?(?P<a>\d{1,2})\.?\s*(?:-\s*(?P<b>\d{1,2})\.?\s*)?(?:yuzyil|yy\b)(?P<ad>)")
CENTURY |= {"yuzyil": _TURKISH, "yy": _TURKISH}
MILLENNIUM = re.compile(
    rf"(?:\d\s?(?:st|nd|rd|th)\s*mill\w*|[iv]+e?r?\s*mill\w*|\d\.\s*(?:jt|jahrtausend)\w*|[iv]+\s*milenio|(?:ال)?الف\s+\w+)\s*{BC}"
)
HIJRI = re.compile(r"(?P<a>\d(?<![\d.,]\d)\d{1,3})\s*(?:ه(?!\w)|هجري|للهجره|a\.?h\.?(?![a-z])|h\.(?= ))")
CIRCA = re.compile(
    rf"\b(?:c\.|ca\.?|circa|um|vers|hacia|around|about|حوالي|~)\s*(?P<a>\d{{3,4}})(?:\s*-\s*(?P<b>\d{{2,4}}))?(?!\d){UNIT}"
)
RANGE = re.compile(rf"(?P<a>\d(?<![\d.,x/-]\d)\d{{2,3}})\s?-\s?(?P<b>\d{{3,4}})(?![\d/-]){UNIT}")
YEAR = re.compile(rf"(?P<a>[12](?<![\d.,x/#№-][12])(?:(?<=1)[5-9]\d|(?<=2)0[0-3])\d)(?:'?s)?(?![\d-])(?!\.\d){UNIT}")
LATE_ROMAN = re.compile(r"\b(?:xvii|xviii|xix|xvi|xx)(?:e|eme|o)\b|\b(?:xvii|xviii|xix)\b(?!\s*(?:sec|s\.))")
PROVENANCE = re.compile(
    r"(?:acqui\w*|collect\w*|collez\w*|colecc\w*|samml\w*|purchas\w*|bought|sold|vente|ex|since|before|prior|formed"
    r"|provenance|erworben|auction|published|sotheby\w*|christie\w*|depuis|avant|anterieur\w*|مجموعه|قبل عام|مقتن\w*)"
    r"\W+(?:\w+\W+){0,5}$"
)
ORDINALS = {
    "اول": 1, "ثاني": 2, "ثالث": 3, "رابع": 4, "خامس": 5, "سادس": 6, "سابع": 7, "ثامن": 8, "تاسع": 9, "عاشر": 10,
    "حادي عشر": 11, "ثاني عشر": 12, "ثالث عشر": 13, "رابع عشر": 14, "خامس عشر": 15, "سادس عشر": 16, "سابع عشر": 17,
    "ثامن عشر": 18, "تاسع عشر": 19, "عشرين": 20, "عشرون": 20,
}  # fmt: skip
ROMAN = {"i": 1, "v": 5, "x": 10}

MEASURES = {
    "coin_weight": re.compile(r"\d(?<![\d.,]\d)\d?[.,]\d{1,2}\s?(?:gram\w*|gr?\b|gm\b|غرام|جرام|غ(?!\w)|جم(?!\w))"),
    "millimetres": re.compile(
        r"\d(?<![\d.,]\d)\d{0,2}(?:[.,]\d)?(?:\s?x\s?\d{1,3}(?:[.,]\d)?)?\s?(?:mm\b|مم|ملم|millimet\w+)"
    ),
    "centimetres": re.compile(
        r"\d(?<![\d.,]\d)\d{0,2}(?:[.,]\d+)?(?:\s?[x×]\s?\d{1,3}(?:[.,]\d+)?){0,3}\s?(?:cm\b|سم|centimet\w+)"
    ),
    "die_axis": re.compile(r"\d(?<=[\s,;(]\d)\d?\s?h\b(?=[\s.,;)]|$)"),
    "modern_unit": re.compile(
        r"[\di](?:(?<=\d)\s?(?:gb|tb|mah|mp\b|inch(?:es)?\b|ghz|watt|volts?|ml\b|oz\b|km\b|cv\b|ch\b|sqft|m2|hz|px|btu|rpm|cc\b|كم|جيجا|بوصه|لتر)"
        r"|(?<=i)sbn|(?<=\b\d)\d{2,3}p\b|(?<=\b[2-9])k\b)"
    ),
    "paper_size": re.compile(r"\b(?:support|sheet|image|plate|framed?|feuille|blatt)\s*:\s*\d"),
}  # fmt: skip
DIGIT = re.compile(r"\d")
LAST_ANCIENT_WEST = 500
LAST_ANCIENT_ELSEWHERE = 1500


@dataclass(frozen=True, slots=True)
class Dating:
    """A date or measure found: its place in the folded text and the name of its kind.

    `year` is the last year the date allows, None for measures and for years of purchase.
    """

    start: int
    end: int
    kind: str
    year: int | None = None


def bucket(year: int) -> str:
    """The name of the span of time that a year lies in."""
    if year < 0:
        return "bc"
    for end in (500, 1000, 1500, 1700, 1800, 1900):
        if year < end:
            return f"before_{end}"
    return "after_1900"


def read_century(words: str) -> int | None:
    """The number of a century written in digits, Roman numerals or Arabic ordinals."""
    if words.isdigit():
        return int(words)
    if words in ORDINALS or words.removeprefix("ال") in ORDINALS:
        return ORDINALS.get(words) or ORDINALS[words.removeprefix("ال")]
    plain = " ".join(word.removeprefix("ال") for word in words.split())
    if plain in ORDINALS:
        return ORDINALS[plain]
    first = plain.split(" ")[0] if plain else ""
    if first in ORDINALS:
        return ORDINALS[first]
    if set(words) <= set(ROMAN):
        values = [ROMAN[letter] for letter in words]
        return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values))
    return None


def find_dates(text: str) -> list[Dating]:
    """Every date of the folded text, without overlaps; the surer form wins."""
    found: list[Dating] = []
    if "mill" in text or "الف" in text or "jahrt" in text or "mileni" in text:
        found += (Dating(m.start(), m.end(), "bc", -1000) for m in MILLENNIUM.finditer(text))
    for key, pattern in CENTURY.items():
        if key in text:
            found += _centuries(pattern, text)
    if DIGIT.search(text):
        found += _years(text)
    if "xi" in text or "xv" in text or "xx" in text:
        found += (Dating(m.start(), m.end(), bucket(1850), 1850) for m in LATE_ROMAN.finditer(text))
    kept: list[Dating] = []
    for dating in found:
        if all(dating.end <= other.start or dating.start >= other.end for other in kept):
            kept.append(dating)
    return kept


def _centuries(pattern: re.Pattern[str], text: str) -> Iterator[Dating]:
    for match in pattern.finditer(text):
        parts = match.groupdict()
        number = read_century(parts.get("b") or parts["a"]) or read_century(parts["a"])
        if number is None or not 0 < number <= 21:
            continue
        if parts.get("bc"):
            year = -100 * (number - 1) - 1
        elif parts.get("hijri"):
            year = round(97 * number + 620)
        else:
            year = 100 * number - 1
        yield Dating(match.start(), match.end(), bucket(year), year)


def _years(text: str) -> Iterator[Dating]:
    for match in YEAR_WITH_ERA.finditer(text):
        last = int(match["b"] or match["a"])
        if match["ad"] == "م" and len(match["a"]) < 3 and not match["b"]:
            continue  # a length in metres
        year = -last if match["bc"] else last
        if year <= 2040:
            yield Dating(match.start(), match.end(), bucket(year), year)
    for match in ERA_FIRST.finditer(text):
        year = -int(match["a"]) if match["bc"] else int(match["a"])
        yield Dating(match.start(), match.end(), bucket(year), year)
    for match in HIJRI.finditer(text):
        year = round(int(match["a"]) * 0.97 + 622)
        if year < 2040:
            yield Dating(match.start(), match.end(), bucket(year), year)
    for match in CIRCA.finditer(text):
        last = int(match["a"])
        if match["b"] and len(match["b"]) == len(match["a"]):
            last = max(last, int(match["b"]))
        if last < 2040:
            yield Dating(match.start(), match.end(), bucket(last), last)
    for match in RANGE.finditer(text):
        first, last = int(match["a"]), int(match["b"])
        if first < last < 2040 and last - first <= 700:
            yield Dating(match.start(), match.end(), bucket(last), last)
    for match in YEAR.finditer(text):
        if PROVENANCE.search(text[max(0, match.start() - 60) : match.start()]):
            yield Dating(match.start(), match.end(), "ownership_year")
        else:
            year = int(match["a"])
            yield Dating(match.start(), match.end(), bucket(year), year)


def find_measures(text: str) -> list[Dating]:
    """Weights and sizes that tell coins and vessels from telephones and prints."""
    if not DIGIT.search(text):
        return []
    return [Dating(m.start(), m.end(), kind) for kind, pattern in MEASURES.items() for m in pattern.finditer(text)]
