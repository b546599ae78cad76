"""Dates, eras, weights and measures in folded listings: where they stand and what time they point to.

The words beside a number say whether it can be a date at all; only there are the patterns tried.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.lexicon import HashIndex
from classifiers.words import DIGIT, Batch, Places, text_hashes

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
SAID = {
    "en": "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth",
    "fr": "premier deuxieme troisieme quatrieme cinquieme sixieme septieme huitieme neuvieme dixieme onzieme douzieme"
    " treizieme quatorzieme quinzieme seizieme dix-septieme dix-huitieme dix-neuvieme vingtieme",
    "de": "erste zweite dritte vierte funfte sechste siebte achte neunte zehnte elfte zwolfte dreizehnte vierzehnte"
    " funfzehnte sechzehnte siebzehnte achtzehnte neunzehnte zwanzigste",
    "es": "primero segundo tercero cuarto quinto sexto septimo octavo noveno decimo undecimo duodecimo decimotercero"
    " decimocuarto decimoquinto decimosexto decimoseptimo decimoctavo decimonoveno vigesimo",
    "it": "primo secondo terzo quarto quinto sesto settimo ottavo nono decimo undicesimo dodicesimo tredicesimo"
    " quattordicesimo quindicesimo sedicesimo diciassettesimo diciottesimo diciannovesimo ventesimo",
    "tr": "birinci ikinci ucuncu dorduncu besinci altinci yedinci sekizinci dokuzuncu onuncu onbirinci onikinci"
    " onucuncu ondorduncu onbesinci onaltinci onyedinci onsekizinci ondokuzuncu yirminci",
}
"""Centuries said in words, first to twentieth, folded."""
_SAID_NUMBER = {word: number for words in SAID.values() for number, word in enumerate(words.split(), 1)}


def _said(language: str) -> str:
    return "|".join(sorted(SAID[language].split(), key=len, reverse=True))


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
        rf"(?:(?P<a>\d{{1,2}})\s?(?:st|nd|rd|th)|(?<![\w-])(?P<said>{_said('en')}))(?:\s*(?:-|to|/|or|and)\s*(?P<b>\d{{1,2}})\s?(?:st|nd|rd|th))?[\s-]*(?:centur(?:y|ies)|cent\b\.?|c\b\.?){ERA}"
    ),
    "siecle": re.compile(
        rf"\b(?:(?P<a>[ivx]+|\d{{1,2}})(?:er|eme|e|o)?|(?P<said>{_said('fr')}))(?:\s*(?:-|/|et|ou|au)\s*(?P<b>[ivx]+|\d{{1,2}})(?:er|eme|e)?)?\s*siecles?{ERA}"
    ),
    "s. a": re.compile(
        rf"\b(?P<a>[ivx]+)(?:er|eme|e)?(?:\s*-\s*(?P<b>[ivx]+)(?:er|eme|e)?)?\s*s\.(?=\s*a[vp])\s*{ERA}"
    ),
    "j": re.compile(
        rf"\b(?:(?P<a>\d{{1,2}})\.?|(?P<said>{_said('de')})(?:n|s|r)?)\s*(?:(?:-|/|bis|oder)\s*(?P<b>\d{{1,2}})\.?\s*)?(?:jh|jhd|jhdt|jahrhunderts?)\b\.?{ERA}"
    ),
    "s": re.compile(
        rf"\b(?:siglos?|ss?\.|secol[oi]|sec\.)\s*(?:(?P<a>[ivx]+)\b|(?P<said>{_said('es')})\b)(?:\s*(?:-|y|/)\s*(?P<b>[ivx]+)\b)?{ERA}"
    ),
    "sec": re.compile(
        rf"\b(?:(?P<a>[ivx]+)|(?P<said>{_said('it')}))(?:\s*-\s*(?P<b>[ivx]+))?\s*(?:secol[oi]|sec\.?)(?![a-z]){ERA}"
    ),
    "قرن": re.compile(
        rf"(?:ال)?قرن(?:ين)?\s*(?P<a>\d{{1,2}}|(?:ال)?\w+(?:\s+عشر)?)(?:\s*(?:-|و|الي)\s*(?P<b>\d{{1,2}}))?(?:\s*(?P<hijri>هجري|الهجري|ه(?!\w)))?{ERA}"
    ),
}
_TURKISH = re.compile(
    rf"(?P<bc>m\.?o\.?\s*)?(?:(?P<a>\d{{1,2}})\.?|\b(?P<said>{_said('tr')}))\s*(?:-\s*(?P<b>\d{{1,2}})\.?\s*)?(?:yuzyil|yy\b)(?P<ad>)"
)
CENTURY |= {"yuzyil": _TURKISH, "yy": _TURKISH}
MILLENNIUM = re.compile(
    rf"(?:\d\s?(?:st|nd|rd|th)\s*mill\w*|[iv]+e?r?\s*mill\w*|\d\.\s*(?:jt|jahrtausend)\w*|[iv]+\s*milenio|(?:ال)?الف\s+\w+)\s*{BC}"
)
HIJRI = re.compile(r"(?P<a>\d(?<![\d.,]\d)\d{1,3})\s*(?:ه(?!\w)|هجري|للهجره|a\.?h\.?(?![a-z])|h\.(?= ))")
CIRCA = re.compile(
    rf"(?:\b(?:c\.|ca\.?|circa|um|vers|hacia|around|about|حوالي)|(?<![\d~])~)\s*(?P<a>\d{{3,4}})(?:\s*-\s*(?P<b>\d{{2,4}}))?(?!\d){UNIT}"
)
RANGE = re.compile(rf"(?P<a>\d(?<![\d.,x/-]\d)\d{{2,3}})\s?-\s?(?P<b>\d{{3,4}})(?![\d/-]){UNIT}")
YEAR = re.compile(rf"(?P<a>[12](?<![\d.,x/#№-][12])(?:(?<=1)[5-9]\d|(?<=2)0[0-3])\d)(?:'?s)?(?![\d-])(?!\.\d){UNIT}")
DYNASTY = re.compile(
    r"\b(?:(?P<a>[ivx]+|\d{1,2})(?:\.|st|nd|rd|th|er|re|e|eme|a|o)?\s*(?:dynast|dinast|hanedan)\w*"
    r"|(?:dynast|dinast)\w*\s+(?P<b>[ivx]+|\d{1,2})\b)"
)
"""An Egyptian dynasty by its number; those of other countries go by their names."""
DYNASTIES_OF_EGYPT = 31
END_OF_DYNASTIES = -332
"""Alexander's conquest: the last year that every numbered dynasty allows."""
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
    """The number of a century written in digits, Roman numerals or ordinals."""
    if words in _SAID_NUMBER:
        return _SAID_NUMBER[words]
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


