import numpy as np
import pytest

from matching.photo_features import describe_photo, hash_dihedral
from matching.photo_index import FEATURES_KEPT, PhotoIndex, PhotoWords
from tests.matching.pictures import thing


@pytest.fixture(scope="module")
def photos() -> list:
    return [describe_photo(thing(seed)) for seed in range(16)]


@pytest.fixture(scope="module")
def words(photos: list) -> PhotoWords:
    return PhotoWords.learn(np.concatenate([photo.descriptors for photo in photos]))


def numbers(index: PhotoIndex, picture: np.ndarray) -> list[int]:
    return [one.photo for one in index.candidates(hash_dihedral(picture), describe_photo(picture), most=5)]


def test_a_part_of_a_picture_is_found_as_well_as_the_whole(words: PhotoWords, photos: list) -> None:
    index = PhotoIndex(words)
    assert [index.add(photo) for photo in photos] == list(range(16))
    assert numbers(index, np.ascontiguousarray(thing(9)[:, ::-1]))[0] == 9
    assert numbers(index, np.ascontiguousarray(thing(9)[60:, 80:]))[0] == 9


def test_what_is_added_after_a_question_is_found_too_and_what_is_removed_is_not(
    words: PhotoWords, photos: list
) -> None:
    index = PhotoIndex(words)
    for photo in photos:
        index.add(photo)
        index.settle()
    assert [numbers(index, thing(seed))[0] for seed in range(16)] == list(range(16))
    index.remove([3])
    assert 3 not in numbers(index, thing(3))


def test_an_index_made_at_once_from_stored_entries_answers_like_one_that_grew(words: PhotoWords, photos: list) -> None:
    grown, rebuilt = PhotoIndex(words), PhotoIndex(words)
    for photo in photos:
        grown.add(photo)
        grown.settle()
    for photo in photos:
        rebuilt.add_entries(photo.hash[None], *grown.entries_of(photo))
    part = np.ascontiguousarray(thing(5)[40:250, 30:])
    query = hash_dihedral(part), describe_photo(part)
    assert grown.candidates(*query) == rebuilt.candidates(*query)


def test_a_photo_costs_less_than_a_kilobyte(words: PhotoWords) -> None:
    index = PhotoIndex(words)
    rng = np.random.default_rng(1)
    count = 20_000
    entries = rng.integers(0, 65_536, count * FEATURES_KEPT).astype(np.uint16)
    index.add_entries(
        rng.integers(0, 256, (count, 32)).astype(np.uint8),
        entries,
        rng.integers(0, 2**63, count * FEATURES_KEPT).astype(np.uint64),
    )
    index.settle()
    assert index.bytes_used / count < 1000


def test_words_learnt_from_too_little_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        PhotoWords.learn(np.zeros((10, 128), np.uint8))


def test_an_empty_index_answers_nothing(words: PhotoWords) -> None:
    assert numbers(PhotoIndex(words), thing(1)) == []
