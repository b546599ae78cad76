"""The lexicons: terms in many languages, sorted into families and groups, and the search for them in a text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from classifiers.normalise import fold
from crawler.errors import RelicwatchError

LEXICONS = Path(__file__).parent / "lexicons"
TOKEN = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)*|[🏺🗿🪙⚱📜🐞🪲]")
AMBIGUOUS, FUNCTION_WORDS = "ambiguous.yaml", "function_words.yaml"
SHORT = 5
"""A Latin term of fewer letters counts only where the text is in its language, or in none that we know."""
ARTICLES = ("وال", "بال", "فال", "كال", "لل", "ال")
PREFIXES = "وفبلك"
ENDINGS = {"s": 4, "es": 4, "x": 4, "n": 4, "en": 4, "er": 5, "i": 4, "lar": 4, "ler": 4}
"""Endings taken off a Latin word, with the fewest letters they must leave: no "cent" is in "center"."""


class LexiconError(RelicwatchError):
    """A lexicon file is not in the form that the classifier reads."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A term found: tokens [first, last) of the text."""

    family: str
    group: str
    first: int
    last: int

    @property
    def rule(self) -> str:
        return f"{self.family}:{self.group}"


@dataclass(slots=True)
class _Term:
    rest: tuple[str, ...]
    family: str
    group: str
    languages: set[str]
    everywhere: bool
    nowhere_in: frozenset[str]


def is_arabic(token: str) -> bool:
    return "\u0620" <= token[0] <= "\u06ff"


@lru_cache(maxsize=200_000)
def without_article(token: str) -> str:
    """An Arabic token without its article and the preposition before it; never shorter than three letters."""
    if is_arabic(token):
        for article in ARTICLES:
            if token.startswith(article) and len(token) - len(article) >= 3:
                return token[len(article) :]
    return token


class Lexicon:
    """Every term of a directory of lexicon files, indexed by its first word."""

    def __init__(self, directory: Path = LEXICONS) -> None:
        paths = sorted(directory.glob("*.yaml"))
        if not paths:
            raise LexiconError(f"No lexicon file (*.yaml) lies in {directory}: reinstall, or name another directory.")
        self.digest = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
        self._by_first: dict[str, list[_Term]] = {}
        self._words: set[str] = set()
        ambiguous = directory / AMBIGUOUS
        self._nowhere = {fold(k): frozenset(v) for k, v in _read(ambiguous).items() if v} if ambiguous.exists() else {}
        grammar = directory / FUNCTION_WORDS
        self.function_words = _read_words(grammar) if grammar.exists() else frozenset()
        """Folded words of grammar, of all languages together: they name nothing."""
        for path in paths:
            if path.name not in (AMBIGUOUS, FUNCTION_WORDS):
                self._add_file(path)
        self._canonical = lru_cache(maxsize=200_000)(self._find_canonical)

    def _add_file(self, path: Path) -> None:
        content = _read(path)
        family, groups = content.get("family"), content.get("groups")
        if not isinstance(family, str) or not isinstance(groups, dict):
            raise LexiconError(f"{path}: needs `family` (a word) and `groups` (a mapping of groups to languages).")
        for group, languages in groups.items():
            for language, terms in languages.items():
                for term in terms:
                    if not isinstance(term, str):
                        raise LexiconError(f"{path}: {group}.{language} holds {term!r}: put it in quotes.")
                    self._add(family, group, language, term)

    def _add(self, family: str, group: str, language: str, term: str) -> None:
        words = tuple(without_article(word) for word in TOKEN.findall(fold(term)))
        if not words:
            return
        self._words.update(words)
        entries = self._by_first.setdefault(words[0], [])
        for entry in entries:
            if (entry.rest, entry.family, entry.group) == (words[1:], family, group):
                entry.languages.add(language)
                return
        long_enough = is_arabic(words[0]) or len("".join(words)) >= SHORT
        spelled = " ".join(words)
        nowhere = self._nowhere.get(spelled, frozenset()) | self._nowhere.get(f"{family}:{spelled}", frozenset())
        entries.append(_Term(words[1:], family, group, {language}, long_enough, nowhere))
        entries.sort(key=lambda entry: -len(entry.rest))

    def canonical(self, tokens: Iterable[str]) -> list[str]:
        """Tokens in the form the lexicon knows them by: articles, prefixes and plural endings taken off."""
        return [self._canonical(token) for token in tokens]

    def _find_canonical(self, token: str) -> str:
        base = without_article(token)
        if base in self._words:
            return base
        if is_arabic(token):
            if base[0] in PREFIXES and len(base) >= 4 and without_article(base[1:]) in self._words:
                return without_article(base[1:])
            return base
        for ending, least in ENDINGS.items():
            if len(token) - len(ending) >= least and token.endswith(ending) and token[: -len(ending)] in self._words:
                return token[: -len(ending)]
        return base

    def find(self, words: Sequence[str], language: str | None) -> list[Hit]:
        """The longest term of each family at each place, in words given in canonical form."""
        hits: list[Hit] = []
        for first, word in enumerate(words):
            entries = self._by_first.get(word)
            if entries is None:
                continue
            seen: set[str] = set()
            for entry in entries:
                last = first + 1 + len(entry.rest)
                if entry.family in seen or tuple(words[first + 1 : last]) != entry.rest:
                    continue
                if not entry.everywhere and language is not None and language not in entry.languages:
                    continue
                if language in entry.nowhere_in:
                    continue
                seen.add(entry.family)
                hits.append(Hit(entry.family, entry.group, first, last))
        return hits


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
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LexiconError(f"The lexicon {path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise LexiconError(f"The lexicon {path} is not a mapping.")
    return content
