"""Which way a lexicon feature may point, whatever the corpus says.

The corpus is composed, and echoes of its templates must not make an oil lamp speak against a Roman oil lamp. So the
weights are fitted within bounds: names of ancient things, cultures, times and materials never count against an
antiquity, names of copies and later goods never for one, and the talk of a sale counts for nothing. Damage counts only
beside what a thing is called.
"""

from __future__ import annotations

import math
from functools import lru_cache

FOR = frozenset(
    {"object", "thing", "period", "place", "ruler", "deity", "coin", "material", "technique", "find", "slang",
     "era:ancient", "era:ancient_there"}
)  # fmt: skip
AGAINST = frozenset({"replica", "goods", "later", "fossil", "era:later"})
OPEN_GROUPS = frozenset({"period:ottoman_safavid", "slang:ar_general_weak", "slang:en_trade", "slang:fr_maghreb"})
"""Groups of those families that later things share: they may point either way."""
SALE_TALK = frozenset({"risk", "offer", "context"})
SALE_GROUPS = frozenset({"slang:ar_trade_talk"})
STATE = "condition"
"""Broken, mended, worn: a phone may be so too. It counts beside what a thing is called, never alone."""
FIND_GROUPS = frozenset({"risk:found_in_ground", "risk:soil_uncleaned"})
"""Risk groups that speak of a find in the ground, which says what the object is and not only how it is sold."""
RISK_WEIGHT = 0.05
"""The fixed weight of a red flag of the sale: enough to be shown as a reason, too little to move the score."""
Bounds = tuple[float, float]


@lru_cache(maxsize=4096)
def is_sale_talk(rule: str) -> bool:
    """Whether a rule speaks of the sale and not of the object."""
    return (rule.partition(":")[0] in SALE_TALK and rule not in FIND_GROUPS) or rule in SALE_GROUPS


def bounds_of(feature: str) -> Bounds:
    """Least and greatest weight of a lexicon feature, by its name."""
    if feature.startswith("risk:") and is_sale_talk(feature):
        return RISK_WEIGHT, RISK_WEIGHT
    if feature in OPEN_GROUPS:
        return -math.inf, math.inf
    if feature in FIND_GROUPS:
        return 0.0, math.inf
    parts = _parts(feature)
    if all(part.partition(":")[0] == STATE for part in parts):
        return 0.0, 0.0
    sides = {side_of(part) for part in parts}
    if -1 in sides:
        return -math.inf, 0.0
    return (0.0, math.inf) if sides == {1} else (-math.inf, math.inf)


def _parts(feature: str) -> list[str]:
    if " & " in feature:
        return feature.split(" & ")
    for start in ("any ", "title ", "many "):
        if feature.startswith(start):
            return [feature.removeprefix(start)]
    return [feature]


@lru_cache(maxsize=4096)
def side_of(part: str) -> int:
    """1 for a rule or family that may only speak for an antiquity, -1 against, 0 for either."""
    family = part if part.startswith("era:") else part.partition(":")[0]
    return 1 if family in FOR else -1 if family in AGAINST else 0
