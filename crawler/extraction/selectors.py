"""A definition's selectors on a page. Most are a class with or without a tag, and are looked up instead of searched."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from lxml import etree

from crawler.extraction.document import Document
from crawler.extraction.rules import compiled

_SIMPLE = re.compile(
    r"(?P<tag>[a-z][a-z0-9]*)?\.(?P<class>[a-zA-Z_][a-zA-Z0-9_-]*)(?:::(?:(?P<text>text)"
    r"|attr\((?P<attribute>[a-z-]+)\)))?"
)
_OWN_TEXT = etree.XPath("text()")


def select(css: str, document: Document) -> list[Any]:
    """What a selector finds, in page order: elements, or texts where it ends with `::text` or `::attr(x)`.

    Raises what cssselect or lxml raise on a wrong one.
    """
    simple = _simple(css)
    if simple is None or not document.has_all_classes:
        return _searched(css, document)
    elements = [e for e in document.of_class(simple["class"]) if not simple["tag"] or e.tag == simple["tag"]]
    if simple["attribute"]:
        return [value for e in elements if (value := e.get(simple["attribute"])) is not None]
    if not simple["text"]:
        return elements
    if any(not set(elements).isdisjoint(e.iterancestors()) for e in elements[1:]):
        return _searched(css, document)  # the texts of one stand between those of another
    return [text for element in elements for text in _OWN_TEXT(element)]


def _searched(css: str, document: Document) -> list[Any]:
    found: list[Any] = compiled(css)(document.root)
    return found


@lru_cache(maxsize=512)
def _simple(css: str) -> re.Match[str] | None:
    return _SIMPLE.fullmatch(css.strip())
