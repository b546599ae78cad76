"""A test message, sent at once; what goes wrong is said in one sentence by the error that ends it."""

from __future__ import annotations

import secrets

from alerts.letters import test_letter
from alerts.mail_settings import mail_settings
from alerts.smtp import send_mail
from alerts.webhook import post
from crawler.egress import Guard
from crawler.errors import UsageError
from crawler.home import Home, loopback_allowed
from storage.notice_settings import checked_address, webhook_secret
from storage.tables import NoticeSettings


def try_email(home: Home, address: str, language: str) -> str:
    """Give a test message to the mail server; what to look for then. Raises what keeps it from going out."""
    mail, recipient = mail_settings(), checked_address(address)
    letter = test_letter(secrets.token_hex(16), language, home, sender=mail.sender, recipient=recipient)
    send_mail(mail, letter, recipient)
    return (
        f"The mail server {mail.shown} took a test message for {recipient}. If it is not in the box within minutes, "
        f"look for it among unwanted mail, and in that of {mail.sender} for a refusal."
    )


def try_webhook(home: Home, chosen: NoticeSettings) -> str:
    """Post a test message to a person's webhook. Raises what keeps it from going out."""
    if not chosen.webhook_url:
        raise UsageError("No webhook is set: give its address on the desk's page of alerts.")
    token = secrets.token_hex(16)
    record = {"version": 1, "delivery": token, "event": "test", "demo": home.is_demo, "alerts": []}
    guard = Guard(allow_loopback=loopback_allowed())
    post(chosen.webhook_url, webhook_secret(home, chosen), token, record, guard)
    return f"The webhook {chosen.webhook_url} took a test message."
