"""Takes the pictures of docs/pictures from the demo: `make pictures`. Needs Chromium."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 1366, "height": 768}
LANGUAGES = ("en", "fr", "ar")
COLORS = 256
"""Of a picture: few enough that a page with several is read over a weak link."""


def main() -> int:
    sys.path.insert(0, str(ROOT))
    from crawler.chromium import chromium_fault, launch_options

    fault = chromium_fault()
    if fault is not None:
        sys.stderr.write(f"No pictures: {fault}\n")
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "cli", "demo"]
    demo = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    address = bundle = ""
    for line in demo.stdout:
        if found := re.search(r"DEMO evidence bundle of \S+ (\S+\.zip)", line):
            bundle = found[1]
        if found := re.search(r"Review desk: (\S+)", line):
            address = found[1]
            break
    try:
        with sync_playwright() as playwright, TemporaryDirectory() as place:
            browser = playwright.chromium.launch(**launch_options())
            page = browser.new_page(viewport=SIZE)
            take_desk(page, address)
            take_bundle(page, Path(bundle), Path(place))
            browser.close()
    finally:
        demo.terminate()
        demo.wait()
    return 0


def take_desk(page: Page, address: str) -> None:
    desk = address.split("/sign-in")[0]
    page.goto(address)
    page.locator("main button.primary").first.click()
    for language in LANGUAGES:
        page.goto(f"{desk}/")
        choose(page, language)
        page.goto(f"{desk}/")
        keep(page, f"queue-{language}")
        page.goto(page.locator("a[data-hit]").first.evaluate("link => link.href"))
        keep(page, f"listing-{language}")
    choose(page, "en")


def choose(page: Page, language: str) -> None:
    button = page.locator(f"button[name=language][value={language}]")
    if button.count() and button.first.is_enabled():
        page.locator("details.who summary").click()
        button.first.click()


def take_bundle(page: Page, bundle: Path, place: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(place)
    index = next(place.glob("*/index.html"))
    page.goto(index.as_uri())
    keep(page, "bundle")


def keep(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    with Image.open(io.BytesIO(page.screenshot())) as taken:
        taken.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    raise SystemExit(main())
