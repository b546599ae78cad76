"""The score on real saved pages, where they are: they belong to their sites and are no part of this repository."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[4] / "shared"
PAGES, SCORER = SHARED / "data" / "pages", SHARED / "tools" / "score_pages.py"
PROGRAM = """
import json, pathlib, sys
from crawler.extraction.batch import extract_batch
for record in extract_batch(pathlib.Path(sys.argv[1])):
    print(json.dumps(record))
"""


@pytest.mark.needs_shared("data/pages")
@pytest.mark.needs_shared("tools/score_pages.py")
def test_at_least_97_in_100_fields_of_the_saved_pages_are_right(tmp_path):
    program = tmp_path / "batch.py"
    program.write_text(PROGRAM, "utf-8")
    command = f"{sys.executable} {program}"
    run = subprocess.run(
        [sys.executable, str(SCORER), str(PAGES), "--json", "--command", command],
        cwd=Path(__file__).resolve().parents[3],
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[3]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    score = json.loads(run.stdout.splitlines()[-1])
    assert score["share"] >= 0.97, run.stdout
