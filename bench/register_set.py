"""A frozen set of 4,000 register entries, each with the offer that a seller might make of it, and how often the entry
comes first, among five and among ten: `python -m bench.register_set`.

The texts are those of our corpus, in seven languages and the ones written one by one first, so that objects are as
alike as in the trade: hundreds of Roman coins, lamps, beads. Every entry gets sizes, often a weight, and an inventory
number. Its offer is made from it by a seeded hand: words left out, put in another order, among a seller's own; units
changed, rounded, axes swapped; and in named shares the title names another type, a size is altered by up to 5 cm, the
number stands in it. A quarter of the pairs is told in two languages (`register_phrases.yaml`). Whatever is drawn is
drawn from the seed: FROZEN is the digest of the whole set.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import log
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import yaml

from classifiers.corpus import CORPUS, Example, load_corpus
from classifiers.listing import ListingClassifier
from crawler.extraction.measures import dimensions_in, weight_in
from linking import BANDS, Told, read_objects
from matching.object_index import ObjectIndex

SEED = 20261127
ENTRIES = 4_000
SET = Path(__file__).parent / "register_set.jsonl.gz"
"""The frozen set: a corpus that grows would make another one of the same seed."""
FROZEN = "c14499650faeb0b1c0d7a9ce04dcfbafcdadd4c0f44442bb045a1638e2b113cf"
"""SHA-256 of the set as JSON Lines."""
GOALS = {1: 0.80, 5: 0.95, 10: 0.98}
FALSIFIED = {"none": 0.5, "title": 0.2, "size": 0.2, "title and size": 0.1}
OTHER_LANGUAGE = 0.25
"""Pairs told in two languages: facts composed from `register_phrases.yaml`."""
NUMBER_LEFT_IN = 0.04
Terms = dict[str, dict[str, dict[str, list[str]]]]
"""family -> group -> language -> names."""
_MUSEUMS = ("IM", "E.", "MA", "DM-", "NM ", "ك ", "JE")
_SIZE_MM = {  # median height, its spread (natural logarithms), and how many sides a register gives
    "ancient_coin": (21, 0.25, 1), "cylinder_seal": (24, 0.3, 2), "scarab": (16, 0.25, 3),
    "cuneiform_tablet": (70, 0.45, 3), "oil_lamp": (95, 0.2, 3), "figurine": (110, 0.5, 2),
    "pottery_vessel": (160, 0.5, 2), "jewellery": (25, 0.5, 2),
}  # fmt: skip
_SALE = {
    "en": ["Fast shipping, see photos.", "From an old private collection.", "Ask for more pictures.", "Guaranteed.",
           "Lovely patina, nice display piece.", "No reserve!", "Bought at a fair years ago."],
    "fr": ["Envoi soigné, voir photos.", "Ancienne collection particulière.", "Belle patine.", "Prix à débattre.",
           "Vendu en l'état."],
    "ar": ["للجادين فقط", "قطعة نادرة من مجموعة خاصة", "التواصل خاص", "السعر قابل للتفاوض", "الصور أوضح"],
    "de": ["Versand versichert.", "Aus alter Sammlung.", "Siehe Fotos.", "Schöne Patina."],
    "es": ["Envío certificado.", "Colección antigua.", "Ver fotos.", "Bonita pátina."],
    "it": ["Spedizione assicurata.", "Vecchia collezione.", "Vedi foto."],
    "tr": ["Kargo alıcıya ait.", "Eski koleksiyondan.", "Fotoğraflara bakınız."],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """An entry and the offer of the same object."""

    entry: Told
    offer: Told
    falsified: str
    language: str
    other_language: bool


def make_set(entries: int = ENTRIES, seed: int = SEED) -> list[Pair]:
    """The same pairs for the same seed and corpus."""
    draw = random.Random(seed)
    terms = _terms()
    examples = [e for e in load_corpus() if e.label == "antiquity" and len(e.description or "") >= 40]
    draw.shuffle(examples)
    examples.sort(key=lambda example: example.origin != "written")
    phrases = yaml.safe_load((Path(__file__).parent / "register_phrases.yaml").read_text(encoding="utf-8"))
    twice = [draw.random() < OTHER_LANGUAGE for _ in range(entries)]
    if len(examples) < entries - sum(twice):
        raise SystemExit(
            f"The corpus has {len(examples)} antiquities with a description, too few for {entries} entries."
        )
    next_example = iter(examples)
    return [
        _told_twice(number, draw, terms, phrases) if other else _pair(number, next(next_example), draw, terms)
        for number, other in enumerate(twice)
    ]


def _told_twice(number: int, draw: random.Random, terms: Terms, phrases: dict[str, list[list[str]]]) -> Pair:
    """One object told by a register in one language and by a seller in another."""
    tongues = ("en", "fr", "ar")
    first, second = draw.sample(range(3), 2)
    kind = draw.choice(sorted(kind for kind in terms["object"] if _names(terms, "object", kind, tongues)))
    period = draw.choice(sorted(one for one in terms["period"] if _names(terms, "period", one, tongues)))
    facts = [
        *draw.sample(phrases["subjects"], draw.randrange(1, 3)),
        *draw.sample(phrases["features"], draw.randrange(0, 3)),
    ]
    sizes, weight = _measures(kind, draw)
    entry = Told(
        id=number,
        title=_named(kind, period, tongues[first], draw, terms),
        text=". ".join(one[first] for one in facts),
        sizes_mm=tuple(sizes),
        weight_g=weight,
        numbers=(f"{draw.choice(_MUSEUMS)}{draw.randrange(1_000, 99_999)}",),
    )
    falsified = draw.choices(list(FALSIFIED), list(FALSIFIED.values()))[0]
    if "title" in falsified:
        kind = draw.choice(sorted(set(terms["object"]) - {kind}))
    told = [one[second] for one in facts if draw.random() < 0.8] + draw.sample(_SALE[tongues[second]], 2)
    draw.shuffle(told)
    offer = Told(
        id=number,
        title=_named(kind, period if draw.random() < 0.8 else None, tongues[second], draw, terms),
        text=". ".join(told),
        sizes_mm=tuple(_remeasured(sizes, draw, altered="size" in falsified)),
        weight_g=_reweighed(weight, draw) if draw.random() < 0.7 else None,
    )
    return Pair(entry, offer, falsified, f"{tongues[first]} to {tongues[second]}", True)


def _names(terms: Terms, family: str, group: str, languages: Sequence[str]) -> bool:
    return all(terms[family][group].get(language) for language in languages)


def _measures(kind: str, draw: random.Random) -> tuple[list[float], float | None]:
    median, spread, sides = _SIZE_MM.get(kind, (100, 0.5, 2))
    sizes = [
        round(draw.lognormvariate(0, spread) * median * (1, 0.75, 0.5)[side], 0 if median > 50 else 1)
        for side in range(sides)
        if draw.random() < 0.8
    ]
    return sizes, round(draw.lognormvariate(1.5, 0.7), 2) if kind == "ancient_coin" else None


def _pair(number: int, example: Example, draw: random.Random, terms: Terms) -> Pair:
    kind, period = example.type or "figurine", example.period
    title, description = example.title, example.description or ""
    language = example.language
    text = f"{title}. {description}".strip()
    sizes, weight = _measures(kind, draw)
    sizes = [float(one.millimetres) for one in dimensions_in(text)] or sizes
    weight = float(said) if (said := weight_in(text)) else weight
    museum = draw.choice(_MUSEUMS)
    entry = Told(
        id=number,
        title=_named(kind, period, language, draw, terms) if draw.random() < 0.6 else "",
        text=text,
        sizes_mm=tuple(sizes),
        weight_g=weight,
        numbers=(f"{museum}{draw.randrange(1_000, 99_999)}",),
        inscription=_legend(text) if draw.random() < 0.5 else "",
    )
    falsified = draw.choices(list(FALSIFIED), list(FALSIFIED.values()))[0]
    offered = _rewritten(text, draw)
    new_title = (
        _named(kind, period, language, draw, terms) if draw.random() < 0.4 else offered[: draw.randrange(20, 60)]
    )
    if "title" in falsified:
        others = sorted(set(terms["object"]) - {kind})
        new_title = _named(draw.choice(others), period, language, draw, terms)
        offered = _without_title(offered, title)
    if draw.random() < NUMBER_LEFT_IN:
        offered += f" {entry.numbers[0]}"
    offered += " " + " ".join(draw.sample(_SALE[language], 2))
    offer = Told(
        id=number,
        title=new_title,
        text=_without_sizes(offered),
        sizes_mm=tuple(_remeasured(sizes, draw, altered="size" in falsified)),
        weight_g=_reweighed(weight, draw) if draw.random() < 0.7 else None,
    )
    return Pair(entry, offer, falsified, language, False)


def _named(kind: str, period: str | None, language: str, draw: random.Random, terms: Terms) -> str:
    words = [
        draw.choice(found)
        for family, group in (("object", kind), ("period", period))
        if group and (found := terms[family].get(group, {}).get(language))
    ]
    draw.shuffle(words)
    return " ".join(words)


def _rewritten(text: str, draw: random.Random) -> str:
    """Clauses in another order, some left out, and of the rest some words."""
    clauses = [c for c in re.split(r"(?<=[.,;:،؛])\s+", text) if c]
    draw.shuffle(clauses)
    kept = clauses[: max(1, round(len(clauses) * draw.uniform(0.5, 1.0)))]
    words = [w for clause in kept for w in clause.split() if draw.random() > draw.uniform(0.05, 0.4)]
    if draw.random() < 0.3:
        words = [w.lower() for w in words]
    return " ".join(words)


def _legend(text: str) -> str:
    """The longest run of capitals: a coin's legend, a name in an inscription."""
    return max(re.findall(r"\b[A-ZΑ-Ω]{2,}(?: [A-ZΑ-Ω]{2,})+\b", text), key=len, default="")


