"""`markets new` against a market on loopback and on saved pages."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.errors import UsageError
from crawler.home import Home
from crawler.robots import RobotsRules
from markets.catalog import get_market
from markets.checks import check
from markets.drafting.draft import DraftExists
from markets.drafting.look import LookRefused
from markets.drafting.new import Drafted, check_request, draft_from_file, draft_from_web
from markets.drafting.proposal import NothingToPropose
from tests.market_server import MarketServer, Reply, lot_page, redirect, reply, serving

LOTS = ["oil-lamp_11", "bronze-coin_12", "glass-flask_13", "stone-seal_14"]


def search_page(prefix: str = "", more: str = "") -> str:
    """A shop's search page with the usual navigation around its results."""
    blocks = "".join(
        f'<li class="col-4"><article class="product-card">'
        f'<a href="{prefix}/catalogue/{lot}/"><img src="/i/{lot}.jpg"></a>'
        f'<h3><a href="{prefix}/catalogue/{lot}/">{lot} of the second century</a></h3>'
        f"<p>£{9 + n}0.00</p></article></li>"
        for n, lot in enumerate(LOTS)
    )
    return f"""<!doctype html><html lang="en"><head><title>Results for lamp | Little Shop</title></head><body>
<nav><a href="/about/">About us</a><a href="/catalogue/all/">All</a></nav><ul>{blocks}</ul>
<ul class="pager"><li class="next"><a href="{prefix}/search?q=lamp&amp;page=2">next</a></li></ul>{more}
<footer><a href="/terms/">Terms</a></footer></body></html>"""


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> Iterator[MarketServer]:
    monkeypatch.setenv("RELICWATCH_ALLOW_LOOPBACK", "1")
    with serving() as server:
        server.routes["/search"] = reply(search_page())
        for lot in LOTS:
            server.routes[f"/catalogue/{lot}/"] = reply(lot_page(f"Lot {lot}", "40.00"))
        yield server


def draft(home: Home, market: MarketServer) -> Drafted:
    return draft_from_web(home, market.url("/search?q=lamp"), name="little_shop", pause_seconds=0)


def test_a_look_makes_a_definition_that_passes_its_own_check(home: Home, market: MarketServer) -> None:
    drafted = draft(home, market)
    definition = get_market(home, "little_shop")
    assert definition.is_draft and definition.title == "Little Shop" and definition.spider == "catalogue"
    assert definition.search is not None
    assert definition.search.url == market.url("/search?q={query}&page={page}")
    assert definition.search.next == "li.next > a"
    assert [definition.native_id(url) for url in drafted.proposal.links] == ["11", "12", "13", "14"]
    assert definition.native_id(market.url("/catalogue/all/")) is None
    [report] = check(home, ["little_shop"])
    assert report.ok and len(report.cases) == 2 and all(case.unchecked for case in report.cases)
    assert "no person has checked it yet" in report.as_text()


def test_it_asks_for_three_pages_and_says_who_it_is(home: Home, market: MarketServer) -> None:
    drafted = draft(home, market)
    assert [one.target for one in market.asked] == ["/robots.txt", "/search?q=lamp", "/catalogue/oil-lamp_11/"]
    assert len(drafted.requests) == 3
    assert all(b"User-Agent: relicwatch/" in one.head for one in market.asked)


def test_the_listing_s_fields_and_what_is_missing_are_told(home: Home, market: MarketServer) -> None:
    record = draft(home, market).as_record()
    assert record["listing"]["title"] == "Lot oil-lamp_11"
    assert record["listing"]["price"] == "40.00"
    assert "images" in record["missing"]
    assert any("images" in sentence for sentence in record["todo"])
    expected = json.loads((home.markets / "fixtures/little_shop/listing/expected.json").read_text())
    assert expected["native_id"] == "11" and expected["currency"] == "GBP"


def test_a_search_that_robots_txt_forbids_is_not_asked_for(home: Home, market: MarketServer) -> None:
    market.routes["/robots.txt"] = reply("User-agent: *\nDisallow: /search\n")
    with pytest.raises(LookRefused, match="does not allow"):
        draft(home, market)
    assert market.targets() == []
    assert not (home.markets / "little_shop.yaml").exists()


def test_a_listing_that_robots_txt_forbids_is_not_asked_for(home: Home, market: MarketServer) -> None:
    market.routes["/robots.txt"] = reply("User-agent: *\nDisallow: /catalogue/\n")
    drafted = draft(home, market)
    assert market.targets() == ["/search?q=lamp"]
    assert any("robots.txt" in sentence for sentence in drafted.proposal.todo)
    assert (home.markets / "fixtures/little_shop/robots.txt").read_bytes().startswith(b"User-agent")
    assert check(home, ["little_shop"])[0].ok


