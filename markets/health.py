"""Whether a crawl that ended gave what its market is expected to give, and what it gave before: never quietly empty."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from markets.definition import Definition

LEAST_HISTORY = 3
"""Fewer crawls before this one are no habit that it could break with."""
LEAST_USUAL_LISTINGS = 5.0
"""Below so many listings, half of them may be gone by chance."""
LEAST_BARE_LISTINGS = 3
"""Fewer listings with nothing but a title may be of sellers who wrote nothing."""
FEWER_THAN_USUAL = 0.4
"""Sales end and searches ebb: only a crawl with less than this share of the usual listings is told."""
THINNER_THAN_USUAL = 0.6
"""A field's share moves little from crawl to crawl; a rule that fits no more empties it, on some pages or on all."""
LEAST_USUAL_SHARE = 0.3
"""A field that few listings have says nothing by being had by fewer."""
LEAST_SHARE_READ = 0.5
"""A field is judged only where the pages of at least this share of the listings met were read."""
SLOWER_THAN_USUAL = 3.0
LEAST_SLOW_SECONDS = 1.0
"""An answer within a second is not slow, however fast others were."""

FAULTS = (
    "no_page",
    "robots_unreadable",
    "robots_forbids",
    "all_failed",
    "nothing_found",
    "nothing_unlike_before",
    "few_expected",
    "few_before",
    "bare",
    "thin_expected",
    "thin_before",
    "slow",
    "challenge",
    "login_wall",
    "refusals",
)
"""Every code that a crawl's fault may have; the last three are `crawler.blocks`'s."""


_ROBOTS_UNREADABLE = re.compile(r"robots\.txt of (\S+) could not be read \((.{1,200}?)\), so nothing")
_ROBOTS_FORBIDS = re.compile(r"robots\.txt of (\S+) does not allow this page")


@dataclass(frozen=True, slots=True)
class Fault:
    """What a person should look at after a crawl."""

    code: str
    sentence: str
    """In English, for the log, the command and the record."""
    values: Mapping[str, Any]
    """What the sentence names, so that the desk can word it in the reader's language; shares are whole percents."""
    fails: bool = True
    """Whether the crawl did not give what it should; a slow one did."""

    def as_record(self) -> dict[str, Any]:
        return {"code": self.code, "values": dict(self.values)}


@dataclass(frozen=True, slots=True)
class PastCrawl:
    """What one earlier crawl of the same searches gave."""

    listings: int
    read: int
    """Live listings whose page was read: what `filled` counts."""
    filled: Mapping[str, int]
    seconds: float | None
    """The median time of its answers, where it was timed."""


def crawl_faults(definition: Definition, counts: Mapping[str, Any], history: Sequence[PastCrawl] = ()) -> list[Fault]:
    """What a person should look at after a crawl, the gravest first; empty where it was as expected.

    `counts`: `listings` (met in this crawl), `listings_read` (those whose page was read; else `listings`),
    `live_listings_read` (those of them that are not over; else `listings_read`), `pages` (asked for), `failed` (pages
    of these that gave no answer), `queries`, `filled`: field -> live listings read in which it had a value;
    and, where known, `max_listings` (the crawl's own limit: reaching it is no fault), `reason` (the first problem met)
    and `median_seconds` (of an answer). A missing count is 0. `history`: complete crawls of the same
    searches since the definition was approved as it stands.
    """
    listings, pages, failed = (int(counts.get(key) or 0) for key in ("listings", "pages", "failed"))
    first = f" First problem: {counts['reason']}" if counts.get("reason") else ""
    known = len(history) >= LEAST_HISTORY
    if pages == 0:
        return [Fault("no_page", f"No page was read: look at the log, at robots.txt and at search.url.{first}", {})]
    if failed >= pages:
        if kept_out := _robots(str(counts.get("reason") or "")):
            return [kept_out]
        every = "The only page" if pages == 1 else f"All {pages} pages"
        text = f"{every} failed: the market is out of reach or refuses us.{first}"
        return [Fault("all_failed", text, {"pages": pages})]
    if listings == 0:
        return [_nothing(pages - failed, median(past.listings for past in history) if known else 0, first)]
    found = [_too_few(definition, counts, listings), *_poorly_filled(definition, counts, listings)]
    if known:
        named = {fault.values.get("field") for fault in found if fault}
        found += [_fewer_than_before(definition, counts, listings, history) if found[0] is None else None]
        found += [fault for fault in _thinner_than_before(counts, history) if fault.values["field"] not in named]
        found += [_slower_than_before(counts, history)]
    if not any(fault and "field" in fault.values for fault in found):
        found.append(_nothing_but_titles(counts))
    return [fault for fault in found if fault is not None]


_NOT_THE_SITES_RULES = ("The guard refused", "cannot be reached")
"""Then nothing of the site could be had: its robots.txt was only asked for first."""


def _robots(reason: str) -> Fault | None:
    """What robots.txt has to do with it, by the first problem's words (`crawler.robots.RobotsForbid`)."""
    unreadable = _ROBOTS_UNREADABLE.search(reason)
    if unreadable and not any(words in unreadable[2] for words in _NOT_THE_SITES_RULES):
        host, why = unreadable.groups()
        return Fault(
            "robots_unreadable",
            f"robots.txt of {host} could not be read ({why}), and a site whose robots.txt does not answer is not "
            "crawled (RFC 9309): it is tried again at the next crawl. If it stays so, write to the market.",
            {"host": host, "why": why},
        )
    forbids = _ROBOTS_FORBIDS.search(reason)
    if forbids:
        return Fault(
            "robots_forbids",
            f"robots.txt of {forbids[1]} does not allow the pages that the definition asks for: ask the market for "
            "leave, use its API, or have the definition's addresses looked at.",
            {"host": forbids[1]},
        )
    return None


