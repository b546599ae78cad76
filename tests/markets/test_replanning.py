"""Adaptive watches with their database: what a crawl met decides when its search is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.home import Home
from markets.planning import ENDS_LEAD_SECONDS, Arrivals
from markets.replanning import replan_ended
from storage.audit import AuditChain
from storage.database import Database
from storage.jobs import claim_job, fail_job, finish_job
from storage.tables import Assessment, Crawl, Job, Listing, Observation, Watch, WatchPlan
from storage.watch_plans import watch_rows, written_span
from storage.watches import WatchError, add_watch, make_due_jobs, pause_watch, remove_watch

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def watch(database: Database, **changes: Any) -> int:
    options: dict[str, Any] = {"name": "lamps", "markets": ["one"], "queries": ["busy", "quiet"]}
    options |= {"every_seconds": 86400, "adaptive": True, "first_due_at": NOON, "actor": "sami", "audit": AuditChain()}
    with database.transaction() as session:
        return add_watch(session, **(options | changes)).id


def plans(database: Database) -> dict[str, WatchPlan]:
    with database.reading() as session:
        return {plan.query: plan for plan in session.scalars(select(WatchPlan))}


def next_due(database: Database) -> datetime:
    with database.reading() as session:
        return session.scalars(select(Watch.next_due_at)).one()


def crawl_due(database: Database, home: Home, watch_id: int, at: datetime, new: dict[str, int]) -> list[str]:
    """Make the jobs due at a time, let each crawl meet `new` listings within a minute, and plan anew."""
    asked = []
    for _ in make_due_jobs(database, watch_id, at):
        claimed = claim_job(database, "another-machine:1:x")
        assert claimed is not None
        [query] = claimed.arguments["queries"]
        asked.append(query)
        with database.transaction() as session:
            counts = {"pages": 1 + new[query], "new": new[query], "listings": new[query]}
            crawl = Crawl(market="one", job_id=claimed.id, queries=[query], state="complete", started_at=at)
            crawl.finished_at, crawl.counts = at + timedelta(minutes=1), {"counts": counts}
            session.add(crawl)
        finish_job(database, claimed, {})
    replan_ended(database, home, 2, at + timedelta(minutes=1))
    return asked


def test_each_search_of_an_adaptive_watch_gets_a_crawl_of_its_own(database: Database) -> None:
    watch_id = watch(database, markets=["one", "two"])
    assert len(make_due_jobs(database, watch_id, NOON)) == 4
    assert make_due_jobs(database, watch_id, NOON) == []
    with database.reading() as session:
        asked = {(job.arguments["market"], *job.arguments["queries"]) for job in session.scalars(select(Job))}
    assert asked == {(market, query) for market in ("one", "two") for query in ("busy", "quiet")}


def believe(database: Database, query: str, new_each_hour: int) -> None:
    """As if its search had been watched for two weeks."""
    arrivals = Arrivals().learn(NOON - 14 * 24 * HOUR, 0)
    for hours in range(1, 14 * 24):
        arrivals = arrivals.learn(NOON + (hours - 14 * 24) * HOUR, new_each_hour)
    with database.transaction() as session:
        plan = session.scalars(select(WatchPlan).where(WatchPlan.query == query)).one()
        plan.learned = {**plan.learned, "arrivals": arrivals.as_json()}


def test_requests_go_where_new_listings_appear(database: Database, home: Home) -> None:
    watch_id = watch(database)
    assert make_due_jobs(database, watch_id, NOON - HOUR) == []
    crawl_due(database, home, watch_id, NOON, {"busy": 40, "quiet": 3})
    believe(database, "busy", 20)
    believe(database, "quiet", 0)
    asked: list[str] = []
    at = next_due(database)
    while at < NOON + 12 * HOUR:
        asked += crawl_due(database, home, watch_id, at, {"busy": 5, "quiet": 0})
        at = max(next_due(database), at + timedelta(minutes=1))
    assert asked.count("busy") > 5 * asked.count("quiet") >= 5
    assert min(plan.due_at for plan in plans(database).values()) == next_due(database)
    assert "new listings a day expected" in plans(database)["busy"].why


def test_never_sooner_than_the_watch_s_shortest_interval(database: Database, home: Home) -> None:
    watch_id = watch(database, queries=["busy"], least_seconds=7200)
    starts = [NOON]
    for _ in range(4):
        assert crawl_due(database, home, watch_id, starts[-1], {"busy": 500}) == ["busy"]
        starts.append(next_due(database))
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert min(gaps) == gaps[-1] == 2 * HOUR


def test_learning_happens_once_however_many_schedulers_plan(database: Database, home: Home) -> None:
    watch_id = watch(database, queries=["busy"])
    crawl_due(database, home, watch_id, NOON, {"busy": 3})
    before = plans(database)["busy"]
    assert replan_ended(database, home, 2) == 0
    after = plans(database)["busy"]
    assert (after.learned, after.due_at) == (before.learned, before.due_at)


def test_a_market_that_gave_nothing_is_left_alone_for_the_longest_interval(database: Database, home: Home) -> None:
    watch_id = watch(database, queries=["busy"])
    [job_id] = make_due_jobs(database, watch_id, NOON)
    claimed = claim_job(database, "another-machine:1:x")
    assert claimed is not None
    fail_job(database, claimed, "blocked", retry=False)
    assert replan_ended(database, home, 2, NOON) == 1
    plan = plans(database)["busy"]
    assert plan.due_at == NOON + 24 * HOUR == next_due(database)
    assert plan.why == f"its last crawl gave nothing (job {job_id}): the longest interval. blocked"
    assert plan.learned == {}


def test_a_search_whose_crawl_is_still_open_is_not_queued_again_and_not_forgotten(database: Database) -> None:
    watch_id = watch(database, queries=["busy"])
    make_due_jobs(database, watch_id, NOON)
    assert make_due_jobs(database, watch_id, NOON + 24 * HOUR) == []
    assert next_due(database) == NOON + 48 * HOUR


@pytest.mark.parametrize("flagged", [True, False])
def test_only_a_flagged_listing_s_end_pulls_the_next_crawl(database: Database, home: Home, flagged: bool) -> None:
    watch_id = watch(database, queries=["quiet"])
    crawl_due(database, home, watch_id, NOON, {"quiet": 1})
    believe(database, "quiet", 0)
    again = next_due(database)
    ends_at = again + HOUR
    with database.transaction() as session:
        keep_listing(session, ends_at, flagged)
    crawl_due(database, home, watch_id, again, {"quiet": 0})
    plan = plans(database)["quiet"]
    assert (plan.due_at == ends_at - timedelta(seconds=ENDS_LEAD_SECONDS)) == flagged
    assert ("sale ends" in plan.why) == flagged
    assert flagged or plan.due_at > ends_at


def keep_listing(session: Session, ends_at: datetime, flagged: bool) -> None:
    crawl = session.scalars(select(Crawl)).one()
    listing = Listing(market="one", id_space="one", native_id="1", url="http://one.example/1")
    listing.first_seen_at = listing.last_seen_at = NOON
    listing.seen_in_crawl_id = crawl.id
    session.add(listing)
    session.flush()
    seen = Observation(listing_id=listing.id, observed_at=NOON, digest="0" * 64, state="live", ends_at=ends_at)
    session.add(seen)
    session.flush()
    judged = Assessment(listing_id=listing.id, observation_id=seen.id, model="m", score=0.9, flagged=flagged)
    judged.band, judged.labels, judged.reasons, judged.assessed_at = "strong", [], [], NOON
    session.add(judged)
    session.flush()
    listing.current_observation_id, listing.current_assessment_id = seen.id, judged.id


def test_a_watch_without_queries_has_one_plan_for_all_that_a_market_offers(database: Database) -> None:
    watch_id = watch(database, queries=[])
    assert len(make_due_jobs(database, watch_id, NOON)) == 1
    with database.reading() as session:
        assert session.scalars(select(Job)).one().arguments["queries"] == []
    assert next_due(database) == NOON + 24 * HOUR


def test_a_removed_watch_s_crawl_ends_without_harm(database: Database, home: Home) -> None:
    watch_id = watch(database, queries=["busy"])
    make_due_jobs(database, watch_id, NOON)
    with database.transaction() as session:
        remove_watch(session, "lamps", actor="sami", audit=AuditChain())
    assert replan_ended(database, home, 2, NOON) == 1
    assert make_due_jobs(database, watch_id, NOON + 99 * HOUR) == []


def test_the_list_says_when_each_search_is_asked_and_why(database: Database, home: Home) -> None:
    watch_id = watch(database)
    assert [row["why"] for row in watch_rows(database)] == ["never asked before"]
    crawl_due(database, home, watch_id, NOON, {"busy": 5, "quiet": 0})
    rows = watch_rows(database)
    assert {row["queries"][0] for row in rows} == {"busy", "quiet"}
    assert all("expected" in row["why"] for row in rows)
    watch(database, name="fixed", adaptive=False)
    assert watch_rows(database)[0]["why"] == "fixed interval, as asked for"


def test_the_list_says_what_became_of_a_search_that_was_turned_into_a_job(database: Database, home: Home) -> None:
    watch_id = watch(database, queries=["busy"])
    [job_id] = make_due_jobs(database, watch_id, NOON)

    def why() -> str:
        return watch_rows(database)[0]["why"]

    assert why() == f"job {job_id} waits until `relicwatch run` begins it"
    claimed = claim_job(database, "another-machine:1:x")
    assert claimed is not None
    assert why().startswith("being asked now")
    fail_job(database, claimed, "No space is left.", retry=True, retry_seconds=0)
    assert why() == f"job {job_id} is tried again: No space is left."
    again = claim_job(database, "another-machine:1:x")
    assert again is not None
    fail_job(database, again, "It is off.", retry=False)
    assert why() == f"job {job_id} has ended, and `relicwatch run` plans it anew. It is off."


def test_a_paused_watch_is_due_at_no_time(database: Database, home: Home) -> None:
    watch_id = watch(database, queries=["busy"])
    crawl_due(database, home, watch_id, NOON, {"busy": 5})
    assert watch_rows(database)[0]["next due (UTC)"] is not None
    with database.transaction() as session:
        pause_watch(session, "lamps", actor="sami", audit=AuditChain())
    assert [row["next due (UTC)"] for row in watch_rows(database)] == [None]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(1, "1s"), (60, "1m"), (90, "90s"), (7200, "2h"), (5400, "90m"), (86400, "1d"), (172800, "2d"), (1209600, "2w")],
)
def test_an_interval_is_shown_as_it_is_typed(seconds: int, written: str) -> None:
    assert written_span(seconds) == written


def test_a_shortest_interval_longer_than_the_longest_is_refused(database: Database) -> None:
    with pytest.raises(WatchError, match="shortest interval"):
        watch(database, every_seconds=60, least_seconds=900)
