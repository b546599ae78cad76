"""How common words are among antiquities, for `matching/text_likeness.py`: `python bench/word_counts.py`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from classifiers.corpus import load_corpus
from matching.object_record import words_of

ROOT = Path(__file__).resolve().parent.parent
LEAST = 8


def main() -> None:
    counts: Counter[str] = Counter()
    antiquities = [one for one in load_corpus() if one.label == "antiquity"]
    for one in antiquities:
        counts.update(words_of(f"{one.title} {one.description or ''}"))
    lines = [
        f"# In how many of our corpus's antiquities (their number first) each stem stands, from {LEAST} on.",
        "# Written by bench/word_counts.py.",
        str(len(antiquities)),
        *(
            f"{word} {count}"
            for word, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
            if count >= LEAST
        ),
    ]
    (ROOT / "matching" / "word_counts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
