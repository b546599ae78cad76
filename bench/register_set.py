"""A frozen set of 4,000 register entries, each with the offer that a seller might make of it, and how often the entry
comes first, among five and among ten: `python -m bench.register_set`.

The texts are those of our corpus, in seven languages and the ones written one by one first, so that objects are as alike as in
the trade: hundreds of Roman coins, lamps, beads. Every entry gets sizes, often a weight, and an inventory number. Its
offer is made from it by a seeded hand: words left out, put in another order, among a seller's own; units changed,
rounded, axes swapped; and in named shares the title names another type, a size is altered by up to 5 cm, the language
is another, the number stands in it. Whatever is drawn is drawn from the seed: FROZEN is the digest of the whole set.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import yaml

from classifiers.corpus import CORPUS, load_corpus
from classifiers.listing import ListingClassifier
from crawler.extraction.measures import dimensions_in, weight_in
from linking import Told, read_objects
from matching.object_index import ObjectIndex

SEED = 20261127
ENTRIES = 4_000
FROZEN = ""
"""SHA-256 of the set as JSON Lines."""
GOALS = {1: 0.80, 5: 0.95, 10: 0.98}
FALSIFIED = {"none": 0.45, "title": 0.2, "size": 0.2, "title and size": 0.15}
OTHER_LANGUAGE = 0.25
NUMBER_LEFT_IN = 0.04
_SIZE_MM = {  # median height, its spread (natural logarithms), and how many sides a register gives
    "ancient_coin": (21, 0.25, 1), "cylinder_seal": (24, 0.3, 2), "scarab": (16, 0.25, 3), "cuneiform_tablet": (70, 0.45, 3),
    "oil_lamp": (95, 0.2, 3), "figurine": (110, 0.5, 2), "pottery_vessel": (160, 0.5, 2), "jewellery": (25, 0.5, 2),
}  # fmt: skip
_SALE = {
    "en": ["Fast shipping, see photos.", "From an old private collection.", "Ask for more pictures.", "Guaranteed.",
           "Lovely patina, nice display piece.", "No reserve!", "Bought at a fair years ago."],
    "fr": ["Envoi soigné, voir photos.", "Ancienne collection particulière.", "Belle patine.", "Prix à débattre.", "Vendu en l'état."],
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
    examples = [e for e in load_corpus() if e.label == "antiquity" and len(f"{e.title} {e.description or ''}") >= 25]
    draw.shuffle(examples)
    examples.sort(key=lambda example: example.origin != "written")
    if len(examples) < entries:
        raise SystemExit(f"The corpus has {len(examples)} antiquities, fewer than {entries}.")
    return [_pair(number, example, draw, terms) for number, example in enumerate(examples[:entries])]


def _pair(number: int, example: object, draw: random.Random, terms: dict[str, dict[str, dict[str, list[str]]]]) -> Pair:
    kind, period = example.type or "figurine", example.period  # type: ignore[attr-defined]
    title, description = example.title, example.description or ""  # type: ignore[attr-defined]
    language = example.language  # type: ignore[attr-defined]
    text = f"{title}. {description}".strip()
    median, spread, sides = _SIZE_MM.get(kind, (100, 0.5, 2))
    told = [float(one.millimetres) for one in dimensions_in(text)]
    sizes = told or [round(draw.lognormvariate(0, spread) * median * (1, 0.75, 0.5)[side], 0 if median > 50 else 1)
                     for side in range(sides) if draw.random() < 0.8]
    said = weight_in(text)
    weight = float(said) if said else round(draw.lognormvariate(1.5, 0.7), 2) if kind == "ancient_coin" else None
    museum = draw.choice(("IM", "E.", "MA", "DM-", "NM ", "ك ", "JE"))
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
    other = draw.random() < OTHER_LANGUAGE
    spoken = draw.choice([one for one in _SALE if one != language]) if other else language
    offered = _rewritten(text, draw)
    new_title = _named(kind, period, spoken, draw, terms) if other or draw.random() < 0.4 else offered[: draw.randrange(20, 60)]
    if "title" in falsified:
        others = sorted(set(terms["object"]) - {kind})
        new_title = _named(draw.choice(others), period, spoken, draw, terms)
        offered = _without_title(offered, title)
    if other:
        offered = " ".join(filter(None, (_legend(text), draw.choice(_SALE[spoken]))))
    if draw.random() < NUMBER_LEFT_IN:
        offered += f" {entry.numbers[0]}"
    offered += " " + " ".join(draw.sample(_SALE[spoken], 2))
    offer = Told(
        id=number,
        title=new_title,
        text=_without_sizes(offered),
        sizes_mm=tuple(_remeasured(sizes, draw, altered="size" in falsified)),
        weight_g=_reweighed(weight, draw) if draw.random() < 0.7 else None,
    )
    return Pair(entry, offer, falsified, language, other)


def _named(kind: str, period: str | None, language: str, draw: random.Random, terms: dict[str, dict[str, dict[str, list[str]]]]) -> str:
    words = [draw.choice(found) for family, group in (("object", kind), ("period", period))
             if group and (found := terms[family].get(group, {}).get(language))]
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


def _terms() -> dict[str, dict[str, dict[str, list[str]]]]:
    """family -> group -> language -> names, of the classifiers' lexicons."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {"object": {}, "period": {}}
    for path in sorted((CORPUS.parent / "lexicons").glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("family") in found:
            for group, languages in content["groups"].items():
                if isinstance(languages, dict):
                    found[content["family"]][group] = {k: v for k, v in languages.items() if isinstance(v, list)}
    return found


def digest(pairs: Sequence[Pair]) -> str:
    lines = "".join(json.dumps(asdict(pair), ensure_ascii=False, sort_keys=True) + "\n" for pair in pairs)
    return hashlib.sha256(lines.encode()).hexdigest()


def measure(pairs: Sequence[Pair], classifier: ListingClassifier) -> dict[str, object]:
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
    return {
        "figures": {name: {top: sum(r <= top for r in found) / len(found) for top in GOALS} | {"n": len(found)} for name, found in groups.items()},
        "index_seconds": built,
        "ms_a_query": 1000 * asked / len(pairs),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    pairs = make_set(given.entries, given.seed)
    found = measure(pairs, ListingClassifier.load())
    print(f"{len(pairs)} entries, seed {given.seed}, digest {digest(pairs)}")
    for name, row in found["figures"].items():  # type: ignore[attr-defined]
        print(f"{name:28} {row['n']:5}  " + "  ".join(f"top-{top} {row[top]:.3f}" for top in GOALS))
    print(f"index {found['index_seconds']:.1f} s, {found['ms_a_query']:.2f} ms a query (CPU)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
