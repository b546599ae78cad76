"""`relicwatch watch`: what a person asks for, what a real crawl teaches, and what the list then says."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import select

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
    assert place.rows(select(Job.state)) == ["done"]
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
    assert row["every"] == "at least every 12:00:00"
    assert row["next due (UTC)"] == f"{plan.due_at:%Y-%m-%d %H:%M:%S}"
    assert "new listings a day expected" in row["why"]
