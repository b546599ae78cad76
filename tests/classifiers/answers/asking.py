"""One listing asked, and its answers in a form that is short to compare."""

from __future__ import annotations

from classifiers.answers.offer import UNKNOWN_OFFER, Offer
from classifiers.listing import ListingClassifier
from crawler.items import Alarm, Answers, Reason


def ask(
    classifier: ListingClassifier, title: str, description: str | None = None, offer: Offer = UNKNOWN_OFFER
) -> Answers:
    """The answers, taken as of a flagged listing, so that each is asked whatever the model thinks of the words."""
    return ask_all(classifier, title, description, offer)[0]


def ask_all(
    classifier: ListingClassifier, title: str, description: str | None = None, offer: Offer = UNKNOWN_OFFER
) -> tuple[Answers, list[Alarm]]:
    reading = classifier.read([(title, description)])
    [answered] = classifier._answerer.answer(reading, [True], [offer])
    return answered


def every_reason(answers: Answers) -> list[Reason]:
    """All reasons of all answers."""
    findings = [
        *answers.replica, *answers.types, *answers.materials, *answers.periods, *answers.origins, *answers.red_flags,
        *answers.reassurance, *(answers.provenance.claims if answers.provenance else ()),
    ]  # fmt: skip
    reasons = [reason for finding in findings for reason in finding.reasons]
    reasons += [reason for entry in answers.red_list for reason in entry.reasons]
    return reasons + list(answers.years.reasons if answers.years else ())
