from datetime import UTC, datetime, timedelta, timezone

import pytest

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
    assert parse_loose_moment(text) == datetime(2026, 3, 12, 18, 0)  # noqa: DTZ001
    read = parse_moment(text, timezone="Africa/Tunis")
    assert read is not None
    assert read.utcoffset() == timedelta(hours=1)
    assert read == datetime(2026, 3, 12, 18, 0, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize("value", [None, "", "soon", "12", True, 10**40, -1, "9999999999999999", "2d 3h", float("nan")])
def test_what_is_no_moment_is_none(value):
    assert parse_moment(value, timezone="UTC") is None


def test_an_unknown_zone_gives_no_moment():
    assert parse_moment("2026-03-12T18:00:00", timezone="Mars/Olympus") is None
