"""From pages of a market nobody has described yet to what its definition would say, with all that is still missing.

Pure: it reads pages and asks for none. Only what a page says is proposed; the rest is named as missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from crawler.errors import RelicwatchError, UsageError
from crawler.extraction.decoding import decode
from crawler.extraction.document import Document
from crawler.extraction.links import generic, listings_by_shape, next_page, shape_of
from crawler.extraction.page import extract_page
from crawler.extraction.rules import NO_RULES, PageRules
from crawler.extraction.shop_answers import SOFTWARE
from crawler.items import ExtractedPage
from markets import vocabulary
from markets.addresses import domain_fault, inside, is_loopback
from markets.definition import DEFAULT_DELAY_SECONDS
from markets.drafting import page_facts
from markets.drafting.listing_pattern import listing_pattern
from markets.drafting.look import SeenPage
from markets.drafting.search_address import search_template, searched_words, with_page
from markets.drafting.selectors import listings_selector, next_selector

WANTED = ("title", "price", "currency", "images", "description", "seller", "location", "ends_at", "availability")
_TREE = re.compile(r"<(?:!doctype\s+html|html|head|body|div|table)\b", re.I)


class NothingToPropose(RelicwatchError):
    """The page holds nothing that a definition could be made of."""


@dataclass(slots=True)
class Proposal:
    """A definition to be, and what a person must still look at (`todo`, one sentence each)."""

    name: str
    title: str
    domains: list[str]
    search_url: str
    listing_url: str
    spider: str
    source_url: str | None = None
    """For the walkers that read data in place of a search: then `search_url` is empty."""
    listings: str | None = None
    next: str | None = None
    kind: str = "marketplace"
    country: str | None = None
    currency: str | None = None
    languages: list[str] = field(default_factory=list)
    delay_seconds: float = DEFAULT_DELAY_SECONDS
    links: list[str] = field(default_factory=list)
    """Listings on the search page that `listing_url` matches, in page order."""
    next_url: str | None = None
    software: str | None = None
    structured: list[str] = field(default_factory=list)
    listing: ExtractedPage | None = None
    missing: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)

    @property
    def rules(self) -> PageRules:
        return PageRules(
            listing_url=re.compile(self.listing_url),
            listings=self.listings,
            next=self.next,
            currency=self.currency,
            languages=tuple(self.languages),
            domains=tuple(self.domains),
        )


def name_for(url: str) -> str:
    """A market's name from its host: `www.my-shop.co.uk` -> `my_shop_co_uk`."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    name = re.sub(r"[^a-z0-9]+", "_", host.lower()).strip("_")
    return (name if name[:1].isalpha() else f"market_{name}")[:60]


def needs_drawing(page: SeenPage) -> bool:
    """Whether a page without listings may get them from its scripts."""
    return not page.drawn and not _found(page)[1] and page_facts.drawn_by_scripts(document_of(page))


def propose(page: SeenPage, *, name: str, words: str | None = None, called: str | None = None) -> Proposal:
    """What the search page alone says; `called` is how a message names it, by its address otherwise.

    Raises NothingToPropose where it shows no listings, UsageError where its address holds no search words.
    """
    document, found = _found(page, called)
    template = search_template(page.url, words)
    if not found:
        raise NothingToPropose(
            f"No links to listings were found on {called or page.url}"
            + (
                ": it is drawn by scripts, so let the browser open it or save the page as it shows it (--page)."
                if page_facts.drawn_by_scripts(document) and not page.drawn
                else ": give a search that has results (three or more, each with its price, make their form plain)."
            )
        )
    pattern = listing_pattern(found, other_links(document, found), searched_words(page.url, words))
    if pattern is None:
        raise NothingToPropose(
            f"No id was found in the addresses of the {len(found)} listings, like {found[0]}: write the definition by "
            "hand (docs/add-a-market.md)."
        )
    next_url = next_page(document, NO_RULES)
    domains = domains_of([page.url, *pattern.covered])
    covered = [url for url in pattern.covered if inside(url, tuple(domains))]
    proposal = Proposal(
        name=name,
        title=page_facts.site_title(document) or domains[0],
        domains=domains,
        search_url=with_page(template, next_url),
        listing_url=pattern.pattern,
        spider="browser" if page.drawn else "catalogue",
        listings=listings_selector(document, covered, re.compile(pattern.pattern)),
        next=next_selector(document, next_url) if next_url else None,
        country=known(page_facts.declared_country(document), vocabulary.country_fault),
        languages=[code for code in [document.language] if code and vocabulary.language_fault(code) is None],
        links=covered,
        next_url=next_url,
        software=page_facts.shop_software(document),
        structured=page_facts.structured_data(document),
    )
    proposal.links = extract_page(
        page.body, page.url, content_type=page.content_type, rules=proposal.rules, expected="search"
    ).listing_urls
    _say_of_search(proposal, len(found) - len(covered), pattern.also)
    return proposal


