"""Listings as a table for risk engines and analysts: CSV, XLSX, JSON Lines. No cell of it can act as a formula.

A spreadsheet runs what begins like one (CWE-1236): such a cell gets an apostrophe before it in CSV, where nothing else
tells text from a formula; in XLSX every cell is typed as text, with no apostrophe to disturb a search. # SEC-22
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TextIO

import openpyxl
from openpyxl.cell import WriteOnlyCell
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from evidence.item import amount, utc
from storage.tables import Assessment, Case, Decision, Exhibit, Listing, Observation

Format = Literal["csv", "xlsx", "jsonl"]
COLUMNS = (
    "listing", "market", "site_item_id", "url", "state", "title", "price", "currency", "size_as_shown", "weight_grams",
    "seller_as_shown", "location", "ends_at_utc", "first_seen_utc", "last_seen_utc", "machine_score", "machine_band",
    "machine_flagged", "machine_model", "machine_types", "machine_materials", "machine_periods", "machine_red_list",
    "machine_red_flags", "machine_priority", "decision", "decision_next_step", "decided_at_utc", "cases",
)  # fmt: skip
"""Columns that begin with `machine_` are a machine's opinion of the text, and no finding."""
_ACTING = frozenset("=+-@|%\u2212")
"""What a formula begins with; full-width and small forms are folded to these (NFKC) before they are compared."""
_PASSED = frozenset("'\u200b\u200c\u200d\ufeff")
_CSV_ENCODING = "utf-8-sig"
"""With a BOM: else Excel reads Arabic as noise."""
MOST_CELL = 32_000
"""Characters of a cell; a spreadsheet takes 32,767."""


class TableRefused(RelicwatchError):
    """The table cannot be written where it was asked for."""


def listing_rows(
    session: Session, *, case: str | None = None, flagged_only: bool = False, listings: Sequence[int] | None = None
) -> Iterator[dict[str, Any]]:
    """A row a listing, by its number; of one case (its reference), of some (ten thousand at most), or of all.

    Values are text, numbers or None.
    """
    statement = (
        select(Listing, Observation, Assessment, Decision)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .outerjoin(Assessment, Assessment.id == Listing.current_assessment_id)
        .outerjoin(Decision, Decision.id == Listing.current_decision_id)
        .order_by(Listing.id)
        .execution_options(yield_per=500)
    )
    if case is not None:
        of_case = select(Exhibit.listing_id).join(Case, Case.id == Exhibit.case_id).where(Case.reference == case)
        statement = statement.where(Listing.id.in_(of_case))
    if listings is not None:
        statement = statement.where(Listing.id.in_(listings))
    if flagged_only:
        statement = statement.where(Assessment.flagged.is_(True))
    cases: dict[int, list[str]] = {}
    for listing_id, reference in session.execute(
        select(Exhibit.listing_id, Case.reference).join(Case, Case.id == Exhibit.case_id).order_by(Case.reference)
    ):
        cases.setdefault(listing_id, []).append(reference)
    for listing, seen, judged, decided in session.execute(statement):
        yield _row(listing, seen, judged, decided, cases.get(listing.id, []))


def _row(
    listing: Listing, seen: Observation, judged: Assessment | None, decided: Decision | None, cases: list[str]
) -> dict[str, Any]:
    answers: dict[str, Any] = (judged.answers if judged else None) or {}

    def ids(name: str) -> str | None:
        return "; ".join(one["id"] for one in answers.get(name) or ()) or None

    lists = dict.fromkeys(f"{one['list']}:{one['category']}" for one in answers.get("red_list") or ())
    flags = (answers.get("red_flags") or {}).get("flags") or ()
    return {
        "listing": listing.id,
        "market": listing.market,
        "site_item_id": listing.native_id,
        "url": listing.url,
        "state": listing.state,
        "title": seen.title,
        "price": amount(seen.price),
        "currency": seen.currency,
        "size_as_shown": seen.size,
        "weight_grams": amount(seen.weight_grams),
        "seller_as_shown": seen.seller_name,
        "location": seen.location,
        "ends_at_utc": _moment(seen.ends_at),
        "first_seen_utc": _moment(listing.first_seen_at),
        "last_seen_utc": _moment(listing.last_seen_at),
        "machine_score": round(judged.score, 3) if judged else None,
        "machine_band": judged.band if judged else None,
        "machine_flagged": judged.flagged if judged else None,
        "machine_model": judged.model if judged else None,
        "machine_types": ids("types"),
        "machine_materials": ids("materials"),
        "machine_periods": ids("periods"),
        "machine_red_list": "; ".join(lists) or None,
        "machine_red_flags": "; ".join(flag["id"] for flag in flags) or None,
        "machine_priority": (answers.get("priority") or {}).get("why"),
        "decision": decided.verdict if decided else None,
        "decision_next_step": decided.next_step if decided else None,
        "decided_at_utc": _moment(decided.decided_at) if decided else None,
        "cases": "; ".join(cases) or None,
    }


