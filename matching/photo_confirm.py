"""Whether two photographs show the same thing in the same place: local features under one affine map, compared again.

A pair of features gives a whole similarity (shift, turn, scale) by itself, so every pair is tried as the hypothesis and
no dice are thrown: the same two photos always give the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from matching.photo_features import SMALL_SIDE, PhotoFeatures

Floats = npt.NDArray[np.float32]

_RATIO = 0.88
_MOST_HYPOTHESES, _ROUGH_HYPOTHESES = 250, 100
_LOOSE = 0.05
_TIGHT = 0.02
"""How far a place may lie from where the map puts it, as a share of the candidate's longest side."""
_TURN = 30.0
_ZOOM = 1.7
_CELL = 0.012
"""Features nearer to each other than this share of the longest side count once."""
_MIDDLE, _RIM = 0.5, 0.7
"""Where the middle of a photo ends and its rim begins, as shares of the way from its centre to its edge."""
_FEW = 10
_WINDOW = 17
_CELLS = 12


@dataclass(frozen=True)
class Agreement:
    """What two photos have in common under one map from the query's pixels to the candidate's.

    `pairs`: features that look alike. `inliers`: those of them at places that one map explains, near ones counted once.
    `weight`: the same, each counting less the more other photos show it too. `spread`: share of the candidate's
    detailed area in whose neighbourhood they lie, 0 to 1. `overlap`: share of the candidate that the query shows.
    `likeness`: mean correlation of detail over the overlap, the middle of the picture weighing most, -1 to 1.
    `agreeing`: share of the overlap's detail, weighed likewise, that correlates or where features meet.
    `middle`, `surroundings`: share of the query's features over the middle and over the rim of the candidate that have
    their counterpart there; two objects on one tray agree in the surroundings alone.
    `scale` and `turn` (degrees) say how the query was brought to the candidate.
    """

    pairs: int
    inliers: int
    weight: float
    spread: float
    overlap: float
    likeness: float
    agreeing: float
    middle: float
    surroundings: float
    scale: float
    turn: float
    map: Floats


def compare_photos(query: PhotoFeatures, candidate: PhotoFeatures, rarity: Floats | None = None) -> Agreement | None:
    """The best agreement of two photos, None where fewer than four features agree.

    `rarity`: for each feature of the query how much it counts, 0 to 1; without it all count 1.
    """
    if len(query.points) < 4 or len(candidate.points) < 4:
        return None
    of_query, of_candidate = alike(query.descriptors, candidate.descriptors)
    if len(of_query) < 4:
        return None
    weights = np.ones(len(of_query), np.float32) if rarity is None else rarity[of_query]
    source, target = query.points[of_query], candidate.points[of_candidate]
    longest = float(max(candidate.width, candidate.height))
    found = _best_map(source, target, weights, longest)
    if found is None:
        return None
    chart, inside = found
    counted = _one_each(source[inside, :2], target[inside, :2], weights[inside], query, candidate)
    kept = np.flatnonzero(inside)[counted]
    spread = _spread(target[kept, :2], candidate)
    overlap, likeness, agreeing = _likeness(query, candidate, chart, target[kept, :2])
    middle, surroundings = _shares(query, candidate, chart, of_query[inside])
    return Agreement(
        pairs=len(of_query),
        inliers=len(kept),
        weight=float(weights[kept].sum()),
        spread=spread,
        overlap=overlap,
        likeness=likeness,
        agreeing=agreeing,
        middle=middle,
        surroundings=surroundings,
        scale=float(np.sqrt(abs(np.linalg.det(chart[:, :2])))),
        turn=float(np.degrees(np.arctan2(chart[1, 0], chart[0, 0]))),
        map=chart,
    )


def rough_inliers(
    query: PhotoFeatures,
    candidate: PhotoFeatures,
    of_query: npt.NDArray[np.intp],
    of_candidate: npt.NDArray[np.intp],
    rarity: Floats,
) -> npt.NDArray[np.bool_]:
    """Which of the pairs one map explains, without looking at the pixels again: to order candidates by."""
    if len(of_query) < 4:
        return np.zeros(len(of_query), dtype=bool)
    longest = float(max(candidate.width, candidate.height))
    source, target = query.points[of_query], candidate.points[of_candidate]
    return _best_hypothesis(source, target, rarity[of_query], longest, _ROUGH_HYPOTHESES)[0]


