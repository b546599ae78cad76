"""All answers on a batch of listings, from one reading of its text.

Every listing is asked whether it is a replica, what kind of object it offers and whether somebody is in danger. One
that is flagged, or whose words name an antiquity and no plain replica, is asked for its origin, Red Lists, provenance,
red flags and priority too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from classifiers.answers import alarms
from classifiers.answers.facts import Currencies, Settings, read_facts
from classifiers.answers.laws import find_legal_dates
from classifiers.answers.objects import find_object, find_origins, likeliest
from classifiers.answers.offer import UNKNOWN_OFFER, Offer
from classifiers.answers.priority import has_find_word, rank
from classifiers.answers.provenance import find_claims
from classifiers.answers.red_flags import find_red_flags
from classifiers.answers.red_lists import find_red_list
from classifiers.answers.replica import find_replica
from classifiers.answers.signs import LEXICONS, BatchSigns, Sign, is_asked
from classifiers.language import UNKNOWN
from classifiers.lexicon import Lexicon
from classifiers.reading import Reading, Rules
from classifiers.words import Batch
from crawler.items import Alarm, Answers, Priority, Provenance

PLACES = frozenset({"origin", "hub"})


class Answerer:
    """Answers listings as the model's lexicons and our own read them. Safe to share between threads."""

    def __init__(self, rules: Rules, settings: Settings | None = None, money: Currencies | None = None) -> None:
        self.settings = settings or Settings.load()
        self.money = money or Currencies.load()
        self._own = own_lexicon()
        self._asked = is_asked(rules.names)
        self._is_object = np.array([name.startswith("object:") for name in rules.names], dtype=bool)
        self._floors = frozenset(name for name, flag in read_facts("red_flags")["flags"].items() if flag.get("floor"))

    @classmethod
    def load(cls, rules: Rules, home: Path | None) -> Answerer:
        """With the settings and rates that a unit keeps in its home. Raises FactsError."""
        return cls(rules, Settings.load(home), Currencies.load(home))

    def answer(
        self, reading: Reading, flagged: Sequence[bool], offers: Sequence[Offer] | None = None
    ) -> list[tuple[Answers, list[Alarm]]]:
        """For each listing of the batch its answers, and the alarms that it raises."""
        named = np.zeros(reading.batch.size, dtype=bool)
        named[reading.signs.listings[self._is_object[reading.signs.rules]]] = True
        asked = named | np.array(flagged, dtype=bool)
        batch = BatchSigns(reading, self._own, self._asked, asked)
        whole = asked.tolist()
        offers = offers or [UNKNOWN_OFFER] * reading.batch.size
        locations = self._locations([offer.location if ask else None for offer, ask in zip(offers, whole, strict=True)])
        found = []
        for listing, offer in enumerate(offers):
            signs = batch.of(listing)
            answers, raised = Answers(), alarms.find_alarms(signs, batch)
            find_replica(answers, signs, batch)
            find_object(answers, signs, batch)
            if flagged[listing] or (named[listing] and answers.replica_band != "strong"):
                self._answer_whole(answers, signs, batch, listing, offer, locations.get(listing, ()), bool(raised))
            elif raised:
                answers.priority = self._rank(answers, signs, offer, alarmed=True)
            found.append((answers, raised))
        return found

    def _answer_whole(
        self, answers: Answers, signs: Sequence[Sign], batch: BatchSigns, listing: int, offer: Offer,
        location: Sequence[str], alarmed: bool,
    ) -> None:  # fmt: skip
        find_origins(answers, signs, batch)
        answers.red_list = find_red_list(answers.types, answers.origins)
        claims = find_claims(signs, batch, listing)
        from_the_sea = any(sign.rule == "circumstance:sea" for sign in signs)
        dates = find_legal_dates(
            answers.types, answers.origins, answers.years, claims, offer, self.money, from_the_sea=from_the_sea
        )
        answers.provenance = Provenance(claims.findings, claims.earliest_year, bool(claims.papers), dates)
        find_red_flags(answers, signs, batch, listing, claims, location, self.settings)
        answers.priority = self._rank(answers, signs, offer, alarmed)

    def _rank(self, answers: Answers, signs: Sequence[Sign], offer: Offer, alarmed: bool) -> Priority:
        return rank(
            flags={flag.id for flag in answers.red_flags},
            floors=self._floors,
            alarmed=alarmed,
            countries=[origin.id for origin in answers.origins],
            likely=likeliest(answers.origins),
            has_find_word=has_find_word(signs),
            settings=self.settings,
            value_eur=self.money.in_euro(offer.price, offer.currency),
            ends_at=offer.ends_at,
            now=offer.seen_at,
        )

    def _locations(self, places: Sequence[str | None]) -> dict[int, list[str]]:
        """The countries that offers' places name."""
        given = [(listing, place) for listing, place in enumerate(places) if place]
        if not given:
            return {}
        batch = Batch([(place, None) for _, place in given])
        hits = self._own.find(batch, np.full(batch.size, UNKNOWN, dtype=np.int64))
        found: dict[int, list[str]] = {}
        for word, rule in zip(hits.first.tolist(), hits.rules.tolist(), strict=True):
            family, _, country = self._own.rules[rule].partition(":")
            if family in PLACES:
                listing = given[int(batch.words.fields[word]) >> 1][0]
                found.setdefault(listing, []).append(country)
        return found


@cache
def own_lexicon() -> Lexicon:
    """The answers' own terms: origins, claims, contexts, words of danger. None of them weighs in the model."""
    return Lexicon(LEXICONS)
