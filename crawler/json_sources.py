"""Public JSON answers that feed a page drawn by script: found in one look of the browser, then read over HTTP.

A source is an address with places for what changes from page to page, and paths to the values that the shape of the
answer alone does not give. It is taken only where it says all that the drawn page says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from scrapy.crawler import Crawler

from crawler.extraction.images import image_addresses
from crawler.extraction.lenient_json import BrokenJson, read_json
from crawler.extraction.page import extract_page
from crawler.extraction.prices import parse_price
from crawler.extraction.rules import PageRules, native_id
from crawler.extraction.state_keys import plain_key
from crawler.extraction.text import folded
from crawler.items import ExtractedPage, PageKind
from crawler.shared import shared

MOST_FAILURES = 3
"""In a row; the pages are then rendered for the rest of the crawl."""
MOST_PLACES = 20_000
_PAGE_PARAMETERS = "page p pg pagenumber pagenum pageno pageindex seite pagina sayfa"
_MUST_AGREE = ("title", "price", "currency")
_MUST_BE_THERE = (
    *("description", "seller", "seller_url", "location", "images", "ends_at", "lot_number"),
    *("estimate_low", "estimate_high", "availability"),
)
_KEY = re.compile(r"[\w-]+\Z")
_FOLLOWS = "next nextpage nexturl nextpageurl nexthref nextcursor hasnext hasnextpage hasmore more"


@dataclass(slots=True)
class JsonSource:
    """Where the pages of one kind ("search" or "listing") get their data from."""

    kind: str
    template: str
    """`{query}` and `{page}` of a search; `{group:NAME}` (listing_url's), `{segment:-1}` (the path's) of a listing."""
    fields: dict[str, str] = field(default_factory=dict)
    """Field -> `$.path` in the answer."""
    failures: int = 0
    given_up: bool = False
    seen_on_page: bool = True
    """Whether a page drawn in this crawl says the same. What an earlier crawl learned is not read before."""


class JsonSources:
    """What one crawl knows of its market's JSON answers."""

    def __init__(self, known: dict[str, JsonSource] | None = None) -> None:
        self.known = known if known is not None else {}

    def usable(self, kind: str) -> JsonSource | None:
        source = self.known.get(kind)
        return source if source is not None and source.seen_on_page and not source.given_up else None

    def wants(self, kind: str) -> bool:
        """Whether a look of the browser may still teach something about this kind of page in this crawl."""
        return kind not in self.known or not self.known[kind].seen_on_page

    def held(self, kind: str) -> None:
        self.known[kind].failures = 0

    def failed(self, kind: str) -> bool:
        """Count an answer that held no listing; whether the source is given up with it."""
        source = self.known[kind]
        source.failures += 1
        source.given_up = source.failures >= MOST_FAILURES
        return source.given_up


def json_sources_of(crawler: Crawler) -> JsonSources:
    """The crawl's one record of sources."""
    return shared(crawler, "json_sources", JsonSources)


# -- addresses ---------------------------------------------------------------------------------------------------


def search_template(json_url: str, query: str, page: int) -> str | None:
    """The address with `{query}` and `{page}` in it; None where it does not hold both."""
    parts = urlsplit(json_url)
    path = "/".join("{query}" if unquote(one) == query else one for one in parts.path.split("/"))
    pairs = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        place = "{query}" if value == query else "{page}" if _is_page(name, value, page) else None
        pairs.append(f"{quote(name)}={place or quote(value)}")
    template = urlunsplit((parts.scheme, parts.netloc, path, "&".join(pairs), ""))
    return template if "{query}" in template and "{page}" in template else None