_COIN_WEIGHT = re.compile(r"\d\d?[.,]\d{1,2}")
_UNITS = {
    "coin_weight": "g gr gm gram grams gramm gramme grammes gramas gramos grammi غرام جرام غ جم",
    "millimetres": "mm مم ملم millimetre millimetres millimeter millimeters milimetros millimetri",
    "centimetres": "cm سم centimetre centimetres centimeter centimeters centimetros centimetri",
    "die_axis": "h",
    "modern_unit": "gb tb mah mp inch inches ghz watt watts volt volts ml oz km cv ch sqft hz px btu rpm cc m p k"
    " كم جيجا بوصه لتر",
    "isbn": "isbn",
    "paper_size": "support sheet image plate frame framed feuille blatt",
}
_CENTURY_WORDS = {
    "cent": "cent century centuries c",
    "siecle": "siecle siecles",
    "s. a": "s",
    "j": "jh jhd jhdt jahrhundert jahrhunderts jahrhunderte",
    "s": "siglo siglos s ss secolo secoli sec",
    "sec": "secolo secoli sec",
    "قرن": "قرن القرن قرنين القرنين",
    "yuzyil": "yuzyil yuzyila",
    "yy": "yy",
}
_MILLENNIUM_WORDS = (
    "mill millennium millennia millenium millenaire millenaires millennio jt jahrtausend milenio الف الالف"
)
_LATE_WORDS = " ".join(f"{n}{e}" for n in ("xvi", "xvii", "xviii", "xix", "xx") for e in ("", "e", "eme", "o"))
_ERA_WORDS = (
    "b bc bce av avant a ad c ce ap apres apr v vor n avanti antes d dopo до п пχ πχ п.χ н ق قبل م ميلادي ميلاديه"
    " الميلادي الميلاديه بعد"
)
_BETWEEN = "to au bis الي"
_HIJRI_WORDS = "ه هجري هجريه للهجره ah a h"
_CIRCA_WORDS = "c ca circa um vers hacia around about حوالي"
_BEFORE_YEAR = "a d ad m s ms o mo"
_WINDOW = 44
"""How far before its telling word a century may begin, in characters, and half as far it may go on behind it."""


