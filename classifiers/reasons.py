"""From the parts of a score to the spans of the listing's own text that a person reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classifiers.hashing import Hashed
from classifiers.normalise import original_end
from classifiers.reading import FIELDS, Reading
from classifiers.words import Places
from crawler.items import Reason

MOST_REASONS = 12
LEAST_WEIGHT = 0.03
LEAST_WORD_WEIGHT = 0.1
"""Learned words need more than named signs to be worth a reader's time."""
WORDS = "words"
_WORDS = -1

Numbers = NDArray[np.float64]


def build_reasons(
    reading: Reading, sign_weights: Numbers, hashed: Hashed, word_weights: Numbers, known: NDArray[np.bool_],
    pair_weights: Numbers,
) -> list[list[Reason]]:  # fmt: skip
    """For each listing at most MOST_REASONS spans without overlaps, strongest first; one speaks for an antiquity if
    any does."""
    spans = _find_spans(reading, sign_weights, hashed, word_weights, known, pair_weights)
    chosen = _choose(spans, reading.batch.size)
    reasons: list[list[Reason]] = [[] for _ in range(reading.batch.size)]
    batch, names = reading.batch, reading.rules.names
    fields, starts, lasts = batch.original_spans(spans.starts[chosen], spans.ends[chosen])
    rows = zip(
        fields.tolist(), starts.tolist(), lasts.tolist(), spans.weights[chosen].tolist(), spans.rules[chosen].tolist(),
        strict=True,
    )  # fmt: skip
    for field, start, last, weight, rule in rows:
        text = batch.listings[field >> 1][field & 1]
        end = last + 1 if text.isascii() else original_end(text, last)
        quoted = text[start:end]
        if rule == _WORDS and not any(map(str.isalpha, quoted)):
            continue  # a year whose weight contradicts its rule tells a reader nothing
        name = FIELDS[field & 1]
        kept = reasons[field >> 1]
        if not quoted.isascii() and any(r.field == name and r.start < end and start < r.end for r in kept):
            continue  # one character may fold to several words: the strongest speaks for it
        kept.append(Reason(name, start, end, quoted, round(weight, 4), WORDS if rule == _WORDS else names[rule]))
    return reasons


class _Spans:
    """Spans of the folded batch without overlaps, in order, each with its weight and the rule that speaks for it."""

    def __init__(self, starts: Places, ends: Places, weights: Numbers, rules: Places, listings: Places) -> None:
        self.starts, self.ends, self.weights, self.rules, self.listings = starts, ends, weights, rules, listings


def _find_spans(
    reading: Reading, sign_weights: Numbers, hashed: Hashed, word_weights: Numbers, known: NDArray[np.bool_],
    pair_weights: Numbers,
) -> _Spans:  # fmt: skip
    words, signs = reading.batch.words, reading.signs
    # a pair's weight is shared by its two words
    by_word = np.zeros(len(words))
    by_word[hashed.words[known]] = word_weights[known]
    np.add.at(by_word, hashed.firsts, pair_weights / 2)
    np.add.at(by_word, hashed.seconds, pair_weights / 2)
    spoken = np.flatnonzero(by_word)
    order = np.argsort(signs.starts, kind="stable")
    starts, ends, weights, rules = signs.starts[order], signs.ends[order], sign_weights[order], signs.rules[order]
    open_to = np.maximum.accumulate(ends) if len(ends) else ends
    fresh = np.ones(len(starts), dtype=bool)
    fresh[1:] = starts[1:] >= open_to[:-1]
    span = np.cumsum(fresh) - 1
    first = np.flatnonzero(fresh)
    span_starts, span_ends = starts[first], open_to[np.append(first[1:], len(starts)) - 1] if len(first) else ends
    span_weights: Numbers = np.bincount(span, weights, minlength=len(first)).astype(np.float64)
    # learned words inside a named span count for it
    home = np.searchsorted(span_starts, words.starts[spoken], side="right") - 1
    inside = (home >= 0) & (words.starts[spoken] < span_ends[home] if len(first) else False)
    np.add.at(span_weights, home[inside], by_word[spoken[inside]])
    span_rules = _speaking_rules(span, span_weights, weights, rules, reading)
    loose = spoken[~inside]
    enough = np.abs(by_word[loose]) >= LEAST_WORD_WEIGHT
    loose = loose[enough]
    strong = np.abs(span_weights) >= LEAST_WEIGHT
    all_starts = np.concatenate([span_starts[strong], words.starts[loose]])
    listings = np.searchsorted(reading.batch.field_starts, all_starts, side="right") - 1 >> 1
    return _Spans(
        all_starts,
        np.concatenate([span_ends[strong], words.ends[loose]]),
        np.concatenate([span_weights[strong], by_word[loose]]),
        np.concatenate([span_rules[strong], np.full(len(loose), _WORDS)]),
        listings,
    )


def _speaking_rules(span: Places, span_weights: Numbers, weights: Numbers, rules: Places, reading: Reading) -> Places:
    """The rule with the greatest part in each span's weight; _WORDS where words outweigh what the lexicons say."""
    speaking = np.full(len(span_weights), _WORDS, dtype=np.int64)
    named = np.flatnonzero(~reading.rules.is_era[rules])
    if not len(named):
        return speaking
    width = len(reading.rules.names)
    cells, inverse = np.unique(span[named] * width + rules[named], return_inverse=True)
    totals = np.bincount(inverse, weights[named])
    owner = cells // width
    towards = totals * np.where(span_weights[owner] > 0, 1.0, -1.0)
    order = np.lexsort((-towards, owner))
    best = order[np.concatenate([[True], owner[order[1:]] != owner[order[:-1]]])]
    agreed = best[towards[best] >= 0]
    speaking[owner[agreed]] = cells[agreed] % width
    return speaking


def _choose(spans: _Spans, size: int) -> Places:
    """The strongest spans of each listing, strongest first; the last place goes to one that speaks for it if none
    does."""
    order = np.lexsort((spans.starts, -np.abs(spans.weights), spans.listings))
    ranks = _ranks(spans.listings[order], size)
    kept = ranks < MOST_REASONS
    spoken_for = np.zeros(size, dtype=bool)
    spoken_for[spans.listings[order[kept & (spans.weights[order] > 0)]]] = True
    for listing in np.flatnonzero(~spoken_for & (np.bincount(spans.listings, minlength=size) > MOST_REASONS)).tolist():
        of_listing = np.flatnonzero(spans.listings[order] == listing)
        late = of_listing[(ranks[of_listing] >= MOST_REASONS) & (spans.weights[order[of_listing]] > 0)]
        if len(late):
            kept[of_listing[MOST_REASONS - 1]] = False
            kept[late[0]] = True
    return order[kept]


def _ranks(groups: Places, size: int) -> Places:
    counts = np.bincount(groups, minlength=size)
    starts = np.cumsum(counts) - counts
    return np.arange(len(groups)) - starts[groups]
