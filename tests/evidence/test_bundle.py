import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import bagit
import pytest
from sqlalchemy import select

import evidence.bundle
from classifiers.answers.explained import explain
from crawler.errors import UsageError
from crawler.home import Home
from evidence.bundle import ExportFailed
from evidence.custody import CustodyDamaged
from evidence.exhibit_files import EvidenceMissing
from evidence.plain_zip import PlainZipWriter, name_fault
from evidence.recipients import Request
from evidence.report.render import probability
from evidence.sealing import EvidenceDamaged
from evidence.signing import KEY_FILE, SigningError
from evidence.verify import verify_bundle
from storage.audit import chain_faults
from storage.database import Database
from storage.decisions import undo_decision
from storage.tables import Assessment, AuditEvent, Capture, Decision, Export, Listing, Observation, Segment, User
from tests.evidence.factory import START, Planted, plant, rewrite

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)> ../../etc/passwd \u202egnp.exe\x07 CON'


@pytest.fixture
def own_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """SQLite alone: exporting asks the same simple questions of both kinds, and one test below runs on both."""
    opened = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'own.sqlite3')}")
    yield opened
    opened.dispose()


@pytest.fixture
def planted(own_database: Database, home: Home, tmp_path: Path) -> Planted:
    return plant(own_database, home, tmp_path / "out")


def unpack(path: Path, to: Path) -> Path:
    subprocess.run(["unzip", "-q", path, "-d", to], check=True)
    return to / path.stem


def events(planted: Planted, action: str) -> list[AuditEvent]:
    with planted.database.transaction() as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


def assert_nothing_left(planted: Planted) -> None:
    assert list(planted.to.iterdir()) == []
    with planted.database.transaction() as session:
        assert list(session.scalars(select(Export))) == []


def test_a_case_is_exported_logged_and_verified(database: Database, home: Home, tmp_path: Path) -> None:
    planted = plant(database, home, tmp_path / "out")
    bundle = planted.export()
    assert verify_bundle(bundle.path).status == "valid"
    assert [path.name for path in planted.to.iterdir()] == [bundle.path.name]
    with planted.database.transaction() as session:
        row = session.scalars(select(Export)).one()
        assert (row.bundle_id, row.sha256, row.exported_by) == (bundle.bundle_id, bundle.sha256, "amira")
        assert chain_faults(session.scalars(select(AuditEvent))) == []
    finished = events(planted, "export.finished")
    assert finished[0].details["sha256"] == bundle.sha256


