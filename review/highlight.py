"""A listing's text with the reasons marked where they stand."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from review.words import visible
from storage.folding import fold


def highlighted(text: str | None, field: str, reasons: Sequence[dict[str, Any]]) -> Markup:
    """The text, escaped, with `<mark>` around the words of each reason of this field; the stronger wins an overlap.

    A reason whose words do not stand at its place (it was found in another version of the text) is left out.
    """
    text = text or ""
    spans = [reason for reason in reasons if _fits(reason, field, text)]
    cuts = sorted({0, len(text), *(r["start"] for r in spans), *(r["end"] for r in spans)})
    pieces: list[tuple[dict[str, Any] | None, int, int]] = []
    for start, end in itertools.pairwise(cuts):
        over = [r for r in spans if r["start"] <= start and r["end"] >= end]
        strongest = max(over, key=lambda r: abs(r["weight"]), default=None)
        if pieces and pieces[-1][0] is strongest:
            pieces[-1] = (strongest, pieces[-1][1], end)
        else:
            pieces.append((strongest, start, end))
    return Markup("").join(_piece(reason, text[start:end]) for reason, start, end in pieces)


def distinct_reasons(reasons: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The reasons without those whose words were given already, in title or description; the strongest stays."""
    found: dict[str, dict[str, Any]] = {}
    for reason in reasons:
        found.setdefault(fold(reason["text"]), reason)
    return list(found.values())


def sign_class(weight: float) -> str:
    """`for` or `against`: what a reason's weight speaks for."""
    return "for" if weight > 0 else "against"


def _fits(reason: dict[str, Any], field: str, text: str) -> bool:
    start, end = reason.get("start"), reason.get("end")
    return (
        reason.get("field") == field
        and isinstance(start, int)
        and isinstance(end, int)
        and 0 <= start < end <= len(text)
        and text[start:end] == reason.get("text")
    )


def _piece(reason: dict[str, Any] | None, words: str) -> Markup:
    if reason is None:
        return visible(words)
    weight = float(reason["weight"])
    return Markup('<mark class="{}" title="{} ({})">{}</mark>').format(
        sign_class(weight), escape(reason.get("rule", "")), f"{weight:+.2f}", visible(words)
    )
