"""The lexicons: terms in many languages, sorted into families and groups, and the search for them in a batch."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from classifiers.language import LANGUAGES, UNKNOWN
from classifiers.normalise import fold
from classifiers.words import DIGIT, LETTER, TOKEN, Batch, Hashes, Places, mix, text_hashes
from crawler.errors import RelicwatchError
from crawler.yaml_text import read_yaml

LEXICONS = Path(__file__).parent / "lexicons"
AMBIGUOUS, FUNCTION_WORDS = "ambiguous.yaml", "function_words.yaml"
SHORT = 5
"""A Latin term of fewer letters counts only where the text is in its language, or in none that we know."""
ARTICLES = ("وال", "بال", "فال", "كال", "لل", "ال")
PREFIXES = "وفبلك"
LEAST_ARABIC = 3
"""An Arabic word keeps so many letters at least when its article or prefix is taken off."""
ENDINGS = {"s": 4, "es": 4, "x": 4, "n": 4, "en": 4, "er": 5, "i": 4, "lar": 4, "ler": 4}
"""Endings taken off a Latin word, with the fewest letters they must leave: no "cent" is in "center"."""
_FILTER_BITS = 20


class LexiconError(RelicwatchError):
    """A lexicon file is not in the form that the classifier reads."""


class HashIndex:
    """Places of given hashes among a fixed set: a bit filter first, since most words are in no lexicon."""

    def __init__(self, hashes: Hashes) -> None:
        self.keys: Hashes = np.unique(hashes)
        self._filter = np.zeros(1 << _FILTER_BITS, dtype=bool)
        self._filter[self._slots(self.keys)] = True

    @staticmethod
    def _slots(hashes: Hashes) -> Places:
        return (hashes >> np.uint64(64 - _FILTER_BITS)).astype(np.int64)

    def find(self, hashes: Hashes) -> tuple[Places, Places]:
        """Indices of the hashes that are keys, and the places of their keys."""
        maybe = np.flatnonzero(self._filter[self._slots(hashes)])
        asked = hashes[maybe]
        found = np.searchsorted(self.keys, asked)
        found[found == len(self.keys)] = 0
        hit = self.keys[found] == asked if len(self.keys) else np.zeros(len(asked), dtype=bool)
        return maybe[hit], found[hit]

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        inside = np.zeros(len(hashes), dtype=bool)
        inside[self.find(hashes)[0]] = True
        return inside


@dataclass(frozen=True, slots=True)
class Hits:
    """Terms found: words [first, last) of the batch, the index of the rule, ordered by place."""

    first: Places
    last: Places
    rules: NDArray[np.int64]


@dataclass(slots=True)
class _Term:
    family: int
    rule: int
    languages: int
    """A bit for each language that has the term."""
    everywhere: bool
    nowhere_in: int


def is_arabic(token: str) -> bool:
    return "\u0620" <= token[0] <= "\u06ff"


def without_article(token: str) -> str:
    """An Arabic token without its article and the preposition before it; never shorter than three letters."""
    if is_arabic(token):
        for article in ARTICLES:
            if token.startswith(article) and len(token) - len(article) >= LEAST_ARABIC:
                return token[len(article) :]
    return token


class Lexicon:
    """Every term of a directory of lexicon files, and of further ones: a unit's own terms."""

    def __init__(self, directory: Path = LEXICONS, *own: Path) -> None:
        paths = sorted(directory.glob("*.yaml"))
        if not paths:
            raise LexiconError(f"No lexicon file (*.yaml) lies in {directory}: reinstall, or name another directory.")
        self.digest = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
        self.rules: list[str] = []
        """`family:group`, in the order in which the files name them."""
        self.families: list[str] = []
        self._rule_index: dict[str, int] = {}
        self._family_index: dict[str, int] = {}
        self._terms: dict[tuple[str, ...], list[_Term]] = {}
        ambiguous = directory / AMBIGUOUS
        self._nowhere = {fold(k): _bits(v) for k, v in _read(ambiguous).items() if v} if ambiguous.exists() else {}
        grammar = directory / FUNCTION_WORDS
        self.function_words = _read_words(grammar) if grammar.exists() else frozenset()
        """Folded words of grammar, of all languages together: they name nothing."""
        own_paths = [path for place in own for path in sorted(place.glob("*.yaml"))]
        for path in [*paths, *own_paths]:
            if path.name not in (AMBIGUOUS, FUNCTION_WORDS):
                for family, group, language, term in read_terms(path):
                    self._add(family, group, language, term)
        self._compile()

    def _add(self, family: str, group: str, language: str, term: str) -> None:
        words = tuple(without_article(word) for word in TOKEN.findall(fold(term)))
        if not words:
            return
        rule = self._number(self._rule_index, self.rules, f"{family}:{group}")
        family_index = self._number(self._family_index, self.families, family)
        bit = _bits([language])
        entries = self._terms.setdefault(words, [])
        for entry in entries:
            if entry.rule == rule:
                entry.languages |= bit
                return
        spelled = " ".join(words)
        nowhere = self._nowhere.get(spelled, 0) | self._nowhere.get(f"{family}:{spelled}", 0)
        everywhere = is_arabic(words[0]) or len("".join(words)) >= SHORT
        entries.append(_Term(family_index, rule, bit, everywhere, nowhere))

    @staticmethod
    def _number(index: dict[str, int], names: list[str], name: str) -> int:
        if name not in index:
            index[name] = len(names)
            names.append(name)
        return index[name]

    def _compile(self) -> None:
        """Turn the terms into arrays: words, then for each length the sequences of words and their entries."""
        vocabulary = sorted({word for words in self._terms for word in words})
        hashes = text_hashes(vocabulary) if vocabulary else np.zeros(0, dtype=np.uint64)
        self._words = HashIndex(hashes)
        self._function_words = HashIndex(text_hashes(sorted(self.function_words)))
        number = dict(zip(vocabulary, np.searchsorted(self._words.keys, hashes).tolist(), strict=True))
        by_length: dict[int, dict[tuple[int, ...], list[_Term]]] = defaultdict(dict)
        for words, entries in self._terms.items():
            by_length[len(words)][tuple(number[word] for word in words)] = entries
        self._by_length = {length: _Sequences(by_length[length]) for length in sorted(by_length)}

    def rule_family(self) -> NDArray[np.int64]:
        """The index of each rule's family."""
        return np.array([self._family_index[rule.partition(":")[0]] for rule in self.rules], dtype=np.int64)

    def is_function_word(self, batch: Batch) -> NDArray[np.bool_]:
        return self._function_words.contains(batch.words.hashes)

    def canonical(self, batch: Batch) -> Places:
        """For each word the number of the lexicon word it is a form of, -1 where it is none.

        Articles, prefixes and plural endings are taken off.
        """
        words = batch.words
        numbers = np.full(len(words), -1, dtype=np.int64)
        lengths = words.ends - words.starts
        initial = batch.codes[words.starts]
        arabic = (initial >= 0x620) & (initial <= 0x6FF) & (words.kinds == LETTER)
        starts = words.starts.copy()
        at = np.flatnonzero(arabic)
        starts[at] += _article_lengths(batch, starts[at], words.ends[at])
        hashes = words.hashes.copy()
        moved = np.flatnonzero(starts != words.starts)
        hashes[moved] = batch.hashes.of(starts[moved], words.ends[moved])
        found, keys = self._words.find(hashes)
        numbers[found] = keys
        rest = at[(numbers[at] < 0) & np.isin(batch.codes[starts[at]], _PREFIX_CODES)]
        rest = rest[words.ends[rest] - starts[rest] >= LEAST_ARABIC + 1]
        if len(rest):
            inner = starts[rest] + 1
            inner += _article_lengths(batch, inner, words.ends[rest])
            found, keys = self._words.find(batch.hashes.of(inner, words.ends[rest]))
            numbers[rest[found]] = keys
        latin = np.flatnonzero((numbers < 0) & ~arabic & (words.kinds != DIGIT) & (lengths >= 5))
        for ending, codes in _ENDING_CODES.items():
            fitting = latin[lengths[latin] - len(ending) >= ENDINGS[ending]]
            for back, code in enumerate(reversed(codes), start=1):
                fitting = fitting[batch.codes[words.ends[fitting] - back] == code]
            if not len(fitting):
                continue
            fitting = fitting[numbers[fitting] < 0]
            stems = batch.hashes.of(words.starts[fitting], words.ends[fitting] - len(ending))
            found, keys = self._words.find(stems)
            numbers[fitting[found]] = keys
        return numbers

    def find(self, batch: Batch, languages: NDArray[np.int64]) -> Hits:
        """The longest term of each family at each place. `languages`: the listings' languages, UNKNOWN for none."""
        numbers = self.canonical(batch)
        fields = batch.words.fields
        known = np.flatnonzero(numbers >= 0)
        parts = []
        alive = known
        keys = np.zeros(len(known), dtype=np.uint64)
        for length in range(1, max(self._by_length, default=0) + 1):
            following = alive + length - 1
            inside = following < len(numbers)
            alive, keys, following = alive[inside], keys[inside], following[inside]
            going = (numbers[following] >= 0) & (fields[following] == fields[alive])
            alive, keys, following = alive[going], keys[going], following[going]
            if not len(alive):
                break
            keys = _extend(keys, numbers[following])
            if length in self._by_length:
                places, entries = self._by_length[length].find(keys)
                parts.append((alive[places], entries, length))
        return self._choose(parts, fields, languages)

    def _choose(
        self, parts: list[tuple[Places, NDArray[np.int64], int]], fields: Places, languages: NDArray[np.int64]
    ) -> Hits:
        none = np.zeros(0, dtype=np.int64)
        if not parts:
            return Hits(none, none, none)
        first = np.concatenate([places for places, _, _ in parts])
        length = np.concatenate([np.full(len(places), length) for places, _, length in parts])
        family, rule, has, everywhere, nowhere = (
            np.concatenate([getattr(self._by_length[length], name)[entries] for _, entries, length in parts])
            for name in ("family", "rule", "languages", "everywhere", "nowhere_in")
        )
        spoken = languages[fields[first] >> 1]
        bit = np.where(spoken == UNKNOWN, 0, np.left_shift(1, np.maximum(spoken, 0)))
        counts = (everywhere | (spoken == UNKNOWN) | ((has & bit) != 0)) & ((nowhere & bit) == 0)
        order = np.flatnonzero(counts)
        order = order[np.lexsort((-length[order], family[order], first[order]))]
        same = np.zeros(len(order), dtype=bool)
        same[1:] = (first[order[1:]] == first[order[:-1]]) & (family[order[1:]] == family[order[:-1]])
        order = order[~same]
        return Hits(first[order], first[order] + length[order], rule[order])

    @cached_property
    def rule_index(self) -> dict[str, int]:
        return dict(self._rule_index)


