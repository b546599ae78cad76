"""Missing-object lists as ministries keep them: headings in three languages, units, bad rows, zips with photos."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.register_files import RegisterFileError, column_of, read_register, refused

ROW = {
    "record_id": "7",
    "object_type": "oil lamp",
    "height_mm": "31",
    "diameter (cm)": "9,5",
    "inventory_no": "IM 4711",
}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("Record ID", "record_id"),
        ("رقم السجل", "record_id"),
        ("نوع القطعة", "object_type"),
        ("Matériaux", "materials"),
        ("N° d'inventaire", "inventory_no"),
        ("تاريخ السرقة", "theft_date"),
        ("photo_3", "photo"),
        ("الصورة 2", "photo"),
        ("shoe size of the thief", None),
    ],
)
def test_a_heading_is_known_in_english_french_and_arabic(heading: str, column: str | None) -> None:
    assert column_of(heading)[0] == column


def test_the_unit_of_a_heading_counts() -> None:
    assert column_of("Hauteur (cm)") == ("height", "cm")
    assert column_of("height_mm") == ("height", "mm")
    assert column_of("الوزن (غم)") == ("weight", "g")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_whatever_its_delimiter_and_unicode_form(tmp_path: Path, delimiter: str, encoding: str) -> None:
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in (ROW, ROW.values()))
    (row,) = read_register(written(tmp_path / "list.csv", text, encoding)).rows
    assert (row.record_id, row.line) == ("7", 2)
    assert row.fields["sizes"] == {"height": "31", "diameter": "95"}
    assert row.original["diameter (cm)"] == "9,5"


def test_an_arabic_list_in_the_old_code_page_is_read(tmp_path: Path) -> None:
    text = "رقم السجل;نوع القطعة;القياسات\n12;ختم أسطواني;الارتفاع ٢٫٥ سم\n"
    (row,) = read_register(written(tmp_path / "list.csv", text.replace("٢٫٥", "2.5"), "cp1256")).rows
    assert row.fields["object_type"] == "ختم أسطواني"
    assert row.fields["sizes"] == {"height": "25"}


def test_a_spreadsheet_and_json_lines_give_the_same_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(list(ROW))
    book.active.append([7, "oil lamp", 31, 9.5, "IM 4711"])
    book.save(tmp_path / "list.xlsx")
    written(tmp_path / "list.jsonl", json.dumps(ROW) + "\n")
    one, other = (read_register(tmp_path / name).rows[0] for name in ("list.xlsx", "list.jsonl"))
    assert (one.record_id, one.fields) == (other.record_id, other.fields)


def test_bad_rows_are_told_with_their_line_and_the_good_ones_are_kept(tmp_path: Path) -> None:
    text = "record_id,object_type,status,height\n1,lamp,stolen,3\n,lamp,stolen,\n3,,,\n4,bead,eaten,2 cm\n4,ring,,\n"
    found = read_register(written(tmp_path / "list.csv", text))
    assert [row.record_id for row in found.rows] == ["1", "4"]
    assert {fault.line: fault.reason for fault in refused(found.faults)} == {
        3: "has no record number (record_id), and no inventory or reference number either",
        4: "record 3 says nothing of its object: no type, title, description or photo",
        6: "record 4 stands in line 5 already; left out",
    }
    warnings = {fault.line: fault.reason for fault in found.faults if fault.warning}
    assert "height '3' has no unit" in warnings[2]
    assert "status 'eaten' is none of" in warnings[5]
    assert found.rows[0].fields["measurements"] == "height 3"


def test_coordinates_are_rounded_to_ten_kilometres(tmp_path: Path) -> None:
    text = "record_id,title,lat,lon\n1,lamp,33.31283,44.36152\n"
    (row,) = read_register(written(tmp_path / "list.csv", text)).rows
    assert (row.fields["lat"], row.fields["lon"]) == (33.3, 44.4)


def test_a_zip_gives_its_list_with_photos_and_nothing_from_outside_is_a_photo(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "list.zip", "w") as archive:
        archive.writestr("losses/list.csv", "record_id,title,photo\n1,lamp,Photos\\LAMP.png\n")
        archive.writestr("losses/photos/lamp.png", PNG)
    found = read_register(tmp_path / "list.zip")
    assert found.photo_bytes(found.rows[0].photos[0]) == PNG

    written(tmp_path / "secret.png", "x")
    (tmp_path / "inner").mkdir()
    beside = read_register(written(tmp_path / "inner" / "list.csv", "record_id,title,photo\n1,lamp,../secret.png\n"))
    assert beside.photo_bytes("../secret.png") is None
    assert beside.photo_bytes("/etc/passwd") is None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list.pdf", b"%PDF", "a list ends in"),
        ("list.xlsx", b"no workbook", "cannot be read as XLSX"),
        ("list.json", b"{", "is no JSON"),
        ("list.zip", b"PK", "is no zip"),
    ],
)
def test_what_is_no_list_is_one_sentence_with_the_file_s_name(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RegisterFileError, match=said) as caught:
        read_register(tmp_path / name)
    assert name in str(caught.value)


@given(st.binary(max_size=400), st.sampled_from([".csv", ".json", ".jsonl", ".xlsx", ".zip"]))
def test_any_bytes_are_rows_faults_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, ending: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"list{ending}"
    path.write_bytes(data)
    try:
        read_register(path)
    except RegisterFileError as error:
        assert path.name in str(error)


def test_a_zip_with_two_lists_says_which(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", "record_id\n")
        archive.writestr("b.csv", "record_id\n")
    (tmp_path / "two.zip").write_bytes(buffer.getvalue())
    with pytest.raises(RegisterFileError, match=r"holds 2 lists \(a.csv, b.csv\)"):
        read_register(tmp_path / "two.zip")
