"""Which photos of a collection show what a query shows: hashes and shared features find, geometry and detail confirm.

Two thresholds: what is sure enough to link by itself, and what a person should look at. What many photos of the
collection share (a tray, a scale bar, a watermark, a stock picture) does not link.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matching.feature_pool import FeaturePool, Floats, Neighbours, pairs_with, rarity_towards
from matching.links import Link
from matching.photo_confirm import Agreement, compare_photos, rough_inliers
from matching.photo_features import DIHEDRAL, PhotoFeatures, mirrored
from matching.photo_reading import QueryPhoto

STOCK_FROM = 20
"""A picture that stands on so many photos of a collection says nothing about the object."""
HASH_LINKS = 24
"""Of 256 bits: pictures this near in PDQ are the same picture; Meta's own advice is 31, without look-alikes."""
HASH_SURE = 16
"""So near a picture is the same one even where a watermark hides what little its middle shows."""
HASH_CANDIDATE = 48
HASH_QUALITY = 60
LEAST_SCORE = 0.05
MOST_CANDIDATES = 10
_LOOKED_AT = 12
_COMPARED = 4


@dataclass(frozen=True)
class _Seen:
    """What was found about one photo of the collection: PDQ distance and its way, and the agreement of features."""

    distance: int
    way: int
    agreement: Agreement | None
    is_mirrored: bool


