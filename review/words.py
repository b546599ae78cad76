"""The desk's words in three languages, and dates, amounts and page text made fit to show.

Every word of a screen stands in `review/messages/`; a key that a language lacks is an error, never an English fallback.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path

from babel.core import get_global
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup, escape

from crawler.blackening import BLACK, black_text
from crawler.yaml_text import read_yaml
from storage.tables import utc_now
from storage.users import LANGUAGES

MESSAGES = Path(__file__).parent / "messages"
MOST_ACCEPTED = 500
"""So many characters of Accept-Language are read."""
NAMES = {"en": "English", "fr": "Français", "ar": "العربية"}

# Characters that change how text around them is read without being seen themselves.
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2028\u2029\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
MOST_KEPT = 4096
"""So many formatted moments, numbers and amounts are kept: a page of the queue asks for hundreds, mostly the same."""
MASK = "•••"
"""Stands in lists for an e-mail address, a telephone number, a name in a messenger."""
_JOINERS = "\u200c\u200d"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff]")


@cache
def messages(language: str) -> dict[str, str]:
    """Key -> words of one language: its file and those of single rooms beside it (`en-cases.yaml`)."""
    found: dict[str, str] = {}
    for path in sorted(MESSAGES.glob(f"{language}*.yaml")):
        read = read_yaml(path.read_text(encoding="utf-8"))
        twice = found.keys() & read.keys()
        if twice:
            raise ValueError(f"{path.name} says anew what another file of {language} says: {', '.join(sorted(twice))}.")
        found |= {str(key): str(text) for key, text in read.items()}
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """How one page speaks."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        """The words for a key, with {names} filled in. Raises KeyError for a key this language lacks."""
        text = messages(self.language)[key]
        # Names, numbers and dates keep their own order inside a sentence that runs the other way.
        values = {
            name: f"\u2068{value}\u2069" if self.language == "ar" or _RIGHT_TO_LEFT.search(str(value)) else value
            for name, value in values.items()
        }
        return text.format(**values) if values else text

    @property
    def direction(self) -> str:
        return "rtl" if self.language == "ar" else "ltr"

    @property
    def colon(self) -> str:
        """What stands between a label and what it labels: French sets it apart."""
        return "\u00a0:" if self.language == "fr" else ":"

    def time(self, moment: datetime | None) -> str:
        """A moment in UTC, said so."""
        if moment is None:
            return self("unknown")
        pattern = "y-MM-dd HH:mm" if self.language == "ar" else "d MMM y, HH:mm"
        said = f"{_moment(moment.astimezone(UTC), pattern, self.language)} UTC"
        # From left to right wherever it stands, also among Arabic words and in a title.
        return f"\u2066{said}\u2069" if self.language == "ar" else said

    def day(self, moment: datetime) -> str:
        """The day of a moment in UTC."""
        pattern = "y-MM-dd" if self.language == "ar" else "d MMM y"
        return _moment(moment.astimezone(UTC), pattern, self.language)

    def relative(self, moment: datetime | None) -> str:
        """How far away a moment is: "in 3 hours", "2 days ago"."""
        if moment is None:
            return ""
        seconds = round((moment - utc_now()).total_seconds())
        return _distance(round(seconds / 60) * 60 if abs(seconds) >= 120 else seconds, self.language)

    def rule(self, rule: str) -> str:
        """What kind of words a rule of the model goes by; "" for one that has no words here."""
        return messages(self.language).get(f"rule_{rule.partition(':')[0]}", "")

    def number(self, value: float | Decimal | None) -> str:
        return "" if value is None else _decimal(value, None, self.language)

    def figure(self, value: float, places: int = 2) -> str:
        """A number with so many digits after the point, whatever they are: scores and shares."""
        return _decimal(value, f"0.{'0' * places}", self.language)

    def signed(self, value: float) -> str:
        """A weight with its sign: what speaks for is told from what speaks against at a glance."""
        return f"{'+' if value > 0 else '−' if value < 0 else ''}{self.figure(abs(value))}"

    def money(self, amount: Decimal | None, currency: str | None) -> str:
        """An amount with its ISO 4217 code; the bare number where the page named no currency."""
        if amount is None:
            return self("unknown")
        if currency is None or currency not in get_global("all_currencies"):
            return f"{self.number(amount)} {currency or self('currency_unknown')}"
        pattern = "#,##0 ¤¤" if amount == amount.to_integral_value() else "#,##0.00## ¤¤"
        return _amount(amount, currency, pattern, self.language)


@lru_cache(maxsize=MOST_KEPT)
def _moment(moment: datetime, pattern: str, language: str) -> str:
    return format_datetime(moment, pattern, locale=language)


@lru_cache(maxsize=MOST_KEPT)
def _distance(seconds: int, language: str) -> str:
    return format_timedelta(timedelta(seconds=seconds), add_direction=True, locale=language, threshold=1.2)


@lru_cache(maxsize=MOST_KEPT)
def _decimal(value: float | Decimal, pattern: str | None, language: str) -> str:
    return format_decimal(value, format=pattern, locale=language)


@lru_cache(maxsize=MOST_KEPT)
def _amount(amount: Decimal, currency: str, pattern: str, language: str) -> str:
    return format_currency(amount, currency, format=pattern, locale=language, currency_digits=False)


def chosen_language(wanted: str | None, accepted: str = "") -> str:
    """The language asked for, else the one of Accept-Language that is liked best and that we speak, else English."""
    if wanted in LANGUAGES:
        return str(wanted)
    liked = sorted((-_liking(part), at, part) for at, part in enumerate(accepted[:MOST_ACCEPTED].split(",")))
    codes = (part.split(";")[0].strip().lower().split("-")[0] for liking, _, part in liked if liking < 0)
    return next((code for code in codes if code in LANGUAGES), "en")


def _liking(part: str) -> float:
    """The q of one language, 1 without one."""
    found = re.search(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*$", part)
    return float(found[1]) if found else 1.0


def visible(text: str | None) -> Markup:
    """Page text, escaped, with every unseen or direction-turning character shown by its number.

    Joiners between two Arabic letters are ordinary spelling and stay.
    """
    text = text or ""
    shown: list[Markup] = []
    last = 0
    for found in _UNSEEN.finditer(text):
        if found.group() in _JOINERS and _is_spelling(text, found.start()):
            continue
        shown += [escape(text[last : found.start()]), _named(found.group())]
        last = found.end()
    return Markup("").join([*shown, escape(text[last:])])


@lru_cache(maxsize=8192)
def listed(text: str | None) -> Markup:
    """As `visible`, for lists: what tells how to reach somebody is masked."""
    return visible(re.sub(f"{BLACK}+", MASK, black_text(text or "", None)))


def _named(character: str) -> Markup:
    return Markup('<span class="unseen" dir="ltr">U+{:04X}</span>').format(ord(character))


def _is_spelling(text: str, at: int) -> bool:
    return bool(_ARABIC.match(text[at - 1 : at]) and _ARABIC.match(text[at + 1 : at + 2]))
