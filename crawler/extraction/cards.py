"""The card of each listing on a search page: the repeated element around its link, and a fingerprint of what it says.

A card that shows a price tells whether the offer has changed, and its page need not be asked for again.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
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
    r"\b\d++\s?(?:days?|d|hours?|hrs?|hr|h|minutes?|mins?|min|seconds?|secs?|sec|s|jours?|j|heures?|secondes?|tage?"
    r"|stunden?|std"
    r"|días?|horas?|giorni|ore|saat|gün)\b\.?|\b\d{1,2}:\d{2}:\d{2}\b"
    r"|(?<![\d٠-٩])[\d٠-٩]++\s?(?:يوما?|أيام|ايام|ساعة|ساعات|دقيقة|دقائق|ثانية|ثواني|ثوان)"
)
"""Time that is left differs at every look, and the end itself is known from the listing's page."""


_OVER_WORDS = (
    r"(?:(?:un)?sold|ended|withdrawn|vendue?s?|adjugée?s?|terminée?s?|verkauft|beendet|vendid[oa]s?|vendut[oa]"
    r"|تم البيع|مباعة?|منتهية?)"
)
_OVER = re.compile(
    rf"(?<![\d.,£$€¥])\d{{1,7}}\+?\s{_OVER_WORDS}"
    rf"|(?<![^\W\d])(?P<over>{_OVER_WORDS})(?!\w|\s+(?:by|through|via|par|por|von|durch|da)\b)",
    re.I,
)
"""That an offer is over; a live one shows "12 sold" and "sold by Ann" as well."""
_OVER_MARK = "over:"
_DIGEST_LENGTH = 64

_SHOWN_ATTRIBUTES = ("alt", "title", "aria-label")
_WORDS = re.compile(r"[\w\s-]{1,40}")
_YES_OR_NO = re.compile(r"[a-z]{0,10}", re.I)
_MOST_OF_A_VALUE = 200


def read_cards(document: Document, listing_urls: Iterable[str]) -> dict[str, str]:
    """Fingerprint of each listing's card that shows a price, by the listing's address; others are left out."""
    wanted = set(listing_urls)
    anchors: dict[str, list[Any]] = {}
    for anchor in document.root.iter("a") if wanted else ():
        address = (document.absolute(anchor.get("href")) or "").split("#", 1)[0]
        if address in wanted:
            anchors.setdefault(address, []).append(anchor)
    within = _listings_within(anchors)
    cards = {address: _card(anchor, within) for address, (anchor, *_) in anchors.items()}
    return {
        address: _fingerprint(" ".join([text, *_state_words(card)]), _state_marks(card))
        for address, card in cards.items()
        if shows_price(text := _text(card))
    }


def card_key(fingerprint: str, read_with: str) -> str:
    """The fingerprint together with what listings are read with: where that changes, every card is a new one."""
    digest = hashlib.sha256(f"{read_with}\n{fingerprint}".encode()).hexdigest()
    return _marked(digest) if says_over(fingerprint) else digest


def says_over(card: str) -> bool:
    """Whether a card, by its fingerprint or key, says in words that its offer is over: it changes with a new offer."""
    return card.startswith(_OVER_MARK)


def _marked(digest: str) -> str:
    return (_OVER_MARK + digest)[:_DIGEST_LENGTH]


def _fingerprint(text: str, marks: Sequence[str] = ()) -> str:
    """SHA-256 over a card's text and marks without countdowns, whatever its case, spacing and composition."""
    folded = _COUNTDOWN.sub("", unicodedata.normalize("NFKC", " ".join([text, *marks])).casefold())
    digest = hashlib.sha256(" ".join(folded.split()).encode("utf-8", "replace")).hexdigest()
    return _marked(digest) if any(match["over"] for match in _OVER.finditer(text)) else digest


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


def _card(anchor: Any, within: dict[Any, set[str]]) -> Any:
    """The largest element around a link that links no other listing."""
    card = anchor
    for _ in range(_MOST_LEVELS - 1):
        parent = card.getparent()
        if parent is None or parent.tag in ("body", "html") or len(within.get(parent, ())) != 1:
            break
        card = parent
    return card


def _text(card: Any) -> str:
    text = visible_text(card, limit=LONGEST_CARD)
    return "" if len(text) > LONGEST_CARD else text


def _state_words(card: Any) -> list[str]:
    """What a picture or a label says of a state in place of text: an image whose alternative text is "sold"."""
    found = (element.get(name) for element in card.iter() for name in _SHOWN_ATTRIBUTES)
    values = {value[:_MOST_OF_A_VALUE] for value in found if value}
    return sorted(value for value in values if _STATE_CLASS.search(value))


def _state_marks(card: Any) -> list[str]:
    """Classes, data and image files that draw a state without a word: a ribbon "sold"."""
    marks: set[str] = set()
    for element in card.iter():
        marks.update(name for name in (element.get("class") or "").split() if _STATE_CLASS.search(name))
        for name, value in element.items():
            if name == "src":
                file = value[-_MOST_OF_A_VALUE:].split("?", 1)[0].rpartition("/")[2]
                marks.update([file] if _STATE_CLASS.search(file) and not value.startswith("data:") else [])
            elif name.startswith("data-") and _is_state(name, value):
                marks.add(f"{name}={value}")
    return sorted(marks)


def _is_state(name: str, value: str) -> bool:
    """Whether data says a state: `data-status="sold"`, `data-sold="true"`; numbers and records may always differ."""
    named = _STATE_CLASS.search(name) and _YES_OR_NO.fullmatch(value)
    return bool(named or (_WORDS.fullmatch(value) and _STATE_CLASS.search(value)))
