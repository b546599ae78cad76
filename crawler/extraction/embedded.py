"""The listing in a page's embedded state, and a saved JSON answer as a page of its own."""

from __future__ import annotations

from typing import Any

from lxml import etree

from crawler.extraction import bids, json_rows, links, measures, state, state_lists
from crawler.extraction.by_rules import apply_paths
from crawler.extraction.document import Document
from crawler.extraction.findings import Findings
from crawler.extraction.lenient_json import BrokenJson, read_json
from crawler.items import ExtractedPage

_EMPTY = etree.Element("html")


def read_state(document: Document, blocks: list[tuple[str, Any]], heads: str, findings: Findings) -> state.Place | None:
    """Fill from each block that holds the listing which `heads` tell of; the place of the first, None without any."""
    best = None
    for name, value in blocks:
        places = list(state.walk(value, name))
        listing = state.find_listing(places, heads, document.url or document.base_url)
        if listing is not None:
            _fill_from_state(listing, places, document, findings)
            best = best or listing
    return best


def read_answer(answer: Any, url: str, page: ExtractedPage, findings: Findings) -> None:
    """A saved JSON answer is a page too: one listing, or a list of them."""
    document = Document(_EMPTY, url)
    findings.country = document.country
    answer = _unwrapped(answer)
    places = list(state.walk(answer, "answer"))
    apply_paths(answer, document, findings)
    listing = state.find_listing(places, "", url)
    named = json_rows.shared(places, url) if listing is None else None
    if named is not None and json_rows.fill_screen(named, places, findings, document.absolute):
        page.kind = "listing"
        return
    fewest = 1 if state_lists.says_results(answer) else 3
    many = state_lists.find_list(places, fewest) or state_lists.find_list(places, fewest, linked=False)
    if many and (listing is None or listing.siblings > 1 or (len(many) >= 8 and not _points_to_one(listing, url))):
        page.kind = "search"
        found = [document.absolute(state_lists.link_of(p.value)) for p in many]
        page.listing_urls = [u for u in dict.fromkeys(found) if u][: links.MAX_LISTINGS]
        page.next_url = document.absolute(state_lists.next_of(answer))
        outer = many[0].parent
        while outer is not None and not findings.titles:
            findings.add_title(state.title_of(outer.value), "state:" + ".".join(outer.path))
            outer = outer.parent
        return
    if listing is None:
        listing = state.find_listing(places, "", url, alone=True)
    if listing is not None:
        page.kind = "listing"
        _fill_from_state(listing, places, document, findings)


def _unwrapped(answer: Any) -> Any:
    """The answer itself where it was written as a text within JSON: ["{...}"]."""
    inner = answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
    if isinstance(inner, str) and inner.lstrip()[:1] in ("{", "["):
        try:
            return read_json(inner)
        except BrokenJson:
            return answer
    return answer


def _fill_from_state(listing: state.Place, places: list[state.Place], document: Document, findings: Findings) -> None:
    state.fill(listing, places, document, findings, document.absolute)
    source = "state:" + ".".join(listing.path)[-80:]
    objects = state.near_objects(listing)
    bids.fill_objects(objects, findings, source)
    for one in objects:
        measures.fill_node(one, findings, source)
    if findings.lacks("price"):
        json_rows.fill([p for p in places if p.path[: len(listing.path)] == listing.path], findings, source)


def _points_to_one(listing: state.Place, url: str) -> bool:
    return any(isinstance(v, (str, int)) and len(str(v)) >= 4 and str(v) in url for v in listing.value.values())
