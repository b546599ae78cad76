"""Where a person is told of alerts and alarms outside the desk: an address for e-mail, a webhook, and how often."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from email.errors import MessageError
from email.headerregistry import Address
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.egress import Guard
from crawler.errors import RelicwatchError
from crawler.home import Home
from storage.audit import AuditChain
from storage.deliveries import follow_rhythm
from storage.rhythms import RHYTHMS
from storage.tables import NoticeSettings, User

KEY_FILE = "webhook.key"
_MOST_ADDRESS = 254
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*", re.I)


class SettingsRefused(RelicwatchError):
    """An address or a webhook is none that could be written to."""


def mail_is_set() -> bool:
    """Whether this process was told of a mail server (`alerts/mail_settings.py` reads what)."""
    return bool(os.environ.get("RELICWATCH_SMTP_HOST"))


def settings_of(session: Session, user_id: int) -> NoticeSettings:
    """What the person has set, or what holds for somebody who has set nothing."""
    found = session.scalars(select(NoticeSettings).where(NoticeSettings.user_id == user_id)).one_or_none()
    return found or NoticeSettings(user_id=user_id, email=None, rhythm="at_once", webhook_url=None, webhook_salt=None)


def set_email(session: Session, chain: AuditChain, user: User, *, email: str, rhythm: str) -> None:
    """Write to this address in this rhythm; no address ends it. Raises SettingsRefused."""
    if rhythm not in RHYTHMS:
        raise SettingsRefused(f"There is no rhythm {rhythm!r}: use one of {', '.join(RHYTHMS)}.")
    row = settings_of(session, user.id)
    row.email, row.rhythm = (checked_address(email) if email.strip() else None), rhythm
    session.add(row)
    follow_rhythm(session, user.id, rhythm)
    _record(session, chain, user, "e-mail for notices set" if row.email else "e-mail for notices ended")


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