def add_listing(proposal: Proposal, page: SeenPage) -> None:
    """Complete the proposal by one of its listings: currency, kind, and which fields the page does not give."""
    read = extract_page(page.body, page.url, content_type=page.content_type, rules=proposal.rules)
    proposal.listing = read
    document = document_of(page)
    proposal.structured = page_facts.structured_data(document)
    proposal.software = proposal.software or page_facts.shop_software(document)
    proposal.currency = known(read.currency, vocabulary.currency_fault)
    proposal.country = proposal.country or known(page_facts.declared_country(document), vocabulary.country_fault)
    if read.ends_at or read.lot_number or read.estimate_low is not None:
        proposal.kind = "auction"
    proposal.missing = [name for name in WANTED if not getattr(read, name)]
    if read.kind == "search":
        proposal.todo.append(f"{page.url} reads as a list of offers: is it a listing at all? See listing_url.")
    if proposal.missing and proposal.spider not in SOFTWARE:  # whose walkers take what the shop's answer names
        proposal.todo.append(
            f"The listing's page gave no {', no '.join(proposal.missing)}: where a reader sees it there, add CSS under "
            "`fields`."
        )


def say_what_no_page_said(proposal: Proposal) -> None:
    """End the list with the facts that only a person can add, once all pages are read."""
    if not proposal.languages:
        proposal.todo.append("The page names no language: add `languages`.")
    if proposal.country is None:
        proposal.todo.append("The page names no country: add `country` where the market has one.")
    if proposal.currency is None:
        proposal.todo.append("No listing that was read names its currency: add `currency`, for a bare sign or number.")
    proposal.todo.append("No page says its time zone: add `timezone`, for end times without a zone.")


def _found(page: SeenPage, called: str | None = None) -> tuple[Document, list[str]]:
    document = document_of(page, called)
    read = extract_page(page.body, page.url, content_type=page.content_type, expected="search")
    if read.listing_urls:
        return document, read.listing_urls
    # Few and short as they may be, a person says that these are results, and each shows its price.
    shaped = listings_by_shape(document)
    return document, shaped.urls if shaped.priced == 1.0 else []


def document_of(page: SeenPage, called: str | None = None) -> Document:
    """The page as a tree. Raises NothingToPropose where it is no HTML; `called` is how the message names it."""
    text, _, _ = decode(page.body, page.content_type, None)
    document, _ = Document.parse(text, page.url)
    if document is None or not _TREE.search(text) or text.lstrip()[:1] in ("{", "["):
        raise NothingToPropose(
            f"{called or page.url} is no HTML page ({_kind(page, text)}): it has to be a page as the browser shows it."
        )
    return document


def _kind(page: SeenPage, text: str) -> str:
    """What a page that is no HTML seems to be."""
    if page.body.startswith(b"%PDF"):
        return "a PDF"
    if text.lstrip()[:1] in ("{", "["):
        return "it looks like JSON"
    if not text.strip():
        return "it is empty"
    return f"it came as {page.content_type}" if page.content_type else "nothing in it is marked up as HTML"


def other_links(document: Document, listings: Sequence[str]) -> list[str]:
    """The page's links that are no listings: another form of address, or in the navigation.

    Links of the listings' own form are taken for listings that this page shows elsewhere.
    """
    shapes = {generic(shape_of(url)) for url in listings}
    taken = {url.split("?", 1)[0] for url in listings}
    links = (document.absolute(anchor.get("href")) for anchor in document.root.iter("a"))
    return [
        url
        for url in dict.fromkeys(link.split("#", 1)[0] for link in links if link)
        if url.split("?", 1)[0] not in taken and generic(shape_of(url)) not in shapes
    ]


def domains_of(urls: Sequence[str]) -> list[str]:
    """The hosts of the search and of most of its listings, `www.` taken off; a port only on this machine."""
    hosts: dict[str, int] = {}
    for url in urls:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
        if is_loopback(host):
            host = parts.netloc
        hosts[host] = hosts.get(host, 0) + 1
    first = next(iter(hosts))
    fault = domain_fault(first, demo=False)
    if fault is not None:
        raise UsageError(f"{urls[0]} is no market's address: {fault}")
    kept = [h for h, count in hosts.items() if h == first or count * 2 > len(urls)]
    return [h for h in kept if h == first or not h.endswith("." + first)]


def known(value: str | None, fault: Callable[[str], str | None]) -> str | None:
    """The value, where the vocabulary knows it."""
    return value if value and fault(value) is None else None


def _say_of_search(proposal: Proposal, left: int, also: Sequence[str]) -> None:
    todo = proposal.todo
    if left:
        todo.append(
            f"{left} links that looked like listings are of another form or on another site: they are left out."
        )
    if also:
        todo.append(
            f"`listing_url` also matches {len(also)} links that look like navigation, for example {also[0]}: narrow it."
        )
    if proposal.next_url is None:
        todo.append("No next page was found: search for a word with many results, or one page is all that is read.")
