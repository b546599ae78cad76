"""The words of e-mails: a plain and an HTML part in the reader's language, made of records, with contacts masked.

Nothing of a listing comes into a header, no picture and no link of a page into the text: links lead to the desk alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crawler.home import Home
from review.answers_view import alarm_line
from review.highlight import distinct_reasons
from review.market_titles import market_title
from review.summary import summarise
from review.words import MASK, Words, visible
from storage.alerts import AlertRow
from storage.masking import BLOCK, mask_contacts
from storage.tables import Alarm, Delivery, Listing, Observation, utc_now


class _Letters(EmailPolicy):
    """Python's own policy folds long subjects that are not ASCII so that spaces get lost: the older way keeps them."""

    def fold(self, name: str, value: Any) -> str:
        if name.lower() != "subject" or str(value).isascii():
            return str(super().fold(name, value))
        encoded: str = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"{name}: {encoded}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii", "surrogateescape")


LETTERS = _Letters(linesep="\r\n")
MOST_SHOWN = 30
"""Listings of one e-mail; the desk has the rest."""
MOST_TITLE = 200
MOST_REASONS = 3
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
_PLAIN = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=False,  # noqa: S701  (plain text: what it holds is made safe by `flat`)
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_LINK = re.compile(r"(?<=\w)\.(?=[^\W\d])|://|@")
"""What mail programs take for an address and make a link of."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Words of the listing, and whether they speak for a hit."""

    text: str
    speaks_for: bool = True

    @property
    def signed(self) -> str:
        return f"{'+' if self.speaks_for else chr(0x2212)} {self.text}"


@dataclass(frozen=True, slots=True)
class Item:
    """One listing as an e-mail tells of it; every text is masked and on one line."""

    title: str
    summary: str
    reasons: tuple[Reason, ...]
    band: str
    market: str
    price: str
    ends: str
    why: str
    """Which saved searches it matched, or what the alarm means."""
    marks: tuple[str, ...]
    link: str


def desk_address() -> str:
    """Where readers reach the desk (`RELICWATCH_DESK_URL`), without a stroke at its end; "" where nobody said."""
    address = (os.environ.get("RELICWATCH_DESK_URL") or "").strip().rstrip("/")
    parts = urlsplit(address)
    return address if parts.scheme in ("http", "https") and parts.netloc else ""


def alerts_letter(
    delivery: Delivery, rows: Sequence[AlertRow], language: str, home: Home, *, sender: str, recipient: str
) -> EmailMessage:
    """New hits of a person's saved searches."""
    words = Words(language)
    items = [_alert_item(row, words, home) for row in rows[:MOST_SHOWN]]
    subject = words(
        "mail_alerts_subject_one" if len(rows) == 1 else "mail_alerts_subject", count=words.number(len(rows))
    )
    return _letter(
        delivery,
        words,
        home,
        items,
        subject=subject,
        heading=words("mail_alerts_heading"),
        lead=words("mail_alerts_lead"),
        more=len(rows) - len(items),
        place="/alerts",
        sender=sender,
        recipient=recipient,
    )


def alarms_letter(
    delivery: Delivery,
    rows: Sequence[tuple[Alarm, int, Listing, Observation]],
    language: str,
    home: Home,
    *,
    sender: str,
    recipient: str,
) -> EmailMessage:
    """Signs of danger to a person: act at once, and give the receipt on the desk."""
    words = Words(language)
    items = [_alarm_item(alarm, listing, seen, words, home) for alarm, _, listing, seen in rows[:MOST_SHOWN]]
    reminder = all(number for _, number, _, _ in rows)
    letter = _letter(
        delivery,
        words,
        home,
        items,
        subject=words("mail_alarm_reminder_subject" if reminder else "mail_alarm_subject"),
        heading=words("mail_alarm_heading"),
        lead=words("mail_alarm_reminder_lead" if reminder else "mail_alarm_lead"),
        more=len(rows) - len(items),
        place="/alarms",
        sender=sender,
        recipient=recipient,
        urgent=True,
    )
    letter["Importance"] = "high"
    letter["X-Priority"] = "1"
    return letter


def test_letter(token: str, language: str, home: Home, *, sender: str, recipient: str) -> EmailMessage:
    """Shows that e-mail arrives."""
    words = Words(language)
    return _letter(
        token,
        words,
        home,
        [],
        subject=words("mail_test_subject"),
        heading=words("mail_test_heading"),
        lead=words("mail_test_lead"),
        more=0,
        place="/alerts",
        sender=sender,
        recipient=recipient,
    )


