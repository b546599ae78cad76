"""Who calls: the token's owner, bounded by the token's scopes and the owner's role; and what for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy.orm import Session

from review.api.limits import Limits
from review.api.problems import Refusal, words_for
from review.desk import RIGHTS, Desk, desk_of
from review.words import Words
from storage.audit import AuditChain
from storage.purposes import PurposeRefused, checked_purpose
from storage.tables import ApiToken, User
from storage.tokens import find_token, is_use_to_note, note_use

PURPOSE = "relicwatch-purpose"
"""The header that names what a call is for; without it the token's own purpose counts."""

bearer = HTTPBearer(auto_error=False, bearerFormat="rwt_…", description="A token of the desk's page /tokens.")


@dataclass(frozen=True, slots=True)
class Caller:
    """The person whose program calls."""

    user: User
    token: ApiToken
    chain: AuditChain
    """Notes token and purpose with each entry; to be written to within `Desk.writing`."""
    words: Words
    limits: Limits

    def spend(self, cost: float) -> None:
        """Count this call as so many more. Raises Refusal (429)."""
        _within(self.limits.calls.spend(f"token {self.token.id}", cost))


def caller_of(
    request: Request,
    wanted: SecurityScopes,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> Caller:
    """The caller, if token and role allow all `wanted` rights. Raises Refusal: 401, 403, 422 or 429."""
    desk, limits = desk_of(request), limits_of(request)
    source = f"source {request.client.host if request.client else ''}"
    if given is None:
        _within(limits.refused.spend(source))
        raise Refusal(401, "token_missing", headers={"www-authenticate": 'Bearer realm="relicwatch"'})
    _within(limits.refused.wait(source))
    with desk.database.reading() as session:
        found = find_token(session, given.credentials)
    if found is None:
        _within(limits.refused.spend(source))
        with desk.writing() as session:
            desk.chain.record(
                session, actor="unknown", action="API token refused", object_kind="token", object_id="unknown"
            )
        challenge = 'Bearer realm="relicwatch", error="invalid_token"'
        raise Refusal(401, "token_refused", headers={"www-authenticate": challenge})
    token, user = found
    _within(limits.calls.spend(f"token {token.id}"))
    with desk.database.reading() as session:
        purpose = _purpose(session, request.headers.get(PURPOSE), token)
    caller = Caller(user, token, desk.chain.noting(purpose=purpose, token=token.id), words_for(request), limits)
    require(request, desk, caller, wanted.scopes)
    if is_use_to_note(token):
        with desk.writing() as session:
            note_use(session, token.id)
    return caller


def _purpose(session: Session, named: str | None, token: ApiToken) -> str:
    if named is None:
        return token.purpose
    try:
        return checked_purpose(session, named)
    except PurposeRefused as error:
        raise Refusal(422, "purpose") from error


def require(request: Request, desk: Desk, caller: Caller, rights: list[str]) -> None:
    """Refuse, on record, what the token's scopes or the owner's role do not allow. Raises Refusal."""
    for right in rights:
        in_role = right in RIGHTS.get(caller.user.role, frozenset())
        if in_role and right in caller.token.scopes:
            continue
        with desk.writing() as session:
            caller.chain.record(
                session,
                actor=caller.user.name,
                action="refused",
                object_kind="page",
                object_id=f"{request.method} {request.url.path}",
            )
        challenge = f'Bearer realm="relicwatch", error="insufficient_scope", scope="{right}"'
        key = "scope" if in_role else "role"
        raise Refusal(403, key, headers={"www-authenticate": challenge}, right=right)


def limits_of(request: Request) -> Limits:
    limits: Limits = request.app.state.limits
    return limits


def _within(seconds: int) -> None:
    if seconds:
        raise Refusal(429, "too_often", headers={"retry-after": str(seconds)}, seconds=seconds)


ApiDesk = Annotated[Desk, Depends(desk_of)]
"""The desk as it is for nobody in particular: cookies count for nothing here."""
AnyCaller = Annotated[Caller, Security(caller_of)]
Reading = Annotated[Caller, Security(caller_of, scopes=["read"])]
Deciding = Annotated[Caller, Security(caller_of, scopes=["decide"])]
CaseKeeping = Annotated[Caller, Security(caller_of, scopes=["cases"])]
Exporting = Annotated[Caller, Security(caller_of, scopes=["export"])]
Auditing = Annotated[Caller, Security(caller_of, scopes=["audit"])]
Administering = Annotated[Caller, Security(caller_of, scopes=["administer"])]
