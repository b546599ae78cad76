"""Whether history, opinion and decisions of an item are about the observations that `item.json` tells of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from evidence.bundle_files import BundleFiles, JsonFault, as_mapping
from evidence.faults import Fault

COMPARED = ("title", "description", "price", "currency", "seller_name", "location", "ends_at", "availability", "state")
"""What a history compares between an observation and the one before, besides the pictures' addresses."""
_COPY = "data/redaction.json"
Observations = Mapping[str, dict[str, Any]]
"""By their number as text, in their order."""


def story_faults(files: BundleFiles, number: str) -> Iterator[Fault]:
    """Of the item under this number in the bundle ("001"); each with its file."""
    facts = as_mapping(_read(files, f"data/items/{number}/item.json").get("captured_fact"))
    seen = {str(one.get("id")): one for one in _mappings(facts.get("observations"))}
    history, opinion, decisions = (
        f"data/items/{number}/observations.json",
        f"data/analysis/{number}.json",
        f"data/decisions/{number}.json",
    )
    whole = _COPY not in files.sizes  # in a copy two texts may be alike that were not
    for sentence in _history_faults(_read(files, history), facts, seen, whole):
        yield Fault("item.history", sentence, history)
    assessments = {str(one.get("id")): one for one in _mappings(_read(files, opinion).get("assessments"))}
    for sentence in _opinion_faults(assessments, seen):
        yield Fault("item.opinion", sentence, opinion)
    for decision in _mappings(_read(files, decisions).get("decisions")):
        about, on = decision.get("observation"), decision.get("assessment")
        if (about is not None and str(about) not in seen) or (on is not None and str(on) not in assessments):
            words = f"decision {decision.get('id')} is on an observation or assessment that the bundle does not hold"
            yield Fault("item.decision", words, decisions)


def _history_faults(history: dict[str, Any], facts: dict[str, Any], seen: Observations, whole: bool) -> Iterator[str]:
    versions = _mappings(history.get("versions"))
    if [(str(one.get("observation")), one.get("observed_at")) for one in versions] != [
        (name, one.get("observed_at")) for name, one in seen.items()
    ]:
        yield "its versions are not the observations of item.json"
        return
    if (history.get("state"), history.get("state_proof")) != (facts.get("state"), facts.get("state_proof")):
        yield "it tells another state of the listing than item.json"
    before: dict[str, Any] = {}
    for version in versions:
        after = seen[str(version.get("observation"))]
        for change in _mappings(version.get("changes")):
            name = str(change.get("field"))
            told = change.get("before"), change.get("after")
            if name != "image_urls" and told != (_value(before, name), _value(after, name)):
                yield f"the change of {name} at observation {version.get('observation')} is not as in item.json"
        if whole and before and version.get("changes") != _changes(before, after):
            yield f"the changes at observation {version.get('observation')} are more or less than those in item.json"
        before = after
    if history.get("prices") != _prices(seen):
        yield "its prices are not those of item.json"


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """What differs between two observations, as a history tells it."""
    changes: list[dict[str, Any]] = []
    for name in COMPARED:
        old, new = _value(before, name), _value(after, name)
        if old != new and not (name == "price" and _same_amount(old, new)):
            changes.append({"field": name, "before": old, "after": new})
    old, new = (list(one.get("image_urls") or ()) for one in (before, after))
    added, removed = [u for u in new if u not in old], [u for u in old if u not in new]
    return changes + ([{"field": "image_urls", "added": added, "removed": removed}] if added or removed else [])


def _same_amount(one: Any, other: Any) -> bool:
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


def _prices(seen: Observations) -> list[dict[str, Any]]:
    prices: list[dict[str, Any]] = []
    for row in seen.values():
        told = {"observation": row.get("id"), **{name: row.get(name) for name in ("observed_at", "price", "currency")}}
        last = prices[-1] if prices else {}
        if told["price"] is not None and (last.get("price"), last.get("currency")) != (told["price"], told["currency"]):
            prices.append(told)
    return prices


def _opinion_faults(assessments: Observations, seen: Observations) -> Iterator[str]:
    for name, assessment in assessments.items():
        observation = seen.get(str(assessment.get("observation")))
        if observation is None:
            yield f"assessment {name} is of an observation that item.json does not hold"
            continue
        for reason in _mappings(assessment.get("reasons")):
            text, start, end = observation.get(str(reason.get("field"))), reason.get("start"), reason.get("end")
            if not isinstance(text, str):  # of a field that item.json does not hold as text, or withheld
                continue
            can_tell = isinstance(start, int) and isinstance(end, int)
            if not can_tell or text[start:end] != reason.get("text"):
                yield f"assessment {name} quotes words that do not stand in its observation"
                break


def _value(observation: dict[str, Any], name: str) -> Any:
    if name == "seller_name":
        return as_mapping(observation.get("seller")).get("name_as_shown")
    return observation.get(name)


def _read(files: BundleFiles, name: str) -> dict[str, Any]:
    try:
        return as_mapping(files.json(name))
    except JsonFault:
        return {}  # told as json.form or place.missing


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [as_mapping(one) for one in value] if isinstance(value, list) else []
