"""Every way to damage a bundle is found for its own named rule, by the verifier and by its one-file form alike."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.home import Home
from evidence.rules import OTHER, RULES
from evidence.standalone import write_standalone
from evidence.verify import report_lines, verify_bundle
from storage.database import Database
from storage.migrate import upgrade
from tests.evidence.factory import Planted, plant
from tests.evidence.mutants import MUTANTS, Mutant
from tests.evidence.test_verify import reseal


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    root = tmp_path_factory.mktemp("bundle")
    database = Database(f"sqlite:///{root / 'db.sqlite3'}")
    upgrade(database)
    yield plant(database, Home(root / "home"), root / "out")
    database.dispose()


@pytest.fixture(scope="module")
def bundle(planted: Planted) -> Path:
    return planted.export().path


@pytest.fixture
def bag(bundle: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(bundle) as package:
        package.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked" / bundle.stem


@pytest.fixture
def zipped(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(bundle, tmp_path))


def damaged(mutant: Mutant, bag: Path, zipped: Path, home: Home) -> Path:
    if mutant.of_zip:
        mutant.damage(zipped)
        return zipped
    mutant.damage(bag)
    if mutant.resealed:
        reseal(bag, home)
    return bag


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_each_damage_is_found_for_its_own_rule(mutant: Mutant, bag: Path, zipped: Path, planted: Planted) -> None:
    # EV-10, EV-25, EV-26, EV-37, SEC-23
    path = damaged(mutant, bag, zipped, planted.home)
    result = verify_bundle(path)
    told = {fault.rule: fault.sentence for fault in result.named_faults}
    assert result.status != "valid"
    assert set(mutant.rules) <= told.keys(), told
    assert OTHER.name not in told, told[OTHER.name]


def test_there_are_more_than_sixty_ways_and_most_rules_have_one() -> None:
    assert len(MUTANTS) >= 75
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)
    names = {rule.name for rule in RULES}
    aimed = Counter(one.rules[0] for one in MUTANTS)
    assert aimed.keys() <= names
    # the rest are aimed at by test_bundle_stamps, test_hostile_expert and test_bounds
    assert len(aimed) >= 30


def test_the_one_file_says_of_good_bundles_and_of_damaged_ones_what_the_verifier_says(
    bundle: Path,
    bag: Path,
    zipped: Path,
    planted,
    tmp_path: Path,
) -> None:
    tool = tmp_path / "verify.pyz"
    modules = write_standalone(tool)
    again = tmp_path / "again" / "verify.pyz"
    again.parent.mkdir()
    write_standalone(again)
    assert tool.read_bytes() == again.read_bytes()
    assert "evidence.verify" in modules and not any(name.startswith("storage") for name in modules)
    places = {"good": bundle}
    for mutant in MUTANTS[:: len(MUTANTS) // 12]:
        place = tmp_path / mutant.name
        if mutant.of_zip:
            places[mutant.name] = Path(shutil.copy(bundle, place.with_suffix(".zip")))
            mutant.damage(places[mutant.name])
        else:
            places[mutant.name] = Path(shutil.copytree(bag, place))
            mutant.damage(place)
            if mutant.resealed:
                reseal(place, planted.home)
    for name, path in places.items():
        done = subprocess.run(
            [sys.executable, "-I", str(tool), str(path)], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        result = verify_bundle(path)
        assert done.returncode == result.exit_status, (name, done.stderr)
        assert done.stdout.splitlines() == list(report_lines(result)), name


def test_every_rule_has_a_name_of_its_own_and_a_meaning_in_the_docs() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    docs = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `([a-z.-]+)` \| (.+) \|$", docs, re.MULTILINE))
    assert {rule.name: rule.meaning for rule in RULES} == {name: told.get(name) for name in names}
