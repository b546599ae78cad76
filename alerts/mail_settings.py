"""The mail server that messages are given to, from the environment: `RELICWATCH_SMTP_*`. # SEC-31"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from crawler.errors import RelicwatchError
from storage.notice_settings import SettingsRefused, checked_address

Security = Literal["starttls", "tls", "none"]
SECURITIES: tuple[Security, ...] = get_args(Security)
PORTS: dict[str, int] = {"starttls": 587, "tls": 465, "none": 25}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class MailNotSet(RelicwatchError):
    """No mail server is named, or what is said of it does not go together."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    host: str
    port: int
    security: Security
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """Without the password."""
        how = {"starttls": "STARTTLS", "tls": "TLS", "none": "no encryption"}[self.security]
        return f"{self.host}:{self.port} ({how}{', as ' + self.user if self.user else ''})"


def mail_settings(environment: Mapping[str, str] | None = None) -> MailSettings:
    """Raises MailNotSet, which names the variable that is missing or wrong."""
    given = {
        name: (os.environ if environment is None else environment).get(f"RELICWATCH_SMTP_{name}", "").strip()
        for name in ("HOST", "PORT", "SECURITY", "SENDER", "USER", "PASSWORD", "PASSWORD_FILE")
    }
    if not given["HOST"]:
        raise MailNotSet("No mail server is set: name it in RELICWATCH_SMTP_HOST (docs/alerts.md).")
    security = next((one for one in SECURITIES if one == (given["SECURITY"] or "starttls")), None)
    if security is None:
        raise MailNotSet(f"RELICWATCH_SMTP_SECURITY {given['SECURITY']!r} is none of {', '.join(SECURITIES)}.")
    if security == "none" and given["HOST"] not in LOOPBACK:
        raise MailNotSet(
            "RELICWATCH_SMTP_SECURITY none is for a mail server on this machine alone: use starttls or tls."
        )
    port = given["PORT"] or str(PORTS[security])
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise MailNotSet(f"RELICWATCH_SMTP_PORT {port!r} is no port from 1 to 65535.")
    if not given["SENDER"]:
        raise MailNotSet("RELICWATCH_SMTP_SENDER is not set: it is the address that messages come from.")
    try:
        sender = checked_address(given["SENDER"])
    except SettingsRefused as error:
        raise MailNotSet(f"RELICWATCH_SMTP_SENDER: {error}") from error
    password = given["PASSWORD"] or _from_file(given["PASSWORD_FILE"])
    if given["USER"] and not password:
        raise MailNotSet("RELICWATCH_SMTP_USER has no password: set RELICWATCH_SMTP_PASSWORD or _PASSWORD_FILE.")
    return MailSettings(given["HOST"], int(port), security, sender, given["USER"], password)


def _from_file(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MailNotSet(f"RELICWATCH_SMTP_PASSWORD_FILE {path} cannot be read ({error}).") from error
