"""Answers and alarms as plain JSON values: what is stored, printed and packed into a bundle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crawler.items import Alarm, Answers, Finding, LegalDate, Reason, RedListEntry

Record = dict[str, Any]


def answers_record(answers: Answers) -> Record:
    """The answers; a listing whose words name no antiquity has no provenance, red flags or priority (null)."""
    past = answers.provenance
    return {
        "replica": {"band": answers.replica_band, "findings": _findings(answers.replica)},
        "types": _findings(answers.types),
        "materials": _findings(answers.materials),
        "periods": _findings(answers.periods),
        "years": answers.years
        and {
            "first": answers.years.first,
            "last": answers.years.last,
            "basis": answers.years.basis,
            "reasons": _reasons(answers.years.reasons),
        },
        "origins": _findings(answers.origins),
        "red_list": [_entry(entry) for entry in answers.red_list],
        "provenance": past
        and {
            "claims": _findings(past.claims),
            "earliest_year": past.earliest_year,
            "papers": past.papers,
            "dates": [_date(one) for one in past.dates],
        },
        "red_flags": past
        and {
            "points": answers.points,
            "flags": _findings(answers.red_flags),
            "reassurance": _findings(answers.reassurance),
        },
        "priority": answers.priority
        and {
            "level": answers.priority.level,
            "why": answers.priority.why,
            "must_be_seen": answers.priority.must_be_seen,
            "value_eur": answers.priority.value_eur,
        },
    }


def alarm_records(alarms: Iterable[Alarm]) -> list[Record]:
    return [{"kind": alarm.kind, "reasons": _reasons(alarm.reasons)} for alarm in alarms]


def _findings(findings: Iterable[Finding]) -> list[Record]:
    return [
        {"id": one.id, "weight": one.weight, "basis": one.basis, "reasons": _reasons(one.reasons)} for one in findings
    ]


def _reasons(reasons: Iterable[Reason]) -> list[Record]:
    return [
        {"field": r.field, "start": r.start, "end": r.end, "text": r.text, "weight": r.weight, "rule": r.rule}
        for r in reasons
    ]


def _entry(entry: RedListEntry) -> Record:
    return {
        "list": entry.list,
        "category": entry.category,
        "country": entry.country,
        "emergency": entry.emergency,
        "basis": entry.basis,
        "reasons": _reasons(entry.reasons),
    }


def _date(one: LegalDate) -> Record:
    return {
        "law": one.law,
        "date": one.date,
        "country": one.country,
        "confirmed": one.confirmed,
        "claim": one.claim,
        "note": one.note,
    }
