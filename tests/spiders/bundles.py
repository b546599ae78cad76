"""Bundles of what a crawl found, for tests that the answer which was read stands in them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from evidence.bundle import export_bundle
from evidence.signing import ensure_signing_key
from storage.audit import AuditChain
from tests.crawling import Place


def exported(place: Place, listing_id: int) -> Path:
    """The bundle of one listing."""
    ensure_signing_key(place.home)
    to = place.home.exports
    bundle = export_bundle(place.database, place.home, chain=AuditChain(), actor="amira", to=to, listing_id=listing_id)
    return bundle.path


def item_of(bundle: Path) -> dict[str, Any]:
    with zipfile.ZipFile(bundle) as package:
        return json.loads(package.read(next(name for name in package.namelist() if name.endswith("item.json"))))


def source_of(item: dict[str, Any]) -> dict[str, Any]:
    """The capture in the bundle that the shown observation was read from."""
    facts = item["captured_fact"]
    (found,) = (one for one in facts["captures"] if one["id"] == facts["shown"]["capture"])
    assert "warc" in found
    return found
