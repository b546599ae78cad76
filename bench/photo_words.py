"""Makes `matching/photo_words.npz`, the words of the photo index: `python bench/photo_words.py`.

From drawn pictures, which are ours, and scikit-learn's two sample photographs. Traces that are stored in other words
mean nothing: raise `VOCABULARY` with a new file.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import faiss
import numpy as np
from sklearn.datasets import load_sample_images

from bench.object_store import drawn
from matching.photo_features import describe_photo
from matching.photo_words import PhotoWords

DRAWN = 240


def described(number: int) -> np.ndarray:
    return describe_photo(drawn(number)).descriptors[:200]


def main() -> int:
    faiss.omp_set_num_threads(1)
    with ProcessPoolExecutor(2) as processes:
        rows = list(processes.map(described, range(DRAWN), chunksize=4))
    for photo in load_sample_images().images:
        for top in range(0, 400, 200):
            for left in range(0, 600, 200):
                part = np.ascontiguousarray(photo[top : top + 220, left : left + 220])
                rows.append(describe_photo(part).descriptors)
    words = PhotoWords.learn(np.concatenate(rows))
    PhotoWords(words.centres.astype(np.float16), words.rotation, words.middles).save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
