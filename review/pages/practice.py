"""The practice queue: make-believe offers with known answers. Decide, then read what the expert says and why.

What is answered here is kept in tables of its own: no decision, no figure, no lesson for the model.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from classifiers.answers.meanings import Meaning, meaning
from demo.practice import PracticeItem, practice_item, practice_items, practice_picture
from review.country_names import country_name
from review.desk import Desk, DeskOf, Form, NotThere, Reader, Visitor, go_to, row_id, word
from review.pages.files import SANDBOX
from storage.practice import (
    PracticeError,
    answers_of,
    begin_round,
    finish_round,
    keep_answer,
    last_finished,
    open_round,
    time_taken,
)
from storage.tables import PracticeAnswer, PracticeRound

router = APIRouter()
NOTHING_SENT = {"verdict": "", "next_step": "", "reason": ""}


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer beside the expert's."""

    item: PracticeItem
    given: PracticeAnswer

    @property
    def verdict_fits(self) -> bool:
        return self.given.verdict == self.item.verdict

    @property
    def step_fits(self) -> bool:
        return self.given.next_step in self.item.steps

    @property
    def reason_fits(self) -> bool:
        return self.given.reason == self.item.reason if self.given.next_step == "dismiss" else True

    @property
    def all_fits(self) -> bool:
        return self.verdict_fits and self.step_fits and self.reason_fits


@router.get("/practice")
def practice_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    items = practice_items()
    with desk.reading() as session:
        current = open_round(session, visitor.user)
        answered = len(answers_of(session, current.id)) if current else 0
        before = last_finished(session, visitor.user)
        score = _score(session, before) if before else None
    return desk.page(
        request, "practice.html", count=len(items), current=current, answered=answered, before=before, score=score
    )


@router.post("/practice")
def begin(desk: DeskOf, visitor: Reader, form: Form) -> Response:
    with desk.writing() as session:
        begin_round(session, visitor.user)
    return go_to(f"/practice/{practice_items()[0].id}")


@router.get("/practice/next")
def next_item(desk: DeskOf, visitor: Reader) -> Response:
    """To the first item without an answer, or to the result once there is none."""
    with desk.writing() as session:
        round_ = _open(session, visitor)
        answered = answers_of(session, round_.id)
        for item in practice_items():
            if item.id not in answered:
                return go_to(f"/practice/{item.id}")
        finish_round(session, round_)
        return go_to(f"/practice/result/{round_.id}")


@router.get("/practice/result/{round_id}")
def result_page(request: Request, desk: DeskOf, visitor: Reader, round_id: str) -> Response:
    with desk.reading() as session:
        round_ = session.get(PracticeRound, row_id(round_id) or 0)
        if round_ is None or round_.user_id != visitor.user.id:
            raise NotThere(f"There is no practice round {round_id} of yours.")
        marked = _marked(session, round_)
        seconds = round(time_taken(round_).total_seconds())
    return desk.page(
        request,
        "practice_result.html",
        marked=marked,
        seconds=seconds,
        score=_counted(marked),
        language=desk.words(request).language,
    )


@router.get("/practice/pictures/{name}.jpg")
def picture(visitor: Reader, name: str) -> Response:
    headers = {**SANDBOX, "cache-control": "private, max-age=86400"}
    return Response(practice_picture(_item(name)), headers=headers, media_type="image/jpeg")


@router.get("/practice/{name}")
def item_page(request: Request, desk: DeskOf, visitor: Reader, name: str) -> Response:
    return _page(request, desk, visitor, _item(name))


@router.post("/practice/{name}")
def answer(request: Request, desk: DeskOf, visitor: Reader, form: Form, name: str) -> Response:
    item = _item(name)
    sent = {field: word(form, field) for field in NOTHING_SENT}
    try:
        with desk.writing() as session:
            round_ = _open(session, visitor)
            keep_answer(session, round_, item.id, sent["verdict"], sent["next_step"], sent["reason"] or None)
    except PracticeError:
        return _page(request, desk, visitor, item, sent=sent, refused=True)
    return go_to(f"/practice/{item.id}")


def _page(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    item: PracticeItem,
    *,
    sent: dict[str, str] | None = None,
    refused: bool = False,
) -> Response:
    language = desk.words(request).language
    with desk.reading() as session:
        round_ = open_round(session, visitor.user)
        answered = answers_of(session, round_.id) if round_ else {}
    given = answered.get(item.id)
    return desk.page(
        request,
        "practice_item.html",
        status=422 if refused else 200,
        item=item,
        told=item.told[language],
        ships_from=country_name(desk.home, item.ships_from, language),
        marked=Marked(item, given) if given else None,
        step_names=[desk.words(request)(f"step_{step}") for step in item.steps],
        red_list=_meaning("red_lists", item.red_list, language),
        type_=_meaning("types", item.type, language),
        is_open=round_ is not None,
        place=practice_items().index(item) + 1,
        count=len(practice_items()),
        answered=len(answered),
        sent=sent or NOTHING_SENT,
        refused=refused,
    )


def _item(name: str) -> PracticeItem:
    item = practice_item(name)
    if item is None:
        raise NotThere(f"There is no practice item {name!r}.")
    return item


def _open(session: Session, visitor: Visitor) -> PracticeRound:
    return open_round(session, visitor.user) or begin_round(session, visitor.user)


def _meaning(kind: str, id_: str | None, language: str) -> Meaning | None:
    return meaning(kind, id_, language) if id_ else None


def _marked(session: Session, round_: PracticeRound) -> list[Marked]:
    given = answers_of(session, round_.id)
    return [Marked(item, given[item.id]) for item in practice_items() if item.id in given]


def _counted(marked: list[Marked]) -> dict[str, int]:
    return {
        "answered": len(marked),
        "verdicts": sum(one.verdict_fits for one in marked),
        "steps": sum(one.step_fits and one.reason_fits for one in marked),
        "all": sum(one.all_fits for one in marked),
    }


def _score(session: Session, round_: PracticeRound) -> dict[str, int]:
    return _counted(_marked(session, round_))
