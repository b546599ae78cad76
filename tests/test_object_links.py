"""Listings joined into objects as they are stored: by photograph, lot and figures, never against a contradiction."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal

import pytest
from PIL import Image
from sqlalchemy import select

import object_links
from crawler.home import Home
from matching.photo_matching import STOCK_FROM
from matching.seller_likeness import find_alike
from object_links import link_listings
from review.object_view import object_record, view_object
from storage.audit import AuditChain
from storage.database import Database
from storage.jobs import ClaimedJob
from storage.object_index import candidates_of
from storage.objects import group_of, membership_by_moves, merge, objects_of, undo
from storage.tables import Capture, Listing, ObjectLook, ObjectStatement, Observation, Seller
from tests.crawling import Place
from tests.matching.pictures import thing
from tests.review.seed import NOW, Offer, add_listing, keep_file

SNAKE = (
    "Silver tetradrachm, cistophoric, snake emerging from a mystic basket within an ivy wreath, chip at five o'clock"
)


def offered(
    session, home, title=SNAKE, description="", *, photo=None, dimensions=(), weight=None, days=2, **given
) -> int:
    """A stored listing that was seen for one hour, `days` ago."""
    flagged = given.pop("flagged", False)
    listing = add_listing(
        session, home, Offer(title=title, description=description, flagged=flagged, marked={}, **given)
    )
    seen = session.get_one(Observation, listing.current_observation_id)
    seen.dimensions = [{"kind": None, "mm": str(one)} for one in dimensions]
    seen.weight_grams = Decimal(str(weight)) if weight else None
    listing.first_seen_at = NOW - timedelta(days=days)
    listing.last_seen_at = listing.first_seen_at + timedelta(hours=1)
    if photo is not None:
        thumbnail = session.scalars(
            select(Capture).where(Capture.listing_id == listing.id, Capture.kind == "thumbnail")
        ).one()
        thumbnail.sha256 = keep_file(home, photo)
    session.flush()
    return listing.id


def photo_of(seed: int) -> bytes:
    written = io.BytesIO()
    Image.fromarray(thing(seed)).save(written, "PNG")
    return written.getvalue()


def groups(database: Database, *listings: int) -> list[list[int]]:
    with database.reading() as session:
        return [group_of(session, one) for one in listings]


def link(database: Database, home: Home, **given) -> dict[str, int]:
    return link_listings(database, home, actor="job 1", **given)


def test_a_house_and_an_aggregator_with_one_lot_offer_one_object(database: Database, home: Home) -> None:
    sale = {"lot_number": "214", "ends_in": timedelta(days=3), "flagged": False}
    with database.transaction() as session:
        house = offered(session, home, market="house", seller="Maison Dupont", **sale)
        copy = offered(session, home, SNAKE, "Catalogue", market="aggregator", seller="Maison Dupont & Fils", **sale)
        next_lot = offered(
            session, home, market="aggregator", seller="Maison Dupont", lot_number="215", ends_in=timedelta(days=3)
        )
        other_sale = offered(
            session, home, "Bronze fibula, Roman, pin lost", market="aggregator", seller="Maison Dupont",
            lot_number="214", ends_in=timedelta(days=40),
        )  # fmt: skip
    assert link(database, home)["joined"] == 1
    assert groups(database, house, next_lot, other_sale) == [[house, copy], [next_lot], [other_sale]]
    assert link(database, home)["listings"] == 0  # nothing says anything new


def test_figures_that_agree_to_the_last_place_join_and_another_coin_of_the_type_is_left_alone(
    database: Database, home: Home
) -> None:
    with database.transaction() as session:
        first = offered(session, home, dimensions=(25.4, 24.9), weight=12.57, seller="A", market="a", lot_number=None)
        again = offered(
            session, home, "Tétradrachme d'argent, cistophore, serpent", dimensions=(24.9, 25.4), weight=12.57,
            seller="B", market="b", language="fr", days=1, lot_number=None,
        )  # fmt: skip
        another = offered(session, home, dimensions=(25.9, 25.1), weight=12.31, seller="C", market="c", lot_number=None)
    link(database, home)
    assert groups(database, first, another) == [[first, again], [another]]


def test_what_is_below_the_line_is_shown_and_not_joined(database: Database, home: Home) -> None:
    with database.transaction() as session:
        first = offered(session, home, dimensions=(25.4,), weight=12.57, seller="A", market="a", lot_number=None)
        again = offered(session, home, dimensions=(25,), weight=12.6, seller="B", market="b", lot_number=None)
    assert link(database, home) == {"listings": 2, "joined": 0, "candidates": 1}
    with database.reading() as session:
        (pair,) = candidates_of(session, first)
        assert (pair.listing_id, pair.other_listing_id) == (again, first)
        assert {ground["part"] for ground in pair.why} >= {"weight", "words"}
    with database.transaction() as session:
        merge(session, AuditChain(), first, again, actor="amina")
        assert candidates_of(session, first) == []


def test_one_photograph_under_two_titles_is_one_object(database: Database, home: Home) -> None:
    picture = photo_of(1)
    small = io.BytesIO()
    Image.open(io.BytesIO(picture)).resize((260, 260)).save(small, "JPEG", quality=60)
    with database.transaction() as session:
        first = offered(
            session, home, "Greek silver coin", photo=picture, flagged=True, seller="A", market="a", lot_number=None
        )
        again = offered(
            session, home, "عملة قديمة نادرة", photo=small.getvalue(), flagged=True, seller="ب", market="b",
            language="ar", days=1, lot_number=None,
        )  # fmt: skip
        other = offered(session, home, "Coin", photo=photo_of(2), flagged=True, seller="C", market="c", lot_number=None)
    link(database, home)
    assert groups(database, again, other) == [[first, again], [other]]
    with database.reading() as session:
        said = session.scalars(select(ObjectStatement)).one()
        assert "photo" in {ground["part"] for ground in said.why}


def test_a_part_of_a_stored_picture_is_found_though_nothing_else_agrees(database: Database, home: Home) -> None:
    part = io.BytesIO()
    Image.fromarray(thing(1)).crop((45, 30, 310, 300)).save(part, "JPEG", quality=80)
    with database.transaction() as session:
        first = offered(session, home, "Bowl", photo=photo_of(1), flagged=True, seller="A", market="a", lot_number=None)
        for seed in range(2, 6):
            offered(session, home, photo=photo_of(seed), flagged=True, seller="B", market="b", lot_number=None)
        again = offered(
            session, home, "مصباح", photo=part.getvalue(), flagged=True, seller="ج", market="c", language="ar", days=1,
            lot_number=None,
        )  # fmt: skip
    link(database, home)
    assert groups(database, again) == [[first, again]]


def test_a_picture_that_stands_on_many_listings_joins_none_of_them(database: Database, home: Home) -> None:
    picture = photo_of(1)
    with database.transaction() as session:
        ids = [
            offered(
                session, home, f"Thing {n}", photo=picture, flagged=n > 18, seller=f"S{n}", market=f"m{n}",
                lot_number=None, days=30 - n,
            )
            for n in range(STOCK_FROM + 2)
        ]  # fmt: skip
    link(database, home)
    assert groups(database, *ids) == [[one] for one in ids]


def test_the_job_after_a_crawl_reads_the_signs_of_sellers_too(database: Database, home: Home) -> None:
    with database.transaction() as session:
        for seller, market in (("Amina", "a"), ("Old Things", "b")):
            offered(session, home, "Lamp", "Call +963 944 123 456", seller=seller, market=market, lot_number=None)
        for number, seen in enumerate(session.scalars(select(Observation).order_by(Observation.id)).all()):
            session.add(
                Seller(
                    id_space=f"space {number}",
                    native_id="1",
                    name=seen.seller_name or "",
                    first_seen_at=NOW,
                    last_seen_at=NOW,
                )
            )
            session.flush()
            seen.seller_id = number + 1
    job = ClaimedJob(1, "objects", {}, token=1, holder="holder", attempt=1, watch_id=None)
    assert object_links.link_job(database, home, job, None)["signs_read_of"] == 2
    with database.reading() as session:
        [alike] = find_alike(session)
        assert (alike.seller, alike.other) == (1, 2)
    assert object_links.link_job(database, home, job, None)["signs_read_of"] == 0


def test_two_offers_of_one_seller_at_once_are_two_objects_whatever_they_share(database: Database, home: Home) -> None:
    picture = photo_of(1)
    same = {"photo": picture, "dimensions": (25.4, 24.9), "weight": 12.57, "seller": "Shop of Ali", "flagged": True}
    with database.transaction() as session:
        first = offered(session, home, lot_number=None, **same)
        again = offered(session, home, lot_number=None, **same)
    link(database, home)
    assert groups(database, first, again) == [[first], [again]]


def test_a_newcomer_that_contradicts_a_member_does_not_join_by_another(database: Database, home: Home) -> None:
    sale = {"market": "house", "seller": "Maison Dupont", "lot_number": "214", "ends_in": timedelta(days=3)}
    with database.transaction() as session:
        house = offered(session, home, weight=12.57, **sale)
        copy = offered(session, home, **{**sale, "market": "aggregator"})
        wrong = offered(session, home, weight=9.2, **{**sale, "market": "third"})
    link(database, home)
    assert groups(database, house, wrong) == [[house, copy], [wrong]]


def test_a_join_that_a_person_undid_is_not_made_again_when_the_listing_changes(database: Database, home: Home) -> None:
    sale = {"seller": "Maison Dupont", "lot_number": "214", "ends_in": timedelta(days=3)}
    with database.transaction() as session:
        house = offered(session, home, market="house", **sale)
        copy = offered(session, home, market="aggregator", **sale)
    link(database, home)
    with database.transaction() as session:
        said = session.scalars(select(ObjectStatement)).one()
        undo(session, AuditChain(), said.id, actor="amina")
        session.get_one(ObjectLook, copy).method = "older"
    assert link(database, home) == {"listings": 1, "joined": 0, "candidates": 1}
    with database.reading() as session:
        assert group_of(session, house) == [house]
        assert candidates_of(session, house) == []


def test_what_the_offerings_say_together_is_told_with_dates(database: Database, home: Home) -> None:
    sale = {"seller": "Maison Dupont", "lot_number": "214", "ends_in": timedelta(days=3)}
    with database.transaction() as session:
        first = offered(session, home, market="house", price=Decimal(900), days=30, **sale)
        session.get_one(Listing, first).state = "gone"
        again = offered(session, home, market="aggregator", price=Decimal(600), days=2, **sale)
    link(database, home)
    with database.reading() as session:
        assert [fact.told for fact in view_object(session, again).facts] == [
            "seen_before", "moved_market", "relisted_removed", "price_fell",
        ]  # fmt: skip
        assert view_object(session, first).facts == []
        told = [line["said"] for line in object_record(session, again)["story"]]
    assert told[0] == f"seen before on house (listing {first}), first on {NOW - timedelta(days=30):%Y-%m-%d}"
    assert told[3] == "price fell from 900 to 600 EUR"


def test_an_interrupted_run_goes_on_where_it_was(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_links, "BATCH", 2)
    with database.transaction() as session:
        ids = [
            offered(
                session,
                home,
                market=f"m{n % 3}",
                seller="Maison Dupont",
                lot_number=str(n // 3 + 1),
                ends_in=timedelta(days=3),
            )
            for n in range(9)
        ]

    def stop(counts):
        if counts["listings"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        link(database, home, progress=stop)
    assert link(database, home)["listings"] == 5
    assert groups(database, *ids[::3]) == [ids[0:3], ids[3:6], ids[6:9]]
    with database.reading() as session:
        assert objects_of(session, ids) == membership_by_moves(session)


def test_a_process_that_is_killed_leaves_objects_whole(place: Place) -> None:
    """Killed by SIGKILL in the middle of its work; the next run ends it and each statement has its moves."""
    database = place.database
    with database.transaction() as session:
        ids = [
            offered(
                session,
                place.home,
                market=f"m{n % 3}",
                seller="Maison Dupont",
                lot_number=str(n // 3 + 1),
                ends_in=timedelta(days=3),
            )
            for n in range(60)
        ]
    program = (
        "import sys, object_links; from pathlib import Path\n"
        "from crawler.home import Home; from storage.database import Database\n"
        "object_links.BATCH = 3\n"
        "def tell(counts): print(counts['listings'], flush=True)\n"
        "object_links.link_listings(Database(sys.argv[1]), Home(Path(sys.argv[2])), actor='job 1', progress=tell)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program, str(database.engine.url), str(place.home.root)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    while int(running.stdout.readline()) < 15:
        pass
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    running.stdout.close()
    with database.reading() as session:
        assert objects_of(session, ids) == membership_by_moves(session)
    done = link(database, place.home)["listings"]
    assert 0 < done <= 45
    assert groups(database, *ids[::3]) == [ids[at : at + 3] for at in range(0, 60, 3)]


def test_the_verbs_join_split_undo_and_tell(place: Place) -> None:
    database = Database(f"sqlite:///{place.home.root / 'relicwatch.sqlite3'}")
    with database.transaction() as session:
        ids = [
            offered(
                session, place.home, market=f"m{n}", seller="Maison Dupont", lot_number="7", ends_in=timedelta(days=3)
            )
            for n in range(3)
        ]
        other = offered(session, place.home, "Marble head of a youth", market="z", seller="Z", lot_number=None)
    run = place.run
    counts = json.loads(run("objects", "find", "--json").out)
    assert (counts["listings"], counts["joined"]) == (4, 2)
    (row,) = [json.loads(line) for line in run("objects", "list", "--json").out.splitlines()]
    assert (row["listings"], row["numbers"]) == (3, ids)
    assert "Statement 3: split" in run("objects", "split", str(ids[2]), "--note", "another").out
    shown = json.loads(run("objects", "show", str(ids[0]), "--json").out)
    assert [one["number"] for one in shown["elsewhere"]] == [ids[1]]
    assert [one["kind"] for one in shown["statements"]] == ["join", "join", "split"]
    assert json.loads(run("objects", "undo", "3", "--json").out)["kind"] == "undo"
    assert json.loads(run("objects", "confirm", str(ids[0]), str(ids[2]), "--json").out)["kind"] == "confirm"
    assert json.loads(run("objects", "merge", str(other), str(ids[0]), "--json").out)["kind"] == "merge"
    assert run("objects", "show", "999").status == 1
    assert "seen before on m0" in run("objects", "show", str(ids[1])).out
