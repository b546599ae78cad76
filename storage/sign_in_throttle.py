"""How often a sign-in may fail: counted for each account and source, so that no stranger locks a colleague out."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from storage.tables import SignInFailure, utc_now

COUNTED = timedelta(minutes=15)
MOST_OF_PAIR = 5
"""Failures of one account from one source; another source of the same account is not held up by them."""
MOST_OF_SOURCE = 30
"""Failures of one source, whatever names it tries."""
MOST_OF_ACCOUNT = 100
"""Failures of one account from everywhere: guessing that is spread over many sources."""


def note_failure(session: Session, name: str, source: str) -> None:
    """Count a refused sign-in, and forget those that no longer count."""
    now = utc_now()
    session.execute(delete(SignInFailure).where(SignInFailure.at <= now - COUNTED))
    session.add(SignInFailure(at=now, account=_account(name), source=_digest(source)))
    session.flush()


def wait_until(session: Session, name: str, source: str) -> datetime | None:
    """When this account may be tried again from this source; None where it may be now."""
    now = utc_now()
    counts = SignInFailure.at > now - COUNTED
    of_account, of_source = SignInFailure.account == _account(name), SignInFailure.source == _digest(source)
    for which, most in (
        (of_account & of_source, MOST_OF_PAIR),
        (of_source, MOST_OF_SOURCE),
        (of_account, MOST_OF_ACCOUNT),
    ):
        newest = select(SignInFailure.at).where(counts, which).order_by(SignInFailure.at.desc()).limit(most).subquery()
        number, oldest = session.execute(select(func.count(), func.min(newest.c.at)).select_from(newest)).one()
        if number >= most:
            return _aware(oldest) + COUNTED
    return None


def forget_failures(session: Session, name: str, source: str) -> None:
    """After a sign-in that succeeded: the failures of this account from this source count no longer."""
    session.execute(
        delete(SignInFailure).where(SignInFailure.account == _account(name), SignInFailure.source == _digest(source))
    )


def _account(name: str) -> str:
    return _digest(unicodedata.normalize("NFC", name).strip())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _aware(moment: datetime | None) -> datetime:
    assert moment is not None  # counted rows have a time
    return moment
