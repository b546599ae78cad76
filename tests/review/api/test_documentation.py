"""Every example of docs/api.md, run as it stands by a shell against a running desk."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from review.api.problems import STATUSES
from storage.tokens import SCOPES
from tests.review.api.fuzzing import lift_limits, token_of
from tests.review.seed import png
from tests.review.test_rights import API_NEEDS

PAGE = (Path(__file__).parents[3] / "docs/api.md").read_text("utf-8")
EXAMPLES = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
KINDS = ("items", "months", "id", "listing_id", "candidates", "requests", "type")
"""One of these stands in each answer; `type` in the problem that one example provokes."""


@pytest.fixture(scope="module")
def place(staged, tmp_path_factory):
    made = tmp_path_factory.mktemp("examples")
    (made / "counter.jpg").write_bytes(png("#b5793f"))
    return made


@pytest.fixture(scope="module", autouse=True)
def without_limits():
    with pytest.MonkeyPatch.context() as patch:
        lift_limits(patch)
        yield


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_does_what_the_page_says(staged, place, number):
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    environment = {**os.environ, "ADDRESS": staged.address, "TOKEN": token_of(staged)}
    done = subprocess.run(
        ["sh", "-eu", "-c", EXAMPLES[number].replace("curl -sS", "curl -sS --noproxy '*' -w '\\n'")],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    assert answers and all(any(kind in answer for kind in KINDS) for answer in answers), done.stdout
    refused = [answer["type"] for answer in answers if "type" in answer]
    assert refused == (["urn:relicwatch:problem:not_there"] if "999999999" in EXAMPLES[number] else []), done.stdout


def test_the_page_names_every_scope_and_status_that_calls_for_an_answer():
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(SCOPES)
    named = {int(one) for row in re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE) for one in row.split(", ")}
    assert named == set(STATUSES) - {404, 405, 415, 500}
    assert set(SCOPES) <= set(API_NEEDS.values())
