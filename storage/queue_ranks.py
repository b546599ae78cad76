"""The order of the queue as numbers: danger first, then what cannot wait, the value of the object last.

The hours that are left stand in its middle and are asked for when the queue is read; what counts before them and what
counts after them is kept with each entry as one number, smaller ones first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from storage.queue_filters import BANDS

DANGER, CONFLICT = "danger_to_person", "conflict_zone_find"
URGENCY = {DANGER: 0, "register_match": 1, "museum_number": 1, CONFLICT: 2}
"""Rules of `Assessment.priority` that the words alone decide, in the order of the workflow; the hour and the seller's
other lots come after them, and are asked anew each time."""
OURS = {"own_country": 0, "partner_country": 1}
BUSY_SELLER = 3
"""So many flagged listings of one seller raise each of them."""
DAY, SOON = timedelta(hours=24), timedelta(hours=72)
"""What ends within these goes before what counts after the hours."""
FIND_FAMILY = "find"
CONFLICT_ZONE_GROUPS = frozenset(
    {
        "sumerian",
        "akkadian",
        "babylonian",
        "assyrian",
        "levant_bronze_iron",
        "south_arabian",
        "nabataean_arabian",
        "kushite_meroitic",
        "gandhara_kushan",
        "scythian_steppe",
        "west_african",
        "cuneiform_tablet",
        "cylinder_seal",
        "gandhara_sculpture",
        "terracotta_african",
    }
)
"""Lexicon groups of the workflow's default list: Iraq, Syria, Yemen, Libya, Sudan, Palestine, Lebanon, Afghanistan,
Ukraine, Mali."""
_URGENCIES = max(URGENCY.values()) + 2
_BANDS = len(BANDS) + 1
_OURS = len(OURS) + 1
BUSY_STEP = _OURS * _BANDS
"""What a seller with several flagged listings takes off the rank after the hour."""
DANGER_RANKS = 2 * _URGENCIES
"""Ranks before the hour that are smaller are those of danger to a person."""


def rank_before_hour(*, priority: str, changed: bool, conflict_zone: bool) -> int:
    """Danger to a person, a change since the decision, a register or museum number, a find of a conflict zone."""
    urgency = URGENCY[CONFLICT] if conflict_zone else URGENCY.get(priority, _URGENCIES - 1)
    return ((priority != DANGER) * 2 + (not changed)) * _URGENCIES + urgency


def rank_after_hour(*, followed: bool, busy: bool, priority: str, band: str) -> int:
    """A followed seller, one with several flagged listings, our own countries, the band of the score."""
    ours, of_band = OURS.get(priority, _OURS - 1), BANDS.get(band, _BANDS - 1)
    return (((not followed) * 2 + (not busy)) * _OURS + ours) * _BANDS + of_band


def is_conflict_zone_find(labels: Sequence[Any], reasons: Sequence[Any]) -> bool:
    """Whether a culture or type of the conflict-zone list stands together with a word of the find.

    For assessments from before there were answers; these ask the unit's own list.
    """
    rules = [str(label) for label in labels] + [str(reason.get("rule", "")) for reason in reasons]
    return any(rule.startswith(f"{FIND_FAMILY}:") for rule in rules) and any(
        rule.rpartition(":")[2] in CONFLICT_ZONE_GROUPS for rule in rules
    )
