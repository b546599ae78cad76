"""The training corpus: listings written by hand, and listings composed from hand-written phrase banks.

A bank (corpus/banks/*.yaml) holds scenes: kinds of offer with templates for title and description. In a template
`{name}` takes a phrase of that slot, `{family.group}` or `{family}` a term of the lexicons in the bank's language,
`{3-40}` a whole number, `{2.1-17.9}` a number with a fraction, `<a|b>` one of two, `[a]` a or nothing. Templates stand
one a line, phrases of a slot are parted by lines or semicolons, a description `~` is none.
"""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from classifiers.lexicon import LEXICONS
from crawler.errors import RelicwatchError

CORPUS = Path(__file__).parent / "corpus"
Label = Literal["antiquity", "not_antiquity"]
LABELS = ("antiquity", "not_antiquity")
DEEPEST = 8
CHOICE = re.compile(r"<([^<>]*)>")
OPTION = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{([^{}]+)\}")
NUMBER = re.compile(r"(\d+)-(\d+)")
FRACTION = re.compile(r"(\d+\.\d+)-(\d+\.\d+)")


class CorpusError(RelicwatchError):
    """A corpus file is not in the form that training reads."""


@dataclass(frozen=True, slots=True)
class Example:
    """One listing with its label. Examples of one `group` are held out together."""

    title: str
    description: str | None
    language: str
    label: Label
    kind: str
    group: str


def load_corpus(directory: Path = CORPUS, seed: int = 0) -> list[Example]:
    """Every example of a corpus directory; the same files and seed give the same list. Raises CorpusError."""
    written = [example for path in sorted(directory.glob("*.jsonl")) for example in _read_written(path)]
    composed = [e for path in sorted(directory.glob("banks/*.yaml")) for e in _compose_bank(path, seed)]
    examples = list(dict.fromkeys(written + composed))
    if {example.label for example in examples} != set(LABELS):
        raise CorpusError(f"The corpus in {directory} needs examples of both labels ({' and '.join(LABELS)}).")
    return examples


def _read_written(path: Path) -> Iterator[Example]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            example = Example(
                title=row["title"],
                description=row.get("description"),
                language=row["language"],
                label=row["label"],
                kind=row["kind"],
                group=f"{path.stem}/{row['kind']}",
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CorpusError(f"{path}, line {number}: not an example ({error!r}).") from error
        if example.label not in LABELS:
            raise CorpusError(f"{path}, line {number}: label {example.label!r} is neither of {LABELS}.")
        yield example


def _compose_bank(path: Path, seed: int) -> Iterator[Example]:
    try:
        bank = yaml.safe_load(path.read_text(encoding="utf-8"))
        language, scenes, slots = bank["language"], bank["scenes"], bank.get("slots", {})
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise CorpusError(f"{path}: not a phrase bank ({error}).") from error
    slots = {
        name: [phrase.strip() for phrase in re.split(r"[;\n]", text) if phrase.strip()] for name, text in slots.items()
    }
    for scene in scenes:
        if scene.get("label") not in LABELS or not scene.get("titles") or not scene.get("kind"):
            raise CorpusError(
                f"{path}: the scene {scene.get('kind')!r} needs kind, label (one of {LABELS}) and titles."
            )
        composer = _Composer(path, language, slots, random.Random(f"{seed}/{language}/{scene['kind']}"))
        yield from composer.compose(scene)


class _Composer:
    def __init__(self, path: Path, language: str, slots: dict[str, list[str]], chance: random.Random) -> None:
        self._path, self._language, self._slots, self._chance = path, language, slots, chance

    def compose(self, scene: dict[str, Any]) -> Iterator[Example]:  # a scene is YAML, checked above
        titles = scene["titles"].strip().splitlines()
        descriptions = [text.removesuffix("~") for text in scene.get("descriptions", "~").strip().splitlines()]
        for _ in range(scene.get("count", 40)):
            title = self._typed(self._fill(self._chance.choice(titles)))
            description = self._fill(self._chance.choice(descriptions))
            yield Example(
                title=title,
                description=description or None,
                language=self._language,
                label=scene["label"],
                kind=scene["kind"],
                group=scene["kind"],
            )

    def _fill(self, template: str) -> str:
        text = template
        for _ in range(DEEPEST):
            if not any(mark in text for mark in "<[{"):
                break
            text = CHOICE.sub(lambda m: self._chance.choice(m[1].split("|")), text)
            text = OPTION.sub(lambda m: m[1] if self._chance.random() < 0.5 else "", text)
            text = SLOT.sub(lambda m: self._slot(m[1]), text)
        return " ".join(text.split()).replace(" ,", ",").replace(" .", ".").strip(" ,-;·|")

    def _slot(self, name: str) -> str:
        number = NUMBER.fullmatch(name)
        if number:
            return str(self._chance.randint(int(number[1]), int(number[2])))
        fraction = FRACTION.fullmatch(name)
        if fraction:
            text = f"{self._chance.uniform(float(fraction[1]), float(fraction[2])):.2f}"
            return text if self._language in ("en", "ar") else text.replace(".", ",")
        phrases = self._slots.get(name) or lexicon_terms(name, self._language)
        if not phrases:
            raise CorpusError(f"{self._path}: no slot and no lexicon group is called {name!r} in {self._language}.")
        return str(self._chance.choice(phrases))

    def _typed(self, title: str) -> str:
        """The title as people type: now and then all capitals, no capitals, no accents."""
        draw = self._chance.random()
        if draw < 0.06:
            return title.upper()
        if draw < 0.16:
            return title.lower()
        if draw < 0.26 and self._language != "ar":
            return "".join(c for c in unicodedata.normalize("NFD", title) if not unicodedata.combining(c))
        return title


_TERMS: dict[tuple[str, str], list[str]] = {}


def lexicon_terms(name: str, language: str) -> list[str]:
    """The terms of `family.group`, or of a whole `family`, in one language."""
    if not _TERMS:
        for path in sorted(LEXICONS.glob("*.yaml")):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            for group, languages in content.get("groups", {}).items():
                for code, terms in languages.items():
                    _TERMS.setdefault((content["family"], code), []).extend(terms)
                    _TERMS.setdefault((f"{content['family']}.{group}", code), []).extend(terms)
    return _TERMS.get((name, language), [])
