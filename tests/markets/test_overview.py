from __future__ import annotations

from pathlib import Path

import pytest

from crawler.home import Home
from markets import catalog
from markets.approval import approve
from markets.overview import lead_rows, market_rows
from storage.audit import AuditChain
from storage.database import Database
from storage.tables import Crawl
from tests.markets.samples import changed, sample, write


def test_every_market_has_a_row_and_a_broken_one_says_why(
    database: Database, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "SHIPPED", tmp_path / "none")
    definition = sample(home.markets)
    write(home.markets, changed("verified", None, changed("name", "another")), "another")
    write(home.markets, changed("kind", "shop", changed("name", "wrong")), "wrong")
    with database.transaction() as session:
        approve(
            session, AuditChain("t"), home, definition, actor="layla", legal_basis="order 1", terms=b"t", robots=b""
        )
        session.add(Crawl(market=definition.name, queries=["lamp"], state="failed", fault="No page was read."))
    another, example, wrong = market_rows(database, home)
    assert (another["market"], another["state"], another["verified"]) == ("another", "off", "draft")
    assert another["last crawl"] is None
    assert str(example["state"]).startswith("approved by layla")
    assert str(example["last crawl"]).startswith("failed (")
    assert str(example["last crawl"]).endswith("No page was read.")
    assert wrong["state"] == "broken definition"
    assert "wrong.yaml:9: kind" in str(wrong["definition fault"])
    assert wrong["last crawl"] is None
    assert example["definition fault"] is None
    assert another.keys() == example.keys() == wrong.keys()


def test_leads_have_rows_too() -> None:
    assert lead_rows()[0]["priority"] == 1


def test_a_lead_that_a_definition_covers_is_no_lead_any_more() -> None:
    named = {row["lead"] for row in lead_rows()}
    assert "drouot" in named
    assert not named & {"ebay", "etsy", "catawiki", "liveauctioneers", "olx_pk"}
