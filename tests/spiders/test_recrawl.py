"""A second crawl of a market: what it costs, what it still reads, and that it misses nothing that changed."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select, update

from storage.tables import Assessment, Capture, Crawl, FrontierEntry, Listing, Observation
from tests.crawling import Ended, Place
from tests.market_server import Asked, MarketServer, Reply, lot_page, redirect, reply, results_page

LOTS = [f"/sale/1/lot/{n}" for n in range(1, 31)]
FILLER = "A desk lamp of brushed steel with a dimmer, used little. " * 200
"""Of nothing that the model flags: what is flagged is read at every crawl."""


def done(end: Ended) -> Ended:
    assert end.status == 0, end
    return end


def results(lots: Iterable[str], price: str = "£120", notes: dict[str, str] | None = None) -> str:
    cards = "".join(
        f'<li><a class="lot" href="{lot}">Lamp {lot.rpartition("/")[2]}</a> <b>{(notes or {}).get(lot, price)}</b></li>'
        for lot in lots
    )
    return f"<!doctype html><html><head><title>Results</title></head><body><ul>{cards}</ul></body></html>"


def sent(market: MarketServer, since: int) -> int:
    """Bytes of the heads and bodies that the market's routes answer to what was asked since."""
    return sum(len(answer.head + answer.body) for answer in map(market._answer, market.asked[since:]))


def with_validators(body: str, etag: str) -> "Reply | object":
    def answer(asked: Asked) -> Reply:
        if f"If-None-Match: {etag}".encode().lower() in asked.head.lower():
            return reply(b"", "304 Not Modified", [("ETag", etag)])
        return reply(body, headers=[("Content-Type", "text/html; charset=utf-8"), ("ETag", etag)])

    return answer


def asked_since(market: MarketServer, count: int) -> list[str]:
    return sorted(one.target for one in market.asked[count:] if one.target.startswith("/sale"))


def listings(place: Place) -> dict[str, Listing]:
    return {one.native_id: one for one in place.rows(select(Listing))}


def counts(place: Place) -> dict[str, int]:
    return place.rows(select(Crawl.counts).order_by(Crawl.id.desc()))[0]["counts"]


def offer(market: MarketServer, lots: list[str]) -> None:
    market.routes["/search"] = reply(results(lots))
    for n, lot in enumerate(lots, 1):
        market.routes[lot] = reply(lot_page(f"Lamp {n}", text=FILLER))


def test_a_crawl_of_an_unchanged_market_costs_a_tenth_and_sees_every_listing(
    place: Place, market: MarketServer
) -> None:
    offer(market, LOTS)
    place.define(market)
    done(place.crawl())
    first_asked, first = len(market.asked), listings(place)
    first_bytes = sent(market, 0)
    second = done(place.crawl()).result["counts"]
    assert sent(market, first_asked) <= first_bytes / 10
    assert asked_since(market, first_asked) == []
    assert (second["listings"], second["unchanged"], second.get("new", 0)) == (30, 30, 0)
    now = listings(place)
    assert all(now[key].last_seen_at > first[key].last_seen_at for key in first)
    assert {one.absent_from_crawls for one in now.values()} == {0}
    assert {one.seen_in_crawl_id for one in now.values()} == {2}
    assert len(place.rows(select(Observation))) == 30
    assert [crawl.fault for crawl in place.rows(select(Crawl).order_by(Crawl.id))] == [None, None]


def test_what_its_card_or_its_time_makes_due_is_read_and_nothing_else(place: Place, market: MarketServer) -> None:
    offer(market, LOTS[:7])
    soon = (datetime.now(UTC) + timedelta(hours=30)).isoformat()
    market.routes[LOTS[2]] = reply(lot_page("Lamp 3", extra=f'<time class="end" datetime="{soon}">soon</time>'))
    place.define(market, fields='{ends_at: "time.end::attr(datetime)"}')
    done(place.crawl())
    with place.database.transaction() as session:
        known = {one.native_id: one for one in session.scalars(select(Listing))}
        week_ago = datetime.now(UTC) - timedelta(days=6, minutes=1)
        known["1/4"].page_read_at = week_ago
        session.execute(
            update(Assessment).where(Assessment.id == known["1/5"].current_assessment_id).values(flagged=True)
        )
        session.execute(
            update(Assessment).where(Assessment.id != known["1/5"].current_assessment_id).values(flagged=False)
        )
    market.routes["/search"] = reply(results(LOTS[:7], notes={LOTS[0]: "£80", LOTS[1]: "£120 sold"}))
    market.routes[LOTS[0]] = reply(lot_page("Lamp 1", price="80.00"))
    market.routes[LOTS[1]] = reply(lot_page("Lamp 2").replace("InStock", "SoldOut"))
    before = len(market.asked)
    second = done(place.crawl()).result["counts"]
    # the price, the state, the end, the age, the flag; 6 and 7 are as they were
    assert asked_since(market, before) == sorted(LOTS[:5])
    assert (second["listings"], second["unchanged"], second["changed"]) == (7, 2, 2)
    now = listings(place)
    assert now["1/2"].state == "sold"
    assert "shown on its page at 20" in now["1/2"].state_proof
    prices = select(Observation.price).where(Observation.listing_id == now["1/1"].id).order_by(Observation.id)
    assert place.rows(prices) == [Decimal(120), Decimal(80)]


