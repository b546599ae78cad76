import base64
import gzip
import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
)
from scrapy.http import Response

from crawler.egress import EgressRefused
from evidence.segments import split_http
from tests.crawler.conftest import Fetches
from tests.market_server import MarketServer, Reply, reply, serving

ARABIC = "<html><head><title>مصباح روماني من الفخار</title></head><body>ثمن 120</body></html>"


def odd_reply() -> Reply:
    body = gzip.compress(ARABIC.encode("windows-1256"))
    head = (
        b"HTTP/1.1 200 Mit Vergnuegen\r\n"
        b"x-lAST: first\r\n"
        b"cOnTeNt-tYpE: text/html; charset=windows-1256\r\n"
        b"SET-COOKIE: b=2; Path=/\r\n"
        b"Set-Cookie: a=1\r\n"
        b"X-Spaces:    two  inside   \r\n"
        b"X-Empty:\r\n"
        b"X-Latin: caf\xe9\r\n"
        b"Content-Encoding: gzip\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    )
    return Reply(head, body)


def test_an_odd_answer_lies_on_disk_byte_for_byte_as_the_server_sent_it(fetch: Fetches, market: MarketServer) -> None:
    sent = market.routes["/odd"] = odd_reply()
    (answer,) = fetch(market.url("/odd"))
    ((response, _),) = fetch.pairs()
    assert response.block == sent.head + sent.body  # EV-1
    digest = response.headers["warc-payload-digest"]
    assert digest == "sha256:" + base64.b32encode(hashlib.sha256(sent.body).digest()).decode()  # EV-3
    assert isinstance(answer, Response)
    assert answer.status == 200
    assert answer.body == sent.body


def test_the_request_is_kept_as_the_server_received_it(fetch: Fetches, market: MarketServer) -> None:  # EV-1
    market.routes["/odd"] = odd_reply()
    headers = {"Accept-Language": "ar, fr;q=0.5", "X-Twice": "once"}
    fetch(Request(market.url("/odd?q=%D9%85&x=a+b%2Fc"), headers=headers))
    ((_, request),) = fetch.pairs()
    assert request.block == market.asked[0].head
    assert b"GET /odd?q=%D9%85&x=a+b%2Fc HTTP/1.1\r\n" in request.block
    assert b"Accept-Language: ar, fr;q=0.5\r\n" in request.block


def test_a_posted_body_is_kept_with_its_request(fetch: Fetches, market: MarketServer) -> None:
    market.routes["/form"] = reply("found")
    fetch(Request(market.url("/form"), method="POST", body=b"q=lamp"))
    ((_, request),) = fetch.pairs()
    assert request.block == market.asked[0].head + b"q=lamp"


def test_both_records_of_an_exchange_bear_the_moment_and_the_peer_of_the_request(
    fetch: Fetches, market: MarketServer
) -> None:
    market.routes["/odd"] = odd_reply()
    fetch(market.url("/odd"))
    ((response, request),) = fetch.pairs()
    assert response.headers["warc-date"] == request.headers["warc-date"]
    moment = datetime.fromisoformat(response.headers["warc-date"])
    assert abs((moment - market.asked[0].at).total_seconds()) < 1  # EV-4
    assert response.headers["warc-ip-address"] == request.headers["warc-ip-address"] == "127.0.0.1"  # EV-5
    assert request.headers["warc-concurrent-to"] == response.headers["warc-record-id"]


def test_the_peer_is_the_address_really_dialled(fetch: Fetches) -> None:  # EV-5
    with serving("127.0.0.1") as first, serving("127.0.0.2") as second:
        for server in (first, second):
            server.routes["/"] = reply("a page")
        fetch(first.url("/"), second.url("/"), f"http://localhost:{first.port}/")
    assert [response.headers["warc-ip-address"] for response, _ in fetch.pairs()] == [
        "127.0.0.1",
        "127.0.0.2",
        "127.0.0.1",
    ]


def test_a_name_that_is_not_known_and_a_closed_port_are_told_apart(fetch: Fetches, market: MarketServer) -> None:
    market.close()
    unknown, closed = fetch("http://no-such-name.invalid/", market.url("/"))
    assert isinstance(unknown, CannotResolveHostError)
    assert isinstance(closed, DownloadConnectionRefusedError)
    assert "no-such-name.invalid" in str(unknown)
    assert market.netloc in str(closed)


def test_nothing_is_dialled_on_loopback_unless_the_process_allows_it(
    fetch: Fetches, market: MarketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RELICWATCH_ALLOW_LOOPBACK")
    (answer,) = fetch(market.url("/"))
    assert isinstance(answer, EgressRefused)
    assert market.asked == []


@pytest.mark.parametrize(
    ("name", "sent", "settings", "reason"),
    [
        ("longer than the limit", lambda: reply(b"x" * 50_000), {"RELICWATCH_MOST_BODY_BYTES": 10_000}, "length"),
        (
            "longer than the limit without a length",
            lambda: Reply(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 50_000, "close"),
            {"RELICWATCH_MOST_BODY_BYTES": 10_000},
            "length",
        ),
        ("silence in the body", lambda: reply(b"half", length=100, then="hang"), {"DOWNLOAD_TIMEOUT": 0.5}, "time"),
        ("the end before its time", lambda: reply(b"half", length=100, then="close"), {}, "disconnect"),
        ("a reset", lambda: reply(b"half", length=100, then="reset"), {}, "disconnect"),
        (
            "a chunk that ends too soon",
            lambda: Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"64\r\nhalf", "close"),
            {},
            "disconnect",
        ),
        (
            "no last chunk",
            lambda: Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"4\r\nhalf\r\n", "close"),
            {},
            "disconnect",
        ),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_a_cut_body_is_kept_as_far_as_it_came_with_the_reason(
    fetch: Fetches, market: MarketServer, name: str, sent: Callable[[], Reply], settings: dict, reason: str
) -> None:  # EV-7, RL-14
    market.routes["/cut"] = sent()
    (answer,) = fetch(market.url("/cut"), **settings)
    ((response, _),) = fetch.pairs()
    assert response.headers["warc-truncated"] == reason
    _, body = split_http(response.block)
    if reason == "length":
        assert body == b"x" * 10_000
        assert isinstance(answer, Response)
        assert answer.flags == ["truncated"]
    else:
        assert body in (b"half", b"") if name == "a reset" else body == b"half"
        assert isinstance(answer, DownloadFailedError)
        assert "cut off after" in str(answer)


def test_an_answer_that_never_begins_ends_in_time_and_leaves_no_record(fetch: Fetches, market: MarketServer) -> None:
    market.routes["/silent"] = Reply(b"", then="hang")  # RL-13
    market.routes["/half"] = Reply(b"HTTP/1.1 200 OK\r\nX-Half: ", then="hang")
    answers = fetch(market.url("/silent"), market.url("/half"), DOWNLOAD_TIMEOUT=0.3)
    assert all(isinstance(answer, DownloadTimeoutError) for answer in answers)
    assert "no answer within 0.3 s" in str(answers[0])


def test_a_chunked_body_is_put_together_and_its_head_stays(fetch: Fetches, market: MarketServer) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED\r\nContent-Type: text/plain\r\n\r\n"
    market.routes["/chunked"] = Reply(head, b"4\r\nRoma\r\n6;ext=1\r\nn lamp\r\n0\r\nX-Trailer: t\r\n\r\n")
    (answer,) = fetch(market.url("/chunked"))
    ((response, _),) = fetch.pairs()
    assert split_http(response.block) == (head, b"Roman lamp")
    assert isinstance(answer, Response)
    assert answer.body == b"Roman lamp"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_without_a_body_is_whole(fetch: Fetches, market: MarketServer, status: str) -> None:
    sent = market.routes["/none"] = Reply(f'HTTP/1.1 {status}\r\nETag: "x"\r\n\r\n'.encode())
    market.routes["/next"] = reply("the next page")
    fetch(market.url("/none"), market.url("/next"))
    (first, _), (second, _) = fetch.pairs()
    assert first.block == sent.head
    assert "warc-truncated" not in first.headers
    assert split_http(second.block)[1] == b"the next page"


def test_an_interim_answer_is_not_taken_for_the_answer(fetch: Fetches, market: MarketServer) -> None:
    final = reply("the page itself")
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
    market.routes["/early"] = Reply(b"HTTP/1.1 100 Continue\r\n\r\n" + early + final.head, final.body)
    (answer,) = fetch(market.url("/early"))
    ((response, _),) = fetch.pairs()
    assert response.block == final.head + final.body
    assert isinstance(answer, Response)
    assert answer.status == 200


def test_a_header_line_of_seventy_thousand_bytes_is_kept(fetch: Fetches, market: MarketServer) -> None:
    sent = market.routes["/long"] = reply("the page", headers=[("X-Long", "a" * 70_000)])
    fetch(market.url("/long"))
    ((response, _),) = fetch.pairs()
    assert response.block == sent.head + sent.body


def test_a_head_without_end_is_refused(fetch: Fetches, market: MarketServer) -> None:
    market.routes["/endless"] = reply("the page", headers=[(f"X-{n}", "a" * 60_000) for n in range(20)])
    market.routes["/line"] = reply("the page", headers=[("X-Long", "a" * 2_000_000)])
    market.routes["/next"] = reply("the next page")
    endless, line, after = fetch(market.url("/endless"), market.url("/line"), market.url("/next"))
    assert isinstance(endless, DownloadFailedError)
    assert isinstance(line, DownloadFailedError)
    assert isinstance(after, Response)
    assert len(fetch.pairs()) == 1


def test_an_answer_that_is_no_http_fails_with_the_address(fetch: Fetches, market: MarketServer) -> None:
    market.routes["/gopher"] = Reply(b"iWelcome to the gopher hole\r\n\r\n", then="close")
    (answer,) = fetch(market.url("/gopher"))
    assert isinstance(answer, DownloadFailedError)
    assert market.url("/gopher") in str(answer)


def test_heads_on_one_connection_are_kept_apart(fetch: Fetches, market: MarketServer) -> None:
    sent = {}
    for n in range(60):
        sent[f"/{n}"] = reply(f"page {n}" * (n + 1), headers=[(f"X-Of-{n}", "y" * n * 50)])
    market.routes.update(sent)
    fetch(*(market.url(path) for path in sent))
    assert {one.connection for one in market.asked} == {1}
    assert [response.block for response, _ in fetch.pairs()] == [one.head + one.body for one in sent.values()]


def test_a_server_that_dribbles_is_left_at_the_deadline_of_the_whole_exchange(
    fetch: Fetches, market: MarketServer
) -> None:
    def dribble(ending: threading.Event) -> Iterator[bytes]:
        while not ending.wait(0.05):
            yield b"x"

    market.routes["/body"] = Reply(b"HTTP/1.1 200 OK\r\n\r\n", parts=dribble)
    market.routes["/head"] = Reply(b"HTTP/1.1 200 OK\r\nX-Slow: ", parts=dribble)
    body, head = fetch(market.url("/body"), market.url("/head"), DOWNLOAD_TIMEOUT=0.5)
    assert isinstance(body, DownloadFailedError)
    assert isinstance(head, DownloadTimeoutError)


def test_a_page_that_comes_again_unchanged_is_a_revisit_of_the_first_one(fetch: Fetches, market: MarketServer) -> None:
    market.routes["/page"] = reply("x" * 5_000)  # EV-9
    fetch(market.url("/page"), market.url("/page"))
    (first, _), (second, _) = fetch.pairs()
    assert (first.type, second.type) == ("response", "revisit")
    assert second.headers["warc-profile"].endswith("/revisit/identical-payload-digest")
    assert second.headers["warc-refers-to"] == first.headers["warc-record-id"]
    assert second.headers["warc-refers-to-date"] == first.headers["warc-date"]
    assert second.headers["warc-refers-to-target-uri"] == market.url("/page")
    assert second.headers["warc-payload-digest"] == first.headers["warc-payload-digest"]


def test_the_segment_begins_with_who_wrote_it_and_passes_warcio_check(fetch: Fetches, market: MarketServer) -> None:
    market.routes["/odd"] = odd_reply()
    market.routes["/chunked"] = Reply(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"4\r\nRoma\r\n0\r\n\r\n"
    )
    market.routes["/cut"] = reply(b"half", length=100, then="close")
    market.routes["/none"] = Reply(b"HTTP/1.1 204 No Content\r\n\r\n")
    market.routes["/page"] = reply("x" * 5_000)
    fetch(*(market.url(path) for path in ("/odd", "/chunked", "/cut", "/none", "/page", "/page")))
    first = fetch.records()[0]
    assert first.type == "warcinfo"  # EV-2
    facts = dict(line.split(": ", 1) for line in first.block.decode().splitlines())
    assert all(facts[name] for name in ("software", "commit", "hostname", "operator", "robots", "format"))
    check = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", "-v", str(fetch.segment())], capture_output=True, text=True
    )
    said = check.stdout + check.stderr  # EV-3
    assert check.returncode == 0, said
    assert said.count("digest pass") == 12
    assert said.count("digest present but not checked") == 1  # the revisit's payload stands in another record
    assert "no digest" not in said
    assert "sha1" not in said
