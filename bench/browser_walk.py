"""Pages a second that our browser walk shows, beside plain scrapy-playwright on the same pages, in one run.

A page is a shell with eight pictures, a font and one JSON answer that its text is drawn from. Ours is the whole path up
to the database, through the guard's proxy; scrapy-playwright only reads title and price. Rounds alternate; the best of
each counts, from the first page to the last, so that nobody's start is counted. `browser_walk.py ours|plain|serve` are
the processes of a run.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pages import drawn_item_page  # noqa: E402
from server import LONGEST_HEAD, Site  # noqa: E402
from serving import serving  # noqa: E402

AT_ONCE = 4
ROUNDS = 2
TARGET = 2.0
PICTURES = 8
PICTURE_SIZE = (1024, 768)
FONT_BYTES = 40_000


def compare(place: Path, pages: int, rounds: int = ROUNDS) -> dict[str, Any]:
    """Pages a second of both kinds and their ratio. Raises CalledProcessError where a crawl fails."""
    rates: dict[str, list[float]] = {"plain": [], "ours": []}
    with serving("browser_walk.py", "serve", pages) as address:
        for number in range(rounds):
            rates["plain"].append(_rate("plain", address, str(pages)))
            rates["ours"].append(_rate("ours", address, str(pages), str(place / f"walk-{number}")))
    best = {kind: max(found) for kind, found in rates.items()}
    return {
        "pages": pages,
        "at_once": AT_ONCE,
        "pages_per_second": best,
        "ratio": best["ours"] / best["plain"],
        "pages_per_second_of_each_run": rates,
    }


def line(figures: dict[str, Any]) -> str:
    """The figures for a reader."""
    rate = figures["pages_per_second"]
    label = f"pages of 8 pictures, a font and JSON, {figures['at_once']} at once (pages/s)"
    return (
        f"{label}\n{'  scrapy-playwright as it comes':44}{rate['plain']:8.1f}\n{'  our walk':44}{rate['ours']:8.1f}\n"
        f"{'  ratio':44}{figures['ratio']:8.2f}   (to reach: {TARGET:g} or more)"
    )


def _rate(kind: str, *arguments: str) -> float:
    command = [sys.executable, str(Path(__file__)), kind, *arguments]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=HERE.parent)
    return float(json.loads(ended.stdout.splitlines()[-1])["pages_per_second"])


def walk_plain(address: str, pages: int) -> float:
    """scrapy-playwright with its defaults, waiting for what the page draws."""
    from scrapy import Request, Spider
    from scrapy.crawler import CrawlerProcess
    from scrapy.http import Response
    from scrapy_playwright.page import PageMethod

    from crawler.chromium import launch_options

    seen: list[float] = []

    class PlainSpider(Spider):
        name = "plain"

        async def start(self) -> Any:
            yield Request(f"{address}/drawn/search?q={pages}", meta={"playwright": True})

        def parse(self, response: Response) -> Iterator[Any]:
            for link in response.css("a.card::attr(href)").getall():
                drawn = {"playwright": True, "playwright_page_methods": [PageMethod("wait_for_selector", "h1")]}
                yield response.follow(link, callback=self.parse_item, meta=drawn)

        def parse_item(self, response: Response) -> Iterator[Any]:
            title, price = response.css("h1::text").get(), response.css(".price::text").get()
            if title and price:
                seen.append(time.monotonic())
            yield {"title": title, "price": price}

    handler = "scrapy_playwright.handler.ScrapyPlaywrightDownloadHandler"
    ours, kept = launch_options(), ("executable_path", "chromium_sandbox", "headless")
    process = CrawlerProcess(
        {
            "LOG_LEVEL": "WARNING",
            "ROBOTSTXT_OBEY": False,
            "TWISTED_REACTOR": "twisted.internet.asyncioreactor.AsyncioSelectorReactor",
            "DOWNLOAD_HANDLERS": {"http": handler, "https": handler},
            "CONCURRENT_REQUESTS": AT_ONCE,
            "CONCURRENT_REQUESTS_PER_DOMAIN": AT_ONCE,
            "DOWNLOAD_DELAY": 0,
            "PLAYWRIGHT_LAUNCH_OPTIONS": {key: ours[key] for key in kept},
        }
    )
    process.crawl(PlainSpider)
    process.start()
    return _pages_per_second(seen, pages)


def walk_ours(address: str, pages: int, root: Path) -> float:
    """The crawl job as `relicwatch job` does it."""
    from market import queue_crawl
    from sqlalchemy import select

    from storage.database import Database
    from storage.jobs import claim_job
    from storage.leases import process_holder
    from storage.tables import Capture
    from work import run_job

    home, job = queue_crawl(root, address, pages, drawn=True, concurrency=AT_ONCE)
    database = Database(home.database_url)
    claimed = claim_job(database, process_holder(), job_id=job)
    assert claimed is not None
    result = run_job(database, home, claimed, lambda _counts: None)
    with database.reading() as session:
        shown = select(Capture.captured_at).where(Capture.kind == "dom", Capture.url.contains("/drawn/item/"))
        moments = [moment.timestamp() for moment in session.scalars(shown)]
    database.dispose()
    if result["counts"].get("listings") != pages:
        raise SystemExit(f"{result['counts']} of {pages} listings were kept: the figure would not count")
    return _pages_per_second(moments, pages)


def _pages_per_second(moments: list[float], pages: int) -> float:
    if len(moments) != pages:
        raise SystemExit(f"{len(moments)} of {pages} pages were read: the figure would not count")
    return (pages - 1) / (max(moments) - min(moments))


# -- the pages ---------------------------------------------------------------------------------------------------


class RichSite(Site):
    """The drawn pages of the benchmark, with pictures and a font in them."""

    def __init__(self, lots: int) -> None:
        super().__init__(lots)
        self._pictures = [_picture(number) for number in range(PICTURES)]
        self._font = random.Random(1).randbytes(FONT_BYTES)

    def answer(self, target: str) -> tuple[int, str, bytes]:
        match target.partition("?")[0].strip("/").split("/"):
            case ["picture", _, view]:
                return 200, "image/jpeg", self._pictures[int(view.partition(".")[0])]
            case ["font.woff2"]:
                return 200, "font/woff2", self._font
            case ["drawn", "item", number]:
                return 200, "text/html; charset=utf-8", _rich(drawn_item_page(int(number)), number)
        return super().answer(target)


def _rich(shell: bytes, number: str) -> bytes:
    pictures = "".join(f'<img src="/picture/{number}/{view}.jpg" width="400" alt="">' for view in range(PICTURES))
    style = "<style>@font-face{font-family:Shop;src:url(/font.woff2)}body{font-family:Shop,serif}</style>"
    return shell.replace(b"<main></main>", f"{style}<main></main><p>Shown in the shop's type.</p>{pictures}".encode())


def _picture(seed: int) -> bytes:
    """A photograph-like JPEG: soft shapes with grain."""
    from PIL import Image

    rng = random.Random(seed)
    coarse = Image.frombytes("RGB", (16, 12), rng.randbytes(16 * 12 * 3)).resize(PICTURE_SIZE, Image.Resampling.BICUBIC)
    grain = Image.frombytes("RGB", (256, 192), rng.randbytes(256 * 192 * 3)).resize(PICTURE_SIZE)
    out = io.BytesIO()
    Image.blend(coarse, grain, 0.15).save(out, "JPEG", quality=80)
    return out.getvalue()


async def _serve(lots: int) -> None:
    server = await asyncio.start_server(RichSite(lots).serve, "127.0.0.1", 0, limit=LONGEST_HEAD)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    kind, *given = sys.argv[1:]
    if os.geteuid() == 0:
        os.environ.setdefault("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
    if kind == "serve":
        asyncio.run(_serve(int(given[0])))
        return
    address, pages = given[0], int(given[1])
    rate = walk_plain(address, pages) if kind == "plain" else walk_ours(address, pages, Path(given[2]))
    sys.stdout.write(json.dumps({"pages_per_second": rate}) + "\n")


if __name__ == "__main__":
    main()
