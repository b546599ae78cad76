import dataclasses
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import photo_drawing  # noqa: E402
import photo_set  # noqa: E402
from photo_edits import EDITS  # noqa: E402

from matching.photo_features import describe_photo, hash_dihedral  # noqa: E402
from matching.photo_matching import PhotoCollection  # noqa: E402
from matching.photo_reading import QueryPhoto  # noqa: E402


def test_the_set_has_two_thousand_pairs_under_fourteen_edits_and_traps() -> None:
    pictures = photo_set.plan()
    stored = {Path(one.path).name for one in pictures if one.asked_as is None}
    asked = Counter(one.asked_as for one in pictures if one.asked_as is not None)
    assert len(EDITS) == 14
    assert sum(asked[edit] for edit in EDITS) >= 2000
    assert asked[photo_set.NEW_PHOTO] >= 100
    assert asked[photo_set.LOOK_ALIKE] >= 100
    assert all(one.answer is None or one.answer in stored for one in pictures)
    assert not [one for one in pictures if one.asked_as == photo_set.LOOK_ALIKE and Path(one.path).name in stored]
    assert len({one.path for one in pictures}) == len(pictures)


def test_each_picture_is_drawn_the_same_every_time() -> None:
    for one in photo_set.plan()[:: len(photo_set.plan()) // 6]:
        assert np.array_equal(photo_set.draw(one.recipe), photo_set.draw(one.recipe))


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_changes_the_picture(edit: str) -> None:
    picture = photo_set.draw(("package", 0))
    edited = EDITS[edit](picture, np.random.default_rng(1))
    assert edited.dtype == np.uint8
    assert edited.shape != picture.shape or not np.array_equal(edited, picture)


@pytest.mark.parametrize("kind", ["coin", "lamp"])
@pytest.mark.parametrize("of_type", [1, 2, 4])
@pytest.mark.parametrize("die", [0, 1])
def test_another_specimen_under_the_same_light_is_not_linked(kind: str, of_type: int, die: int) -> None:
    """The hardest look-alike: one die or mould, no patina, laid and lit alike, alone in its collection."""

    def cleaned(of_die: int, specimen: int, shot: int) -> np.ndarray:
        thing = photo_drawing.draw_object(kind, of_type, of_die, specimen)
        mean = thing.surface.mean((0, 1), keepdims=True)
        plain = dataclasses.replace(thing, surface=(mean + 0.2 * (thing.surface - mean)).astype(np.float32))
        return photo_drawing.photograph(plain, shot, "white", light=135, tilt=False)

    stored = PhotoCollection(["stored"], [describe_photo(cleaned(0, 0, 1))])

    def links(picture: np.ndarray) -> list[bool]:
        query = QueryPhoto(describe_photo(picture), hash_dihedral(picture), False)
        return [link.links for link in stored.find(query)]

    assert True not in links(cleaned(die, 1, 2))
    assert links(cleaned(0, 0, 3)) == [True]
