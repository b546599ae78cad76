"""Which categories of ICOM Red Lists the likely type and origin of an object fall under."""

from __future__ import annotations

from collections.abc import Sequence

from classifiers.answers.facts import read_facts
from crawler.items import Finding, RedListEntry

MOST = 6
LEAST = 1.0
"""A type told by fewer points is a word of the description, such as the columns of a text."""


def find_red_list(types: Sequence[Finding], origins: Sequence[Finding]) -> list[RedListEntry]:
    """The entries for each type and country, the likeliest first. Lists name types at risk, never an object."""
    found = []
    sure = [type_ for type_ in types if type_.weight >= LEAST]
    for origin in origins:
        for type_ in sure:
            for name, facts in read_facts("red_lists").items():
                if origin.id in facts["countries"] and type_.id in facts["categories"]:
                    basis = "culture" if origin.basis == "culture" else "words"
                    reasons = (*type_.reasons[:1], *origin.reasons[:1])
                    found.append(
                        RedListEntry(name, type_.id, origin.id, facts["emergency"], basis, reasons)  # type: ignore[arg-type]
                    )
    return found[:MOST]
