"""Memory stays flat over 1,000 pages in the browser: the crawl's own process, and all of Chromium's.

# RL-12. Resident sets are summed over the processes of a kind, at every tenth page, as the pages themselves come in; a
hundred pages' median is what counts, for what is free and not yet given back comes and goes.
"""

from __future__ import annotations

import collections
import statistics
import threading
from collections.abc import Iterator

import psutil
import pytest
from sqlalchemy import select

from storage.tables import Capture, Listing
from tests.crawling import Place, ended
from tests.market_server import Asked, MarketServer, Reply, reply
from tests.needs import SANDBOX

PAGES = 1_000
A_WINDOW = 100
AFTER = 200
"""Pages after which the browser has its processes, and all code was run."""
MOST_GROWTH = {"the crawl": 1.25, "its driver": 1.5, "Chromium": 1.1, "all": 1.1}
"""Of the last hundred pages, and of any hundred before them, over the hundred before page 200.

Playwright's driver grows with its pages, so that it is ended with its browser every 250; the two overlap for a moment.
"""
LONGEST_SECONDS = 1_200

# Every page leaves what a careless page leaves: two thousand elements, eight megabytes in a variable, a timer
# that holds on to both, and something stored.
LOT = """<!doctype html><html lang=en><title>Lot {number}</title><body><main></main><script>
    const main = document.querySelector('main');
    const add = (tag, name, text) => {{ const one = document.createElement(tag); one.className = name;
        one.textContent = text; main.append(one); }};
    window.kept = Array.from({{length: 1000}}, (_, n) => ({{n, all: new Float64Array(1000)}}));
    window.shown = Array.from({{length: 2000}}, () => document.createElement('div'));
    setInterval(() => window.kept.length + window.shown.length, 1000);
    localStorage.setItem('seen-{number}', 'x'.repeat(10000));
    fetch('/view/{number}').then(answer => answer.text()).then(said => {{
        add('h1', 'title', 'Oil lamp no. {number}'); add('p', 'price', 'GBP {number}.00'); add('p', 'about', said); }});
    </script></body></html>"""


class Watched:
    """What the processes of one crawl hold, each time another ten pages were asked for."""

    def __init__(self) -> None:
        self.crawl: psutil.Process | None = None
        self.pages = 0
        self.held: list[tuple[int, dict[str, int]]] = []
        """Pages so far, and bytes by kind of process."""
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> None:
        if not asked.target.startswith("/sale/"):
            return
        with self._lock:
            self.pages += 1
            if self.pages % 10 == 0 and self.crawl is not None:
                held = _bytes_held(self.crawl)
                self.held.append((self.pages, {**held, "all": sum(held.values())}))

    def median(self, kind: str, start: int, end: int) -> float:
        return statistics.median(held[kind] for pages, held in self.held if start < pages <= end)


def _bytes_held(crawl: psutil.Process) -> dict[str, int]:
    held: collections.Counter[str] = collections.Counter()
    for one in [crawl, *crawl.children(recursive=True)]:
        try:
            kind = "the crawl" if one == crawl else "Chromium" if "chrom" in one.name() else "its driver"
            held[kind] += one.memory_info().rss
        except psutil.NoSuchProcess:  # it ended just now
            continue
    return held


@pytest.fixture
def market() -> Iterator[MarketServer]:
    server = MarketServer()
    links = "".join(f'<a class="lot" href="/sale/1/lot/{number}">Lot {number}</a>' for number in range(1, PAGES + 1))
    server.routes["/search"] = reply(f"<!doctype html><title>Results</title><body>{links}</body>")
    for number in range(1, PAGES + 1):
        server.routes[f"/sale/1/lot/{number}"] = reply(LOT.format(number=number))
        server.routes[f"/view/{number}"] = _text
    yield server
    server.close()


def _text(asked: Asked) -> Reply:
    return reply("Pottery, some damage. " * 2_000, headers=[("Content-Type", "text/plain")])


@pytest.mark.prove
@pytest.mark.needs_chromium
def test_memory_is_flat_over_a_thousand_pages_in_the_browser(place: Place, market: MarketServer) -> None:
    fields = "{title: h1::text, price: .price::text, description: .about::text}"
    place.define(market, spider="browser", fields=fields, rate="{delay: 0, concurrency: 4}")
    watched = Watched()
    market.before_answering = watched
    running = place.start(*place.crawl_arguments("lamp"), more=SANDBOX)
    watched.crawl = psutil.Process(running.pid)
    end = ended(running, LONGEST_SECONDS)
    assert end.status == 0, (end, place.log())
    drawn = select(Capture.url).where(Capture.kind == "dom", Capture.url.contains("/sale/"))
    assert len(place.rows(drawn)) == len(place.rows(select(Listing.id))) == PAGES, "every page was rendered and kept"

    ends = range(A_WINDOW, PAGES + 1, A_WINDOW)
    faults = []
    for kind, most in MOST_GROWTH.items():
        medians = {end: watched.median(kind, end - A_WINDOW, end) for end in ends}
        growth = medians[PAGES] / medians[AFTER]
        peak = max(median for end, median in medians.items() if end > AFTER) / medians[AFTER]
        print(f"{kind:12}", *(f"{median / 2**20:7.0f}" for median in medians.values()), "MiB, each hundred pages")
        print(f"{'':12} at page {PAGES:,} / at page {AFTER}: {growth:.2f}, at the most {peak:.2f} (bound {most})")
        if max(growth, peak) > most:
            faults.append(f"{kind}: {growth:.2f} at the end, {peak:.2f} at the most")
    assert not faults
