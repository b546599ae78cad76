"""Real saved pages of sites that nobody here prepared: crawled as a market, and scored field by field."""

import gzip
import http.server
import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from storage.tables import Capture, FrontierEntry, Listing, Observation
from tests.crawling import ROOT, Place, head_and_body, of_url

SHARED = ROOT.parent / "shared"
PAGES = SHARED / "data" / "pages"
LINKED = 38
"""Pages that the sites' indexes link: listings, one auction overview, one shell of a page that only scripts fill."""

pytestmark = pytest.mark.needs_shared("data/pages")


@dataclass(frozen=True)
class Site:
    """Where the pages are served, in the form in which `Place.define` takes a market's server."""

    netloc: str

    def url(self, path: str) -> str:
        return f"http://{self.netloc}{path}"


@pytest.fixture
def site() -> Iterator[Site]:
    found = importlib.util.spec_from_file_location("serve_pages", SHARED / "tools" / "serve_pages.py")
    assert found is not None and found.loader is not None
    tool = importlib.util.module_from_spec(found)
    found.loader.exec_module(tool)
    tool.Pages.root = PAGES
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), tool.Pages) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Site(f"127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_every_saved_listing_page_is_stored_with_its_capture_under_the_address_it_was_asked_at(
    place: Place, site: Site
) -> None:
    place.define(
        site,
        search=f'{{url: "{site.url("/{query}/?page={page}")}", listings: "a.listing", next: "a[rel=next]"}}',
        listing_url='"/(?P<site>[^/]+)/(?P<page>[^/]+)[.]html"',
    )
    end = place.crawl(*sorted(path.name for path in PAGES.iterdir() if path.is_dir()))
    assert end.status == 0, end.err
    linked = {path.relative_to(PAGES).as_posix(): path for path in PAGES.glob("*/*.html") if "search" not in path.name}
    entries = place.rows(select(FrontierEntry).where(FrontierEntry.kind == "listing"))
    assert {entry.url for entry in entries} == {site.url(f"/{path}") for path in linked}
    assert {entry.state for entry in entries} == {"done"}
    assert end.result["counts"]["listings"] == len(linked) == LINKED
    stored = place.rows(
        select(Listing, Observation).join(Observation, Observation.id == Listing.current_observation_id)
    )
    # Canonical links and pictures point to the sites they were saved from: never identity.
    assert {f"{listing.native_id}.html" for listing, _ in stored} == set(linked)
    records = place.records()
    for listing, observation in stored:
        url = site.url(f"/{listing.native_id}.html")
        assert listing.url == url
        assert observation.title, url
        (response,) = of_url(records, url, "response")
        assert gzip.decompress(head_and_body(response)[1]) == linked[f"{listing.native_id}.html"].read_bytes()
    off_market = place.rows(select(Capture.url).where(~Capture.url.startswith(site.url("/"))))
    assert off_market == []


def test_fields_of_the_saved_pages_are_read_without_a_rule_for_any_site() -> None:
    score = [sys.executable, str(SHARED / "tools" / "score_pages.py"), str(PAGES), "--json"]
    command = f"{sys.executable} -m cli extract --batch"
    end = subprocess.run([*score, "--command", command], cwd=ROOT, capture_output=True, text=True, check=True)
    result = json.loads(end.stdout.splitlines()[-1])
    assert result["asserted"] > 300
    assert result["share"] >= 0.97, end.stdout
