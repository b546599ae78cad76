"""Seller, place and end as an element's own name gives them (class, test name, aria-label), where no label stands by.

One walk over the page for all three: the names of its elements are read once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import unquote, urlsplit

from babel import Locale, UnknownLocaleError
from lxml import etree

from crawler.extraction.document import marks_of, visible_text
from crawler.extraction.findings import Findings
from crawler.extraction.moments import parse_loose_moment
from crawler.extraction.rows import SELLER_SEGMENTS, is_name, is_seller_link, take_plain
from crawler.extraction.scope import Scope
from crawler.extraction.visible_words import GONE, LABEL, STILL_OFFERED

_MOST_ELEMENTS = 30_000
_MOST_NAMED = 60
_LONGEST_NAME = 60
_LONGEST_PLACE = 80
_LONGEST_BLOCK = 300
_LINKS_SEEN = 2_000

_SELLER = re.compile(
    r"(?:^|[\s_-])(?:x-)?(?:sellercard|seller|vendor|vendeur|verkaeufer|vendedor|venditore|dealer|auctioneer"
    r"|auction-?house|house-?(?:info|name)|company-?name|company|shop-?name|store-?name|merchant|advertiser"
    r"|user-?profile\w{0,10}|user-?(?:box|card)|user-?name(?:-info\w{0,10})?|nickname|(?:post|ad)-author|postprofile)"
    r"(?:$|[\s_-])|seller[-_]?(?:name|info|card|link)|[a-z](?:Seller(?:Name|Info)?|UserBox|UserProfile|UserCard)",
    re.I,
)
_PLACE = re.compile(
    r"(?:^|[\s_-])(?:location|locality|item-?location|locationtext|city|town|ville|venue|localisation|standort"
    r"|ubicacion|localidade?|luogo|lokalizacja|address(?:locality|__string)?|item-address|availableatorfrom)"
    r"(?:$|[\s_-])|[a-z]Location(?:Text|Name)?(?![a-z])",
    re.I,
)
_ENDS = re.compile(
    r"(?:^|[\s_-])(?:(?:auction|sale|lot|end|ends|ending|close|closes|closing|expiry|bidding)-?_?(?:date|time"
    r"|datetime)\w{0,6}"
    r"|countdown\w{0,8}|timer\w{0,12}|time-?left|ends-?at)(?:$|[\s_-])|[a-z](?:EndDate|EndTime|EndsAt"
    r"|Countdown)(?![a-z])",
    re.I,
)
_PLACE_SEGMENTS = frozenset(["city", "cities", "ville", "villes", "stadt", "ciudad", "location", "locations", "region"])
_HREFS = etree.XPath("descendant::a/@href")
_LEADS_TO = re.compile(rf"/(?:{'|'.join(sorted(SELLER_SEGMENTS | _PLACE_SEGMENTS))})/", re.I)
_NO_NAME = re.compile(
    r"\b(?:private?r?|particuli\w+|business|pro|professionn?el\w*|user|utilisateur|nutzer|member|verified|online|since"
    r"|seit|depuis|joined|posts?|location|active|aktiv)\b|عضو|منذ",
    re.I,
)
_STAMPS = ("datetime", "data-end", "data-ends", "data-end-time", "data-endtime", "data-end-date", "data-countdown",
           "data-expire", "data-expires", "data-date", "data-time", "data-until", "data-final-date")  # fmt: skip
_YEAR = re.compile(r"20\d\d")
_LEADING_LABEL = re.compile(r"\A[^:：]{2,30}[:：]\s*")


def fill(scope: Scope, findings: Findings) -> None:
    """Fill what is still empty of the three from elements that call themselves so, those near the heading first."""
    wanted = {name for name in ("seller", "location", "ends_at") if findings.lacks(name)}
    found: dict[str, list[tuple[int, int, Any]]] = {name: [] for name in (*wanted, "seller")}
    if wanted:
        for number, element in enumerate(islice(_elements(scope), _MOST_ELEMENTS)):
            for name in _fields(_names_of(element)):
                if name in found and len(found[name]) < _MOST_NAMED and not scope.foreign(element):
                    found[name].append((scope.levels_apart(element), number, element))
        for name in wanted:
            take = _TAKERS[name]
            for _, _, element in sorted(found[name], key=lambda entry: entry[:2]):
                take(element, scope, findings)
                if not findings.lacks(name):
                    break
    if findings.lacks("seller", "location"):
        _linked(scope, findings)
    if findings.lacks("location"):
        _country_of_seller([element for *_, element in found["seller"]], findings)


def _elements(scope: Scope) -> Iterator[Any]:
    yield from scope.document.root.iter(
        "div", "section", "span", "p", "a", "li", "td", "dd", "dl", "h2", "h3", "h4", "h5", "h6", "strong", "address",
        "time", "small", "aside",
    )  # fmt: skip


def _names_of(element: Any) -> str:
    marks = marks_of(element)
    said = element.get("aria-label") or element.get("itemprop")
    return f"{marks} {said}" if said and len(said) < 30 else marks


@lru_cache(maxsize=16_384)
def _fields(names: str) -> tuple[str, ...]:
    """The fields that an element's names speak of; a page repeats few names over many elements."""
    if len(names) < 4:
        return ()
    return tuple(
        name for name, named in (("seller", _SELLER), ("location", _PLACE), ("ends_at", _ENDS)) if named.search(names)
    )


