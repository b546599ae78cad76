import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from cli import app
from matching import photo_reading
from matching.photo_folders import PhotoFault, match_folders
from matching.photo_reading import PhotoReader, PhotoUnreadable, decode_photo
from tests.matching.pictures import thing

ROOT = Path(__file__).resolve().parents[2]


def refuse(fault: PhotoFault) -> None:
    raise AssertionError(str(fault))


def jpeg(seed: int, **more: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(thing(seed)).save(out, "JPEG", quality=90, **more)
    return out.getvalue()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    query, stored = tmp_path / "new", tmp_path / "stored"
    query.mkdir()
    (stored / "house").mkdir(parents=True)
    for seed in range(4):
        (stored / "house" / f"{seed}.jpg").write_bytes(jpeg(seed))
    Image.fromarray(thing(2)[60:, 50:]).save(query / "part.png")
    (query / "other.jpg").write_bytes(jpeg(40))
    return query, stored


def test_a_line_a_query_with_candidates_and_links(folders: tuple[Path, Path]) -> None:
    query, stored = folders
    command = [sys.executable, "-m", "cli", "photos", "match", str(query), "--against", str(stored), "--json"]
    environment = {**os.environ, "RELICWATCH_HOME": str(query.parent / "home")}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    other, part = (json.loads(line) for line in ran.stdout.splitlines())
    assert (other["file"], other["linked"]) == ("other.jpg", [])
    assert (part["file"], part["linked"]) == ("part.png", ["house/2.jpg"])
    best = part["candidates"][0]
    assert best["file"] == "house/2.jpg"
    assert best["score"] >= 0.9
    assert "local features" in best["reason"]
    assert not (query.parent / "home").exists()


def test_a_file_that_is_no_picture_is_told_and_the_rest_goes_on(folders: tuple[Path, Path]) -> None:  # SEC-25
    query, stored = folders
    (query / "cut.jpg").write_bytes(jpeg(1)[:900])
    (stored / "notes.txt").write_text("no picture")
    faults: list[PhotoFault] = []
    records = list(match_folders(query, stored, faults.append))
    assert [record["file"] for record in records] == ["cut.jpg", "other.jpg", "part.png"]
    assert "cannot be decoded" in records[0]["error"]
    assert records[2]["linked"] == ["house/2.jpg"]
    assert [Path(str(fault).split(" is not ")[0]).name for fault in faults] == ["notes.txt", "cut.jpg"]


def test_every_entry_of_the_folder_has_a_line_whatever_its_name(folders: tuple[Path, Path]) -> None:
    query, stored = folders
    named = os.path.join(os.fsencode(query), b"\xfflot\n1.jpg")
    Path(os.fsdecode(named)).write_bytes(jpeg(0))
    (query / "gone.jpg").symlink_to(query / "nowhere")
    ran = subprocess.run(
        [sys.executable, "-m", "cli", "photos", "match", str(query), "--against", str(stored), "--json"],
        cwd=ROOT, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    told = {record["file"]: record for record in map(json.loads, ran.stdout.decode().splitlines())}
    assert told.keys() == {"gone.jpg", "other.jpg", "part.png", os.fsdecode(b"\xfflot\n1.jpg")}
    assert "cannot be read" in told["gone.jpg"]["error"]
    assert told[os.fsdecode(b"\xfflot\n1.jpg")]["linked"] == ["house/0.jpg"]


def saved(name: str, **how: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(thing(1)).save(out, name, **how)
    return out.getvalue()


def deep(mode: str) -> bytes:
    grey = np.asarray(Image.fromarray(thing(1)).convert("L"))
    out = io.BytesIO()
    if mode == "F":
        Image.fromarray(grey.astype(np.float32) / 255).save(out, "TIFF")
    else:
        Image.fromarray(grey.astype(np.uint16) * 257).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("body", [deep("I"), deep("F"), saved("JPEG", quality=90)[:-400], saved("PNG")[:-900]])
def test_deep_pictures_and_the_part_of_one_that_was_cut_off_show_what_they_show(body: bytes) -> None:
    shown, whole = decode_photo(body), thing(1)
    assert shown.shape[1] == whole.shape[1]
    assert shown.shape[0] >= 0.85 * whole.shape[0]
    light, expected = shown.mean(axis=2)[:-24], whole.mean(axis=2)[: len(shown) - 24]
    assert np.corrcoef(light.ravel(), expected.ravel())[0, 1] > 0.95


def test_a_photo_of_a_telephone_with_a_hundred_million_pixels_is_read_small() -> None:
    out = io.BytesIO()
    Image.new("RGB", (12_000, 9_000), "green").save(out, "JPEG", quality=40)
    assert max(decode_photo(out.getvalue()).shape) <= 1600


def test_the_exit_status_says_that_a_file_was_not_read(folders: tuple[Path, Path]) -> None:
    query, stored = folders
    (query / "empty.jpg").write_bytes(b"")
    ran = CliRunner().invoke(app, ["photos", "match", str(query), "--against", str(stored), "--json"])
    assert isinstance(ran.exception, PhotoFault)
    assert len(ran.stdout.splitlines()) == 3
    assert CliRunner().invoke(app, ["photos", "match", str(query)]).exit_code == 2


def test_a_folder_asked_against_itself_does_not_answer_with_the_file_itself(folders: tuple[Path, Path]) -> None:
    _, stored = folders
    (stored / "again.jpg").write_bytes(jpeg(3))
    records = {record["file"]: record["linked"] for record in match_folders(stored, stored, refuse)}
    assert records["again.jpg"] == ["house/3.jpg"]
    assert records["house/3.jpg"] == ["again.jpg"]
    assert records["house/1.jpg"] == []


def test_one_file_can_be_asked_about(folders: tuple[Path, Path]) -> None:
    query, stored = folders
    [record] = match_folders(query / "part.png", stored, refuse)
    assert (record["file"], record["linked"]) == ("part.png", ["house/2.jpg"])


def test_a_reader_whose_child_dies_reads_the_next_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(1))
    with PhotoReader() as reader:
        reader.features_of(path)
        child = reader._child
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        with pytest.raises(PhotoUnreadable, match="broke down"):
            reader.features_of(path)
        assert len(reader.features_of(path).points) > 50


def test_a_file_that_never_ends_is_given_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    with PhotoReader(silence=0.2) as reader, pytest.raises(PhotoUnreadable, match="longer than"):
        reader.features_of(pipe)


def test_a_picture_that_takes_too_much_of_the_processor_is_given_up_and_the_next_is_read(tmp_path: Path) -> None:
    large, small = tmp_path / "large.png", tmp_path / "small.jpg"
    Image.effect_noise((4000, 4000), 50).save(large, compress_level=1)
    small.write_bytes(jpeg(1))
    with PhotoReader(seconds=0.02) as reader:
        with pytest.raises(PhotoUnreadable, match="of processor time"):
            reader.features_of(large)
        reader._seconds = 60.0
        assert len(reader.features_of(small).points) > 50


def test_the_child_may_not_have_more_memory_than_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (7900, 7900), 255).save(path)
    with PhotoReader() as reader:
        reader.features_of(path)
        assert reader._child is not None
        limits = Path(f"/proc/{reader._child.pid}/limits").read_text()
    assert str(photo_reading._MOST_MEMORY) in next(line for line in limits.splitlines() if "address space" in line)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no JPEG"),
        (jpeg(1)[:500], "cannot be decoded"),
        (b"GIF89a" + b"\xff" * 40, "decoded|no JPEG"),
    ],
)
def test_hostile_bytes_are_refused_with_a_reason(body: bytes, why: str) -> None:
    with pytest.raises(PhotoUnreadable, match=why):
        decode_photo(body)


def test_too_many_pixels_and_too_few_are_refused() -> None:
    many, few = io.BytesIO(), io.BytesIO()
    Image.new("1", (9000, 9000)).save(many, "PNG")
    Image.new("RGB", (10, 10)).save(few, "PNG")
    with pytest.raises(PhotoUnreadable, match="9000 x 9000"):
        decode_photo(many.getvalue())
    with pytest.raises(PhotoUnreadable, match="too small"):
        decode_photo(few.getvalue())


def test_a_picture_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.new("RGB", (200, 100), "red").save(out, "JPEG", exif=exif)
    assert decode_photo(out.getvalue()).shape == (200, 100, 3)


def test_no_thread_is_left_behind(folders: tuple[Path, Path]) -> None:
    query, stored = folders
    before = threading.active_count()
    list(match_folders(query, stored, refuse))
    assert threading.active_count() == before
