"""Seller, lot number and end time where label and value are one text without a colon, and the page leaves no doubt.

A text counts only where it says nothing else, stands in the listing's own part of the page, and no other text of the
same form says otherwise.
"""

from __future__ import annotations

import re

from crawler.extraction.findings import Findings
from crawler.extraction.openings import openings
from crawler.extraction.rows import is_name
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
    r"|\Ascade(?: il)?\s+(?P<it>.+)\Z|\A(?:ينتهي|تنتهي)(?: المزاد| المزايدة)?(?: في| يوم)?\s+(?P<ar>.+)\Z",
    re.I,
)
_OPENINGS = openings(_LOT, _SELLER, _ENDS)
_DAY = re.compile(r"\d{4}|\d{1,2}[./]\d{1,2}[./]\d{2}")
"""A moment with its year: "Ends in 3 days" and "closes at 5" are none."""


def fill(scope: Scope, findings: Findings) -> None:
    """Fill what is still empty of the three."""
    wanted = {name for name in ("lot_number", "seller", "ends_at") if findings.lacks(name)}
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
        else:
            findings.add_text(name, value, "visible:words")


def _read(text: str) -> tuple[str, str] | None:
    """The field that a text gives, and its value."""
    if match := _LOT.match(text):
        return "lot_number", match[1]
    if match := _SELLER.match(text):
        name = next(group for group in match.groups() if group).strip(" .")
        return ("seller", name) if is_name(name) and not any(c.isdigit() for c in name[:1]) else None
    if match := _ENDS.match(text):
        moment = next(group for group in match.groups() if group)
        return ("ends_at", moment) if _DAY.search(moment) else None
    return None
