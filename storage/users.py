"""People who may sign in: their roles, passwords, one-time codes and signed-in browsers.

Only hashes of passwords, codes and session tokens are kept, so that a copy of the database signs nobody in.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from zxcvbn import zxcvbn

from crawler.errors import RelicwatchError
from storage.tables import SignInCode, User, UserSession, utc_now

ROLES = ("viewer", "reviewer", "lead", "exporter", "admin", "auditor")
LANGUAGES = ("en", "fr", "ar")
MINIMUM_PASSWORD = 8
MAXIMUM_PASSWORD = 256
ADVISED_PASSWORD = 15
"""What the desk advises: long enough to need no rules of composition."""
EASY_GUESSES = 1_000_000
"""A password that so few guesses find falls to anyone who tries online; zxcvbn calls it "very guessable"."""
_LONGEST_GUESSED = 72
"""Characters that are looked at: more take too long, and what is longer is not guessed."""
MAXIMUM_NAME = 80
IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(hours=24)
SEEN_STEP = timedelta(minutes=1)
"""`last_seen_at` moves at most this often, so that reading pages does not mean a write each time."""

_passwords = PasswordHash((Argon2Hasher(),))


class UserError(RelicwatchError):
    """A user cannot be made or changed as asked: unknown role, taken name, unusable password."""


class EasyPassword(UserError):
    """The password stands in lists of breached and common ones, or is soon guessed from them or from the name."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: the token goes into the cookie and is kept nowhere."""

    user: User
    token: str
    expires_at: datetime


def create_user(session: Session, name: str, role: str, *, password: str | None = None, language: str = "en") -> User:
    """Add a user; without a password only a one-time code signs them in. Raises UserError."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name or len(name) > MAXIMUM_NAME or not name.isprintable():
        raise UserError(f"A user's name needs 1 to {MAXIMUM_NAME} visible characters: give another.")
    if role not in ROLES:
        raise UserError(f"There is no role {role!r}: use one of {', '.join(ROLES)}.")
    if language not in LANGUAGES:
        raise UserError(f"There is no language {language!r}: use one of {', '.join(LANGUAGES)}.")
    if find_user(session, name) is not None:
        raise UserError(f"There is already a user {name!r}: choose another name.")
    user = User(name=name, role=role, password_hash=None, language=language)
    if password is not None:
        user.password_hash = hash_password(password, name)
    session.add(user)
    session.flush()
    return user


def find_user(session: Session, name: str) -> User | None:
    return session.scalars(select(User).where(User.name == unicodedata.normalize("NFC", name).strip())).one_or_none()


def list_users(session: Session) -> list[User]:
    return list(session.scalars(select(User).order_by(User.name)))


def hash_password(password: str, name: str = "") -> str:
    """Argon2id hash. Raises UserError for a password too short or too long, EasyPassword for one soon guessed by
    whoever knows the common ones and the user's `name`; nothing else is demanded of it.

    The same letters typed on another keyboard must fit, so the text is brought to NFC first.
    """
    password = unicodedata.normalize("NFC", password)
    if len(password) < MINIMUM_PASSWORD:
        raise UserError(f"The password has fewer than {MINIMUM_PASSWORD} characters: choose a longer one.")
    if len(password) > MAXIMUM_PASSWORD:
        raise UserError(f"The password has more than {MAXIMUM_PASSWORD} characters: choose a shorter one.")
    if is_easy(password, name):
        raise EasyPassword("The password is a common one or is soon guessed: choose several words of your own.")
    return _passwords.hash(password)


def is_easy(password: str, name: str = "") -> bool:
    """Whether fewer than a million guesses find it: breached and common passwords, words, names, keyboard rows, years.

    Asked offline, of the lists that come with zxcvbn.
    """
    parts = re.findall(r"\w+", name)
    found = zxcvbn(password[:_LONGEST_GUESSED], ["relicwatch", name, "".join(parts), *parts])
    return int(found["guesses"]) < EASY_GUESSES


def set_password(session: Session, user: User, password: str) -> None:
    """Change the password and end every session of the user. Raises UserError for an unusable one."""
    user.password_hash = hash_password(password, user.name)
    end_sessions_of(session, user)


def set_disabled(session: Session, user: User, disabled: bool) -> None:
    """Disable or enable an account; disabling signs the user out everywhere."""
    user.disabled = disabled
    if disabled:
        end_sessions_of(session, user)


def set_role(session: Session, user: User, role: str) -> None:
    """Give another role and sign the user out everywhere. Raises UserError for an unknown one."""
    if role not in ROLES:
        raise UserError(f"There is no role {role!r}: use one of {', '.join(ROLES)}.")
    user.role = role
    end_sessions_of(session, user)


def password_matches(stored_hash: str | None, password: str) -> bool:
    """Whether the password fits; takes as long where there is nothing to compare with (unknown user, no password)."""
    password = unicodedata.normalize("NFC", password) if len(password) <= 2 * MAXIMUM_PASSWORD else ""
    if len(password) > MAXIMUM_PASSWORD:
        password = ""
    matches = _passwords.verify(password, stored_hash or _nobodys_hash())
    return matches and stored_hash is not None


@cache
def _nobodys_hash() -> str:
    return _passwords.hash(secrets.token_urlsafe())


# -- one-time codes ---------------------------------------------------------------------------------------------


def make_sign_in_code(session: Session, user: User, minutes: int) -> str:
    """A code that signs this user in once within `minutes`. Shown once, kept as a hash."""
    code = secrets.token_urlsafe(24)
    session.add(
        SignInCode(user_id=user.id, code_sha256=_digest(code), expires_at=utc_now() + timedelta(minutes=minutes))
    )
    session.flush()
    return code


def use_sign_in_code(session: Session, code: str) -> User | None:
    """The code's user, at most once; None for an unknown, used or expired code or a disabled user."""
    now = utc_now()
    used = session.execute(
        update(SignInCode)
        .where(SignInCode.code_sha256 == _digest(code), SignInCode.used_at.is_(None), SignInCode.expires_at > now)
        .values(used_at=now)
        .returning(SignInCode.user_id)
    ).one_or_none()
    if used is None:
        return None
    user = session.get_one(User, used.user_id)
    return None if user.disabled else user


