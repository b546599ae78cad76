"""Bad input and broken surroundings through the command: one clear message with what to do, and nothing lost."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from storage.tables import Crawl, FrontierEntry, Job, Listing, Observation
from tests.crawling import MARKET, Ended, Place, ended, head_and_body, of_url
from tests.market_server import MarketServer, lot_page, reply, results_page, serving


@pytest.fixture
def market() -> Iterator[MarketServer]:
    with serving() as server:
        server.routes["/search"] = reply(results_page(["/sale/1/lot/1"]))
        server.routes["/sale/1/lot/1"] = reply(lot_page("Roman oil lamp"))
        yield server


def assert_one_message(end: Ended, *words: str, status: int = 1) -> None:
    assert end.status == status, end
    assert "Traceback" not in end.err
    assert end.out == ""
    assert end.message.count("relicwatch: ") == 1, end.err
    assert end.message.startswith("relicwatch: ")
    for word in words:
        assert word in end.message, end.message


def titles(place: Place) -> list[str | None]:
    return place.rows(select(Observation.title).order_by(Observation.id))


# -- what a person typed or wrote ---------------------------------------------------------------------------------


def test_a_wrong_definition_is_refused_with_file_line_field_and_reason(place: Place, market: MarketServer) -> None:
    path = place.define(market).path
    path.write_text(path.read_text().replace("spider: catalogue", "spider: catalog"))
    end = place.crawl()
    line = path.read_text().splitlines().index("spider: catalog") + 1
    assert_one_message(end, f"{path}:{line}: spider: there is no spider 'catalog' (did you mean catalogue?)")
    assert market.asked == []


def test_an_unknown_market_is_answered_with_the_nearest_name(place: Place, market: MarketServer) -> None:
    place.define(market)
    end = place.crawl(market="litle_market")
    assert_one_message(
        end, "There is no market 'litle_market' (did you mean little_market?)", "`relicwatch markets list`"
    )


def test_a_market_that_nobody_turned_on_is_not_asked_for_anything(place: Place, market: MarketServer) -> None:
    place.define(market, approved=False)
    assert_one_message(place.crawl(), "may not be crawled (off)", "`relicwatch markets approve little_market`")
    assert market.asked == []


def test_a_definition_changed_after_its_approval_turns_the_market_off(place: Place, market: MarketServer) -> None:
    place.define(market)
    place.define(market, approved=False, title="Another Market")
    assert_one_message(place.crawl(), "may not be crawled (changed since approval)", "`relicwatch markets approve")
    assert market.asked == []


@pytest.mark.parametrize("query", ["...", "", " \t "])
def test_a_query_without_a_letter_is_wrong_use(place: Place, market: MarketServer, query: str) -> None:
    place.define(market)
    assert_one_message(place.crawl(query), "has no letter or digit: give words to search for", status=2)
    assert place.rows(select(Job)) == []


def test_such_a_query_makes_no_saved_search_either(place: Place, market: MarketServer) -> None:
    place.define(market)
    assert_one_message(place.run("watch", "add", "x", "-m", MARKET, "-q", "?"), "has no letter or digit", status=2)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["export", "--to", "out"], 2, "--case REFERENCE or --listing ID"),
        (["extract"], 2, "--batch MANIFEST.jsonl"),
        (["watch", "add", "x", "-m", "nothing_here", "-q", "lamp"], 1, "There is no market 'nothing_here'"),
        (["watch", "pause", "nothing"], 1, "`relicwatch watch list`"),
        (["listings", "show", "7"], 1, "`relicwatch listings search`"),
        (["crawls", "show", "7"], 1, "`relicwatch crawls list`"),
        (["job", "7"], 2, "Job 7 is not waiting"),
        (["capture", "--listing", "7"], 1, "There is no listing 7: `relicwatch listings search`"),
        (["markets", "show", "nothing_here"], 1, "`relicwatch markets list`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_there_is_named_with_where_to_look(
    place: Place, arguments: list[str], status: int, words: str
) -> None:
    assert_one_message(place.run(*arguments), words, status=status)


def test_a_bundle_that_is_not_there_is_incomplete(place: Place) -> None:
    end = place.run("verify", str(place.home.exports / "none.zip"))
    assert end.status == 3
    assert "none.zip cannot be read (No such file or directory)" in end.out
    assert "Traceback" not in end.err


# -- what a market does -------------------------------------------------------------------------------------------


def test_a_market_out_of_reach_is_named_with_the_reason(place: Place, market: MarketServer) -> None:
    place.define(market)
    market.close()
    assert_one_message(
        place.crawl(), MARKET, "out of reach", f"{market.netloc}", "cannot be reached: Connection refused"
    )
    assert place.rows(select(Crawl.state)) == ["failed"]


def test_a_market_without_listings_is_never_quietly_empty(place: Place, market: MarketServer) -> None:  # RL-31
    market.routes["/search"] = reply("<html><body><p>Welcome. Please log in.</p></body></html>")
    place.define(market)
    assert_one_message(place.crawl(), "1 page was read and no listing was found", "search.listings does not fit")
    assert place.rows(select(Crawl.state)) == ["failed"]


def test_listings_that_all_lead_elsewhere_are_told_with_where(place: Place, market: MarketServer) -> None:
    market.routes["/search"] = reply(results_page(["http://shop.example/sale/1/lot/1"]))
    place.define(market)
    assert_one_message(place.crawl(), "the first leads to shop.example", "see listing_url and domains")


def test_pages_with_broken_data_or_a_wrong_charset_are_listings_all_the_same(
    place: Place, market: MarketServer
) -> None:
    arabic = "مصباح روماني من الفخار"
    broken = lot_page("Bronze fibula").replace('"offers"', '"offers": [,], "offers')
    plain = f"<html><head><title>{arabic}</title></head><body><h1>{arabic}</h1><p>وصف القطعة</p></body></html>"
    declared = plain.replace("<head>", '<head><meta charset="utf-8">')
    page = [("Content-Type", "text/html; charset=utf-8")]
    unsaid = [("Content-Type", "text/html")]
    market.routes["/search"] = reply(results_page(f"/sale/1/lot/{n}" for n in range(1, 7)))
    market.routes["/sale/1/lot/1"] = reply(broken)  # RL-20
    market.routes["/sale/1/lot/2"] = reply(declared.encode("windows-1256"), headers=page)  # RL-19
    market.routes["/sale/1/lot/3"] = reply(plain.encode("utf-16"), headers=unsaid)
    market.routes["/sale/1/lot/4"] = reply(plain.encode("utf-16-le"), headers=unsaid)
    market.routes["/sale/1/lot/5"] = reply(plain.encode("utf-16-be"), headers=page)
    market.routes["/sale/1/lot/6"] = reply(
        declared.encode(), headers=[("Content-Type", "text/html; charset=iso-8859-1")]
    )
    place.define(market)
    end = place.crawl()
    assert end.status == 0, end
    found = dict(
        place.rows(
            select(Listing.native_id, Observation.title).join(
                Observation, Observation.id == Listing.current_observation_id
            )
        )
    )
    assert found == {"1/1": "Bronze fibula", **{f"1/{n}": arabic for n in range(2, 7)}}
    (kept,) = of_url(place.records(), market.url("/sale/1/lot/2"), "response")
    assert head_and_body(kept)[1] == declared.encode("windows-1256")


def test_a_page_of_twenty_megabytes_is_cut_kept_and_read(place: Place, market: MarketServer) -> None:  # RL-18, EV-7
    filler = "<!-- " + random.Random(1).randbytes(10 * 1024 * 1024).hex() + " -->"
    market.routes["/sale/1/lot/1"] = reply(lot_page("Roman oil lamp", extra=filler))
    place.define(market)
    end = place.crawl()
    assert end.status == 0, end
    assert titles(place) == ["Roman oil lamp"]
    (problems,) = place.rows(select(Observation.problems))
    assert "cut after 16777216 bytes" in " ".join(problems)
    (kept,) = of_url(place.records(), market.url("/sale/1/lot/1"), "response")
    assert kept.headers["warc-truncated"] == "length"
    assert len(head_and_body(kept)[1]) == 16 * 1024 * 1024


# -- what the machine does ----------------------------------------------------------------------------------------


def test_a_locked_database_is_named_before_anything_is_asked(place: Place, market: MarketServer) -> None:  # RL-8
    place.define(market)
    other = sqlite3.connect(str(place.database.sqlite_path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    end = place.crawl(more={"RELICWATCH_BUSY_SECONDS": "1"})
    other.close()
    assert_one_message(end, "is locked by another program for more than 1 s", "start again; nothing was lost")
    assert market.asked == []


def test_a_database_locked_while_a_crawl_runs_loses_nothing(place: Place, market: MarketServer) -> None:  # RL-7, RL-8
    other = sqlite3.connect(str(place.database.sqlite_path), isolation_level=None, check_same_thread=False)
    market.before_answering = lambda asked: other.execute("BEGIN IMMEDIATE") if "lot" in asked.target else None
    place.define(market)
    end = place.crawl(more={"RELICWATCH_BUSY_SECONDS": "1"})
    market.before_answering = None
    other.close()
    assert_one_message(end, "is locked by another program for more than 1 s", "start again")
    again = place.crawl()
    assert again.status == 0, again
    assert titles(place) == ["Roman oil lamp"]
    assert place.rows(select(Crawl.state)) == ["complete"]


def test_a_missing_database_is_named_with_the_command_that_makes_it(place: Place, market: MarketServer) -> None:
    place.define(market)
    place.close()
    path = place.database.sqlite_path
    path.unlink()
    assert_one_message(place.crawl(), f"There is no database at {path}", "`relicwatch db upgrade`")
    assert not path.exists()
    made = place.run("db", "upgrade")
    assert made.status == 0, made


def test_a_database_of_another_version_is_named_with_both(place: Place, market: MarketServer) -> None:
    place.define(market)
    with sqlite3.connect(str(place.database.sqlite_path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert_one_message(place.crawl(), "is of version 9999, this program needs 0")


def test_a_damaged_database_is_to_be_restored(place: Place, market: MarketServer) -> None:
    place.define(market)
    place.close()
    place.database.sqlite_path.write_bytes(b"no database at all " * 1000)
    assert_one_message(place.crawl(), "is damaged (file is not a database): restore it from a backup")
    assert_one_message(place.run("db", "upgrade"), "is damaged (file is not a database): restore it from a backup")


def test_an_upgrade_of_a_locked_database_is_one_sentence(place: Place) -> None:
    other = sqlite3.connect(str(place.database.sqlite_path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    end = place.run("db", "upgrade", more={"RELICWATCH_BUSY_SECONDS": "1"})
    other.close()
    assert_one_message(end, "is locked by another program for more than 1 s", "start again; nothing was lost")


def test_an_upgrade_of_a_database_that_is_out_of_reach_is_one_sentence(place: Place) -> None:
    end = place.run("db", "upgrade", more={"RELICWATCH_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    assert_one_message(end, "127.0.0.1:1/none cannot be used", "see that it is there")


@pytest.mark.parametrize("url", ["mysql://x", "nonsense", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_database_address_that_cannot_be_used_is_one_sentence(place: Place, url: str) -> None:
    end = place.run("crawls", "list", more={"RELICWATCH_DATABASE_URL": url})
    assert_one_message(end, url.rpartition("@")[2])


@pytest.mark.parametrize("verb", ["serve", "run"])
def test_a_port_in_use_is_named_with_what_to_do(place: Place, market: MarketServer, verb: str) -> None:
    end = place.run(verb, "--port", str(market.port))
    assert_one_message(end, f"127.0.0.1:{market.port} (Address already in use)", "--port")


def test_a_home_that_cannot_be_made_is_named(place: Place) -> None:
    in_the_way = place.home.root / "a file"
    in_the_way.touch()
    end = place.run("db", "upgrade", more={"RELICWATCH_HOME": str(in_the_way / "home")})
    assert_one_message(end, f"The home {in_the_way / 'home'} cannot be made (Not a directory)", "RELICWATCH_HOME")


@pytest.mark.parametrize("part", ["transit", "logs"])
def test_a_part_of_the_home_that_cannot_be_written_loses_nothing(place: Place, market: MarketServer, part: str) -> None:
    place.define(market)
    directory = place.home.root / part
    directory.rmdir()
    directory.touch()
    assert_one_message(place.crawl(), str(directory), "(Not a directory)" if part == "logs" else "Not a directory")
    directory.unlink()
    directory.mkdir()
    again = place.crawl()
    assert again.status == 0, again
    assert titles(place) == ["Roman oil lamp"]


def large_market(market: MarketServer, count: int = 8) -> None:
    market.routes["/search"] = reply(results_page(f"/sale/1/lot/{n}" for n in range(count)))
    for n in range(count):
        noise = f"<!-- {random.Random(n).randbytes(450_000).hex()} -->"
        market.routes[f"/sale/1/lot/{n}"] = reply(lot_page(f"Lamp {n}", extra=noise))


def assert_goes_on_to_the_end(place: Place, market: MarketServer) -> None:
    done = set(place.rows(select(FrontierEntry.url).where(FrontierEntry.state == "done")))
    before = len(market.asked)
    again = place.crawl()
    assert again.status == 0, again
    assert sorted(titles(place)) == [f"Lamp {n}" for n in range(8)]
    assert place.rows(select(func.count()).select_from(Crawl)) == [1]
    assert done.isdisjoint({market.url(one.target) for one in market.asked[before:]})


def test_a_file_that_may_not_grow_stops_the_crawl_and_it_goes_on(place: Place, market: MarketServer) -> None:  # RL-5
    large_market(market)
    place.define(market)
    if shutil.which("prlimit") is None:
        pytest.skip("there is no prlimit here")
    end = place.crawl(prefix=["prlimit", "--fsize=1000000"])
    assert_one_message(end, "The disk refused a record", "free space and start again", "goes on where it was")
    assert place.rows(select(Crawl.state)) == ["stopped"]
    assert_goes_on_to_the_end(place, market)


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    return (
        subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
    )


def test_a_full_disk_stops_the_crawl_and_it_goes_on_once_there_is_space(place: Place, market: MarketServer) -> None:
    # RL-5: a disk of 3 MB of which the pages need more; what it held when it was full is copied out and gone on with.
    if not may_mount():
        pytest.skip("no file system may be mounted here")
    large_market(market)
    place.define(market)
    place.close()
    small = place.home.root.parent / "small"
    small.mkdir()
    kept = place.home.root.parent / "kept"
    script = (
        'mount -t tmpfs -o size=3m none "$1" && cp -a "$2/." "$1/" && { RELICWATCH_HOME="$1" "$4" -m cli crawl '
        f'{MARKET} --query lamp --json; status=$?; cp -a "$1" "$3"; exit $status; }}'
    )
    process = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script, "sh", str(small), str(place.home.root), str(kept), sys.executable],
        cwd=Path(__file__).parent.parent,
        env=place.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = ended(process)
    assert_one_message(end, "disk", "free space and start again")
    shutil.rmtree(place.home.root)
    os.rename(kept, place.home.root)
    assert_goes_on_to_the_end(place, market)