@pytest.mark.parametrize(
    ("agent", "ours"),
    [
        ("relicwatch/2.0", True),
        ("RelicWatch (a program)", True),
        ("relic", False),
        ("relicwatchdog", False),
    ],
)
def test_robots_txt_is_read_as_a_crawl_reads_it(home: Home, market: MarketServer, agent: str, ours: bool) -> None:
    rules = f"User-agent: {agent}\nDisallow: /\n"
    market.routes["/robots.txt"] = reply(rules)
    assert RobotsRules(rules.encode()).allowed(market.url("/search?q=lamp")) is not ours
    if ours:
        with pytest.raises(LookRefused, match="does not allow"):
            draft(home, market)
        assert market.targets() == []
    else:
        draft(home, market)
        assert market.targets()[0] == "/search?q=lamp"


def test_a_pause_longer_than_a_minute_is_kept(
    home: Home, market: MarketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.routes["/robots.txt"] = reply("User-agent: *\nCrawl-delay: 250\n")
    pauses: list[int] = []

    async def waited(seconds: float) -> None:
        pauses.append(round(seconds))

    monkeypatch.setattr("markets.drafting.look.asyncio.sleep", waited)
    draft(home, market)
    assert [pause for pause in pauses if pause] == [250], "between the search page and the listing"


@pytest.mark.parametrize(
    "answer",
    [
        reply("", "503 Busy"),
        redirect("/elsewhere"),
        reply("slow down", "429 Too Many Requests"),
        reply("User-agent: *\nCrawl-delay: 3600\n"),
    ],
)
def test_a_robots_txt_that_cannot_be_read_forbids_all(home: Home, market: MarketServer, answer: Reply) -> None:
    market.routes["/robots.txt"] = answer
    with pytest.raises(LookRefused, match=r"robots\.txt"):
        draft(home, market)
    assert market.targets() == []


def test_a_redirect_is_told_and_not_followed(home: Home, market: MarketServer) -> None:
    market.routes["/search"] = redirect("/login")
    with pytest.raises(LookRefused, match="/login"):
        draft(home, market)
    assert market.targets() == ["/search?q=lamp"]


def test_nothing_is_overwritten_nor_asked_for_twice(home: Home, market: MarketServer) -> None:
    draft(home, market)
    file = home.markets / "little_shop.yaml"
    before, asked = file.read_bytes(), len(market.asked)
    with pytest.raises(DraftExists, match="--name"):
        draft(home, market)
    assert file.read_bytes() == before and len(market.asked) == asked


def test_without_the_process_setting_loopback_is_refused(
    home: Home, market: MarketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RELICWATCH_ALLOW_LOOPBACK")
    with pytest.raises(Exception, match="loopback"):
        draft(home, market)
    assert market.asked == []


def test_a_saved_page_needs_no_network(home: Home, tmp_path: Path) -> None:
    saved = tmp_path / "saved.html"
    saved.write_text(search_page("https://www.shop.example"))
    drafted = draft_from_file(home, saved, "https://www.shop.example/search?q=lamp")
    assert drafted.proposal.name == "shop_example" and drafted.proposal.domains == ["shop.example"]
    assert check(home, ["shop_example"])[0].ok
    assert any("No listing was read" in sentence for sentence in drafted.proposal.todo)


def test_a_page_without_results_makes_no_draft(home: Home, tmp_path: Path) -> None:
    saved = tmp_path / "empty.html"
    saved.write_text("<html lang=en><body><h1>Nothing found</h1></body></html>")
    with pytest.raises(NothingToPropose, match="has results"):
        draft_from_file(home, saved, "https://shop.example/search?q=lamp")
    assert not list(home.markets.iterdir())


def test_an_address_without_search_words_is_wrong_use_before_anything_is_asked(
    home: Home, market: MarketServer
) -> None:
    with pytest.raises(UsageError, match="--query"):
        draft_from_web(home, market.url("/search"), name="little_shop", pause_seconds=0)
    assert market.asked == []


def test_the_list_of_what_is_missing_holds_all_that_the_table_and_the_draft_leave_open(
    home: Home, market: MarketServer, tmp_path: Path
) -> None:
    of_site = draft(home, market)
    todo = " ".join(of_site.proposal.todo)
    assert "seller" in of_site.proposal.missing
    assert all(f"no {field}" in todo for field in of_site.proposal.missing)
    assert "`timezone`" in todo and "`country`" in todo
    assert of_site.proposal.currency == "GBP" and "`currency`" not in todo
    saved = tmp_path / "saved.html"
    saved.write_text(search_page("https://www.shop.example"))
    of_file = " ".join(draft_from_file(home, saved, "https://www.shop.example/search?q=lamp").proposal.todo)
    assert "`timezone`" in of_file and "`currency`" in of_file


@pytest.mark.parametrize(
    ("url", "name", "said"),
    [
        ("auction.example/search?q=lamp", "little_shop", "write https:// before it"),
        ("https:///search?q=lamp", "little_shop", "write https:// before it"),
        ("https://auction.example/search?q=lamp", "Good Name!", "--name: 'Good Name!' is no name"),
    ],
)
def test_what_is_wrong_with_the_request_is_said_before_anybody_is_asked(
    home: Home, url: str, name: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        check_request(home, url, name=name)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj", "application/pdf", "no HTML page (a PDF)"),
        (b'{"lots": ["<div>Lamp</div>"]}', "application/json", "no HTML page (it looks like JSON)"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "image/png", "no HTML page (it came as image/png)"),
        (b"", "text/html", "no HTML page (it is empty)"),
    ],
)
def test_an_answer_that_is_no_page_is_called_so(
    home: Home, market: MarketServer, tmp_path: Path, body: bytes, kind: str, said: str
) -> None:
    market.routes["/search"] = reply(body, headers=[("Content-Type", kind)])
    with pytest.raises(NothingToPropose) as of_site:
        draft(home, market)
    assert said in str(of_site.value) and market.url("/search?q=lamp") in str(of_site.value)
    saved = tmp_path / "saved.html"
    saved.write_bytes(body)
    with pytest.raises(NothingToPropose) as of_file:
        draft_from_file(home, saved, "https://shop.example/search?q=lamp")
    assert str(of_file.value).startswith(f"{saved} is no HTML page (")


def test_a_listing_that_is_no_page_is_told_and_not_frozen(home: Home, market: MarketServer) -> None:
    market.routes["/catalogue/oil-lamp_11/"] = reply(b"%PDF-1.7", headers=[("Content-Type", "application/pdf")])
    drafted = draft(home, market)
    assert any("No listing was read" in line and "a PDF" in line for line in drafted.proposal.todo)
    assert [case.name for case in drafted.written.cases] == ["search"]


def test_three_results_with_a_price_each_are_enough_however_short(home: Home, tmp_path: Path) -> None:
    lots = "".join(f'<li><a href="/lot/{n}">Lamp {n}</a> £40</li>' for n in (1, 2, 3))
    saved = tmp_path / "few.html"
    saved.write_text(f"<html lang=en><title>Lamps | Shop</title><body><a href=/about>About us</a><ul>{lots}</ul>")
    drafted = draft_from_file(home, saved, "https://shop.example/search?q=lamp")
    assert [url.rsplit("/", 1)[1] for url in drafted.proposal.links] == ["1", "2", "3"]
    assert check(home, ["shop_example"])[0].ok


@pytest.mark.parametrize(
    ("status", "said", "not_said"),
    [
        ("404 Not Found", "there is no such page", "crawler"),
        ("403 Forbidden", "does not show it to a crawler", "no such page"),
        ("429 Too Many Requests", "try again later", "no such page"),
        ("400 Bad Request", "does not answer such a request", "crawler"),
    ],
)
def test_what_an_answer_without_a_page_means_is_said(
    home: Home, market: MarketServer, status: str, said: str, not_said: str
) -> None:
    market.routes["/search"] = reply("", status)
    with pytest.raises(LookRefused) as refused:
        draft(home, market)
    assert said in str(refused.value) and not_said not in str(refused.value)


def test_a_server_that_is_down_is_told_in_plain_words(home: Home, market: MarketServer) -> None:
    with serving() as down:
        url = down.url("/search?q=lamp")
    with pytest.raises(LookRefused, match="its server takes no connection, so check the address or try again later"):
        draft_from_web(home, url, name="little_shop", pause_seconds=0)


DRAWN = (
    """<!doctype html><html lang="en"><title>Little Shop</title><div id="app"></div><script src="/app.js"></script>"""
)


@pytest.mark.needs_chromium
def test_a_page_that_scripts_draw_is_opened_in_the_browser(
    home: Home, market: MarketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
    market.routes["/search"] = reply(DRAWN)
    body = json.dumps(search_page())
    script = f"if (location.pathname === '/search') document.getElementById('app').innerHTML = {body}"
    market.routes["/app.js"] = reply(script, headers=[("Content-Type", "text/javascript")])
    drafted = draft(home, market)
    assert drafted.proposal.spider == "browser"
    assert [url.rsplit("_")[1] for url in drafted.proposal.links] == ["11/", "12/", "13/", "14/"]
    assert drafted.proposal.listing is not None and drafted.proposal.listing.title == "Lot oil-lamp_11"
    assert check(home, ["little_shop"])[0].ok
