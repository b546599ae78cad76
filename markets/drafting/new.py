"""`markets new`: a search page's address, or a saved page, to a draft on disk and a report of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crawler.egress import EgressRefused
from crawler.errors import UsageError
from crawler.extraction.batch import page_as_json
from crawler.home import Home
from markets.definition import DEFAULT_DELAY_SECONDS, name_fault
from markets.drafting.draft import Written, check_free, draft_definition, write_draft
from markets.drafting.look import LookRefused, SeenPage, looking
from markets.drafting.proposal import (
    NothingToPropose,
    Proposal,
    add_listing,
    name_for,
    needs_drawing,
    propose,
    say_what_no_page_said,
)
from markets.drafting.search_address import search_template


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
            "search_url": made.search_url,
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
    """Ask the site for robots.txt, the search page and one listing, and write what they make.

    The caller has a person's yes. Raises LookRefused, EgressRefused, NothingToPropose, UsageError, DraftExists.
    """
    name = check_request(home, url, name=name, words=words)
    return asyncio.run(_look(home, url, name, words, pause_seconds))


def draft_from_file(home: Home, page: Path, url: str, *, name: str | None = None, words: str | None = None) -> Drafted:
    """Write what a saved search page makes; nothing is asked for. Raises as `draft_from_web` does."""
    name = check_request(home, url, name=name, words=words)
    seen = SeenPage(url, page.read_bytes(), None, datetime.fromtimestamp(page.stat().st_mtime, UTC))
    proposal = propose(seen, name=name, words=words, called=str(page))
    proposal.todo.append("No listing was read: save one and freeze it (docs/add-a-market.md says how).")
    proposal.todo.append(
        "Say `spider: browser` where the page's source holds no listings and it was saved as the browser shows it."
    )
    say_what_no_page_said(proposal)
    return Drafted(proposal, write_draft(home, proposal, seen, None, None), ())


async def _look(home: Home, url: str, name: str, words: str | None, pause_seconds: float) -> Drafted:
    async with looking(pause_seconds) as look:
        await look.read_robots(url)
        search = await look.page(url)
        if needs_drawing(search):
            search = await look.drawn(url)
        proposal = propose(search, name=name, words=words)
        if look.crawl_delay_seconds:
            proposal.delay_seconds = max(proposal.delay_seconds, look.crawl_delay_seconds)
        draft_definition(home, proposal)  # a fault shows before the listing is asked for
        listing: SeenPage | None = None
        try:
            first = proposal.links[0]
            listing = await (look.drawn(first) if search.drawn else look.page(first))
        except (LookRefused, EgressRefused) as refused:
            proposal.todo.append(f"No listing was read: {refused}")
        else:
            try:
                add_listing(proposal, listing)
            except NothingToPropose as nothing:
                proposal.todo.append(f"No listing was read: {nothing}")
                listing = None
        say_what_no_page_said(proposal)
        return Drafted(proposal, write_draft(home, proposal, search, listing, look.robots), tuple(look.requests))
