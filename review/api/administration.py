"""What an administrator's programs do: who has an account and who loses it, models, markets off, watches paused.

What gives rights or takes a person's judgement (new accounts, roles, approvals, a model put to use) is the desk's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from classifiers.registry import find_models
from markets.approval import NotApproved, revoke
from review.api.access import Administering, ApiDesk, Auditing
from review.api.fields import PlainText, RowId, Sent, Shown
from review.api.problems import Refusal
from review.api.sources import MarketName, WatchShown
from review.desk import NotThere
from review.model_figures import figures_of, model_in_use
from storage.model_uses import model_uses
from storage.tables import User, Watch
from storage.users import list_users, set_disabled
from storage.watches import pause_watch, resume_watch

router = APIRouter(tags=["administration"])
MOST_REASON = 500


class Account(Shown):
    id: int
    name: str
    role: str
    language: str
    disabled: bool
    has_second_factor: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Account:
        columns = {name: getattr(user, name) for name in ("id", "name", "role", "language", "disabled", "created_at")}
        return cls.model_validate({**columns, "has_second_factor": user.second_factor is not None})


class Accounts(Shown):
    items: list[Account]


class AccountState(Sent):
    state: Literal["open", "disabled"]


class ModelShown(Shown):
    """A model of this home by its card; what the card does not say is null."""

    name: str
    in_use: bool
    model: str = Field(description="Name and digest, as its assessments carry them.")
    decisions: int | None = Field(description="How many decisions taught it.")
    precision: list[float] | None = Field(description="Average precision on new decisions: value, low, high.")
    problem: str | None


class ModelUsed(Shown):
    """A model was put to use, or the one before it again."""

    name: str
    model: str
    replaces: str
    rolled_back: bool
    used_by: str
    used_at: datetime


class Models(Shown):
    items: list[ModelShown]
    uses: list[ModelUsed] = Field(description="Newest first.")


class RevocationSent(Sent):
    reason: PlainText = Field(min_length=1, max_length=MOST_REASON)


class Revoked(Shown):
    market: str
    approvals: int = Field(description="How many standing approvals ended.")


class WatchState(Sent):
    state: Literal["running", "paused"]


@router.get("/users")
def users(desk: ApiDesk, caller: Administering) -> Accounts:
    """Every account. That the list was read stands in the audit log."""
    with desk.writing() as session:
        caller.chain.record(session, actor=caller.user.name, action="viewed", object_kind="page", object_id="users")
        return Accounts(items=[Account.of(user) for user in list_users(session)])


@router.post("/users/{user_id}/state")
def open_or_disable(desk: ApiDesk, caller: Administering, user_id: RowId, sent: AccountState) -> Account:
    """Disable an account, which signs its owner out and ends no record, or open it again. Nobody changes their own."""
    with desk.writing() as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotThere(f"There is no user {user_id}.")
        if user.id == caller.user.id:
            raise Refusal(422, "own_account")
        disabled = sent.state == "disabled"
        if user.disabled != disabled:
            set_disabled(session, user, disabled)
            action = "user disabled" if disabled else "user enabled"
            caller.chain.record(session, actor=caller.user.name, action=action, object_kind="user", object_id=user.id)
        return Account.of(user)


@router.get("/models")
def models(desk: ApiDesk, caller: Auditing) -> Models:
    """The models of this home, which of them is in use, and when each was put to use."""
    with desk.database.reading() as session:
        in_use = model_in_use(desk.home, session)
        shown = [figures_of(model, in_use=model.name == in_use) for model in find_models(desk.home)]
        return Models.model_validate({"items": shown, "uses": model_uses(session)[::-1]})


@router.post("/markets/{name}/revocations", status_code=201)
def turn_off(desk: ApiDesk, caller: Administering, name: MarketName, sent: RevocationSent) -> Revoked:
    """Turn a market off: its standing approvals end, and no crawl of it starts."""
    with desk.writing() as session:
        try:
            ended = revoke(session, caller.chain, name, actor=caller.user.name, reason=sent.reason)
        except NotApproved as error:
            raise NotThere(f"There is no standing approval of {name}.") from error
    return Revoked(market=name, approvals=ended)


@router.post("/watches/{watch_id}/state")
def pause_or_resume(desk: ApiDesk, caller: Administering, watch_id: RowId, sent: WatchState) -> WatchShown:
    """Make no more crawls of a saved search, or go on with them."""
    act = pause_watch if sent.state == "paused" else resume_watch
    with desk.writing() as session:
        watch = session.get(Watch, watch_id)
        if watch is None or watch.removed_at is not None:
            raise NotThere(f"There is no watch {watch_id}.")
        return WatchShown.model_validate(act(session, watch.name, actor=caller.user.name, audit=caller.chain))
