"""Where a person is told of alerts and alarms outside the desk: an address for e-mail, a webhook, and how often."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crawler.egress import Guard
from crawler.errors import RelicwatchError
from crawler.home import Home
from storage.audit import AuditChain
from storage.deliveries import follow_rhythm, new_delivery
from storage.rhythms import RHYTHMS
from storage.tables import Delivery, NoticeSettings, User, utc_now

KEY_FILE = "webhook.key"
CONFIRM_WITHIN = timedelta(days=2)
MOST_CONFIRMATIONS = 5
"""So many questions go out for one person within that time: the desk is no means to fill a stranger's mailbox."""
_MOST_ADDRESS = 254
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*", re.I)


class SettingsRefused(RelicwatchError):
    """An address or a webhook is none that could be written to, or was not confirmed; `key` names it for the desk."""

    def __init__(self, text: str, key: str = "email_refused") -> None:
        super().__init__(text)
        self.key = key


def mail_is_set() -> bool:
    """Whether this process was told of a mail server (`alerts/mail_settings.py` reads what)."""
    return bool(os.environ.get("RELICWATCH_SMTP_HOST"))


def written_to(settings: NoticeSettings) -> str | None:
    """The address that may be told of hits and alarms; None while nobody has confirmed it."""
    return settings.email if settings.email_confirmed_at is not None else None


def settings_of(session: Session, user_id: int) -> NoticeSettings:
    """What the person has set, or what holds for somebody who has set nothing."""
    found = session.scalars(select(NoticeSettings).where(NoticeSettings.user_id == user_id)).one_or_none()
    return found or NoticeSettings(user_id=user_id, email=None, rhythm="at_once", webhook_url=None, webhook_salt=None)


def set_email(
    session: Session, chain: AuditChain, user: User, *, email: str, rhythm: str, confirmed: bool = False
) -> None:
    """Write to this address in this rhythm, once who reads it has confirmed it; no address ends it.

    `confirmed`: an administrator answers for the address, and nobody is asked. Raises SettingsRefused.
    """
    if rhythm not in RHYTHMS:
        raise SettingsRefused(f"There is no rhythm {rhythm!r}: use one of {', '.join(RHYTHMS)}.")
    row = settings_of(session, user.id)
    address = checked_address(email) if email.strip() else None
    if address != row.email:
        row.email_confirmed_at = None
    row.email, row.rhythm = address, rhythm
    row.confirm_salt = row.confirm_until = None
    if address and confirmed:
        row.email_confirmed_at = row.email_confirmed_at or utc_now()
    session.add(row)
    session.flush()
    follow_rhythm(session, user.id, rhythm)
    _record(session, chain, user, "e-mail for notices set" if row.email else "e-mail for notices ended")
    if address and row.email_confirmed_at is None:
        _ask_to_confirm(session, row)


def _ask_to_confirm(session: Session, row: NoticeSettings) -> None:
    asked = select(func.count()).where(
        Delivery.user_id == row.user_id, Delivery.about == "confirm", Delivery.made_at > utc_now() - CONFIRM_WITHIN
    )
    if session.execute(asked).scalar_one() >= MOST_CONFIRMATIONS:
        raise SettingsRefused("Too many addresses were asked to confirm: try again in two days.", "email_too_often")
    row.confirm_salt, row.confirm_until = secrets.token_urlsafe(16), utc_now() + CONFIRM_WITHIN
    new_delivery(session, row.user_id, "email", "confirm", utc_now())


def confirmation_code(home: Home, row: NoticeSettings) -> str | None:
    """What the question at the address carries: signed for this person, address and time; None where none is asked."""
    if row.confirm_salt is None or row.confirm_until is None or row.confirm_until <= utc_now():
        return None
    signed = f"confirm {row.user_id} {row.email} {row.confirm_salt} {row.confirm_until.isoformat()}"
    return base64.b32encode(hmac.new(_key(home), signed.encode(), hashlib.sha256).digest()[:10]).decode("ascii")


def confirm_email(session: Session, chain: AuditChain, home: Home, user: User, code: str) -> None:
    """The person has read what was sent to their address. The code counts once. Raises SettingsRefused."""
    row = settings_of(session, user.id)
    wanted = confirmation_code(home, row)
    given = "".join(code.split()).upper()
    if wanted is None or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise SettingsRefused("This code does not confirm the address: have another sent.", "email_code_refused")
    row.email_confirmed_at, row.confirm_salt, row.confirm_until = utc_now(), None, None
    _record(session, chain, user, "e-mail for notices confirmed")


def set_webhook(session: Session, chain: AuditChain, user: User, *, url: str, guard: Guard) -> None:
    """Post alerts to this address, with a new secret; none ends it. Raises SettingsRefused."""
    url = url.strip()
    if url:
        try:
            guard.check_url(url)
        except RelicwatchError as error:
            raise SettingsRefused(str(error)) from error
    row = settings_of(session, user.id)
    row.webhook_url, row.webhook_salt = (url, secrets.token_urlsafe(16)) if url else (None, None)
    session.add(row)
    _record(session, chain, user, "webhook for notices set" if url else "webhook for notices ended")


def checked_address(text: str) -> str:
    """An address as SMTP takes it everywhere. Raises SettingsRefused."""
    text = text.strip()
    name, _, domain = text.rpartition("@")
    try:
        plain = f"{name}@{domain.encode('idna').decode('ascii')}" if domain else text
        address = Address(addr_spec=plain)
    except (ValueError, IndexError, MessageError, UnicodeError):
        raise SettingsRefused(f"{text[:100]!r} is no e-mail address, like name@office.example.") from None
    if (
        not plain.isascii()
        or len(plain) > _MOST_ADDRESS
        or address.addr_spec != plain
        or not _DOMAIN.fullmatch(address.domain)
    ):
        raise SettingsRefused(f"{text[:100]!r} is no e-mail address that every mail server takes: give another.")
    return plain


def webhook_secret(home: Home, settings: NoticeSettings) -> str:
    """What the webhook's messages are signed with; shown to its owner, and made anew when the address is set anew."""
    assert settings.webhook_salt is not None, "there is no webhook"
    return hmac.new(_key(home), f"webhook {settings.webhook_salt}".encode(), hashlib.sha256).hexdigest()


def _key(home: Home) -> bytes:
    """A key of the home alone, made on first use; a copy of the database signs nothing. # SEC-31"""
    path = Path(home.keys) / KEY_FILE
    if not path.exists():
        fresh = path.with_name(f"{KEY_FILE}.{os.getpid()}")
        fresh.write_text("")
        fresh.chmod(0o600)
        fresh.write_text(secrets.token_hex(32), "ascii")
        try:
            os.link(fresh, path)  # whoever comes second keeps the first one's
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()


def _record(session: Session, chain: AuditChain, user: User, action: str) -> None:
    session.flush()
    chain.record(session, actor=user.name, action=action, object_kind="user", object_id=user.id)
