"""Copies that speak against no antiquity.

A text denies them ("keine Kopie", "مش ديكور", "kopya değil"), or the ancients made them ("a Roman copy of a Greek
bronze", "imitation gauloise").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classifiers.lexicon import HashIndex, Hits
from classifiers.words import Batch, text_hashes

_BEFORE = (
    "not no never neither nor non pas ni aucun aucune jamais kein keine keinen keiner keinem nicht sin ninguna ninguno"
    " ningun ne nessun nessuna senza ليس ليست وليس وليست مش مو ولا لا ماهو ماهي موب مهوب مهي ماشي بدون بلا"
)
_AFTER = "degil degildir"
_BETWEEN = "modern moderne moderner modernes moderna moderno new neue neues nouvelle nueva nuova حديثة حديث"
_MADE_THEN = (
    "roman romaine romaines romana romane romische romischer romischen celtic celtique celtiques celtica keltische"
    " gauloise gauloises barbarous barbare barbares ancient hellenistic hellenistique ellenistica germanic"
    " رومانية"
)
"""Beside one of `_COPY`: who made it. A "Roman replica" is a seller's word, a "Roman copy" a scholar's."""
_COPY = "copy copies copie copia copias kopie kopien imitation imitations imitacion imitaciones imitazione imitazioni"
_BEFORE_INDEX, _AFTER_INDEX, _BETWEEN_INDEX, _MADE_THEN_INDEX, _COPY_INDEX = (
    HashIndex(text_hashes(words.split())) for words in (_BEFORE, _AFTER, _BETWEEN, _MADE_THEN, _COPY)
)
REACH = 3
"""Words ahead of the term in which a denial may stand, nothing but grammar between: "ist keine moderne Kopie"."""


def denied(batch: Batch, hits: Hits, is_function_word: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the hits a word beside them denies or puts into antiquity; "pas cher, réplique" denies nothing.

    `is_function_word` tells for each word of the batch whether it is grammar.
    """
    words = batch.words
    result = np.zeros(len(hits.first), dtype=bool)
    if not len(hits.first):
        return result
    gap = np.zeros(len(words) + 1, dtype=bool)
    gap[1:-1] = words.starts[1:] - words.ends[:-1] == 1
    # gap[w]: a space alone stands between word w - 1 and word w
    gap[1:-1] &= (batch.codes[words.ends[:-1]] == ord(" ")) & (words.fields[1:] == words.fields[:-1])
    before = np.append(_BEFORE_INDEX.contains(words.hashes), False)
    between = np.append(is_function_word | _BETWEEN_INDEX.contains(words.hashes), False)
    reached = np.ones(len(result), dtype=bool)
    for step in range(1, REACH + 1):
        at = hits.first - step
        reached &= (at >= 0) & gap[np.maximum(at + 1, 0)]
        result |= reached & before[np.maximum(at, 0)]
        reached &= between[np.maximum(at, 0)]
    then = np.append(_MADE_THEN_INDEX.contains(words.hashes), False)
    copy = _COPY_INDEX.contains(words.hashes)
    result |= copy[hits.first] & gap[hits.first] & then[np.maximum(hits.first - 1, 0)]
    result |= copy[hits.last - 1] & gap[hits.last] & then[np.minimum(hits.last, len(words))]
    after = np.append(_AFTER_INDEX.contains(words.hashes), False)
    result |= gap[hits.last] & after[np.minimum(hits.last, len(words))]
    return result
