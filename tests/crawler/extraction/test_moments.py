# ruff: noqa: DTZ001 - naive moments are what a page without a zone gives
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from crawler.extraction.date_words import read_worded_date
from crawler.extraction.moments import parse_loose_moment, parse_moment


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1787250194000, datetime(2026, 8, 20, 18, 23, 14, tzinfo=UTC)),
        ("1607270400", datetime(2020, 12, 6, 16, 0, tzinfo=UTC)),
        ("2020-12-06T20:00:00.000Z", datetime(2020, 12, 6, 20, 0, tzinfo=UTC)),
        ("2020-12-27T17:32:52+0500", datetime(2020, 12, 27, 12, 32, 52, tzinfo=UTC)),
        ("2020-12-27 17:32:52 UTC", datetime(2020, 12, 27, 17, 32, 52, tzinfo=UTC)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Dec 06, 2020 3:00 PM EST", datetime(2020, 12, 6, 20, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_with_a_zone_is_read(value, moment):
    read = parse_moment(value)
    assert read == moment
    assert read.tzinfo is not None


@pytest.mark.parametrize(
    "text", ["12 mars 2026 à 18h00", "١٢ مارس ٢٠٢٦ ١٨:٠٠", "12 March 2026 18:00", "2026-03-12T18:00:00"]
)
def test_a_moment_without_zone_needs_the_markets_zone(text):
    assert parse_moment(text) is None
    assert parse_loose_moment(text) == datetime(2026, 3, 12, 18, 0)
    read = parse_moment(text, timezone="Africa/Tunis")
    assert read is not None
    assert read.utcoffset() == timedelta(hours=1)
    assert read == datetime(2026, 3, 12, 18, 0, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12 تشرين الثاني 2026 18:30", datetime(2026, 11, 12, 18, 30)),
        ("12 كانون الأول 2026", datetime(2026, 12, 12)),
        ("5 شباط 2027 20:00", datetime(2027, 2, 5, 20, 0)),
        ("12 نوفمبر 2026 الساعة 6:30 مساءً", datetime(2026, 11, 12, 18, 30)),
        ("3 غشت 2026", datetime(2026, 8, 3)),
        ("14 جويلية 2026", datetime(2026, 7, 14)),
        ("٢ أوت ٢٠٢٦", datetime(2026, 8, 2)),
        ("15 رمضان 1448 هـ", datetime(2027, 2, 22)),
        ("1 محرم 1449هـ", datetime(2027, 6, 6)),
        ("samedi 12 décembre 2026 à 20 h 00", datetime(2026, 12, 12, 20, 0)),
        ("12. Dezember 2026, 18:30 Uhr", datetime(2026, 12, 12, 18, 30)),
        ("12 Aralık 2026 18:30", datetime(2026, 12, 12, 18, 30)),
        ("12 de diciembre de 2026 18:30", datetime(2026, 12, 12, 18, 30)),
        ("12 dicembre 2026 ore 18:30", datetime(2026, 12, 12, 18, 30)),
        ("2026年12月12日 18:30", datetime(2026, 12, 12, 18, 30)),
        ("Ends: Dec 12, 2026, 12:05 am", datetime(2026, 12, 12, 0, 5)),
    ],
)
def test_dates_in_words_are_read_in_the_markets_languages_and_calendars(text, moment):
    assert parse_loose_moment(text) == moment


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("الأحد 12 ديسمبر 2026 18:30 بتوقيت القاهرة", 2),
        ("12 ديسمبر 2026 18:30 بتوقيت مكة", 3),
        ("12 Dec 2026 18:30 CET", 1),
        ("12. Juli 2026 18:30 MESZ", 2),
        ("12 juillet 2026 à 18h30 (heure de Paris)", 2),
        ("12 Dec 2026 18:30 GMT+3", 3),
    ],
)
def test_a_zone_in_words_is_read(text, hours):
    assert parse_moment(text).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["31 février 2026", "40 رمضان 1448", "15 رمضان 9448", "12 craftmay 2026"])
def test_a_day_that_no_calendar_has_is_none(text):
    assert parse_loose_moment(text) is None


@pytest.mark.parametrize("value", [None, "", "soon", "12", True, 10**40, -1, "9999999999999999", "2d 3h", float("nan")])
def test_what_is_no_moment_is_none(value):
    assert parse_moment(value, timezone="UTC") is None


def test_an_unknown_zone_gives_no_moment():
    assert parse_moment("2026-03-12T18:00:00", timezone="Mars/Olympus") is None


def test_a_book_of_dots_and_digits_is_no_date_and_is_soon_put_down() -> None:
    begun = time.process_time()
    assert read_worded_date("1.1." * 250_000) is None
    assert time.process_time() - begun < 2
