"""A frozen set of 500 objects, each offered once, retold in five named ways, with look-alikes as traps:
`python bench/object_set.py`.

The texts are those of our corpus. A retelling is of the same object: copied among a house's own words, retold, with
other units, in another language, with rounded figures. A look-alike is another object of the same type: the same text
retold for another coin of the type or another lamp of the mould, whose weight and size are drawn as they vary within a
type; and a seller's own form filled in for the next piece. What is drawn is drawn from the seed: FROZEN is its digest.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import yaml

from bench.register_set import _SALE, Terms, _measures, _named, _names, _rewritten, _terms, _without_sizes
from classifiers.corpus import load_corpus
from classifiers.listing import ListingClassifier
from linking import Told, read_objects
from matching.text_keys import asked_keys, kept_keys
from matching.text_likeness import Offer, compare
from object_links import MOST_COMPARED
from storage.object_index import MOST_OF_A_KEY, ranked

SEED = 20261128
OBJECTS = 500
SET = Path(__file__).parent / "object_set.jsonl.gz"
FROZEN = "5ffd849896182370a364d641888ad653faff3ed683c5859d05c053be275175ff"
"""SHA-256 of the set as JSON Lines."""
REWRITES = ("copied", "retold", "other units", "other language", "rounded")
TRAPS = ("same type", "same form")
_WEIGHT_VARIES, _SIZE_VARIES = {"ancient_coin": 0.06}, {"ancient_coin": 0.04, "oil_lamp": 0.02}
"""Standard deviations within a type, as parts of the mean; 0.1 and 0.08 for types not named."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One offer of an object, original or retold (`kind` of REWRITES), or of a look-alike of it (`kind` of TRAPS)."""

    id: int
    object: int
    kind: str
    title: str
    text: str
    seller: str


def make_set(objects: int = OBJECTS, seed: int = SEED) -> list[Telling]:
    draw = random.Random(seed)
    terms = _terms()
    phrases = yaml.safe_load((Path(__file__).parent / "register_phrases.yaml").read_text(encoding="utf-8"))
    examples = [e for e in load_corpus() if e.label == "antiquity" and len(e.description or "") >= 60 and e.type]
    draw.shuffle(examples)
    examples.sort(key=lambda example: example.origin != "written")
    tellings: list[Telling] = []

    def say(object_: int, kind: str, title: str, text: str, seller: str) -> None:
        tellings.append(Telling(len(tellings), object_, kind, title.strip(), text.strip(), seller))

    for number, example in enumerate(examples[:objects]):
        kind, language = example.type or "figurine", example.language
        sizes, weight = _measures(kind, draw)
        sizes = sizes or [round(draw.lognormvariate(0, 0.4) * 80)]
        weight = weight or (round(draw.lognormvariate(5, 0.8)) if draw.random() < 0.3 else None)
        title, text = _without_sizes(example.title), _without_sizes(example.description or "")
        seller = f"House {number} A"
        say(number, "original", title, f"{text} {_figures(sizes, weight, draw)}", seller)
        own = " ".join(draw.sample(_SALE[language], 2))
        say(number, "copied", title, f"{own} {text} {_figures(sizes, weight, draw)}", f"Saleroom {number} B")
        new = _named(kind, example.period, language, draw, terms) or title
        say(number, "retold", new, f"{_rewritten(text, draw)} {own} {_figures(sizes, weight, draw)}", f"{number} C")
        say(number, "other units", title, f"{_rewritten(text, draw)} {_other_units(sizes, weight)}", f"{number} D")
        say(number, "rounded", title, f"{_rewritten(text, draw)} {_rounded(sizes, weight)}", f"{number} E")
        tongue = draw.choice([one for one in ("en", "fr", "ar") if one != language])
        told = " ".join(one[("en", "fr", "ar").index(tongue)] for one in draw.sample(phrases["features"], 2))
        foreign = _foreign(kind, example.period, tongue, draw, terms)
        say(number, "other language", foreign, f"{told}. {_figures(sizes, weight, draw)}", f"{number} F")
        for trap in range(2):
            others = _another(sizes, weight, kind, draw)
            say(
                number,
                "same type",
                title,
                f"{_rewritten(text, draw)} {_figures(*others, draw)}",
                f"Trader {number} {trap}",
            )
        say(number, "same form", title, f"{text} {_figures(*_another(sizes, weight, kind, draw), draw)}", seller)
    return tellings


def _foreign(kind: str, period: str | None, tongue: str, draw: random.Random, terms: Terms) -> str:
    known = period if period and _names(terms, "period", period, [tongue]) else None
    return _named(kind, known, tongue, draw, terms)


def _figures(sizes: Sequence[float], weight: float | None, draw: random.Random) -> str:
    centimetres = sizes[0] >= 30 and draw.random() < 0.6
    told = [f"{one / 10:g}" if centimetres else f"{one:g}" for one in draw.sample(list(sizes), len(sizes))]
    size = " x ".join(told) + (" cm" if centimetres else " mm")
    return f"{size}, {weight:g} g." if weight else f"{size}."


def _other_units(sizes: Sequence[float], weight: float | None) -> str:
    size = " x ".join(f"{one / 25.4:.2f}" for one in sizes) + " inches"
    return f"{size}, {weight / 28.3495:.3f} oz." if weight else f"{size}."