def test_a_price_that_went_away_and_came_back_is_not_taken_for_unchanged(place: Place, market: MarketServer) -> None:
    offer(market, LOTS[:2])
    place.define(market)
    done(place.crawl())
    market.routes["/search"] = reply(results(LOTS[:1]))  # 2 is asked for at its own address, without a card
    market.routes[LOTS[1]] = reply(lot_page("Lamp 2", price="80.00"))
    done(place.crawl())
    offer(market, LOTS[:2])
    before = len(market.asked)
    done(place.crawl())
    assert asked_since(market, before) == [LOTS[1]]


def test_a_changed_definition_has_every_page_read_anew(place: Place, market: MarketServer) -> None:
    offer(market, LOTS[:2])
    place.define(market)
    done(place.crawl())
    place.define(market, fields='{location: ".where::text"}')
    before = len(market.asked)
    done(place.crawl())
    assert asked_since(market, before) == LOTS[:2]


def test_where_cards_say_no_price_pages_are_asked_for_on_condition(place: Place, market: MarketServer) -> None:
    market.routes["/search"] = reply(results_page(LOTS[:3]))
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for n, lot in enumerate(LOTS[:3], 1):
        end = f'<time class="end" datetime="{soon}">soon</time>' if n == 3 else ""
        market.routes[lot] = with_validators(lot_page(f"Lamp {n}", text=FILLER, extra=end), f'"v{n}"')
    place.define(market, fields='{ends_at: "time.end::attr(datetime)"}')
    done(place.crawl())
    with place.database.transaction() as session:  # the end goes by between the two crawls
        third = session.scalars(select(Listing).where(Listing.native_id == "1/3")).one()
        session.execute(
            update(Observation)
            .where(Observation.listing_id == third.id)
            .values(ends_at=datetime.now(UTC) - timedelta(minutes=1))
        )
    market.routes[LOTS[1]] = with_validators(lot_page("Lamp 2", price="80.00"), '"v2b"')
    first = listings(place)
    second = done(place.crawl()).result["counts"]
    assert (second["listings"], second["unchanged"], second["changed"]) == (3, 2, 1)
    now = listings(place)
    assert now["1/1"].page_read_at > first["1/1"].page_read_at
    assert now["1/3"].state == "ended"
    assert "HTTP 304" in now["1/3"].state_proof
    proofs = place.rows(select(Capture).where(Capture.status == 304))
    assert {proof.listing_id for proof in proofs} == {now["1/1"].id, now["1/3"].id}
    records = [one for one in place.records() if one.block.startswith(b"HTTP/1.1 304")]
    assert len(records) == 2


def test_a_304_to_what_nobody_had_is_a_problem_and_no_listing(place: Place, market: MarketServer) -> None:
    market.routes["/search"] = reply(results_page(LOTS[:2]))
    market.routes[LOTS[0]] = reply(lot_page("Lamp 1"))
    market.routes[LOTS[1]] = reply(b"", "304 Not Modified")
    place.define(market)
    done(place.crawl())
    assert set(listings(place)) == {"1/1"}
    ((problem,),) = place.rows(select(Crawl.problems))
    assert "HTTP 304" in problem["reason"]


def test_a_listing_seen_as_a_card_only_is_never_counted_absent(place: Place, market: MarketServer) -> None:
    offer(market, LOTS[:2])
    place.define(market)
    for _ in range(4):
        done(place.crawl())
    assert {(one.state, one.absent_from_crawls) for one in listings(place).values()} == {("live", 0)}
    assert place.rows(select(FrontierEntry.kind).where(FrontierEntry.crawl_id == 4)) == ["search"]


def end(moment: datetime) -> str:
    return f'<time class="end" datetime="{moment.isoformat()}">the end</time>'


