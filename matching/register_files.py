"""Reading a missing-object list as ministries keep them: CSV, XLSX, JSON or JSON Lines, alone or in a zip with photos.

Good rows are kept whatever the bad ones are; each bad row is told with its line and reason. Columns are those of our
import format or their headings in English, French and Arabic; the row as it stood is kept beside what was read.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import openpyxl
import yaml
from openpyxl.utils.exceptions import InvalidFileException

from crawler.errors import RelicwatchError
from crawler.extraction.measures import dimensions_in, weight_in
from storage.folding import fold

Value = str | list[str]

LARGEST_FILE = 256 << 20
"""Bytes of a list, packed or not."""
MOST_ROWS = 1_000_000
MOST_CELL = 100_000
"""Characters of one value."""
LARGEST_PHOTO = 64 << 20
STATUSES = ("stolen", "missing", "looted_site", "recovered", "restituted")
SHARING = ("public", "partners", "internal")
MEASURES = ("height", "width", "depth", "length", "diameter")
_LISTS = frozenset({"materials", "techniques", "marks"})
_STATUS_WORDS = {
    "stolen": ("stolen", "theft", "vole", "volee", "مسروق", "مسروقه", "سرقه"),
    "missing": ("missing", "lost", "disparu", "disparue", "manquant", "manquante", "مفقود", "مفقوده", "ضائع"),
    "looted_site": ("looted site", "looted", "pille", "pillage", "fouille clandestine", "منهوب", "منهوبه", "نهب"),
    "recovered": ("recovered", "found", "retrouve", "retrouvee", "recupere", "مسترد", "مسترجع", "مسترده", "مسترجعه"),
    "restituted": ("restituted", "returned", "restitue", "restituee", "rendu", "معاد", "اعيد", "اعيدت"),
}
_UNIT = re.compile(r"[(\[]\s*(mm|cm|m|g|gr|kg|مم|ملم|سم|م|غ|غم|جم|كغ|كغم)\s*[)\]]|_(mm|cm|m|g|kg)\Z", re.I)
_UNITS = {
    "مم": "mm",
    "ملم": "mm",
    "سم": "cm",
    "م": "m",
    "غ": "g",
    "غم": "g",
    "جم": "g",
    "gr": "g",
    "كغ": "kg",
    "كغم": "kg",
}
_FACTORS = {"mm": Decimal(1), "cm": Decimal(10), "m": Decimal(1000), "g": Decimal(1), "kg": Decimal(1000)}
_NUMBERED = re.compile(r"\A(photo|image|صوره)[ _]?\d+\Z")
_BARE_NUMBER = re.compile(r"\A\d+(?:[.,٫]\d+)?\Z")
_SPLIT = re.compile(r"\s*[;|،؛\n]\s*")
_NOT_WORDS = re.compile(r"[^\w°ø]+")


class RegisterFileError(RelicwatchError):
    """The list could not be read at all; the sentence names the file and what to do."""


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that was left out, or (`warning`) one that was kept with a doubt."""

    line: int
    reason: str
    warning: bool = False


@dataclass(slots=True)
class RegisterRow:
    """One missing object: `fields` as read (names of our import format), `original` as it stood in the file."""

    line: int
    record_id: str
    status: str
    fields: dict[str, Any]
    """Text, or a list of it; `sizes` is {height: "120.5"} in millimetres, `weight_g` grams, years are numbers."""
    original: dict[str, Any]
    photos: list[str] = field(default_factory=list)
    """Names of files beside the list or inside its zip, or addresses, as given."""
    source_id: str | None = None
    sharing: str = "internal"


@dataclass(slots=True)
class RegisterFile:
    rows: list[RegisterRow] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    """Headings that mean nothing to us; their values stay in each row's original."""
    photo_bytes: Callable[[str], bytes | None] = lambda name: None
    """The bytes of a photo by its name, None where it is not there."""


