"""Listings composed from hand-written phrase banks: the part of the corpus that widens the written one.

A bank (banks/*.yaml) holds scenes: kinds of offer with templates for title and description. In a template
`{name}` takes a phrase of that slot, `{family.group}` or `{family}` a term of the lexicons in the bank's language,
`{3-40}` a whole number, `{2.1-17.9}` a number with a fraction, `<a|b>` one of two, `[a]` a or nothing. Templates stand
one a line, phrases of a slot are parted by lines or semicolons, a description `~` is none.

    python -m classifiers.composing

writes them anew as corpus/<language>/composed_<kind>.jsonl; the same banks give the same files. A listing that nearly
repeats one before it is left out.
"""

from __future__ import annotations

import json
import random
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from classifiers.corpus import COMPOSED, CORPUS, LABELS, CorpusError
from classifiers.lexicon import LEXICONS, read_terms
from classifiers.near_duplicates import near_duplicates

BANKS = Path(__file__).parent / "banks"
DEEPEST = 8
"""So often is a template filled; what it holds then is left as it stands."""
LIKENESS = 0.6
"""Composed listings that resemble each other more than this are one too many."""
CHOICE = re.compile(r"<([^<>]*)>")
OPTION = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{([^{}]+)\}")
NUMBER = re.compile(r"(\d+)-(\d+)")
FRACTION = re.compile(r"(\d+\.\d+)-(\d+\.\d+)")
NOT_TERMS = frozenset({"ambiguous.yaml", "function_words.yaml"})


@dataclass(frozen=True, slots=True)
class Composed:
    title: str
    description: str | None
    language: str
    label: str
    kind: str

    @property
    def text(self) -> str:
        return f"{self.title} {self.description or ''}"


def compose(directory: Path = BANKS, seed: int = 0) -> list[Composed]:
    """The composed listings of all banks, without near duplicates. Raises CorpusError."""
    made = list(dict.fromkeys(c for path in sorted(directory.glob("*.yaml")) for c in _compose_bank(path, seed)))
    repeated: set[int] = set()
    for one, other in near_duplicates([composed.text for composed in made], LIKENESS):
        if one not in repeated:
            repeated.add(other)
    return [composed for index, composed in enumerate(made) if index not in repeated]


def write_composed(corpus: Path = CORPUS, banks: Path = BANKS) -> int:
    """Write the composed files of a corpus anew; returns how many listings they hold."""
    files: defaultdict[Path, list[Composed]] = defaultdict(list)
    for composed in compose(banks):
        files[corpus / composed.language / f"{COMPOSED}{composed.kind}.jsonl"].append(composed)
    for old in corpus.glob(f"*/{COMPOSED}*.jsonl"):
        old.unlink()
    for path, listings in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = (
            {"title": c.title, "description": c.description, "label": c.label}
            | ({} if c.label == "antiquity" else {"hard": not c.kind.startswith("goods")})
            for c in listings
        )
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return sum(map(len, files.values()))


def _compose_bank(path: Path, seed: int) -> Iterator[Composed]:
    try:
        bank = yaml.safe_load(path.read_text(encoding="utf-8"))
        language, scenes, slots = bank["language"], bank["scenes"], bank.get("slots", {})
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise CorpusError(f"{path}: not a phrase bank ({error}).") from error
    slots = {
        name: [phrase.strip() for phrase in re.split(r"[;\n]", text) if phrase.strip()] for name, text in slots.items()
    }
    terms = _lexicon_terms(language)
    for scene in scenes:
        if scene.get("label") not in LABELS or not scene.get("titles") or not scene.get("kind"):
            raise CorpusError(
                f"{path}: the scene {scene.get('kind')!r} needs kind, label (one of {LABELS}) and titles."
            )
        composer = _Composer(path, language, terms | slots, random.Random(f"{seed}/{language}/{scene['kind']}"))
        yield from composer.compose(scene)


def _lexicon_terms(language: str) -> dict[str, list[str]]:
    """The terms of each `family.group` and of each whole `family`, in one language."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(LEXICONS.glob("*.yaml")):
        if path.name not in NOT_TERMS:
            for family, group, spoken, term in read_terms(path):
                if spoken == language:
                    found[family].append(term)
                    found[f"{family}.{group}"].append(term)
    return dict(found)


class _Composer:
    def __init__(self, path: Path, language: str, slots: dict[str, list[str]], chance: random.Random) -> None:
        self._path, self._language, self._slots, self._chance = path, language, slots, chance

    def compose(self, scene: dict[str, Any]) -> Iterator[Composed]:  # a scene is YAML, checked above
        titles = scene["titles"].strip().splitlines()
        descriptions = [text.removesuffix("~") for text in scene.get("descriptions", "~").strip().splitlines()]
        for _ in range(scene.get("count", 40)):
            title = self._typed(self._fill(self._chance.choice(titles)))
            description = self._fill(self._chance.choice(descriptions))
            kind = scene["kind"].removesuffix(f"_{self._language}")
            yield Composed(title, description or None, self._language, scene["label"], kind)

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
        phrases = self._slots.get(name)
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


if __name__ == "__main__":
    sys.stdout.write(f"{write_composed()} listings composed\n")