def write_table(rows: Iterable[dict[str, Any]], to: Path, form: Format) -> int:
    """Write the rows to a new file; how many. It is there whole or not at all.

    Raises TableRefused where it is there already or cannot be written.
    """
    part = to.with_name(f".{to.name}.part")
    try:
        if to.exists():
            raise FileExistsError
        count = {"csv": _write_csv, "xlsx": _write_xlsx, "jsonl": _write_jsonl}[form](rows, part)
        os.link(part, to)  # a rename would overwrite what came there meanwhile
    except FileExistsError as error:
        raise TableRefused(f"{to} is there already: name another file.") from error
    except OSError as error:
        raise TableRefused(f"{to} cannot be written ({error.strerror}).") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return count


def plain_cell(value: Any) -> str:
    """As text that no spreadsheet runs; the text itself but for control characters and a leading apostrophe."""
    text = _text(value)
    return f"'{text}" if text.startswith("\n") or _acts(text) else text


def _acts(text: str) -> bool:
    """Whether the first sign that shows, behind blanks, quotes and signs without width, may begin a formula."""
    shown = next((sign for sign in text if sign.isprintable() and not sign.isspace() and sign not in _PASSED), "")
    return unicodedata.normalize("NFKC", shown)[:1] in _ACTING if shown else False


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = str(value).replace("\r\n", "\n")
    return "".join(sign for sign in text[:MOST_CELL] if sign == "\n" or sign.isprintable() or sign in "\u200c\u200d")


def csv_table(rows: Iterable[dict[str, Any]]) -> bytes:
    """The rows as a CSV file has them."""
    written = io.StringIO(newline="")
    _fill_csv(rows, written)
    return written.getvalue().encode(_CSV_ENCODING)


def _write_csv(rows: Iterable[dict[str, Any]], to: Path) -> int:
    with to.open("w", encoding=_CSV_ENCODING, newline="") as file:
        return _fill_csv(rows, file)


def _fill_csv(rows: Iterable[dict[str, Any]], file: TextIO) -> int:
    count = 0
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([plain_cell(row[name]) for name in COLUMNS])
        count += 1
    return count


def _write_xlsx(rows: Iterable[dict[str, Any]], to: Path) -> int:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("listings")
    sheet.append(list(COLUMNS))
    count = 0
    try:
        for row in rows:
            sheet.append([_xlsx_cell(sheet, row[name]) for name in COLUMNS])
            count += 1
    except BaseException:
        sheet.close()  # else its writer is left open, half a sheet on disk
        raise
    book.save(to)
    return count


def _xlsx_cell(sheet: Any, value: Any) -> WriteOnlyCell:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return WriteOnlyCell(sheet, value=value)
    cell = WriteOnlyCell(sheet, value=None)
    cell.value = _text(value) or None
    cell.data_type = "s" if cell.value is not None else "n"  # never "f", whatever it begins with
    return cell


def _write_jsonl(rows: Iterable[dict[str, Any]], to: Path) -> int:
    count = 0
    with to.open("w", encoding="utf-8", errors="backslashreplace") as file:  # half a surrogate stays, as JSON says it
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _moment(value: datetime | None) -> str | None:
    return utc(value) if value is not None else None
