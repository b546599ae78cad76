"""Trusted time against an authority on loopback: right, wrong in each way, down and up again."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crawler.egress import Guard
from crawler.home import Home
from evidence.authorities import AuthoritiesError, Authority, load_authorities
from evidence.merkle import Step, root_and_paths, root_of
from evidence.stamp_token import StampRefused, check_stamp
from evidence.stamping import ask_pending, note_captures, note_ending
from evidence.timestamps import StampUnavailable, ask
from storage.audit import AuditChain
from storage.database import Database
from storage.stamps import leaf_of, list_stamps, stamps_of, want_stamps, work_is_due
from storage.tables import AuditEvent, Segment, utc_now
from tests.evidence.authority import POLICY, TestAuthority, configure, serving_authority

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
DATA = b"what is to be stamped\n"
LOOPBACK = Guard(allow_loopback=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def authority(made: TestAuthority) -> TestAuthority:
    made.mode, made.asked = "right", 0
    return made


@pytest.fixture
def url(authority: TestAuthority) -> Iterator[str]:
    with serving_authority(authority) as address:
        yield address


def configured(home: Home, url: str, authority: TestAuthority, policy: str | None = None) -> Authority:
    configure(home.root, ("local", url, authority.roots), policy=policy)
    return load_authorities(home)[0]


def test_a_right_answer_is_a_stamp_that_openssl_verifies_too(home: Home, url: str, authority, tmp_path: Path) -> None:
    # EV-20, EV-22
    stamp = ask(configured(home, url, authority, POLICY), DATA, LOOPBACK)
    assert (stamp.state, stamp.policy, stamp.signer) == ("granted", POLICY, "CN=Test stamper")
    assert abs(stamp.gen_time - datetime.now(UTC)) < timedelta(minutes=1)
    (tmp_path / "answer.tsr").write_bytes(stamp.answer)
    (tmp_path / "data").write_bytes(DATA)
    said = subprocess.run(
        ["openssl", "ts", "-verify", "-in", "answer.tsr", "-data", "data", "-CAfile", str(authority.roots)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("other_nonce", "answers another request"),
        ("other_data", "is over other bytes"),
        ("tampered", "signature does not hold"),
        ("refuse", "refused the request: no"),
        ("garbage", "cannot be read as a time stamp"),
    ],
)
def test_a_wrong_answer_is_refused_with_the_reason(home: Home, url: str, authority, mode: str, said: str) -> None:
    # EV-22
    authority.mode = mode
    with pytest.raises(StampRefused, match=said):
        ask(configured(home, url, authority), DATA, LOOPBACK)


def test_another_policy_than_the_configured_one_is_refused(home: Home, url: str, authority) -> None:
    # EV-22
    with pytest.raises(StampRefused, match=r"under policy 1\.2\.3\.4\.1, not 1\.9"):
        ask(configured(home, url, authority, "1.9"), DATA, LOOPBACK)


def test_an_answer_that_leads_up_to_another_root_is_refused(home: Home, url: str, authority, tmp_path: Path) -> None:
    # EV-22
    other = TestAuthority(tmp_path / "other")
    configure(home.root, ("local", url, other.roots))
    with pytest.raises(StampRefused, match="signature does not hold"):
        ask(load_authorities(home)[0], DATA, LOOPBACK)


def test_a_time_far_from_the_own_clock_is_kept_and_flagged(home: Home, url: str, authority) -> None:
    # EV-22
    late = datetime.now(UTC) + timedelta(minutes=25)
    stamp = ask(configured(home, url, authority), DATA, LOOPBACK, now=late)
    assert stamp.state == "flagged"
    assert "differ by 25 minutes" in str(stamp.problem)


def test_the_guard_stands_before_authorities_too(home: Home, url: str, authority) -> None:
    with pytest.raises(StampUnavailable, match="guard refused"):
        ask(configured(home, url, authority), DATA, Guard())
    assert authority.asked == 0


def test_a_stamp_still_holds_after_its_signer_has_ended(home: Home, url: str, authority) -> None:
    # EV-41: certificates are looked at as of the stamp's own time
    given = configured(home, url, authority)
    stamp = ask(given, DATA, LOOPBACK)
    later = stamp.signer_until + timedelta(days=400)
    again = check_stamp(stamp.answer, DATA, given.roots, name="local", own_time=later)
    assert again.gen_time == stamp.gen_time


def test_any_byte_of_an_answer_changed_proves_nothing(home: Home, url: str, authority) -> None:
    given = configured(home, url, authority)
    answer = ask(given, DATA, LOOPBACK).answer
    for place in range(0, len(answer), 7):
        broken = answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :]
        try:
            stamp = check_stamp(broken, DATA, given.roots, name="local")
        except StampRefused:
            continue
        whole = check_stamp(answer, DATA, given.roots, name="local")
        assert (stamp.gen_time, stamp.serial, stamp.policy) == (whole.gen_time, whole.serial, whole.policy)


def test_what_is_down_stays_pending_and_is_filled_when_it_is_up(
    database: Database, home: Home, url: str, authority
) -> None:
    # EV-21
    configured(home, url, authority)
    with database.transaction() as session:
        want_stamps(session, kind="export", reference="b-1", data=DATA, authorities=["local"])
    authority.mode = "down"
    assert ask_pending(database, home, LOOPBACK, chain=AuditChain(), actor="test") == {
        "stamped": 0, "flagged": 0, "waiting": 1,
    }  # fmt: skip
    with database.reading() as session:
        (row,) = list_stamps(session, pending=True)
        assert "HTTP 503" in row["problem"]
        assert not work_is_due(session)
        assert work_is_due(session, utc_now() + timedelta(minutes=2))
    authority.mode = "right"
    later = utc_now() + timedelta(minutes=2)
    counts = ask_pending(database, home, LOOPBACK, chain=AuditChain(), actor="test", now=later)
    assert counts["stamped"] == 1
    with database.reading() as session:
        ((subject, (stamp,)),) = stamps_of(session, kind="export", reference="b-1")
        assert (subject.sha256, stamp.state) == (hashlib.sha256(DATA).hexdigest(), "granted")
        assert session.scalars(select(AuditEvent.action)).all() == ["time stamped"]


def test_a_silent_authority_is_asked_once_a_round_and_the_other_still_answers(
    database: Database, home: Home, url: str, authority, tmp_path: Path
) -> None:  # EV-22
    configure(home.root, ("silent", "http://127.0.0.1:9/tsr", authority.roots), ("local", url, authority.roots))
    with database.transaction() as session:
        for number in range(3):
            want_stamps(
                session, kind="export", reference=f"b-{number}", data=b"%d" % number, authorities=["silent", "local"]
            )
    counts = ask_pending(database, home, LOOPBACK, chain=AuditChain(), actor="test")
    assert counts == {"stamped": 3, "flagged": 0, "waiting": 3}
    assert authority.asked == 3


def test_captures_are_stamped_together_and_each_leads_up_to_the_root(
    database: Database, home: Home, url: str, authority
) -> None:
    # EV-20
    given = configured(home, url, authority)
    digests = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(5)]
    with database.transaction() as session:
        session.add_all(
            Segment(store="evidence", name=f"{n}.warc.gz", state="sealed", sha256=d) for n, d in enumerate(digests)
        )
    assert note_captures(database, home) == 5
    assert note_captures(database, home) == 0
    ask_pending(database, home, LOOPBACK, chain=AuditChain(), actor="test")
    with database.reading() as session:
        for digest in digests:
            leaf = leaf_of(session, digest)
            assert leaf is not None
            root = root_of(digest, [Step(**step) for step in leaf.path])
            assert leaf.subject.data == f"{root}\n".encode()
            assert check_stamp(leaf.stamps[0].answer, leaf.subject.data, given.roots, name="local").state == "granted"


def test_without_an_authority_nothing_is_asked(database: Database, home: Home) -> None:
    assert note_captures(database, home) == 0
    assert ask_pending(database, home, LOOPBACK, chain=AuditChain(), actor="test")["waiting"] == 0


def test_a_stamp_is_stamped_again_before_its_signer_ends(database: Database, home: Home, tmp_path: Path) -> None:
    # EV-41
    short = TestAuthority(tmp_path / "short", days=100)
    with serving_authority(short) as url:
        configure(home.root, ("local", url, short.roots))
        with database.transaction() as session:
            want_stamps(session, kind="export", reference="b-1", data=DATA, authorities=["local"])
        ask_pending(database, home, LOOPBACK, chain=AuditChain(), actor="test")
        assert note_ending(database, home) == 1
        assert note_ending(database, home) == 0
        short.mode = "down"
        ask_pending(database, home, LOOPBACK, chain=AuditChain(), actor="test")
        with database.reading() as session:
            states = {row["about"]: row["state"] for row in list_stamps(session)}
        assert states == {"export": "granted", "stamp": "pending"}, "the old one stands until the new one has come"
        short.mode = "right"
        ask_pending(database, home, LOOPBACK, chain=AuditChain(), actor="test", everything=True)
    with database.reading() as session:
        first, second = sorted(list_stamps(session), key=lambda row: row["stamp"])
    assert (first["state"], second["about"], second["reference"]) == ("superseded", "stamp", str(first["stamp"]))


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True))
def test_every_leaf_of_any_tree_leads_up_to_its_root(leaves: list[bytes]) -> None:
    digests = [one.hex() for one in leaves]
    root, paths = root_and_paths(digests)
    assert all(root_of(digest, path) == root for digest, path in zip(digests, paths, strict=True))
    if len(digests) > 1:
        assert root_of(digests[0], paths[1]) != root or paths[0] == paths[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("authorities: 3", "should hold a list"),
        ("authorities: [{name: A!}]", "authority 1, name"),
        ("authorities: [{name: a, url: 'ftp://x', roots: r.pem}]", "authority 1, url"),
        ("authorities: [{name: a, url: 'https://x/', roots: none.pem}]", "authority 1, roots"),
        ("authorities: [{name: a, url: 'https://x/', rots: r.pem}]", "authority 1, rots: is not known"),
        ("authorities: [{name: a", "is no YAML"),
    ],
)
def test_a_wrong_configuration_is_named_by_entry_and_field(home: Home, text: str, said: str) -> None:
    (home.root / "authorities.yaml").write_text(text)
    with pytest.raises(AuthoritiesError, match=said):
        load_authorities(home)
