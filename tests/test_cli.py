"""The command as a whole: every verb explains itself, errors are one sentence. What verbs do is tested elsewhere."""

import contextlib
import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

import cli
from commands import crawls, listings, markets, terminal
from crawler.errors import RelicwatchError, UsageError
from crawler.home import Home
from markets.drafting.new import draft_from_file
from storage.database import Database
from storage.tables import Crawl, Listing, Observation
from tests.crawling import ROOT


def verbs(command: object, name: str = "relicwatch") -> Iterator[tuple[str, object]]:
    """Every verb by its words, groups left out."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for word, one in inner.items():
        yield from verbs(one, f"{name} {word}")


VERBS = dict(verbs(typer.main.get_command(cli.app)))


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_s_help_says_what_it_does_with_an_example_of_itself(name: str) -> None:
    text = VERBS[name].help
    assert text.split("Example:")[0].strip().endswith((".", ")"))
    assert f"Example: {name}" in " ".join(text.split())


@pytest.mark.parametrize(
    ("error", "status"), [(RelicwatchError("The lamp is out: light it."), 1), (UsageError("Give a lamp."), 2)]
)
def test_an_error_made_for_people_is_one_sentence_and_its_status(
    error: RelicwatchError, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == status
    assert capsys.readouterr().err == f"relicwatch: {error}\n"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("30m", 1800), ("6h", 21600), ("1d", 86400), ("2w", 1209600)]
)
def test_a_span_of_time_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert terminal.span_in_seconds(text) == seconds


def test_no_time_at_all_is_called_too_little() -> None:
    with pytest.raises(UsageError, match="more than nothing"):
        terminal.span_in_seconds("0s")


@pytest.mark.parametrize("text", ["", "h", "6", "0h", "-1h", "1.5h", "6 h", "٦h", "6y"])
def test_anything_else_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError, match="like 6h"):
        terminal.span_in_seconds(text)


def test_a_site_that_nobody_approved_is_asked_only_after_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError, match="--yes"):
        markets._confirm_look("https://shop.example/search?q=lamp")


# -- records for a person and for a program -----------------------------------------------------------------------

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def opened(home: Home, database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database that the verbs open."""
    for verbs in (crawls, listings, markets):
        monkeypatch.setattr(verbs, "open_home", lambda: (home, database))
    return database


def store_lamp(database: Database) -> int:
    with database.transaction() as session:
        seen = {"first_seen_at": NOON, "last_seen_at": NOON}
        listing = Listing(market="one", id_space="one", native_id="7", url="https://one.example/7", **seen)
        session.add(listing)
        session.flush()
        told = {
            "title": "Bronze lamp",
            "description": "First line.\nSecond.",
            "folded_text": "bronze lamp",
            "state": "live",
        }
        observation = Observation(listing_id=listing.id, observed_at=NOON, digest="0" * 64, **told)
        session.add(observation)
        session.flush()
        listing.current_observation_id = observation.id
        return listing.id


