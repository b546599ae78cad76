"""Which part of a page is about its one listing: the main heading, and what stands among other offers instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

from crawler.extraction.document import MAX_TEXT_PIECE, Document, is_hidden, marks_of, visible_text
from crawler.extraction.openings import COUNTING, LENGTH, READERS, UNKNOWN, Openings, readers_of
from crawler.extraction.text import folded

_MAX_HEADINGS = 60
_MAX_CLIMB = 40
_FRAME_TAGS = frozenset({"nav", "footer", "del", "s", "strike", "template", "noscript", "select"})
_OTHERS = re.compile(
    r"(?:^|[\s_-])(?:similar|related|recommend\w*|recommendations?|carousel|slider|swiper|also"
    r"|upsells?|cross-?sells?|recent|recently|viewed|bestsell\w*"
    r"|sponsored|advert\w*|ads|accessor\w*|footer|header|nav|navbar|navigation|menu|minicart"
    r"|mini-cart|mini-basket|rtm|mfe|suggest\w*|bundle|compare"
    r"|review\w*|feedback\w*|rating\w*|bewertung\w*|comment\w*|cookie\w*|consent|newsletter|login"
    r"|modal|popup|tooltip)(?:$|[\s_-])"
    r"|[a-z](?:Similar|Related|Recommend|Carousel|Slider|Footer|Header|Reviews?|Sponsored)",
    re.M,
)


_OWN_HEADER = re.compile(
    r"(?:lot|item|product|listing|detail|details|offer|article|post|posting|view|auction|title|price|pdp)"
    r"(?:[_-]{0,2}(?:page|view))?[_-]{0,2}header",
    re.I,
)
"""The head of the listing's own part ("lot-header__price"), which is no part of the site's frame."""
_GALLERY = re.compile(r"carousel|slider|swiper|modal|popup", re.I)
_COUNTS = re.compile(r"\W*\d+\s*(?:[^\W\d_]|\Z)")


class Scope:
    """The main heading of a page, and a memory of which elements stand outside the listing."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.heading = main_heading(document)
        around = () if self.heading is None else (self.heading, *self.heading.iterancestors())
        self._around = {element: level for level, element in enumerate(around)}
        self._foreign: dict[Any, bool] = {}
        self._foreign_photos: dict[Any, bool] = {}

    def texts_opening(self, known: Openings) -> Iterator[tuple[str, int]]:
        """The page's texts with such an opening, in page order, each with its number in the document.

        Left out are long texts without a colon.
        """
        for text, number, readers in self._read_by:
            if readers & known.bit:
                yield text, number

    @cached_property
    def counting_texts(self) -> list[tuple[str, int, str]]:
        """The texts that may count something ("3 bids", or "3" alone), each with its number and the text behind it."""
        return [
            (text, number, self._text_behind(number))
            for text, number, readers in self._read_by
            if readers & COUNTING and _counts(text)
        ]

    def _text_behind(self, number: int) -> str:
        nodes = self.document.bare_texts
        for node in map(nodes.__getitem__, range(number + 1, len(nodes))):
            if len(node) < MAX_TEXT_PIECE and (text := node.strip()):
                return text
        return ""

    @cached_property
    def _read_by(self) -> list[tuple[str, int, int]]:
        """Texts with their numbers and the bits of those who read them; those that nobody reads left out."""
        nodes = self.document.bare_texts
        found = []
        for number, readers in [(n, r) for n, node in enumerate(nodes) if (r := READERS[node[:LENGTH]])]:
            text = nodes[number].strip()
            if readers == UNKNOWN and text:
                readers = READERS[text[:LENGTH]]
            if not text or len(nodes[number]) >= MAX_TEXT_PIECE:
                continue
            if len(text) <= _LONGEST_ALONE or ":" in text or "：" in text:
                found.append((text, number, readers if readers != UNKNOWN else readers_of(text)))
        return found

    def levels_apart(self, element: Any) -> int:
        """How many levels above the heading the smallest part of the page lies that holds it and the element."""
        node = element
        for _ in range(_MAX_CLIMB):
            if node is None:
                break
            if node in self._around:
                return self._around[node]
            node = node.getparent()
        return _MAX_CLIMB

    def foreign(self, element: Any, *, gallery: bool = False) -> bool:
        """Whether an element stands among other offers or in the site's frame, or is hidden from the eye.

        What also holds the main heading is the listing's own part, whatever its classes say. For a `gallery` neither
        carousels nor hidden parts are foreign: photos wait in both for their turn.
        """
        known = self._foreign_photos if gallery else self._foreign
        chain = []
        node = element
        answer = False
        for _ in range(_MAX_CLIMB):
            if node is None or node in self._around or node.tag in ("body", "html", "main"):
                break
            if node in known:
                answer = known[node]
                break
            chain.append(node)
            marks = marks_of(node)
            if "eader" in marks:
                marks = _OWN_HEADER.sub("", marks)
            if gallery:
                marks = _GALLERY.sub("", marks)
            if node.tag in _FRAME_TAGS or (not gallery and is_hidden(node)) or _OTHERS.search(marks):
                answer = True
                break
            node = node.getparent()
        for one in chain:
            known[one] = answer
        return answer


