"""What a model's card says of it, as the desk compares models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from classifiers.registry import SHIPPED, Model, RegistryError, name_in_use
from crawler.home import Home
from storage.model_uses import last_use


@dataclass(frozen=True, slots=True)
class Figures:
    """One row of the comparison; None where the card does not say."""

    name: str
    in_use: bool
    model: str
    decisions: int | None
    """How many decisions taught it."""
    precision: tuple[float, float, float] | None
    """Average precision on decisions that taught nothing: value and its interval."""
    problem: str | None


def model_in_use(home: Home, session: Session) -> str:
    """By the history, which a job that still waits follows; by the file where there is no history."""
    last = last_use(session)
    if last is not None:
        return last.name
    try:
        return name_in_use(home)
    except RegistryError:
        return SHIPPED


def figures_of(model: Model, *, in_use: bool) -> Figures:
    """The figures of a model by its card."""
    taught = _part(model.card, "decisions").get("taught")
    found = _part(_part(_part(_part(model.card, "validation"), "new"), "all"), "average_precision")
    values = [found.get(name) for name in ("value", "low", "high")]
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    precision = (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 else None
    decisions = taught if isinstance(taught, int) else None
    return Figures(model.name, in_use, model.model, decisions, precision, model.problem)


def _part(card: dict[str, Any], name: str) -> dict[str, Any]:
    part = card.get(name)
    return part if isinstance(part, dict) else {}
