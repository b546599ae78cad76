"""Which models there are and which one is in use: a directory each in the home, and the shipped one, always there."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.listing import MODELS, ListingClassifier
from classifiers.own_terms import own_digest, with_own_terms
from classifiers.weights import CARD_FILE, METADATA_FILE, ModelError, Weights
from crawler.errors import RelicwatchError
from crawler.home import Home

SHIPPED = "shipped"
IN_USE = "in_use.json"
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


class RegistryError(RelicwatchError):
    """There is no such model, or its name cannot be one."""


class WorseModel(RegistryError):
    """The model did worse than the one in use, on decisions that taught neither."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model on disk. `problem` says why it cannot be used, where it cannot."""

    name: str
    directory: Path
    model: str
    card: dict[str, Any]  # JSON for people
    problem: str | None = None


def model_directory(home: Home, name: str) -> Path:
    """Where the model of this name lies or would lie. Raises RegistryError for what is no name."""
    if name == SHIPPED:
        return MODELS
    if not NAME.fullmatch(name) or name == IN_USE:
        raise RegistryError(f"{name!r} is no name for a model: use letters a-z, digits, - _ and ., like 2026-11.")
    return home.models / name


def require_model(home: Home, name: str) -> Path:
    """The directory of a model that is there. Raises RegistryError."""
    directory = model_directory(home, name)
    if not (directory / METADATA_FILE).exists():
        there = ", ".join(model_names(home))
        raise RegistryError(f"There is no model {name!r} in {home.models}: there are {there}.")
    return directory


def model_names(home: Home) -> list[str]:
    """The shipped model, then the user's by name."""
    if not home.models.is_dir():
        return [SHIPPED]
    own = sorted(path.parent.name for path in home.models.glob(f"*/{METADATA_FILE}"))
    return [SHIPPED, *(name for name in own if NAME.fullmatch(name))]


def find_models(home: Home) -> list[Model]:
    """Every model with its card; a damaged one with its problem."""
    return [_look_at(home, name) for name in model_names(home)]


def model_cards(home: Home) -> dict[str, Any]:
    """The cards by model, as assessments name it: models of the home and the one that ships."""
    return {model.model: model.card for model in find_models(home) if model.problem is None}


def _look_at(home: Home, name: str) -> Model:
    directory = model_directory(home, name)
    try:
        weights = Weights.load(directory)
        card = read_card(directory)
        ListingClassifier(weights)
    except RelicwatchError as error:
        return Model(name, directory, "", {}, str(error))
    return Model(name, directory, f"{weights.name}:{weights.digest[:12]}", card)


def read_card(directory: Path) -> dict[str, Any]:  # JSON for people
    """The model card; empty where there is none. Raises ModelError where it is damaged."""
    path = directory / CARD_FILE
    if not path.exists():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"The model card {path} cannot be read ({error}): train the model again.") from error
    return card if isinstance(card, dict) else {}


def require_no_worse(home: Home, name: str, in_use: str) -> None:
    """Raises WorseModel where the card of model `name` says that it did worse than the model `in_use`.

    Where its card compares it with another model, or with none, nothing is known and nothing is raised.
    """
    directory = require_model(home, name)
    card = read_card(directory)
    validation = card.get("validation")
    said = str(validation.get("better", "")) if isinstance(validation, dict) else ""
    if said.startswith("worse") and card.get("compared_with") == load_classifier(home, in_use).model:
        raise WorseModel(
            f"{name} did worse than the model in use, on decisions held out from both ({said}): look at its card"
            f" ({directory / CARD_FILE}), and add --although-worse to use it all the same."
        )


def name_in_use(home: Home) -> str:
    """The name of the model in use: the shipped one where none was chosen. Raises RegistryError."""
    path = home.models / IN_USE
    try:
        chosen = json.loads(path.read_text(encoding="utf-8"))["name"]
    except FileNotFoundError:
        return SHIPPED
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RegistryError(f"{path} cannot be read ({error!r}): choose again with `relicwatch models use`.") from error
    if not isinstance(chosen, str):
        raise RegistryError(f"{path} names no model: choose again with `relicwatch models use`.")
    return chosen


def put_in_use(home: Home, name: str) -> None:
    """Make `name` the model in use from the next process on. The caller keeps the history. Raises RegistryError."""
    require_model(home, name)
    draft = home.models / f"{IN_USE}.new"
    try:
        home.models.mkdir(mode=0o700, parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            json.dump({"name": name}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(home.models / IN_USE)
    except OSError as error:
        raise RegistryError(f"{home.models / IN_USE} cannot be written: {error.strerror}.") from error


def add_model(home: Home, name: str, save: Callable[[Path], None]) -> Path:
    """The directory of a new model that `save` writes: there whole or not at all, whatever ends this process.

    Raises RegistryError where there is a model of that name, or the disk refuses.
    """
    directory = model_directory(home, name)
    draft = home.models / f".{name}.{uuid.uuid4().hex}"
    try:
        draft.mkdir(mode=0o700, parents=True)
        save(draft)
        draft.rename(directory)
    except OSError as error:
        if directory.is_dir() and any(directory.iterdir()):
            raise RegistryError(f"There is a model {name!r} already: choose another name with --name.") from error
        raise RegistryError(f"The model cannot be kept in {directory}: {error.strerror}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return directory


def judged_by(home: Home) -> tuple[str, str]:
    """What judges listings now: the model in use and a digest of the unit's own terms. Raises RegistryError."""
    return name_in_use(home), own_digest(home.terms)


def load_classifier(home: Home, name: str | None = None) -> ListingClassifier:
    """The model of this name, or the one in use, with the unit's own terms. Raises ModelError, RegistryError."""
    name = name or name_in_use(home)
    directory = require_model(home, name)
    try:
        return with_own_terms(Weights.load(directory), [home.terms], home.root)
    except ModelError as error:
        if name == SHIPPED:
            raise
        raise ModelError(f"{error} Until then: relicwatch models use {SHIPPED}.") from error
