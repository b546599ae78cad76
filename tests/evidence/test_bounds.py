"""Bundles made to exhaust the memory or the patience of who verifies them, and files that are no bundle."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from crawler.home import Home
from evidence import bundle, bundle_files, item_check, verify
from evidence.bundle import ExportFailed
from evidence.bundle_files import LARGEST_LIST, MOST_VALUES, JsonFault, is_bounded_json, parse_json
from evidence.faults import LONGEST_FAULT, MOST_FAULTS, Fault, Faults
from evidence.plain_zip import PlainZipWriter
from evidence.verification import report_lines
from evidence.verify import main, verify_bundle
from evidence.wacz_check import WaczCheck
from tests.evidence.factory import rewrite
from tests.evidence.test_item_check import ITEM, edit, exported, facts, new_planted
from tests.evidence.test_item_check import bag as bag
from tests.evidence.test_verify import complaints, reseal

__all__ = ["exported"]


def test_a_list_of_faults_keeps_a_hundred_and_counts_the_rest() -> None:
    faults = Faults(Fault("zip.crc", f"fault {n}") for n in range(MOST_FAULTS + 42))
    told = list(faults)
    assert (len(told), told[-1].sentence) == (MOST_FAULTS + 1, "and 42 more faults of this check")
    faults.append("zip.crc", "x" * (1 << 20))
    assert faults.count == MOST_FAULTS + 43
    (long,) = (fault.sentence for fault in Faults([Fault("zip.crc", "a" + "x" * (1 << 20) + "z")]))
    assert len(long) < LONGEST_FAULT + 10 and (long[0], long[-1]) == ("a", "z")


@pytest.mark.parametrize("text", [b"[]", b"{}", b"0", b'""', b'{"":0}'])
def test_json_of_very_many_values_is_refused_before_it_is_read(text: bytes) -> None:
    data = b"[" + b",".join([text] * (MOST_VALUES + 1)) + b"]"
    assert not is_bounded_json(data)
    with pytest.raises(JsonFault, match="more values than any"):
        parse_json(data)


@pytest.mark.parametrize("data", [b"[NaN]", b"\xff\xfe[\0]\0", b"\xef\xbb\xbf[]", b"[1] 2", b"1" * 5000, b"[" * 99999])
def test_what_is_no_plain_json_is_refused(data: bytes) -> None:
    with pytest.raises(JsonFault, match="is not JSON in UTF-8, or is nested too deeply"):
        parse_json(data)


def test_captures_of_odd_kinds_by_the_thousand_end_in_a_hundred_faults(bag: Path, exported: tuple[Path, Home]) -> None:
    edit(bag / ITEM, lambda item: facts(item).update(captures=[{"id": n} for n in range(20_000)]))
    reseal(bag, exported[1])
    result = verify_bundle(bag)
    assert result.exit_status == 1
    assert len(result.faults) < 3 * MOST_FAULTS and "more faults of this check" in complaints(result)
    assert all(len(check.detail) < (MOST_FAULTS + 2) * LONGEST_FAULT for check in result.checks)


def test_a_name_of_millions_of_letters_is_not_repeated_in_each_fault(bag: Path, exported: tuple[Path, Home]) -> None:
    rows = [{"id": "x" * 1_000_000, "kind": str(n)} for n in range(4)]
    edit(bag / ITEM, lambda item: facts(item).update(captures=rows))
    reseal(bag, exported[1])
    result = verify_bundle(bag)
    assert result.exit_status == 1 and max(len(str(fault)) for fault in result.faults) < 2 * LONGEST_FAULT


@pytest.mark.parametrize(
    "name",
    [
        "manifest-sha256.txt",
        "tagmanifest-sha256.txt",
        "bag-info.txt",
        "bagit.txt",
        "signatures/signer.crt",
        "VERIFY.txt",
    ],
)
def test_a_tag_file_of_many_megabytes_is_a_fault_and_not_read(
    bag: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rewrite(bag / name, lambda _: b"\n" * (LARGEST_LIST + 1))
    whole = bundle_files.BundleFiles.read

    def watched(self: bundle_files.BundleFiles, path: str, most: int = bundle_files.LARGEST_TEXT) -> bytes | None:
        data = whole(self, path, most)
        assert path != name or data is None
        return data

    monkeypatch.setattr(bundle_files.BundleFiles, "read", watched)
    result = verify_bundle(bag)
    assert result.exit_status == 1 and name in complaints(result)


def test_a_manifest_of_broken_lines_by_the_hundred_thousand_ends_in_a_hundred_faults(bag: Path) -> None:
    rewrite(bag / "manifest-sha256.txt", lambda _: b"x\n" * 300_000)
    result = verify_bundle(bag)
    assert result.exit_status == 1 and len(result.faults) < 5 * MOST_FAULTS


def test_headers_without_values_weigh_too(tmp_path: Path) -> None:
    """A megabyte of names alone costs forty in memory, and packs to a few kilobytes."""
    head = b"WARC/1.1\r\n" + b"".join(b"%x:\r\n" % n for n in range(120_000)) + b"Content-Length: 0\r\n"
    for name in (b"WARC-Type: resource", b"WARC-Record-ID: <urn:x>", b"WARC-Date: 2026-11-20T14:00:00Z"):
        head += name + b"\r\n"
    digest = b"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    head += b"WARC-Target-URI: x:y\r\nWARC-Block-Digest: " + digest + b"\r\nWARC-Payload-Digest: " + digest
    record = gzip.compress(head + b"\r\n\r\n" + b"\r\n\r\n")
    path = tmp_path / "heads.wacz"
    with path.open("wb") as file, PlainZipWriter(file) as package:
        package.add_bytes("archive/a.warc.gz", record * 20)
    with path.open("rb") as file:
        checked = WaczCheck(file)
    assert any("unpack to more than a capture can be" in fault.sentence for fault in checked.faults)
    assert len(checked.records) < 20


def test_the_files_of_a_bundle_are_gone_through_once_however_many_listings_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: how many names the check of each listing is handed."""
    for n in range(300):
        folder = tmp_path / f"data/items/{n:03}"
        (folder / "capture").mkdir(parents=True)
        (folder / "item.json").write_text("{}")
        with (folder / "capture/001.wacz").open("wb") as file, PlainZipWriter(file) as package:
            package.add_bytes("x", b"x")
    handed: list[int] = []
    whole = verify.item_faults

    def counted(files, folder, names, wacz, *, told_demo):  # type: ignore[no-untyped-def]
        handed.append(len(names))
        return whole(files, folder, names, wacz, told_demo=told_demo)

    monkeypatch.setattr(verify, "item_faults", counted)
    assert verify_bundle(tmp_path).listings == 300
    assert sum(handed) == 600
    assert "files.sizes.items" not in Path(item_check.__file__).read_text()


