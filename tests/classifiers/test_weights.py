"""A model on disk: what was changed is refused, and nothing in it can run code."""

import ast
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

import classifiers
from classifiers.lexicon import LEXICONS, Lexicon
from classifiers.listing import MODELS, ListingClassifier
from classifiers.weights import METADATA_FILE, WEIGHTS_FILE, ModelError, Weights

ROOM = Path(classifiers.__file__).parent


@pytest.fixture
def copied(tmp_path):
    return Path(shutil.copytree(MODELS, tmp_path / "model"))


def change(directory, **values):
    path = directory / METADATA_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_an_untouched_copy_is_the_same_model(copied):
    assert ListingClassifier.load(copied).model == ListingClassifier.load().model


def test_changed_weights_are_refused(copied):
    with np.load(copied / WEIGHTS_FILE) as arrays:
        hashed, languages = arrays["hashed"], arrays["languages"]
    hashed[17] += 1
    np.savez_compressed(copied / WEIGHTS_FILE, hashed=hashed, languages=languages)
    with pytest.raises(ModelError, match="changed or swapped"):
        ListingClassifier.load(copied)


def test_a_changed_threshold_is_refused(copied):
    change(copied, thresholds={"flagged": 0.99, "medium": 0.5, "strong": 0.8})
    with pytest.raises(ModelError, match="changed or swapped"):
        ListingClassifier.load(copied)


def test_a_cut_weights_file_is_refused(copied):
    path = copied / WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match="damaged"):
        ListingClassifier.load(copied)


def test_broken_metadata_is_refused(copied):
    (copied / METADATA_FILE).write_text("{")
    with pytest.raises(ModelError, match="damaged"):
        ListingClassifier.load(copied)


def test_a_model_trained_with_other_lexicons_is_refused(tmp_path):
    directory = Path(shutil.copytree(LEXICONS, tmp_path / "lexicons"))
    path = directory / "objects.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    with pytest.raises(ModelError, match="other lexicons"):
        ListingClassifier(Weights.load(MODELS), Lexicon(directory))


def test_another_format_is_refused(copied):
    change(copied, format=99)
    with pytest.raises(ModelError, match="format"):
        ListingClassifier.load(copied)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ModelError, match="No model"):
        ListingClassifier.load(tmp_path)


def test_a_pickle_in_the_place_of_the_weights_is_not_run(copied, tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    (copied / WEIGHTS_FILE).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelError):
        ListingClassifier.load(copied)
    np.savez(copied / WEIGHTS_FILE, hashed=np.array([Trap()], dtype=object), languages=np.zeros(1))
    with pytest.raises(ModelError):
        ListingClassifier.load(copied)
    assert not (tmp_path / "sprung").exists()


def test_no_module_of_the_room_imports_what_loads_pickles():
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", [])] + [getattr(node, "module", None) or ""]
            assert not {name.split(".")[0] for name in names} & {"pickle", "joblib", "dill", "cloudpickle", "shelve"}


def test_the_shipped_files_are_small():
    assert all(path.stat().st_size < 1_400_000 for path in MODELS.iterdir())