def listing_template(json_url: str, page_url: str, rules: PageRules) -> str | None:
    """The address with places for what it shares with the listing's own; None where it shares nothing telling."""
    places = {value: f"{{{name}}}" for name, value in _listing_values(page_url, rules).items() if value}
    parts = urlsplit(json_url)
    path = "/".join(places.get(unquote(one), one) for one in parts.path.split("/"))
    pairs = [
        f"{quote(name)}={places.get(value) or quote(value)}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    template = urlunsplit((parts.scheme, parts.netloc, path, "&".join(pairs), ""))
    return template if re.search(r"\{(?:group:|segment:-1)", template) else None


def search_address(source: JsonSource, query: str, page: int) -> str:
    return source.template.replace("{query}", quote(query, safe="")).replace("{page}", str(page))


def listing_address(source: JsonSource, page_url: str, rules: PageRules) -> str | None:
    """None where the page's address lacks what the template asks for."""
    address = source.template
    for name, value in _listing_values(page_url, rules).items():
        address = address.replace(f"{{{name}}}", quote(value, safe=""))
    return None if "{" in address else address


def next_page(page_url: str, page: int) -> str | None:
    """The address of the search page after number `page`; None where the address holds no page number."""
    parts = urlsplit(page_url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    turned = [(name, str(page + 1) if _is_page(name, value, page) else value) for name, value in pairs]
    return None if turned == pairs else urlunsplit(parts._replace(query=urlencode(turned), fragment=""))


def _is_page(name: str, value: str, page: int) -> bool:
    return value == str(page) and plain_key(name) in _PAGE_PARAMETERS.split()


def _listing_values(page_url: str, rules: PageRules) -> dict[str, str]:
    """The named groups of listing_url last: where a value is both, they are the surer name for it."""
    segments = [unquote(one) for one in urlsplit(page_url).path.split("/") if one]
    values = {"segment:-1": segments[-1]} if segments else {}
    match = rules.listing_url.search(page_url) if rules.listing_url is not None else None
    if match is not None:
        values |= {f"group:{name}": value for name, value in match.groupdict().items() if value}
    return values


# -- what an answer says -----------------------------------------------------------------------------------------


def read_answer(
    body: bytes, content_type: str, page_url: str, rules: PageRules, source: JsonSource | None, kind: PageKind
) -> ExtractedPage:
    """The answer read as the page at `page_url`; the definition's selectors say nothing about it."""
    given = replace(rules, fields=dict(source.fields) if source is not None else {}, listings=None, next=None)
    return extract_page(body, page_url, content_type=content_type, rules=given, expected=kind)


def holds_listings(page: ExtractedPage, rules: PageRules, kind: str) -> bool:
    """Whether an answer gave what its page is asked for: a list of listings, or one."""
    if kind == "search":
        return any(native_id(url, rules) for url in page.listing_urls)
    return page.kind == "listing" and page.title is not None


def more_follows(body: bytes) -> bool | None:
    """What a list's answer says of a next page at its top; None where it says nothing."""
    try:
        answer = read_json(body.decode("utf-8", "replace"))
    except BrokenJson:
        return None
    tops = [answer, *(v for v in answer.values() if isinstance(v, dict))] if isinstance(answer, dict) else []
    said = [bool(value) for top in tops for key, value in top.items() if plain_key(key) in _FOLLOWS.split()]
    return said[0] if said else None


def learn_search(
    drawn: ExtractedPage, body: bytes, content_type: str, json_url: str, query: str, page: int, rules: PageRules
) -> JsonSource | None:
    """The source behind a drawn results page, where this answer is it: every listing drawn stands in it."""
    template = search_template(json_url, query, page)
    if template is None or next_page(drawn.url, page) is None:
        return None
    source = JsonSource("search", template)
    read = read_answer(body, content_type, drawn.url, rules, source, "search")
    on_page, in_answer = ({native_id(url, rules) for url in one.listing_urls} - {None} for one in (drawn, read))
    return source if on_page and on_page <= in_answer else None


def learn_listing(
    drawn: ExtractedPage,
    body: bytes,
    content_type: str,
    json_url: str,
    rules: PageRules,
    known: JsonSource | None = None,
) -> JsonSource | None:
    """The source behind a drawn listing, where this answer says all that the page says of it.

    Of what is known already, the paths that still lead to what the page says are kept: not every page shows all.
    """
    template = listing_template(json_url, drawn.url, rules)
    if template is None or drawn.title is None:
        return None
    try:
        answer = read_json(body.decode("utf-8", "replace"))
    except BrokenJson:
        return None
    source = JsonSource("listing", template)
    if known is not None and known.template == template:
        source.fields = dict(known.fields)
    for _ in range(2):
        read = read_answer(body, content_type, drawn.url, rules, source, "listing")
        missing = [name for name in (*_MUST_AGREE, *_MUST_BE_THERE) if not _agrees(name, drawn, read)]
        if not missing:
            return source if read.kind == "listing" else None
        found = {name: path for name in missing if (path := _path_to(name, drawn, answer))}
        if len(found) < len(missing):
            return None
        # An amount by its path alone would get the market's own currency where the text names none.
        money = _path_to("currency", drawn, answer) if "price" in found and "currency" not in found else None
        source.fields |= found | ({"currency": money} if money else {})
    return None


def _agrees(name: str, drawn: ExtractedPage, read: ExtractedPage) -> bool:
    ours, theirs = getattr(drawn, name), getattr(read, name)
    if not ours:
        return True
    if name == "title":
        return theirs is not None and folded(ours) == folded(theirs)
    return bool(theirs == ours) if name in (*_MUST_AGREE, "seller", "seller_url", "images") else bool(theirs)


def _path_to(name: str, drawn: ExtractedPage, answer: Any) -> str | None:
    """The shortest path in the answer to the value that the page shows."""
    wanted = getattr(drawn, name)
    for path, value in _places(answer):
        if _is_value(name, value, wanted, drawn.url):
            return "$" + path
    return None


def _is_value(name: str, value: Any, wanted: Any, page_url: str) -> bool:
    if name == "images":
        absolute = lambda one: urljoin(page_url, str(one)) if one else None  # noqa: E731
        return isinstance(value, list) and bool(value) and list(image_addresses(value, absolute)) == wanted
    if isinstance(value, (dict, list, bool)) or value is None:
        return False
    if name in ("price", "estimate_low", "estimate_high"):
        money = parse_price(str(value))
        return money is not None and money.amount == wanted
    if name == "seller_url":
        return isinstance(value, str) and urljoin(page_url, value) == wanted
    return isinstance(wanted, str) and folded(str(value)) == folded(wanted)


def _places(answer: Any) -> Iterator[tuple[str, Any]]:
    """Every value with its path, breadth first, as far as a definition's path could name it."""
    queue: list[tuple[str, Any]] = [("", answer)]
    position = 0
    while position < min(len(queue), MOST_PLACES):
        path, value = queue[position]
        position += 1
        yield path, value
        if isinstance(value, Mapping):
            queue.extend((f"{path}.{key}", inner) for key, inner in value.items() if _KEY.match(str(key)))
        elif isinstance(value, list) and path:
            queue.extend((f"{path}[{number}]", inner) for number, inner in enumerate(value[:50]))
