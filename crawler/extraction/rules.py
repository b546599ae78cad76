"""What a market definition says about its pages: patterns, selectors and defaults, and how a selector is checked.

The rules come before everything that a page says of itself; without any, extraction works from the page alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from lxml import etree
from parsel import css2xpath

from crawler.addresses import desktop_host, plain_address

RULE_FIELDS = (
    "title",
    "description",
    "price",
    "currency",
    "estimate_low",
    "estimate_high",
    "seller",
    "seller_url",
    "images",
    "location",
    "ends_at",
    "lot_number",
    "native_id",
    "availability",
)
"""The fields that a definition may give a rule for."""

_STATE_PATH = re.compile(r"\$(?:\.[\w-]+(?:\[\d+\])*)+\Z")


@dataclass(frozen=True, slots=True)
class PageRules:
    """The part of a market definition that page extraction needs; every part of it may be absent."""

    listing_url: re.Pattern[str] | None = None
    """Matches the addresses of listings; its named groups, in order, make the native id."""
    listings: str | None = None
    """CSS of the links to listings on a search page (or of the blocks that hold them)."""
    next: str | None = None
    """CSS of the link to the next search page."""
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Field -> CSS (`::text` and `::attr(x)` allowed), or `$.a.b[0].c`: a path into embedded JSON."""
    currency: str | None = None
    """ISO 4217 code for a bare sign or number."""
    timezone: str | None = None
    """IANA name for times without a zone."""
    languages: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    """A canonical link outside these counts for nothing. Empty: the page's own host."""


NO_RULES = PageRules()


def is_state_path(rule: str) -> bool:
    """Whether a field's rule is a path into embedded JSON rather than a CSS selector."""
    return rule.startswith("$.")


@lru_cache(maxsize=512)
def check_selector(css: str) -> str | None:
    """Say why `css` is no usable selector (`::text` and `::attr(x)` are allowed), or None where it is fine."""
    if not css.strip():
        return "The selector is empty."
    if is_state_path(css):
        return None if _STATE_PATH.match(css) else f"{css!r} is no path into embedded JSON, like $.item.price[0]."
    try:
        compiled(css)
    except Exception as error:  # noqa: BLE001 - cssselect, parsel and lxml each raise errors of their own
        return f"{css!r} is no CSS selector: {error}."
    return None


@lru_cache(maxsize=512)
def compiled(css: str) -> Any:
    """The selector as compiled XPath; raises what cssselect or lxml raise on a wrong one."""
    return etree.XPath(css2xpath(css))


def match_listing(url: str, rules: PageRules) -> re.Match[str] | None:
    """What `listing_url` finds in an address, in whichever form of it the pattern was written for: plain first, so that
    no tracking parameter, fragment or way of writing gets into an id; as it stands; without www or mobile host and with
    the other scheme."""
    if rules.listing_url is None:
        return None
    names_host = any(mark in rules.listing_url.pattern for mark in ("//", "www"))
    return next(filter(None, map(rules.listing_url.search, _written_otherwise(url, names_host))), None)


def _written_otherwise(url: str, with_hosts: bool) -> Iterator[str]:
    plain = plain_address(url)
    yield plain
    if url != plain:
        yield url
    if not with_hosts:
        return
    scheme, _, rest = plain.partition("://")
    host, slash, path = rest.partition("/")
    for one in ("https", "http"):
        for name in (host, desktop_host(host), f"www.{desktop_host(host)}"):
            if (one, name) != (scheme, host):
                yield f"{one}://{name}{slash}{path}"


def native_id(url: str, rules: PageRules) -> str | None:
    """The native id in a listing's address: the named groups joined by "/", or None where the address is no listing's.

    A group that took no part stays as an empty place, and "/" and "%" inside a group are escaped, so that different
    groups never join to the same id.
    """
    match = match_listing(url, rules)
    if match is None:
        return None
    groups = [value or "" for value in match.groupdict().values()]
    return "/".join(value.replace("%", "%25").replace("/", "%2F") for value in groups) if any(groups) else None
