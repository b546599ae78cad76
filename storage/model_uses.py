"""The history of models in use: who put which one to use and when, and which one a step back leads to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.tables import ModelUse


class NothingBefore(RelicwatchError):
    """There is no model to go back to."""


def record_use(
    session: Session, chain: AuditChain, *, name: str, model: str, replaces: str, actor: str, rolled_back: bool = False
) -> ModelUse:
    """Keep in the caller's transaction that `name` is in use from now on, with its audit event."""
    use = ModelUse(name=name, model=model, replaces=replaces, rolled_back=rolled_back, used_by=actor)
    session.add(use)
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="model rolled back" if rolled_back else "model put to use",
        object_kind="model",
        object_id=name,
        details={"model": model, "replaces": replaces},
    )
    return use


def model_uses(session: Session) -> list[ModelUse]:
    """Every change of the model in use, oldest first."""
    return list(session.scalars(select(ModelUse).order_by(ModelUse.id)))


def last_use(session: Session) -> ModelUse | None:
    """The newest change of the model in use; None where the shipped one always was."""
    return session.scalars(select(ModelUse).order_by(ModelUse.id.desc()).limit(1)).first()


def model_before(session: Session) -> str:
    """The name that a step back leads to: each step undoes one use that no step has undone. Raises NothingBefore."""
    standing: list[ModelUse] = []
    for use in model_uses(session):
        if not use.rolled_back:
            standing.append(use)
        elif standing:
            standing.pop()
    if not standing:
        raise NothingBefore("No model was in use before this one: `relicwatch models list` shows those there are.")
    return standing[-1].replaces
