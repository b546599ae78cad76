"""Nothing inside is reached, whatever a hostile market says: crawls and captures in a network namespace of their own.

# SEC-1 # SEC-2 # SEC-3 # SEC-4 # SEC-5 # SEC-24
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from crawler.chromium import find_chromium
from tests.crawling import ROOT

LONGEST_SECONDS = 900
CRAWLS = ("crawl by catalogue", "crawl by sitemap", "crawl by browser")
EMBEDDED_WAYS = {"iframe", "img", "css", "fetch", "websocket", "stun", "prefetch", "spellings", "redirect"}
"""Of which the unguarded browser must reach something, or the pages would prove nothing."""


@cache
def missing() -> str | None:
    """What keeps the proof from being run here; None where nothing does."""
    if os.geteuid() != 0:
        return "only root makes a network namespace with routes of its own"
    absent = [program for program in ("unshare", "ip", "mount") if shutil.which(program) is None]
    if absent:
        return f"{', '.join(absent)} is not installed"
    tried = subprocess.run(["unshare", "--net", "--mount", "ip", "link", "set", "lo", "up"], capture_output=True)
    if tried.returncode:
        return f"no namespace can be made here: {tried.stderr.decode(errors='replace').strip()}"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun for an interface beside loopback"
    return None if find_chromium() else "there is no Chromium"


@pytest.mark.prove
def test_no_address_inside_is_reached_by_any_way_a_hostile_market_has(tmp_path: Path) -> None:
    reason = missing()
    if reason:
        pytest.skip(reason)
    command = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.prove.namespace", str(tmp_path)]
    environment = {**os.environ, "RELICWATCH_CHROMIUM_NO_SANDBOX": "1"}
    environment.pop("RELICWATCH_ALLOW_LOOPBACK", None)
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, timeout=LONGEST_SECONDS
    )
    log, _, last = ended.stdout.strip().rpartition("\n")
    print(f"\n{log}")
    assert ended.returncode == 0, last
    judge(json.loads(last))


def judge(stages: dict[str, Any]) -> None:
    """The controls reached the tripwires, every guarded stage reached the market, and nothing else."""
    sockets = stages.pop("control: raw sockets")
    assert sockets["dialled"] == sum(sockets["hits"].values()) == sockets["places"]
    unguarded = stages.pop("control: a browser without the guard")
    assert set(unguarded["words"]) >= EMBEDDED_WAYS
    assert {host.partition(" port ")[0] for host in unguarded["hits"]} >= {"127.0.0.1", "10.0.0.1", "169.254.169.254"}

    assert set(stages) == {"fetcher's session", *CRAWLS, "page captures"}
    for name, stage in stages.items():
        assert stage["hits"] == {}, name
        assert stage["market_requests"] > 0, f"{name}: the market was never reached, so nothing is proved"
    for name in CRAWLS:
        assert stages[name]["listings"] > 0, name
    assert stages["page captures"]["refused"]
    assert stages["page captures"]["without_listing"] == []
