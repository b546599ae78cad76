"""A listing in one line of the reader's language, told offline from the machine's stored answers.

It repeats what the words of the listing say; what they do not say is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from classifiers.answers.meanings import UnknownMeaning, meaning

Record = Mapping[str, Any]
KINDS = (("types", "types"), ("materials", "materials"), ("periods", "periods"))
"""Answer -> kind of meaning that names its findings, in the order in which a person reads them."""
MOST_NAMES = 2
"""So many findings of one answer stand on the line; the listing's page has all."""
REPLICA_BANDS = frozenset({"strong", "medium"})
"""Answers "replica or modern" that earn their mark in the queue."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a card of the queue says of a listing's answers."""

    object: str
    """Type, material, culture or period; "" where no answer names any."""
    claims: str
    """What the seller claims of the past."""
    red_lists: tuple[str, ...]
    is_replica_likely: bool
    has_papers: bool


NOTHING = Summary("", "", (), False, False)


def summarise(answers: Record | None, language: str) -> Summary:
    """The summary of stored answers; `NOTHING` for an assessment from before there were answers."""
    if not answers:
        return NOTHING
    past: Record = answers.get("provenance") or {}
    named = (_names(kind, (one["id"] for one in answers.get(answer, ())), language) for answer, kind in KINDS)
    return Summary(
        object=" · ".join(name for name in named if name),
        claims=_names("claims", (one["id"] for one in past.get("claims", ())), language),
        red_lists=tuple(
            dict.fromkeys(meaning_name("red_lists", entry["list"], language) for entry in answers.get("red_list", ()))
        )[:MOST_NAMES],
        is_replica_likely=answers.get("replica", {}).get("band") in REPLICA_BANDS,
        has_papers=bool(past.get("papers")),
    )


def _names(kind: str, ids: Iterable[str], language: str) -> str:
    comma = "، " if language == "ar" else ", "
    return comma.join(list(dict.fromkeys(meaning_name(kind, id_, language) for id_ in ids))[:MOST_NAMES])


def meaning_name(kind: str, id_: str, language: str) -> str:
    """An id that this version no longer knows is shown as it was stored."""
    try:
        return meaning(kind, id_, language).name
    except UnknownMeaning:
        return id_
