"""What a job says of its start, and what it leaves to be done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from crawler.free_space import LEAST_FREE
from evidence.segments import find_members
from storage.tables import Assessment, Capture, Job
from tests.crawling import Place
from tests.market_server import Asked, MarketServer, lot_page, reply, results_page, serving


@pytest.fixture
def market() -> Iterator[MarketServer]:
    with serving() as server:
        server.routes["/search"] = reply(results_page(["/sale/1/lot/1"]))
        server.routes["/sale/1/lot/1"] = reply(lot_page("Garden chair"))
        yield server


def test_what_an_interruption_left_is_counted_in_the_next_crawls_result_and_log(
    place: Place, market: MarketServer
) -> None:
    # RL-3: an exchange that is on disk and has no row, and after it a record that was torn
    place.define(market)
    first = place.crawl("chair")
    assert first.status == 0, first
    assert "recovered" not in first.result
    (segment,) = place.segments()
    response, request = [one for one in find_members(segment) if one.type in ("response", "request")][-2:]
    whole = segment.read_bytes()[response.offset : request.offset + request.length]
    torn = whole[:100]
    with segment.open("ab") as file:
        file.write(whole + torn)
    rows = place.rows(select(func.count()).select_from(Capture))[0]
    second = place.crawl("chair")
    assert second.status == 0, second
    assert second.result["recovered"] == {"captures_found_again": 1, "torn_bytes_cut": len(torn), "orphans": 0}
    assert '"captures_found_again": 1' in place.log()
    assert place.rows(select(func.count()).select_from(Capture))[0] > rows
    assert "recovered" not in place.crawl("chair").result


def test_what_a_crawl_judged_by_the_model_before_is_judged_anew(place: Place, market: MarketServer) -> None:
    place.define(market)

    def add_terms(asked: Asked) -> None:
        if asked.target == "/sale/1/lot/1":
            place.home.terms.mkdir(parents=True, exist_ok=True)
            text = "family: object\ngroups:\n  local_chair:\n    en: [garden chair]\n"
            (place.home.terms / "chairs.yaml").write_text(text, "utf-8")

    market.before_answering = add_terms
    assert place.crawl("chair").status == 0
    jobs = place.rows(select(Job).where(Job.kind == "rescore"))
    assert [job.state for job in jobs] == ["queued"]
    done = place.run("job", str(jobs[0].id))
    assert done.status == 0, done.err
    before, after = place.rows(select(Assessment).order_by(Assessment.id))
    assert before.observation_id == after.observation_id
    assert "+terms:" not in before.model
    assert "+terms:" in after.model
    assert place.crawl("chair").status == 0
    assert len(place.rows(select(Job).where(Job.kind == "rescore"))) == 1


def test_a_crawl_begun_on_a_nearly_full_disk_says_what_to_do_and_goes_on_once_there_is_room(
    place: Place, market: MarketServer
) -> None:
    # RL-6
    place.define(market)
    refused = place.crawl("chair", more={LEAST_FREE: "99.99"})
    assert refused.status != 0 and "make room" in refused.err and len(refused.err.splitlines()) < 4, refused
    assert market.asked == []
    assert place.crawl("chair").status == 0
