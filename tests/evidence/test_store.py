"""Evidence in an S3 store: moto's server on loopback, with every mishap that a store can have."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer
from sqlalchemy import select

from crawler.home import Home
from evidence import store as store_module
from evidence.bundle import export_bundle
from evidence.sealing import Derivative, EvidenceDamaged, find_orphans, heal, seal_listing
from evidence.segments import StoreError
from evidence.signing import ensure_signing_key
from evidence.store import FILE, EvidenceStore, StoreSettingsError
from evidence.verify import verify_bundle
from retention import finish_unlinking, purge
from review.pages.files import picture_answer
from storage.audit import AuditChain
from storage.database import Database
from storage.tables import Capture, Observation, PendingUnlink, Segment, Tombstone
from tests.evidence.factory import png
from tests.evidence.test_sealing import MOMENT, crawl, exchange

BUCKET = "evidence"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch, home: Home) -> Iterator[Any]:
    """A bucket of this test's own, and the home set to it; gives the client to look into it with."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        store_module, "_PATIENCE", {"connect_timeout": 1, "read_timeout": 1, "retries": {"max_attempts": 1}}
    )
    client = boto3.client("s3", endpoint_url=server)
    client.create_bucket(Bucket=BUCKET)
    (home.root / FILE).write_text(f"url: s3://{BUCKET}/unit\n")
    yield client
    for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=one["Key"])
    client.delete_bucket(Bucket=BUCKET)


