import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crawler.home import Home
from evidence.bag import manifest_lines
from evidence.plain_zip import PlainZipWriter
from evidence.signing import ensure_signing_key, sign_detached
from evidence.verification import Verification
from evidence.verify import main, verify_bundle
from storage.database import Database
from storage.migrate import upgrade
from tests.evidence.factory import plant, rewrite


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One exported bundle for the whole module; tests change copies of it."""
    root = tmp_path_factory.mktemp("bundle")
    database = Database(f"sqlite:///{root / 'db.sqlite3'}")
    upgrade(database)
    yield plant(database, Home(root / "home"), root / "out").export().path
    database.dispose()


@pytest.fixture
def bag(bundle: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(bundle) as package:
        package.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked" / bundle.stem


@pytest.fixture
def zipped(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(bundle, tmp_path))


def files_of(bag: Path) -> list[str]:
    return sorted(path.relative_to(bag).as_posix() for path in bag.rglob("*") if path.is_file())


def complaints(result: Verification) -> str:
    return "\n".join(map(str, [*result.faults, *result.missing]))


def repack(bag: Path, to: Path) -> Path:
    """The bag as a zip in the form that relicwatch packs."""
    with to.open("wb") as file, PlainZipWriter(file) as package:
        for name in files_of(bag):
            package.add_file(f"{bag.name}/{name}", bag / name)
    return to


def remake_manifests(bag: Path) -> None:
    """What a forger without the key can do."""

    def digest(name: str) -> str:
        return hashlib.sha256((bag / name).read_bytes()).hexdigest()

    payload = {name: digest(name) for name in files_of(bag) if name.startswith("data/")}
    (bag / "manifest-sha256.txt").write_bytes(manifest_lines(payload))
    size = sum((bag / name).stat().st_size for name in payload)
    info = (bag / "bag-info.txt").read_text().splitlines()
    info[-1] = f"Payload-Oxum: {size}.{len(payload)}"
    (bag / "bag-info.txt").write_text("\n".join(info) + "\n")
    tags = ["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "signatures/signer.crt", "VERIFY.txt", "index.html"]
    tags += [name for name in files_of(bag) if name.startswith("signatures/authorities/")]
    (bag / "tagmanifest-sha256.txt").write_bytes(manifest_lines({name: digest(name) for name in tags}))


def reseal(bag: Path, key_home: Home) -> None:
    """Manifests and signature made anew with the installation's own key: only the inner checks are left."""
    remake_manifests(bag)
    key = ensure_signing_key(key_home)
    (bag / "signatures/signer.crt").write_bytes(key.certificate_pem)
    remake_manifests(bag)
    signature = sign_detached(key, (bag / "tagmanifest-sha256.txt").read_bytes())
    (bag / "signatures/tagmanifest-sha256.txt.p7s").write_bytes(signature.pem)


def test_an_untouched_bundle_is_valid_as_a_zip_and_unpacked(bundle: Path, bag: Path) -> None:
    for path in (bundle, bag):
        result = verify_bundle(path)
        assert (result.status, result.exit_status, complaints(result)) == ("valid", 0, "")
        assert result.listings == 2 and result.records > 10
        assert all(check.ok for check in result.checks)
        assert any("trusted time" in sentence for sentence in result.not_checked)


def test_one_changed_byte_in_any_file_is_found_and_the_file_named(bag: Path) -> None:  # EV-23, EV-26
    generator = random.Random(7)
    for name in files_of(bag):
        whole = (bag / name).read_bytes()
        for at in (0, generator.randrange(len(whole)), len(whole) - 1):
            changed = bytearray(whole)
            changed[at] ^= 1
            (bag / name).write_bytes(changed)
            result = verify_bundle(bag)
            assert result.exit_status == 1, f"byte {at} of {name}"
            assert name in complaints(result)
        (bag / name).write_bytes(whole)
    assert verify_bundle(bag).status == "valid"


