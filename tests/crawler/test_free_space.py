"""The guard against a full disk: by the disk that is really there, and by what the operator set."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.errors import UsageError
from crawler.free_space import LEAST_FREE, space_fault
from crawler.home import Home
from tests.test_faults import may_mount


def test_room_is_a_part_of_the_disk_that_the_operator_may_set(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    # RL-6
    usage = shutil.disk_usage(home.root)
    monkeypatch.setattr("crawler.free_space.shutil.disk_usage", lambda _: usage._replace(free=usage.total // 10))
    assert space_fault(home) is None
    monkeypatch.setenv(LEAST_FREE, "11")
    assert "Only 10.0 % of the disk" in (space_fault(home) or "")
    monkeypatch.setenv(LEAST_FREE, "0")
    assert space_fault(home) is None
    for wrong in ("-1", "100", "much", "nan"):
        monkeypatch.setenv(LEAST_FREE, wrong)
        with pytest.raises(UsageError, match=LEAST_FREE):
            space_fault(home)


def test_a_small_disk_that_fills_up_is_told_of_and_one_made_free_is_not(tmp_path: Path) -> None:
    # RL-6
    if not may_mount():
        pytest.skip("no file system may be mounted here")
    script = (
        'mount -t tmpfs -o size=2m none "$1" && for step in 1 2 3; do '
        'case $step in 2) head -c 2090000 /dev/zero > "$1/big";; 3) rm "$1/big";; esac; '
        '"$2" -c "import sys; from pathlib import Path; from crawler.home import Home; '
        'from crawler.free_space import space_fault; print(space_fault(Home(Path(sys.argv[1]))))" "$1"; done'
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", str(tmp_path), sys.executable],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, full, third = done.stdout.splitlines()
    assert (first, third) == ("None", "None")
    assert "below 2 % nothing new is captured" in full
