"""The benchmark works: its checks pass and its figures are there. How fast anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"


def test_a_quick_bench_passes_its_checks_and_gives_every_figure(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, str(BENCH / "run.py"), "--quick", "--no-browser", "--json", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    figures = json.loads(out.read_text("utf-8"))
    assert figures["valid"]
    assert [check["name"] for check in figures["checks"] if not check["passed"]] == []
    assert len(figures["checks"]) == 6
    assert figures["ratio"] > 0
    assert set(figures["cpu_ms_per_page"]) == {"bare", "whole"}
    assert abs(sum(figures["layer_shares"].values()) - 1) < 1e-6
    assert figures["layer_shares"]["extraction"] > 0
    rates = figures["classifier_listings_per_second"]
    assert {name.rpartition("), ")[2] for name in rates} == {
        "with reasons",
        "with reasons and all answers",
        "score alone",
    }
    assert {name.partition(" (")[0] for name in rates} == {"corpus", "long lots"}
    assert figures["extraction_ms_per_page"] > 0
    assert all(megabytes > 0 for megabytes in figures["peak_megabytes"].values())
    assert [one["listings"] for one in figures["exporting"]["sizes"]] == [10, 50]
    assert all(one["peak_megabytes"] > 0 and one["seconds"] > 0 for one in figures["exporting"]["sizes"])
    assert 0 < figures["recrawl"]["kept_ratio"] < 0.05
    assert "ratio" in ended.stdout
    assert set(figures["time_to_hit"]["rows"]) == {"fixed intervals", "the planner", "knowing all rates"}
    assert "planner to best" in ended.stdout


def test_a_failed_check_leaves_no_ratio_to_read() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import run, layers\n"
        "two = {'bare': 1.0, 'whole': 9.0}\n"
        "print(run.table({'pages': 1, 'page_bytes': 1, 'concurrency': 1, 'rounds': 1, 'cpu_ms_per_page': two,\n"
        "  'start_cpu_seconds': two, 'peak_megabytes': two, 'valid': False, 'ratio': 9.0,\n"
        "  'layer_shares': dict.fromkeys(layers.LAYERS, 0.0), 'browser': None, 'extraction_ms_per_page': 1.0,\n"
        "  'classifier_listings_per_second': {},\n"
        "  'checks': [{'name': 'warcio check', 'passed': False, 'found': 'exit status 1'}]}))"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(BENCH)], capture_output=True, text=True, check=True)
    assert "NOT VALID" in ended.stdout
    assert "FAILED warcio check: exit status 1" in ended.stdout
    assert "to reach" not in ended.stdout
