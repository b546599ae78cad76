"""The photographs of a home: found as soon as they are kept, by whomever, whatever befell the index on disk."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crawler.home import Home
from evidence.thumbnails import store_file
from matching import stored_photos
from matching.stored_photos import StoredPhotos
from retention import finish_unlinking
from storage.database import Database
from storage.photo_traces import forget_traces, keep_traces
from storage.tables import PendingUnlink, Tombstone
from tests.matching.pictures import thing


def keep(home: Home, *seeds: int) -> list[str]:
    found = []
    for seed in seeds:
        written = io.BytesIO()
        Image.fromarray(thing(seed)).save(written, "PNG")
        found.append(store_file(home, written.getvalue()))
    return found


@pytest.fixture
def part_of_2(tmp_path: Path) -> Path:
    path = tmp_path / "part.png"
    Image.fromarray(np.ascontiguousarray(thing(2)[40:280, 50:])).save(path)
    return path


def first_found(photos: StoredPhotos, path: Path) -> list[str]:
    return [link.other for link in photos.ask(path) if link.links]


def test_a_photo_is_answered_with_the_stored_picture_that_shows_it_and_why(
    database: Database, home: Home, part_of_2: Path
) -> None:
    pictures = keep(home, 1, 2, 3, 4)
    with StoredPhotos(database, home) as photos:
        assert photos.read_missing(pictures) == 0
        assert len(photos) == 4
        (link,) = [one for one in photos.ask(part_of_2) if one.links]
        assert link.other == pictures[1]
        assert link.reasons


def test_what_another_process_keeps_is_found_without_a_new_start(
    database: Database, home: Home, part_of_2: Path
) -> None:
    with StoredPhotos(database, home) as desk, StoredPhotos(database, home) as job:
        assert desk.ask(part_of_2) == []
        (picture,) = keep(home, 2)
        job.read_missing([picture])
        assert first_found(desk, part_of_2) == [picture]


def test_a_question_with_little_time_tells_how_many_were_not_read_and_the_next_goes_on(
    database: Database, home: Home
) -> None:
    pictures = keep(home, 1, 2, 3)
    with StoredPhotos(database, home) as photos:
        assert photos.read_missing(pictures, seconds=0.0) == 3
        assert photos.read_missing(pictures) == 0
        assert photos.without_trace(pictures) == []


def test_a_file_that_is_no_picture_is_looked_at_once(database: Database, home: Home) -> None:
    broken = store_file(home, b"no picture at all")
    with StoredPhotos(database, home) as photos:
        photos.read_missing([broken])
        assert photos.without_trace([broken]) == []
        assert photos.features_of(broken) is None


@pytest.fixture
def saved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each photograph goes to disk by itself, as thousands do together."""
    save = stored_photos.PhotoShelf.save
    monkeypatch.setattr(stored_photos.PhotoShelf, "save", lambda self, segments, at_least=1: save(self, segments, 1))


