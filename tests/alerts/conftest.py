"""A mail server of the test's own, and the environment that names it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.review.conftest import desk_database

__all__ = ["desk_database"]


@dataclass
class Mailbox:
    """What arrived, and what the server answers next in place of taking a message."""

    host: str = "127.0.0.1"
    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """To the texts of the next messages, one each; what is answered so is not kept unless it starts with 250."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.envelopes.append(envelope)
            self.messages.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        return answer

    def environment(self) -> dict[str, str]:
        return {
            "RELICWATCH_SMTP_HOST": self.host,
            "RELICWATCH_SMTP_PORT": str(self.port),
            "RELICWATCH_SMTP_SECURITY": "none",
            "RELICWATCH_SMTP_SENDER": "watch@office.example",
            "RELICWATCH_DESK_URL": "https://desk.office.example",
        }


def serve(mailbox: Mailbox, **options: Any) -> Controller:
    """The server, on a port that the system chooses."""

    class OnAnyPort(Controller):
        def _trigger_server(self) -> None:
            self.port = self.server.sockets[0].getsockname()[1]
            super()._trigger_server()

    controller = OnAnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    mailbox.port = controller.port
    return controller


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    box = Mailbox()
    controller = serve(box)
    for name, value in box.environment().items():
        monkeypatch.setenv(name, value)
    yield box
    controller.stop()


def part(message: EmailMessage, kind: str) -> str:
    """The plain or the HTML part."""
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())
