"""Each way of damaging a bundle is found by its own rule, here and by the verifier in one file; good bundles pass."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from crawler.home import Home
from evidence import rules
from evidence.mutant_bag import Mutant
from evidence.mutants import MUTANTS, write_mutants
from evidence.signing import ensure_signing_key
from evidence.standalone import modules_needed, standalone_source
from evidence.verification import Verification
from evidence.verify import verify_bundle
from tests.evidence.authority import TestAuthority
from tests.evidence.factory import Stamped

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
NO_MUTANT = {
    "bag.unreadable": "not a change of a bundle: a path that leads to none",
    "signature.algorithm": "test_signing has it: no key of another kind is made here",
    "signature.value": "every changed byte of the signature proper breaks signature.form first, or this",
    "signature.time": "test_hostile_expert has it with a certificate of its own time",
    "stamp.chain": "test_bundle_stamps has it: the certificates are the reader's",
    "stamp.time": "test_bundle_stamps has it: needs an authority whose clock is wrong",
    **dict.fromkeys(
        (
            "redaction.form",
            "redaction.named",
            "redaction.kept",
            "redaction.changed",
            "redaction.metadata",
            "redaction.original",
        ),
        "test_derived has it: only a copy with parts left out can break it",
    ),
    "warc.http": "test_wacz has it",
    "warc.id": "test_hostile_expert has it",
    "wacz.form": "test_wacz has it",
}


@pytest.fixture
def made(stamped: Stamped) -> tuple[Path, Home]:
    """A stamped bundle, its captures stamped too, and the home that signed it."""
    return stamped.bundle, stamped.home


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("expert") / "verify_bundle.py"
    path.write_text(standalone_source())
    return path


def broken(result: Verification) -> set[str]:
    return {fault.rule for fault in [*result.faults, *result.missing]}


def run_alone(standalone: Path, *arguments: object) -> tuple[int, dict[str, object]]:
    """As an expert runs it: nothing of relicwatch on the path."""
    done = subprocess.run(
        [sys.executable, "-I", standalone, "--json", *map(str, arguments)],
        cwd=standalone.parent,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_damaged_bundle_is_found_by_its_own_rule(
    made: tuple[Path, Home], tmp_path: Path, mutant: Mutant
) -> None:  # EV-26
    ((_, path),) = write_mutants(made[0], tmp_path, ensure_signing_key(made[1]), [mutant])
    result = verify_bundle(path)
    assert result.exit_status in (1, 3)
    assert mutant.rule in broken(result), [str(fault) for fault in result.faults]
    if mutant.resealed:
        # With the installation's own key nothing but the bundle's inner story is left to find it by.
        assert not any(rule.startswith("signature.") or rule == "manifest.hash" for rule in broken(result))


def test_there_are_sixty_ways_and_more_and_each_rule_has_one_or_a_reason() -> None:  # EV-26
    assert len(MUTANTS) >= 60 and len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert {mutant.rule for mutant in MUTANTS} | set(NO_MUTANT) == set(rules.RULES)
    assert not {mutant.rule for mutant in MUTANTS} & set(NO_MUTANT)


ASKED_FOR = {
    "EV-10": {
        "no pages.jsonl": "no-pages", "no WARC": "wacz-no-records", "garbage index": "empty-index",
        "another WARC-Date, resealed": "warc-date", "altered payload, resealed": "warc-payload",
        "unlisted file": "wacz-unlisted", "another page list": "pages-of-another",
    },
    "EV-25": {
        "payload changed, of the same size": "flip-picture", "payload added": "add-payload",
        "payload removed": "remove-picture", "symlink": "link", "bag-info changed": "flip-bag-info",
        "one manifest removed": "remove-manifest", "a manifest with ..": "manifest-leads-out",
        "extra top-level file": "add-tag-file", "empty directory": "empty-directory",
        "tag manifest removed and bag-info changed": "remove-tag-manifest-change-bag-info",
    },
}  # fmt: skip
"""What these lines name, and the mutant of each."""


@pytest.mark.parametrize("line", ASKED_FOR)
def test_each_damage_that_the_requirements_name_has_its_mutant(line: str) -> None:  # EV-10, EV-25
    assert set(ASKED_FOR[line].values()) <= {mutant.name for mutant in MUTANTS}


def test_the_rules_are_those_that_the_modules_report_by() -> None:  # EV-23
    told = {
        node.value
        for source in (source for name, source in modules_needed().items() if name != "evidence.rules")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(rules.RULES) <= told
    families = {rule.partition(".")[0] for rule in rules.RULES} - {"item", "wacz"}
    dotted = {text for text in told if text.count(".") == 1 and text.partition(".")[0] in families and " " not in text}
    assert dotted - set(rules.RULES) <= {"manifest.json", "bag.txt", "redaction.json"}


def test_the_verifier_in_one_file_is_these_modules_and_says_the_same(
    made: tuple[Path, Home], standalone: Path, tmp_path: Path
) -> None:  # EV-23
    assert standalone_source() == standalone.read_text()
    bundle = Path(shutil.copy(made[0], tmp_path))
    status, told = run_alone(standalone, bundle)
    here = verify_bundle(bundle)
    assert (status, told["status"], told["stamped_at"]) == (0, "valid", here.stamped_at)
    with zipfile.ZipFile(bundle) as package:
        package.extractall(tmp_path)
    assert run_alone(standalone, tmp_path / bundle.stem)[0] == 0
    # Every rule once: a run takes most of its time to start.
    chosen = list({mutant.rule: mutant for mutant in MUTANTS}.values())
    for mutant, path in write_mutants(made[0], tmp_path / "damaged", ensure_signing_key(made[1]), chosen):
        result = verify_bundle(path)
        status, told = run_alone(standalone, path)
        faults = [(str(fault.file), fault.rule, fault.sentence) for fault in result.faults]
        assert status == result.exit_status, mutant.name
        assert [(f["file"], f["rule"], f["sentence"]) for f in told["faults"]] == faults, mutant.name  # type: ignore[attr-defined]


def test_the_verifier_in_one_file_needs_three_packages_and_no_network(
    made: tuple[Path, Home], standalone: Path
) -> None:
    imported = {
        name.name.split(".")[0] if isinstance(node, ast.Import) else str(node.module).split(".")[0]  # type: ignore[union-attr]
        for source in modules_needed().values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    foreign = imported - set(sys.stdlib_module_names) - {"evidence", "crawler"}
    assert foreign == {"cryptography", "asn1crypto", "rfc3161_client"}
    done = subprocess.run([sys.executable, "-I", standalone, "--rules"], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == len(rules.RULES)


def test_the_reader_s_own_trust_reaches_the_verifier_in_one_file(
    made: tuple[Path, Home], standalone: Path, tmp_path: Path
) -> None:  # EV-20
    own = made[1].root.parent / "authority" / "ca.pem"
    assert run_alone(standalone, "--trust", own, made[0])[0] == 0
    other = TestAuthority(tmp_path / "other").roots
    status, told = run_alone(standalone, "--trust", other, made[0])
    assert status == 1 and {f["rule"] for f in told["faults"]} == {"stamp.chain"}  # type: ignore[attr-defined]


def test_the_documents_list_every_rule_as_the_table_has_it() -> None:  # EV-23
    page = (Path(__file__).parents[2] / "docs/evidence.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `") and line.count(" | ") == 1]
    assert [f"| `{rule}` | {meaning} |" for rule, meaning in rules.RULES.items()] == [r for r in rows if "." in r[:20]]
