"""Pictures for the tests of matching, drawn: relief on a plain ground, seeded."""

from __future__ import annotations

import cv2
import numpy as np

from matching.photo_features import Pixels, describe_photo, hash_dihedral
from matching.photo_reading import QueryPhoto


def thing(seed: int, side: int = 320, ground: int = 235) -> Pixels:
    """A round thing full of marks in the middle of a plain ground (RGB)."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (40, 40)).astype(np.float32)
    face = 120 + 30 * cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        x, y = (int(one) for one in rng.integers(40, side - 40, 2))
        cv2.circle(face, (x, y), int(rng.integers(2, 9)), float(rng.uniform(20, 220)), -1, cv2.LINE_AA)
    rows, columns = np.mgrid[0:side, 0:side]
    inside = np.hypot(rows - side / 2, columns - side / 2) < side * 0.42
    grey = np.where(inside, np.clip(face, 0, 255), ground).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))


def on_tray(picture: Pixels, seed: int = 1) -> Pixels:
    """The thing laid on a patterned tray: the tray is the same for every thing."""
    side = picture.shape[0]
    rng = np.random.default_rng([99, seed])
    tray = cv2.resize(rng.normal(110, 45, (60, 60)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    rows, columns = np.mgrid[0:side, 0:side]
    inside = np.hypot(rows - side / 2, columns - side / 2) < side * 0.3
    small = cv2.resize(picture, None, fx=0.715, fy=0.715, interpolation=cv2.INTER_AREA)
    out = np.repeat(np.clip(tray, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    start = (side - small.shape[0]) // 2
    laid = out.copy()
    laid[start : start + small.shape[0], start : start + small.shape[1]] = small
    return np.ascontiguousarray(np.where(inside[..., None], laid, out))


def as_query(picture: Pixels) -> QueryPhoto:
    return QueryPhoto(describe_photo(picture), hash_dihedral(picture), False)
