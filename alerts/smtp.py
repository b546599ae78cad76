"""A message given to the mail server, step by step, so that it is known how far it came when something fails."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage

from alerts.mail_settings import MailSettings
from alerts.sending import AnswerLost, NotSent, Refused

CONNECT_SECONDS = 30.0
ANSWER_SECONDS = 120.0
"""For the answer to the text: servers that look for viruses take their time."""
FAREWELL_SECONDS = 5.0
MOST_REPLY = 200
_TEXT, _TAKEN = 354, 250


def send_mail(
    settings: MailSettings, message: EmailMessage, recipient: str, hand_over: Callable[[], None] = lambda: None
) -> None:
    """Give one message to the mail server. `hand_over` is called just before the server can have it.

    Raises NotSent, Refused, AnswerLost.
    """
    with connected(settings) as server:
        _expect(server.mail(settings.sender), "the sender", settings)
        _expect(server.rcpt(recipient), f"the recipient {recipient}", settings)
        _expect(server.docmd("data"), "the message", settings, wanted=_TEXT)
        hand_over()
        try:
            if server.sock is not None:
                server.sock.settimeout(ANSWER_SECONDS)
            server.send(_dotted(message.as_bytes()))
            answer = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise AnswerLost(f"{settings.host} took the message and did not answer ({_said(error)}).") from error
        _expect(answer, "the message", settings)


def check_server(settings: MailSettings) -> None:
    """Connect, encrypt and sign in, and send nothing. Raises NotSent, Refused."""
    with connected(settings) as server:
        _expect(server.noop(), "the connection", settings)


@contextmanager
def connected(settings: MailSettings) -> Iterator[smtplib.SMTP]:
    """A connection that is encrypted and signed in as the settings say. Raises NotSent in plain words."""
    where = f"{settings.host}:{settings.port}"
    context = ssl.create_default_context()
    try:
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=CONNECT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=CONNECT_SECONDS)
    except ssl.SSLCertVerificationError as error:
        raise NotSent(_bad_certificate(where, error)) from error
    except ssl.SSLError as error:
        raise NotSent(
            f"{where} does not speak TLS from the start ({error.reason}): set RELICWATCH_SMTP_SECURITY or _PORT."
        ) from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"The mail server {where} cannot be reached ({_said(error)}).") from error
    try:
        _secured(server, settings, where, context)
        yield server
    except smtplib.SMTPServerDisconnected as error:
        raise NotSent(f"The mail server {where} hung up ({_said(error)}).") from error
    except smtplib.SMTPException as error:
        raise NotSent(f"The mail server {where} refused ({_said(error)}).") from error
    except OSError as error:
        raise NotSent(f"The connection to the mail server {where} broke ({_said(error)}).") from error
    finally:
        _leave(server)


def _leave(server: smtplib.SMTP) -> None:
    """What goes wrong with the farewell says nothing of the message."""
    with suppress(OSError, smtplib.SMTPException):
        if server.sock is not None:
            server.sock.settimeout(FAREWELL_SECONDS)
            server.quit()
    server.close()


def _secured(server: smtplib.SMTP, settings: MailSettings, where: str, context: ssl.SSLContext) -> None:
    server.ehlo_or_helo_if_needed()
    if settings.security == "starttls":
        if not server.has_extn("starttls"):
            raise NotSent(
                f"{where} does not offer STARTTLS: nothing was sent in the clear. Set RELICWATCH_SMTP_SECURITY."
            )
        try:
            server.starttls(context=context)
        except ssl.SSLCertVerificationError as error:
            raise NotSent(_bad_certificate(where, error)) from error
        server.ehlo()
    if settings.user:
        try:
            server.login(settings.user, settings.password)
        except smtplib.SMTPAuthenticationError as error:
            raise NotSent(
                f"{where} did not accept user and password of {settings.user} ({_said(error)}): see to "
                "RELICWATCH_SMTP_USER and RELICWATCH_SMTP_PASSWORD."
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            raise NotSent(f"{where} takes no user and password here: leave RELICWATCH_SMTP_USER empty.") from error


def _expect(answer: tuple[int, bytes], what: str, settings: MailSettings, wanted: int = _TAKEN) -> None:
    """A refusal with 5xx stands; anything else that was not wanted may pass."""
    code, text = answer
    if code == wanted or (wanted == _TAKEN and code in (250, 251, 252)):
        return
    said = f"{code} {text.decode('utf-8', 'replace')}"[:MOST_REPLY]
    sentence = f"The mail server {settings.host} did not take {what} ({said})."
    raise (Refused if 500 <= code < 600 else NotSent)(sentence)


def _bad_certificate(where: str, error: ssl.SSLCertVerificationError) -> str:
    return (
        f"The certificate of {where} is not trusted ({error.verify_message}): nothing was sent. Give the office's own "
        "certificate authority in SSL_CERT_FILE."
    )


def _dotted(text: bytes) -> bytes:
    """The text as it goes over the wire, with its end."""
    body = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in text.split(b"\r\n"))
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _said(error: BaseException) -> str:
    """An error in the server's or the system's words, without Python's."""
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
        return f"{error.smtp_code} {text}"[:MOST_REPLY]
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or type(error).__name__)[:MOST_REPLY]