def test_a_search_without_a_match_is_not_called_an_empty_store(
    opened: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    listings.listings_search(["nowhere"])
    assert capsys.readouterr().out == "Nothing here yet.\n"
    store_lamp(opened)
    listings.listings_search(["nowhere"])
    assert capsys.readouterr().out.startswith("No stored listing matches")
    listings.listings_search(["nowhere"], as_json=True)
    assert capsys.readouterr().out == ""


def test_a_listing_is_shown_to_a_person_line_by_line(opened: Database, capsys: pytest.CaptureFixture[str]) -> None:
    listings.listings_show(store_lamp(opened))
    shown = capsys.readouterr().out
    assert "{" not in shown
    assert "\nfirst_seen_at: 2026-11-23 12:00:00 UTC\n" in shown
    assert "\nobservations 1 of 1:\n" in shown
    assert "\n    title: Bronze lamp\n" in shown
    assert "\n    description: First line.\n        Second.\n" in shown


def test_an_approval_says_what_no_person_has_looked_at(
    opened: Database, home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, terms, robots = (tmp_path / name for name in ("search.html", "terms.html", "robots.txt"))
    lots = "".join(f'<li><a href="/lot/{n}">Bronze lamp {n}</a> £40</li>' for n in range(9))
    page.write_text(f"<html lang=en><title>Lamps</title><body><ul>{lots}</ul>")
    terms.write_text("No terms against it.")
    robots.touch()
    draft_from_file(home, page, "https://shop.example/search?q=lamp")
    markets.markets_approve("shop_example", basis="an order", terms=terms, robots=robots)
    said = capsys.readouterr().out
    assert "shop_example is on" in said
    assert "search: no person has checked it yet" in said
    assert "copy of robots.txt is empty" in said


def test_a_crawl_s_record_has_plain_names_and_iso_times_and_a_person_gets_zone_and_unit(
    opened: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened.transaction() as session:
        counts = {"counts": {"pages": 3, "bytes": 2500}, "filled": {"title": 2}, "times": {"-4": 2, "8": 1}}
        crawl = Crawl(market="one", queries=["lamp"], state="complete", started_at=NOON, counts=counts)
        crawl.finished_at = NOON + timedelta(seconds=90)
        session.add(crawl)
    crawls.crawls_show(1, as_json=True)
    record = json.loads(capsys.readouterr().out)
    assert (record["started_at"], record["finished_at"]) == ("2026-11-23T12:00:00+00:00", "2026-11-23T12:01:30+00:00")
    assert (record["bytes"], record["median_answer_seconds"]) == (2500, 0.5)
    assert "times" not in record["counts"]
    assert all(re.fullmatch("[a-z_]+", key) for key in record)
    crawls.crawls_show(1)
    shown = capsys.readouterr().out
    assert "started (UTC): 2026-11-23 12:00:00\n" in shown and "kB: 2.5\n" in shown


# -- progress for a person ----------------------------------------------------------------------------------------


def on_a_terminal(*arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout through a pipe, and what a terminal on stderr got."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-m", "cli", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    shown: list[bytes] = []
    reader = threading.Thread(target=_read_terminal, args=(ours, shown))
    reader.start()
    out, _ = process.communicate(timeout=120)
    reader.join(120)
    os.close(ours)
    return process.returncode, out, b"".join(shown).decode()


def _read_terminal(terminal: int, shown: list[bytes]) -> None:
    """Until nobody has it open any more, which Linux tells as an error."""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 65536):
            shown.append(piece)


def piped(*arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "cli", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("verb", ["extract", "classify", "verify"])
def test_long_work_shows_its_progress_on_a_terminal_alone_and_never_in_its_output(verb: str, tmp_path: Path) -> None:
    (tmp_path / "lot.html").write_text("<title>Oil lamp</title><h1>Oil lamp</h1>")
    entries = [{"path": "lot.html", "url": f"https://auction.example/lot/{n}"} for n in range(30)]
    lots = [{"id": n, "title": f"Roman oil lamp {n}", "description": "Terracotta."} for n in range(30)]
    (tmp_path / "extract").write_text("".join(f"{json.dumps(one)}\n" for one in entries))
    (tmp_path / "classify").write_text("".join(f"{json.dumps(one)}\n" for one in lots))
    (tmp_path / "verify").write_bytes(b"PK no bundle")
    options = ["--batch"] if verb == "extract" else []
    arguments = (verb, *options, str(tmp_path / verb))

    status, out, err = piped(*arguments)
    assert err == ""
    assert status == (3 if verb == "verify" else 0)
    assert len(out.splitlines()) == 30 or verb == "verify"

    on_terminal = on_a_terminal(*arguments)
    assert on_terminal[:2] == (status, out)
    shown = on_terminal[2]
    assert {"extract": "extracting", "classify": "classifying", "verify": "verifying"}[verb] in shown