def test_one_listing_is_exported_alone(planted: Planted) -> None:
    bundle = planted.export(case=None, listing_id=planted.listing_ids[1])
    assert bundle.listings == 1 and verify_bundle(bundle.path).status == "valid"


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_standard_tools_find_the_bundle_good(
    planted: Planted, tmp_path: Path, shell: str
) -> None:  # EV-23, EV-25, EV-27
    bag = unpack(planted.export().path, tmp_path / "clean")
    assert bagit.Bag(str(bag)).validate(fast=False)
    commands = re.findall(r"^ {4}(\S.* .*)$", (bag / "VERIFY.txt").read_text(), re.MULTILINE)
    assert len(commands) == 10
    before = sorted(path for path in tmp_path.rglob("*"))
    for command in commands:
        assert "> " not in command and "/tmp" not in command, "no command writes a file"
        done = subprocess.run([shell, "-c", command], cwd=bag, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
        assert "BROKEN" not in done.stdout
    assert sorted(path for path in tmp_path.rglob("*")) == before
    fingerprint = verify_bundle(bag).fingerprint
    assert fingerprint and fingerprint in (bag / "VERIFY.txt").read_text()
    (bag / "index.html").write_text("other")
    assert subprocess.run(["bash", "-c", commands[1]], cwd=bag, capture_output=True).returncode != 0


def test_evidence_files_go_in_byte_for_byte(planted: Planted, tmp_path: Path) -> None:  # EV-10, EV-11
    bag = unpack(planted.export().path, tmp_path / "clean")
    with zipfile.ZipFile(bag / "data/items/001/capture/001.wacz") as wacz:
        entry = wacz.getinfo("archive/capture-001.warc.gz")
        assert entry.compress_type == zipfile.ZIP_STORED
        assert wacz.read(entry) == (planted.home.evidence / planted.segments[0]).read_bytes()


def test_the_same_evidence_gives_the_same_payload_but_for_custody(planted: Planted, tmp_path: Path) -> None:  # EV-36
    def payload(name: str) -> dict[str, bytes]:
        bag = unpack(planted.export().path, tmp_path / name)
        return {p.relative_to(bag).as_posix(): p.read_bytes() for p in bag.rglob("data/**/*") if p.is_file()}

    first, second = payload("one"), payload("two")
    assert first.keys() == second.keys()
    differing = {name for name in first if first[name] != second[name]}
    assert differing == {f"data/custody/{name}" for name in ("custody.json", "custody.html", "case.jsonld")}


def test_the_second_bundle_shows_the_first_in_its_custody_log(planted: Planted, tmp_path: Path) -> None:
    first = planted.export()
    custody = json.loads((unpack(planted.export().path, tmp_path / "x") / "data/custody/custody.json").read_text())
    about = [(event["action"], event["object_id"]) for event in custody["events"]]
    assert ("export.finished", first.bundle_id) in about
    assert {"listing.flagged", "capture.sealed", "decided", "case.opened"} <= {action for action, _ in about}
    assert "job.done" not in {action for action, _ in about}, "events about other matters stay closed"


@pytest.mark.parametrize("which", ["segment", "derivative"])
def test_a_changed_byte_on_disk_refuses_the_export_and_is_logged(planted: Planted, which: str) -> None:  # EV-18
    with planted.database.transaction() as session:
        if which == "segment":
            path = planted.home.evidence / session.scalars(select(Segment)).first().name
        else:
            shot = session.scalars(select(Capture).where(Capture.kind == "screenshot")).first()
            path = planted.home.file_path(shot.sha256)
    rewrite(path, lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    with pytest.raises(EvidenceDamaged, match=re.escape(str(path))) as raised:
        planted.export()
    assert re.search("[0-9a-f]{64}", str(raised.value))
    assert_nothing_left(planted)
    assert str(path) in events(planted, "export.refused")[0].details["reason"]


def test_a_missing_file_and_a_row_that_does_not_fit_its_record_refuse_the_export(planted: Planted) -> None:
    with planted.database.transaction() as session:
        row = session.scalars(select(Capture).where(Capture.kind == "exchange")).first()
        kept, row.sha256 = row.sha256, "0" * 64
    with pytest.raises(EvidenceDamaged, match="another digest than 0000"):
        planted.export()
    with planted.database.transaction() as session:
        session.get_one(Capture, row.id).sha256 = kept
    (planted.home.evidence / planted.segments[1]).unlink()
    with pytest.raises(EvidenceDamaged, match=re.escape(planted.segments[1])):
        planted.export()
    assert_nothing_left(planted)


def test_a_false_entry_in_the_audit_log_refuses_the_export(planted: Planted) -> None:
    values = {"object_kind": "case", "object_id": "2026/17", "details": {}, "previous_hash": "0" * 64, "hash": "1" * 64}
    with planted.database.transaction() as session:
        session.add(AuditEvent(chain="other", sequence=1, at=START, actor="nobody", action="case.closed", **values))
    with pytest.raises(CustodyDamaged, match="does not match its hash"):
        planted.export()
    assert_nothing_left(planted)
    assert events(planted, "export.refused")


def test_a_revisit_that_points_outside_its_file_refuses_the_export(planted: Planted) -> None:  # EV-8
    import hashlib

    from evidence.segments import pack_record, sha256_label

    label = sha256_label(hashlib.sha256(b"elsewhere").digest())
    headers = {
        "WARC-Type": "revisit",
        "WARC-Record-ID": "<urn:uuid:1>",
        "WARC-Date": "2026-11-20T14:00:00Z",
        "WARC-Target-URI": "https://auction.example/x",
        "WARC-Payload-Digest": label,
        "WARC-Refers-To": "<urn:uuid:2>",
        "Content-Type": "application/http;msgtype=response",
    }
    path = planted.home.evidence / planted.segments[0]
    rewrite(path, lambda data: data + pack_record(headers, b"HTTP/1.1 200 OK\r\n\r\n"))
    with planted.database.transaction() as session:
        segment = session.scalars(select(Segment).where(Segment.name == planted.segments[0])).one()
        segment.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(EvidenceDamaged, match="outside itself"):
        planted.export()
    assert_nothing_left(planted)


@pytest.mark.parametrize("harm", ["missing", "garbage", "open to others"])
def test_without_a_usable_key_no_bundle_is_left(planted: Planted, harm: str) -> None:  # EV-24
    key = planted.home.keys / KEY_FILE
    if harm == "missing":
        key.unlink()
    elif harm == "garbage":
        key.write_bytes(b"-----BEGIN PRIVATE KEY-----\nnot a key\n")
    else:
        key.chmod(0o644)
    with pytest.raises(SigningError, match=re.escape(str(key))):
        planted.export()
    assert_nothing_left(planted)


def test_a_signature_that_fails_at_the_end_leaves_nothing(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    # EV-24
    def fail(*_arguments: object) -> None:
        raise SigningError("The key cannot sign.")

    monkeypatch.setattr("evidence.bag.sign_detached", fail)
    with pytest.raises(SigningError):
        planted.export()
    assert_nothing_left(planted)
    assert events(planted, "export.failed")


def test_a_full_disk_ends_in_one_sentence_and_leaves_nothing(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PlainZipWriter, "add_file", full)
    with pytest.raises(ExportFailed, match="No space left on device"):
        planted.export()
    assert_nothing_left(planted)


def test_a_target_that_is_a_file_and_unknown_subjects_are_refused(planted: Planted, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportFailed, match="could not be written"):
        planted.export(to=tmp_path / "file")
    with pytest.raises(ExportFailed, match="no case 'none'"):
        planted.export(case="none")
    with pytest.raises(ExportFailed, match="no listing 999"):
        planted.export(case=None, listing_id=999)
    for wrong in ({"listing_id": 1}, {"case": None}, {"languages": ["xx"]}, {"languages": []}):
        with pytest.raises(UsageError):
            planted.export(**wrong)
    assert_nothing_left(planted)


def test_an_evidence_file_marked_missing_refuses_the_export(planted: Planted) -> None:
    with planted.database.transaction() as session:
        session.scalars(select(Segment)).first().state = "missing"
    with pytest.raises(EvidenceDamaged, match="marked missing"):
        planted.export()
    assert_nothing_left(planted)


def test_a_listing_without_a_sealed_capture_is_refused(planted: Planted) -> None:
    with planted.database.transaction() as session:
        for segment in session.scalars(select(Segment)):
            segment.state = "open"
    with pytest.raises(EvidenceMissing, match=r"no sealed capture yet: .* `relicwatch capture --listing \d+`"):
        planted.export()
    assert_nothing_left(planted)


def test_a_log_that_cannot_be_written_takes_the_bundle_back(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence.bundle, "Export", lambda **_values: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        planted.export()
    assert_nothing_left(planted)


def test_hostile_titles_stay_text_and_never_name_a_file(
    own_database: Database, home: Home, tmp_path: Path
) -> None:  # EV-37
    planted = plant(own_database, home, tmp_path / "out", title=HOSTILE, description=HOSTILE)
    path = planted.export().path
    assert verify_bundle(path).status == "valid"
    bag = unpack(path, tmp_path / "x")
    page = (bag / "index.html").read_text()
    assert "<script" not in page and "<img src=x" not in page
    assert "&lt;script&gt;" in page and "[U+202E]" in page and "[U+0007]" in page
    with zipfile.ZipFile(path) as package:
        assert [name for name in package.namelist() if name_fault(name)] == []
    assert json.loads((bag / "data/items/001/item.json").read_text())["captured_fact"]["shown"]["title"] == HOSTILE


def test_half_a_character_in_what_a_page_said_stops_no_export(planted: Planted) -> None:
    with planted.database.transaction() as session:
        for seen in session.scalars(select(Observation)):
            seen.images = [*seen.images, "https://auction.example/\ud800.png"]
            seen.sources = {**seen.sources, "\udfff": "json-ld:\udbff"}
    path = planted.export(languages=("en", "ar")).path
    assert verify_bundle(path).faults == []
    copy = planted.export(request=Request(redact=True))
    assert verify_bundle(copy.path, against=copy.original).faults == []


def test_the_page_needs_no_script_and_reaches_for_nothing(planted: Planted, tmp_path: Path) -> None:  # EV-28, EV-30
    bag = unpack(planted.export().path, tmp_path / "x")
    for name in ("index.html", "data/custody/custody.html"):
        page = (bag / name).read_text()
        assert not re.search(r"<script|<iframe|<link|<object|javascript:|@import|url\(", page)
        for target in re.findall(r'(?:src|href)="([^"]*)"', page):
            assert not re.match(r"[a-z]+:|//", target), target
            if not target.startswith("#"):
                assert (bag / name).parent.joinpath(target).is_file()
    page = (bag / "index.html").read_text()
    assert 'dir="rtl"' in page and "A score is not a verdict" in page and "الدرجة ليست حكمًا" in page
    assert '<mark class="for">faience</mark>' in page
    assert not re.search(r"looted|stolen|pillé|volé|مسروق|منهوب", page)


def test_the_machine_s_answers_stand_as_opinion_in_every_language(planted: Planted, tmp_path: Path) -> None:
    quote = {"field": "title", "start": 0, "end": 6, "text": "<b>\u202eun", "weight": 2.0, "rule": "risk:no_provenance"}
    flag = {"id": "no_provenance", "weight": 2.0, "basis": "unsaid", "reasons": [quote]}
    answers = {
        "red_flags": {"points": 2.0, "flags": [flag], "reassurance": []},
        "priority": {"level": 7, "why": "no_rule_before", "must_be_seen": True, "value_eur": None},
    }
    with planted.database.transaction() as session:
        for assessment in session.scalars(select(Assessment)):
            assessment.answers = answers
    bag = unpack(planted.export(explain=explain).path, tmp_path / "told")
    page = (bag / "index.html").read_text()
    for words in ("Sale red flags", "Indices d&#39;alerte", "مؤشرات تنبيه", "must be seen by a person"):
        assert words in page
    assert "&lt;b&gt;[U+202E]un" in page
    opinion = json.loads((bag / "data/analysis/001.json").read_text())
    assert opinion["assessments"][0]["answers"] == answers

    untold = unpack(planted.export().path, tmp_path / "untold")
    assert "Sale red flags" not in (untold / "index.html").read_text()


def test_a_score_never_reads_as_certainty() -> None:
    assert [probability(score) for score in (0.0001, 0.914, 0.9999)] == ["< 0.01", "0.91", "> 0.99"]


def test_a_demo_bundle_says_demo_everywhere(own_database: Database, home: Home, tmp_path: Path) -> None:
    planted = plant(own_database, home, tmp_path / "out", demo=True)
    path = planted.export().path
    assert path.name.startswith("DEMO-")
    bag = unpack(path, tmp_path / "x")
    for name in ("bag-info.txt", "VERIFY.txt", "index.html", "data/custody/custody.html"):
        assert "DEMO" in (bag / name).read_text(), name
    result = verify_bundle(path)
    assert result.demo and result.signer and "DEMO" in result.signer
    shutil.rmtree(bag)


def test_a_decision_that_was_taken_back_is_told_as_that_and_the_log_holds_it_to_it(planted: Planted) -> None:
    with planted.database.transaction() as session:
        listing = session.get_one(Listing, planted.listing_ids[0])
        decision = session.scalars(select(Decision)).one()
        listing.current_decision_id = decision.id
        undo_decision(session, planted.chain, user=session.get_one(User, decision.user_id), decision_id=decision.id)
    bundle = planted.export().path
    assert verify_bundle(bundle).faults == []
    with zipfile.ZipFile(bundle) as package:
        names = package.namelist()
        (told,) = json.loads(package.read(next(n for n in names if n.endswith("data/decisions/001.json"))))["decisions"]
        index = package.read(next(n for n in names if n.endswith("/index.html"))).decode()
    assert told["undone_at"] is not None
    assert "taken back:" in index and "retirée :" in index and "سُحب:" in index
