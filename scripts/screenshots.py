"""Takes a picture of every view of the desk in three languages, by day and night, on a desk screen and a phone.

`make screenshots`. The pictures go to build/screenshots, which is not tracked, with sheets of small ones to look
through. The desk stands over the demo's home and, beside it, over a stage of listings that are hard to lay out.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

from crawler.chromium import chromium_fault, launch_options
from crawler.home import Home
from storage.database import Database
from storage.migrate import upgrade
from storage.users import LANGUAGES
from tests.review.looking import DESK, PHONE, Looker
from tests.review.stage import Ordinary, Staged, staged_desk
from tests.review.views import View, views_of

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build" / "screenshots"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
TALLEST = 4000
"""Pixels of a page that a picture shows."""


def main() -> int:
    asked = _arguments()
    fault = chromium_fault()
    if fault is not None:
        sys.stderr.write(f"No screenshots: {fault}\n")
        return 1
    with _demo_desk(asked.demo) as staged, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        looker = Looker(browser, staged.address, staged.database)
        views = [view for view in views_of(staged.stage) if view.name.startswith(asked.view)]
        sizes = [size for size in (DESK, PHONE) if not asked.width or size["width"] == asked.width]
        for language, scheme, size in product(asked.language, asked.scheme, sizes):
            folder = PLACE / f"{language}-{scheme}-{size['width']}"
            folder.mkdir(parents=True, exist_ok=True)
            for view in views:
                _take(looker, view, folder, language, scheme, size)
            _sheet(folder)
        browser.close()
    for complaint in looker.complaints:
        sys.stderr.write(f"{complaint}\n")
    sys.stdout.write(f"The pictures are in {PLACE.relative_to(ROOT)}.\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--view", default="", help="only views whose name begins so")
    parser.add_argument("--language", nargs="*", default=LANGUAGES)
    parser.add_argument("--scheme", nargs="*", default=SCHEMES)
    parser.add_argument("--width", type=int, help="only the screen of this width")
    parser.add_argument(
        "--demo", type=Path, default=PLACE / "demo-home", help="a demo's home, made where there is none"
    )
    return parser.parse_args()


@contextmanager
def _demo_desk(demo: Path) -> Iterator[Staged]:
    """The desk over a copy of the demo's home, with the stage set among the demo's listings."""
    if not (demo / "DEMO").exists():
        subprocess.run([sys.executable, "-m", "cli", "demo", "--once", "--home", str(demo)], cwd=ROOT, check=True)
    place = PLACE / "home"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(demo, place)
    home = Home(place)
    kept = Database(home.database_url)
    upgrade(kept)  # the demo may have run with an earlier version
    kept.dispose()
    with staged_desk(home, Ordinary()) as staged:
        yield staged


def _take(
    looker: Looker, view: View, folder: Path, language: str, scheme: Literal["light", "dark"], size: ViewportSize
) -> None:
    with looker.look(view.role, language, color_scheme=scheme, viewport=size) as page:
        looker.open(page, view)
        page.evaluate("document.querySelectorAll('img').forEach(image => { image.loading = 'eager' })")
        page.wait_for_load_state("networkidle")
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": min(TALLEST, max(size["height"], height))})
        page.screenshot(path=folder / f"{view.name}.png")


def _sheet(folder: Path) -> None:
    """All pictures of a folder, small, on one sheet beside it."""
    pictures = [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.png"))]
    width, height, columns = 460, 620, 5
    sheet = Image.new("RGB", (columns * width, -(-len(pictures) // columns) * height), "#888")
    for number, picture in enumerate(pictures):
        picture = picture.crop((0, 0, picture.width, min(picture.height, picture.width * height // width)))
        picture.thumbnail((width - 8, height - 8))
        sheet.paste(picture, (number % columns * width + 4, number // columns * height + 4))
    sheet.save(folder.with_suffix(".png"))


if __name__ == "__main__":
    raise SystemExit(main())