def _without_title(text: str, title: str) -> str:
    gone = set(title.lower().split())
    return " ".join(w for w in text.split() if w.lower().strip(".,;:") not in gone)


def _without_sizes(text: str) -> str:
    return re.sub(r"\d+(?:[.,]\d+)?\s?(?:mm|cm|gr?|kg|in|سم|غ|غم|ملم|مم)\b\.?", "", text)


def _remeasured(sizes: Sequence[float], draw: random.Random, altered: bool) -> list[float]:
    measured = list(sizes)
    if altered and measured:
        side = draw.randrange(len(measured))
        by = draw.uniform(0.1, 0.6) * measured[side] if measured[side] < 80 else draw.uniform(20, 50)
        measured[side] = max(3.0, measured[side] + draw.choice((-1, 1)) * by)
    way = draw.random()
    if way < 0.25:
        measured = [max(5.0, round(one / 5) * 5) for one in measured]  # to half a centimetre
    elif way < 0.4:
        measured = [max(1, round(one / 25.4 * 4)) * 25.4 / 4 for one in measured]  # quarters of an inch
    elif way < 0.55:
        measured = [round(one * draw.uniform(0.98, 1.02), 1) for one in measured]
    draw.shuffle(measured)
    return measured[: draw.randrange(1, 4)] if draw.random() < 0.9 else []