def test_one_changed_byte_anywhere_in_the_zip_is_found(zipped: Path) -> None:
    whole = zipped.read_bytes()
    generator = random.Random(11)
    directory = whole.rindex(b"PK\x01\x02")
    places = [*range(60), *range(directory, len(whole)), *(generator.randrange(len(whole)) for _ in range(60))]
    for at in places:
        changed = bytearray(whole)
        changed[at] ^= 0x20
        zipped.write_bytes(changed)
        assert verify_bundle(zipped).exit_status in (1, 3), f"byte {at}"


def test_each_removed_file_is_missed_by_name(bag: Path) -> None:
    for name in files_of(bag):
        whole = (bag / name).read_bytes()
        (bag / name).unlink()
        result = verify_bundle(bag)
        assert result.exit_status in (1, 3)
        assert name in complaints(result)
        (bag / name).write_bytes(whole)


def test_a_bundle_without_its_signature_cannot_be_judged(bag: Path) -> None:
    (bag / "signatures/tagmanifest-sha256.txt.p7s").unlink()
    assert verify_bundle(bag).exit_status == 3


@pytest.mark.parametrize(
    "name", ["data/extra.txt", "data/items/001/images/extra.png", "extra.txt", "tagmanifest-md5.txt"]
)
def test_an_added_file_is_named(bag: Path, name: str) -> None:
    (bag / name).write_text("added")
    result = verify_bundle(bag)
    assert result.exit_status == 1 and name in complaints(result)


def test_a_file_added_to_the_zip_alone_is_named(zipped: Path) -> None:
    with zipfile.ZipFile(zipped, "a") as package:
        package.writestr(f"{zipped.stem}/data/extra.txt", "added")
        package.writestr("beside.txt", "added")
    result = verify_bundle(zipped)
    assert result.exit_status == 1
    assert "data/extra.txt" in complaints(result) and "beside.txt" in complaints(result)


def test_an_empty_directory_a_link_and_a_renamed_file_are_named(bag: Path) -> None:
    (bag / "data/empty").mkdir()
    os.symlink("/etc/hostname", bag / "data/link.txt")
    shutil.move(bag / "data/items/001/item.json", bag / "data/items/001/items.json")
    found = complaints(verify_bundle(bag))
    for name in ("data/empty", "data/link.txt", "data/items/001/item.json", "data/items/001/items.json"):
        assert name in found


@pytest.mark.parametrize("line", ["../outside.txt", "/etc/passwd", "data/../bagit.txt", "data\\x.txt", "index.html"])
def test_a_manifest_with_a_path_that_leads_out_or_stands_twice_is_refused(bag: Path, line: str) -> None:
    with (bag / "manifest-sha256.txt").open("a") as file:
        file.write(f"{'0' * 64}  {line}\n")
    result = verify_bundle(bag)
    assert result.exit_status == 1 and "manifest-sha256.txt" in complaints(result)


def test_zip_entries_doubled_or_with_odd_names_are_refused(zipped: Path, tmp_path: Path) -> None:
    top = zipped.stem
    for name in (
        f"{top}/index.html",
        f"{top}/DATA/INDEX.HTML",
        f"{top}/../up.txt",
        "/abs.txt",
        f"{top}/a\\b",
        f"{top}/con",
    ):
        copy = Path(shutil.copy(zipped, tmp_path / "odd.zip"))
        with pytest.warns(UserWarning) if name.endswith("index.html") else _nothing(), zipfile.ZipFile(copy, "a") as z:
            z.writestr(name, "x")
        renamed = tmp_path / "odd" / zipped.name
        renamed.parent.mkdir(exist_ok=True)
        shutil.move(copy, renamed)
        result = verify_bundle(renamed)
        assert result.exit_status == 1, name
        assert name.rpartition("/")[2].replace("\\", "") in complaints(result).replace("\\", "")


def _nothing() -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


def test_bytes_before_or_after_the_zip_are_found(zipped: Path) -> None:
    whole = zipped.read_bytes()
    for changed in (b"x" + whole, whole + b"x", whole + b"x" * 70000):
        zipped.write_bytes(changed)
        assert verify_bundle(zipped).exit_status in (1, 3)