def _take_seller(element: Any, scope: Scope, findings: Findings) -> None:
    """The first link with a name in the block, else its heading or what else stands first in a short one."""
    for anchor in (element,) if element.tag == "a" else element.iter("a"):
        name = visible_text(anchor, limit=200)
        if anchor.get("href") and is_name(name) and len(name) <= _LONGEST_NAME:
            findings.add_text("seller", name, "visible:seller block")
            findings.add("seller_url", scope.document.absolute(anchor.get("href")), "visible:seller block")
            return
    if len(visible_text(element, limit=_LONGEST_BLOCK)) > _LONGEST_BLOCK:
        return
    for inner in (*element.iter("h2", "h3", "h4", "h5", "h6"), *_leaves(element)):
        name = visible_text(inner, limit=200)
        if not name:
            continue
        if not is_name(name) or len(name) > _LONGEST_NAME or LABEL.match(name) or _NO_NAME.search(name):
            continue
        if not (GONE.match(name) or STILL_OFFERED.match(name)):
            findings.add_text("seller", name, "visible:seller block")
        return


def _leaves(element: Any) -> Iterator[Any]:
    return (one for one in element.iter("span", "p", "b", "strong", "div", "dd") if len(one) == 0)


def _take_place(element: Any, scope: Scope, findings: Findings) -> None:
    text = visible_text(element, limit=300)
    if len(text) <= 2 * _LONGEST_PLACE and (match := LABEL.match(text)) and match.lastgroup == "location":
        text = text[match.end() :]
    if 2 <= len(text) <= _LONGEST_PLACE and not LABEL.match(text) and not STILL_OFFERED.match(text):
        take_plain("location", text, findings, "visible:named location")


def _take_end(element: Any, scope: Scope, findings: Findings) -> None:
    stamps = [one.get(name) for one in (element, *islice(element.iter("time"), 3)) for name in _STAMPS if one.get(name)]
    for stamp in stamps:
        if parse_loose_moment(stamp) is not None:
            findings.add_moment("ends_at", stamp, "visible:named end")
            return
    text = visible_text(element, limit=200)
    for said in (text, _LEADING_LABEL.sub("", text)):
        if len(said) <= 60 and _YEAR.search(said):
            findings.add_moment("ends_at", said, "visible:named end")


_TAKERS = {"seller": _take_seller, "location": _take_place, "ends_at": _take_end}


def _linked(scope: Scope, findings: Findings) -> None:
    """Links whose address says what they name: /shop/OldRings, "OldRings"; /city/jeddah, "Jeddah"."""
    for href in islice(_HREFS(scope.document.root), _LINKS_SEEN):
        if len(href) > 400 or not _LEADS_TO.search(href):
            continue
        anchor = href.getparent()
        is_seller = findings.lacks("seller") and is_seller_link(href)
        if not is_seller and not (findings.lacks("location") and _is_place_link(href)):
            continue
        name = visible_text(anchor, limit=100)
        if scope.foreign(anchor):
            continue
        if (
            is_seller
            and len(name) >= 4
            and _plain(unquote(urlsplit(href).path.rstrip("/").rsplit("/", 1)[-1])).startswith(_plain(name))
            and is_name(name)
        ):
            findings.add_text("seller", name, "visible:seller link")
            findings.add("seller_url", scope.document.absolute(href), "visible:seller link")
        elif not is_seller and len(name) <= 40:
            take_plain("location", name, findings, "visible:link to a place")


def _country_of_seller(blocks: list[Any], findings: Findings) -> None:
    """A country's name, alone or behind a town's, in a block that calls itself the seller's."""
    for block in blocks:
        for leaf in islice(_leaves(block), _MOST_NAMED):
            text = _LEADING_LABEL.sub("", visible_text(leaf, limit=100)).strip(" ()")
            if 4 <= len(text) <= 60 and _COMMA.split(text)[-1].casefold() in _country_names(findings.language or "en"):
                take_plain("location", text, findings, "visible:seller block")
                return


_COMMA = re.compile(r"\s*[,،]\s*")


@lru_cache(maxsize=64)
def _country_names(language: str) -> frozenset[str]:
    names: set[str] = set()
    for one in {language, "en"}:
        try:
            names.update(name.casefold() for code, name in Locale(one).territories.items() if len(code) == 2)
        except (UnknownLocaleError, ValueError):
            continue
    return frozenset(names)


def _is_place_link(href: str) -> bool:
    try:
        segments = [one for one in urlsplit(href).path.lower().split("/") if one]
    except ValueError:
        return False
    return len(segments) >= 2 and segments[-2] in _PLACE_SEGMENTS


def _plain(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