class _Sequences:
    """All terms of one length: their keys, and for each key its entries."""

    def __init__(self, terms: dict[tuple[int, ...], list[_Term]]) -> None:
        numbers = np.array(list(terms), dtype=np.int64)
        keys = np.zeros(len(numbers), dtype=np.uint64)
        for column in range(numbers.shape[1]):
            keys = _extend(keys, numbers[:, column])
        self._index = HashIndex(keys)
        all_entries = list(terms.values())
        ordered = [all_entries[place] for place in np.argsort(keys).tolist()]
        entries = [entry for some in ordered for entry in some]
        self._counts = np.array([len(some) for some in ordered], dtype=np.int64)
        self._starts = np.cumsum(self._counts) - self._counts
        self.family = np.array([entry.family for entry in entries], dtype=np.int64)
        self.rule = np.array([entry.rule for entry in entries], dtype=np.int64)
        self.languages = np.array([entry.languages for entry in entries], dtype=np.int64)
        self.everywhere = np.array([entry.everywhere for entry in entries], dtype=bool)
        self.nowhere_in = np.array([entry.nowhere_in for entry in entries], dtype=np.int64)

    def find(self, keys: Hashes) -> tuple[Places, NDArray[np.int64]]:
        """Indices of keys that are terms, once for each entry, and those entries."""
        places, found = self._index.find(keys)
        counts = self._counts[found]
        starts = np.repeat(self._starts[found] - np.cumsum(counts) + counts, counts)
        return np.repeat(places, counts), starts + np.arange(len(starts))


