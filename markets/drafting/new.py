"""`markets new`: a search page's address, or a saved page, to a draft on disk and a report of it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crawler.egress import EgressRefused
from crawler.errors import UsageError
from crawler.extraction.batch import page_as_json
from crawler.home import Home
from markets.addresses import inside
from markets.definition import DEFAULT_DELAY_SECONDS, name_fault
from markets.drafting.draft import Written, check_free, draft_definition, write_draft
from markets.drafting.look import Look, LookRefused, SeenPage, looking
from markets.drafting.proposal import (
    NothingToPropose,
    Proposal,
    add_listing,
    document_of,
    name_for,
    needs_drawing,
    propose,
    say_what_no_page_said,
)
from markets.drafting.search_address import search_template, searched_words
from markets.drafting.source_proposal import (
    add_facts,
    as_shop,
    is_source_address,
    products_address,
    propose_shop,
    propose_source,
    sitemap_to_read,
    software_of,
    sources_named,
)


@dataclass(frozen=True, slots=True)
class Drafted:
    """What was written, and what it was made of."""

    proposal: Proposal
    written: Written
    requests: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """The draft as plain JSON values."""
        made = self.proposal
        return {
            "market": made.name,
            "file": str(self.written.definition),
            "cases": [str(case) for case in self.written.cases],
            "robots": str(self.written.robots) if self.written.robots else None,
            "spider": made.spider,
            "search_url": made.search_url or None,
            "source_url": made.source_url,
            "listing_url": made.listing_url,
            "listings": made.links,
            "next_url": made.next_url,
            "software": made.software,
            "structured_data": made.structured,
            "listing": page_as_json(made.listing) if made.listing else None,
            "missing": made.missing,
            "todo": made.todo,
            "requests": list(self.requests),
        }


def check_request(home: Home, url: str, *, name: str | None = None, words: str | None = None) -> str:
    """The draft's name, once all that can be wrong with a request is looked at: before a person or a site is asked.

    Raises UsageError and DraftExists.
    """
    if not is_source_address(url):
        search_template(url, words)
    name = name or name_for(url)
    if fault := name_fault(name):
        raise UsageError(f"--name: {fault}")
    check_free(home, name)
    return name


def draft_from_web(
    home: Home,
    url: str,
    *,
    name: str | None = None,
    words: str | None = None,
    pause_seconds: float = DEFAULT_DELAY_SECONDS,
) -> Drafted:
    """Ask the site for robots.txt, the search page (or a sitemap, or a feed), what a shop answers beside it, and one
    listing, and write what they make.

    The caller has a person's yes. Raises LookRefused, EgressRefused, NothingToPropose, UsageError, DraftExists.
    """
    name = check_request(home, url, name=name, words=words)
    return asyncio.run(_look(home, url, name, words, pause_seconds))


def draft_from_file(
    home: Home,
    page: Path,
    url: str,
    *,
    name: str | None = None,
    words: str | None = None,
    listing: Path | None = None,
    listing_url: str | None = None,
) -> Drafted:
    """Write what a saved search page (or sitemap, or feed) makes, and a saved listing of it; nothing is asked for.

    The listing's address is `listing_url`, or the one that its page names as its own. Raises as `draft_from_web` does,
    and UsageError where that address is not known or is no listing of the search page's.
    """
    name = check_request(home, url, name=name, words=words)
    seen = _saved(page, url)
    if is_source_address(url):
        if (nested := sitemap_to_read(seen)) is not None:
            raise UsageError(f"{page} is an index of sitemaps: save {nested} and give it with its own address.")
        proposal = propose_source(seen, name=name, source_url=url)
    else:
        proposal = propose(seen, name=name, words=words, called=str(page))
        if not as_shop(proposal, seen):
            proposal.todo.append(
                "Say `spider: browser` where the page's source holds no listings and it was saved as the browser "
                "shows it."
            )
    read: SeenPage | None = None
    if listing is not None:
        read = _saved(listing, _listing_address(proposal, listing, listing_url))
        add_listing(proposal, read)
    else:
        proposal.todo.append("No listing was read: save one and give it with --listing, or freeze it later.")
    _finish(proposal, read)
    written = write_draft(home, proposal, seen, read, None, answer=is_source_address(url))
    return Drafted(proposal, written, ())


def _saved(file: Path, url: str) -> SeenPage:
    return SeenPage(url, file.read_bytes(), None, datetime.fromtimestamp(file.stat().st_mtime, UTC))


def _listing_address(proposal: Proposal, file: Path, given: str | None) -> str:
    """The address of a saved listing: as given, else as its page says. Raises UsageError where it is none."""
    own = document_of(SeenPage(proposal.links[0], file.read_bytes(), None, datetime.now(UTC)), str(file))
    said = [own.canonical, own.absolute(own.meta.get("og:url"))]
    candidates = [given] if given else [url for url in said if url]
    pattern = re.compile(proposal.listing_url)
    for url in candidates:
        if inside(url, tuple(proposal.domains)) and pattern.search(url):
            return url
    wrong = (
        f"{candidates[0]} does not match listing_url {proposal.listing_url}" if candidates else "it names no address"
    )
    raise UsageError(f"{file} is no listing of this search: {wrong}. Give its address with --listing-url.")


async def _look(home: Home, url: str, name: str, words: str | None, pause_seconds: float) -> Drafted:
    async with looking(pause_seconds) as look:
        await look.read_robots(url)
        searched = await look.page(url)
        if is_source_address(url):
            proposal, searched = await _from_source(look, url, searched, name)
        else:
            proposal, searched = await _from_search(look, url, searched, name, words)
        if look.crawl_delay_seconds:
            proposal.delay_seconds = max(proposal.delay_seconds, look.crawl_delay_seconds)
        draft_definition(home, proposal)  # a fault shows before the listing is asked for
        listing: SeenPage | None = None
        try:
            first = proposal.links[0]
            listing = await (look.drawn(first) if searched.drawn else look.page(first))
        except (LookRefused, EgressRefused) as refused:
            proposal.todo.append(f"No listing was read: {refused}")
        else:
            try:
                add_listing(proposal, listing)
            except NothingToPropose as nothing:
                proposal.todo.append(f"No listing was read: {nothing}")
                listing = None
        _finish(proposal, listing)
        answer = proposal.source_url is not None
        written = write_draft(home, proposal, searched, listing, look.robots, answer=answer)
        return Drafted(proposal, written, tuple(look.requests))


async def _from_search(look: Look, url: str, page: SeenPage, name: str, words: str | None) -> tuple[Proposal, SeenPage]:
    """A shop by its own data where it answers, else what the search page makes, else what a feed or sitemap makes."""
    refusal = None
    if software := software_of(page):
        asked = searched_words(url, words)
        try:
            answer = await look.page(products_address(page, software, asked))
            return propose_shop(page, answer, software, name=name, words=asked), answer
        except (LookRefused, EgressRefused, NothingToPropose) as error:
            refusal = f"The shop runs on {software}, but its walker cannot be used: {str(error).rstrip('.')}."
    try:
        if needs_drawing(page):
            page = await look.drawn(url)
        proposal = propose(page, name=name, words=words)
    except NothingToPropose:
        for source in sources_named(page, look.robots, url)[:1]:
            with contextlib.suppress(LookRefused, EgressRefused, NothingToPropose):
                proposal, page = await _from_source(look, source, await look.page(source), name)
                proposal.todo.append(f"The search page shows no listings, so {source} is read in its place.")
                return proposal, page
        raise
    proposal.todo += [refusal] if refusal else []
    return proposal, page


async def _from_source(look: Look, url: str, page: SeenPage, name: str) -> tuple[Proposal, SeenPage]:
    """What a sitemap or feed makes; of an index of sitemaps, and of robots.txt, one more is asked for."""
    if urlsplit(url).path.endswith("/robots.txt"):
        named = sources_named(None, page.body, url)
        if not named:
            raise NothingToPropose(f"{url} names no sitemap of its own host: give the address of one, or of a search.")
        url = named[0]
        page = await look.page(url)
    nested = sitemap_to_read(page)
    if nested is not None:
        page = await look.page(nested)
    return propose_source(page, name=name, source_url=url), page


def _finish(proposal: Proposal, listing: SeenPage | None) -> None:
    """The facts of the market that its listing's page adds, and the list of what no page said."""
    if listing is not None:
        add_facts(proposal, document_of(listing))
    say_what_no_page_said(proposal)
