import asyncio
import itertools
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from scrapy.http import Response

from crawler import retry
from crawler.retry import LONGEST_WAIT_SECONDS, CrawlStopped, MarketPauses, Pauses, retry_after_seconds
from tests.crawler.conftest import Fetches
from tests.market_server import MarketServer, reply, serving

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        (b"", 0),
        (b"0", 0),
        (b"7", 7),
        (b" 120 ", 120),
        (b"99999999999999999999", 999_999_999),
        (b"Mon, 23 Nov 2026 12:00:30 GMT", 30),
        (b"Mon, 23 Nov 2026 11:59:00 GMT", 0),
        (b"Monday, 23-Nov-26 12:01:00 GMT", 60),
        (b"Fri, 31 Dec 9999 23:59:59 GMT", (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - NOW).total_seconds()),
        (b"soon", 0),
        (b"-5", 0),
        (b"1.5", 0),
        (b"\xd9\xa3", 0),
        (b"Mon, 99 Nov 2026 12:00:30 GMT", 0),
        (b"Mon, 23 Nov 99999 12:00:30 GMT", 0),
    ],
)
def test_a_retry_after_header_is_a_pause_in_seconds_or_nothing(value: bytes | None, seconds: float) -> None:  # RL-21
    assert retry_after_seconds(value, NOW) == seconds


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_nothing_more_is_asked_of_a_busy_market_before_the_pause_is_over(
    fetch: Fetches, market: MarketServer, status: str, form: str
) -> None:  # RL-21
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    pause = "1" if form == "seconds" else format_datetime(until, usegmt=True)
    market.routes["/busy"] = [reply("busy", status, [("Retry-After", pause)]), reply("the page")]
    market.routes["/other"] = reply("another page")
    fetch(market.url("/busy"), market.url("/other"), market.url("/busy"))
    first, second, third = market.asked
    if form == "seconds":
        assert (second.at - first.at).total_seconds() >= 1
    else:
        assert second.at >= until
    assert (third.at - second.at).total_seconds() < 1


def test_a_pause_holds_for_the_host_that_asked_for_it(fetch: Fetches, market: MarketServer) -> None:  # RL-21
    market.routes["/busy"] = reply("busy", "503 Busy", [("Retry-After", "30")])
    with serving() as other:
        other.routes["/"] = reply("a page")
        fetch(market.url("/busy"), other.url("/"))
        assert (other.asked[0].at - market.asked[0].at).total_seconds() < 10


def test_after_a_pause_longer_than_a_crawl_waits_nothing_is_sent_and_the_reason_is_told(
    fetch: Fetches, market: MarketServer
) -> None:
    market.routes["/busy"] = reply("busy", "503 Busy", [("Retry-After", str(int(LONGEST_WAIT_SECONDS * 60)))])
    busy, refused = fetch(market.url("/busy"), market.url("/other"))
    assert isinstance(busy, Response)
    assert isinstance(refused, MarketPauses)
    assert f"{market.netloc} asks for a pause of 3600 s" in str(refused)
    assert market.targets() == ["/busy"]


@pytest.mark.parametrize("value", ["soon", "-1", "0", ""])
def test_a_busy_market_that_names_no_pause_is_left_longer_each_time(
    fetch: Fetches, market: MarketServer, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # RL-21
    monkeypatch.setattr(retry, "FIRST_BACK_OFF_SECONDS", 0.1)
    busy = reply("busy", "503 Busy", [("Retry-After", value)])
    market.routes["/busy"] = [busy, busy, reply("the page"), busy, reply("the page")]
    *_, page = fetch(*(market.url("/busy") for _ in range(5)))
    assert isinstance(page, Response)
    assert page.status == 200
    gaps = [(later.at - sooner.at).total_seconds() for sooner, later in itertools.pairwise(market.asked)]
    assert gaps[0] >= 0.1
    assert gaps[1] >= 0.2
    assert 0.1 <= gaps[3] < 0.2  # an answer in between begins the count anew


def test_a_stop_waits_for_no_pause() -> None:  # RL-33
    stopping = threading.Event()
    pauses = Pauses(is_stopping=stopping.is_set)
    pauses.note("market.example", Response("http://market.example/", 503, {"Retry-After": "50"}))

    async def keep() -> None:
        asyncio.get_running_loop().call_later(0.1, stopping.set)
        await asyncio.wait_for(pauses.keep("market.example"), 10)

    with pytest.raises(CrawlStopped):
        asyncio.run(keep())
