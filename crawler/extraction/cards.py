"""The card of each listing on a search page: the repeated element around its link, and a fingerprint of what it says.

A card that shows a price tells whether the offer has changed, and its page need not be asked for again.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from crawler.extraction.document import Document, visible_text
from crawler.extraction.links import shows_price

LONGEST_CARD = 4_000
"""Characters of a card's text: more is no card but a whole page."""
_MOST_LEVELS = 8

_STATE_CLASS = re.compile(
    r"sold|ended|closed|unavailable|out-?of-?stock|reserved|withdrawn|passed|vendu|termin|verkauft|vendido|vendut", re.I
)
_COUNTDOWN = re.compile(
    r"\b\d++\s?(?:days?|d|hours?|hrs?|hr|h|minutes?|mins?|min|seconds?|secs?|sec|s|jours?|j|heures?|secondes?|tage?|stunden?|std"
    r"|días?|horas?|giorni|ore|saat|gün)\b\.?|\b\d{1,2}:\d{2}:\d{2}\b"
    r"|(?<![\d٠-٩])[\d٠-٩]++\s?(?:يوما?|أيام|ايام|ساعة|ساعات|دقيقة|دقائق|ثانية|ثواني|ثوان)"
)
"""Time that is left differs at every look, and the end itself is known from the listing's page."""


def read_cards(document: Document, listing_urls: Iterable[str]) -> dict[str, str]:
    """Fingerprint of each listing's card that shows a price, by the listing's address; others are left out."""
    wanted = set(listing_urls)
    anchors: dict[str, list[Any]] = {}
    for anchor in document.root.iter("a") if wanted else ():
        address = (document.absolute(anchor.get("href")) or "").split("#", 1)[0]
        if address in wanted:
            anchors.setdefault(address, []).append(anchor)
    within = _listings_within(anchors)
    return {
        address: _fingerprint(text)
        for address, (anchor, *_) in anchors.items()
        if shows_price(text := _card_text(anchor, within))
    }


def card_key(fingerprint: str, read_with: str) -> str:
    """The fingerprint together with what listings are read with: where that changes, every card is a new one."""
    return hashlib.sha256(f"{read_with}\n{fingerprint}".encode()).hexdigest()


def _fingerprint(text: str) -> str:
    """SHA-256 over a card's text without countdowns, whatever its case, spacing and composition."""
    folded = _COUNTDOWN.sub("", unicodedata.normalize("NFKC", text).casefold())
    return hashlib.sha256(" ".join(folded.split()).encode("utf-8", "replace")).hexdigest()


def _listings_within(anchors: dict[str, list[Any]]) -> dict[Any, set[str]]:
    """Element -> the listings linked from inside it, some levels up from each link."""
    within: dict[Any, set[str]] = {}
    for address, links in anchors.items():
        for link in links:
            node = link
            for _ in range(_MOST_LEVELS):
                if node is None:
                    break
                within.setdefault(node, set()).add(address)
                node = node.getparent()
    return within


def _card_text(anchor: Any, within: dict[Any, set[str]]) -> str:
    """What the largest element around a link says that links no other listing."""
    card = anchor
    for _ in range(_MOST_LEVELS - 1):
        parent = card.getparent()
        if parent is None or parent.tag in ("body", "html") or len(within.get(parent, ())) != 1:
            break
        card = parent
    text = visible_text(card, limit=LONGEST_CARD)
    if len(text) > LONGEST_CARD:
        return ""
    return " ".join([text, *_state_classes(card)])


def _state_classes(card: Any) -> list[str]:
    """Classes that draw a state without a word: a ribbon "sold"."""
    names = {name for element in card.iter() for name in (element.get("class") or "").split()}
    return sorted(name for name in names if _STATE_CLASS.search(name))
