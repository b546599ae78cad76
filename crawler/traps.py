"""What leads a crawler on without end: addresses that repeat themselves or swell, and pages that only send one on."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from crawler.extraction.document import Document

LONGEST_ADDRESS = 2083
"""Characters; no browser's address was ever longer on the sites where such limits come from."""
MOST_PARAMETERS = 20
"""Query parameters of one address: facets set one upon another make more, a search has a handful."""
_LONGEST_CYCLE = 4
_FEW_WORDS = 400
"""Characters of visible text up to which a page that sends one on has nothing else to say."""
_REFRESH = re.compile(r"\A\s*(\d{1,6})(?:\.\d*)?\s*[;,]\s*url\s*=\s*['\"]?\s*([^'\"\s>]+)", re.I)
_SCRIPT = re.compile(
    r"(?:\b(?:window|document|self|top)\.)?\blocation(?:\.href)?\s*(?:=(?!=)|\.(?:replace|assign)\s*\()\s*['\"]([^'\"\s]{1,2000})['\"]"
)
_SOON_SECONDS = 10
_MOST_SCRIPT = 20_000


def trap_in(url: str) -> str | None:
    """Why an address is not worth asking for, in words for the crawl's problems; None where it looks sound."""
    if len(url) > LONGEST_ADDRESS:
        return f"its address has {len(url)} characters, more than {LONGEST_ADDRESS}: it swells from page to page"
    try:
        split = urlsplit(url)
    except ValueError:
        return "its address cannot be read"
    cycle = _cycle([part for part in split.path.split("/") if part])
    if cycle:
        return f"its path repeats /{'/'.join(cycle)}/: a link that leads to itself one step deeper"
    names = [name for name, _ in parse_qsl(split.query, keep_blank_values=True)]
    if len(names) > MOST_PARAMETERS:
        return f"its address has {len(names)} parameters, more than {MOST_PARAMETERS}: filters set one upon another"
    return None


def _cycle(parts: list[str]) -> list[str] | None:
    """Segments that stand there twice in a row (a single one four times: dates and sizes repeat a number)."""
    for length in range(1, _LONGEST_CYCLE + 1):
        times = 4 if length == 1 else 2
        for start in range(len(parts) - length * times + 1):
            first = parts[start : start + length]
            if length > 1 and (len(set(first)) == 1 or all(part.isdigit() for part in first)):
                continue
            if all(parts[start + length * n : start + length * (n + 1)] == first for n in range(1, times)):
                return first
    return None


def sent_on_to(document: Document) -> str | None:
    """Where a page that has next to nothing to read sends its reader by a meta refresh or a script; None elsewhere."""
    if not document.may_hold(b"refresh", b"location"):
        return None
    if _readable(document) > _FEW_WORDS:
        return None
    for meta in document.root.iter("meta"):
        if (meta.get("http-equiv") or "").strip().lower() != "refresh":
            continue
        if any(parent.tag == "noscript" for parent in meta.iterancestors()):
            continue
        found = _REFRESH.match(meta.get("content") or "")
        if found and int(found[1]) <= _SOON_SECONDS:
            return document.absolute(found[2]) or found[2]
    for script in document.root.iter("script"):
        found = _SCRIPT.search((script.text or "")[:_MOST_SCRIPT])
        if found:
            return document.absolute(found[1]) or found[1]
    return None


def _readable(document: Document) -> int:
    length = 0
    for element in document.root.iter(etree.Element):
        if element.tag in ("script", "style", "title", "noscript", "template"):
            length += len((element.tail or "").strip())
            continue
        length += len((element.text or "").strip()) + len((element.tail or "").strip())
        if length > _FEW_WORDS:
            break
    return length
