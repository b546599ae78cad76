"""What is proposed where a site gives its listings as data: a shop's own list of products, a sitemap, a feed.

Pure, as `proposal` is. The search page stays out of such a definition; what it says of the market is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode, urljoin, urlsplit

from lxml import etree

from crawler.extraction.document import Document
from crawler.extraction.links import generic, shape_of
from crawler.extraction.shop_answers import SOFTWARE
from crawler.safe_xml import UnsafeXml, local_name, read_xml
from markets import vocabulary
from markets.addresses import inside
from markets.drafting import page_facts
from markets.drafting.listing_pattern import listing_pattern
from markets.drafting.look import SeenPage
from markets.drafting.proposal import NothingToPropose, Proposal, document_of, domains_of, known, other_links
from markets.source_answers import named_addresses

SHOPIFY_LISTING = "/products/(?P<handle>[^/?#]+)"
"""Every Shopify shop shows a product under its handle there, below whatever collection it was found in."""
_PRODUCTS = {"shopify": "/products.json", "woocommerce": "/wp-json/wc/store/v1/products"}
_MOST_ASKED_FOR = 50
"""Of a shop's offers in the frozen answer: enough to see their form."""
_SOURCE_PATH = re.compile(r"\.xml(?:\.gz)?\Z|/(?:robots\.txt|feed|rss|atom)/?\Z|\.(?:rss|atom)\Z", re.I)
_LISTING_WORD = re.compile(
    r"(?:^|[/_.-])(?:products?|produits?|produkte?|producto?s?|lots?|items?|listings?|annonces?|artikel|objects?|objets?"
    r"|objekte?|auctions?|catalogue|shop|p|itm)(?:$|[/_.\d-])",
    re.I,
)
_ROBOTS_LINE = re.compile(rb"^[ \t]*sitemap[ \t]*:[ \t]*(\S+)", re.I | re.M)
_FEED_TYPES = ("application/rss+xml", "application/atom+xml")
_COMMENTS = re.compile(r"comments?\b", re.I)


def is_source_address(url: str) -> bool:
    """Whether an address looks like a sitemap's or a feed's, which holds no words searched for."""
    return _SOURCE_PATH.search(urlsplit(url).path) is not None


def software_of(page: SeenPage) -> str | None:
    """The shop software that has a walker here and that the page gives away."""
    software = page_facts.shop_software(document_of(page))
    return software if software in SOFTWARE else None


def shop_address(page: SeenPage, software: str) -> str:
    """Where the software stands: WordPress says it in its link to the REST API, else the root of the host."""
    root = urljoin(page.url, "/")
    if software == "woocommerce":
        for link in document_of(page).root.iter("link"):
            if link.get("rel") == "https://api.w.org/":
                api = urljoin(page.url, link.get("href") or "")
                same_host = urlsplit(api).netloc == urlsplit(page.url).netloc
                return api.partition("/wp-json")[0] + "/" if same_host and "/wp-json" in api else root
    return root


def products_address(page: SeenPage, software: str, words: str) -> str:
    """The request that shows whether the shop answers its walker, for few products only."""
    asked = {"limit": str(_MOST_ASKED_FOR)}
    if software == "woocommerce":
        asked = {**({"search": words} if words else {}), "per_page": str(_MOST_ASKED_FOR)}
    base = shop_address(page, software).rstrip("/")
    return f"{base}{_PRODUCTS[software]}?{urlencode(asked, quote_via=quote)}"


def propose_shop(search: SeenPage, answer: SeenPage, software: str, *, name: str, words: str = "") -> Proposal:
    """A shop's definition, by its answer. Raises NothingToPropose where that is none of the software, or is empty."""
    try:
        offers = SOFTWARE[software].offers(json.loads(answer.body, parse_float=str))
    except (ValueError, RecursionError):
        offers = None
    shop = shop_address(search, software)
    found = [SOFTWARE[software].address(shop, offer) for offer in offers or [] if isinstance(offer, dict)]
    links = list(dict.fromkeys(url for url in found if url))
    if not links:
        raise NothingToPropose(f"{answer.url} names no products, though the page looks like {software}")
    document = document_of(search)
    if software == "shopify":
        pattern: str | None = SHOPIFY_LISTING
    else:
        made = listing_pattern(links, other_links(document, links), words)
        pattern = made.pattern if made else None
    if pattern is None:
        raise NothingToPropose(f"No id was found in the addresses of the shop's products, like {links[0]}")
    proposal = _from_page(document, search.url, [search.url, *links], name=name, spider=software)
    proposal.listing_url = pattern
    proposal.source_url = shop
    compiled = re.compile(pattern)
    proposal.links = [url for url in links if compiled.search(url) and inside(url, tuple(proposal.domains))]
    proposal.kind = "dealer"
    proposal.software = software
    return proposal