class PhotoCollection:
    """Photos with their names, ready to be asked; built once, in memory. About 200 kB a photo."""

    def __init__(self, names: Sequence[str], photos: Sequence[PhotoFeatures]) -> None:
        self._names = list(names)
        self._photos = list(photos)
        self._pool = FeaturePool(self._photos)
        self._hashes = np.array([photo.hash for photo in photos], dtype=np.uint8).reshape(-1, 32)
        self._quality = np.array([photo.hash_quality for photo in photos], dtype=np.int64)
        self._repeats = _repeats(self._hashes)

    def find(
        self,
        query: QueryPhoto,
        closer_look: Callable[[], PhotoFeatures] | None = None,
        leave_out: frozenset[str] = frozenset(),
        *,
        mirrored_too: bool = True,
    ) -> list[Link]:
        """The photos that may show the same, best first, at most MOST_CANDIDATES.

        `mirrored_too`: whether mirrored features are asked where others link nothing; mirrored hashes always are.
        `closer_look` is called where a first look links nothing and there is more to see in the query.
        `leave_out`: names that are no answer, such as the query's own.
        """
        if not self._photos:
            return []
        distances, ways = _hash_distances(query.hashes, self._hashes)
        looks: list[Callable[[], tuple[PhotoFeatures, bool]]] = [
            lambda: (query.features, False),
        ]
        if mirrored_too:
            looks.append(lambda: (mirrored(query.features), True))
        if closer_look is not None and query.can_be_seen_closer:
            looks.append(lambda: (closer_look(), False))
        best: dict[int, Agreement] = {}
        turned: dict[int, bool] = {}
        for look in looks:
            features, is_mirrored = look()
            for photo, agreement in self._agreements(features, distances, leave_out).items():
                if photo not in best or _strength(agreement) > _strength(best[photo]):
                    best[photo], turned[photo] = agreement, is_mirrored
            if any(_links(agreement) for agreement in best.values()):
                break
        near = np.flatnonzero(distances <= HASH_CANDIDATE)
        links = []
        for photo in {*best, *(int(one) for one in near)}:
            if self._names[photo] not in leave_out:
                seen = _Seen(int(distances[photo]), int(ways[photo]), best.get(photo), turned.get(photo, False))
                links.append(self._link(photo, seen, query.features))
        links = [link for link in links if link.score >= LEAST_SCORE]
        return sorted(links, key=lambda link: (-link.score, link.other))[:MOST_CANDIDATES]

    def _agreements(
        self, query: PhotoFeatures, distances: npt.NDArray[np.int64], leave_out: frozenset[str]
    ) -> dict[int, Agreement]:
        near = self._pool.neighbours(query)
        votes = self._pool.votes(near)
        votes[[n for n, name in enumerate(self._names) if name in leave_out]] = 0
        first = [int(n) for n in np.argsort(-votes, kind="stable")[:_LOOKED_AT] if votes[n] > 0]
        by_hash = [int(n) for n in np.argsort(distances, kind="stable")[:2] if distances[n] <= HASH_CANDIDATE]
        chosen = dict.fromkeys(first)
        rarity, order = self._ordered(query, near, list(chosen))
        compared = {}
        for photo in dict.fromkeys([*order[:_COMPARED], *by_hash]):
            if self._names[photo] in leave_out:
                continue
            weights = rarity[photo] if photo in rarity else rarity_towards(photo, near)
            agreement = compare_photos(query, self._photos[photo], weights)
            if agreement is not None:
                compared[photo] = agreement
        return compared

    def _ordered(
        self, query: PhotoFeatures, near: Neighbours, photos: list[int]
    ) -> tuple[dict[int, Floats], list[int]]:
        """The rarity of each feature towards each photo, and the photos by what one map explains of it.

        A feature that the maps of several photos explain, such as one of a tray, then counts less for each of them.
        """
        rarity = {photo: rarity_towards(photo, near) for photo in photos}
        explained: dict[int, npt.NDArray[np.bool_]] = {}
        for photo in photos:
            mine, theirs = pairs_with(photo, near)
            inside = np.zeros(len(query.points), dtype=bool)
            inside[mine[rough_inliers(query, self._photos[photo], mine, theirs, rarity[photo])]] = True
            explained[photo] = inside
        shared = sum(explained.values(), np.zeros(len(query.points), dtype=np.int64))
        rough = {}
        for photo in photos:
            others = shared - explained[photo]
            rarity[photo] = (rarity[photo] / (1.0 + np.maximum(others - 1, 0)) ** 2).astype(np.float32)
            rough[photo] = float(rarity[photo][explained[photo]].sum())
        return rarity, sorted(photos, key=lambda photo: -rough[photo])

    def _link(self, photo: int, seen: _Seen, query: PhotoFeatures) -> Link:
        reasons: list[str] = []
        parts: dict[str, float | int | str] = {"hash_distance": seen.distance}
        plain = min(query.hash_quality, int(self._quality[photo])) < HASH_QUALITY
        agreement = seen.agreement
        score = 0.0
        if seen.distance <= HASH_CANDIDATE and not plain:
            way = DIHEDRAL[seen.way]
            reasons.append(_same_in_words(seen.distance, way))
            parts["taken"] = way
            score = 0.95 if seen.distance <= HASH_LINKS else 0.3 * (HASH_CANDIDATE - seen.distance) / HASH_CANDIDATE
        links = score >= 0.9
        if agreement is not None:
            parts |= _figures(agreement)
            if seen.is_mirrored:
                parts["mirrored"] = 1
            if seen.distance > HASH_LINKS or _links(agreement):
                reasons.append(_in_words(agreement, seen.is_mirrored))
            score = max(score, _score(agreement))
            links = links or _links(agreement)
            if _is_frame(agreement) and seen.distance > HASH_SURE:
                reasons.append("the surroundings agree and the middle does not: the same tray or scale, not one object")
                parts["same_surroundings"] = 1
                score, links = min(score, 0.3), False
        repeats = int(self._repeats[photo])
        if repeats >= STOCK_FROM and (links or score >= LEAST_SCORE):
            reasons.append(f"this picture stands on {repeats} photos of the collection: a stock picture or a logo")
            parts["repeats"] = repeats
            score, links = min(score, 0.4), False
        if links and (query.is_blank or self._photos[photo].is_blank):
            reasons.append("there is too little in the picture to know it by: a plain surface or a placeholder")
            parts["too_plain"] = 1
            score, links = min(score, 0.3), False
        return Link(self._names[photo], round(score, 4), links, tuple(reasons), parts)


