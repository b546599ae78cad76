"""A listing's text with the reasons marked where they stand, known terms explained, contacts blacked out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from crawler.blackening import black_text
from review.glosses import Term
from review.words import visible
from storage.folding import fold


def highlighted(
    text: str | None,
    field: str,
    reasons: Sequence[dict[str, Any]],
    terms: Sequence[Term] = (),
    *,
    contacts_shown: bool = False,
) -> Markup:
    """The text, escaped, with `<mark>` around the words of each reason of this field; the stronger wins an overlap.

    A reason whose words do not stand at its place (it was found in another version of the text) is left out. Known
    terms carry their meaning with them. Telephone numbers and the like are blacked out unless they are to be shown.
    """
    text = text or ""
    spans = [reason for reason in reasons if _fits(reason, field, text)]
    known = [term for term in terms if term.field == field and text[term.start : term.end] == term.words]
    shown = text if contacts_shown else black_text(text, None)
    ends = {0, len(text), *(r["start"] for r in spans), *(r["end"] for r in spans)}
    ends |= {term.start for term in known} | {term.end for term in known}
    pieces: list[tuple[dict[str, Any] | None, Term | None, int, int]] = []
    for start, end in itertools.pairwise(sorted(ends)):
        over = [r for r in spans if r["start"] <= start and r["end"] >= end]
        strongest = max(over, key=lambda r: abs(r["weight"]), default=None)
        term = next((one for one in known if one.start <= start and one.end >= end), None)
        if pieces and pieces[-1][0] is strongest and pieces[-1][1] is term:
            pieces[-1] = (strongest, term, pieces[-1][2], end)
        else:
            pieces.append((strongest, term, start, end))
    made = []
    for term, group in itertools.groupby(pieces, key=lambda piece: piece[1]):
        inner = Markup("").join(_piece(reason, shown[start:end]) for reason, _, start, end in group)
        made.append(inner if term is None else _glossed(term, inner))
    return Markup("").join(made)


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


def _glossed(term: Term, words: Markup) -> Markup:
    """The words with what they mean beside them: shown where they are pointed at or focused, and read out with them."""
    return Markup(
        '<dfn class="gloss" tabindex="0" aria-describedby="{id}">{words}<span class="tip" role="tooltip" id="{id}" '
        'dir="{dir}"><strong>{name}</strong>{sentence}</span></dfn>'
    ).format(
        id=term.anchor,
        words=words,
        dir=term.direction,
        name=term.name,
        sentence=f" · {term.sentence}" if term.sentence else "",
    )


def _piece(reason: dict[str, Any] | None, words: str) -> Markup:
    if reason is None:
        return visible(words)
    weight = float(reason["weight"])
    return Markup('<mark class="{}" title="{} ({})">{}</mark>').format(
        sign_class(weight), escape(reason.get("rule", "")), f"{weight:+.2f}", visible(words)
    )