@pytest.mark.usefixtures("saved_at_once")
@pytest.mark.parametrize("befell", ["nothing", "lost", "torn", "a list of nonsense", "a segment lost", "half written"])
def test_the_index_comes_back_whatever_befell_it_on_disk(
    database: Database, home: Home, part_of_2: Path, befell: str
) -> None:
    pictures = keep(home, *range(8))
    with StoredPhotos(database, home) as photos:
        photos.read_missing(pictures[:5])
        assert len(photos) == 5
        photos.read_missing(pictures[5:])
        answer = photos.ask(part_of_2)
        assert len(photos) == 8
    lists = home.photo_index / "segments.json"
    assert lists.exists()
    segments = [one for one in home.photo_index.iterdir() if one.is_dir()]
    match befell:
        case "lost":
            for file in sorted(home.photo_index.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
        case "torn":
            os.truncate(segments[0] / "rows.npy", 200)
        case "a list of nonsense":
            lists.write_text("{", "utf-8")
        case "a segment lost":
            for file in segments[-1].iterdir():
                file.unlink()
        case "half written":  # a kill while the next segment was being written
            half = home.photo_index / "0123"
            half.mkdir()
            (half / "photos.npy").write_bytes(b"\x93NUMPY")
    with StoredPhotos(database, home) as photos:
        assert photos.ask(part_of_2) == answer
        assert len(photos) == 8


@pytest.mark.usefixtures("saved_at_once")
def test_what_is_erased_is_not_answered_and_leaves_the_index_at_the_next_start(
    database: Database, home: Home, part_of_2: Path
) -> None:
    pictures = keep(home, 1, 2, 3)
    with StoredPhotos(database, home) as photos:
        photos.read_missing(pictures)
        assert first_found(photos, part_of_2) == [pictures[1]]
        with database.transaction() as session:
            forget_traces(session, [pictures[1]])
        assert first_found(photos, part_of_2) == []
    with StoredPhotos(database, home) as photos:
        assert len(photos) == 2
    held = [np.load(file) for file in home.photo_index.rglob("photos.npy")]
    assert sum(len(one) for one in held) == 2, "nor does the disk hold it any more"


@pytest.mark.parametrize("when", ["before it is read", "while it is read", "while its trace is written"])
def test_a_picture_that_is_erased_while_a_job_reads_leaves_no_trace(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    stays, goes = keep(home, 1, 2)

    def erase() -> None:
        with database.transaction() as session:
            forget_traces(session, [goes])
        home.file_path(goes).unlink(missing_ok=True)

    def then_erased(does):
        def done(*asked):
            answer = does(*asked)
            erase()
            return answer

        return done

    with StoredPhotos(database, home) as photos:
        if when == "before it is read":
            erase()
        elif when == "while it is read":
            monkeypatch.setattr(photos, "features_of", then_erased(photos.features_of))
        else:
            monkeypatch.setattr(stored_photos, "_row", then_erased(stored_photos._row))
        photos.read_missing([stays, goes])
        assert photos.without_trace([stays, goes]) == [goes]


def test_a_picture_whose_deletion_is_under_way_gets_no_trace(database: Database, home: Home) -> None:
    stays, goes = keep(home, 1, 2)
    with database.transaction() as session:
        tombstone = Tombstone(
            kind="file", object_id="1", sha256=goes, size=1, rule="file", reason="r", erased_by="t",
            erased_at=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        session.add(tombstone)
        session.flush()
        session.add(PendingUnlink(store="files", name=goes, tombstone_id=tombstone.id))
    with StoredPhotos(database, home) as photos:
        photos.read_missing([stays, goes])
        assert photos.without_trace([stays, goes]) == [goes]
        with database.transaction() as session:  # as a job keeps it that read it before anybody erased
            keep_traces(session, [stored_photos._row(goes, None)])
    os.utime(home.file_path(goes), (0, 0))
    finish_unlinking(database, home)
    with StoredPhotos(database, home) as photos:
        assert photos.without_trace([stays, goes]) == [goes]


def test_an_index_of_some_pictures_answers_with_these_alone(database: Database, home: Home, part_of_2: Path) -> None:
    pictures = keep(home, 1, 2, 3)
    with StoredPhotos(database, home) as photos:
        photos.read_missing(pictures)
        assert [one.other for one in photos.ask(part_of_2, among=photos.index_of(pictures[1:])) if one.links] == [
            pictures[1]
        ]
        assert photos.ask(part_of_2, among=photos.index_of([pictures[0]])) == []


def test_a_process_that_is_killed_while_it_writes_leaves_an_index_that_answers(
    sqlite_template: Path, home: Home, part_of_2: Path
) -> None:
    url = f"sqlite:///{home.root / 'relicwatch.sqlite3'}"
    (home.root / "relicwatch.sqlite3").write_bytes(sqlite_template.read_bytes())
    pictures = keep(home, *range(6))
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from crawler.home import Home\n"
        "from matching import photo_shelf\n"
        "from matching.stored_photos import StoredPhotos\n"
        "from storage.database import Database\n"
        "written = []\n"
        "def kill(file, array, **kw):\n"
        "    written.append(array)\n"
        "    if len(written) == 8: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    save(file, array, **kw)\n"
        "save, photo_shelf.np.save = photo_shelf.np.save, kill\n"
        f"photos = StoredPhotos(Database({url!r}), Home(Path({str(home.root)!r})))\n"
        f"photos.read_missing({pictures[:3]!r}); photos.rebuild()\n"
        f"photos.read_missing({pictures[3:]!r}); photos.rebuild()\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (home.photo_index / "segments.json").exists(), "it was killed in the middle of making it anew"
    with StoredPhotos(Database(url), home) as photos:
        assert len(photos) == 6
        assert first_found(photos, part_of_2) == [pictures[2]]
