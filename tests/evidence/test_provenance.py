"""CASE/UCO: what a bundle says in the words of forensic tools, found sound by the ontology's own validator."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crawler.home import Home
from storage.database import Database
from tests.evidence.factory import Planted, plant

VALIDATOR = Path(sys.executable).with_name("case_validate")
needs_validator = pytest.mark.skipif(not VALIDATOR.exists(), reason="needs case_validate beside Python")


@pytest.fixture
def planted(sqlite_template: Path, home: Home, tmp_path: Path) -> Iterator[Planted]:
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'own.sqlite3')}")
    yield plant(database, home, tmp_path / "out")
    database.dispose()


def graph_of(planted: Planted) -> dict[str, Any]:
    path = planted.export().path
    with zipfile.ZipFile(path) as package:
        return json.loads(package.read(f"{path.stem}/data/provenance/case.jsonld"))


def validated(graph: dict[str, Any], to: Path) -> subprocess.CompletedProcess[str]:
    to.write_text(json.dumps(graph), encoding="utf-8")
    return subprocess.run([str(VALIDATOR), str(to)], capture_output=True, text=True, check=False)


@needs_validator
def test_the_graph_of_a_bundle_is_sound_case_and_a_broken_one_is_not(planted: Planted, tmp_path: Path) -> None:
    # EV-38
    graph = graph_of(planted)
    said = validated(graph, tmp_path / "good.jsonld")
    assert said.returncode == 0, said.stdout[-2000:] + said.stderr[-500:]
    assert "Conforms: True" in said.stdout
    for node in graph["@graph"]:
        for facet in node.get("core:hasFacet", []):
            facet.pop("observable:fullValue", None)
            if "observable:sizeInBytes" in facet:
                facet["observable:sizeInBytes"] = "many"
    assert validated(graph, tmp_path / "broken.jsonld").returncode != 0


def test_every_captured_file_stands_in_it_with_its_digest(planted: Planted, tmp_path: Path) -> None:
    path = planted.export().path
    with zipfile.ZipFile(path) as package:
        package.extractall(tmp_path / "x")
    bag = tmp_path / "x" / path.stem
    graph = json.loads((bag / "data/provenance/case.jsonld").read_text())
    import hashlib

    told = {}
    for node in graph["@graph"]:
        if node["@type"] == "observable:File":
            name, content = node["core:hasFacet"]
            told[name["observable:filePath"]] = content["observable:hash"][0]["types:hashValue"]["@value"].lower()
    there = {
        file.relative_to(bag).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for pattern in ("images/*", "screenshots/*", "derived/*", "capture/*.wacz")
        for file in bag.glob(f"data/items/*/{pattern}")
    }
    assert told == there
