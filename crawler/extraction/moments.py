"""Points in time as pages write them: epoch numbers, ISO 8601, mail dates and dates in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crawler.extraction.date_words import read_worded_date

_EPOCH = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?\Z")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:?\d{2}.*)?\Z")
_SHORT_OFFSET = re.compile(r"([+-]\d{2})(\d{2})?\Z")
_FRACTION = re.compile(r"(\.\d{6})\d+")
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_WORDS_WITH_DATE = re.compile(r"\d{1,2}\D{1,20}\d{2,4}|\d{4}")
_EARLIEST, _LATEST = 1990, 2100
_LONGEST_DATE_TEXT = 80


def parse_moment(
    value: object, *, timezone: str | None = None, languages: tuple[str, ...] = (), now: datetime | None = None
) -> datetime | None:
    """The aware moment that `value` names, or None: also where no zone is known, since a guessed hour is a wrong one.

    A text without a zone is read in `timezone`; epoch numbers (seconds or milliseconds) are UTC.
    """
    moment = parse_loose_moment(value, timezone=timezone, languages=languages, now=now)
    return moment if moment is not None and moment.tzinfo is not None else None


def parse_loose_moment(
    value: object, *, timezone: str | None = None, languages: tuple[str, ...] = (), now: datetime | None = None
) -> datetime | None:
    """As `parse_moment`, but a text without a zone gives a naive moment where no `timezone` is known."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return _from_epoch(float(value))
    if not isinstance(value, str):
        return None
    text = value.strip().translate(_DIGITS)[:_LONGEST_DATE_TEXT]
    if _EPOCH.match(text):
        return _from_epoch(float(text))
    # What mail dates say of zones is less than pages do: a mail reader takes "CET" for none.
    moment = _from_iso(text) or read_worded_date(text) or _from_mail(text)
    if moment is None and _WORDS_WITH_DATE.search(text):
        moment = _from_words(text, languages, now)
    if moment is None or not _EARLIEST <= moment.year <= _LATEST:
        return None
    zone = _zone(timezone)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None and zone is not None else moment


@lru_cache(maxsize=64)
def _zone(name: str | None) -> tzinfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _from_epoch(number: float) -> datetime | None:
    seconds = number / 1000 if number > 1e11 else number
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return moment if _EARLIEST <= moment.year <= _LATEST else None


def _from_iso(text: str) -> datetime | None:
    if not _ISO.match(text):
        return None
    tidy = _FRACTION.sub(r"\1", text.replace(" UTC", "Z").replace(" +", "+"))
    for attempt in (tidy, _SHORT_OFFSET.sub(lambda m: f"{m.group(1)}:{m.group(2) or '00'}", tidy)):
        try:
            return datetime.fromisoformat(attempt)
        except ValueError:
            continue
    return None


def _from_mail(text: str) -> datetime | None:
    if not re.match(r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:", text):
        return None
    try:
        return parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None


@lru_cache(maxsize=512)
def _from_words(text: str, languages: tuple[str, ...], now: datetime | None) -> datetime | None:
    import dateparser  # slow to import, and needed for dates in words alone

    settings: dict[str, object] = {"PREFER_DATES_FROM": "future", "REQUIRE_PARTS": ["day", "month", "year"]}
    if now is not None:
        settings["RELATIVE_BASE"] = now
    attempts = [tuple(languages)] if languages else []
    for known in (*attempts, ("en", "fr", "ar", "de", "es", "it")):
        try:
            moment = dateparser.parse(text, languages=list(known), settings=settings)
        except Exception:  # noqa: BLE001 - dateparser raises many kinds on odd input; an unread date is no date
            moment = None
        if moment is not None:
            return moment if isinstance(moment, datetime) else None
    return None
