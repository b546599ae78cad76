"""An assessment, and the alarms that come with it, as rows of their tables."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from crawler.answer_records import alarm_records, answers_record
from crawler.items import Assessment, Reason

_REASON_FIELDS = tuple(field.name for field in fields(Reason))


def assessment_row(
    listing_id: int, observation_id: int | None, found: Assessment, assessed_at: datetime | None
) -> dict[str, Any]:
    """The row of one assessment of one observation."""
    priority = found.answers.priority if found.answers is not None else None
    return {
        "listing_id": listing_id,
        "observation_id": observation_id,
        "model": found.model,
        "score": found.score,
        "flagged": found.flagged,
        "band": found.band,
        "language": found.language,
        "labels": list(found.labels),
        "reasons": [{name: getattr(reason, name) for name in _REASON_FIELDS} for reason in found.reasons],
        "answers": answers_record(found.answers) if found.answers is not None else None,
        "priority": priority.why if priority is not None else None,
        "must_be_seen": priority is not None and priority.must_be_seen,
        "assessed_at": assessed_at,
    }


def is_for_a_person(found: Assessment) -> bool:
    """Whether the listing is to be captured and shown: flagged, or a rule sends it to a person whatever its score."""
    priority = found.answers.priority if found.answers is not None else None
    return found.flagged or bool(found.alarms) or (priority is not None and priority.must_be_seen)


def is_hit(found: Assessment) -> bool:
    """Whether it is news for who searches: it is raised, and not by signs of danger alone, which are alarms."""
    priority = found.answers.priority if found.answers is not None else None
    return found.flagged or (priority is not None and priority.must_be_seen and not found.alarms)


def alarm_rows(
    listing_id: int, observation_id: int | None, found: Assessment, raised_at: datetime | None
) -> list[dict[str, Any]]:
    """A row for each alarm that the assessment raises."""
    of_listing = {
        "listing_id": listing_id,
        "observation_id": observation_id,
        "model": found.model,
        "raised_at": raised_at,
    }
    return [of_listing | alarm for alarm in alarm_records(found.alarms)]
