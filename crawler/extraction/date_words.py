"""Dates in words in the languages that markets write, those of the Arab world with all their calendars first.

The Levant, Egypt and the Maghreb name the same months differently; Hijri dates are read by the Umm al-Qura calendar.
A date here needs day, month and year; what is left to guess is left alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_MONTH_NAMES: tuple[str, ...] = (
    # Arabic: Egypt and the Gulf, the Levant and Iraq, Morocco, Algeria and Tunisia
    "january jan janvier janv januar jänner gennaio gen enero ene ocak oca janeiro stycznia января يناير ينايِر جانفي"
    " كانون-الثاني"
    " januari ledna ianuarie ιανουαρίου בינואר ינואר січня",
    "february feb février fevrier févr fév februar febbraio febrero şubat şub fevereiro fev lutego lut февраля فبراير"
    " فيفري شباط"
    " februari února februarie φεβρουαρίου בפברואר פברואר лютого",
    "march mar mars märz maerz marzo mart março marca marzec марта مارس آذار اذار"
    " maart marts března martie μαρτίου במרץ מרץ березня",
    "april apr avril avr aprile abril abr nisan nis kwietnia kwi апреля أبريل ابريل إبريل أفريل افريل نيسان"
    " dubna aprilie απριλίου באפריל אפריל квітня",
    "may mai maggio mag mayo mayıs maio maja мая مايو ماي أيار ايار نوار mei maj května μαΐου μαίου במאי מאי травня",
    "june jun juin juni giugno giu junio haziran haz junho czerwca cze июня يونيو يونية جوان حزيران"
    " června iunie ιουνίου ביוני יוני червня",
    "july jul juillet juil juli luglio lug julio temmuz tem julho lipca lip июля يوليو يولية يوليوز جويلية تموز"
    " července iulie ιουλίου ביולי יולי липня",
    "august aug août aout agosto ago ağustos ağu sierpnia sie августа أغسطس اغسطس غشت أوت اوت آب اب"
    " augustus augusti srpna αυγούστου באוגוסט אוגוסט серпня",
    "september sep sept septembre settembre set septiembre eylül eyl setembro września wrz сентября سبتمبر شتنبر أيلول"
    " ايلول"
    " září septembrie σεπτεμβρίου בספטמבר ספטמבר вересня",
    "october oct octobre oktober okt ottobre ott octubre ekim eki outubro out października paź октября أكتوبر اكتوبر"
    " أكتوبَر تشرين-الأول تشرين-الاول تشرين-أول"
    " října octombrie οκτωβρίου באוקטובר אוקטובר жовтня",
    "november nov novembre noviembre kasım kas novembro listopada lis ноября نوفمبر نونبر تشرين-الثاني تشرين-ثاني"
    " listopadu noiembrie νοεμβρίου בנובמבר נובמבר листопада",
    "december dec décembre decembre déc dezember dez dicembre dic diciembre aralık ara dezembro grudnia gru декабря"
    " ديسمبر دجنبر كانون-الأول كانون-الاول كانون-أول"
    " prosince decembrie δεκεμβρίου בדצמבר דצמבר грудня",
)
_HIJRI_NAMES: tuple[str, ...] = (
    "محرم muharram", "صفر safar", "ربيع-الأول ربيع-الاول", "ربيع-الآخر ربيع-الاخر ربيع-الثاني",
    "جمادى-الأولى جمادى-الاولى جمادي-الأولى", "جمادى-الآخرة جمادى-الاخرة جمادى-الثانية جمادي-الثانية",
    "رجب rajab", "شعبان shaban sha'ban", "رمضان ramadan ramadhan", "شوال shawwal",
    "ذو-القعدة ذي-القعدة ذو-القعده ذي-القعده", "ذو-الحجة ذي-الحجة ذو-الحجه ذي-الحجه",
)  # fmt: skip
_LONGEST_TEXT = 1_000
"""Characters; what stands behind is not looked at."""
_FIRST_HIJRI, _LAST_HIJRI = 1343, 1500
"""Years that the Umm al-Qura calendar has tables for."""


def _numbered(names: tuple[str, ...]) -> dict[str, int]:
    return {name.replace("-", " "): number for number, line in enumerate(names, 1) for name in line.split()}


_MONTHS = _numbered(_MONTH_NAMES)
_HIJRI = _numbered(_HIJRI_NAMES)


def _one_of(names: dict[str, int]) -> str:
    return "|".join(re.escape(name).replace(r"\ ", r"\s?") for name in sorted(names, key=len, reverse=True))


_MONTH = rf"(?P<month>{_one_of(_MONTHS | _HIJRI)})"
_OF = r"(?:\s?(?:de|del|of|من|شهر)\s)?"
_DAY = r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?"
_YEAR = r"(?P<year>\d{4})(?!\d)"
_DATES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"{_DAY}{_OF}[\s./-]{{0,3}}(?<![^\W\d_]){_MONTH}(?![^\W\d_])[.,،]?{_OF}[\s/-]{{0,3}}(?:sene\s)?{_YEAR}",
        rf"(?<![^\W\d_]){_MONTH}(?![^\W\d_])\.?\s{{0,3}}{_DAY},?\s{{1,3}}{_YEAR}",
        r"(?<![\d.])(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})(?!\d)",  # with dots the day comes first
        rf"(?<!\d){_YEAR}\s?[年년]\s?(?P<month>\d{{1,2}})\s?[月월]\s?(?P<day>\d{{1,2}})\s?[日일]",
    )
)
_TIME = re.compile(
    r"(?<![\d:.])(?P<hour>[01]?\d|2[0-3])(?:\s?[:h.時点]\s?(?P<minute>[0-5]\d)(?:[:分]\s?(?P<second>[0-5]\d))?)"
    r"(?![\d:])\s?(?P<half>[ap]\.?\s?m\b\.?|صباحا?ً?|مساءً?ا?|[صم](?!\w))?"
    r"|(?<![\d:.])(?P<hour_alone>1[0-2]|0?[1-9])\s?(?P<half_alone>[ap]\.?\s?m\b\.?|صباحا?ً?|مساءً?ا?)"
    r"|(?<![\d:.])(?P<hour_only>[01]?\d|2[0-3])\s?(?:h|Uhr|heures)(?![^\W\d_])",
    re.I,
)
_HOURS = {
    "utc": 0.0, "gmt": 0.0, "z": 0.0, "bst": 1.0, "wet": 0.0, "west": 1.0, "cet": 1.0, "mez": 1.0, "cest": 2.0,
    "mesz": 2.0, "eet": 2.0, "eest": 3.0, "trt": 3.0, "msk": 3.0, "мск": 3.0,
    "est": -5.0, "edt": -4.0, "cdt": -5.0, "mst": -7.0,
    "mdt": -6.0, "pst": -8.0, "pdt": -7.0, "jst": 9.0, "kst": 9.0, "aest": 10.0, "aedt": 11.0, "sgt": 8.0, "hkt": 8.0,
    "pkt": 5.0, "غرينتش": 0.0, "جرينتش": 0.0, "غرينيتش": 0.0,
}  # fmt: skip
"""Hours ahead of UTC. Left out: letters that mean several zones (IST, CST, AST, GST)."""
_CITIES = {
    "القاهرة": "Africa/Cairo", "مصر": "Africa/Cairo", "مكة": "Asia/Riyadh", "الرياض": "Asia/Riyadh",
    "السعودية": "Asia/Riyadh", "دبي": "Asia/Dubai", "الإمارات": "Asia/Dubai", "أبوظبي": "Asia/Dubai",
    "بيروت": "Asia/Beirut", "دمشق": "Asia/Damascus", "بغداد": "Asia/Baghdad", "عمان": "Asia/Amman",
    "تونس": "Africa/Tunis", "الجزائر": "Africa/Algiers", "المغرب": "Africa/Casablanca", "الرباط": "Africa/Casablanca",
    "الدوحة": "Asia/Qatar", "الكويت": "Asia/Kuwait", "لندن": "Europe/London", "باريس": "Europe/Paris",
    "paris": "Europe/Paris", "bruxelles": "Europe/Brussels", "london": "Europe/London", "new york": "America/New_York",
    "tunis": "Africa/Tunis", "alger": "Africa/Algiers", "casablanca": "Africa/Casablanca", "dubai": "Asia/Dubai",
    "cairo": "Africa/Cairo", "beirut": "Asia/Beirut", "berlin": "Europe/Berlin", "wien": "Europe/Vienna",
}  # fmt: skip
_ZONE = re.compile(
    r"(?:(?:utc|gmt)\s?)?(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?(?!\d)"
    rf"|(?<![^\W\d_])(?P<letters>{'|'.join(sorted(_HOURS, key=len, reverse=True))})(?![^\W\d_])",
    re.I,
)
_CITY = re.compile(
    rf"(?:بتوقيت|توقيت|heure de|heure d')\s?(?P<of>{'|'.join(_CITIES)})|(?P<before>{'|'.join(_CITIES)})\s(?:time|zeit)",
    re.I,
)


def read_worded_date(text: str) -> datetime | None:
    """The date, with its time and zone where the text names them, else midnight and naive; None where there is none.

    Digits must be Latin already. Raises nothing: a day that a month does not have gives None.
    """
    text = text[:_LONGEST_TEXT]
    match = next((found for pattern in _DATES if (found := pattern.search(text))), None)
    if match is None:
        return None
    rest = f"{text[: match.start()]} ; {text[match.end() :]}"
    clock = _TIME.search(rest)
    hour, minute, second = _clock(clock)
    day, year = int(match["day"]), int(match["year"])
    name = " ".join(match["month"].casefold().split())
    try:
        if name in _HIJRI:
            date = _from_hijri(year, _HIJRI[name], day)
        else:
            date = datetime(year, int(name) if name.isdigit() else _month(name), day)  # noqa: DTZ001 - the zone follows
        if date is None:
            return None
        zone = _zone_in(rest[clock.end() :] if clock else rest, with_offset=clock is not None)
        return date.replace(hour=hour, minute=minute, second=second, tzinfo=zone)
    except ValueError:
        return None


def names_no_hour(text: str) -> bool:
    """Whether a text says no more than a day."""
    return _TIME.search(_without_date(text)) is None and not re.search(r"\d:\d|\dT\d|\d{6}", text)


def is_date_alone(text: str) -> bool:
    """Whether a text is a date, with its hour, zone and day of the week at the most."""
    rest = _without_date(text)
    if rest == text:
        return False
    rest = _ZONE.sub(" ", _TIME.sub(" ", rest))
    words = [word for word in re.findall(r"[^\W\d_]+", rest) if word.casefold() not in _AT]
    return len(words) <= 1 and not any(c.isdigit() for c in rest)


_AT = frozenset(
    {"at", "um", "à", "a", "kl", "le", "den", "the", "on", "am", "de", "from", "uhr", "h", "heure", "heures", "time"}
)


def _without_date(text: str) -> str:
    match = next((found for pattern in _DATES if (found := pattern.search(text))), None)
    return text if match is None else f"{text[: match.start()]} ; {text[match.end() :]}"


def _month(name: str) -> int:
    known = _MONTHS.get(name)
    if known is None:  # written without the space ("تشرينالثاني")
        known = next((number for word, number in _MONTHS.items() if word.replace(" ", "") == name), 0)
    return known


def _clock(match: re.Match[str] | None) -> tuple[int, int, int]:
    if match is None:
        return 0, 0, 0
    hour = int(match["hour"] or match["hour_alone"] or match["hour_only"])
    half = (match["half"] or match["half_alone"] or "").casefold()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half[0] in "pم" else 0)
    return hour, int(match["minute"] or 0), int(match["second"] or 0)


def _zone_in(text: str, *, with_offset: bool) -> tzinfo | None:
    """The zone that the text behind a time names; an offset without a time would be a piece of another number."""
    city = _CITY.search(text)
    if city:
        return ZoneInfo(_CITIES[(city["of"] or city["before"]).casefold()])
    match = _ZONE.search(text)
    if match is None:
        return None
    if match["letters"]:
        hours = _HOURS[match["letters"].casefold()]
        return timezone(timedelta(hours=hours)) if hours else UTC
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    if not with_offset or offset > timedelta(hours=14):
        return None
    return timezone(-offset if match["sign"] == "-" else offset)


def _from_hijri(year: int, month: int, day: int) -> datetime | None:
    if not _FIRST_HIJRI <= year <= _LAST_HIJRI:
        return None
    from hijridate import Hijri  # few pages need it

    try:
        date = Hijri(year, month, day).to_gregorian()
    except (ValueError, OverflowError):
        return None
    return datetime(date.year, date.month, date.day)  # noqa: DTZ001 - the zone is the caller's to set
