"""Size and weight of the thing offered: from structured data, from labelled rows, and from the words of the text.

A measure is a number with its unit; a number alone, however labelled, is none, and neither is a coin's die axis (12 h).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import islice
from typing import Any, cast

from crawler.extraction.findings import Findings
from crawler.extraction.text import clean
from crawler.items import Dimension, DimensionKind

_MOST_TEXT = 20_000
"""Characters of a description that are searched."""
_MOST_DIMENSIONS = 8
_MOST_LENGTHS = 64
"""Of one thing, repetitions in another unit among them; a text with more is a table of many things."""
_NEAR = 60
"""Characters between two measures of one thing: "H. 12 cm, with the base about 15 cm"."""
_LARGEST_MM = Decimal(50_000)
_LARGEST_GRAMS = Decimal(20_000_000)
_FOOT = Decimal("304.8")
_SAME = Decimal("0.04")
"""Two figures that differ by less are one measure in two units: 12 cm (4 3/4 in.)."""

_LENGTH_UNITS: dict[str, str] = {
    "1": r"mm\.?|millim[eè]t(?:er|re|ros?|ri|ros)?s?|milimetr\w{0,2}|мм|ملم|مم"
    r"|مليمترا?ت?|ملليمتر|میلی‌?متر|毫米|ミリ|밀리",
    "10": r"cms?\.?|centim[eè]t(?:er|re|ri)s?|cent[ií]metros?|zentimeter|centymetr\w{0,2}|santim\w{0,3}"
    r"|см|سم|سنتيمترا?ت?|سنتمتر|سانتيمتر|سانتی‌?متر|厘米|公分|センチ|센티|εκ\.?|ס[\"״]מ",
    "25.4": r"inch(?:es)?|ins?\.(?!\s?\w{3})|in(?=\s*(?:[×x✕*),;.]|\Z|[HWDLhwdl]\b|high|tall|wide|long|deep|diam))"
    r"|pouces?|zoll|pulgadas?|pollici|بوصات|بوصة|انش|إنش|″|”|\"",
    # a vase on 3 feet, and 150 Ft of Hungary, are no lengths
    "304.8": r"(?:feet|foot)(?=\s?(?:[×x✕*]\s?\d|high|tall|wide|long|deep|diam|in (?:height|length|width|diam)))"
    r"|(?-i:ft)(?:\.|(?!\w))",
}
_WEIGHT_UNITS: dict[str, str] = {
    "1": r"gr?ms?\.?|gr?s?\.?|grams?|grammes?|gramm|gramos?|grammi|gramas?|gramów|gram\w?|гр?\.?(?!\s?[А-ЯЁ])"
    r"|грамм\w{0,2}"
    r"|غرامات|غراما?|غم|غ|جرامات|جراما?|جم|گرم|克|グラム|그램|γρ\.?",
    "1000": r"kgs?\.?|kilos?|kilogram(?:me|m)?s?|kilogramos?|chilogramm[oi]|кг|كغم?|كجم|كيلو(?:غرام|جرام)?ا?ت?"
    r"|کیلوگرم|公斤|千克|キロ",
    "28.349523125": r"oz\.?|ounces?|onces?|unzen?|أونصة|اونصة|أوقية",
    "453.59237": r"lbs?\.?|pounds?(?! sterling)|رطل",
}
_FACTORS = {"length": _LENGTH_UNITS, "weight": _WEIGHT_UNITS}
_NUMBER = r"(?:\d{1,6}(?:[.,٫]\d{1,3})?(?:\s?[½¼¾⅓⅔⅛⅜⅝⅞]|\s\d{1,2}/\d{1,2})?|[½¼¾⅛⅜⅝⅞]|\d{1,2}/\d{1,2})"
_FEET = (
    r"\d{1,3}(?:\.\d)?\s?(?:feet|foot|(?-i:ft)\.?|['′’])\s?(?:,\s?|and\s)?"
    rf"(?={_NUMBER}\s?(?:{_LENGTH_UNITS['25.4']}))"
)
"""Before inches, as part of the same length; a vase on 3 feet, 12 cm high, is none."""
_RANGE = rf"(?:{_NUMBER}\s?(?:[-–—]|to|à|bis)\s?)?(?:{_FEET})?{_NUMBER}"
_TIMES = r"\s*(?:[x×✕*хX]|by|на|في)\s*"


def _units(units: Mapping[str, str]) -> str:
    return "|".join(units.values())


_CHAIN = re.compile(
    rf"(?<![\w.,/-])(?P<numbers>{_RANGE}(?:\s?(?:{_units(_LENGTH_UNITS)}))?(?:\s?\(?[HWLDBTP]\b\)?)?"
    rf"(?:{_TIMES}(?:{_FEET})?{_NUMBER}(?:\s?(?:{_units(_LENGTH_UNITS)}))?(?:\s?\(?[HWLDBTP]\b\)?)?){{0,3}}?)"
    rf"\s?(?P<unit>{_units(_LENGTH_UNITS)})(?!\w)",
    re.I,
)
_WEIGHT = re.compile(rf"(?<![\w.,/-])(?P<numbers>{_RANGE})\s?(?P<unit>{_units(_WEIGHT_UNITS)})(?!\w)", re.I)
_ONE_NUMBER = re.compile(_NUMBER)
_FEET_BEFORE = re.compile(rf"\s*({_NUMBER})\s?(?:feet|foot|ft\.?|['′’])\s?(?:,\s?|and\s)?(?=[\d½¼¾⅓⅔⅛⅜⅝⅞])", re.I)
_TIMES_SIGN = re.compile(_TIMES, re.I)
_LENGTH_UNIT = re.compile(_units(_LENGTH_UNITS), re.I)
_NUMBER_STARTS = re.compile(r"[\d½¼¾⅓⅔⅛⅜⅝⅞]++(?!(?:st|nd|rd|th|s|er|ème|e)\b|[.,;:!?)]++(?:\D|\Z)|\Z)")
"""Where alone a measure can begin: the long patterns are tried there and nowhere else. Not at "19th", "1980s" and what
ends a phrase: neither a unit nor another number follows."""
_FRACTION = re.compile(r"(\d{1,2})/(\d{1,2})\Z")
_FRACTIONS = {sign: Decimal(str(unicodedata.numeric(sign))) for sign in "½¼¾⅓⅔⅛⅜⅝⅞"}
_MAY_MEASURE = re.compile(
    r"\d\s?(?:mm|c[mｍ]|in|g|k|oz|lb|[\"″”′]|ft|po|zo|pu|мм|см|г|к|[مسغجكبإاأرگکو]|[ء-ي]|毫|厘|公|ミ|セ|克|グ)", re.I
)

_MAY_WEIGH = re.compile(
    r"[\d½¼¾⅓⅔⅛⅜⅝⅞]\s?(?:g|k|chil|oz|ou|on|un|lb|pou|г|к|γ|غ|ج|گ|ك|ک|أ|ا|ر|克|グ|그|公|千|キ)", re.I
)
"""A number and the beginning of one of the units of weight."""

_KIND_WORDS: tuple[tuple[DimensionKind, str], ...] = (
    ("height", r"height|hgt|high|tall|hauteur|haut|höhe|hoch|altezza|alt[oa]|altura|yükseklik|hoogte|wysokość|высота"
    r"|و?(?:ال)?[اإ]رتفاعه?ا?|高さ|高|h"),
    ("width", r"width|wide|largeur|large|breite|breit|larghezza|anch[oa]|ancho|largura|genişlik|breedte|szerokość"
    r"|ширина|و?(?:ال)?عرضه?ا?|幅|w"),
    ("length", r"length|long|longueur|länge|lang|lunghezza|lungo|largo|longitud|comprimento|uzunluk|lengte|długość"
    r"|длина|و?(?:ال)?طوله?ا?|長さ"),
    ("depth", r"depth|deep|profondeur|profond|tiefe|tief|profondità|profundidad|derinlik|diepte|głębokość|глубина"
    r"|و?(?:ال)?عمقه?ا?|奥行"),
    ("diameter", r"diameter|diamètre|diam|durchmesser|diametro|diámetro|diâmetro|çap|średnica|диаметр"
    r"|و?(?:ال)?قطره?ا?|直径|dm|dia|ø|⌀|∅"),
    ("thickness", r"thickness|thick|épaisseur|dicke|dick|spessore|grosor|espesor|kalınlık|толщина|و?(?:ال)?سُ?ماكة"
    r"|و?(?:ال)?سُ?مك|厚"),
)  # fmt: skip
_KIND = re.compile(rf"(?<!\w)(?:{'|'.join(f'(?P<{kind}>{words})' for kind, words in _KIND_WORDS)})(?!\w)", re.I)
_LETTERS: dict[str, DimensionKind] = {"H": "height", "W": "width", "L": "length"}
"""Letters behind a number. D, B, T and P stand for other things in other languages."""
_ORDER = re.compile(r"(?<!\w)[HWLDBTP](?:\s?[x×*/]\s?[HWLDBTP]){1,2}(?!\w)", re.I)
_ORDER_LETTERS: dict[str, DimensionKind] = {**_LETTERS, "B": "width", "D": "depth", "T": "depth", "P": "depth"}
_LETTER = re.compile(r"\s?\(?([HWLDBTP])\b", re.I)
_GAP = re.compile(r" ?(?:de |in |di )?")
_PARCEL_WORDS = (
    "shipp", "packag", "postage", "deliver", "colis", "livraison", "emballage", "versand", "paket", "spedizione",
    "envío", "شحن", "طرد",
)  # fmt: skip
_SENTENCE_END = re.compile(
    r"(?<!approx)(?<!\bappr)(?<!\bdims)(?<!\bdimens)(?<!\bmeas)(?<!\bdiam)(?<!\babmess)(?<=[^\W\d]{4})[.!?؟]\s", re.I
)
"""No abbreviation ends a sentence."""
_SHIPPING = re.compile("|".join(_PARCEL_WORDS), re.I)
_UNIT_CODES = {
    "MMT": "mm",
    "CMT": "cm",
    "DMT": "cm",
    "INH": "inch",
    "FOT": "ft",
    "GRM": "g",
    "KGM": "kg",
    "ONZ": "oz",
    "LBR": "lb",
}
_NODE_DIMENSIONS: dict[str, DimensionKind] = {
    "height": "height", "width": "width", "depth": "depth", "length": "length", "diameter": "diameter",
    "thickness": "thickness",
}  # fmt: skip
_SIZE_KEYS = frozenset({"size", "dimensions", "dimension", "measurements", "itemdimensions"})
_WEIGHT_KEYS = frozenset({"weight", "itemweight", "weightingrams", "poids", "gewicht"})
_PROPERTY_NAME = re.compile(
    r"\A(?:(?:item |object |overall |approx\.? )?(?:size|dimensions?|measure(?:ment|s)?s?)|taille|größe|maße"
    r"|abmessungen|misure"
    r"|dimensioni|medidas|dimensiones|tamaño|القياسات?|المقاسات?|المقاس|الحجم|الأبعاد)\b",
    re.I,
)
_WEIGHT_NAME = re.compile(r"\A(?:item |object )?(?:weight|wt|poids|gewicht|peso|(?:ال)?وزن|вес|ağırlık)\b", re.I)


def fill_node(node: Mapping[str, Any], findings: Findings, source: str) -> None:
    """What an object of JSON-LD, microdata or embedded state says by the names of its members."""
    found: list[Dimension] = []
    words: list[str] = []
    for key, value in node.items():
        name = key.lower().replace("_", "").replace("-", "")
        if name in _NODE_DIMENSIONS and (said := _quantity(value)):
            for one in dimensions_in(said):
                found.append(Dimension(_NODE_DIMENSIONS[name], one.millimetres))
                words.append(f"{key} {said}")
        elif name in _SIZE_KEYS and isinstance(value, str):
            take_size(value, findings, f"{source}.{key}")
        elif name in _WEIGHT_KEYS and (said := _quantity(value)):
            take_weight(said, findings, f"{source}.{key}")
    if found:
        _add_size(found, "; ".join(words), findings, source)


def fill_properties(pairs: Iterable[tuple[str, object]], findings: Findings, source: str) -> None:
    """Pairs of a name and a value, as additionalProperty, tables of attributes and labelled rows have them."""
    parts: list[str] = []
    for name, value in pairs:
        said = _quantity(value)
        if not said or _SHIPPING.search(name):
            continue
        if _WEIGHT_NAME.match(name):
            take_weight(said, findings, source)
        elif _PROPERTY_NAME.match(name):
            take_size(said, findings, source)
        elif _KIND.match(name) and len(name) <= 30:
            parts.append(f"{name} {said}")
    if parts:
        take_size("; ".join(parts), findings, source)


def take_size(text: str, findings: Findings, source: str) -> None:
    """The size in a text that is said to be one."""
    _add_size(dimensions_in(text), text, findings, source)


def take_weight(text: str, findings: Findings, source: str) -> None:
    """The weight in a text that is said to be one."""
    grams = weight_in(text)
    if grams is not None:
        findings.add("weight_grams", grams, source)


def fill_from_words(title: str | None, description: str | None, findings: Findings) -> None:
    """Size and weight from the listing's own words, where nothing else named them: the title first."""
    for name, text in (("title", title), ("description", description)):
        if not findings.lacks("size", "weight_grams"):
            return
        text = (text or "")[:_MOST_TEXT]
        if not _MAY_MEASURE.search(text):
            continue
        if findings.lacks("size"):
            span = _size_span(text)
            if span is not None:
                take_size(text[span[0] : span[1]], findings, f"words:{name}")
        if findings.lacks("weight_grams"):
            take_weight(text, findings, f"words:{name}")