def _reweighed(weight: float | None, draw: random.Random) -> float | None:
    return None if weight is None else round(weight, draw.choice((0, 1, 2))) or None


def _terms() -> Terms:
    """family -> group -> language -> names, of the classifiers' lexicons."""
    found: Terms = {"object": {}, "period": {}}
    for path in sorted((CORPUS.parent / "lexicons").glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("family") in found:
            for group, languages in content["groups"].items():
                if isinstance(languages, dict):
                    found[content["family"]][group] = {k: v for k, v in languages.items() if isinstance(v, list)}
    return found


def written(pairs: Sequence[Pair]) -> bytes:
    return "".join(json.dumps(asdict(pair), ensure_ascii=False, sort_keys=True) + "\n" for pair in pairs).encode()


def digest(pairs: Sequence[Pair]) -> str:
    return hashlib.sha256(written(pairs)).hexdigest()


def frozen_set() -> list[Pair]:
    """The set that figures are reported on. Raises SystemExit where the file is not the one that was frozen."""
    data = gzip.decompress(SET.read_bytes())
    if hashlib.sha256(data).hexdigest() != FROZEN:
        raise SystemExit(f"{SET.name} is not the frozen set: bring it back from the repository.")
    return [
        Pair(_told(row["entry"]), _told(row["offer"]), row["falsified"], row["language"], row["other_language"])
        for row in map(json.loads, data.splitlines())
    ]


def _told(kept: dict[str, Any]) -> Told:
    years = tuple(kept["years"]) if kept["years"] else None
    return Told(**{**kept, "sizes_mm": tuple(kept["sizes_mm"]), "numbers": tuple(kept["numbers"]), "years": years})


@dataclass(frozen=True, slots=True)
class Measured:
    shares: dict[str, tuple[int, dict[int, float]]]
    """By group of pairs: their number, and how often the entry is among the first 1, 5, 10."""
    of_others: dict[str, float]
    """By band, the share of offers that reach it for some entry though their own is left out (half of the set)."""
    index_seconds: float
    query_ms: float


def measure(pairs: Sequence[Pair], classifier: ListingClassifier) -> Measured:
    """How often each offer's entry is among the first 1, 5, 10, in all and by what was changed."""
    started = time.process_time()
    index = ObjectIndex(list(read_objects((pair.entry for pair in pairs), classifier)))
    built = time.process_time() - started
    offers = list(read_objects((pair.offer for pair in pairs), classifier))
    started = time.process_time()
    ranks = []
    for offer in offers:
        ids = [one.id for one in index.find(offer, most=10)]
        ranks.append(ids.index(offer.id) + 1 if offer.id in ids else 99)
    asked = time.process_time() - started
    groups: dict[str, list[int]] = defaultdict(list)
    for pair, rank in zip(pairs, ranks, strict=True):
        groups["all"].append(rank)
        groups[f"falsified: {pair.falsified}"].append(rank)
        groups["other language" if pair.other_language else "same language"].append(rank)
        groups[f"language: {pair.language}"].append(rank)
    half = len(pairs) // 2
    fewer = ObjectIndex(list(read_objects((pair.entry for pair in pairs[:half]), classifier)))
    best = [found[0].score - log(half) if (found := fewer.find(offer, 1)) else 0.0 for offer in offers[half:]]
    return Measured(
        {name: (len(r), {top: sum(one <= top for one in r) / len(r) for top in GOALS}) for name, r in groups.items()},
        {band: sum(score >= least for score in best) / len(best) for band, least in BANDS},
        built,
        1000 * asked / len(pairs),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="another set, made anew: for tuning, never for reporting")
    parser.add_argument("--freeze", action="store_true", help="write the frozen set")
    given = parser.parse_args()
    if given.freeze:
        pairs = make_set()
        SET.write_bytes(gzip.compress(written(pairs), mtime=0))
        sys.stdout.write(f"{SET.name}: {digest(pairs)}\n")
        return 0
    pairs = make_set(seed=given.seed) if given.seed is not None else frozen_set()
    found = measure(pairs, ListingClassifier.load())
    lines = [f"{len(pairs)} entries, SHA-256 {digest(pairs)}"]
    for name, (count, shares) in sorted(found.shares.items()):
        lines.append(f"{name:28} {count:5}  " + "  ".join(f"top-{top} {share:.3f}" for top, share in shares.items()))
    reached = ", ".join(f"{band} {share:.1%}" for band, share in found.of_others.items())
    lines.append(f"offers whose entry is left out reach, for another: {reached}")
    lines.append(f"index {found.index_seconds:.1f} s, {found.query_ms:.2f} ms a query (CPU)")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