def _rounded(sizes: Sequence[float], weight: float | None) -> str:
    size = " x ".join(f"{round(one):g}" for one in sizes) + " mm"
    return f"{size}, {weight:.1f} g." if weight else f"{size}."


def _another(
    sizes: Sequence[float], weight: float | None, kind: str, draw: random.Random
) -> tuple[list[float], float | None]:
    """Measures of another specimen of the type, told to the same place."""
    varies = _SIZE_VARIES.get(kind, 0.08)
    other = [max(1.0, round(draw.gauss(one, one * varies), 0 if one > 50 or one == int(one) else 1)) for one in sizes]
    if not weight:
        return other, None
    places = 0 if weight == int(weight) else 2
    return other, max(0.1, round(draw.gauss(weight, weight * _WEIGHT_VARIES.get(kind, 0.1)), places))


def written(tellings: Sequence[Telling]) -> bytes:
    return "".join(json.dumps(asdict(one), ensure_ascii=False, sort_keys=True) + "\n" for one in tellings).encode()


def frozen_set() -> list[Telling]:
    """The set that figures are reported on. Raises SystemExit where the file is not the one that was frozen."""
    data = gzip.decompress(SET.read_bytes())
    if hashlib.sha256(data).hexdigest() != FROZEN:
        raise SystemExit(f"{SET.name} is not the frozen set: bring it back from the repository.")
    return [Telling(**row) for row in map(json.loads, data.splitlines())]


@dataclass(frozen=True, slots=True)
class Figures:
    joined: dict[str, float]
    """By kind of retelling, the share that was joined to an offer of its object."""
    shown: dict[str, float]
    """The same, joined or shown as perhaps the same."""
    false_joins: dict[str, tuple[int, int]]
    """By kind of the offer asked, joins to another object, and offers asked."""
    precision: float
    shown_falsely: float
    """Share of pairs shown and not joined that are different objects."""
    compare_ms: float


def measure(tellings: Sequence[Telling], classifier: ListingClassifier) -> Figures:
    """Each offer asked against all others, as the job does: found by keys, compared, joined."""
    told = (Told(one.id, one.title, one.text) for one in tellings)
    offers = {
        one.id: Offer(record, market="m", seller=one.seller)
        for one, record in zip(tellings, read_objects(told, classifier), strict=True)
    }
    index: dict[int, list[int]] = defaultdict(list)
    for id_, offer in offers.items():
        for key in kept_keys(offer):
            index[key].append(id_)
    joined: dict[str, list[bool]] = defaultdict(list)
    shown: dict[str, list[bool]] = defaultdict(list)
    false: dict[str, list[int]] = defaultdict(list)
    right = wrong = shown_right = shown_wrong = 0
    started = time.process_time()
    for one in tellings:
        same = _identity(one)
        found = [(key, id_) for key in asked_keys(offers[one.id]) for id_ in index.get(key, ())[-MOST_OF_A_KEY:]]
        near = ranked(found, but=one.id, most=MOST_COMPARED)
        alike = [(other, compare(offers[one.id], offers[other])) for other in near]
        joins = [_identity(tellings[other]) == same for other, found in alike if found.joins]
        maybe = [_identity(tellings[other]) == same for other, found in alike if found.is_candidate and not found.joins]
        right, wrong = right + sum(joins), wrong + len(joins) - sum(joins)
        shown_right, shown_wrong = shown_right + sum(maybe), shown_wrong + len(maybe) - sum(maybe)
        false[one.kind].append(len(joins) - sum(joins))
        if one.kind in REWRITES:
            joined[one.kind].append(any(joins))
            shown[one.kind].append(any(joins) or any(maybe))
    taken = time.process_time() - started
    return Figures(
        {kind: sum(found) / len(found) for kind, found in joined.items()},
        {kind: sum(found) / len(found) for kind, found in shown.items()},
        {kind: (sum(found), len(found)) for kind, found in false.items()},
        right / max(right + wrong, 1),
        shown_wrong / max(shown_right + shown_wrong, 1),
        1000 * taken / len(tellings),
    )


def _identity(one: Telling) -> tuple[int, int]:
    """Look-alikes are each an object of their own."""
    return (one.object, one.id if one.kind in TRAPS else -1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="another set, made anew: for tuning, never for reporting")
    parser.add_argument("--freeze", action="store_true", help="write the frozen set")
    given = parser.parse_args()
    if given.freeze:
        data = written(make_set())
        SET.write_bytes(gzip.compress(data, mtime=0))
        sys.stdout.write(f"{SET.name}: {hashlib.sha256(data).hexdigest()}\n")
        return 0
    tellings = make_set(seed=given.seed) if given.seed is not None else frozen_set()
    found = measure(tellings, ListingClassifier.load())
    lines = [f"{len(tellings)} offers, SHA-256 {hashlib.sha256(written(tellings)).hexdigest()}"]
    for kind, share in found.joined.items():
        lines.append(f"{kind:16} joined {share:.3f}  joined or shown {found.shown[kind]:.3f}")
    for kind, (count, of) in found.false_joins.items():
        lines.append(f"{kind:16} false joins {count} of {of} offers asked")
    lines.append(
        f"precision of joins {found.precision:.4f}; of pairs shown {found.shown_falsely:.1%} are other objects"
    )
    lines.append(f"{found.compare_ms:.2f} ms an offer to find and compare (CPU)")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