def read_register(path: Path) -> RegisterFile:
    """The rows of a list. Raises RegisterFileError where nothing of it can be read."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise RegisterFileError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    if size > LARGEST_FILE:
        raise RegisterFileError(f"{path}: is larger than {LARGEST_FILE >> 20} MiB. Split the list.")
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return _read_zip(path)
    found = _read_table(path.name, suffix, path.read_bytes(), str(path))
    folder = path.parent.resolve()
    found.photo_bytes = lambda name: _photo_beside(folder, name)
    return found


def _read_zip(path: Path) -> RegisterFile:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise RegisterFileError(f"{path}: is no zip, or a damaged one. Pack it anew.") from error
    names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
    tables = [name for name in names if PurePosixPath(name).suffix.lower() in _READERS]
    if len(tables) != 1:
        what = "no list" if not tables else f"{len(tables)} lists ({', '.join(sorted(tables)[:4])})"
        raise RegisterFileError(f"{path}: holds {what}; it should hold one {'/'.join(sorted(_READERS))} and photos.")
    info = archive.getinfo(tables[0])
    if info.file_size > LARGEST_FILE:
        raise RegisterFileError(f"{path}: {tables[0]} is larger than {LARGEST_FILE >> 20} MiB. Split the list.")
    found = _read_table(tables[0], PurePosixPath(tables[0]).suffix.lower(), archive.read(info), f"{path}: {tables[0]}")
    by_name = {PurePosixPath(name).name.casefold(): name for name in names}

    def photo(name: str) -> bytes | None:
        inside = by_name.get(PurePosixPath(name.replace("\\", "/")).name.casefold())
        if inside is None or archive.getinfo(inside).file_size > LARGEST_PHOTO:
            return None
        return archive.read(inside)

    found.photo_bytes = photo
    return found


def _photo_beside(folder: Path, name: str) -> bytes | None:
    """A file below the list's own folder; a path that leads out of it names nothing."""
    try:
        path = (folder / name.replace("\\", "/")).resolve()
        if not path.is_relative_to(folder) or not path.is_file() or path.stat().st_size > LARGEST_PHOTO:
            return None
        return path.read_bytes()
    except (OSError, ValueError):
        return None


def _read_table(name: str, suffix: str, data: bytes, shown: str) -> RegisterFile:
    reader = _READERS.get(suffix)
    if reader is None:
        raise RegisterFileError(
            f"{shown}: a list ends in {', '.join(sorted(_READERS))} or .zip, not {suffix or 'nothing'}."
        )
    found = RegisterFile()
    unknown: dict[str, None] = {}
    seen: dict[tuple[str | None, str], int] = {}
    for line, cells in reader(data, shown, found.faults):
        if len(found.rows) >= MOST_ROWS:
            found.faults.append(RowFault(line, f"the list has more than {MOST_ROWS:,} rows; the rest was left out"))
            break
        row = _row(line, cells, found.faults, unknown)
        if row is None:
            continue
        key = (row.source_id, row.record_id)
        if key in seen:
            found.faults.append(RowFault(line, f"record {row.record_id} stands in line {seen[key]} already; left out"))
            continue
        seen[key] = line
        found.rows.append(row)
    found.unknown_columns = list(unknown)
    return found


# -- the forms of a table: each gives (line, heading -> value) -------------------------------------------------------


def _decoded(data: bytes, shown: str) -> str:
    for encoding in ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    arabic = sum(0xC0 <= byte <= 0xED for byte in data) > len(data) // 6
    try:
        return data.decode("cp1256" if arabic else "cp1252")
    except UnicodeDecodeError as error:
        raise RegisterFileError(f"{shown}: is not UTF-8. Save it as 'CSV UTF-8'.") from error


