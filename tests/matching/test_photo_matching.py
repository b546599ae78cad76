from collections.abc import Callable

import cv2
import numpy as np
import pytest

from matching.photo_features import Pixels, describe_photo
from matching.photo_matching import STOCK_FROM, PhotoCollection
from tests.matching.pictures import as_query, on_tray, thing


def collection(pictures: dict[str, Pixels]) -> PhotoCollection:
    return PhotoCollection(list(pictures), [describe_photo(picture) for picture in pictures.values()])


def linked(stored: PhotoCollection, picture: Pixels) -> list[str]:
    return [link.other for link in stored.find(as_query(picture)) if link.links]


@pytest.fixture(scope="module")
def things() -> PhotoCollection:
    return collection({f"thing {seed}": thing(seed) for seed in range(12)})


def cropped(picture: Pixels) -> Pixels:
    return np.ascontiguousarray(picture[90:, 60:260])


def framed(picture: Pixels) -> Pixels:
    return np.asarray(cv2.copyMakeBorder(picture, 50, 50, 80, 20, cv2.BORDER_CONSTANT, value=(10, 20, 60)))


def turned(picture: Pixels) -> Pixels:
    side = picture.shape[0]
    chart = cv2.getRotationMatrix2D((side / 2, side / 2), 8, 1.0)
    return np.asarray(cv2.warpAffine(picture, chart, (side, side), borderValue=(255, 255, 255)))


def mirrored_part(picture: Pixels) -> Pixels:
    return np.ascontiguousarray(cropped(picture)[:, ::-1])


def in_a_page(picture: Pixels) -> Pixels:
    page = np.full((500, 800, 3), 255, np.uint8)
    page[100:420, 40:360] = picture
    for line in range(8):
        cv2.putText(page, "lot 12 bronze coin", (420, 120 + 40 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)
    return page


@pytest.mark.parametrize("edit", [cropped, framed, turned, mirrored_part, in_a_page])
def test_a_picture_that_its_hash_does_not_find_is_linked_by_its_features(
    things: PhotoCollection, edit: Callable[[Pixels], Pixels]
) -> None:
    assert linked(things, edit(thing(7))) == ["thing 7"]


def test_a_picture_saved_darker_is_linked_and_says_why(things: PhotoCollection) -> None:
    [best, *_] = things.find(as_query((thing(4) * 0.7).astype(np.uint8)))
    assert (best.other, best.links) == ("thing 4", True)
    assert "of 256 bits" in best.reasons[0]
    assert best.score > 0.9
    assert best.parts["inliers"]


def test_another_thing_of_the_same_kind_is_not_linked(things: PhotoCollection) -> None:
    for seed in range(50, 58):
        assert linked(things, thing(seed)) == []


def test_things_on_one_tray_are_not_linked_by_the_tray() -> None:
    stored = collection({f"tray {seed}": on_tray(thing(seed)) for seed in range(4)})
    for seed in range(70, 74):
        assert linked(stored, on_tray(thing(seed))) == []


def test_a_tray_that_only_two_photos_share_does_not_link_them() -> None:
    stored = collection({"other": on_tray(thing(1))})
    [link] = stored.find(as_query(on_tray(thing(2))))
    assert not link.links
    assert "the same tray" in " ".join(link.reasons)


def test_the_same_thing_is_linked_off_its_tray() -> None:
    stored = collection({f"tray {seed}": on_tray(thing(seed)) for seed in range(4)})
    assert linked(stored, thing(2, ground=40)) == ["tray 2"]


def test_a_picture_on_many_photos_is_told_as_a_stock_picture_and_not_linked() -> None:
    pictures = {f"copy {number:02}": thing(1) for number in range(STOCK_FROM)}
    links = collection(pictures | {"else": thing(2)}).find(as_query(thing(1)))
    assert links
    assert not any(link.links for link in links)
    assert "stock picture" in " ".join(links[0].reasons)
    fewer = dict(list(pictures.items())[: STOCK_FROM - 1])
    assert all(link.links for link in collection(fewer | {"else": thing(2)}).find(as_query(thing(1))))


def test_blank_pictures_are_not_linked_to_each_other() -> None:
    blank = np.full((300, 300, 3), 240, np.uint8)
    assert linked(collection({"blank": blank, "thing": thing(1)}), blank) == []


def test_what_is_left_out_is_no_answer(things: PhotoCollection) -> None:
    names = [link.other for link in things.find(as_query(thing(7)), leave_out=frozenset(["thing 7"]))]
    assert "thing 7" not in names


def test_an_empty_collection_answers_nothing() -> None:
    assert PhotoCollection([], []).find(as_query(thing(1))) == []


def test_the_same_question_has_the_same_answer(things: PhotoCollection) -> None:
    query = as_query(cropped(thing(5)))
    assert things.find(query) == things.find(query)
