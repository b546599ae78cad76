"""The report on paper: printed from memory alone, the same each time, its Arabic found in reading order."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from crawler.home import Home
from evidence.exhibit_files import PRINTED_IMAGES
from evidence.report.printing import NotPrinted, print_pages
from evidence.verify import verify_bundle
from storage.database import Database
from storage.tables import Listing, Observation
from tests.evidence.factory import plant, png
from tests.evidence.test_item_check import exchange, seal

pytestmark = pytest.mark.needs_chromium
TITLE = "رأس تمثال من المرمر"


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")


def test_a_page_reaches_no_file_no_network_and_runs_no_script(tmp_path: Path) -> None:
    # SEC-43
    asked: list[str] = []

    class Tripwire(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Tripwire)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    there = f"http://127.0.0.1:{server.server_address[1]}"
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRETWORD")
    page = f"""<!DOCTYPE html><p>before<img src="{there}/img"><iframe src="file://{secret}"></iframe>
      <link rel="stylesheet" href="{there}/css"><object data="file://{secret}"></object>
      <script>document.body.append("SCRIPTED"); fetch("{there}/fetch")</script>
      <style>@import "{there}/import"; p {{ background: url({there}/url) }}</style>after"""
    printed = print_pages({"en": page.encode()}, {})["en"]
    server.shutdown()
    server.server_close()
    assert printed.startswith(b"%PDF")
    assert asked == []
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", "-", "-"], input=printed, capture_output=True, check=True).stdout.decode()
        assert "before" in text and "SECRETWORD" not in text and "SCRIPTED" not in text


def test_the_same_pages_are_the_same_bytes_and_only_their_own_pictures_are_loaded() -> None:
    # EV-36
    pages = {"ar": f'<!DOCTYPE html><p dir="rtl">{TITLE}<img src="data/items/001/images/a.png">'.encode()}
    pictures = {"data/items/001/images/a.png": lambda: png(200, 10, 10)}
    first, second = (print_pages(pages, pictures)["ar"] for _ in range(2))
    assert first == second
    assert b"/Width 120" in first  # the picture's own
    assert b"/Width 120" not in print_pages(pages, {})["ar"]


def test_an_arabic_bundle_has_its_report_on_paper_with_the_title_in_reading_order(
    home: Home, tmp_path: Path, sqlite_template: Path
) -> None:
    # EV-29
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'own.sqlite3')}")
    planted = plant(database, home, tmp_path / "out", title=TITLE)
    path = planted.export(printer=print_pages, languages=("ar", "fr", "en")).path
    database.dispose()
    assert verify_bundle(path).status == "valid"
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext to read what was printed")
    for language, words in (("ar", "هوية القطعة"), ("fr", "Object ID"), ("en", "What this bundle does not show")):
        pdf = subprocess.run(
            ["unzip", "-p", str(path), f"{path.stem}/data/report.{language}.pdf"], capture_output=True, check=True
        ).stdout
        text = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
        plain = " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())
        assert TITLE in plain, language
        assert words.split()[0] in plain, language


def test_pictures_beyond_those_printed_are_named_and_none_is_a_broken_frame(
    home: Home, tmp_path: Path, sqlite_template: Path
) -> None:
    # EV-29
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'own.sqlite3')}")
    planted = plant(database, home, tmp_path / "out")
    urls = [f"https://auction.example/photos/{number}.png" for number in range(PRINTED_IMAGES + 3)]
    with database.transaction() as session:
        shown = session.get_one(Listing, planted.listing_ids[0]).current_observation_id
        session.get_one(Observation, shown).images = urls
    photos = [
        exchange(url.removeprefix("https://auction.example"), body=png(9, 9, number, 90 + number))
        for number, url in enumerate(urls)
    ]
    seal(planted, *photos)
    sheets: dict[str, bytes] = {}

    def printer(pages: Mapping[str, bytes], pictures: Mapping[str, object]) -> dict[str, bytes]:
        sheets.update(pages)
        asked = re.findall(rb'<img src="([^"]+)"', pages["en"])
        assert len(asked) > PRINTED_IMAGES and {one.decode() for one in asked} <= set(pictures)
        return {}

    path = planted.export(printer=printer, languages=("en", "fr", "ar")).path
    database.dispose()
    assert b"3 more pictures are in the bundle:" in sheets["en"] and "صور أخرى".encode() in sheets["ar"]
    whole = subprocess.run(
        ["unzip", "-p", str(path), f"{path.stem}/index.html"], capture_output=True, check=True
    ).stdout
    assert b"more pictures are" not in whole and whole.count(b"images/image-009.png") > 3


def test_without_a_chromium_the_bundle_is_made_and_says_why_there_is_no_pdf(
    home: Home, tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELICWATCH_CHROMIUM", "off")
    with pytest.raises(NotPrinted, match="switched off"):
        print_pages({"en": b"x"}, {})
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'own.sqlite3')}")
    path = plant(database, home, tmp_path / "out").export(printer=print_pages).path
    database.dispose()
    assert verify_bundle(path).status == "valid"
    info = subprocess.run(["unzip", "-p", str(path), f"{path.stem}/bag-info.txt"], capture_output=True, check=True)
    assert b"Relicwatch-Report-PDF: none: Chromium is switched off" in info.stdout