def _csv_rows(data: bytes, shown: str, faults: list[RowFault]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    text = _decoded(data, shown)
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(";,\t|", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    csv.field_size_limit(1 << 24)
    headings: list[str] = []
    line = 0
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            faults.append(RowFault(line, f"cannot be read as CSV ({error})"))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if not headings:
            headings = [cell.strip() for cell in cells]
            continue
        if len(cells) > len(headings) and any(cell.strip() for cell in cells[len(headings) :]):
            faults.append(
                RowFault(
                    line, f"has {len(cells)} values under {len(headings)} headings; quote those with a '{delimiter}'"
                )
            )
            continue
        yield line, dict(zip(headings, cells, strict=False))


def _xlsx_rows(data: bytes, shown: str, faults: list[RowFault]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        headings: list[str] = []
        for line, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            if not any(cell not in (None, "") for cell in cells):
                continue
            if not headings:
                headings = ["" if cell is None else str(cell).strip() for cell in cells]
                continue
            yield line, {h: cell for h, cell in zip(headings, cells, strict=False) if h}
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, IndexError) as error:
        raise RegisterFileError(f"{shown}: cannot be read as XLSX. Save it anew, or as 'CSV UTF-8'.") from error


def _json_lines(data: bytes, shown: str, faults: list[RowFault]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, text in enumerate(_decoded(data, shown).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            faults.append(RowFault(line, "is no JSON object"))
            continue
        if isinstance(value, dict):
            yield line, value
        else:
            faults.append(RowFault(line, "is no JSON object"))


def _json_rows(data: bytes, shown: str, faults: list[RowFault]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        value = json.loads(_decoded(data, shown))
    except (ValueError, RecursionError) as error:
        raise RegisterFileError(f"{shown}: is no JSON ({error}).") from error
    rows = (
        value
        if isinstance(value, list)
        else next((v for v in value.values() if isinstance(v, list)), None)
        if isinstance(value, dict)
        else None
    )
    if rows is None:
        raise RegisterFileError(f"{shown}: should be a list of objects.")
    for number, row in enumerate(rows, start=1):
        if isinstance(row, dict):
            yield number, row
        else:
            faults.append(RowFault(number, "is no JSON object"))


_READERS: dict[str, Callable[[bytes, str, list[RowFault]], Iterator[tuple[int, Mapping[str, Any]]]]] = {
    ".csv": _csv_rows, ".txt": _csv_rows, ".tsv": _csv_rows, ".xlsx": _xlsx_rows, ".json": _json_rows,
    ".jsonl": _json_lines, ".ndjson": _json_lines,
}  # fmt: skip


# -- a row ------------------------------------------------------------------------------------------------------


@cache
def _headings() -> dict[str, str]:
    text = (Path(__file__).parent / "register_headings.yaml").read_text(encoding="utf-8")
    known: dict[str, str] = {}
    for column, headings in yaml.safe_load(text).items():
        for heading in (column.replace("_", " "), *map(str, headings)):
            known.setdefault(_plain(heading), column)
    return known


def _plain(heading: str) -> str:
    return " ".join(_NOT_WORDS.sub(" ", fold(heading)).replace("_", " ").split())


def column_of(heading: str) -> tuple[str | None, str | None]:
    """The column that a heading names, and the unit that it gives: ("height", "cm")."""
    unit = None
    if match := _UNIT.search(heading):
        said = (match[1] or match[2]).lower()
        unit = _UNITS.get(said, said)
        heading = heading[: match.start()] + heading[match.end() :]
    plain = _plain(heading)
    if _NUMBERED.match(plain):
        return "photo", None
    return _headings().get(plain), unit


def _row(line: int, cells: Mapping[str, Any], faults: list[RowFault], unknown: dict[str, None]) -> RegisterRow | None:
    original = {str(heading): _kept(value) for heading, value in cells.items() if value not in (None, "")}
    values: dict[str, list[tuple[str, str | None]]] = {}
    for heading, value in cells.items():
        column, unit = column_of(str(heading))
        said = list(_texts(value, column))
        if column is None:
            if said:
                unknown.setdefault(str(heading))
            continue
        values.setdefault(column, []).extend((one, unit) for one in said)
    if not values:
        faults.append(RowFault(line, "has no value under a heading that is known"))
        return None
    too_long = next((c for c, said in values.items() if any(len(one) > MOST_CELL for one, _ in said)), None)
    if too_long:
        faults.append(RowFault(line, f"field {too_long} is longer than {MOST_CELL:,} characters"))
        return None
    record_id = _first(values, "record_id") or _first(values, "inventory_no") or _first(values, "reference_no")
    if not record_id:
        faults.append(RowFault(line, "has no record number (record_id), and no inventory or reference number either"))
        return None
    fields: dict[str, Any] = {}
    for column, given in values.items():
        if column in _LISTS:
            fields[column] = [part for one, _ in given for part in _SPLIT.split(one) if part]
        elif column not in ("photo", "record_id", "source_id", "status", "sharing", "lat", "lon", "weight", *MEASURES):
            fields[column] = " ; ".join(one for one, _ in given)
    warn = lambda reason: faults.append(RowFault(line, reason, warning=True))  # noqa: E731
    _fill_measures(values, fields, warn)
    _fill_years(fields, warn)
    _fill_place(values, fields, warn)
    if not any(fields.get(c) for c in ("object_type", "title", "description", "inscriptions")) and not values.get(
        "photo"
    ):
        faults.append(
            RowFault(line, f"record {record_id} says nothing of its object: no type, title, description or photo")
        )
        return None
    return RegisterRow(
        line=line,
        record_id=record_id,
        status=_status(_first(values, "status"), warn),
        fields=fields,
        original=original,
        photos=[part for one, _ in values.get("photo", ()) for part in _SPLIT.split(one) if part],
        source_id=_first(values, "source_id"),
        sharing=_sharing(_first(values, "sharing"), warn),
    )


def _first(values: Mapping[str, list[tuple[str, str | None]]], column: str) -> str | None:
    return values[column][0][0] if values.get(column) else None


def _texts(value: Any, column: str | None) -> Iterator[str]:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, datetime):
        yield value.date().isoformat()
    elif isinstance(value, date):
        yield value.isoformat()
    elif isinstance(value, float) and value.is_integer():
        yield str(int(value))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, column)
    elif isinstance(value, dict):
        if column == "photo":
            yield from _texts(value.get("file") or value.get("url"), column)
        else:
            yield from (f"{key}: {one}" for key, part in value.items() for one in _texts(part, None))
    else:
        text = " ".join(str(value).split()) if column not in ("description", "photo") else str(value).strip()
        if text:
            yield text


def _kept(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value if isinstance(value, (str, int, float, bool, list, dict)) else str(value)


def _fill_measures(
    values: Mapping[str, list[tuple[str, str | None]]], fields: dict[str, Any], warn: Callable[[str], None]
) -> None:
    """Sizes in millimetres: columns with a unit in heading or value, and the words of `measurements`."""
    sizes: dict[str, str] = {}
    for column in MEASURES:
        for said, unit in values.get(column, ()):
            size = _measured(said, unit)
            if size is None:
                warn(f"{column} '{said[:40]}' has no unit that is understood; kept as words. Write it with mm, cm or m")
                fields["measurements"] = (
                    f"{fields['measurements']}; {column} {said}" if "measurements" in fields else f"{column} {said}"
                )
            else:
                sizes[column] = _number(size)
    if "measurements" in fields:
        for number, one in enumerate(dimensions_in(fields["measurements"])):
            sizes.setdefault(one.kind or f"size_{number + 1}", _number(one.millimetres))
        if (weight := weight_in(fields["measurements"])) is not None:
            fields["weight_g"] = _number(weight)
    for said, unit in values.get("weight", ()):
        weight = _measured(said, unit) if unit in ("g", "kg") else weight_in(said)
        if weight is None:
            warn(f"weight '{said[:40]}' has no unit that is understood; kept as words. Write it with g or kg")
            fields["measurements"] = (
                f"{fields['measurements']}; weight {said}" if "measurements" in fields else f"weight {said}"
            )
        else:
            fields["weight_g"] = _number(weight)
    if sizes:
        fields["sizes"] = sizes


def _measured(said: str, unit: str | None) -> Decimal | None:
    if unit and _BARE_NUMBER.match(plain := fold(said)):
        try:
            return Decimal(plain.replace(",", ".").replace("٫", ".")) * _FACTORS[unit]
        except InvalidOperation:
            return None
    found = dimensions_in(said)
    return found[0].millimetres if found else None


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _fill_years(fields: dict[str, Any], warn: Callable[[str], None]) -> None:
    for column in ("date_start", "date_end"):
        if column in fields:
            try:
                fields[column] = int(fold(str(fields[column])))
            except ValueError:
                warn(f"{column} '{str(fields[column])[:40]}' is no year (negative before our era); kept as words")
                fields["period"] = " ".join(filter(None, (fields.get("period"), str(fields.pop(column)))))
    if (
        isinstance(fields.get("date_start"), int)
        and isinstance(fields.get("date_end"), int)
        and fields["date_start"] > fields["date_end"]
    ):
        warn(f"date_start {fields['date_start']} lies after date_end {fields['date_end']}; both kept, turned round")
        fields["date_start"], fields["date_end"] = fields["date_end"], fields["date_start"]


def _fill_place(
    values: Mapping[str, list[tuple[str, str | None]]], fields: dict[str, Any], warn: Callable[[str], None]
) -> None:
    """Coordinates are rounded to about 10 km: exact findspots never stand in what is shown or shared."""
    for column in ("lat", "lon"):
        said = _first(values, column)
        if said is not None:
            try:
                fields[column] = round(float(fold(said).replace(",", ".")), 1)
            except ValueError:
                warn(f"{column} '{said[:40]}' is no number; left out")


def _status(said: str | None, warn: Callable[[str], None]) -> str:
    if said is None:
        return "missing"
    plain = _plain(said)
    for status, words in _STATUS_WORDS.items():
        if plain == status.replace("_", " ") or any(_plain(word) == plain for word in words):
            return status
    warn(f"status '{said[:40]}' is none of {', '.join(STATUSES)}; taken as missing")
    return "missing"


def _sharing(said: str | None, warn: Callable[[str], None]) -> str:
    if said is None or said.strip().lower() in SHARING:
        return (said or "internal").strip().lower()
    warn(f"sharing '{said[:40]}' is none of {', '.join(SHARING)}; taken as internal")
    return "internal"


def refused(faults: Iterable[RowFault]) -> list[RowFault]:
    return [fault for fault in faults if not fault.warning]
