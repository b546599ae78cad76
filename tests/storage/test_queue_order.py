"""The stored order of the queue is the one that comes of sorting all that waits, whoever wrote what it follows from."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, select, update

from storage.audit import AuditChain
from storage.decisions import decide
from storage.folding import fold
from storage.objects import join
from storage.queue import DRAWN, Queue, mix, queue_places
from storage.queue_filters import Filters
from storage.queue_order import find_lines
from storage.queue_ranks import BUSY_SELLER, CONFLICT, DANGER, OURS, URGENCY
from storage.queue_upkeep import note_all_stale
from storage.sampling import current_sampling
from storage.sellers import follow
from storage.tables import (
    Assessment,
    Listing,
    ListingAssignment,
    Observation,
    QueueEntry,
    QueueStale,
    ReviewMark,
)
from storage.users import create_user
from tests.review.seed import NOW, Offer, add_assessment, add_listing, add_observation

RULES = (DANGER, "register_match", "museum_number", CONFLICT, "own_country", "partner_country", "no_rule_before", None)
HOURS = (None, -5, 2, 23, 25, 71, 73, 500)
BANDS = ("strong", "medium", "weak")


def fill(session, home, count, seed=7):
    """Listings of every kind, written in the ways that the program writes them."""
    lot = random.Random(seed)
    user = create_user(session, "Amina", "reviewer")
    session.add(current_sampling(session))
    session.flush()
    sampling = current_sampling(session)
    made = []
    for number in range(count):
        hours = lot.choice(HOURS)
        flagged = lot.random() < 0.7
        offer = Offer(
            title=f"lot {number} {lot.choice(['lamp', 'مِصباح', 'Lampe à huile'])}",
            seller=lot.choice("abcdefgh"), band=lot.choice(BANDS), score=lot.choice((0.2, 0.5, 0.9)), flagged=flagged,
            market=lot.choice(("one", "ebay")), labels=[], marked={},
            price=lot.choice((None, Decimal(lot.randrange(99)))),
            currency=lot.choice(("EUR", "USD")), ends_in=None if hours is None else timedelta(hours=hours),
            location=lot.choice(("Lyon, France", "القاهرة، مصر", "Berlin")), language=lot.choice(("en", "ar")),
        )  # fmt: skip
        listing = add_listing(session, home, offer)
        judged = session.get_one(Assessment, listing.current_assessment_id)
        judged.priority = lot.choice(RULES)
        judged.must_be_seen = judged.priority == DANGER
        if not flagged:
            session.add(ReviewMark(listing_id=listing.id, kind=lot.choice(DRAWN), sampling_id=sampling.id))
        made.append(listing)
    session.flush()
    chain = AuditChain()
    for number, listing in enumerate(lot.sample(made, count // 4)):
        decide(
            session, chain, user=user, listing_id=listing.id, observation_id=listing.current_observation_id,
            assessment_id=None, verdict="unsure", next_step="keep_an_eye", reason=None, note=None,
            request_key=f"k{number}", expected_decision_id=None,
        )  # fmt: skip
        listing.changed_after_decision = number % 2 == 0
    for _ in range(count // 5):
        one, other = lot.sample(made, 2)
        join(session, one.id, other.id, score=9.0, why=[], method="test", actor="job 1")
    seller = session.get_one(Observation, made[0].current_observation_id).seller_id
    follow(session, chain, seller, following=True, actor="amina")
    return made


def sorted_whole(session, now):
    """The order as the workflow tells it, made from every row at once."""
    entries = session.scalars(select(QueueEntry).where(QueueEntry.waiting)).all()

    def key(entry):
        left = None if entry.ends_at is None else entry.ends_at - now
        soon = left is not None and timedelta() < left < timedelta(hours=72)
        return (
            entry.priority != DANGER,
            not entry.changed,
            URGENCY[CONFLICT] if entry.conflict_zone else URGENCY.get(entry.priority, len(URGENCY)),
            (0, entry.ends_at) if soon else (1,),
            not entry.followed_seller,
            not entry.busy_seller,
            OURS.get(entry.priority, len(OURS)),
            BANDS.index(entry.band),
            entry.minus_score,
            entry.listing_id,
        )

    ordered = sorted(entries, key=key)
    best = {}
    for entry in sorted(ordered, key=lambda entry: bool(entry.drawn)):
        if entry.object_id is not None:
            best.setdefault(entry.object_id, entry)
    ordered = [entry for entry in ordered if entry.object_id is None or best[entry.object_id] is entry]
    lines = {kind: [entry.listing_id for entry in ordered if entry.drawn == kind] for kind in ("", *DRAWN)}
    lines["audit"].sort()
    kinds = mix({kind: len(line) for kind, line in lines.items()}, {"explore": 0.10, "audit": 0.05})
    return [lines[kind].pop(0) for kind in kinds]


def test_every_page_and_every_neighbour_is_that_of_the_whole_order(database, home):
    with database.transaction() as session:
        fill(session, home, 60)
    for hours in (0, 24, 50):
        now = NOW + timedelta(hours=hours)
        with database.reading() as session:
            whole = sorted_whole(session, now)
            queue = Queue(session, Filters(), now=now)
            assert queue.total == len(whole) > 30
            paged = [place.listing_id for start in range(0, queue.total, 7) for place in queue.places(start, 7)]
            assert paged == whole
            assert queue.neighbours(whole[0]) == (None, whole[1])
            assert queue.neighbours(whole[-1]) == (whole[-2], None)
            for at in range(1, len(whole) - 1, 5):
                assert queue.neighbours(whole[at]) == (whole[at - 1], whole[at + 1])


def test_what_a_search_finds_stands_in_the_order_of_the_whole_queue(database, home):
    with database.transaction() as session:
        fill(session, home, 120)
    filters = Filters(text="lamp")
    with database.reading() as session:
        whole = queue_places(session, Filters(), now=NOW)
        told = {entry.listing_id: entry.said for entry in session.scalars(select(QueueEntry).where(QueueEntry.waiting))}
        found = Queue(session, filters, now=NOW)
        places = found.places()
        flagged = [place.listing_id for place in places if not place.drawn]
        assert 10 < len(flagged) < len(whole)
        # An object's listings are told apart anew among what is found, so that objects are left out of the comparison.
        alone = {place.listing_id for place in (*whole, *places) if place.object_id is None}
        assert [id_ for id_ in flagged if id_ in alone] == [
            place.listing_id
            for place in whole
            if not place.drawn and place.listing_id in alone and "lamp" in told[place.listing_id]
        ]
        assert [found.position(place.listing_id) for place in places] == list(range(len(places)))


def test_a_count_of_many_is_kept_for_moments_and_what_has_gone_since_is_no_error(database, home, monkeypatch):
    monkeypatch.setattr("storage.queue_order.MANY", 1)
    with database.transaction() as session:
        fill(session, home, 60)
    with database.transaction() as session:
        session.execute(update(QueueEntry).values(entered_at=NOW))
    with database.reading() as session:
        before = Queue(session, Filters(), now=NOW)
        last, first = before.places()[-1].listing_id, before.places(0, 1)[0].listing_id
    with database.transaction() as session:
        session.get_one(QueueEntry, last).waiting = False
        session.get_one(QueueEntry, first).waiting = False
    with database.reading() as session:
        still = Queue(session, Filters(), now=NOW + timedelta(seconds=1))
        assert still.total == before.total
        assert still.position(last) is None
        assert still.neighbours(last)[0] is None
        shown = [place.listing_id for place in still.places()]
        assert {first, last}.isdisjoint(shown) and len(shown) == len(set(shown))
        for listing_id in shown:
            still.neighbours(listing_id)
        rested = Queue(session, Filters(), now=NOW + timedelta(seconds=19))
        assert rested.total == before.total
        later = Queue(session, Filters(), now=NOW + timedelta(seconds=21))
        assert later.total == len(later.places()) == before.total - 2


def test_what_comes_to_wait_ends_a_count_that_is_more_than_moments_old(database, home, monkeypatch):
    monkeypatch.setattr("storage.queue_order.MANY", 1)
    with database.transaction() as session:
        fill(session, home, 30)
    with database.transaction() as session:
        session.execute(update(QueueEntry).values(entered_at=NOW))
    with database.reading() as session:
        before = Queue(session, Filters(), now=NOW)
        one = before.places()[-1].listing_id
    with database.transaction() as session:
        session.get_one(QueueEntry, one).waiting = False
    with database.reading() as session:
        assert Queue(session, Filters(), now=NOW + timedelta(seconds=5)).total == before.total
    with database.transaction() as session:
        entry = session.get_one(QueueEntry, one)
        entry.waiting, entry.drawn, entry.rank_before_hour = True, "", -1
        entry.entered_at = NOW + timedelta(seconds=1)
    with database.reading() as session:
        assert Queue(session, Filters(), now=NOW + timedelta(seconds=2)).places(0, 1)[0].listing_id != one
        after = Queue(session, Filters(), now=NOW + timedelta(seconds=5))
        assert after.places(0, 1)[0].listing_id == one


@pytest.mark.parametrize("sort", ["ending", "newest", "price_high", "price_low"])
def test_in_every_order_the_pages_hold_each_listing_once_and_danger_first(database, home, sort):
    with database.transaction() as session:
        fill(session, home, 40)
    with database.reading() as session:
        queue = Queue(session, Filters(sort=sort), now=NOW)
        places = [place for start in range(0, queue.total, 9) for place in queue.places(start, 9)]
        assert len({place.listing_id for place in places}) == len(places) == queue.total
        flagged = [place for place in places if not place.drawn]
        assert [one.priority == DANGER for one in flagged] == sorted(
            (o.priority == DANGER for o in flagged), reverse=True
        )
        rest = [session.get_one(QueueEntry, one.listing_id) for one in flagged if one.priority != DANGER]
        if sort == "newest":
            assert [one.listing_id for one in rest] == sorted((one.listing_id for one in rest), reverse=True)
        elif sort == "ending":
            running = [one.ends_at for one in rest if one.ends_at is not None and one.ends_at > NOW]
            assert [one.ends_at for one in rest[: len(running)]] == sorted(running)
        else:
            sign = -1 if sort == "price_high" else 1
            keys = [
                (one.price is None, "" if one.price is None else one.currency, sign * (one.price or 0)) for one in rest
            ]
            priced = [key for key in keys if not key[0]]
            assert priced == sorted(priced) == keys[: len(priced)]


def test_sellers_with_several_flagged_listings_rise_and_sink(database, home):
    with database.transaction() as session:
        made = [add_listing(session, home, Offer(seller="busy", market="one")) for _ in range(BUSY_SELLER)]
    with database.reading() as session:
        assert all(place.busy_seller for place in queue_places(session, Filters()))
    with database.transaction() as session:
        listing = session.get_one(Listing, made[0].id)
        seen = session.get_one(Observation, listing.current_observation_id)
        calm = add_assessment(session, listing, seen, Offer(flagged=False), model="text-2:test")
        listing.current_assessment_id = calm.id
    with database.reading() as session:
        places = queue_places(session, Filters())
        assert len(places) == BUSY_SELLER
        assert not any(place.busy_seller for place in places)


def test_no_transaction_leaves_a_stale_entry_behind(database, home):
    with database.transaction() as session:
        made = fill(session, home, 20)
    with database.reading() as session:
        assert session.scalars(select(QueueStale)).all() == []
        kept = {one.listing_id: snapshot(one) for one in session.scalars(select(QueueEntry))}
    with database.transaction() as session:
        note_all_stale(session)
    with database.reading() as session:
        assert {one.listing_id: snapshot(one) for one in session.scalars(select(QueueEntry))} == kept
        assert set(kept) == {listing.id for listing in made}


def snapshot(entry):
    return {column.key: getattr(entry, column.key) for column in QueueEntry.__table__.columns}


ANSWERS = {
    "types": [{"id": "oil_lamp"}],
    "periods": [{"id": "roman"}, {"id": "coptic"}],
    "red_list": [{"list": "egypt", "category": "lamps"}],
    "red_flags": {"points": 2, "flags": [{"id": "ships_from_source_or_transit"}]},
}


def test_each_filter_lets_through_what_it_names_and_nothing_else(database, home):
    with database.transaction() as session:
        amina = create_user(session, "Amina", "reviewer")
        lamp = add_listing(
            session, home,
            Offer(title="مِصْباح زيت", location="القاهرة، مصر", price=Decimal("240.5"), currency="EGP", language="ar"),
        )  # fmt: skip
        session.get_one(Assessment, lamp.current_assessment_id).answers = ANSWERS
        session.add(ListingAssignment(listing_id=lamp.id, user_id=amina.id, assigned_by="Amina"))
        other = add_listing(session, home, Offer(title="Bol", price=None, currency=None, market="other"))
        plain = session.get_one(Observation, other.current_observation_id)
        plain.dimensions, plain.weight_grams, plain.location = None, None, "Tripoli"
        first, last = sorted(one.first_seen_at.date() for one in (lamp, other))

    def found(**filters):
        with database.reading() as session:
            return [place.listing_id for place in queue_places(session, Filters(**filters), now=NOW)]

    lets_through = [
        {"text": "مصباح"}, {"text": "زَيت مصبا"}, {"country": "EG"}, {"route": "source_or_transit"},
        {"object_type": "oil_lamp"}, {"culture": "coptic"}, {"red_list": "egypt"}, {"red_list": "egypt/lamps"},
        {"currency": "EGP"}, {"currency": "EGP", "price_min": Decimal("240.5"), "price_max": Decimal("240.5")},
        {"size_min": Decimal(12), "size_max": Decimal(12)}, {"weight_min": Decimal("340.5")},
        {"weight_max": Decimal("340.5")}, {"assignee": "Amina"},
    ]  # fmt: skip
    for filters in lets_through:
        assert found(**filters) == [lamp.id], filters
    for filters in (
        {"text": "سيف"}, {"country": "LY"}, {"object_type": "coin"}, {"culture": "oil_lamp"}, {"red_list": "egypt/x"},
        {"currency": "EUR"}, {"currency": "EGP", "price_min": Decimal("240.6")}, {"size_min": Decimal("12.1")},
        {"weight_max": Decimal(340)}, {"assignee": "Bob"}, {"until": date(2000, 1, 1)}, {"since": date(2999, 1, 1)},
    ):  # fmt: skip
        assert found(**filters) == [], filters
    assert found(assignee="-") == [other.id]
    assert len(found(since=first, until=last)) == 2


HOSTILE = [
    '"', '""', "*", "lamp*", "NEAR(a b)", "lamp OR vase", "NOT", "AND AND", "^lamp", "said:lamp", "-lamp", "(",
    ")", "{a}", "lamp:", "a'b", "' OR 1=1 --", "%", "_", '\\', "%%%", "lam_", '\x00', "!&|", "<->", ":*",
    "lamp & vase", "''''", 'a\tb', "🙂🙂🙂", "ـــ", "...", "___",
]  # fmt: skip


def test_operators_of_a_search_are_words_and_never_an_error(database, home):
    # SEC-45
    titles = ["lamp vase", "a (b) near or not", *(f"x{text}y z".replace("\x00", "") for text in HOSTILE)]
    with database.transaction() as session:
        ids = {add_listing(session, home, Offer(title=title, description=None)).id: fold(title) for title in titles}
    with database.reading() as session:
        for text in HOSTILE:
            found = {place.listing_id for place in queue_places(session, Filters(text=text), now=NOW)}
            words = fold(text).split()
            assert found == {id_ for id_, said in ids.items() if all(word in said for word in words)}, text


def test_the_search_index_follows_what_a_page_says(database, home):
    with database.transaction() as session:
        listing = add_listing(session, home, Offer(title="An oil lamp", description="old"))
    with database.transaction() as session:
        found = session.get_one(Listing, listing.id)
        add_observation(session, found, Offer(title="A marble head", description="old"), None, NOW)
    with database.reading() as session:
        assert [
            len(queue_places(session, Filters(text=text), now=NOW)) for text in ("marble head", "oil lamp", "bronze")
        ] == [1, 1, 0]
    with database.transaction() as session:
        for seen in session.scalars(select(Observation)):
            seen.folded_text = ""
    with database.reading() as session:
        assert [len(queue_places(session, Filters(text=text), now=NOW)) for text in ("marble", "oil")] == [0, 0]


@pytest.mark.parametrize("filters", [Filters(), Filters(state="decided"), Filters(market="m", band="strong")])
def test_sqlite_looks_for_an_objects_other_offers_by_the_object_though_it_has_no_statistics(database, filters):
    if database.sqlite_path is None:
        pytest.skip("PostgreSQL keeps statistics by itself")
    asked = []
    with database.reading() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *one: asked.append(one[2:4]))
        find_lines(session, filters, NOW)
        counting, values = next(one for one in asked if "count(*)" in one[0])
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {counting}", values)]
    assert "SEARCH other USING INDEX ix_queue_entry_object_id_waiting (object_id=?)" in plan, plan