# -- sessions ---------------------------------------------------------------------------------------------------


def open_session(session: Session, user: User) -> SignedIn:
    """Sign a browser in: a new token each time, for at most `ABSOLUTE`."""
    token = secrets.token_urlsafe(32)
    now = utc_now()
    row = UserSession(
        user_id=user.id,
        token_sha256=_digest(token),
        csrf_token=secrets.token_urlsafe(32),
        created_at=now,
        last_seen_at=now,
        expires_at=now + ABSOLUTE,
    )
    session.add(row)
    session.flush()
    return SignedIn(user, token, row.expires_at)


def find_session(session: Session, token: str) -> tuple[UserSession, User] | None:
    """The session and user of a cookie, or None: unknown, ended, idle too long, too old, or the user is disabled."""
    row = session.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.token_sha256 == _digest(token))
    ).one_or_none()
    if row is None:
        return None
    found, user = row
    now = utc_now()
    if found.ended_at is not None or user.disabled or now >= found.expires_at or now - found.last_seen_at >= IDLE:
        return None
    return found, user


def is_to_be_noted(session: UserSession) -> bool:
    """Whether it was so long ago that the session was noted as used that it is time again."""
    return utc_now() - session.last_seen_at >= SEEN_STEP


def note_seen(session: Session, token: str) -> None:
    """Keep a session from going idle: its browser asked for a page now."""
    own = update(UserSession).where(UserSession.token_sha256 == _digest(token), UserSession.ended_at.is_(None))
    session.execute(own.values(last_seen_at=utc_now()))


def end_session(session: Session, token: str) -> None:
    _end(session, UserSession.token_sha256 == _digest(token))


def end_sessions_of(session: Session, user: User) -> None:
    _end(session, UserSession.user_id == user.id)


def _end(session: Session, which: object) -> None:
    session.execute(
        update(UserSession).where(which, UserSession.ended_at.is_(None)).values(ended_at=utc_now())  # type: ignore[arg-type]
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
