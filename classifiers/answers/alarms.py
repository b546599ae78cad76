"""Signs of danger to a person in a listing's words. They are no matter of antiquities and wait in no queue.

The word for a child said to be of use to treasure seekers is a family name too: it counts only beside a word for a
child, or near one for treasure, and never where the words before it make it somebody's name. Names of sellers and
places are not read here at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from classifiers.answers.nearby import within_words, words_between
from classifiers.answers.signs import BatchSigns, Sign
from crawler.items import Alarm

CHILD = "treasure_child_abuse_signal"
TAX = "khums_or_tax"
FEWEST_WORDS = 5
"""Two words belong together within so many words."""
MOST_REASONS = 12
ANTIQUITY = frozenset({"object", "thing", "period", "find"})
_SHARE = "نسبه"
_NAME_WORDS = 1
_CAPITALISED_PAIR = re.compile(r"(?<!\w)[A-ZÀ-Þ][\w'-]+ [A-ZÀ-Þ]\w+$")
"""First name and family name in Latin letters."""


def find_alarms(signs: Sequence[Sign], batch: BatchSigns) -> list[Alarm]:
    """The alarms that a listing's text raises."""
    alarms = []
    if reasons := _child_signs(signs, batch):
        alarms.append(Alarm(CHILD, tuple(batch.quote(sign, 5.0) for sign in reasons[:MOST_REASONS])))
    if reasons := share_signs(signs, batch):
        alarms.append(Alarm(TAX, tuple(batch.quote(sign, 4.0) for sign in reasons[:MOST_REASONS])))
    return alarms


def share_signs(signs: Sequence[Sign], batch: BatchSigns) -> list[Sign]:
    """Signs of a fifth share asked of finds: the word is the number five too, so it needs a share and an antiquity."""
    fifths = [sign for sign in signs if sign.rule == "risk:khums_or_tax"]
    if not fifths or not any(sign.family in ANTIQUITY for sign in signs):
        return []
    shares = [sign for sign in signs if sign.rule == "safety:share"]
    return [sign for sign in fifths if _SHARE in batch.text(sign) or within_words(sign, shares, batch, FEWEST_WORDS)]


def _child_signs(signs: Sequence[Sign], batch: BatchSigns) -> list[Sign]:
    words = [sign for sign in signs if sign.rule == "safety:zouhri"]
    if not words:
        return []
    children = [sign for sign in signs if sign.rule == "safety:child"]
    treasures = [sign for sign in signs if sign.rule in ("safety:treasure", "find:treasure")]
    names = [sign for sign in signs if sign.rule == "safety:name_before"]
    found: list[Sign] = []
    for word in words:
        child = within_words(word, children, batch, FEWEST_WORDS)
        near = child or within_words(word, treasures, batch, FEWEST_WORDS)
        if not near or _is_name(word, names, child, batch) or (not child and _has_article(word, batch)):
            continue
        if child and _has_article(word, batch) and not any(_has_article(other, batch) for other in child):
            continue  # "the son of Zouhri": with an article the adjective needs one before the noun as well
        found += [*near[:1], word]
    return sorted(set(found), key=lambda sign: sign.start)


def _is_name(word: Sign, names: Sequence[Sign], children: Sequence[Sign], batch: BatchSigns) -> bool:
    if any(child.end <= word.start and words_between(child, word, batch) == 0 for child in children):
        return False  # "Enfant Zouhri" in a title
    if _CAPITALISED_PAIR.search(batch.original_before(word, 30) + batch.quote(word, 0.0).text):
        return True
    return any(name.end <= word.start for name in within_words(word, names, batch, _NAME_WORDS + 1))


def _has_article(sign: Sign, batch: BatchSigns) -> bool:
    return batch.text(sign).startswith(("ال", "لل", "وال", "بال"))
