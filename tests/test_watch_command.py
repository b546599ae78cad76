"""`relicwatch watch`: what a person asks for, what a real crawl teaches, and what the list then says."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from markets.admission import hindrances, watched_in_vain
from markets.catalog import get_market
from markets.planning import START_SECONDS
from markets.replanning import replan_ended
from storage.tables import Crawl, Job, Watch, WatchPlan
from storage.watches import make_due_jobs
from tests.crawling import MARKET, Place
from tests.market_server import lot_page, reply, results_page, serving


def test_an_interval_that_the_market_s_rate_does_not_allow_is_refused(place: Place) -> None:
    with serving() as market:
        place.define(market, rate="{delay: 20, concurrency: 1}")
        end = place.run("watch", "add", "lamps", "-m", MARKET, "-q", "lamp", "-q", "lampe", "--every", "1s")
    assert end.status == 2
    assert f"--every 1 s is more often than the rate of {MARKET} allows" in end.message
    assert "takes 40 s. Give 40s or more" in end.message
    assert place.rows(select(Watch)) == []


def test_a_search_that_no_crawl_can_answer_is_saved_with_the_reason_said(place: Place) -> None:
    with serving() as market:
        place.define(market, approved=False)
        off = place.run("watch", "add", "lamps", "-m", MARKET, "-q", "lamp")
        keyless = place.run("watch", "add", "ebay", "-m", "etsy", "-q", "lamp")
        place.define(market)
        on = place.run("watch", "add", "coins", "-m", MARKET, "-q", "coin")
    assert off.status == keyless.status == on.status == 0
    assert f"{MARKET} may not be crawled (off)" in off.message
    assert "markets approve" in off.message
    assert "etsy may not be crawled" in keyless.message
    assert on.message == ""
    place.run("watch", "pause", "ebay")
    assert watched_in_vain(place.home, place.database) == []
    place.define(market, approved=False, title="Another Title")
    [sentence] = watched_in_vain(place.home, place.database)
    assert "changed since approval" in sentence


def test_a_market_without_the_key_of_its_api_is_watched_in_vain(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("markets.admission.admit", lambda name, *_: get_market(place.home, name))
    for variable in ("RELICWATCH_ETSY_KEY", "RELICWATCH_EBAY_CLIENT_ID", "RELICWATCH_EBAY_CLIENT_SECRET"):
        monkeypatch.delenv(variable, raising=False)
    [etsy, ebay] = hindrances(["etsy", "ebay_gb"], place.home, place.database)
    assert "RELICWATCH_ETSY_KEY" in etsy and "RELICWATCH_EBAY_CLIENT_ID" in ebay
    monkeypatch.setenv("RELICWATCH_ETSY_KEY", "k")
    assert hindrances(["etsy"], place.home, place.database) == []


def test_a_shortest_interval_says_nothing_of_a_fixed_watch(place: Place) -> None:
    end = place.run("watch", "add", "lamps", "-m", MARKET, "-q", "lamp", "--fixed", "--least", "5m")
    assert end.status == 2 and "--least says nothing there" in end.message
    assert place.rows(select(Watch)) == []


def test_a_watch_learns_from_a_real_crawl_and_says_when_it_asks_again_and_why(place: Place) -> None:
    with serving() as market:
        market.routes["/search?q=lamp"] = reply(results_page(f"/sale/1/lot/{number}" for number in range(1, 4)))
        for number in range(1, 4):
            market.routes[f"/sale/1/lot/{number}"] = reply(lot_page(f"Bronze lamp {number}"))
        place.define(market)
        end = place.run("watch", "add", "lamps", "-m", MARKET, "-q", "lamp", "--every", "12h", "--least", "20m")
        assert end.status == 0, end
        [watch_id] = place.rows(select(Watch.id))
        [job_id] = make_due_jobs(place.database, watch_id)
        assert place.run("job", str(job_id)).status == 0
    assert place.rows(select(Job.state).where(Job.kind == "crawl")) == ["done"]
    assert replan_ended(place.database, place.home, processes=2) == 1
    [plan] = place.rows(select(WatchPlan))
    [crawl] = place.rows(select(Crawl))
    assert crawl.counts["counts"]["new"] == 3
    assert plan.learned["cost_seconds"] >= START_SECONDS
    assert plan.learned["delay_seconds"] == 0
    assert sum(plan.learned["arrivals"]["counts"]) == 0, "what was there before the first crawl is no arrival"
    assert timedelta(minutes=20) <= plan.due_at - crawl.started_at <= timedelta(hours=12)
    [row] = json.loads("[" + place.run("watch", "list", "--json").out.strip().replace("\n", ",") + "]")
    assert row["queries"] == ["lamp"]
    assert row["every"] == "at least every 12h"
    assert row["next due (UTC)"] == f"{plan.due_at:%Y-%m-%d %H:%M:%S}"
    assert "new listings a day expected" in row["why"]
