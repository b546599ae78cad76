"""A second set of traps for joining by texts: `python bench/object_traps.py [--seed N]`. Every join in it is false.

Coins of one type from several dealers, each in his own words; a dealer's series of lamps from one mould, in his form;
bulk lots in one text, from one seller and from those who copy him. Weights and sizes vary as within a type.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from classifiers.listing import ListingClassifier
from linking import Told, read_objects
from matching.text_likeness import Offer, compare

SEED = 20261128
TYPES, COINS, LAMPS, LOTS = 60, 12, 8, 6
_RULERS = ("Trajan", "Hadrian", "Antoninus Pius", "Gordian III", "Probus", "Gallienus", "Constantine I", "Philip I")
_REVERSES = (
    "Victory advancing left holding wreath and palm", "Jupiter standing facing with sceptre and thunderbolt",
    "Fortuna seated left with rudder and cornucopia", "Sol standing left raising right hand", "Pax standing left",
    "Mars advancing right with spear and trophy", "Aequitas standing left with scales", "Roma seated left on shield",
)  # fmt: skip
_DEALERS = (
    "{ruler}. AR Denarius, Rome. Laureate head right / {reverse}. RIC {ric}. {d} mm, {w} g, {h}h. Good very fine.",
    "Roman silver coin of {ruler}. Obverse: laureate bust. Reverse: {reverse}. Ref: RIC {ric}. Weight {w} g, {d} mm",
    "{ruler} denarius RIC {ric}, {reverse}, toned, {w}g / {d}mm / {h}h, from an old collection formed before 1970",
    "Denier de {ruler}, argent, Rome, {reverse}. RIC {ric}. {d} mm, {w} g, axe {h}h. TTB.",
)  # fmt: skip
_LAMP = (
    "Roman terracotta oil lamp with {motif} on the discus, volute nozzle, ring handle, Syria-Palestine, 1st - 2nd "
    "century AD. Intact, earthen deposits. Size: {a} x {b} mm. Provenance: old Munich collection, acquired before 1990."
)
_BULK = (
    "Lot of {n} uncleaned Roman bronze coins, as found, 3rd - 4th century AD, mixed types and mints, unsearched. Great "
    "for cleaning at home. Total weight {w} g, sizes 14 - 22 mm. You will receive the coins in the picture."
)


def make_traps(seed: int = SEED) -> Iterator[list[tuple[str, str]]]:
    """Groups of (seller, text): other objects each, and alike within a group."""
    draw = random.Random(seed)
    for _ in range(TYPES):
        ruler, reverse, ric = draw.choice(_RULERS), draw.choice(_REVERSES), draw.randrange(10, 900)
        weight, across = draw.uniform(2.6, 14.5), draw.uniform(16.5, 29.0)
        yield [
            (
                f"Dealer {draw.randrange(1000)}",
                draw.choice(_DEALERS).format(
                    ruler=ruler, reverse=reverse, ric=ric, w=f"{draw.gauss(weight, 0.06 * weight):.2f}",
                    d=f"{draw.gauss(across, 0.04 * across):.1f}", h=draw.choice((6, 6, 12, 12, 1, 5, 7, 11)),
                ),
            )
            for _ in range(COINS)
        ]  # fmt: skip
        motif = draw.choice(("a rosette", "a gladiator", "a leaping hare", "Eros", "a crater"))
        long, wide = draw.uniform(80, 120), draw.uniform(55, 75)
        yield [
            (
                "Antiquities House",
                _LAMP.format(motif=motif, a=round(draw.gauss(long, 2)), b=round(draw.gauss(wide, 1.5))),
            )
            for _ in range(LAMPS)
        ]
        count = draw.choice((20, 50, 100))
        yield [
            (draw.choice(("coins_and_more", "coins_and_more", f"copycat {draw.randrange(50)}")),
             _BULK.format(n=count, w=round(count * draw.uniform(2.2, 3.1))))
            for _ in range(LOTS)
        ]  # fmt: skip


def false_joins(seed: int, classifier: ListingClassifier) -> tuple[list[tuple[str, str]], int]:
    """Pairs of texts that would be joined, and how many pairs there are."""
    joined, pairs = [], 0
    for group in make_traps(seed):
        told = [Told(number, text.split(".")[0], text) for number, (_, text) in enumerate(group)]
        offers = [
            Offer(record, market=f"m{number}", seller=seller)
            for number, (record, (seller, _)) in enumerate(zip(read_objects(told, classifier), group, strict=True))
        ]
        for one, other in combinations(offers, 2):
            pairs += 1
            if compare(one, other).joins:
                joined.append((one.record.text, other.record.text))
    return joined, pairs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    joined, pairs = false_joins(given.seed, ListingClassifier.load())
    sys.stdout.write(f"{len(joined)} of {pairs:,} pairs of look-alikes joined\n")
    sys.stdout.writelines(f"  {one}\n  {other}\n" for one, other in joined)
    return 1 if joined else 0


if __name__ == "__main__":
    sys.exit(main())