def test_a_zip_cut_short_at_any_place_is_incomplete(zipped: Path) -> None:
    whole = zipped.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        zipped.write_bytes(whole[:length])
        assert verify_bundle(zipped).exit_status == 3
    assert verify_bundle(zipped.with_name("none.zip")).exit_status == 3


def test_a_packed_bag_with_compressed_entries_is_refused(bag: Path, tmp_path: Path) -> None:
    to = tmp_path / "deflated.zip"
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as package:
        for name in files_of(bag):
            package.write(bag / name, f"deflated/{name}")
    assert verify_bundle(to).exit_status in (1, 3)


def test_an_altered_record_with_remade_manifests_is_caught_by_the_signature(bag: Path) -> None:
    item = bag / "data/items/001/item.json"
    rewrite(item, lambda data: data.replace(b"1350", b"9350"))
    remake_manifests(bag)
    result = verify_bundle(bag)
    assert result.exit_status == 1
    assert "tagmanifest-sha256.txt.p7s" in complaints(result)


def resign_with_new_key(bag: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "forger")
    home.create()
    reseal(bag, home)


def test_a_bundle_signed_by_another_key_shows_another_fingerprint(bag: Path, bundle: Path, tmp_path: Path) -> None:
    resign_with_new_key(bag, tmp_path)
    assert verify_bundle(bag).fingerprint != verify_bundle(bundle).fingerprint


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'"sha256": "', b'"sha256": "0', "digest"),
        (b'"offset": ', b'"offset": 9', "no record"),
        (b'"status": 200', b'"status": 404', "status"),
    ],
)
def test_an_item_record_that_does_not_fit_its_wacz_is_caught_even_when_resealed(
    bag: Path, tmp_path: Path, old: bytes, new: bytes, words: str
) -> None:
    rewrite(bag / "data/items/002/item.json", lambda data: data.replace(old, new))
    resign_with_new_key(bag, tmp_path)
    result = verify_bundle(bag)
    assert result.exit_status == 1
    assert "data/items/002/item.json" in complaints(result) and words in complaints(result)


def edit_custody(change: Callable[[dict[str, list[dict[str, object]]]], None]) -> Callable[[bytes], bytes]:
    def edited(data: bytes) -> bytes:
        custody = json.loads(data)
        change(custody)
        return json.dumps(custody).encode()

    return edited


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["events"][1].update(actor="someone"),
        lambda c: c["links"].pop(1),
        lambda c: c["links"][1].update(hash="0" * 64),
        lambda c: c["events"][0].update(at="2020-01-01T00:00:00.000000+00:00"),
    ],
)
def test_an_edited_custody_log_is_caught_even_when_resealed(
    bag: Path, tmp_path: Path, change: Callable
) -> None:  # EV-32
    rewrite(bag / "data/custody/custody.json", edit_custody(change))
    resign_with_new_key(bag, tmp_path)
    result = verify_bundle(bag)
    assert result.exit_status == 1 and "data/custody/custody.json" in complaints(result)


def test_the_module_runs_alone_and_prints_every_check(
    bundle: Path, bag: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.run([sys.executable, "-m", "evidence.verify", bundle], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "VALID" in done.stdout and "NOT CHECKED" in done.stdout
    rewrite(bag / "index.html", lambda data: data + b" ")
    assert main([str(bag)]) == 1
    assert "FAULT index.html" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main([])


def test_the_verifier_loads_neither_database_nor_tables() -> None:
    program = (
        "import evidence.verify, sys; print([n for n in sys.modules if n.split('.')[0] in ('storage', 'sqlalchemy')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_bag_repacked_by_us_verifies_again(bag: Path, tmp_path: Path) -> None:
    assert verify_bundle(repack(bag, tmp_path / "again.zip")).status == "valid"


def test_the_order_of_the_entries_is_free_as_the_documents_say(bag: Path, tmp_path: Path) -> None:
    to = tmp_path / "backwards.zip"
    with to.open("wb") as file, PlainZipWriter(file) as package:
        for name in reversed(files_of(bag)):
            package.add_file(f"{bag.name}/{name}", bag / name)
    assert verify_bundle(to).status == "valid"
