"""The published set for photograph matching: made by a seeded command, scored by what `relicwatch photos match` says.

    python bench/photo_set.py make DIR [--share 0.2]      draws stored/, queries/ and truth.jsonl
    python bench/photo_set.py score DIR [--json FILE]     matches them; precision and recall per edit

Nothing in it is anyone's but ours: objects are drawn, and scikit-learn's two sample photographs come with its package.
`photo_set.sha256` beside this file freezes the whole set: one digest of all files' digests; `make` says whether what it
drew is that set.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from photo_drawing import GROUNDS, draw_object, draw_placeholder, photograph  # noqa: E402
from photo_edits import EDITS  # noqa: E402
from sklearn.datasets import load_sample_images  # noqa: E402

from matching.photo_folders import match_folders  # noqa: E402

Pixels = npt.NDArray[np.uint8]

FROZEN = HERE / "photo_set.sha256"
NEW_PHOTO, LOOK_ALIKE, PLACEHOLDER = "new photo", "look-alike", "placeholder"
TYPES = {"coin": 22, "lamp": 18, "pot": 10}
"""How many types of each kind; of each type two specimens of one die or mould and one of another are stored."""
STORED = ((0, 0), (0, 1), (1, 0))
UNSEEN = ((0, 2), (1, 1))
"""Specimens (die, number) that are asked about and not stored: what is found for them is false."""


@dataclass(frozen=True)
class Picture:
    """One file to draw: its place below the folder, what it is asked under, and the stored file that is its answer."""

    path: str
    recipe: tuple[Any, ...]
    asked_as: str | None
    answer: str | None


def plan(share: float = 1.0) -> list[Picture]:
    """All pictures of the set; `share` of the queries, evenly taken."""
    stored: list[Picture] = []
    queries: list[Picture] = []
    for kind, types in TYPES.items():
        for of_type in range(types):
            for die, specimen in (*STORED, *UNSEEN):
                number = len(stored) + len(queries)
                ground, bar = GROUNDS[(number * 7) % len(GROUNDS)], number % 2 == 0
                name = f"{kind}-{of_type:02d}-die{die}-{specimen}"
                thing = (kind, of_type, die, specimen)
                shot = ("shot", thing, number, ground, bar)
                if (die, specimen) in UNSEEN:
                    queries.append(Picture(f"queries/{name}.jpg", shot, LOOK_ALIKE, None))
                    continue
                stored.append(Picture(f"stored/{name}.jpg", shot, None, None))
                other = GROUNDS[(number * 5 + 1) % len(GROUNDS)]
                anew = ("shot", thing, 10_000 + number, other, number % 3 == 0)
                queries.append(Picture(f"queries/{name}-anew.jpg", anew, NEW_PHOTO, f"{name}.jpg"))
    for place in range(8):
        stored.append(Picture(f"stored/photo-{place}.jpg", ("package", place), None, None))
    for copy in range(25):
        stored.append(Picture(f"stored/placeholder-{copy:02d}.jpg", ("placeholder", 1), None, None))
    queries.append(Picture("queries/placeholder.jpg", ("placeholder", 1), PLACEHOLDER, None))
    for one in stored:
        if one.recipe[0] == "placeholder":
            continue
        for edit in EDITS:
            name = Path(one.path).stem
            path = f"queries/{name}-{edit.replace(' ', '_').replace('%', 'percent')}.jpg"
            queries.append(Picture(path, ("edit", edit, one.recipe), edit, f"{name}.jpg"))
    step = max(1, round(1 / share))
    by_sort: dict[str, list[Picture]] = defaultdict(list)
    for query in queries:
        by_sort[str(query.asked_as)].append(query)
    return stored + [query for of_sort in by_sort.values() for query in of_sort[::step]]


def draw(recipe: tuple[Any, ...]) -> Pixels:
    match recipe:
        case ("shot", thing, shot, ground, bar):
            return photograph(draw_object(*thing), shot, ground, bar=bar)
        case ("package", place):
            picture = load_sample_images().images[place % 2]
            quarter = place // 2
            top, left = (quarter // 2) * 213, (quarter % 2) * 320
            return np.ascontiguousarray(picture[top : top + 213, left : left + 320])
        case ("placeholder", seed):
            return draw_placeholder(seed)
        case ("edit", edit, base):
            seed = int.from_bytes(hashlib.sha256(repr(recipe).encode()).digest()[:4], "big")
            return EDITS[edit](draw(base), np.random.default_rng(seed))
    raise ValueError(f"No such recipe: {recipe}")


def make(place: Path, share: float) -> str:
    """Draws the set into a folder; returns the digest of all its files."""
    pictures = plan(share)
    for folder in ("stored", "queries"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as processes:
        digests = list(processes.map(_write, [(place, one) for one in pictures], chunksize=16))
    lines = [
        json.dumps({"file": Path(one.path).name, "asked_as": one.asked_as, "answer": one.answer})
        for one in pictures
        if one.asked_as is not None
    ]
    (place / "truth.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()


def _write(one: tuple[Path, Picture]) -> str:
    place, picture = one
    path = place / picture.path
    Image.fromarray(draw(picture.recipe)).save(path, "JPEG", quality=92)
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {picture.path}\n"


def score(place: Path) -> dict[str, Any]:
    """Precision and recall of links per edit, candidates found among the first five, and false links."""
    truth = {row["file"]: row for row in _rows(place / "truth.jsonl")}
    begun, used = time.perf_counter(), time.process_time()
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    false_links: list[str] = []
    for record in match_folders(place / "queries", place / "stored", lambda fault: sys.stderr.write(f"{fault}\n")):
        row = truth[record["file"]]
        count = counts[row["asked_as"]]
        count["queries"] += 1
        first = [one["file"] for one in record["candidates"][:5]]
        count["linked"] += row["answer"] in record["linked"]
        count["among 5"] += row["answer"] in first
        wrong = [name for name in record["linked"] if name != row["answer"]]
        count["false links"] += len(wrong)
        false_links += [f"{record['file']} -> {name}" for name in wrong]
    seconds = time.perf_counter() - begun
    edits = {name: counts[name] for name in EDITS if name in counts}
    asked = sum(count["queries"] for count in counts.values())
    return {
        "queries": asked,
        "seconds_a_query": round(seconds / max(1, asked), 3),
        "cpu_seconds_a_query_without_reading": round((time.process_time() - used) / max(1, asked), 3),
        "sorts": {name: dict(count) for name, count in counts.items()},
        "mean_recall_over_edits": round(
            sum(count["linked"] / count["queries"] for count in edits.values()) / max(1, len(edits)), 4
        ),
        "false_links": false_links,
    }


def table(figures: dict[str, Any]) -> str:
    lines = [f"{'':24}{'queries':>8}{'recall':>8}{'in 5':>8}{'precision':>10}{'false':>7}"]
    for name in (*EDITS, NEW_PHOTO, LOOK_ALIKE, PLACEHOLDER):
        if name not in figures["sorts"]:
            continue
        count = defaultdict(int, figures["sorts"][name])
        n, links = count["queries"], count["linked"] + count["false links"]
        recall, five = f"{count['linked'] / n:.3f}", f"{count['among 5'] / n:.3f}"
        if name in (LOOK_ALIKE, PLACEHOLDER):
            recall = five = "-"
        precision = f"{count['linked'] / links:.3f}" if links else "-"
        lines.append(f"{name:24}{n:>8}{recall:>8}{five:>8}{precision:>10}{count['false links']:>7}")
    lines.append(f"mean recall over the edits {figures['mean_recall_over_edits']:.3f}; {figures['queries']} queries, ")
    lines[-1] += f"{figures['seconds_a_query']} s each; false links: {len(figures['false_links'])}"
    lines += [f"  {one}" for one in figures["false_links"][:40]]
    return "\n".join(lines) + "\n"


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        yield json.loads(line)


def main() -> int:
    parser = argparse.ArgumentParser(description="The published set for photograph matching.")
    parser.add_argument("what", choices=("make", "score"))
    parser.add_argument("place", type=Path)
    parser.add_argument("--share", type=float, default=1.0, help="make: this share of the queries")
    parser.add_argument("--freeze", action="store_true", help="make: what is drawn now is the frozen set")
    parser.add_argument("--json", type=Path, metavar="FILE", help="score: write the figures there too")
    given = parser.parse_args()
    if given.what == "make":
        digest = make(given.place, given.share)
        if given.freeze:
            FROZEN.write_text(digest + "\n", "utf-8")
        same = FROZEN.exists() and FROZEN.read_text("utf-8").strip() == digest
        sys.stdout.write(f"{digest}: {'the frozen set' if same else 'not the frozen set: figures do not compare'}\n")
        return 0
    figures = score(given.place)
    sys.stdout.write(table(figures))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 1 if figures["false_links"] else 0


if __name__ == "__main__":
    sys.exit(main())