def confirm_letter(
    token: str, code: str, name: str, language: str, home: Home, *, sender: str, recipient: str
) -> EmailMessage:
    """Asks whoever reads this address whether they are that person; it tells nothing of any hit."""
    words = Words(language)
    return _letter(
        token,
        words,
        home,
        [],
        subject=words("mail_confirm_subject"),
        heading=words("mail_confirm_heading"),
        lead=words("mail_confirm_lead", name=flat(name)),
        more=0,
        place=f"/alerts/confirm?code={code}",
        sender=sender,
        recipient=recipient,
        code=code,
    )


def flat(text: str | None) -> str:
    """Page text on one line, masked, every unseen or turning character named, and nothing in it to be clicked."""
    masked = re.sub(f"{BLOCK}+", MASK, mask_contacts(" ".join((text or "").split())))
    named = visible(masked[:MOST_TITLE]).striptags()
    return _LINK.sub(lambda sign: f"{sign[0]}\u2060", named)


def _letter(
    delivery: Delivery | str,
    words: Words,
    home: Home,
    items: Sequence[Item],
    *,
    subject: str,
    heading: str,
    lead: str,
    more: int,
    place: str,
    sender: str,
    recipient: str,
    urgent: bool = False,
    code: str = "",
) -> EmailMessage:
    token = delivery if isinstance(delivery, str) else delivery.token
    desk = desk_address()
    values: dict[str, Any] = {
        "t": words,
        "heading": heading,
        "lead": lead,
        "items": items,
        "more": more,
        "urgent": urgent,
        "code": code,
        "demo": home.is_demo,
        "desk": f"{desk}{place}" if desk else "",
        "desk_root": desk,
        "isolate": isolate if words.language == "ar" else str,
    }
    letter = EmailMessage(policy=LETTERS)
    letter["From"] = f"relicwatch <{sender}>"
    letter["To"] = recipient
    letter["Subject"] = _subject(f"relicwatch: {subject}" + (" [DEMO]" if home.is_demo else ""))
    letter["Date"] = format_datetime(utc_now())
    letter["Message-ID"] = f"<{token}@{parseaddr(sender)[1].rpartition('@')[2] or 'relicwatch.invalid'}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    letter.set_content(_PLAIN.get_template("letter.txt").render(values), cte="quoted-printable")
    letter.add_alternative(_PAGES.get_template("letter.html").render(values), subtype="html", cte="quoted-printable")
    letter["Content-Language"] = words.language
    return letter


def isolate(text: str) -> str:
    """A text that keeps its own direction within a line that runs from right to left."""
    return f"\u2068{text}\u2069" if text else ""


def _subject(text: str) -> str:
    """Without the marks that isolate numbers: mail programs show them as boxes."""
    return " ".join(text.replace("\u2068", "").replace("\u2069", "").split())


def _alert_item(row: AlertRow, words: Words, home: Home) -> Item:
    seen, judged = row.observation, row.assessment
    told = summarise(judged.answers, words.language)
    marks = [words("alert_relisted")] if row.alert.kind == "relisted" else []
    marks += [words("mark_replica")] if told.is_replica_likely else []
    marks += [words("mark_papers")] if told.has_papers else []
    desk = desk_address()
    return Item(
        title=flat(seen.title) or words("title_none"),
        summary=flat(" · ".join(part for part in (told.object, told.claims) if part)),
        reasons=tuple(
            Reason(flat(str(one["text"])), one["weight"] > 0) for one in distinct_reasons(judged.reasons)[:MOST_REASONS]
        ),
        band=words(f"band_{judged.band}"),
        market=flat(market_title(home, row.listing.market, words)),
        price=words.money(seen.price, seen.currency) if seen.price is not None else "",
        ends=words.time(seen.ends_at) if seen.ends_at else "",
        why=" · ".join(flat(name) for name in row.searches),
        marks=tuple(marks),
        link=f"{desk}/listings/{row.listing.id}" if desk else "",
    )


def _alarm_item(alarm: Alarm, listing: Listing, seen: Observation, words: Words, home: Home) -> Item:
    line = alarm_line(alarm.kind, alarm.reasons, words.language)
    desk = desk_address()
    return Item(
        title=line.name,
        summary=flat(seen.title) or words("title_none"),
        reasons=tuple(Reason(flat(str(one["text"]))) for one in alarm.reasons[:MOST_REASONS]),
        band="",
        market=flat(market_title(home, listing.market, words)),
        price="",
        ends="",
        why=line.sentence,
        marks=(words.time(alarm.raised_at),),
        link=f"{desk}/alarms" if desk else "",
    )
