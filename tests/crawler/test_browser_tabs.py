"""Tabs reused from page to page, with a real Chromium: nothing stays in them, and nothing a page does stops them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

import psutil
import pytest

from tests.crawler.test_browser import PAGE, serve
from tests.crawling import ROOT, Place, ended
from tests.market_server import Asked, MarketServer, Reply, reply
from tests.needs import SANDBOX

pytestmark = pytest.mark.needs_chromium


def walk(place: Place, urls: list[str], meta: dict[str, Any] | None = None, **limits: float) -> list[dict[str, Any]]:
    """What `show_page` tells of each address, all shown by one handler, one after the other."""
    command = [sys.executable, "-m", "tests.crawler.show_page", json.dumps(urls), json.dumps(limits)]
    process = subprocess.Popen(
        [*command, json.dumps(meta or {})],
        cwd=ROOT,
        env=place.environment(SANDBOX),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = ended(process)
    assert end.status == 0, end.err
    told: list[dict[str, Any]] = json.loads(end.out)
    return told


def test_a_page_finds_nothing_that_another_left_in_its_tab(place: Place, market: MarketServer) -> None:
    leave = """<script>const session = sessionStorage.getItem('was'); sessionStorage.setItem('was', 'here');
        document.title = [document.cookie, localStorage.getItem('was'), session, window.name].join('|');
        document.cookie = 'was=here'; localStorage.setItem('was', 'here'); window.name = 'here';</script>"""
    market.routes["/lot"] = reply(PAGE.format(leave), headers=[("Content-Type", "text/html"), ("Set-Cookie", "s=1")])
    told = walk(place, [market.url("/lot")] * 3)
    assert [one["error"] for one in told] == [None] * 3
    assert all("<title>|||<" in one["body"] or "<title>s=1|||<" in one["body"] for one in told), told
    heads = [asked.head.lower() for asked in market.asked if asked.target == "/lot"]
    assert len(heads) == 3 and not any(b"cookie:" in head for head in heads)


def test_a_page_finds_nothing_that_a_frame_of_another_origin_left_in_its_tab(
    place: Place, market: MarketServer
) -> None:
    elsewhere = market.url("/frame").replace("127.0.0.1", "localhost")
    leave = """<script>parent.postMessage([document.cookie, localStorage.getItem('was')].join('|'), '*');
        document.cookie = 'was=here'; localStorage.setItem('was', 'here');</script>"""
    tell = "<script>onmessage = told => document.title = '(' + told.data + ')'</script>"
    market.routes["/frame"] = reply(PAGE.format(leave))
    told = walk(place, [serve(market, f'{tell}<iframe src="{elsewhere}"></iframe>')] * 3)
    assert [one["error"] for one in told] == [None] * 3
    assert all("<title>(|)</title>" in one["body"] for one in told), told


def test_pictures_fonts_films_and_trackers_are_not_asked_for(place: Place, market: MarketServer) -> None:
    extra = """<style>@font-face{font-family:F;src:url(/f.woff2)} h1{font-family:F;background:url(/css.png)}</style>
        <img src="/a.jpg"><img srcset="/b.jpg 2x"><video src="/film.mp4" autoplay></video><audio src="/s.mp3" autoplay>
        </audio><script>new Image().src = '/c.gif'</script><script src="/whole.js"></script>"""
    (told,) = walk(place, [serve(market, extra)])
    assert told["error"] is None
    assert sorted(market.targets()) == ["/lot", "/whole.js"]


def test_dialogs_downloads_popups_and_choosers_hold_nothing_up(place: Place, market: MarketServer) -> None:
    pushy = """<input type=file><script>alert(1); confirm(2); prompt(3); print(); window.open('/popup');
        onbeforeunload = () => 'stay'; document.querySelector('input').click();
        navigator.geolocation.getCurrentPosition(() => {}, refused => document.title = 'refused ' + refused.code);
        Notification.requestPermission().then(said => document.body.dataset.said = said);</script>"""
    market.routes["/file"] = reply(b"x" * 100, headers=[("Content-Disposition", "attachment; filename=a.exe")])
    url = serve(market, pushy)
    told = walk(place, [url, market.url("/file"), url])
    assert told[0]["error"] is None and told[2]["error"] is None, told
    assert "<title>refused 1" in told[0]["body"]
    assert 'data-said="denied"' in told[0]["body"]
    assert told[1]["error"] == "DownloadFailedError"


def test_a_page_that_redirects_itself_on_and_on_is_left(place: Place, market: MarketServer) -> None:
    market.routes["/on"] = reply(PAGE.format("<script>location.replace('/on?' + Math.random())</script>"))
    told = walk(place, [market.url("/on"), serve(market, "")], LONGEST_PAGE_SECONDS=20)
    assert told[0]["error"] in ("DownloadFailedError", "DownloadTimeoutError")  # RL-16
    assert told[1]["error"] is None


def test_a_list_is_scrolled_and_asked_for_more_until_nothing_new_comes(place: Place, market: MarketServer) -> None:
    script = """<ul></ul><button>عرض المزيد</button><a href="/elsewhere">Load more</a><script>
        let shown = 0; const list = document.querySelector('ul');
        const add = () => { for (let n = 0; n < 5; n++) { const a = document.createElement('a');
            a.href = '/lot/' + (++shown); a.textContent = 'lot'; const li = document.createElement('li');
            li.style.height = '400px'; li.append(a); list.append(li); } };
        add(); addEventListener('scroll', () => { if (shown < 15) add(); }, {once: true});
        document.querySelector('button').onclick = () => { if (shown < 40) setTimeout(add, 20); };</script>"""
    url = serve(market, script)
    more, as_it_came = walk(place, [url], {"browser_more": True}) + walk(place, [url])
    assert more["body"].count('href="/lot/') >= 40
    assert as_it_came["body"].count('href="/lot/') < 15
    assert "/elsewhere" not in market.targets()


def test_thirty_pages_share_tabs_that_are_replaced_in_time_and_crashes_cost_their_page_alone(
    place: Place, market: MarketServer
) -> None:
    """RL-10, RL-12: every tenth page takes its process along."""
    url = serve(market, "")
    market.routes["/last"] = Reply(b"", then="hang")
    market.routes["/crash"] = reply(PAGE.format("<script>fetch('/last')</script>"))

    def crash(asked: Asked) -> None:
        if asked.target == "/last":
            for one in psutil.Process().children(recursive=True):
                if "--type=renderer" in one.cmdline():
                    one.kill()

    market.before_answering = crash
    urls = [market.url("/crash") if number % 10 == 5 else url for number in range(30)]
    told = walk(place, urls, PAGES_OF_A_TAB=8)
    failed = [number for number, one in enumerate(told) if one["error"]]
    # Every process is killed, so that the page after may begin in a tab whose end is not told yet: a crawl asks again.
    assert {5, 15, 25} <= set(failed) <= {5, 6, 15, 16, 25, 26}, [one["message"] for one in told]
    assert no_chromium_is_left()


def test_after_many_pages_another_browser_takes_over_and_the_old_one_ends_with_its_driver(
    place: Place, market: MarketServer
) -> None:
    url = serve(market, "")
    browsers: set[int] = set()
    drivers: set[int] = set()

    def count(_asked: Asked) -> None:
        for one in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "chrom" in one.name() and "--type=" not in " ".join(one.cmdline()):
                    browsers.add(one.pid)
                elif "run-driver" in one.cmdline():
                    drivers.add(one.pid)

    market.before_answering = count
    told = walk(place, [url] * 12, PAGES_OF_A_BROWSER=4)
    assert [one["error"] for one in told] == [None] * 12
    assert len(browsers) >= 3 and len(drivers) == 3, (browsers, drivers)
    assert no_chromium_is_left()


def no_chromium_is_left() -> bool:
    return not [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]
