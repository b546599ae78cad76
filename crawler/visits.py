"""One page under way in a crawl: the request's record between the frontier, the fetcher, the spider and the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scrapy import Request

from crawler.items import RecordPlace


@dataclass(slots=True)
class Entry:
    """A page of the frontier in memory; `id` is its row's, known once it is committed."""

    fingerprint: str
    url: str
    kind: str
    """The callback's name without `parse_`: search, listing, photo."""
    meta: dict[str, Any]
    priority: int
    id: int | None = None


@dataclass(slots=True)
class Visit:
    """What was captured for a page and what came out of it. Travels as `request.meta["visit"]`."""

    entry: Entry
    captures: list[RecordPlace] = field(default_factory=list)
    """In order, redirect hops included; the last one is what was read."""
    items: list[object] = field(default_factory=list)
    problem: str | None = None
    """Why nothing could be read, where that is so."""
    details: dict[str, Any] = field(default_factory=dict)
    """What else is kept with the problem: its kind."""
    seconds: list[float] = field(default_factory=list)
    """How long each answer took, from asking to its end. Travels as `request.meta["seconds"]`."""


@dataclass(slots=True)
class VisitEnd:
    """The last thing a page yields: everything it gave has passed the pipelines."""

    visit: Visit


def page_ended(request: Request, problem: str, **details: Any) -> Iterator[VisitEnd]:
    """What an errback yields for a page that could not be had: nothing but its end, with the reason."""
    visit: Visit | None = request.meta.get("visit")
    if visit is not None:
        visit.problem = problem
        visit.details = details
        yield VisitEnd(visit)