_LONGEST_ALONE = 90
"""Characters of a text that says one thing; in a longer one a label ends with a colon."""


@lru_cache(maxsize=8192)
def _counts(text: str) -> bool:
    return _COUNTS.match(text) is not None


def main_heading(document: Document) -> Any:
    """The h1 that agrees with the title tag, else the only h1, else an h2 to h4 that agrees; None without any.

    Where a site's name or a lot's number is the heading, a lower one that agrees goes before it. Pages without headings
    have their largest letters.
    """
    heads = folded(f"{document.title_tag or ''} {document.meta.get('og:title', '')}")
    lone: Any = None
    number_alone: Any = None
    for level in ("h1", "h2", "h3", "h4"):
        found = []
        for number, element in enumerate(document.of_tag(level)):
            if number > _MAX_HEADINGS:
                break
            text = folded(visible_text(element, limit=600))
            if not text:
                continue
            if _LOT_ALONE.match(text):
                number_alone = element if number_alone is None else number_alone
                continue
            found.append(element)
            agrees = heads and len(text) >= 3 and (text in heads or _carries_title(text, heads))
            if agrees and not (level == "h1" and _names_forum(element, text, heads)):
                return element
        if level == "h1" and len(found) == 1:
            lone = found[0]
    if lone is None:
        lone = number_alone
    return _largest_letters(document, heads) if lone is None else lone


_LOT_ALONE = re.compile(
    r"(?:(?:web|online|live|floor|timed|mail bid) )?(?:e-)?(?:auction|auktion|sale|vente) \d{1,4}\b.{0,30}\Z"
    r"|(?:lot|los|lote|lotto|kavel|item|лот|לוט|القطعة)\s?(?:no\.?|nr\.?|n°|#|№)?\s?\d{1,7}[a-z]?\Z"
)
"""What names no thing: the number of a lot or of a sale."""
_SITE_HEADER = re.compile(r"(?:^|[\s_-])(?:(?:page|site)-?(?:header|description)|headerbar|branding)(?:$|[\s_-])")
_BIG = frozenset({"+1", "+2", "+3", "+4", "4", "5", "6", "7"})


def _names_forum(heading: Any, text: str, heads: str) -> bool:
    """Whether an h1 in the frame's head is what all titles end with: the name of the site."""
    return (
        heads.endswith(text)
        and len(text) < len(heads)
        and any(_SITE_HEADER.search(marks_of(node)) for node in islice(heading.iterancestors(), 4))
    )


def _largest_letters(document: Document, heads: str) -> Any:
    """On a page without headings the bold or large text that agrees with the title, else the first large one."""
    ""
    if any(document.of_tag(level) for level in ("h1", "h2", "h3", "h4")):
        return None
    large: Any = None
    for element in islice(document.root.iter("b", "strong", "font", "big"), _MAX_HEADINGS):
        text = folded(visible_text(element, limit=300))
        if not 8 <= len(text) <= 200 or _LOT_ALONE.match(text):
            continue
        if text in heads or _carries_title(text, heads):
            return element
        if large is None and (element.tag == "big" or element.get("size") in _BIG):
            large = element
    return large


def _carries_title(text: str, heads: str) -> bool:
    """Whether a heading is the page's title with something hung on it ("Vase - $40 (Tunis)")."""
    title = re.split(r"\s[|–—-]\s", heads)[0].strip()
    return len(title) >= 5 and (title in text or (len(text) > 12 and text[: max(12, len(text) // 2)] in heads))