def test_what_is_over_is_read_again_unless_its_card_says_that_it_is(place: Place, market: MarketServer) -> None:
    now = datetime.now(UTC)
    market.routes["/search"] = reply(results(LOTS[:3], price="£120 - 3 days left", notes={LOTS[2]: "£120 sold"}))
    for lot in LOTS[:2]:
        market.routes[lot] = reply(lot_page("Lamp", extra=end(now - timedelta(minutes=1))))
    market.routes[LOTS[2]] = reply(lot_page("Lamp").replace("InStock", "SoldOut"))
    place.define(market, fields='{ends_at: "time.end::attr(datetime)"}')
    done(place.crawl())
    assert [one.state for _, one in sorted(listings(place).items())] == ["ended", "ended", "sold"]
    # Offered anew, with the card that it had.
    market.routes[LOTS[0]] = reply(lot_page("Lamp", extra=end(now + timedelta(days=5))))
    before = len(market.asked)
    done(place.crawl())
    assert asked_since(market, before) == LOTS[:2]
    assert [one.state for _, one in sorted(listings(place).items())] == ["live", "ended", "sold"]


def test_a_listing_that_was_gone_and_returns_unchanged_is_live_again(place: Place, market: MarketServer) -> None:
    market.routes["/search"] = reply(results_page(LOTS[:2]))
    market.routes[LOTS[1]] = reply(lot_page("Jug"))
    there = with_validators(lot_page("Lamp"), '"v1"')
    place.define(market)
    for answer, state in ((there, "live"), (reply(b"no", "404 Not Found"), "gone"), (there, "live")):
        market.routes[LOTS[0]] = answer
        done(place.crawl())
        assert listings(place)["1/1"].state == state
    assert "shown on its page at 20" in str(listings(place)["1/1"].state_proof)


def test_new_listings_are_asked_for_before_known_ones_and_these_by_their_oldest_reading(
    place: Place, market: MarketServer
) -> None:
    known, new = LOTS[:12], LOTS[12:14]
    market.routes["/search"] = reply(results_page(known))  # no price: every page is asked for in every crawl
    for lot in LOTS:
        market.routes[lot] = reply(lot_page("Lamp"))
    place.define(market)
    done(place.crawl())
    hours_ago = {lot: n * 5 % 13 for n, lot in enumerate(known, 1)}
    with place.database.transaction() as session:
        for one in session.scalars(select(Listing)):
            lot = f"/sale/1/lot/{one.native_id.rpartition('/')[2]}"
            one.page_read_at = datetime.now(UTC) - timedelta(hours=hours_ago[lot])
    market.routes["/search"] = reply(results_page(known, "/search?q=lamp&page=2"))
    market.routes["/search?q=lamp&page=2"] = reply(results_page(new))
    before = len(market.asked)
    done(place.crawl())
    asked = [one.target for one in market.asked[before:] if one.target.startswith("/sale")]
    at = asked.index(new[0])
    assert asked[at : at + 2] == new
    assert at < len(known)  # only what was asked for before the second search page was read comes earlier
    assert asked[at + 2 :] == sorted(set(known) - set(asked[:at]), key=lambda lot: -hours_ago[lot])


def test_an_address_that_leads_to_another_lot_makes_that_a_listing_of_its_own(
    place: Place, market: MarketServer
) -> None:
    offer(market, LOTS[:2])
    place.define(market)
    done(place.crawl())
    market.routes[LOTS[0]] = redirect("/sale/9/lot/77")
    market.routes["/sale/9/lot/77"] = reply(lot_page("Quite another object", price="9.00"))
    market.routes["/search"] = reply(results(LOTS[1:2]))
    done(place.crawl())
    assert {(one.native_id, one.state) for one in listings(place).values()} == {
        ("1/1", "live"), ("1/2", "live"), ("9/77", "live")
    }  # fmt: skip
    assert place.rows(select(Observation.listing_id)) == [1, 2, 3]
    (problem,) = place.rows(select(Crawl.problems).order_by(Crawl.id))[-1]
    assert problem["url"] == market.url(LOTS[0])
    assert "leads to" in problem["reason"]
    assert "9/77" in problem["reason"]


def test_lots_that_were_sold_make_no_fault_of_a_good_crawl(place: Place, market: MarketServer) -> None:
    offer(market, LOTS[:20])
    place.define(market, expect="{listings_per_query: [5, 400], filled: {title: 1.0, price: 0.9}}")
    done(place.crawl())
    sold = (
        '<html><head><title>Lamp</title><script type="application/ld+json">{"@context": "https://schema.org", '
        '"@type": "Product", "name": "Lamp", "offers": {"@type": "Offer", "availability": '
        '"https://schema.org/SoldOut"}}</script></head><body><h1>Lamp</h1><p>Sold</p></body></html>'
    )
    market.routes["/search"] = reply(results(LOTS[:20], notes=dict.fromkeys(LOTS[:12], "£120 sold")))
    market.routes.update(dict.fromkeys(LOTS[:12], reply(sold)))
    done(place.crawl())
    assert Counter(one.state for one in listings(place).values()) == {"sold": 12, "live": 8}
