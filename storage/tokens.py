"""Tokens by which people's programs use the API: scoped, expiring, shown once and kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.purposes import TRIAGE, checked_purpose
from storage.tables import ApiToken, User, utc_now

SCOPES = ("read", "decide", "cases", "export", "audit", "administer")
"""The rights of roles by name: a token may use those of its scopes that its owner's role has."""
PREFIX = "rwt_"
"""So that a token that stands where it should not is known for what it is."""
MAXIMUM_NAME = 80
DEFAULT_DAYS = 90
MAXIMUM_DAYS = 366
USED_STEP = timedelta(minutes=1)
"""`last_used_at` moves at most this often, so that reading does not mean a write each time."""


class TokenRefused(RelicwatchError):
    """A token cannot be made or revoked as asked; `key` names the reason for those who word it in other languages."""

    def __init__(self, text: str, key: str) -> None:
        super().__init__(text)
        self.key = key


@dataclass(frozen=True, slots=True)
class NewToken:
    """A fresh token: `secret` is shown once and kept nowhere."""

    row: ApiToken
    secret: str


def create_token(
    session: Session,
    chain: AuditChain,
    *,
    user: User,
    name: str,
    scopes: Collection[str],
    days: int = DEFAULT_DAYS,
    purpose: str = TRIAGE,
    actor: str,
) -> NewToken:
    """Make a token that ends after `days`. Raises TokenRefused, PurposeRefused."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name or len(name) > MAXIMUM_NAME or not name.isprintable():
        raise TokenRefused(f"A token needs a name of 1 to {MAXIMUM_NAME} visible characters.", "name")
    if not scopes or set(scopes) - set(SCOPES):
        raise TokenRefused(f"A token needs scopes of {', '.join(SCOPES)}.", "scopes")
    if not 1 <= days <= MAXIMUM_DAYS:
        raise TokenRefused(f"A token lasts 1 to {MAXIMUM_DAYS} days.", "days")
    if user.disabled:
        raise TokenRefused(f"The account of {user.name} is disabled.", "disabled")
    secret = PREFIX + secrets.token_urlsafe(32)
    now = utc_now()
    row = ApiToken(
        user_id=user.id,
        name=name,
        token_sha256=_digest(secret),
        hint=secret[: len(PREFIX) + 4],
        scopes=[scope for scope in SCOPES if scope in scopes],
        purpose=checked_purpose(session, purpose),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    details = {"owner": user.id, "scopes": row.scopes, "days": days}
    chain.record(session, actor=actor, action="API token made", object_kind="token", object_id=row.id, details=details)
    return NewToken(row, secret)


def find_token(session: Session, secret: str) -> tuple[ApiToken, User] | None:
    """The token and its owner, or None: unknown, revoked, expired, or the owner's account is disabled."""
    row = session.execute(
        select(ApiToken, User).join(User, User.id == ApiToken.user_id).where(ApiToken.token_sha256 == _digest(secret))
    ).one_or_none()
    if row is None:
        return None
    token, user = row
    return None if token.revoked_at is not None or user.disabled or utc_now() >= token.expires_at else (token, user)


def is_use_to_note(token: ApiToken) -> bool:
    """Whether its last use was noted so long ago that this one should be."""
    return token.last_used_at is None or utc_now() - token.last_used_at >= USED_STEP


def note_use(session: Session, token_id: int) -> None:
    session.get_one(ApiToken, token_id).last_used_at = utc_now()


def list_tokens(session: Session, user: User | None = None) -> list[tuple[ApiToken, User]]:
    """A person's tokens, or everybody's, with their owners; newest first."""
    statement = select(ApiToken, User).join(User, User.id == ApiToken.user_id).order_by(ApiToken.id.desc())
    if user is not None:
        statement = statement.where(ApiToken.user_id == user.id)
    return [(token, owner) for token, owner in session.execute(statement)]


def state_of(token: ApiToken) -> str:
    """stands, expired or revoked."""
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if utc_now() >= token.expires_at else "stands"


def revoke_token(
    session: Session, chain: AuditChain, token_id: int, *, actor: str, only_of: User | None = None
) -> ApiToken:
    """End a token at once; with `only_of` only one of that person's. Raises TokenRefused where it is not there."""
    token = session.get(ApiToken, token_id)
    if token is None or (only_of is not None and token.user_id != only_of.id):
        raise TokenRefused(f"There is no token {token_id}: `relicwatch tokens list` shows those there are.", "none")
    if token.revoked_at is None:
        token.revoked_at, token.revoked_by = utc_now(), actor
        details = {"owner": token.user_id}
        chain.record(
            session, actor=actor, action="API token revoked", object_kind="token", object_id=token.id, details=details
        )
    return token


def revoke_tokens_of(session: Session, chain: AuditChain, user: User, *, actor: str) -> None:
    """End all tokens of a person: who changes a password may fear that another person knows more than that."""
    for token, _ in list_tokens(session, user):
        if state_of(token) == "stands":
            revoke_token(session, chain, token.id, actor=actor)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
