"""Labelled rows in JSON: {"label": "Price", "value": "€ 250"}, as answers carry them whose screens the server lays out.

What is shown is then all there is: no key says what a value means, only its label does, in the reader's language.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from crawler.extraction import bids
from crawler.extraction.findings import Findings
from crawler.extraction.images import has_image_ending, image_addresses
from crawler.extraction.prices import parse_price
from crawler.extraction.rows import MAX_LABEL, MAX_LABELS, MAX_VALUE, take_plain
from crawler.extraction.state import Place, title_of
from crawler.extraction.state_keys import plain_key, rank_in
from crawler.extraction.text import clean, folded
from crawler.extraction.visible_words import DESCRIPTION_HEADING, LABEL

_LABEL_KEYS = ("label", "title", "name", "key", "caption")
_VALUE_KEYS = ("value", "displayvalue", "formattedvalue", "valuetext", "text", "subtitle")
_SHARING = frozenset({"share", "seo", "meta", "metadata", "webinfo", "opengraph", "og", "sharing", "shareinfo"})
"""Objects in which an answer says how its page is to be called when it is passed on."""
_TEXT_KEYS = frozenset({"text", "description", "body", "content", "value"})
_LEAST_DESCRIPTION = 40


def pairs(places: list[Place]) -> Iterator[tuple[str, str]]:
    """Label and value of every row, in the order in which they stand."""
    for place in places:
        plain = {plain_key(k): v for k, v in place.value.items()}
        label = next((plain[k] for k in _LABEL_KEYS if isinstance(plain.get(k), str)), None)
        value = next((plain[k] for k in _VALUE_KEYS if isinstance(plain.get(k), str)), None) or _only(
            plain.get("values")
        )
        if label and value and label != value and len(label) <= MAX_LABEL and len(value) <= MAX_VALUE:
            yield label, value


def _only(values: Any) -> str | None:
    """The text of a row's only value: ["1500 €"], [{"value": "1500 €"}]."""
    inner = values[0] if isinstance(values, list) and len(values) == 1 else None
    inner = inner.get("value") or inner.get("name") if isinstance(inner, dict) else inner
    return inner if isinstance(inner, str) else None


def fill(places: list[Place], findings: Findings, source: str) -> None:
    """The values of rows whose labels are known, for fields that are still empty."""
    for number, (label, value) in enumerate(pairs(places)):
        if number > MAX_LABELS:
            return
        match = LABEL.match(label)
        if match is None or match.lastgroup is None or match.end() < len(label):
            continue
        name = match.lastgroup
        if name == "price":
            money = parse_price(value, hint=findings.rules.currency, country=findings.country)
            if money and money.currency and money.amount > 0:
                findings.add_price(money.amount, money.currency, f"{source}.{label}")
        elif name == "estimate":
            bids.take_estimate(value, findings, f"{source}.{label}")
        elif name in bids.LABELS:
            bids.take_labelled(name, value, findings, f"{source}.{label}")
        else:
            take_plain(name, value, findings, f"{source}.{label}")
    bids.settle_price(findings)


def shared(places: list[Place], url: str) -> Place | None:
    """The object that names the answer's page and gives the address that was asked for; None where none does."""
    path = _path(url)
    for place in places:
        if len(place.path) > 5 or not any(plain_key(step) in _SHARING for step in place.path):
            continue
        if title_of(place.value) and any(
            isinstance(v, str) and v.startswith("http") and _path(v) == path for v in place.value.values()
        ):
            return place
    return None


def fill_screen(named: Place, places: list[Place], findings: Findings, absolute: Any) -> bool:
    """Read an answer made of rows and texts as the page that it draws; whether it offers anything."""
    source = "state:" + ".".join(named.path)[-80:]
    title = title_of(named.value)
    findings.add_title(_as_shown(title, places), source)
    fill(places, findings, "state:row")
    pictures = [
        address
        for place in places
        if plain_key(place.path[-1]) in ("image", "photo", "picture")
        for address in list(image_addresses(place.value, absolute))[:1]
        if has_image_ending(address)
    ]
    findings.add_images(pictures, "state:images")
    findings.add_text("description", _description(places), "state:text")
    texts = [(key, inner) for place in places for key, inner in place.value.items() if isinstance(inner, str)]
    towns = [
        (rank, number, inner)
        for number, (key, inner) in enumerate(texts)
        if (rank := rank_in("location", key)) is not None and 2 <= len(inner) <= 60 and not _is_slug(inner)
    ]
    if towns:
        findings.add_text("location", min(towns)[2], "state:place")
    return any(name in findings.values for name in ("price", "seller", "images"))


def _is_slug(text: str) -> bool:
    return text.isascii() and text == text.lower()


def _description(places: list[Place]) -> str | None:
    """The text behind one that calls it the description, else the longest."""
    texts = [
        inner
        for place in places
        for key, inner in place.value.items()
        if isinstance(inner, str) and plain_key(key) in _TEXT_KEYS
    ]
    for heading, text in pairwise(texts):
        if len(heading) < _LEAST_DESCRIPTION and DESCRIPTION_HEADING.match(heading):
            return text
    return max((text for text in texts if len(text) >= _LEAST_DESCRIPTION), key=len, default=None)


def _as_shown(title: str | None, places: list[Place]) -> str | None:
    """The title in the wording of the screen, where the one for sharing had its signs replaced ("a_b" for "a/b")."""
    if title is None:
        return None
    letters = [c for c in folded(title) if c.isalnum()]
    for place in places:
        shown = clean(place.value.get("title"))
        if shown and shown != title and [c for c in folded(shown) if c.isalnum()] == letters:
            return shown
    return title


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""
