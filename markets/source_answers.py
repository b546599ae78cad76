"""One saved answer of what a `source` names, read as its walker reads it: a shop's products, a sitemap, a feed.

Feeds and sitemaps name addresses only; a shop's answer holds whole listings, of which the first is read to its values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urljoin

from lxml import etree

from crawler.extraction.shop_answers import SOFTWARE, offer_page
from crawler.items import ExtractedPage
from crawler.safe_xml import UnsafeXml, child_text, children, local_name, read_xml
from markets.definition import Definition


def read_source_answer(definition: Definition, body: bytes, url: str) -> ExtractedPage:
    """The listings that an answer leads to and, of a shop's first offer, its values. What is wrong is a problem."""
    page = ExtractedPage(url=url, kind="search")
    software = SOFTWARE.get(definition.spider)
    if software is None:
        try:
            found = [urljoin(url, address) for address in named_addresses(read_xml(body))]
        except UnsafeXml as error:
            page.problems.append(f"the answer was not read: {error}")
            return page
        page.listing_urls = [one for one in dict.fromkeys(found) if definition.native_id(one)]
        return page
    try:
        offers = software.offers(json.loads(body, parse_float=str))
    except (ValueError, RecursionError) as error:
        page.problems.append(f"the answer is no JSON ({str(error)[:120]})")
        return page
    shop = (definition.source.url if definition.source else None) or url
    listed = [
        (address, offer)
        for offer in offers or []
        if isinstance(offer, dict)
        and (address := software.address(shop, offer)) is not None
        and definition.native_id(address)
    ]
    if not listed:
        page.problems.append(f"it is no answer of {definition.spider}: no offer in it is a listing of this market")
        return page
    address, offer = listed[0]
    page = offer_page(software.fill, offer, address, definition.page_rules())
    page.native_id = definition.native_id(address)
    page.kind = "search"
    page.listing_urls = list(dict.fromkeys(one for one, _ in listed))
    return page


def named_addresses(root: etree._Element) -> Iterator[str]:
    """The addresses that a sitemap (or an index of them), an RSS, RDF or Atom feed leads to, in its order."""
    if local_name(root) in ("urlset", "sitemapindex"):
        for entry in children(root, "url", "sitemap"):
            if address := child_text(entry, "loc"):
                yield address
        return
    for holder in (root, *children(root, "channel")):
        for entry in children(holder, "item", "entry"):
            for link in children(entry, "link"):
                address = link.get("href") or (link.text or "").strip()
                if address and link.get("rel", "alternate") == "alternate":
                    yield address.strip()
                    break