def same_picture(query: QueryPhoto, name: str, digest: npt.NDArray[np.uint8]) -> Link | None:
    """The link to a stored picture whose hash is so near that it need not be opened; None where it is not."""
    distances, ways = _hash_distances(query.hashes, digest.reshape(1, 32))
    distance, way = int(distances[0]), DIHEDRAL[int(ways[0])]
    if distance > HASH_SURE or query.features.hash_quality < HASH_QUALITY or query.features.is_blank:
        return None
    return Link(name, 0.95, True, (_same_in_words(distance, way),), {"hash_distance": distance, "taken": way})


def _same_in_words(distance: int, way: str) -> str:
    return f"the whole pictures differ in {distance} of 256 bits (PDQ), the query taken {way}"


def _hash_distances(
    hashes: npt.NDArray[np.uint8], stored: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each stored hash the least distance in bits to one of the eight, and to which."""
    distances = np.stack([np.bitwise_count(stored ^ one[None]).sum(axis=1, dtype=np.int64) for one in hashes])
    return distances.min(axis=0), distances.argmin(axis=0)


def _repeats(hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """On how many photos of the collection each one's picture stands, itself included."""
    return np.array(
        [int((np.bitwise_count(hashes ^ one[None]).sum(axis=1) <= HASH_LINKS).sum()) for one in hashes], dtype=np.int64
    )


def _is_frame(agreement: Agreement) -> bool:
    return agreement.surroundings > 0.15 and agreement.middle < agreement.surroundings / 3 and agreement.agreeing < 0.8


def _links(agreement: Agreement) -> bool:
    return _strength(agreement) >= 1.0 and not _is_frame(agreement)


def _strength(agreement: Agreement) -> float:
    """1 and more: sure enough to link. Many rare features at places that one map explains, over detail that agrees.

    Nearly the same picture needs few of them; the same object under another light needs more, and either detail that
    agrees, or a good share of all features in the middle, or a great many: coins of one die have some of each.
    """
    if agreement.inliers < 8 or agreement.overlap < 0.03:
        return 0.1 * agreement.inliers / 8
    same_picture = min(
        agreement.likeness / 0.68, agreement.agreeing / 0.8, agreement.inliers / 10, agreement.weight / 1.0
    )
    same_object = min(
        agreement.weight / 8,
        agreement.inliers / 12,
        agreement.agreeing / 0.4,
        max((agreement.likeness + 1.5 * agreement.middle) / 0.7, agreement.inliers / 110),
        agreement.spread / 0.2,
    )
    return max(same_picture, same_object, 0.0)


def _score(agreement: Agreement) -> float:
    """0 to 1; 0.9 is where a link is made."""
    strength = _strength(agreement)
    if strength >= 1.0:
        return 0.9 + 0.1 * (1 - math.exp(1 - strength))
    return 0.85 * strength * math.sqrt(strength)


def _figures(agreement: Agreement) -> dict[str, float | int]:
    return {
        "pairs": agreement.pairs,
        "inliers": agreement.inliers,
        "rare_inliers": round(agreement.weight, 1),
        "spread": round(agreement.spread, 2),
        "overlap": round(agreement.overlap, 2),
        "likeness": round(agreement.likeness, 2),
        "agreeing": round(agreement.agreeing, 2),
        "middle": round(agreement.middle, 2),
        "surroundings": round(agreement.surroundings, 2),
        "scale": round(agreement.scale, 3),
        "turn": round(agreement.turn, 1),
    }


def _in_words(agreement: Agreement, is_mirrored: bool) -> str:
    how = []
    if is_mirrored:
        how.append("mirrored")
    if abs(agreement.turn) > 2:
        how.append(f"turned by {abs(agreement.turn):.0f} degrees")
    if agreement.overlap < 0.93:
        how.append(f"showing {agreement.overlap:.0%} of it")
    how_said = ", ".join(how) or "as it is"
    return (
        f"{agreement.inliers} local features lie at the same places (query {how_said}), over "
        f"{agreement.spread:.0%} of the detail; of what both show {agreement.agreeing:.0%} agrees"
    )
