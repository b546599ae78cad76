"""Addresses outside the desk that a record of ours names, found by the record: the desk leads to no other.

They were written by sellers, keepers of registers and witnesses, so each is judged anew before it becomes a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crawler.addresses import plain_address
from crawler.egress import EgressRefused, Guard
from storage.tables import Base, Capture, Crawl, Listing, Observation, Outcome, RegisterEntry

MOST_ADDRESSES = 20
"""So many addresses of one record are led to."""
_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\\u200b-\u200f\u202a-\u202e\u2066-\u2069]+", re.IGNORECASE)
_AFTER = ".,;:!?)]}»”’،؛؟"
"""Signs of the sentence around an address rather than of the address."""


@dataclass(frozen=True, slots=True)
class Departure:
    """An address that a record names."""

    kind: str
    """A key of `_KINDS`."""
    record_id: int
    number: int
    """Its place among the record's addresses, from 1."""
    address: str
    listing_id: int | None
    """The listing that it is about, where one is."""
    allow_loopback: bool = False

    @property
    def page(self) -> str:
        """The desk's page that warns before it."""
        return leaving_page(self.kind, self.record_id, self.number)

    @property
    def opens(self) -> bool:
        """Whether it may become a link: http or https, a public host, no name or password before it."""
        try:
            Guard(allow_loopback=self.allow_loopback).check_url(self.address)
        except EgressRefused:
            return False
        return True

    @property
    def host(self) -> str:
        """The server that would be asked, as it is really called: letters that look alike differ in it."""
        return plain_address(self.address).partition("://")[2].partition("/")[0].partition("?")[0]


def find_departure(
    session: Session, kind: str, record_id: int, number: int = 1, *, allow_loopback: bool = False
) -> Departure | None:
    """The address that the record has in this place; None where there is no such record or place."""
    if kind not in _KINDS:
        return None
    table, addresses, listing_of = _KINDS[kind]
    record = session.get(table, record_id)
    found = addresses(record) if record is not None else []
    if not 1 <= number <= len(found):
        return None
    return Departure(kind, record_id, number, found[number - 1], listing_of(record), allow_loopback)


def leaving_page(kind: str, record_id: int, number: int = 1) -> str:
    return f"/leaving?of={kind}&id={record_id}" + (f"&number={number}" if number > 1 else "")


def is_web_address(text: str | None) -> bool:
    return bool(text and _ADDRESS.match(text))


def entry_addresses(entry: RegisterEntry) -> list[str]:
    """Addresses in the row that a register gave, in its order."""
    return _once(_told(entry.original))


def note_addresses(outcome: Outcome) -> list[str]:
    """Addresses in what was noted of an outcome: where it can be seen."""
    return _once(_in_text(outcome.note))


def _told(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _in_text(value)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _told(one)
    elif isinstance(value, list):
        for one in value:
            yield from _told(one)


def _in_text(text: str | None) -> Iterator[str]:
    return (found.group().rstrip(_AFTER) for found in _ADDRESS.finditer(text or ""))


def _once(addresses: Iterator[str]) -> list[str]:
    return [*dict.fromkeys(addresses)][:MOST_ADDRESSES]


def _own(record: Listing | Capture) -> list[str]:
    return [record.url] if is_web_address(record.url) else []


_Parts = tuple[type[Base], Callable[[Any], list[str]], Callable[[Any], int | None]]
_KINDS: dict[str, _Parts] = {
    "listing": (Listing, _own, lambda record: record.id),
    "capture": (Capture, _own, lambda record: record.listing_id),
    "image": (Observation, lambda record: record.images, lambda record: record.listing_id),
    "entry": (RegisterEntry, entry_addresses, lambda record: None),
    "crawl": (Crawl, lambda record: [str(one.get("url", "")) for one in record.problems], lambda record: None),
    "outcome": (Outcome, note_addresses, lambda record: record.listing_id),
}
"""What names addresses: its table, its addresses, the listing it is about."""
