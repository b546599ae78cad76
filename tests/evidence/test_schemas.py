"""Every JSON text of a bundle keeps to the schema that the bundle carries, and what is no such text does not."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from crawler.egress import Guard
from crawler.home import Home
from evidence.stamping import ask_pending, note_captures
from storage.audit import AuditChain
from storage.database import Database
from storage.migrate import upgrade
from tests.evidence.authority import TestAuthority, configure, serving_authority
from tests.evidence.factory import plant

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
SCHEMA_OF = {
    r"items/\d+/item\.json": "item",
    r"items/\d+/object-id\.json": "object-id",
    r"items/\d+/observations\.json": "observations",
    r"items/\d+/stamps/\d+\.json": "stamps",
    r"analysis/\d+\.json": "analysis",
    r"analysis/model-card\.json": "model-card",
    r"decisions/\d+\.json": "decisions",
    r"custody/custody\.json": "custody",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Path below data/ -> content, of every JSON text of a stamped bundle."""
    root = tmp_path_factory.mktemp("schemas")
    database = Database(f"sqlite:///{root / 'db.sqlite3'}")
    upgrade(database)
    home, guard = Home(root / "home"), Guard(allow_loopback=True)
    authority = TestAuthority(root / "authority")
    with serving_authority(authority) as url:
        planted = plant(database, home, root / "out")
        configure(home.root, ("local", url, authority.roots))
        note_captures(database, home)
        ask_pending(database, home, guard, chain=AuditChain(), actor="test")
        path = planted.export(guard=guard).path
    database.dispose()
    with zipfile.ZipFile(path) as package:
        names = [name for name in package.namelist() if name.endswith(".json")]
        yield {name.partition("/data/")[2]: json.loads(package.read(name)) for name in names}


def checker(data: dict[str, Any], name: str) -> jsonschema.Draft202012Validator:
    schema = data[f"schema/{name}.schema.json"]
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def schema_of(path: str) -> str:
    return next(name for pattern, name in SCHEMA_OF.items() if re.fullmatch(pattern, path))


def test_every_json_text_of_a_bundle_keeps_to_its_schema(data: dict[str, Any]) -> None:  # EV-17
    texts = [path for path in data if not path.startswith("schema/")]
    assert {schema_of(path) for path in texts} == set(SCHEMA_OF.values())
    for path in texts:
        faults = [error.message for error in checker(data, schema_of(path)).iter_errors(data[path])]
        assert faults == [], path


def test_every_schema_refuses_an_unknown_format_a_stranger_s_field_and_a_missing_one(data: dict[str, Any]) -> None:
    for path in (path for path in data if not path.startswith("schema/")):
        valid = checker(data, schema_of(path)).is_valid
        content = data[path]
        assert not valid({**content, "format": "other"}), path
        assert not valid({**content, "stranger": 1}), path
        for name in content.keys() - {"salt"}:  # a copy with parts left out has none
            assert not valid({key: value for key, value in content.items() if key != name}), (path, name)


def test_an_object_id_value_without_a_source_is_refused(data: dict[str, Any]) -> None:  # EV-31
    content = json.loads(json.dumps(data["items/001/object-id.json"]))
    content["fields"]["maker"]["value"] = "Workshop of Thebes"
    assert not checker(data, "object-id").is_valid(content)


def test_a_model_without_a_card_is_called_so(data: dict[str, Any]) -> None:  # EV-30
    told = {one["model"] for number in ("001", "002") for one in data[f"analysis/{number}.json"]["assessments"]}
    assert data["analysis/model-card.json"]["models"] == dict.fromkeys(told, "no card") and told
