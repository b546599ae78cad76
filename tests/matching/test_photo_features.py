import numpy as np

from matching.photo_features import (
    MOST_FEATURES,
    describe_photo,
    hash_dihedral,
    hash_picture,
    mirrored,
    root_sift,
)
from tests.matching.pictures import thing


def test_features_mirrored_by_reckoning_are_those_of_the_mirrored_picture() -> None:
    picture = thing(3)
    by_reckoning = mirrored(describe_photo(picture))
    by_looking = describe_photo(np.ascontiguousarray(picture[:, ::-1]))
    products = by_reckoning.descriptors.astype(np.float32) @ by_looking.descriptors.astype(np.float32).T
    nearest = products.argmax(axis=1)
    apart = np.abs(by_reckoning.points - by_looking.points[nearest])
    same = apart[:, :2].max(axis=1) < 2.0
    assert same.mean() > 0.8
    turn = np.abs((apart[same, 3] + 180) % 360 - 180)
    assert np.median(turn) < 2.0


def test_one_of_the_eight_hashes_is_that_of_the_turned_or_mirrored_picture() -> None:
    picture = thing(4)
    hashes = hash_dihedral(picture)
    for changed in (picture, picture[:, ::-1], picture[::-1], np.rot90(picture), np.rot90(picture, 3)):
        digest, quality = hash_picture(np.ascontiguousarray(changed))
        assert quality > 60
        assert np.bitwise_count(hashes ^ digest[None]).sum(axis=1).min() <= 10


def test_a_photo_keeps_no_more_features_than_it_may_and_the_first_are_from_everywhere() -> None:
    full = np.random.default_rng(5).integers(0, 255, (700, 900, 3)).astype(np.uint8)
    features = describe_photo(full)
    assert len(features.points) == MOST_FEATURES
    first = features.points[:60, :2] / (features.width, features.height)
    assert {(int(x * 2), int(y * 2)) for x, y in first} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_every_descriptor_has_the_same_length() -> None:
    raw = np.random.default_rng(1).gamma(1.0, 20.0, (50, 128)).astype(np.float32)
    lengths = np.linalg.norm(root_sift(raw).astype(np.float32), axis=1)
    assert np.abs(lengths - 512).max() < 10


def test_a_plain_surface_is_blank_and_a_thing_is_not() -> None:
    assert describe_photo(np.full((300, 300, 3), 200, np.uint8)).is_blank
    assert not describe_photo(thing(6)).is_blank