def keys(client: Any) -> list[str]:
    return [one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def seal(database: Database, home: Home) -> int:
    """A listing with its page and a screenshot, sealed; its id."""
    listing = crawl(database, home, [(exchange("/1", b"<h1>lamp</h1>" * 400), True)])
    with database.transaction() as session:
        seen = Observation(
            listing_id=listing, observed_at=MOMENT, digest="d" * 64, title="Lamp", images=[], state="live", sources={}
        )
        session.add(seen)
    again(database, home, listing)
    return listing


def again(database: Database, home: Home, listing: int) -> None:
    screenshot = Derivative("screenshot", "https://fair.example/1", MOMENT, "image/png", png(9, 9, 9), "drawn")
    seal_listing(database, home, listing, job_id=7, actor="test", chain=AuditChain(), extra=[screenshot])


def rows(database: Database) -> list[Segment]:
    with database.reading() as session:
        return list(session.scalars(select(Segment).where(Segment.store == "evidence")))


def test_what_is_sealed_lies_in_the_store_alone_and_is_exported_from_it(
    s3: Any, database: Database, home: Home, tmp_path: Path
) -> None:
    listing = seal(database, home)
    segment = rows(database)[0]
    assert f"unit/evidence/{segment.name}" in keys(s3)
    assert len(keys(s3)) == 2
    assert not list(home.evidence.glob("*/*.gz")) and not list(home.files.glob("??/*"))
    assert find_orphans(database, home).count == 0
    ensure_signing_key(home)
    bundle = export_bundle(database, home, chain=AuditChain(), actor="test", to=tmp_path / "out", listing_id=listing)
    assert verify_bundle(bundle.path).faults == []
    assert [one.name for one in (tmp_path / "out").iterdir()] == [bundle.path.name]


def test_of_an_object_only_the_part_that_is_asked_for_is_fetched(s3: Any, home: Home) -> None:
    path = home.evidence / "fair" / "big.warc.gz"
    path.parent.mkdir()
    path.write_bytes(bytes(range(256)) * 100_000)
    store = EvidenceStore(home)
    store.send(path)
    store.release(path)
    with store.open(path) as file:
        file.seek(25_000_000)
        assert file.read(4) == bytes(range(64, 68))
        assert file.cache.total_requested_bytes < 15_000_000


def test_an_object_is_never_replaced(s3: Any, home: Home) -> None:
    path = one_file(home)
    store = EvidenceStore(home)
    for body in (b"first", b"first", b"second"):
        path.write_bytes(body)
        store.send(path)
    found = {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys(s3)}
    assert found.pop("unit/evidence/fair/one.warc.gz") == b"second"
    (aside,) = found
    assert aside.startswith("unit/orphans/") and found[aside] == b"first"


def test_a_store_that_is_down_keeps_nothing_from_the_disk_and_says_what_to_do(
    s3: Any, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = crawl(database, home, [(exchange("/1", b"<h1>lamp</h1>" * 400), True)])
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with monkeypatch.context() as down:
            down.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
            with pytest.raises(StoreError, match=r"s3://evidence/unit: .*see that the store runs"):
                again(database, home, listing)
            assert rows(database) == []
            report = find_orphans(database, home)
            assert "see that the store runs" in (report.store_problem or "")
    assert len(list(home.evidence.glob("fair/*.gz"))) == 1  # sealed on disk: nothing of it is lost
    again(database, home, listing)
    assert [row.state for row in rows(database)] == ["sealed"]
    assert len(list((home.evidence / "orphans").iterdir())) == 1


def test_while_the_store_is_down_nothing_is_called_missing(
    s3: Any, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(database, home)
    with socket.socket() as nobody, monkeypatch.context() as down:
        nobody.bind(("127.0.0.1", 0))
        down.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        heal(database, home, chain=AuditChain())
    assert [row.state for row in rows(database)] == ["sealed"]
    with database.reading() as session:
        assert "FAILED" not in session.scalars(select(Capture.state)).all()


def test_a_store_that_never_answers_is_given_up(
    s3: Any, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, monkeypatch.context() as slow:
        slow.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(StoreError, match="see that the store runs"):
            EvidenceStore(home).objects()


@pytest.fixture
def guarded(server: str) -> Iterator[None]:
    """From here on the server asks who somebody is, and nobody is known to it."""
    httpx.post(f"{server}/moto-api/reset-auth", content="0")
    yield
    httpx.post(f"{server}/moto-api/reset-auth", content="inf")


def test_wrong_credentials_are_told_as_such(s3: Any, home: Home, request: pytest.FixtureRequest) -> None:
    path = one_file(home)
    request.getfixturevalue("guarded")
    with pytest.raises(StoreError, match=r"s3://evidence/unit: .*give credentials that may do that"):
        EvidenceStore(home).send(path)
    assert path.read_bytes() == b"first"


def test_a_store_without_credentials_is_told_as_such(s3: Any, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(StoreError, match="give credentials that may do that in the environment"):
        EvidenceStore(home).send(one_file(home))


def test_a_bucket_that_is_not_there_is_told_as_such(s3: Any, home: Home) -> None:
    (home.root / FILE).write_text("url: s3://elsewhere/unit\n")
    with pytest.raises(StoreError, match=r"s3://elsewhere/unit: .*make the bucket"):
        EvidenceStore(home).send(one_file(home))


def one_file(home: Home) -> Path:
    path = home.evidence / "fair" / "one.warc.gz"
    path.parent.mkdir()
    path.write_bytes(b"first")
    return path


def test_an_upload_that_is_killed_leaves_no_half_and_the_next_start_sets_aside_what_has_no_row(
    s3: Any, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    listing = crawl(database, home, [(exchange("/1", b"<h1>lamp</h1>" * 400), True)])
    with monkeypatch.context() as kill:
        kill.setattr("evidence.sealing.add_sealed", killed)  # after the upload, before the commit
        with pytest.raises(Killed):
            again(database, home, listing)
    assert rows(database) == []
    report = heal(database, home, chain=AuditChain())
    assert len(report.objects_without_row) == 1
    assert sum(key.startswith("unit/orphans/") for key in keys(s3)) == 1
    again(database, home, listing)
    assert f"unit/evidence/{rows(database)[0].name}" in keys(s3)
    assert find_orphans(database, home).count == 0


def test_what_a_kill_left_in_both_places_goes_from_the_home(
    s3: Any, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as kill:
        kill.setattr(EvidenceStore, "release", lambda self, path: None)
        seal(database, home)
    assert len(list(home.evidence.glob("fair/*.gz"))) == 1
    heal(database, home, chain=AuditChain())
    assert list(home.evidence.glob("fair/*.gz")) == []
    assert find_orphans(database, home).count == 0


def test_an_object_that_was_altered_or_is_gone_refuses_the_export(
    s3: Any, database: Database, home: Home, tmp_path: Path
) -> None:
    listing = seal(database, home)
    ensure_signing_key(home)
    key = f"unit/evidence/{rows(database)[0].name}"
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=key, Body=body[:-1] + b"?")

    def export() -> None:
        export_bundle(database, home, chain=AuditChain(), actor="test", to=tmp_path / "out", listing_id=listing)

    with pytest.raises(EvidenceDamaged, match=r"s3://evidence/unit/evidence/fair/.*was changed"):
        export()
    s3.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(EvidenceDamaged, match=r"s3://evidence/unit/evidence/fair/.*cannot be read"):
        export()
    assert list((tmp_path / "out").iterdir()) == []
    heal(database, home, chain=AuditChain())
    assert [row.state for row in rows(database)] == ["missing"]
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    heal(database, home, chain=AuditChain())
    assert [row.state for row in rows(database)] == ["sealed"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("url: /a/directory", "one line such as"),
        ("store: s3://a/b", "one line such as"),
        ("url: [", "cannot be read"),
        ("url: s3://key:secret@bucket/x", "into the environment"),
        ("url: nosuch://bucket/x", "no store that can be spoken to"),
    ],
)
def test_settings_that_name_no_store_are_refused_with_their_file(home: Home, text: str, fault: str) -> None:
    (home.root / FILE).write_text(text)
    with pytest.raises(StoreSettingsError, match=fault) as raised:
        EvidenceStore(home)
    assert FILE in str(raised.value)


def test_what_retention_deletes_goes_from_the_store_and_waits_while_that_is_down(
    s3: Any, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(database, home)
    segment = rows(database)[0]
    with database.transaction() as session:
        gone = Tombstone(kind="segment", object_id=str(segment.id), rule="request", reason="asked", erased_by="amira")
        session.add(gone)
        session.flush()
        session.add(PendingUnlink(store="evidence", name=segment.name, tombstone_id=gone.id))
    with socket.socket() as nobody, monkeypatch.context() as down:
        nobody.bind(("127.0.0.1", 0))
        down.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert finish_unlinking(database, home).waiting == 1
    done = finish_unlinking(database, home)
    assert (done.waiting, done.unlinked, done.freed_bytes) == (0, 1, segment.length)
    assert [key for key in keys(s3) if key.startswith("unit/evidence/")] == []


def test_what_was_set_aside_in_the_store_goes_after_its_time_and_leaves_a_tombstone(
    s3: Any, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = one_file(home)
    store = EvidenceStore(home)
    store.send(path)
    digest = store.sha256(path)
    store.set_aside("evidence/fair/one.warc.gz")
    (aside,) = keys(s3)
    now, chain = datetime.now(UTC), AuditChain()
    assert purge(database, home, chain=chain, actor="job 1", now=now + timedelta(days=29)).deleted == {}
    assert keys(s3) == [aside]
    with socket.socket() as nobody, monkeypatch.context() as down:
        nobody.bind(("127.0.0.1", 0))
        down.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert purge(database, home, chain=chain, actor="job 1", now=now + timedelta(days=31)).deleted == {}
    done = purge(database, home, chain=chain, actor="job 1", now=now + timedelta(days=31))
    assert (done.deleted, done.unlinked, done.freed_bytes, keys(s3)) == ({"orphan": 1}, 1, len(b"first"), [])
    with database.reading() as session:
        stone = session.scalars(select(Tombstone)).one()
    assert (stone.kind, stone.object_id, stone.sha256) == ("orphan", aside.rpartition("/")[2], digest)


@pytest.mark.parametrize("after", [0, 700_000])
def test_a_process_killed_inside_an_upload_leaves_no_half_object_and_the_next_run_sends_it_whole(
    s3: Any, database: Database, home: Home, after: int
) -> None:
    # RL-1: kill -9 while the object is being put, before its first byte and after some of them
    listing = crawl(database, home, [(exchange("/1", os.urandom(3_000_000)), True)])
    url = str(database.engine.url.render_as_string(hide_password=False))
    with cut_upload(os.environ["AWS_ENDPOINT_URL"], after) as (relay, reached):
        child = os.fork()
        if child == 0:
            os.environ["AWS_ENDPOINT_URL"] = relay
            try:
                again(Database(url), home, listing)
            finally:
                os._exit(1)
        assert reached.wait(60)
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert keys(s3) == [] and rows(database) == []
    heal(database, home, chain=AuditChain())
    again(database, home, listing)
    (segment,) = rows(database)
    assert s3.head_object(Bucket=BUCKET, Key=f"unit/evidence/{segment.name}")["ContentLength"] == segment.length
    assert find_orphans(database, home).count == 0


@contextmanager
def cut_upload(server: str, after: int) -> Iterator[tuple[str, threading.Event]]:
    """A way to the server that stops where an object's body has got so far, and says when it has."""
    host, _, port = server.removeprefix("http://").partition(":")
    reached, listening = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def pass_on(source: socket.socket, target: socket.socket, uploading: bool) -> None:
        passed: int | None = None
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if uploading and passed is None and data.startswith(b"PUT "):
                    passed = 0
                if passed is not None:
                    passed += len(data)
                    if passed > after:
                        reached.set()
                        return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _ = listening.accept()
                theirs = socket.create_connection((host, int(port)))
                opened.extend((ours, theirs))
                for one, other, up in ((ours, theirs, True), (theirs, ours, False)):
                    threading.Thread(target=pass_on, args=(one, other, up), daemon=True).start()

    opened: list[socket.socket] = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", reached
    listening.shutdown(socket.SHUT_RDWR)
    for one in (listening, *opened):
        one.close()
    thread.join()


def test_the_desk_shows_a_screenshot_out_of_the_store(s3: Any, database: Database, home: Home) -> None:
    seal(database, home)
    with database.reading() as session:
        shot = session.scalars(select(Capture).where(Capture.kind == "screenshot")).one()
    store, path = EvidenceStore(home), home.file_path(shot.sha256)
    assert store.has(path) and not path.is_file()
    answer = picture_answer(store, path, shot.id)
    assert answer.media_type == "image/png"
    assert answer.body == png(9, 9, 9)