class _WordSets:
    """Named sets of words, looked up together for all words of a batch."""

    def __init__(self, **sets: str) -> None:
        self._bits = {name: np.int64(1 << place) for place, name in enumerate(sets)}
        hashes = {name: text_hashes(words.split()) for name, words in sets.items()}
        self._index = HashIndex(np.concatenate(list(hashes.values())))
        self._of_key = np.zeros(len(self._index.keys), dtype=np.int64)
        for name, some in hashes.items():
            self._of_key[np.searchsorted(self._index.keys, np.unique(some))] |= self._bits[name]

    def find(self, batch: Batch) -> dict[str, NDArray[np.bool_]]:
        """For each set found at all, whether each word is in it, with room to look four words ahead."""
        hashes = batch.words.hashes
        words, keys = self._index.find(hashes)
        bits = np.zeros(len(hashes) + 4, dtype=np.int64)
        bits[words] = self._of_key[keys]
        some = int(np.bitwise_or.reduce(bits))
        return {name: (bits & bit) != 0 for name, bit in self._bits.items() if some & bit}


_DYNASTY_WORDS = "dynasty dynastie dynastien dinastia dinastie hanedan hanedani hanedanligi"
_CENTURY_SETS = _WordSets(millennium=_MILLENNIUM_WORDS, dynasty=_DYNASTY_WORDS, late=_LATE_WORDS, **_CENTURY_WORDS)
_NUMBER_SETS = _WordSets(era=_ERA_WORDS, between=_BETWEEN, hijri=_HIJRI_WORDS, circa=_CIRCA_WORDS, before=_BEFORE_YEAR)
_UNIT_SETS = _WordSets(**_UNITS)
LAST_ANCIENT_WEST = 500
LAST_ANCIENT_ELSEWHERE = 1500


def find_dates(batch: Batch) -> list[Dating]:
    """Every date of a batch, without overlaps, in order; the surer form wins."""
    found: dict[int, list[Dating]] = {}
    for field, dating in [*_centuries(batch), *_years(batch)]:
        kept = found.setdefault(field, [])
        # those kept are in order and do not overlap: only the two about its place can meet it
        place = bisect_left(kept, dating.start, key=_start)
        if (place == len(kept) or dating.end <= kept[place].start) and (
            place == 0 or kept[place - 1].end <= dating.start
        ):
            kept.insert(place, dating)
    return [dating for field in sorted(found) for dating in found[field]]


def _start(dating: Dating) -> int:
    return dating.start


def _field_ends(batch: Batch) -> Places:
    return np.append(batch.field_starts[1:], len(batch.codes)) - 3