def _extend(keys: Hashes, numbers: NDArray[np.int64]) -> Hashes:
    return mix(keys * np.uint64(31) + numbers.astype(np.uint64) + np.uint64(1))


_ARTICLE_CODES = tuple(tuple(map(ord, article)) for article in ARTICLES)
_PREFIX_CODES = np.array([ord(c) for c in PREFIXES], dtype=np.uint32)
_ENDING_CODES = {ending: tuple(map(ord, ending)) for ending in ENDINGS}


def _article_lengths(batch: Batch, starts: Places, ends: Places) -> Places:
    """How many letters at the start of Arabic words are an article that may be taken off."""
    off = np.zeros(len(starts), dtype=np.int64)
    open_still = np.arange(len(starts))
    for codes in _ARTICLE_CODES:
        fitting = open_still[ends[open_still] - starts[open_still] - len(codes) >= LEAST_ARABIC]
        for forward, code in enumerate(codes):
            fitting = fitting[batch.codes[starts[fitting] + forward] == code]
        off[fitting] = len(codes)
        open_still = open_still[off[open_still] == 0]
    return off


def read_terms(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Every (family, group, language, term) of a lexicon file. Raises LexiconError, which names file and entry."""
    content = _read(path)
    family, groups = content.get("family"), content.get("groups")
    if not isinstance(family, str) or not isinstance(groups, dict):
        raise LexiconError(f"{path}: needs `family` (a word) and `groups` (a mapping of groups to languages).")
    for group, languages in groups.items():
        if not isinstance(languages, dict):
            raise LexiconError(f"{path}: {group} needs languages (en, fr, ar ...), each with a list of terms.")
        for language, terms in languages.items():
            if language not in LANGUAGES:
                raise LexiconError(f"{path}: {group} has a language {language!r}: use one of {', '.join(LANGUAGES)}.")
            if not isinstance(terms, list):
                raise LexiconError(f"{path}: {group}.{language} needs a list of terms.")
            for term in terms:
                if not isinstance(term, str):
                    raise LexiconError(f"{path}: {group}.{language} holds {term!r}: put it in quotes.")
                yield family, str(group), language, term


def _bits(languages: Sequence[str]) -> int:
    return sum(1 << LANGUAGES.index(language) for language in languages if language in LANGUAGES)


def _read_words(path: Path) -> frozenset[str]:
    words: set[str] = set()
    for language, entries in _read(path).items():
        for entry in entries:
            if not isinstance(entry, str):
                raise LexiconError(f"{path}: {language} holds {entry!r}: put it in quotes.")
            words.add(fold(entry))
    return frozenset(words)


def _read(path: Path) -> dict[str, Any]:  # the content is checked by the caller, field by field
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LexiconError(f"The lexicon {path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise LexiconError(f"The lexicon {path} is not a mapping.")
    return content
