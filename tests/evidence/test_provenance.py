"""CASE/UCO: what a bundle says in the words of forensic tools, found sound by the ontology's own validator."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crawler.home import Home
from evidence.recipients import Request
from storage.database import Database
from tests.evidence.factory import Planted, Stamped, plant
from tests.needs import without_network

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
    """In a namespace without any network: the ontology comes with the validator, and nothing is fetched."""
    to.write_text(json.dumps(graph), encoding="utf-8")
    return subprocess.run([*without_network(), str(VALIDATOR), str(to)], capture_output=True, text=True, check=False)


@needs_validator
def test_the_graph_of_a_bundle_is_sound_case_with_the_network_off(planted: Planted, tmp_path: Path) -> None:
    # EV-38
    said = validated(graph_of(planted), tmp_path / "good.jsonld")
    assert said.returncode == 0, said.stdout[-2000:] + said.stderr[-500:]
    assert "Conforms: True" in said.stdout


def without_time_type(graph: dict[str, Any]) -> None:
    """An act's time that is mere text."""
    act = next(node for node in graph["@graph"] if node["@type"] == "investigation:InvestigativeAction")
    act["action:startTime"] = "yesterday"


def size_in_words(graph: dict[str, Any]) -> None:
    facets = [facet for node in graph["@graph"] for facet in node.get("core:hasFacet", [])]
    next(one for one in facets if "observable:sizeInBytes" in one)["observable:sizeInBytes"] = "many"


def digest_of_no_method(graph: dict[str, Any]) -> None:
    facets = [facet for node in graph["@graph"] for facet in node.get("core:hasFacet", [])]
    hashed = next(one for one in facets if "observable:hash" in one)
    del hashed["observable:hash"][0]["types:hashMethod"]


@needs_validator
@pytest.mark.parametrize("damage", [without_time_type, size_in_words, digest_of_no_method])
def test_a_graph_with_one_damage_is_not_sound(
    planted: Planted, tmp_path: Path, damage: Callable[[dict[str, Any]], None]
) -> None:
    # EV-38
    graph = graph_of(planted)
    damage(graph)
    said = validated(graph, tmp_path / "broken.jsonld")
    assert said.returncode != 0 and "Conforms: False" in said.stdout, said.stdout[-2000:] + said.stderr[-500:]


def test_decisions_and_acts_of_custody_stand_in_it_with_who_and_when(planted: Planted) -> None:  # EV-38
    path = planted.export().path
    with zipfile.ZipFile(path) as package:
        graph = json.loads(package.read(f"{path.stem}/data/provenance/case.jsonld"))
        events = json.loads(package.read(f"{path.stem}/data/custody/custody.json"))["events"]
    nodes = {node["@id"]: node for node in graph["@graph"]}
    acts = [node for node in nodes.values() if "action:performer" in node]
    told = {
        (nodes[act["action:performer"]["@id"]]["core:name"], act["core:name"], act["action:startTime"]["@value"])
        for act in acts
        if not act["core:name"].startswith("stated of the object: ")
    }
    assert told == {(e["actor"], e["action"], e["at"]) for e in events if e["object_kind"] != "export"}
    (decided,) = [a for a in acts if a["core:name"] == "decided"]
    assert "verdict: antiquity; next step: refer" in decided["core:description"]


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


@pytest.fixture(scope="module")
def handed_out(stamped: Stamped) -> dict[str, Any]:
    """Both graphs of a stamped bundle, made after a copy for an expert; officers have stated what the object is."""
    planted = stamped.planted
    planted.export(request=Request("expert"))
    path = planted.export(request=Request("police")).path
    with zipfile.ZipFile(path) as package:
        names = {"evidence": "provenance/case.jsonld", "exports": "custody/case.jsonld", "log": "custody/custody.json"}
        return {key: json.loads(package.read(f"{path.stem}/data/{name}")) for key, name in names.items()}


@needs_validator
@pytest.mark.parametrize("which", ["evidence", "exports"])
def test_stamps_statements_exports_and_recipients_are_sound_case_too(
    handed_out: dict[str, Any], tmp_path: Path, which: str
) -> None:
    # EV-38
    said = validated(handed_out[which], tmp_path / "good.jsonld")
    assert said.returncode == 0 and "Conforms: True" in said.stdout, said.stdout[-2000:] + said.stderr[-500:]


def test_stamps_statements_exports_and_recipients_stand_in_the_graphs(handed_out: dict[str, Any]) -> None:
    # EV-38
    nodes = {node["@id"]: node for node in handed_out["evidence"]["@graph"]}
    acts = [node for node in nodes.values() if node["@type"] == "investigation:InvestigativeAction"]
    stated = [act for act in acts if act["core:name"] == "stated of the object: maker"]
    assert {nodes[act["action:performer"]["@id"]]["core:name"] for act in stated} == {"amira"}
    assert "; stands" in " ".join(act["core:description"] for act in stated)
    stamps = [act for act in acts if act["core:name"] == "time stamped" and "action:result" in act]
    assert len(stamps) == 2
    for act in stamps:
        assert nodes[act["action:performer"]["@id"]]["core:name"] == "timestamp authority local"
        (result,) = act["action:result"]
        assert nodes[result["@id"]]["core:hasFacet"][0]["observable:filePath"].endswith(".local.tsr")
    nodes = {node["@id"]: node for node in handed_out["exports"]["@graph"]}
    acts = [node for node in nodes.values() if node["@type"] == "investigation:InvestigativeAction"]
    (copy,) = [act for act in acts if "action:participant" in act]
    assert nodes[copy["action:participant"]["@id"]]["core:name"] == "recipient: expert"
    assert "copy without: analysis, captures" in copy["core:description"]
    log = {one["details"]["sha256"] for one in handed_out["log"]["events"] if one["action"] == "export.finished"}
    digests = [
        nodes[copy[key]["@id"]]["core:hasFacet"][1]["observable:hash"][0]["types:hashValue"]["@value"].lower()
        for key in ("action:object", "action:result")
    ]
    assert set(digests) <= log and len(set(digests)) == 2, "the copy, and the bundle that it was made of"