def alike(
    one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows of the two that are each other's nearest, and clearly nearer than the second."""
    left, right = one.astype(np.float32), other.astype(np.float32)
    # Rows of RootSIFT have one length, so that the largest product is the smallest distance.
    products = left @ right.T
    nearest, back = products.argmax(1), products.argmax(0)
    rows = np.flatnonzero(back[nearest] == np.arange(len(left)))
    of_rows, lengths = products[rows], (right**2).sum(1)
    first = of_rows[np.arange(len(rows)), nearest[rows]]
    of_rows[np.arange(len(rows)), nearest[rows]] = -1.0
    second_at = of_rows.argmax(1)
    second = of_rows[np.arange(len(rows)), second_at]
    own = (left[rows] ** 2).sum(1)
    near = own + lengths[nearest[rows]] - 2 * first
    next_near = own + lengths[second_at] - 2 * second
    clear = near < _RATIO**2 * next_near
    return rows[clear], nearest[rows[clear]]


def _best_hypothesis(
    source: Floats, target: Floats, weights: Floats, longest: float, most: int = _MOST_HYPOTHESES
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The pairs that the best single pair's similarity explains, and those that agree with it in turn and size."""
    zoom = target[:, 2] / source[:, 2]
    turn = np.radians(target[:, 3] - source[:, 3])
    tried = np.argsort(-weights, kind="stable")[:most]
    cos, sin = (zoom * np.cos(turn))[tried, None], (zoom * np.sin(turn))[tried, None]
    x, y = source[None, :, 0], source[None, :, 1]
    from_x, from_y = source[tried, None, 0], source[tried, None, 1]
    at_x = cos * (x - from_x) - sin * (y - from_y) + target[tried, None, 0]
    at_y = sin * (x - from_x) + cos * (y - from_y) + target[tried, None, 1]
    near = (at_x - target[None, :, 0]) ** 2 + (at_y - target[None, :, 1]) ** 2 < (_LOOSE * longest) ** 2
    bent = np.abs((np.degrees(turn[None, :] - turn[tried, None]) + 180) % 360 - 180) < _TURN
    sized = np.abs(np.log(zoom[None, :] / zoom[tried, None])) < np.log(_ZOOM)
    inside = near & bent & sized
    best = int((inside * weights[None, :]).sum(1).argmax())
    return inside[best], bent[best] & sized[best]


def _best_map(
    source: Floats, target: Floats, weights: Floats, longest: float
) -> tuple[Floats, npt.NDArray[np.bool_]] | None:
    chosen, consistent = _best_hypothesis(source, target, weights, longest)
    chart: Floats | None = None
    for reach in (_LOOSE, (_LOOSE + _TIGHT) / 2, _TIGHT, _TIGHT):
        if chosen.sum() < 4:
            return None
        chart = _affine(source[chosen, :2], target[chosen, :2])
        moved = source[:, :2] @ chart[:, :2].T + chart[:, 2]
        chosen = consistent & (((moved - target[:, :2]) ** 2).sum(1) < (reach * longest) ** 2)
    stretches = np.linalg.svd(chart[:, :2], compute_uv=False) if chart is not None else np.zeros(2)
    if chart is None or chosen.sum() < 4 or stretches[1] < 0.05 or stretches[0] > 2.2 * stretches[1]:
        return None
    return (chart, chosen) if np.linalg.det(chart[:, :2]) > 0 else None


def _affine(source: Floats, target: Floats) -> Floats:
    """The map by least squares; a similarity where few points would let an affine one bend at will."""
    if len(source) >= 8:
        rows = np.concatenate([source, np.ones((len(source), 1), np.float32)], axis=1)
        solved, *_ = np.linalg.lstsq(rows.astype(np.float64), target.astype(np.float64), rcond=None)
        return np.asarray(solved.T, dtype=np.float32)
    middle, goal = source.mean(0), target.mean(0)
    a, b = (source - middle).astype(np.float64), (target - goal).astype(np.float64)
    size = max(float((a**2).sum()), 1e-9)
    cos = float((a * b).sum()) / size
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / size
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.concatenate([linear, (goal - linear @ middle)[:, None]], axis=1).astype(np.float32)


def _one_each(
    source: Floats, target: Floats, weights: Floats, query: PhotoFeatures, candidate: PhotoFeatures
) -> npt.NDArray[np.intp]:
    """Rows left when features at the same place, in either photo, count once: the rarest of them."""
    kept: list[int] = []
    seen_source: set[tuple[int, int]] = set()
    seen_target: set[tuple[int, int]] = set()
    grain_source = _CELL * max(query.width, query.height)
    grain_target = _CELL * max(candidate.width, candidate.height)
    for row in np.argsort(-weights, kind="stable"):
        left = (int(source[row, 0] / grain_source), int(source[row, 1] / grain_source))
        right = (int(target[row, 0] / grain_target), int(target[row, 1] / grain_target))
        if left in seen_source or right in seen_target:
            continue
        seen_source.add(left)
        seen_target.add(right)
        kept.append(int(row))
    return np.array(kept, dtype=np.intp)


def _shares(
    query: PhotoFeatures, candidate: PhotoFeatures, chart: Floats, agreeing: npt.NDArray[np.intp]
) -> tuple[float, float]:
    moved = query.points[:, :2] @ chart[:, :2].T + chart[:, 2]
    away = 2 * np.abs(moved / np.array([candidate.width, candidate.height], np.float32) - 0.5)
    agrees = np.zeros(len(moved), dtype=bool)
    agrees[agreeing] = True
    inner = np.hypot(away[:, 0], away[:, 1]) < _MIDDLE
    outer = (away.max(axis=1) > _RIM) & (away.max(axis=1) <= 1.0)
    return (
        float((agrees & inner).sum() / max(_FEW, inner.sum())),
        float((agrees & outer).sum() / max(_FEW, outer.sum())),
    )


def _spread(places: Floats, candidate: PhotoFeatures) -> float:
    def cells(points: Floats) -> npt.NDArray[np.bool_]:
        grid = np.zeros((_CELLS, _CELLS), np.uint8)
        column = np.clip(points[:, 0] * _CELLS / candidate.width, 0, _CELLS - 1).astype(int)
        row = np.clip(points[:, 1] * _CELLS / candidate.height, 0, _CELLS - 1).astype(int)
        grid[row, column] = 1
        return np.asarray(grid, dtype=bool)

    detailed = cells(candidate.points[:, :2])
    reached = cv2.dilate(cells(places).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return float((detailed & reached).sum() / max(1, detailed.sum()))


def _likeness(
    query: PhotoFeatures, candidate: PhotoFeatures, chart: Floats, places: Floats
) -> tuple[float, float, float]:
    """Overlap, likeness and the share of detailed places that agree, on the small grey copies.

    A place agrees where its detail correlates, or where features of the two meet: under another light the same relief
    has other shadows.
    """
    to_small = SMALL_SIDE / max(candidate.width, candidate.height)
    from_small = max(query.width, query.height) / SMALL_SIDE
    small_map = chart.astype(np.float64).copy()
    small_map[:, :2] *= from_small * to_small
    small_map[:, 2] *= to_small
    height, width = candidate.small.shape
    # A query that shows the candidate in few pixels is blurred by enlarging it; both are blurred alike before they
    # are compared.
    enlarged = max(1.0, float(np.sqrt(abs(np.linalg.det(small_map[:, :2])))))
    blurred = np.asarray(cv2.GaussianBlur(candidate.small, (0, 0), 0.8 * enlarged + 0.5), dtype=np.float32)
    source = query.small if enlarged > 1 else cv2.GaussianBlur(query.small, (0, 0), 0.8 / enlarged + 0.2)
    warped = cv2.warpAffine(source, small_map, (width, height), flags=cv2.INTER_LINEAR)
    brought = np.asarray(cv2.GaussianBlur(warped.astype(np.float32), (0, 0), 1.0), dtype=np.float32)
    shown = cv2.warpAffine(np.full(query.small.shape, 255, np.uint8), small_map, (width, height)) > 254
    shown = cv2.erode(shown.astype(np.uint8), np.ones((_WINDOW // 2, _WINDOW // 2), np.uint8)).astype(bool)
    if shown.sum() < 64:
        return 0.0, 0.0, 0.0

    def mean(array: Floats) -> Floats:
        return np.asarray(cv2.blur(array, (_WINDOW, _WINDOW)), dtype=np.float32)

    mean_a, mean_b = mean(blurred), mean(brought)
    var_a = np.maximum(mean(blurred * blurred) - mean_a**2, 0)
    var_b = np.maximum(mean(brought * brought) - mean_b**2, 0)
    joint = mean(blurred * brought) - mean_a * mean_b
    correlation = joint / np.sqrt((var_a + 4.0) * (var_b + 4.0))
    detailed = shown & ((var_a > 30) | (var_b > 30))
    if detailed.sum() < 64:
        return float(shown.mean()), 0.0, 0.0
    rows, columns = np.mgrid[0:height, 0:width]
    away = ((rows / height - 0.5) ** 2 + (columns / width - 0.5) ** 2) / 0.32**2
    middle = np.exp(-away) * detailed
    likeness = float((correlation * middle).sum() / middle.sum())
    met = np.zeros((height, width), np.uint8)
    for x, y in places * to_small:
        cv2.circle(met, (int(x), int(y)), _WINDOW // 2, 1, -1)
    agreeing = float((((correlation > 0.5) | (met > 0)) * middle).sum() / middle.sum())
    return float(shown.mean()), likeness, agreeing
