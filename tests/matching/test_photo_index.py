import numpy as np
import pytest

from matching.photo_features import describe_photo, hash_dihedral
from matching.photo_index import FEATURES_KEPT, PhotoIndex, shared_features
from matching.photo_words import PhotoWords, shipped_words
from tests.matching.pictures import thing


@pytest.fixture(scope="module")
def photos() -> list:
    return [describe_photo(thing(seed)) for seed in range(16)]


@pytest.fixture(scope="module")
def words(photos: list) -> PhotoWords:
    return PhotoWords.learn(np.concatenate([photo.descriptors for photo in photos]))


def numbers(index: PhotoIndex, picture: np.ndarray) -> list[int]:
    return [one.photo for one in index.candidates(hash_dihedral(picture), describe_photo(picture), most=5)]


def filled(words: PhotoWords, photos: list, settled: bool = False) -> PhotoIndex:
    index = PhotoIndex(words)
    for number, photo in enumerate(photos):
        index.add(100 + number, index.trace_of(photo))
        if settled:
            index.settle()
    return index


def test_a_part_of_a_picture_is_found_as_well_as_the_whole(words: PhotoWords, photos: list) -> None:
    index = filled(words, photos)
    assert len(index) == 16
    assert numbers(index, np.ascontiguousarray(thing(9)[:, ::-1]))[0] == 109
    assert numbers(index, np.ascontiguousarray(thing(9)[60:, 80:]))[0] == 109


def test_the_words_that_are_shipped_find_pictures_that_they_were_not_learnt_from(photos: list) -> None:
    index = filled(shipped_words(), photos)
    assert [numbers(index, np.ascontiguousarray(thing(seed)[50:, 70:]))[0] for seed in (2, 7, 11)] == [102, 107, 111]


def test_what_is_added_after_a_question_is_found_too_and_what_is_removed_is_not(
    words: PhotoWords, photos: list
) -> None:
    index = filled(words, photos, settled=True)
    assert [numbers(index, thing(seed))[0] for seed in range(16)] == list(range(100, 116))
    index.remove([103])
    assert 103 not in numbers(index, thing(3))


def test_an_index_made_at_once_answers_like_one_that_grew(words: PhotoWords, photos: list) -> None:
    grown, made = filled(words, photos, settled=True), filled(words, photos)
    part = np.ascontiguousarray(thing(5)[40:250, 30:])
    query = hash_dihedral(part), describe_photo(part)
    assert grown.candidates(*query) == made.candidates(*query)
    assert len(grown.segments) < 6, "segments are joined as they grow"


def test_a_trace_says_without_the_picture_whether_opening_it_is_worth_it(words: PhotoWords, photos: list) -> None:
    index = PhotoIndex(words)
    part = describe_photo(np.ascontiguousarray(thing(5)[40:250, 30:]))
    shared = [shared_features(part, index.trace_of(photo), words) for photo in photos]
    assert shared[5] > 3 * max(count for number, count in enumerate(shared) if number != 5)


def test_a_photo_costs_less_than_a_kilobyte(words: PhotoWords) -> None:
    index = PhotoIndex(words)
    rng = np.random.default_rng(1)
    count = 20_000
    index.add_many(
        np.arange(count),
        rng.integers(0, 256, (count, 32)).astype(np.uint8),
        rng.integers(0, 65_536, count * FEATURES_KEPT).astype(np.uint16),
        rng.integers(0, 2**63, count * FEATURES_KEPT).astype(np.uint64),
        np.full(count, FEATURES_KEPT),
    )
    index.settle()
    assert index.bytes_used / count < 1000


def test_words_learnt_from_too_little_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        PhotoWords.learn(np.zeros((10, 128), np.uint8))


def test_an_empty_index_answers_nothing(words: PhotoWords) -> None:
    assert numbers(PhotoIndex(words), thing(1)) == []