def _centuries(batch: Batch) -> Iterator[tuple[int, Dating]]:
    words, text = batch.words, batch.text
    sets = _CENTURY_SETS.find(batch)
    ends = _field_ends(batch)

    def windows(name: str) -> Iterator[tuple[int, int, int, int]]:
        if name not in sets:
            return
        at = np.flatnonzero(sets[name])
        fields = words.fields[at]
        low = np.maximum(batch.field_starts[fields], words.starts[at] - _WINDOW)
        high = np.minimum(ends[fields], words.ends[at] + _WINDOW // 2)
        yield from zip(fields.tolist(), low.tolist(), high.tolist(), words.starts[at].tolist(), strict=True)

    for field, low, high, _ in windows("millennium"):
        for match in MILLENNIUM.finditer(text, low, high):
            yield field, Dating(match.start(), match.end(), "bc", -1000)
    dynasties: set[int] = set()  # "XIX dinastia" is no nineteenth century
    for field, low, high, _ in windows("dynasty"):
        for match in DYNASTY.finditer(text, low, high):
            number = read_century(match["a"] or match["b"])
            if number and number <= DYNASTIES_OF_EGYPT:
                dynasties.update(range(match.start(), match.end()))
                yield field, Dating(match.start(), match.end(), "bc", END_OF_DYNASTIES)
    for key, pattern in CENTURY.items():
        met: set[int] = set()  # the windows of neighbours overlap
        for field, low, high, _ in windows(key):
            for match in pattern.finditer(text, low, high):
                if match.start() in met:
                    continue
                whole = pattern.match(text, match.start(), int(ends[field]))  # the window may cut its era
                if whole:
                    met.add(match.start())
                if dating := _read_match(whole or match):
                    yield field, dating
    for field, _, high, start in windows("late"):
        if start not in dynasties and (late := LATE_ROMAN.match(text, start, high)):
            yield field, Dating(late.start(), late.end(), bucket(1850), 1850)


def _read_match(match: re.Match[str]) -> Dating | None:
    parts = match.groupdict()
    first = parts["a"] or parts.get("said") or ""
    number = read_century(parts.get("b") or first) or read_century(first)
    if number is None or not 0 < number <= 21:
        return None
    if parts.get("bc"):
        year = -100 * (number - 1) - 1
    elif parts.get("hijri"):
        year = round(97 * number + 620)
    else:
        year = 100 * number - 1
    return Dating(match.start(), match.end(), bucket(year), year)


def _years(batch: Batch) -> Iterator[tuple[int, Dating]]:
    words, text = batch.words, batch.text
    digits = words.kinds == DIGIT
    at = np.flatnonzero(digits & (words.ends - words.starts <= 5))
    if not len(at):
        return
    none = np.zeros(len(words) + 4, dtype=bool)
    sets = dict.fromkeys(("era", "between", "hijri", "circa", "before"), none) | _NUMBER_SETS.find(batch)
    fields = np.append(words.fields, [-1, -1, -1, -1])
    number = np.append(digits, [False] * 4)
    alike = [fields[at + step] == fields[at] for step in (1, 2, 3)]
    next_number = alike[0] & number[at + 1]
    behind = np.append(fields, -2)[at - 1] == fields[at]  # index -1 is the appended -2
    width = words.ends[at] - words.starts[at]
    gap = np.append(words.starts, [0] * 4)[at + 1] - words.ends[at]
    tries = {
        "era": (alike[0] & sets["era"][at + 1])
        | (next_number & alike[1] & sets["era"][at + 2])
        | (alike[2] & sets["between"][at + 1] & number[at + 2] & sets["era"][at + 3]),
        "first": behind & sets["before"][at - 1],
        "hijri": alike[0] & sets["hijri"][at + 1],
        "circa": (behind & sets["circa"][at - 1]) | (batch.codes[np.maximum(words.starts[at] - 1, 0)] == ord("~")),
        "range": next_number & (gap <= 3) & (width >= 3),
        "year": width == 4,
    }
    starts, of_field = words.starts[at], words.fields[at]
    ends = _field_ends(batch)[of_field]
    begin = np.maximum(batch.field_starts[of_field], np.where(behind, words.starts[at - 1], starts) - 3)
    for name, chosen in tries.items():
        reader = _READERS[name]
        table = np.stack([of_field, begin, starts, ends])[:, chosen]
        for field, low, start, end in table.T.tolist():
            if dating := reader(text, low, start, end):
                yield field, dating


def _read_year_with_era(text: str, low: int, start: int, end: int) -> Dating | None:
    match = YEAR_WITH_ERA.match(text, start, end)
    if match is None:
        return None
    last = int(match["b"] or match["a"])
    if match["ad"] == "م" and len(match["a"]) < 3 and not match["b"]:
        return None  # a length in metres
    year = -last if match["bc"] else last
    return Dating(match.start(), match.end(), bucket(year), year) if year <= 2040 else None


def _read_era_first(text: str, low: int, start: int, end: int) -> Dating | None:
    for match in ERA_FIRST.finditer(text, low, end):
        if match.start("a") == start:
            year = -int(match["a"]) if match["bc"] else int(match["a"])
            return Dating(match.start(), match.end(), bucket(year), year)
        if match.start() > start:
            break
    return None


def _read_hijri(text: str, low: int, start: int, end: int) -> Dating | None:
    match = HIJRI.match(text, start, end)
    year = round(int(match["a"]) * 0.97 + 622) if match else 2040
    return Dating(match.start(), match.end(), bucket(year), year) if match and year < 2040 else None


def _read_circa(text: str, low: int, start: int, end: int) -> Dating | None:
    match = CIRCA.search(text, low, end)
    if match is None or match.start("a") != start:
        return None
    last = int(match["a"])
    if match["b"] and len(match["b"]) == len(match["a"]):
        last = max(last, int(match["b"]))
    return Dating(match.start(), match.end(), bucket(last), last) if last < 2040 else None


def _read_range(text: str, low: int, start: int, end: int) -> Dating | None:
    match = RANGE.match(text, start, end)
    if match is None:
        return None
    first, last = int(match["a"]), int(match["b"])
    if first < last < 2040 and last - first <= 700:
        return Dating(match.start(), match.end(), bucket(last), last)
    return None


def _read_year(text: str, low: int, start: int, end: int) -> Dating | None:
    match = YEAR.match(text, start, end)
    if match is None:
        return None
    before = text[max(0, start - 60) : start]
    if PROVENANCE.search(before[before.rfind("\x00") + 1 :]):
        return Dating(match.start(), match.end(), "ownership_year")
    year = int(match["a"])
    return Dating(match.start(), match.end(), bucket(year), year)


_READERS = {
    "era": _read_year_with_era,
    "first": _read_era_first,
    "hijri": _read_hijri,
    "circa": _read_circa,
    "range": _read_range,
    "year": _read_year,
}


def find_measures(batch: Batch) -> list[Dating]:
    """Weights and sizes that tell coins and vessels from telephones and prints, in order."""
    words, text = batch.words, batch.text
    sets = _UNIT_SETS.find(batch)
    count = len(words)
    found = []
    for kind, units in sets.items():
        at = np.flatnonzero(units[:count])
        if kind == "isbn":
            found += [Dating(s, e, "modern_unit") for s, e in _spans(words.starts[at], words.ends[at])]
            continue
        if kind == "paper_size":
            at = at[at + 1 < count]
            at = at[(words.kinds[at + 1] == DIGIT) & (words.fields[at + 1] == words.fields[at])]
            for start, end in _spans(words.starts[at], words.starts[at + 1] + 1):
                if ":" in text[start:end]:
                    found.append(Dating(start, end, kind))
            continue
        at = at[at > 0]
        gap = words.starts[at] - words.ends[at - 1]
        at = at[(words.kinds[at - 1] == DIGIT) & (words.fields[at - 1] == words.fields[at]) & (gap <= 1)]
        for word in at.tolist():
            if measure := _read_measure(batch, kind, word):
                found.append(measure)
    return sorted(found, key=lambda measure: measure.start)


def _spans(starts: Places, ends: Places) -> Iterator[tuple[int, int]]:
    return zip(starts.tolist(), ends.tolist(), strict=True)


def _read_measure(batch: Batch, kind: str, unit: int) -> Dating | None:
    """The measure whose unit stands at a word."""
    words, text = batch.words, batch.text
    start, end = int(words.starts[unit - 1]), int(words.ends[unit])
    number = text[start : int(words.ends[unit - 1])]
    name = text[int(words.starts[unit]) : end]
    close = end - start == len(number) + len(name)
    if kind == "coin_weight" and not _COIN_WEIGHT.fullmatch(number):
        return None
    if kind == "die_axis" and not (len(number) < 3 and text[start - 1] in " ,;(\n" and text[end] in " .,;)\n"):
        return None
    if kind == "modern_unit":
        if name == "m" and not text.startswith("2", end):
            return None
        if name == "p" and not (close and len(number) in (3, 4)):
            return None
        if name == "k" and not (close and len(number) == 1 and number >= "2"):
            return None
    first = unit - 1
    while kind in ("millimetres", "centimetres") and first >= 2:
        between = text[int(words.ends[first - 2]) : int(words.starts[first])]
        if (
            words.kinds[first - 2] == DIGIT
            and between.strip() in ("x", "×")
            and words.fields[first - 2] == words.fields[unit]
        ):
            first -= 2
        else:
            break
    return Dating(int(words.starts[first]), end, kind)
