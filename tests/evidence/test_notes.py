import ast
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

import evidence.item
import evidence.page_capture
import evidence.transit
from crawler.home import Home
from evidence.item import _left_out
from evidence.report.notes import Piece, note_pieces
from evidence.report.render import LANGUAGES
from storage.database import Database
from storage.migrate import upgrade
from storage.tables import Capture
from tests.evidence.factory import START, plant


def sample(value: ast.expr) -> str | None:
    """The text of a literal or f-string, each filling as `x1`."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if isinstance(value, ast.JoinedStr):
        return "".join(str(p.value) if isinstance(p, ast.Constant) else "x1" for p in value.values)
    if isinstance(value, ast.BoolOp):
        return sample(value.values[-1])
    return None


def notes_of_page_capture() -> list[str]:
    """Every sentence that a capture job can write beside a capture."""
    tree = ast.parse(Path(evidence.page_capture.__file__).read_text("utf-8"))
    found: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called.endswith(("problems.append", "sentences.append")):
            found += [text for one in node.args if (text := sample(one))]
        elif called == "Derivative":
            found += [text for one in node.keywords if one.arg == "note" and (text := sample(one.value))]
        elif called == "self._step" and (text := sample(node.args[0])):
            found.append(text)
    # The one sentence that is filled with another one.
    return ["The image x1 was cut off after x1 bytes (x1)." if one == "The image x1 was x1." else one for one in found]


def test_every_sentence_of_a_capture_job_is_known_in_every_language() -> None:
    notes = [*notes_of_page_capture(), evidence.transit.FOUND_AGAIN, "cut off after 9 bytes (length)"]
    assert len(notes) > 22
    for note in notes:
        for language in set(LANGUAGES) - {"en"}:
            pieces = note_pieces(note, language)
            assert {piece.text for piece in pieces if not piece.own} <= {"x1", "x1 x x1", "9"}, note
            assert any(piece.own for piece in pieces), note


def test_sentences_are_told_one_by_one_and_their_fillings_stay() -> None:
    note = (
        "The image http://a.example/1.jpg could not be fetched (x). The image http://a.example/2.jpg was cut off after "
        "5 bytes (length). A sentence of somebody else. The page gave no answer to the PDF within 9 s."
    )
    french = "".join(piece.text for piece in note_pieces(note, "fr"))
    assert french == (
        "L'image http://a.example/1.jpg n'a pas pu être obtenue (x). L'image http://a.example/2.jpg a été coupée après "
        "5 octets (longueur). A sentence of somebody else. La page n'a pas répondu en 9 s : impression de la page."
    )
    assert [p.text for p in note_pieces(note, "ar") if not p.own][:1] == ["http://a.example/1.jpg"]
    assert note_pieces(note, "en") == [Piece(note, False)]


@pytest.mark.parametrize("note", ["", ".", "{a}", "<script>", "x" * 5000, "The image  could not be fetched ()."])
def test_an_unknown_note_is_shown_word_for_word(note: str) -> None:
    assert "".join(piece.text for piece in note_pieces(note, "ar")) == note


def test_reasons_for_leaving_a_capture_out_are_known() -> None:
    row = Capture(id=1, kind="dom", url="x", captured_at=START, sha256="0", state="FAILED")
    for sources in ({}, {1: 2}):
        reason = _left_out(row, {}, sources)["reason"]
        assert all(piece.own for piece in note_pieces(reason, "fr"))
    source = Path(evidence.item.__file__).read_text("utf-8")
    for reason in re.findall(r'"(working copy[^"{]*|its file was not sealed[^"]*)"', source):
        assert all(piece.own for piece in note_pieces(reason, "ar")), reason


def test_the_french_and_arabic_report_hold_no_english_notes(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}")
    upgrade(database)
    planted = plant(database, Home(tmp_path / "home"), tmp_path / "out")
    english = {
        "screenshot": "rendered by Chromium 1, window 1366 x 900",
        "thumbnail": "made from the photograph as received: scaled down, metadata dropped",
        "dom": "The page could not be opened: net::ERR. The guard refused 1 requests: a.example:80 (port 80).",
    }
    with database.transaction() as session:
        for row in session.query(Capture).filter(Capture.kind.in_(english)):
            row.note, row.state = english[row.kind], "PARTIAL"
        listing_id = planted.listing_ids[0]
        at = START + timedelta(hours=9)
        lost = Capture(
            kind="capture_report", listing_id=listing_id, url="https://auction.example/lot/1", captured_at=at
        )
        lost.sha256, lost.payload_bytes, lost.state, lost.note = (
            "0" * 64,
            1,
            "FAILED",
            "The page crashed in the browser.",
        )
        session.add(lost)
    with zipfile.ZipFile(planted.export(languages=("en", "fr", "ar")).path) as package:
        page = package.read(next(n for n in package.namelist() if n.endswith("index.html"))).decode()
    parts = re.split(r'<section id="(\w\w)"', page)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    phrases = ("rendered by", "made from the photograph", "could not be opened", "The guard", "crashed", "reviewer")
    for phrase in phrases:
        assert phrase in sections["en"], phrase
        assert phrase not in sections["fr"] and phrase not in sections["ar"], phrase
    assert "examinateur" in sections["fr"] and "مراجِع" in sections["ar"]
    assert "a.example:80 (port 80)" in sections["ar"]
    assert re.search(r'<bdi class="whole" dir="ltr">\(0\.91\)</bdi>', sections["ar"])
    assert re.search(r"\.whole \{ white-space: nowrap", page)
    database.dispose()