def dimensions_in(text: str) -> list[Dimension]:
    """The lengths of one thing that a text names, in its order; a range counts by its greater end."""
    found: list[Dimension] = []
    end = 0
    for match in _lengths(text):
        if found and match.start() - end > _NEAR:
            break
        before = tuple(found)
        for one in _dimensions(match, text, end):
            if not _repeats(one, before):
                found.append(one)
        if len(found) >= _MOST_DIMENSIONS:
            break
        end = match.end()
    return found[:_MOST_DIMENSIONS]


def weight_in(text: str) -> Decimal | None:
    """The first weight that a text names, in grams; None for that of a parcel."""
    for match in _matches(_WEIGHT, text) if _MAY_WEIGH.search(text) else ():
        amounts = _amounts(match["numbers"])
        grams = max(amounts) * _factor("weight", match["unit"]) if amounts else None
        year = match["unit"][:1] in "гГ" and match["numbers"].isdigit() and len(match["numbers"]) == 4  # "1980 г."
        network = match["unit"] == "G" and text[match.end("numbers")] == "G"  # 4G
        if grams and not year and not network and grams <= _LARGEST_GRAMS and not _of_parcel(text, match):
            return _rounded(grams)
    return None


def _lengths(text: str) -> Iterator[re.Match[str]]:
    for match in islice(_matches(_CHAIN, text), _MOST_LENGTHS):
        quoted = match["unit"] == '"' and not _TIMES_SIGN.search(match["numbers"])  # the lamp of "Room 12"
        if (
            quoted
            and _kind_beside(text, max(0, match.start() - 25), match) is None
            and not _LETTER.match(text, match.end())
        ):
            continue
        if not _of_parcel(text, match):
            yield match


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What `pattern.finditer` finds, for a pattern that begins with a number."""
    end = 0
    for number in _NUMBER_STARTS.finditer(text):
        match = pattern.match(text, number.start()) if number.start() >= end else None
        if match is not None:
            end = match.end()
            yield match


@lru_cache(maxsize=4)
def _names_parcel(text: str) -> bool:
    """Whether there is anything to look for around each measure of the text."""
    plain = text.casefold()
    return any(word in plain for word in _PARCEL_WORDS)


def _of_parcel(text: str, match: re.Match[str]) -> bool:
    """Whether the words around it, within its line and from the start of its sentence, speak of sending it."""
    if not _names_parcel(text):
        return False
    first, last = max(0, match.start() - 40), min(len(text), match.end() + 20)
    behind = text.find("\n", match.end(), last)
    start = max(text.rfind("\n", first, match.start()) + 1, first)
    # "Insured shipping. 91 x 55 mm." ends with the object's own size.
    start = max([start, *(end.end() for end in _SENTENCE_END.finditer(text, start, match.start()))])
    return _SHIPPING.search(text, start, last if behind < 0 else behind) is not None


def _size_span(text: str) -> tuple[int, int] | None:
    """From the label of the first length to the end of the last that belongs to it."""
    start = end = None
    for match in _lengths(text):
        if end is not None and match.start() - end > _NEAR:
            break
        if start is None:
            near = max(0, match.start() - 25)
            before = max(text.rfind(sign, near, match.start()) for sign in "\n;(|") + 1
            labels = [label.start() for label in _KIND.finditer(text, max(before, near), match.start())]
            start = labels[0] if labels else match.start()
        behind = _kind_behind(text, match.end())
        end = behind.end() if behind else match.end()
        if text[end : end + 1] == ")" and "(" in text[start:end]:
            end += 1
    return None if start is None or end is None else (start, end)


def _dimensions(match: re.Match[str], text: str, since: int) -> Iterator[Dimension]:
    factor = _factor("length", match["unit"])
    parts = _TIMES_SIGN.split(match["numbers"])
    order = _order(text, max(since, match.start() - 30), match)
    for place, part in enumerate(parts):
        feet = _FEET_BEFORE.match(part)
        part = part[feet.end() :] if feet else part
        amounts = _amounts(part)
        own = None if part.isdecimal() or _ONE_NUMBER.fullmatch(part) else _LENGTH_UNIT.search(part)
        size = max(amounts, default=Decimal(0)) * (_factor("length", own.group()) if own else factor)
        if feet:
            size += (_amount(feet[1]) or 0) * _FOOT
        if not 0 < size <= _LARGEST_MM:
            continue
        letter = _LETTER.search(part) if place < len(parts) - 1 else _LETTER.match(text, match.end())
        kind = _LETTERS.get(letter[1].upper()) if letter else None
        if len(order) == len(parts) > 1:
            kind = order[place]
        elif kind is None and len(parts) == 1:
            kind = _kind_beside(text, max(since, match.start() - 25), match)
        yield Dimension(kind, _rounded(size))


def _order(text: str, since: int, match: re.Match[str]) -> list[DimensionKind]:
    """The kinds that letters beside several numbers name in their order: (H x W x D)."""
    found = _ORDER.search(text, since, match.start()) or _ORDER.search(text, match.end(), match.end() + 15)
    return [_ORDER_LETTERS[letter] for letter in found.group().upper() if letter in _ORDER_LETTERS] if found else []


def _kind_beside(text: str, since: int, match: re.Match[str]) -> DimensionKind | None:
    """The kind that the nearest word before names, else one right behind."""
    before = list(_KIND.finditer(text, since, match.start()))
    if before and not any(sign in text[before[-1].end() : match.start()] for sign in ",;\n"):
        return _kind_of(before[-1])
    behind = _kind_behind(text, match.end())
    return _kind_of(behind) if behind else None


def _kind_behind(text: str, end: int) -> re.Match[str] | None:
    """The word in "12 cm high", "12 cm de haut"."""
    gap = _GAP.match(text, end)
    return _KIND.match(text, gap.end() if gap else end)


def _kind_of(match: re.Match[str]) -> DimensionKind:
    return cast(DimensionKind, match.lastgroup)


def _repeats(one: Dimension, found: Iterable[Dimension]) -> bool:
    """Whether an earlier measure said it: the same kind, or none now, and nearly the same length in another unit."""
    return any(
        one.kind in (None, other.kind) and abs(one.millimetres - other.millimetres) <= _SAME * other.millimetres
        for other in found
    )


def _amounts(text: str) -> list[Decimal]:
    found = [_amount(number.group()) for number in _ONE_NUMBER.finditer(text)]
    return [one for one in found if one is not None and one > 0]


def _amount(text: str) -> Decimal | None:
    """`4 3/4`, `4½`, `3,78` and `١٢٫٥` as numbers."""
    total = Decimal(0)
    for sign, value in () if text.isascii() else _FRACTIONS.items():
        if sign in text:
            total, text = total + value, text.replace(sign, "").strip()
    fraction = _FRACTION.search(text) if "/" in text else None
    if fraction:
        if int(fraction[2]) == 0:
            return None
        total += Decimal(int(fraction[1])) / Decimal(int(fraction[2]))
        text = text[: fraction.start()].strip()
    try:
        return total + Decimal(text.replace(",", ".").replace("٫", ".")) if text else total
    except InvalidOperation:
        return None


@lru_cache(maxsize=256)
def _factor(what: str, unit: str) -> Decimal:
    for factor, words in _FACTORS[what].items():
        if re.fullmatch(words, unit, re.I) or (unit.lower().startswith("in") and factor == "25.4"):
            return Decimal(factor)
    if what == "length":  # an inch sign or feet, whose patterns look at what follows
        return _FOOT if unit[:1] in "fF" else Decimal("25.4")
    return Decimal(1)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01")).normalize() + Decimal(0)


def _quantity(value: object) -> str | None:
    """A quantity in words: "12 cm" as it stands, or a schema.org QuantitativeValue with its unit."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    if isinstance(value, str):
        return clean(value) if any(c.isdigit() for c in value) and len(value) <= 200 else None
    if not isinstance(value, Mapping):
        return None
    amount = value.get("value")
    unit = (
        value.get("unitText") or value.get("unit") or _UNIT_CODES.get(str(value.get("unitCode")), value.get("unitCode"))
    )
    return f"{amount} {unit}" if isinstance(amount, (str, int, float)) and isinstance(unit, str) else None


def _add_size(found: list[Dimension], words: str, findings: Findings, source: str) -> None:
    text = clean(words)
    if found and text and "size" not in findings.values:
        findings.add("size", text[:200], source)
        findings.add("dimensions", found, source)
