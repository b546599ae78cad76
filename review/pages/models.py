"""Models compared, put to use and rolled back; registers and own terms as they stand.

The switch is written into the history and a job is queued: the job puts to use what the history says, and judges stored
listings anew (`learning.follow_history`).
"""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from classifiers.registry import (
    RegistryError,
    WorseModel,
    find_models,
    load_classifier,
    model_names,
    require_no_worse,
)
from review.desk import Administrator, Auditor, Desk, DeskOf, Form, NotThere, go_to, word
from review.model_figures import figures_of, model_in_use
from storage.jobs import insert_job
from storage.model_uses import NothingBefore, model_before, model_uses, record_use
from storage.registers import list_registers

router = APIRouter()


@router.get("/administration/models")
def models_page(request: Request, desk: DeskOf, visitor: Auditor) -> Response:
    return _page(request, desk)


@router.post("/administration/models")
def use_model(request: Request, desk: DeskOf, visitor: Administrator, form: Form) -> Response:
    """Put a model to use, or with `back` the one that was in use before."""
    back = word(form, "back") == "1"
    name = word(form, "name")
    try:
        with desk.writing() as session:
            name = model_before(session) if back else name
            if name not in model_names(desk.home):
                raise NotThere(f"There is no model {name!r}.")
            before = model_in_use(desk.home, session)
            if name != before:
                if not back and word(form, "although_worse") != "1" and before in model_names(desk.home):
                    require_no_worse(desk.home, name, before)
                _switch(desk, session, name, actor=visitor.user.name, back=back)
    except NothingBefore:
        return _page(request, desk, refused="model_nothing_before")
    except WorseModel:
        return _page(request, desk, refused="model_worse", worse=name)
    except RegistryError:
        return _page(request, desk, refused="model_refused")
    return go_to("/administration/models")


def _switch(desk: Desk, session: Session, name: str, *, actor: str, back: bool) -> None:
    model = load_classifier(desk.home, name).model  # refuses what cannot be loaded
    replaces = model_in_use(desk.home, session)
    record_use(session, desk.chain, name=name, model=model, replaces=replaces, actor=actor, rolled_back=back)
    insert_job(session, "rescore", {"model": name}, f"rescore:{uuid.uuid4()}")


def _page(request: Request, desk: Desk, *, refused: str = "", worse: str = "") -> Response:
    """`worse` is the model to ask about once more."""
    with desk.reading() as session:
        in_use, uses, registers = model_in_use(desk.home, session), model_uses(session), list_registers(session)
    return desk.page(
        request,
        "models.html",
        status=422 if refused else 200,
        models=[figures_of(model, in_use=model.name == in_use) for model in find_models(desk.home)],
        uses=list(reversed(uses)),
        registers=registers,
        terms=sorted(path.name for path in desk.home.terms.glob("*.yaml")),
        refused=refused,
        worse=worse,
    )
