"""From the parts of a score to the spans of the listing's own text that a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from classifiers.normalise import original_span, origins
from classifiers.reading import FieldName, Sign
from crawler.items import Reason

MOST_REASONS = 12
LEAST_WEIGHT = 0.03
LEAST_WORD_WEIGHT = 0.1
"""Learned words need more than named signs to be worth a reader's time."""
WORDS = "words"


class Share(NamedTuple):
    """A part of the margin and the signs it rests on; without signs it is the absence of something."""

    weight: float
    signs: tuple[Sign, ...]


@dataclass(slots=True)
class _Span:
    start: int
    end: int
    weight: float
    rules: dict[str, float]

    @property
    def wordy(self) -> bool:
        """Whether nothing but learned words speaks here."""
        return len(self.rules) == 1 and WORDS in self.rules


def build_reasons(title: str, description: str, shares: Sequence[Share]) -> list[Reason]:
    """At most MOST_REASONS spans without overlaps, strongest first; one speaks for an antiquity if any does."""
    spread = _spread(shares)
    candidates: list[tuple[FieldName, _Span]] = []
    for name in ("title", "description"):
        spans = _merge([span for (where, *_), span in spread.items() if where == name])
        candidates += [(name, span) for span in spans if abs(span.weight) >= _least(span)]
    candidates.sort(key=lambda pair: (-abs(pair[1].weight), pair[0] != "title", pair[1].start))
    kept = candidates[:MOST_REASONS]
    if not any(span.weight > 0 for _, span in kept):
        kept[MOST_REASONS - 1 :] = [pair for pair in candidates[MOST_REASONS - 1 :] if pair[1].weight > 0][:1]
    texts = {"title": title, "description": description}
    places = {name: origins(texts[name]) for name in {name for name, _ in kept}}
    reasons: list[Reason] = []
    for name, span in kept:
        reason = _reason(name, span, texts[name], places[name])
        if reason.rule == WORDS and not any(character.isalpha() for character in reason.text):
            continue  # a year whose weight contradicts its rule tells a reader nothing
        if not any(r.field == name and r.start < reason.end and reason.start < r.end for r in reasons):
            reasons.append(reason)  # one character may fold to several words: the strongest speaks for it
    return reasons


def _least(span: _Span) -> float:
    return LEAST_WORD_WEIGHT if span.wordy else LEAST_WEIGHT


def _spread(shares: Sequence[Share]) -> dict[tuple[FieldName, int, int], _Span]:
    """Each share divided among its places."""
    spans: dict[tuple[FieldName, int, int], _Span] = {}
    for weight, signs in shares:
        if not signs:
            continue
        part = weight / len(signs)
        for field, start, end, rule in signs:
            span = spans.get((field, start, end))
            if span is None:
                spans[field, start, end] = _Span(start, end, part, {rule: part})
            else:
                span.weight += part
                span.rules[rule] = span.rules.get(rule, 0.0) + part
    return spans


def _merge(spans: list[_Span]) -> list[_Span]:
    """Spans that overlap become one; learned words inside a named span count for it."""
    spans = sorted(spans, key=lambda span: (span.start, -span.end))
    named = _join([span for span in spans if not span.wordy])
    loose = []
    for span in spans:
        if not span.wordy:
            continue
        home = next((other for other in named if span.start < other.end and other.start < span.end), None)
        if home is None:
            loose.append(span)
        else:
            home.weight += span.weight
    return named + _join(loose)


def _join(spans: list[_Span]) -> list[_Span]:
    joined: list[_Span] = []
    for span in spans:
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            last.end = max(last.end, span.end)
            last.weight += span.weight
            for rule, weight in span.rules.items():
                last.rules[rule] = last.rules.get(rule, 0.0) + weight
        else:
            joined.append(_Span(span.start, span.end, span.weight, dict(span.rules)))
    return joined


def _reason(name: FieldName, span: _Span, text: str, places: Sequence[int]) -> Reason:
    start, end = original_span(text, places, span.start, span.end)
    rules = {rule: weight for rule, weight in span.rules.items() if rule != WORDS and not rule.startswith("era:")}
    sign = 1 if span.weight > 0 else -1
    rule = max(rules, key=lambda r: rules[r] * sign) if rules else WORDS
    if rules and rules[rule] * sign < 0:
        rule = WORDS  # the words outweigh what the lexicons say of them
    return Reason(name, start, end, text[start:end], round(span.weight, 4), rule)
