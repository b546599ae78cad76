"""The running API asked by schemathesis, which makes calls out of the API's own description, good ones and bad ones."""

from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path

import pytest

import review.api.limits
from storage.audit import AuditChain
from storage.tokens import SCOPES, create_token
from storage.users import find_user
from tests.needs import need_checkers
from tests.review.stage import Staged

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance,ignored_auth"
)
"""All but `positive_data_acceptance`: a well-formed decision on another listing's page is refused all the same."""
WITHOUT_LIMIT = 10**9


def lift_limits(patch: pytest.MonkeyPatch) -> None:
    """For desks that start from now on: a checker calls more often than a program may."""
    for name in ("CALLS_A_MINUTE", "CALLS_AT_ONCE", "REFUSED_A_MINUTE"):
        patch.setattr(review.api.limits, name, WITHOUT_LIMIT)


def token_of(staged: Staged, name: str = "admin") -> str:
    with staged.database.transaction() as session:
        user = find_user(session, name)
        assert user is not None
        return create_token(session, AuditChain(), user=user, name="fuzzing", scopes=SCOPES, actor=name).secret


def ask_all(staged: Staged, to: Path, *, examples: int, seed: int, phases: str = "coverage,fuzzing") -> str:
    """What schemathesis says after so many examples for each operation; the test fails where it found a fault."""
    program = need_checkers("schemathesis") / "bin/schemathesis"
    authorization = f"Bearer {token_of(staged)}"
    address = f"{staged.address}/api/v1"
    asked = urllib.request.Request(f"{address}/openapi.json", headers={"authorization": authorization})
    with urllib.request.urlopen(asked) as answer:
        (to / "openapi.json").write_bytes(answer.read())
    command = [
        *(program, "run", to / "openapi.json", "--url", address, "--header", f"Authorization: {authorization}"),
        *("--phases", phases, "--max-examples", str(examples), "--seed", str(seed), "--checks", CHECKS),
        *("--continue-on-failure", "--no-shrink", "--warnings", "off"),
    ]
    done = subprocess.run(list(map(str, command)), cwd=to, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Tested:" in done.stdout, done.stdout[-2000:]
    return done.stdout
