"""A proposal on disk: the draft definition and its frozen pages, for a person to check. Nothing is ever overwritten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crawler.errors import RelicwatchError, UsageError
from crawler.extraction.batch import page_as_json
from crawler.extraction.page import extract_page
from crawler.home import Home
from crawler.items import ExtractedPage
from markets.catalog import definition_files
from markets.definition import DEFAULT_DELAY_SECONDS, Definition, parse_definition
from markets.drafting.look import SeenPage
from markets.drafting.proposal import Proposal
from markets.source_answers import read_source_answer

_LISTING_FIELDS = ("title", "price", "currency", "images", "seller", "location", "ends_at", "lot_number", "native_id")


class DraftExists(RelicwatchError):
    """A file or market of that name is there already."""


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a draft."""

    definition: Path
    cases: tuple[Path, ...]
    robots: Path | None


def check_free(home: Home, name: str) -> None:
    """Raise DraftExists where a market `name` or pages of it are there: asked before anything is fetched."""
    known = definition_files(home)
    for path in (known.get(name), _cases(home, name)):
        if path is not None and path.exists():
            raise DraftExists(f"{path} is there already and is not overwritten: choose another name with --name.")


def definition_text(proposal: Proposal) -> str:
    """The draft as YAML, with a comment wherever a person decides."""
    if proposal.source_url:
        walked = ["source:", f"  url: {_quoted(proposal.source_url)}"]
    else:
        walked = ["search:", f"  url: {_quoted(proposal.search_url)}"]
        walked += [f"  listings: {_quoted(proposal.listings)}"] if proposal.listings else []
        walked += [f"  next: {_quoted(proposal.next)}"] if proposal.next else []
        walked += ["  max_pages: 10"]
    lines = [
        "# Proposed by `relicwatch markets new`. Read it against the site, then: docs/add-a-market.md",
        f"name: {proposal.name}",
        f"title: {_quoted(proposal.title)}",
        f"domains: [{', '.join(map(_quoted, proposal.domains))}]",
        f"country: {proposal.country}" if proposal.country else "# country:   # the pages do not say",
        "# timezone:  # for end times without a zone, like Europe/London",
        f"currency: {proposal.currency}" if proposal.currency else "# currency:  # the pages do not say",
        f"languages: [{', '.join(map(_quoted, proposal.languages))}]" if proposal.languages else "# languages:",
        f"kind: {proposal.kind}   # auction, marketplace, classifieds, dealer, aggregator: which is it?",
        f"spider: {proposal.spider}",
        *walked,
        f"listing_url: {_quoted(proposal.listing_url)}",
        "fields: {}",
    ]
    if proposal.delay_seconds > DEFAULT_DELAY_SECONDS:
        lines.append(f"rate: {{delay: {proposal.delay_seconds}}}   # robots.txt asks for it")
    return "\n".join(lines) + "\n"


def draft_definition(home: Home, proposal: Proposal) -> Definition:
    """The draft as a checked definition. Raises UsageError where the name is none, DefinitionError for other faults."""
    file = home.markets / f"{proposal.name}.yaml"
    return parse_definition(file, definition_text(proposal).encode())


def write_draft(
    home: Home,
    proposal: Proposal,
    searched: SeenPage,
    listing: SeenPage | None,
    robots: bytes | None,
    *,
    answer: bool = False,
) -> Written:
    """Write the definition and one frozen case a page: `searched` is the search page or, with `answer`, what the
    source answered. Raises DraftExists, never overwriting, and UsageError where
    the disk refuses.
    """
    check_free(home, proposal.name)
    definition = draft_definition(home, proposal)
    directory = _cases(home, proposal.name)
    asked = "answer" if answer else "search"
    pages = [(asked, searched, asked)] + ([("listing", listing, None)] if listing is not None else [])
    try:
        directory.mkdir(parents=True)
        cases = tuple(_write_case(directory / name, page, asked, definition) for name, page, asked in pages)
        copy = directory / "robots.txt" if robots is not None else None
        if copy is not None and robots is not None:
            _write(copy, robots)
        _write(definition.path, definition_text(proposal).encode())
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written ({error.strerror}): free the place.") from error
    return Written(definition.path, cases, copy)


def _write_case(directory: Path, page: SeenPage, asked: str | None, definition: Definition) -> Path:
    directory.mkdir()
    file = "page.html" if asked != "answer" else "answer.json" if _is_json(page) else "answer.xml"
    if asked == "answer":
        read = read_source_answer(definition, page.body, page.url)
    else:
        read = extract_page(
            page.body,
            page.url,
            content_type=page.content_type,
            rules=definition.page_rules(),
            expected="search" if asked else None,
        )
    meta = {
        "url": page.url,
        "page": file,
        "content_type": page.content_type,
        "charset": None,
        "frozen_at": page.seen_at.isoformat(timespec="seconds"),
        "asked": asked,
        "drawn_by_browser": page.drawn,
        "checked_by": None,
    }
    _write(directory / file, page.body)
    _write(directory / "meta.json", _json(meta))
    _write(directory / "expected.json", _json(_expected(read, asked)))
    return directory


def _expected(read: ExtractedPage, asked: str | None) -> dict[str, object]:
    """What was read, for a person to correct; a field without a value is left to that person."""
    record = page_as_json(read)
    names: Sequence[str] = {
        "search": ("kind", "listing_urls", "next_url"),
        "answer": ("listing_urls", *_LISTING_FIELDS),
    }.get(asked or "", ("kind", *_LISTING_FIELDS))
    return {name: record[name] for name in names if record[name]}


def _is_json(page: SeenPage) -> bool:
    return page.body.lstrip()[:1] in (b"{", b"[")


def _cases(home: Home, name: str) -> Path:
    return home.markets / "fixtures" / name


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _json(record: object) -> bytes:
    return (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
