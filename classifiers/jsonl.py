"""Listings as JSON Lines in, assessments as plain records out: what `relicwatch classify` prints."""

from __future__ import annotations

import html
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from classifiers.answers.offer import UNKNOWN_OFFER, Offer
from classifiers.json_lines import Fault, ListingsFileError, numbered_lines, numbered_lines_of, read_object
from classifiers.listing import ListingClassifier
from crawler.answer_records import alarm_records, answers_record


@dataclass(frozen=True, slots=True)
class ListingRow:
    """One line of a file of listings, its texts without HTML entities: places in reasons count without them."""

    id: str | int
    title: str
    description: str | None
    offer: Offer = UNKNOWN_OFFER


def classify_path(source: str, classifier: ListingClassifier, fault: Fault) -> Iterator[dict[str, Any]]:
    """Assess the listings of a JSON Lines file, or of standard input where `source` is "-"; one record a line.

    Lines that are no listing go to `fault` with file, line and field. Raises ListingsFileError where the file cannot
    be read.
    """
    if source == "-":
        return classify_lines(sys.stdin.buffer, "standard input", classifier, fault)
    return _classified(numbered_lines_of(Path(source)), classifier, fault)


def classify_lines(
    lines: Iterable[bytes], name: str, classifier: ListingClassifier, fault: Fault
) -> Iterator[dict[str, Any]]:
    """The same for lines from anywhere; `name` stands in the errors."""
    return _classified(numbered_lines(lines, name), classifier, fault)


def _classified(
    places: Iterable[tuple[str, bytes]], classifier: ListingClassifier, fault: Fault
) -> Iterator[dict[str, Any]]:
    rows: deque[ListingRow] = deque()

    def listings() -> Iterator[tuple[tuple[str, str | None], Offer]]:
        for row in read_rows(places, fault):
            rows.append(row)
            yield (row.title, row.description), row.offer

    for assessment in classifier.assess_offers(listings()):
        yield {
            "id": rows.popleft().id,
            "score": assessment.score,
            "flagged": assessment.flagged,
            "band": assessment.band,
            "labels": assessment.labels,
            "reasons": [asdict(reason) for reason in assessment.reasons],
            "language": assessment.language,
            "model": assessment.model,
            "answers": answers_record(assessment.answers) if assessment.answers else None,
            "alarms": alarm_records(assessment.alarms),
        }


def read_rows(places: Iterable[tuple[str, bytes]], fault: Fault) -> Iterator[ListingRow]:
    """The listings of numbered lines; bad ones are told to `fault`."""
    for place, line in places:
        try:
            row = _read_row(line, place)
        except ListingsFileError as error:
            fault(error)
        else:
            yield row


def _read_row(line: bytes, place: str) -> ListingRow:
    row = read_object(line, place)
    listing_id, title, description = row.get("id"), row.get("title"), row.get("description")
    if isinstance(listing_id, bool) or not isinstance(listing_id, str | int):
        raise ListingsFileError(f"{place}: `id` must be text or a whole number, not {listing_id!r}.")
    if not isinstance(title, str | None) or not isinstance(description, str | None):
        raise ListingsFileError(f"{place}: `title` and `description` must be text or null.")
    if title is None and description is None:
        raise ListingsFileError(f"{place}: neither `title` nor `description` is there to assess.")
    plain = description and html.unescape(description)
    return ListingRow(listing_id, html.unescape(title or ""), plain, _read_offer(row))


def _read_offer(row: dict[str, Any]) -> Offer:
    """What the row knows of the offer beside its words. A price that is none is no reason to refuse the words."""
    price, currency, location = row.get("price"), row.get("currency"), row.get("location")
    amount = None
    if isinstance(price, int | float | str) and not isinstance(price, bool):
        try:
            amount = Decimal(str(price))
        except InvalidOperation:
            amount = None
    code = currency.strip().upper() if isinstance(currency, str) else None
    return Offer(amount, code, location if isinstance(location, str) else None)
