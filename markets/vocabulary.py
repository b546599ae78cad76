"""The closed lists that a definition's values come from, and near matches for what was mistyped."""

from __future__ import annotations

import difflib
import zoneinfo
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from babel import Locale

from crawler.items import TOMAN

SEARCH_WALKERS = ("catalogue", "browser")
SOURCE_WALKERS = ("shopify", "woocommerce", "sitemap", "feed")
API_WALKERS = ("ebay_browse", "etsy")
WALKERS = (*SEARCH_WALKERS, *SOURCE_WALKERS, *API_WALKERS)
SOURCE_PARAMETERS: dict[str, tuple[str, ...]] = {
    "shopify": (),
    "woocommerce": ("category", "tag"),
    "sitemap": (),
    "feed": (),
    "ebay_browse": ("marketplace", "category_ids", "filter"),
    "etsy": ("taxonomy_id", "shop_location"),
}
"""What a definition may tell a walker beside the query, by walker."""
SPIDERS_DIRECTORY = Path(__file__).parent.parent / "spiders"


def near(word: str, words: Iterable[str]) -> str:
    """` (did you mean ...?)` with the nearest of `words`, or nothing where none is near."""
    by_lower = {known.lower(): known for known in words}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[found[0]]}?)" if found else ""


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    """ISO 4217 codes, past ones too, since old sales are quoted in them; and IRT, in which Iran's markets quote."""
    return frozenset(Locale("en").currencies) | {TOMAN}


@lru_cache(maxsize=1)
def languages() -> frozenset[str]:
    """ISO 639 codes of two or three letters."""
    return frozenset(code for code in map(str, Locale("en").languages) if code.isalpha() and len(code) <= 3)


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """ISO 3166 codes of two letters."""
    return frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha())


def time_zone_fault(name: str) -> str | None:
    if name in time_zones():
        return None
    return f"{name!r} is no time zone{near(name, time_zones())}: use a name of the IANA list, like Europe/London."


def currency_fault(code: str) -> str | None:
    if code in currencies():
        return None
    capitals = f" (did you mean {code.upper()}?)" if code.upper() in currencies() else ""
    return f"{code!r} is no ISO 4217 currency{capitals}: use three capitals, like GBP."


def language_fault(code: str) -> str | None:
    if code in languages():
        return None
    return f"{code!r} is no ISO 639 language code: use two small letters, like ar."


def country_fault(code: str) -> str | None:
    if code in countries():
        return None
    return f"{code!r} is no ISO 3166 country code: use two capitals, like GB, or leave `country` out."


def spider_fault(name: str, directory: Path = SPIDERS_DIRECTORY) -> str | None:
    """Why no crawl can walk with the spider `name`: neither a walker of this version nor a file of its own."""
    if name in WALKERS:
        return None
    if name.isidentifier() and not name.startswith("_") and (directory / f"{name}.py").is_file():
        return None
    return f"there is no spider {name!r}{near(name, WALKERS)}: use {', '.join(WALKERS)} or write spiders/{name}.py."
