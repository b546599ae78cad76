"""A second factor at sign-in: codes of a generator (RFC 6238) and recovery codes, each taken once.

The generator's secret has to be kept as it is, so it is sealed with a key from a file of the home (mode 0600): a copy
of the database alone makes no codes.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from crawler.home import Home
from storage.tables import RecoveryCode, User, utc_now

KEY_FILE = "second-factor.key"
STEP_SECONDS = 30
STEPS_OFF = 1
"""A code of the step before or after is taken too: clocks differ."""
RECOVERY_CODES = 10


class SecondFactorError(RelicwatchError):
    """The second factor cannot be set up or asked: a wrong first code, or the key file is missing or another one."""


def new_secret() -> str:
    """A secret for a code generator, in base 32."""
    return pyotp.random_base32()


def address_for_generator(secret: str, name: str) -> str:
    """The otpauth:// address that code generators take."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="relicwatch")


def set_up(session: Session, home: Home, user: User, secret: str, code: str) -> list[str]:
    """Ask for a second factor from now on; gives the recovery codes, which are shown once.

    Raises SecondFactorError where the code is not the generator's: it would lock its owner out.
    """
    step = _step_of(secret, code, after=0)
    if step is None:
        raise SecondFactorError("This is not the code that the generator shows now.")
    user.second_factor = _key(home).encrypt(secret.encode()).decode()
    user.second_factor_step = step
    return renew_recovery_codes(session, user)


def renew_recovery_codes(session: Session, user: User) -> list[str]:
    """New recovery codes; those made before are worth nothing."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user.id, code_sha256=_digest(code)) for code in codes)
    session.flush()
    return codes


def remove(session: Session, user: User) -> None:
    """Ask for no second factor any more."""
    user.second_factor, user.second_factor_step = None, 0
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def recovery_codes_left(session: Session, user: User) -> int:
    unused = (RecoveryCode.user_id == user.id) & RecoveryCode.used_at.is_(None)
    return session.scalar(select(func.count()).select_from(RecoveryCode).where(unused)) or 0


def passes(session: Session, home: Home, user: User, code: str) -> bool:
    """Whether this code lets the user in; it is used up by that. Users without a second factor need none.

    Raises SecondFactorError where the secret cannot be read: nobody is let in without it.
    """
    if user.second_factor is None:
        return True
    code = "".join(code.split()).lower()
    step = _step_of(_secret(home, user), code, after=user.second_factor_step)
    if step is not None:
        # Moved by a condition, so that of two browsers with the same code one gets in.
        moved = session.execute(
            update(User)
            .where(User.id == user.id, User.second_factor_step < step)
            .values(second_factor_step=step)
            .returning(User.id)
        )
        return moved.one_or_none() is not None
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user.id, RecoveryCode.code_sha256 == _digest(code), RecoveryCode.used_at.is_(None)
        )
        .values(used_at=utc_now())
        .returning(RecoveryCode.id)
    )
    return used.one_or_none() is not None


def _step_of(secret: str, code: str, *, after: int) -> int | None:
    """The time step whose code this is, later than `after`; None where it is none of about now."""
    code = _digits(code)
    now = int(utc_now().timestamp()) // STEP_SECONDS
    generator = pyotp.TOTP(secret)
    found = None
    for step in range(now - STEPS_OFF, now + STEPS_OFF + 1):
        if secrets.compare_digest(generator.at(step * STEP_SECONDS).encode(), code.encode()) and step > after:
            found = step
    return found


def _digits(code: str) -> str:
    """The code in ASCII digits: an Arabic keyboard may give Arabic-Indic ones."""
    return "".join(str(int(letter)) if letter.isdecimal() else letter for letter in "".join(code.split()))


def _secret(home: Home, user: User) -> str:
    try:
        return _key(home, make=False).decrypt((user.second_factor or "").encode()).decode()
    except InvalidToken:
        raise SecondFactorError(
            f"The second factor of user {user.id} was sealed with another key than {home.keys / KEY_FILE}: put the "
            "right file back, or take the second factor away with `relicwatch users second-factor NAME --remove`."
        ) from None


def _key(home: Home, *, make: bool = True) -> Fernet:
    path = home.keys / KEY_FILE
    if make and not path.exists():
        _write_key(path)
    try:
        return Fernet(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SecondFactorError(f"The key of second factors cannot be read from {path} ({error}).") from error


def _write_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # whoever comes second keeps the first one's key
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