def as_shop(proposal: Proposal, page: SeenPage) -> bool:
    """Make a proposal drawn from a saved search page one for the shop's walker; whether it could be."""
    software = proposal.software
    if software not in SOFTWARE or page.drawn:
        return False
    pattern = SHOPIFY_LISTING if software == "shopify" else proposal.listing_url
    links = [url for url in proposal.links if re.search(pattern, url)]
    if not links:
        return False
    proposal.spider, proposal.source_url, proposal.kind = software, shop_address(page, software), "dealer"
    proposal.listing_url, proposal.links, proposal.listings, proposal.next = pattern, links, None, None
    address = products_address(page, software, "")
    proposal.todo = [
        f"Nothing was asked, so whether the shop answers its walker is not known: open {address} in your browser. If "
        f"it shows no products, or robots.txt forbids it, say `spider: catalogue` with `search` instead of `source`."
    ]
    return True


def sources_named(page: SeenPage | None, robots: bytes | None, url: str) -> list[str]:
    """Feeds that a page links, and sitemaps that robots.txt names, on the host of `url`, nearest to offers first."""
    feeds: list[str] = []
    if page is not None:
        for link in document_of(page).root.iter("link"):
            if link.get("type") in _FEED_TYPES and not _COMMENTS.search(f"{link.get('title')} {link.get('href')}"):
                feeds.append(urljoin(page.url, link.get("href") or ""))
    maps = [urljoin(url, one.decode("utf-8", "replace")) for one in _ROBOTS_LINE.findall(robots or b"")]
    host = urlsplit(url).netloc
    return [one for one in dict.fromkeys([*feeds, *maps]) if urlsplit(one).netloc == host]


def sitemap_to_read(page: SeenPage) -> str | None:
    """Of an index of sitemaps the one that by its name holds listings, else its first; None where it is no index."""
    root = _xml(page)
    if local_name(root) != "sitemapindex":
        return None
    named = [urljoin(page.url, url) for url in named_addresses(root)]
    by_name = [url for url in named if _LISTING_WORD.search(urlsplit(url).path)]
    return next(iter([*by_name, *named]), None)


def propose_source(page: SeenPage, *, name: str, source_url: str) -> Proposal:
    """A definition for a sitemap or a feed, its listings the commonest form of address in it.

    Raises NothingToPropose where it is neither, or where no form of address tells its pages apart.
    """
    root = _xml(page)
    kind = {"urlset": "sitemap", "rss": "feed", "feed": "feed", "RDF": "feed"}.get(local_name(root))
    if kind is None:
        raise NothingToPropose(f"{page.url} is neither a sitemap nor a feed: its root is <{local_name(root)}>.")
    urls = list(dict.fromkeys(urljoin(page.url, url) for url in named_addresses(root)))
    for family in _families(urls):
        pattern = listing_pattern(family, [url for url in urls if url not in set(family)])
        if pattern is not None and len(pattern.covered) >= min(3, len(urls)):
            break
    else:
        raise NothingToPropose(
            f"No form of address is shared by three of the {len(urls)} that {page.url} names: write the definition by "
            "hand (docs/add-a-market.md)."
        )
    proposal = _from_page(None, page.url, [page.url, *pattern.covered], name=name, spider=kind)
    proposal.listing_url, proposal.source_url = pattern.pattern, source_url
    proposal.links = [url for url in pattern.covered if inside(url, tuple(proposal.domains))]
    if not proposal.links:
        raise NothingToPropose(f"{page.url} names pages of other sites only, like {urls[0]}: give the site's own.")
    proposal.todo.append(
        f"{len(proposal.links)} of {len(urls)} addresses are taken for listings by their form: is one of them another "
        "kind of page, and are all listings among them? See listing_url."
    )
    if kind == "feed":
        proposal.todo.append(
            "A feed shows the newest offers only: what stood there before the first crawl is not found."
        )
    return proposal


def add_facts(proposal: Proposal, document: Document) -> None:
    """What a listing's page says of the market, where nothing said it before."""
    if proposal.title == proposal.domains[0]:
        proposal.title = page_facts.site_title(document) or proposal.title
    if not proposal.languages:
        proposal.languages = [c for c in [document.language] if c and vocabulary.language_fault(c) is None]


def _from_page(document: Document | None, url: str, urls: Sequence[str], *, name: str, spider: str) -> Proposal:
    domains = domains_of(urls)
    proposal = Proposal(
        name=name, title=domains[0], domains=domains, search_url="", listing_url="", spider=spider, source_url=url
    )
    if document is None:
        return proposal
    proposal.country = known(page_facts.declared_country(document), vocabulary.country_fault)
    proposal.structured = page_facts.structured_data(document)
    add_facts(proposal, document)
    return proposal


def _families(urls: Sequence[str]) -> Iterable[list[str]]:
    """The addresses by their form, the form that names listings first, then the commonest."""
    families: dict[str, list[str]] = {}
    for url in urls:
        families.setdefault(_form(url), []).append(url)
    return sorted(
        families.values(),
        key=lambda family: len(family) * (4 if _LISTING_WORD.search(urlsplit(family[0]).path) else 1),
        reverse=True,
    )


def _form(url: str) -> str:
    """The first word of a path with several parts and how many there are: names of things are no form."""
    parts = [part for part in urlsplit(url).path.split("/") if part]
    return f"{parts[0]}/{len(parts)}" if len(parts) > 1 else generic(shape_of(url))


def _xml(page: SeenPage) -> etree._Element:
    try:
        return read_xml(page.body)
    except UnsafeXml as error:
        raise NothingToPropose(f"{page.url} is no sitemap and no feed that can be read: {error}.") from error
