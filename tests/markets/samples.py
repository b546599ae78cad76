"""Definitions that the tests of this room write to disk: one that is right, changed as a test needs it."""

from __future__ import annotations

from pathlib import Path

from markets.definition import Definition, load_definition

AUCTION = """\
name: example_auction
title: Example Auction House
domains: [auction.example]
id_space: example_auction
country: GB
timezone: Europe/London
currency: GBP
languages: [en, fr]
kind: auction
spider: catalogue
search: {url: "https://auction.example/search?q={query}&page={page}", listings: a.lot, next: "a[rel=next]"}
listing_url: "/sale/(?P<sale>\\\\d+)/lot/(?P<lot>\\\\d+)"
fields: {seller: ".house a::text", ends_at: "time.end::attr(datetime)"}
rate: {delay: 10.0, concurrency: 1}
access: {api: null, login: none, terms_note: "..."}
expect: {listings_per_query: [5, 400], filled: {title: 1.0, price: 0.9, images: 0.9}}
verified: 2026-11-20
"""


def changed(line: str, value: str | None = None, text: str = AUCTION) -> str:
    """The sample with the line that starts with `line:` replaced by `line: value`, or without it."""
    lines = [f"{line}: {value}" if old.startswith(f"{line}:") else old for old in text.splitlines()]
    kept = [new for new in lines if value is not None or not new.startswith(f"{line}:")]
    assert kept != text.splitlines(), f"the sample has no line {line}"
    return "\n".join(kept) + "\n"


def write(directory: Path, text: str = AUCTION, name: str = "example_auction") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.yaml"
    path.write_text(text, "utf-8")
    return path


def sample(directory: Path, text: str = AUCTION, name: str = "example_auction") -> Definition:
    return load_definition(write(directory, text, name))
