"""A key is asked about once, and what an API says against it names the variables, never the key."""

from __future__ import annotations

import asyncio

import pytest

from crawler.errors import UsageError
from spiders.key_check import KeyNotTaken, check_key, keys_there
from tests.market_server import serving
from tests.spiders.ebay import CLIENT_ID, KEY, SECRET, Ebay
from tests.spiders.shops import answer


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("RELICWATCH_ALLOW_LOOPBACK", "1")
    for name in (*KEY, "RELICWATCH_ETSY_KEY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as started:
        monkeypatch.setenv("RELICWATCH_EBAY_API", started.url(""))
        monkeypatch.setenv("RELICWATCH_ETSY_API", started.url(""))
        yield started


def test_which_variables_are_set_is_told_and_not_their_values(server, monkeypatch):
    monkeypatch.setenv("RELICWATCH_EBAY_CLIENT_ID", CLIENT_ID)
    there = keys_there()
    assert there["ebay_browse"] == (
        "eBay", [("RELICWATCH_EBAY_CLIENT_ID", True), ("RELICWATCH_EBAY_CLIENT_SECRET", False)]
    )  # fmt: skip
    assert there["etsy"][1] == [("RELICWATCH_ETSY_KEY", False)]
    assert CLIENT_ID not in repr(there)


def test_a_key_that_ebay_takes_costs_one_request(server, monkeypatch):
    Ebay(server)
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    asyncio.run(check_key("ebay_browse"))
    assert server.targets() == ["/identity/v1/oauth2/token"]


def test_a_wrong_secret_is_told_by_its_variables(server, monkeypatch):
    Ebay(server)
    for name, value in {**KEY, "RELICWATCH_EBAY_CLIENT_SECRET": "wrong-secret"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(KeyNotTaken, match="RELICWATCH_EBAY_CLIENT_SECRET") as refused:
        asyncio.run(check_key("ebay_browse"))
    assert SECRET not in str(refused.value) and "wrong-secret" not in str(refused.value)


@pytest.mark.parametrize(("status", "said"), [(200, None), (403, "does not take the key"), (500, "HTTP 500")])
def test_etsy_is_pinged_with_the_bare_key(server, monkeypatch, status, said):
    monkeypatch.setenv("RELICWATCH_ETSY_KEY", "a-key")
    server.routes["/v3/application/openapi-ping"] = answer({}, status=f"{status} Said")
    if said is None:
        asyncio.run(check_key("etsy"))
    else:
        with pytest.raises(KeyNotTaken, match=said):
            asyncio.run(check_key("etsy"))


def test_without_a_key_nobody_is_asked(server):
    with pytest.raises(UsageError, match="RELICWATCH_ETSY_KEY"):
        asyncio.run(check_key("etsy"))
    with pytest.raises(UsageError, match="no API"):
        asyncio.run(check_key("nothing"))
    assert server.targets() == []
