"""CSS for a search page's listing links and its next page, kept only where it finds exactly what is on the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from crawler.extraction.document import Document
from crawler.extraction.links import listings_by_rule
from crawler.extraction.rules import PageRules, check_selector
from crawler.extraction.selectors import select

_LEVELS = 5
_CLASS = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]*\Z")
_MADE_BY_MACHINE = re.compile(r"\d{3,}|(?:^|[_-])(?:css|sc|jsx?)-|[A-Z0-9]{2}.*[a-z][A-Z0-9]|__\w{5}\Z")
"""Class names that the next build of the site will change."""


def listings_selector(document: Document, urls: Sequence[str], listing_url: re.Pattern[str]) -> str | None:
    """CSS under which exactly the listings `urls` are found; None where no class of theirs tells them apart."""
    wanted = set(urls)
    anchors = [a for a in document.root.iter("a") if _address(a, document) in wanted]
    for css in _shared_classes(anchors):
        rules = PageRules(listing_url=listing_url, listings=css)
        if check_selector(css) is None and set(listings_by_rule(document, rules)) == wanted:
            return css
    return None


def next_selector(document: Document, next_url: str) -> str | None:
    """CSS whose first link is the next page; None where only its words tell it."""
    for element in document.root.iter("a", "link"):
        if document.absolute(element.get("href")) != next_url:
            continue
        for css in _next_candidates(element):
            found = select(css, document) if check_selector(css) is None else []
            if found and document.absolute(found[0].get("href")) == next_url:
                return css
    return None


def _address(anchor: Any, document: Document) -> str | None:
    url = document.absolute(anchor.get("href"))
    return url.split("#", 1)[0] if url else None


def _shared_classes(anchors: Sequence[Any]) -> Iterable[str]:
    """`tag.class` of what the listings have in common, the links themselves first, then what stands around them."""
    nodes = list(anchors)
    for level in range(_LEVELS):
        shared: dict[str, None] = {}
        for node in nodes:
            if node is not None:
                shared.update(dict.fromkeys(_tag_classes(node)))
        for css in shared:
            yield css if level == 0 else f"{css} a"
            if level:
                yield css
        nodes = [node.getparent() if node is not None else None for node in nodes]


def _tag_classes(element: Any) -> list[str]:
    names = (element.get("class") or "").split()
    return [f"{element.tag}.{name}" for name in names if _CLASS.match(name) and not _MADE_BY_MACHINE.search(name)]


def _next_candidates(element: Any) -> Iterable[str]:
    """Selectors that say "next": a class that all page links share would lead back from the second page."""
    tag = element.tag
    if "next" in (element.get("rel") or "").lower().split():
        yield f'{tag}[rel~="next"]'
    parent = element.getparent()
    yield from (css for css in _tag_classes(element) if "next" in css)
    if parent is not None:
        yield from (f"{css} > {tag}" for css in _tag_classes(parent) if "next" in css)
    label = element.get("aria-label")
    if label and not re.search(r'["\\\d]', label) and len(label) < 40:  # "Page 2" is the next page only once
        yield f'{tag}[aria-label="{label}"]'
