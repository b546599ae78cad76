"""Giving a message to a mail server: encrypted, signed in, and exact about how far it came."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from alerts.letters import LETTERS
from alerts.mail_settings import MailNotSet, MailSettings, mail_settings
from alerts.sending import AnswerLost, NotSent, Refused
from alerts.smtp import check_server, send_mail
from tests.alerts.conftest import Mailbox, serve

PASSWORD = "canary-password-77"


def letter(text: str = "words") -> EmailMessage:
    made = EmailMessage(policy=LETTERS)
    made["Subject"], made["From"], made["To"] = "x", "watch@office.example", "ann@office.example"
    made.set_content(text)
    return made


def settings(box: Mailbox, **changes: object) -> MailSettings:
    chosen = {"host": "127.0.0.1", "port": box.port, "security": "none", "sender": "watch@office.example"}
    return MailSettings(**{**chosen, **changes})  # type: ignore[arg-type]


@pytest.fixture
def box() -> Iterator[Mailbox]:
    made = Mailbox()
    controller = serve(made)
    yield made
    controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail of the test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("mail") / "mail.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secured(certificate: Path) -> Iterator[Mailbox]:
    """A server that takes nothing without STARTTLS and a password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def check(server: object, session: object, envelope: object, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    made = Mailbox()
    controller = serve(made, tls_context=context, require_starttls=True, authenticator=check, auth_required=True)
    yield made
    controller.stop()


def test_a_message_arrives_whole_with_lines_that_begin_with_a_dot(box: Mailbox) -> None:
    send_mail(settings(box), letter(".\r\n..two\r\nلغة"), "ann@office.example")
    (message,) = box.messages
    assert message.get_content().splitlines() == [".", "..two", "لغة"]
    assert box.envelopes[0].mail_from == "watch@office.example"


def test_over_starttls_with_the_right_password_it_arrives(
    secured: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    chosen = settings(secured, host="localhost", security="starttls", user="watch", password=PASSWORD)
    check_server(chosen)
    send_mail(chosen, letter(), "ann@office.example")
    assert len(secured.messages) == 1


@pytest.mark.parametrize(
    ("trusted", "changes", "said"),
    [
        (False, {"security": "starttls"}, "certificate of localhost:.* is not trusted"),
        (True, {"security": "starttls", "user": "watch", "password": "wrong"}, "did not accept user and password"),
        (True, {"security": "tls"}, "does not speak TLS from the start"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(
    secured: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool, changes: dict, said: str
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(NotSent, match=said) as refused:
        check_server(settings(secured, host="localhost", **changes))
    assert "wrong" not in str(refused.value)
    assert secured.messages == []


def test_a_server_without_starttls_is_told_nothing(box: Mailbox) -> None:
    with pytest.raises(NotSent, match="does not offer STARTTLS"):
        send_mail(settings(box, security="starttls"), letter(), "ann@office.example")
    assert box.envelopes == []


def test_nobody_at_the_port_is_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box = Mailbox(port=free.getsockname()[1])
        with pytest.raises(NotSent, match="cannot be reached"):
            check_server(settings(box))


@pytest.mark.parametrize(
    ("answer", "kind"), [("451 come back later", NotSent), ("550 no such person", Refused), ("554 spam", Refused)]
)
def test_a_refusal_for_now_and_one_for_good_are_told_apart(box: Mailbox, answer: str, kind: type[Exception]) -> None:
    box.answers.append(answer)
    with pytest.raises(kind, match=answer[:3]):
        send_mail(settings(box), letter(), "ann@office.example")


def test_a_connection_that_breaks_after_the_text_leaves_it_open(box: Mailbox) -> None:
    handed = []

    async def hang_up(server, session, envelope) -> str:
        server.transport.abort()
        return "250 taken"

    box.handle_DATA = hang_up  # type: ignore[method-assign]
    with pytest.raises(AnswerLost, match="did not answer"):
        send_mail(settings(box), letter(), "ann@office.example", lambda: handed.append(1))
    assert handed == [1]


def test_it_is_handed_over_only_when_the_server_wants_the_text(box: Mailbox) -> None:
    async def refuse(server, session, envelope, address, options) -> str:
        return "550 no such mailbox"

    box.handle_RCPT = refuse  # type: ignore[attr-defined]
    handed = []
    with pytest.raises(Refused, match=r"recipient ann@office\.example"):
        send_mail(settings(box), letter(), "ann@office.example", lambda: handed.append(1))
    assert handed == []


GOOD = {
    "RELICWATCH_SMTP_HOST": "mail.office.example",
    "RELICWATCH_SMTP_SENDER": "watch@office.example",
    "RELICWATCH_SMTP_USER": "watch",
    "RELICWATCH_SMTP_PASSWORD": PASSWORD,
}


def test_settings_come_from_the_environment_and_never_show_the_password() -> None:
    chosen = mail_settings(GOOD)
    assert (chosen.port, chosen.security) == (587, "starttls")
    assert mail_settings({**GOOD, "RELICWATCH_SMTP_SECURITY": "tls"}).port == 465
    assert PASSWORD not in f"{chosen!r} {chosen.shown}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"HOST": ""}, "RELICWATCH_SMTP_HOST"),
        ({"PORT": "0"}, "no port"),
        ({"PORT": "x"}, "no port"),
        ({"SECURITY": "ssl"}, "none of starttls, tls, none"),
        ({"SECURITY": "none"}, "on this machine alone"),
        ({"SENDER": ""}, "SENDER is not set"),
        ({"SENDER": "a\r\nBcc: x@y.example"}, "SENDER"),
        ({"PASSWORD": ""}, "has no password"),
        ({"PASSWORD": "", "PASSWORD_FILE": "/nowhere/at/all"}, "cannot be read"),
    ],
)
def test_settings_that_do_not_go_together_name_the_variable(changes: dict[str, str], said: str) -> None:
    changed = {f"RELICWATCH_SMTP_{name}": value for name, value in changes.items()}
    with pytest.raises(MailNotSet, match=said):
        mail_settings({**GOOD, **changed})


def test_the_password_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "p").write_text(f"{PASSWORD}\n")
    given = {**GOOD, "RELICWATCH_SMTP_PASSWORD": "", "RELICWATCH_SMTP_PASSWORD_FILE": str(tmp_path / "p")}
    assert mail_settings(given).password == PASSWORD
