"""What a lot fetched, in one text ("Sold for £19,125 inc. premium") or beside its label: the price of a sold lot."""

from __future__ import annotations

import re

from crawler.extraction.findings import Findings
from crawler.extraction.openings import openings
from crawler.extraction.prices import parse_price
from crawler.extraction.rows import next_value
from crawler.extraction.scope import Scope

_LONGEST = 80
_FETCHED = re.compile(
    r"\A(?:(?:(?:sold|bought)(?: on [^:]{6,30})? for|(?:price )?reali[sz]ed(?: price)?|price achieved"
    r"|hammer(?: price)?|result"
    r"|vendu (?:pour|à)|adjugé(?: à)?|prix (?:d.adjudication|marteau)|résultat|adjudication|verkauft für|zuschlag"
    r"|ergebnis|aggiudicato(?: a)?|prezzo di aggiudicazione|venduto (?:a|per)|adjudicado(?: en)?"
    r"|vendido (?:por|em)|arrematado(?: por)?|precio de remate|klubbat pris|slutpris|hamm[ae]r(?:slag|pris)|hamerprijs"
    r"|verkocht voor|sprzedan[eo] za|wylicytowano(?: za)?|cena końcowa|продан[оа]? за"
    r"|נמכר ב|بيع بسعر)\s*[:：]?|(?:sold|vendu|verkauft|venduto|vendido)\s*[:：])\s*"
    r"(?P<rest>(?:[$€£¥]|[A-Z]{2,3}\b)?\s*[0-9].*|)\Z",
    re.I,
)
_OPENINGS = openings(_FETCHED)


def fill(scope: Scope, findings: Findings) -> None:
    """Take the first amount that the listing's own part calls the one it fetched; an empty row leaves all as it is."""
    for text, number in scope.texts_opening(_OPENINGS):
        match = _FETCHED.match(text) if len(text) <= _LONGEST else None
        element, is_tail = scope.document.place_of(number) if match else (None, False)
        if match is None or element is None or scope.foreign(element):
            continue
        value = match["rest"] or next_value(element, is_tail) or ""
        money = parse_price(value[:_LONGEST], hint=findings.rules.currency, country=findings.country)
        if money is None or money.currency is None or money.amount <= 0:
            continue
        if findings.sources.get("price", "").startswith("visible"):
            del findings.values["price"]
        findings.add_price(money.amount, money.currency, "visible:sold for")
        findings.add("availability", "SoldOut", "visible:sold for")
        return
