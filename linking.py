"""What ties matching to the rest: objects read from listings and register entries, matched both ways, and kept.

The classifiers read type, material and period out of either text; `matching` compares; `storage.registers` keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from classifiers.listing import ListingClassifier
from crawler.answer_records import answers_record
from crawler.extraction.measures import dimensions_in, weight_in
from matching.object_record import ObjectRecord, finding_ids, sizes_of, years_of

_TOLD = ("title", "object_type", "description", "distinguishing_features", "inscriptions", "marks")
"""What of an entry is compared as text, in this order. Where it was stolen is no part of the object."""
_NAMED = ("object_type", "materials", "techniques", "culture", "period")
_NUMBERS = ("inventory_no", "reference_no")


@dataclass(frozen=True, slots=True)
class Told:
    """What a listing or an entry says of its object, before it is read: `title` and `text` in any language."""

    id: int
    title: str
    text: str
    sizes_mm: tuple[float, ...] = ()
    weight_g: float | None = None
    numbers: tuple[str, ...] = ()
    inscription: str = ""
    years: tuple[int, int] | None = None


def told_by_entry(entry_id: int, fields: Mapping[str, Any]) -> Told:
    """An entry's fields as `matching.register_files` reads them."""

    def say(names: Sequence[str]) -> str:
        values = (fields.get(name) for name in names)
        return ". ".join("; ".join(one) if isinstance(one, list) else str(one) for one in values if one)

    start, end = fields.get("date_start"), fields.get("date_end")
    return Told(
        id=entry_id,
        title=say(_NAMED),
        text=say(_TOLD),
        sizes_mm=tuple(float(one) for one in fields.get("sizes", {}).values()),
        weight_g=float(fields["weight_g"]) if fields.get("weight_g") else None,
        numbers=tuple(str(fields[name]) for name in _NUMBERS if fields.get(name)),
        inscription=str(fields.get("inscriptions") or ""),
        years=(int(start), int(end)) if isinstance(start, int) and isinstance(end, int) else None,
    )


def read_objects(told: Iterable[Told], classifier: ListingClassifier) -> Iterator[ObjectRecord]:
    """Each as a record that can be compared, in the order given."""
    held: list[Told] = []

    def texts() -> Iterator[tuple[str, str | None]]:
        for one in told:
            held.append(one)
            yield one.title, one.text

    for number, assessment in enumerate(classifier.assess_many(texts())):
        one = held[number]
        answers = answers_record(assessment.answers) if assessment.answers else None
        yield object_record(one, answers)


def object_record(told: Told, answers: Mapping[str, Any] | None) -> ObjectRecord:
    """A record from what was told and from the answers of its assessment; sizes that nobody gave are read in the text."""
    sizes = told.sizes_mm or tuple(float(one.millimetres) for one in dimensions_in(told.text))
    weight = told.weight_g if told.weight_g is not None else _weight(told.text)
    return ObjectRecord(
        id=told.id,
        text=f"{told.title}\n{told.text}",
        types=finding_ids(answers, "types"),
        materials=finding_ids(answers, "materials"),
        periods=finding_ids(answers, "periods"),
        years=told.years or years_of(answers),
        sizes_mm=sizes_of(sizes),
        weight_g=weight,
        numbers=told.numbers,
        inscription=told.inscription,
    )


def _weight(text: str) -> float | None:
    weight = weight_in(text)
    return float(weight) if weight is not None else None
