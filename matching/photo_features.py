"""What is remembered of a photograph: a hash of the whole, local features, and a small grey copy to compare again.

The hash (PDQ) finds a picture that was merely saved anew; local features (RootSIFT) find a part of it, or the same
object in another picture. All of it is computed from pixels alone: no file, no database, no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pdqhash

Pixels = npt.NDArray[np.uint8]
"""Grey, height x width, or colour, height x width x 3 (RGB)."""

LONGEST_SIDE = 640
"""Pixels to which a photo is brought before features are looked for; smaller photos are enlarged to half of it."""
CLOSE_LONGEST_SIDE = 1280
"""The same for a second look at a query: a photo within a screenshot is small."""
MOST_FEATURES = 900
SMALL_SIDE = 256
PDQ_BITS = 256
DIHEDRAL = (
    "as it is",
    "turned by a quarter",
    "turned by a half",
    "turned by three quarters",
    "mirrored top to bottom",
    "mirrored left to right",
    "mirrored and turned by a quarter",
    "mirrored and turned by three quarters",
)
"""What each of the eight hashes of `hash_dihedral` stands for, in its order."""
_GRID = 10
_LEAST_CONTRAST = 0.015
# OpenCV's descriptor is 4 x 4 places of 8 directions; in a mirrored picture the rows of places and the directions run
# the other way, so the mirrored descriptor needs no second look at the pixels.
_MIRRORED = np.arange(128).reshape(4, 4, 8)[::-1][:, :, (-np.arange(8)) % 8].reshape(-1)


@dataclass(frozen=True, eq=False)
class PhotoFeatures:
    """One photo, as matching sees it.

    `hash`: PDQ, 32 bytes. `hash_quality`: 0 to 100; below 50 the picture is too plain for its hash to mean anything.
    `points`: float32, n x 4, the strongest of each part of the picture first: x and y in pixels of a picture with the
    given width and height (the longest side is LONGEST_SIDE, or less for small photos), the feature's diameter in
    pixels, its direction in degrees clockwise.
    `descriptors`: uint8, n x 128, RootSIFT times 512. `small`: grey, longest side SMALL_SIDE.
    """

    hash: Pixels
    hash_quality: int
    width: int
    height: int
    points: npt.NDArray[np.float32]
    descriptors: Pixels
    small: Pixels

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in the picture to know it by: a plain surface, a placeholder with a few lines."""
        return len(self.points) < 12 and self.hash_quality < 50


def describe_photo(picture: Pixels, longest_side: int = LONGEST_SIDE, most: int = MOST_FEATURES) -> PhotoFeatures:
    """The features of a picture (RGB); `longest_side` and `most` are raised for a second look at a query."""
    digest, quality = hash_picture(picture)
    grey = np.ascontiguousarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    grey = _brought_to(grey, longest_side)
    points, descriptors = _local_features(grey, most)
    height, width = grey.shape
    scale = SMALL_SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return PhotoFeatures(digest, quality, width, height, points, descriptors, small)


def hash_picture(picture: Pixels) -> tuple[Pixels, int]:
    """PDQ of a picture as 32 bytes, and its quality from 0 to 100."""
    vector, quality = pdqhash.compute(picture)
    return np.packbits(np.asarray(vector, dtype=np.uint8)), int(quality)


def hash_dihedral(picture: Pixels) -> Pixels:
    """The hashes of a picture turned and mirrored in the ways of DIHEDRAL: uint8, 8 x 32."""
    vectors, _ = pdqhash.compute_dihedral(picture)
    return np.packbits(np.asarray(vectors, dtype=np.uint8), axis=1)


def mirrored(features: PhotoFeatures) -> PhotoFeatures:
    """The local features as they would be found in the picture mirrored left to right; the hash is left as it is."""
    points = features.points.copy()
    points[:, 0] = features.width - 1 - points[:, 0]
    points[:, 3] = (180.0 - points[:, 3]) % 360.0
    return PhotoFeatures(
        features.hash,
        features.hash_quality,
        features.width,
        features.height,
        points,
        np.ascontiguousarray(features.descriptors[:, _MIRRORED]),
        np.ascontiguousarray(features.small[:, ::-1]),
    )


def _brought_to(grey: Pixels, longest_side: int) -> Pixels:
    height, width = grey.shape
    longest = max(height, width)
    target = min(max(longest, LONGEST_SIDE // 2), longest_side)
    if target == longest:
        return grey
    scale = target / longest
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, size, interpolation=how), dtype=np.uint8)


def _local_features(grey: Pixels, most: int) -> tuple[npt.NDArray[np.float32], Pixels]:
    """Up to `most` features, the strongest of each part of the picture first, so that no corner takes them all."""
    # OpenCV's own type hints lack SIFT.
    sift: Any = getattr(cv2, "SIFT_create")(  # noqa: B009
        nfeatures=4 * most, contrastThreshold=_LEAST_CONTRAST, edgeThreshold=12
    )
    found = sift.detect(grey, None)
    if not found:
        return np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8)
    height, width = grey.shape
    strength = np.array([one.response for one in found])
    place = np.array([one.pt for one in found])
    cell = (place[:, 0] * _GRID // width).astype(int) * _GRID + (place[:, 1] * _GRID // height).astype(int)
    order = np.lexsort((-strength, cell))
    starts = np.searchsorted(cell[order], np.arange(_GRID * _GRID))
    rank = np.empty(len(found), dtype=int)
    rank[order] = np.arange(len(found)) - starts[cell[order]]
    kept = np.lexsort((-strength, rank))[:most]
    points, raw = sift.compute(grey, [found[i] for i in kept])
    table = np.array([(p.pt[0], p.pt[1], p.size, p.angle) for p in points], dtype=np.float32).reshape(-1, 4)
    return table, root_sift(np.asarray(raw, dtype=np.float32))


def root_sift(raw: npt.NDArray[np.float32]) -> Pixels:
    """SIFT descriptors as the square roots of their shares, in bytes: differences then weigh alike (Arandjelovic 2012).

    The length of every row is about 512.
    """
    total = np.maximum(np.abs(raw).sum(axis=1, keepdims=True), 1e-6)
    rooted = np.rint(np.sqrt(np.abs(raw) / total) * 512)
    return np.asarray(np.clip(rooted, 0, 255), dtype=np.uint8)
