"""A crawl killed at a few points goes on and ends as one that was left in peace. # RL-1 # RL-2

The short form of the proofs; all of them are in `test_prove.py`, run by `make prove`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.prove.full_disk import full_disk
from tests.prove.kills import at_call, at_moment, at_write
from tests.prove.market import Market
from tests.prove.sealing import seal_kills
from tests.prove.trial import Ground, Report, strace_works

needs_strace = pytest.mark.skipif(not strace_works(), reason="strace is absent or may not trace here")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with Market() as market:
        yield Ground.make(tmp_path_factory.mktemp("proofs"), market)


@needs_strace
def test_a_crawl_killed_before_its_segment_is_on_disk_finds_its_records_again(ground: Ground) -> None:
    report = ground.trial("crawl 2, fsync 1", at_call("fsync", 1), generation=2)
    assert report.reached
    assert report.found_again > 0


@needs_strace
def test_a_crawl_killed_at_its_commit_loses_and_doubles_nothing(ground: Ground) -> None:
    assert ground.trial("crawl 1, fdatasync 10", at_call("fdatasync", 10)).reached


@needs_strace
def test_a_crawl_killed_in_the_middle_of_a_record_cuts_off_its_half(ground: Ground) -> None:
    report = ground.trial("crawl 1, segment, write 9", at_write("segment", 9))
    assert report.reached
    assert report.cut_bytes > 0


@needs_strace
def test_a_crawl_killed_in_the_middle_of_a_commit_loses_and_doubles_nothing(ground: Ground) -> None:
    assert ground.trial("crawl 1, WAL, write 60", at_write("WAL", 60)).reached


def test_a_crawl_killed_at_a_moment_and_robbed_of_unsynced_bytes_ends_the_same(ground: Ground) -> None:
    assert ground.trial("moment 1", at_moment(1, ground.requests[2]), generation=2, power_cut=1).reached


@needs_strace
def test_a_sealing_killed_at_its_rename_leaves_one_whole_evidence_file(ground: Ground) -> None:
    # RL-3
    reports: list[Report] = []
    seal_kills(ground, "rename", reports.append, range(3, 4))
    assert [report.reached for report in reports] == [True]


@needs_strace
def test_one_record_refused_by_a_full_disk_is_not_left_out_in_silence(ground: Ground) -> None:
    # RL-5
    assert "exit 1" in full_disk(ground, "the segment, for one record")