def _nothing(pages: int, usual: float, first: str) -> Fault:
    read = "1 page was" if pages == 1 else f"{pages} pages were"
    if usual >= 1:
        return Fault(
            "nothing_unlike_before",
            f"{read} read and no listing was found, where crawls before found {usual:.0f}: the layout of its search "
            f"pages has changed, or its listings are hidden from us. Look at a search page and at the definition's "
            f"search.listings and listing_url.{first}",
            {"pages": pages, "usual": round(usual)},
        )
    return Fault(
        "nothing_found",
        f"{read} read and no listing was found: the layout has changed, the market hides "
        f"its listings, or nothing is offered for these words.{first}",
        {"pages": pages},
    )


def _too_few(definition: Definition, counts: Mapping[str, Any], listings: int) -> Fault | None:
    expected = definition.expect.listings_per_query
    queries = int(counts.get("queries") or 0)
    if expected is None or queries == 0 or _at_limit(counts, listings) or listings / queries >= expected[0]:
        return None
    return Fault(
        "few_expected",
        f"{listings / queries:.1f} listings a query were found and at least {expected[0]} are expected "
        "(expect.listings_per_query): look at a search page and at the definition.",
        {"per_query": round(listings / queries, 1), "expected": expected[0]},
    )


def _poorly_filled(definition: Definition, counts: Mapping[str, Any], listings: int) -> Iterator[Fault]:
    filled = counts.get("filled") or {}
    read = _live_read(counts, listings)
    if read < min(listings, LEAST_USUAL_LISTINGS):
        return
    for field, share in definition.expect.filled.items():
        had = filled.get(field, 0) / read
        if had < share:
            yield Fault(
                "thin_expected",
                f"Of {read} listings too few have {field} in {had:.0%} (expected {share:.0%}): look at the "
                "definition's fields (expect.filled).",
                {"field": field, "listings": read, "share": round(100 * had), "expected": round(100 * share)},
            )


def _nothing_but_titles(counts: Mapping[str, Any]) -> Fault | None:
    """No market's offers are all without price, photograph, text and seller: then something else was read."""
    listings = int(counts.get("listings") or 0)
    read = int(counts.get("live_listings_read", counts.get("listings_read", listings)))
    filled = counts.get("filled") or {}
    if read < LEAST_BARE_LISTINGS or any(number for field, number in filled.items() if field != "title"):
        return None
    return Fault(
        "bare",
        f"The pages of all {read} listings that were read gave a title and nothing else: their layout has changed, a "
        "browser is needed to draw them, or another page is shown in their place. Look at a listing's page.",
        {"listings": read},
    )


def _fewer_than_before(
    definition: Definition, counts: Mapping[str, Any], listings: int, history: Sequence[PastCrawl]
) -> Fault | None:
    usual = median(past.listings for past in history)
    if usual < LEAST_USUAL_LISTINGS or listings >= FEWER_THAN_USUAL * usual or _at_limit(counts, listings):
        return None
    return Fault(
        "few_before",
        f"{listings} listings were found, where crawls before found {usual:.0f}: look at a search page and at the "
        f"definition. If the market is like this now, approve it again (relicwatch markets approve {definition.name}): "
        "what counts as usual begins anew then.",
        {"listings": listings, "usual": round(usual)},
    )


def _thinner_than_before(counts: Mapping[str, Any], history: Sequence[PastCrawl]) -> Iterator[Fault]:
    filled = counts.get("filled") or {}
    read = _live_read(counts, int(counts.get("listings") or 0))
    told = [past for past in history if past.read]
    if read < LEAST_USUAL_LISTINGS or len(told) < LEAST_HISTORY:
        return
    for field in sorted({field for past in told for field in past.filled}):
        usual = median(past.filled.get(field, 0) / past.read for past in told)
        had = filled.get(field, 0) / read
        if usual >= LEAST_USUAL_SHARE and had < THINNER_THAN_USUAL * usual:
            yield Fault(
                "thin_before",
                f"Of {read} listings {had:.0%} have {field}, where it was {usual:.0%} in crawls before: the layout of "
                "its listings has changed; look at a listing's page and at the definition's fields.",
                {"field": field, "listings": read, "share": round(100 * had), "usual": round(100 * usual)},
            )


def _slower_than_before(counts: Mapping[str, Any], history: Sequence[PastCrawl]) -> Fault | None:
    now = counts.get("median_seconds")
    timed = [past.seconds for past in history if past.seconds is not None]
    if now is None or len(timed) < LEAST_HISTORY:
        return None
    usual = median(timed)
    if now < LEAST_SLOW_SECONDS or now < SLOWER_THAN_USUAL * usual:
        return None
    return Fault(
        "slow",
        f"The market answered in {now:.1f} s (median), where it took {usual:.1f} s before: it is overloaded, or slows "
        "us down. Crawl it less often, or raise rate.delay.",
        {"seconds": round(now, 1), "usual": round(usual, 1)},
        fails=False,
    )


def _at_limit(counts: Mapping[str, Any], listings: int) -> bool:
    limit = counts.get("max_listings")
    return bool(limit) and listings >= int(limit or 0)


def _live_read(counts: Mapping[str, Any], listings: int) -> int:
    """How many live listings tell of the market's fields: none where most of those met were unchanged and not read.

    Read again is first what changes, ends soon or is flagged; what such a few have says little of the others.
    """
    read = int(counts["listings_read"] if counts.get("listings_read") is not None else listings)
    live = counts.get("live_listings_read")
    return 0 if read < LEAST_SHARE_READ * listings else int(live if live is not None else read)
