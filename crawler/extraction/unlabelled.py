"""Seller, lot number, place and end time where label and value are one text without a colon, beyond doubt.

A text counts only where it says nothing else, stands in the listing's own part of the page, and no other text of the
same form says otherwise.
"""

from __future__ import annotations

import re

from crawler.extraction.date_words import is_date_alone
from crawler.extraction.findings import Findings
from crawler.extraction.moments import parse_loose_moment
from crawler.extraction.openings import openings
from crawler.extraction.rows import is_name, take_plain
from crawler.extraction.scope import Scope

_LONGEST = 90
_LOT = re.compile(
    r"\A(?:lot|los|lote|lotto|kavel|القطعة|اللوت|لوت)\s*(?:number|no\.?|nr\.?|n°|nº|#|رقم)?\s*(\d{1,5}[a-z]?)"
    r"(?: details| détails)?\Z",
    re.I,
)
_SELLER = re.compile(
    r"\A(?:sold|offered|listed|posted|consigned|auctioned) by\s+(.{2,60})\Z"
    r"|\A(?:vendu|proposé|mis en vente) par\s+(.{2,60})\Z"
    r"|\A(?:verkauft|angeboten) von\s+(.{2,60})\Z|\Avenduto da\s+(.{2,60})\Z|\Avendido por\s+(.{2,60})\Z"
    r"|\A(?:يباع من قبل|معروض من قبل|البائع هو)\s+(.{2,60})\Z",
    re.I,
)
_ENDS = re.compile(
    r"\A(?:(?:this )?(?:auction|lot|sale|bidding) )?(?:ends|closes|closing|ending)(?: on| at)?\s+(?P<en>.+)\Z"
    r"|\A(?:la vente |les enchères )?(?:se terminent?|finit|clôture)(?: le)?\s+(?P<fr>.+)\Z"
    r"|\A(?:auktion |die auktion )?endet(?: am)?\s+(?P<de>.+)\Z|\A(?:termina|finaliza)(?: el)?\s+(?P<es>.+)\Z"
    r"|\A(?:vente (?:le|du)|avslutad(?:es)?|slut(?:ter|ar)|eindigt(?: op)?|sluit(?: op)?)\s+(?P<xx>.+)\Z"
    r"|\Asold on (?P<sold>.{6,40}?)(?: for:?)?\Z|\Ascade(?: il)?\s+(?P<it>.+)\Z|\A(?:ينتهي|تنتهي)(?: المزاد"
    r"| المزايدة)?(?: في| يوم)?\s+(?P<ar>.+)\Z",
    re.I,
)
_PLACE = re.compile(
    r"\A(?:(?:item |object )?(?:is )?located in|(?:ships|shipped|dispatched) from|finns i|versand aus|abholung in"
    r"|(?:se trouve|situé) à|expédié (?:de|depuis)|(?:enviado|envío) desde|ubicado en|spedito da|si trova a"
    r"|موجود في|يشحن من)\s*:?\s+(.{2,60})\Z",
    re.I,
)
_OPENINGS = openings(_LOT, _SELLER, _ENDS, _PLACE)
_DAY = re.compile(r"\d{4}|\d{1,2}[./]\d{1,2}[./]\d{2}")
"""A moment with its year: "Ends in 3 days" and "closes at 5" are none."""

_BAR = re.compile(r"\s[|·•]\s")
_LONGEST_DATE = 60
_EARLIEST_SALE = 2000
"""Years before are of the thing's past."""

_TOWN = re.compile(r"(?:\A|, |[A-Z]-)(?P<code>\d{4,5})\s(?P<town>[A-ZÀ-ÝŁŚŻČŠŽ][^\W\d_]{2,}[^\d,;:!?€$£]{0,40})\Z")
_FOUR_DIGITS = frozenset({"AT", "AU", "BE", "BG", "CH", "DK", "HU", "LU", "NL", "NO", "SI", "TN"})
"""Countries with post codes like years; elsewhere four digits before a name are something else."""


def fill(scope: Scope, findings: Findings) -> None:
    """Fill what is still empty of the four."""
    wanted = {name for name in ("lot_number", "seller", "ends_at", "location") if findings.lacks(name)}
    if not wanted:
        return
    found: dict[str, set[str]] = {name: set() for name in wanted}
    for text, number in scope.texts_opening(_OPENINGS):
        if len(text) > _LONGEST or not text[0].isalpha():
            continue
        read = _read(text)
        if read is None or read[0] not in wanted or len(found[read[0]]) > 1:
            continue
        element, _ = scope.document.place_of(number)
        if element is not None and not scope.foreign(element):
            found[read[0]].add(read[1])
    for name, values in found.items():
        if len(values) != 1:
            continue
        value = values.pop()
        if name == "ends_at":
            findings.add_moment(name, value, "visible:words")
        elif name == "location":
            take_plain(name, value, findings, "visible:words")
        else:
            findings.add_text(name, value, "visible:words")


def fill_day(scope: Scope, findings: Findings) -> None:
    """On a lot's page without any labelled end, the one date that stands alone is the sale's."""
    is_lot = not (findings.lacks("lot_number") and findings.lacks("estimate_low"))
    if not (is_lot and findings.lacks("ends_at")):
        return
    found: dict[object, str] = {}
    for text, number in scope.document.texts:
        if len(text) > _LONGEST or not _DAY.search(text):
            continue
        for part in _BAR.split(text):
            moment = parse_loose_moment(part) if len(part) <= _LONGEST_DATE and is_date_alone(part) else None
            if moment is None or moment.year < _EARLIEST_SALE:
                continue
            element, _ = scope.document.place_of(number)
            if element is not None and not scope.foreign(element):
                found[moment.date()] = max(found.get(moment.date(), ""), part, key=len)
    if len(found) == 1:
        findings.add_moment("ends_at", found.popitem()[1].strip(), "visible:date alone")


def fill_town(scope: Scope, findings: Findings) -> None:
    """The one post code with its town ("30000 Nîmes") that ends a text of the listing's own part."""
    if not findings.lacks("location"):
        return
    found: set[str] = set()
    for text, number in scope.document.texts:
        match = _TOWN.search(text) if len(text) <= _LONGEST and text[-1:].isalpha() else None
        if match is None or (len(match["code"]) == 4 and findings.country not in _FOUR_DIGITS):
            continue
        element, _ = scope.document.place_of(number)
        if element is not None and element is not scope.heading and not scope.foreign(element):
            found.add(match["town"].strip())
    if len(found) == 1:
        findings.add_text("location", found.pop(), "visible:post code and town")


def _read(text: str) -> tuple[str, str] | None:
    """The field that a text gives, and its value."""
    if match := _LOT.match(text):
        return "lot_number", match[1]
    if match := _SELLER.match(text):
        name = next(group for group in match.groups() if group).strip(" .")
        return ("seller", name) if is_name(name) and not any(c.isdigit() for c in name[:1]) else None
    if match := _PLACE.match(text):
        return "location", match[1]
    if match := _ENDS.match(text):
        moment = next(group for group in match.groups() if group)
        return ("ends_at", moment) if _DAY.search(moment) else None
    return None
