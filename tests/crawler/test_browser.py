"""The browser as a fetcher, with a real Chromium: what it received is kept also of a page that comes to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select

from evidence.segments import split_http
from storage.tables import Capture
from tests.crawling import ROOT, Ended, Place, ended
from tests.market_server import Asked, MarketServer, Reply, redirect, reply
from tests.needs import SANDBOX

PAGE = "<html><head><title>Oil lamp</title></head><body><h1>Oil lamp</h1>{}</body></html>"
JAVASCRIPT = [("Content-Type", "text/javascript")]
SILENT = Reply(b"", then="hang")
HALF = reply("<p>" + "half " * 2000, length=90_000, then="hang")
TWO_SCRIPTS = '<script src="/whole.js"></script><script src="/other.js"></script>'


def serve(market: MarketServer, extra: str, **routes: Reply) -> str:
    market.routes["/lot"] = reply(PAGE.format(extra))
    market.routes["/whole.js"] = reply("document.title = 'drawn'", headers=JAVASCRIPT)
    market.routes.update({f"/{name}": one for name, one in routes.items()})
    return market.url("/lot")


def program(
    place: Place, url: str, more: dict[str, str] | None = None, meta: dict[str, Any] | None = None, **limits: float
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.crawler.show_page", url, json.dumps(limits)]
    return subprocess.Popen(
        [*command, json.dumps(meta or {})],
        cwd=ROOT,
        env=place.environment(SANDBOX | (more or {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def show(
    place: Place, url: str, more: dict[str, str] | None = None, meta: dict[str, Any] | None = None, **limits: float
) -> dict[str, Any]:
    end: Ended = ended(program(place, url, more, meta, **limits))
    assert end.status == 0, end.err
    return end.result


def rows(place: Place) -> dict[str, tuple[str, str | None]]:
    """URL -> (state, truncated) of each exchange."""
    found = place.rows(select(Capture).where(Capture.kind == "exchange"))
    return {row.url: (row.state, row.truncated) for row in found}


def kept(place: Place, url: str) -> tuple[bytes, bytes]:
    """Head and body of the one record of an address."""
    found = [one for one in place.records() if one.type == "response" and one.headers["warc-target-uri"] == url]
    (record,) = found
    return split_http(record.block)


@pytest.mark.needs_chromium
def test_a_page_that_comes_to_rest_is_kept_whole_with_its_dom(place: Place, market: MarketServer) -> None:
    url = serve(market, '<script src="/whole.js"></script>')
    told = show(place, url)
    assert told["error"] is None, told
    assert "<title>drawn</title>" in told["body"]
    assert rows(place) == {url: ("COMPLETE", None), market.url("/whole.js"): ("COMPLETE", None)}
    assert place.rows(select(Capture.url).where(Capture.kind == "dom")) == [url]
    assert told["captures"] == [market.url("/whole.js"), url, url]


@pytest.mark.needs_chromium
def test_a_page_with_a_resource_that_never_answers_is_kept_as_partial(place: Place, market: MarketServer) -> None:
    url = serve(market, TWO_SCRIPTS, **{"other.js": SILENT})
    told = show(place, url)
    assert told["error"] == "DownloadTimeoutError", told
    assert told["message"] == f"{url} could not be opened in the browser: Page.goto: Timeout 5000ms exceeded."
    assert rows(place) == {url: ("PARTIAL", "time"), market.url("/whole.js"): ("COMPLETE", None)}
    assert kept(place, url)[1] == market.routes["/lot"].body
    assert told["captures"] == [market.url("/whole.js"), url]


@pytest.mark.needs_chromium
def test_a_resource_cut_in_the_middle_is_kept_by_its_head(place: Place, market: MarketServer) -> None:
    url = serve(market, '<script src="/whole.js"></script><iframe src="/frame"></iframe>', frame=HALF)
    assert show(place, url)["error"] == "DownloadTimeoutError"
    assert rows(place) == {
        url: ("PARTIAL", "time"),
        market.url("/whole.js"): ("COMPLETE", None),
        market.url("/frame"): ("PARTIAL", "time"),
    }
    assert kept(place, market.url("/frame"))[0].startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.needs_chromium
def test_a_stream_that_never_ends_holds_nothing_up(place: Place, market: MarketServer) -> None:
    stream = reply("data: 1\n\n", headers=[("Content-Type", "text/event-stream")], length=1000, then="hang")
    url = serve(market, "<script>new EventSource('/stream')</script>", stream=stream)
    told = show(place, url, LONGEST_ANSWER_SECONDS=1)
    assert told["error"] is None, told
    assert rows(place) == {url: ("COMPLETE", None), market.url("/stream"): ("PARTIAL", "time")}


@pytest.mark.needs_chromium
@pytest.mark.parametrize("when", ["after its load", "at once"])
def test_a_page_whose_script_never_ends_is_left_and_kept(place: Place, market: MarketServer, when: str) -> None:
    # The page is scrolled for more of its list once it is at rest, so the loop begins right after the load.
    later = "document.body.style.height = '9000px'; addEventListener('scroll', () => { while (true); })"
    url = serve(market, f"<script>{later if when == 'after its load' else 'while (true);'}</script>")
    most = {"LONGEST_ANSWER_SECONDS": 2, "LONGEST_SETTLE_SECONDS": 2, "LONGEST_MORE_SECONDS": 2}
    told = show(place, url, meta={"browser_more": True}, **most, LONGEST_PAGE_SECONDS=15)
    assert told["error"] == "DownloadTimeoutError", told
    assert url in rows(place)
    assert rows(place)[url][0] == ("COMPLETE" if when == "after its load" else "PARTIAL")
    if when == "after its load":
        assert "it gave no DOM within 2 s" in told["message"]
        assert kept(place, url)[1] == market.routes["/lot"].body


@pytest.mark.needs_chromium
def test_a_page_is_read_as_it_stands_whatever_its_scripts_put_in_the_place_of_the_engines_own(
    place: Place, market: MarketServer
) -> None:
    feigned = """<script>window.MutationObserver = undefined; window.XMLSerializer = undefined;
        window.setTimeout = () => { throw new Error('no time') };
        Object.defineProperty(Element.prototype, 'outerHTML', {get: () => '<h1>Another thing</h1>'});
        document.title = document.documentElement.outerHTML;</script>"""
    told = show(place, serve(market, feigned))
    assert told["error"] is None, told
    assert "<h1>Oil lamp</h1>" in told["body"]
    assert "<title>&lt;h1&gt;Another thing" in told["body"], "the page's own scripts do see what they put there"


@pytest.mark.needs_chromium
def test_a_page_that_crashes_takes_nothing_along(place: Place, market: MarketServer) -> None:
    # One request after the other, each let through by the same process that reads bodies: at the last of them the
    # page's own body has been read for long.
    steps = "(async () => { for (let n = 0; n < 20; n++) await fetch('/step'); await fetch('/last') })()"
    url = serve(market, f"<script>{steps}</script>", step=reply("a step"), last=SILENT)
    started: list[psutil.Process] = []

    def crash(asked: Asked) -> None:
        if asked.target == "/last":
            for one in started[0].children(recursive=True):
                if "--type=renderer" in one.cmdline():
                    one.kill()

    market.before_answering = crash
    running = program(place, url)
    started.append(psutil.Process(running.pid))
    end = ended(running)
    assert end.status == 0, end.err
    told = end.result
    assert told["error"] == "DownloadFailedError", told
    assert "crash" in told["message"].lower()
    assert rows(place)[url] == ("PARTIAL", "disconnect")
    assert kept(place, url)[1] == market.routes["/lot"].body


def test_a_chromium_that_does_not_start_is_told_with_its_own_reason(
    place: Place, market: MarketServer, tmp_path: Path
) -> None:
    broken = tmp_path / "chromium"
    loader = "error while loading shared libraries: libnss3.so: cannot open shared object file"
    broken.write_text(f'#!/bin/sh\necho "$0: {loader}" >&2\nexit 127\n')
    broken.chmod(0o755)
    told = show(place, serve(market, ""), {"RELICWATCH_CHROMIUM": str(broken), "RELICWATCH_CHROMIUM_NO_SANDBOX": "1"})
    assert told["error"] == "DownloadFailedError"
    assert told["message"].endswith(f"could not be opened in the browser: {broken}: {loader}")
    assert market.asked == []


def test_what_the_guard_refuses_is_told_as_its_refusal_and_kept_as_no_answer_of_the_market(
    place: Place, market: MarketServer
) -> None:
    url = serve(market, '<img src="http://10.0.0.1/inside.png">')
    market.routes["/away"] = redirect("http://10.0.0.1/inside")
    page, away = show(place, json.dumps([url, market.url("/away")]))
    assert page["error"] is None
    assert away["error"] == "EgressRefused"
    assert away["message"] == "The guard refused http://10.0.0.1/inside: private."
    assert rows(place) == {url: ("COMPLETE", None), market.url("/away"): ("COMPLETE", None)}