@pytest.mark.parametrize(("error", "status", "words"), [(MemoryError, 3, "more memory"), (RecursionError, 1, "nested")])
def test_a_bundle_that_exhausts_memory_or_calls_ends_in_a_sentence(
    bag: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], status: int, words: str
) -> None:
    def exhausted(*_: object) -> None:
        raise error

    monkeypatch.setattr(verify, "_check_custody", exhausted)
    result = verify_bundle(bag)
    assert result.exit_status == status and words in complaints(result)


def test_an_export_that_no_verifier_would_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = new_planted(tmp_path)
    monkeypatch.setattr(bundle, "is_bounded_json", lambda data: b"relicwatch-custody" not in data)
    with pytest.raises(ExportFailed, match="custody log is longer than"):
        planted.export()
    assert list(planted.to.iterdir()) == []
    planted.database.dispose()


# -- what is no bundle ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"%PDF-1.7 a letter", "it is no zip or was cut short"),
        (b"", "no zip"),
    ],
)
def test_a_file_that_is_missing_or_no_zip_gets_one_sentence_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, words: str
) -> None:  # EV-26
    path = tmp_path / "case.zip"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path)]) == 3
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"INCOMPLETE {path}") and words in line
    assert "; give the path" in line or "; copy the bundle again" in line


@pytest.mark.parametrize("place", ["between", "inside", "removed"])
def test_bytes_put_between_entries_or_taken_out_are_an_alteration_and_no_cut(
    exported: tuple[Path, Home], tmp_path: Path, place: str
) -> None:  # EV-26
    whole = exported[0].read_bytes()
    with zipfile.ZipFile(exported[0]) as package:
        second = package.infolist()[1].header_offset
    changed = {
        "between": whole[:second] + b"hidden between" + whole[second:],
        "inside": whole[: second + 200] + b"x" + whole[second + 200 :],
        "removed": whole[:second] + whole[second + 1 :],
    }[place]
    path = tmp_path / exported[0].name
    path.write_bytes(changed)
    result = verify_bundle(path)
    assert result.exit_status == 1 and "bytes were put in or taken out" in complaints(result)
    assert list(report_lines(result))[-1] == f"{path.name}: INVALID"


def test_a_bundle_cut_just_behind_a_zip_packed_in_it_is_incomplete(exported: tuple[Path, Home], tmp_path: Path) -> None:
    with zipfile.ZipFile(exported[0]) as package:
        entry = next(one for one in package.infolist() if one.filename.endswith(".wacz"))
        inner = package.read(entry)
    whole = exported[0].read_bytes()
    end = whole.index(inner) + len(inner)
    for length in (end, end + 40):
        path = tmp_path / exported[0].name
        path.write_bytes(whole[:length])
        assert verify_bundle(path).exit_status == 3


def test_the_result_as_json_says_the_same(tmp_path: Path) -> None:
    from dataclasses import asdict

    result = verify_bundle(tmp_path / "none.zip")
    told = json.loads(json.dumps(asdict(result), default=str))
    assert told["unread"] == told["missing"][0]["sentence"] and told["unread"].startswith(str(tmp_path / "none.zip"))
