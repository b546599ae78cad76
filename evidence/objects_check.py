"""What a bundle tells of listings that are one object (`data/objects.json`), and whether it can be true of the bundle.

It goes along only where a case is handed to another unit, which goes on with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from evidence.bundle_files import BundleFiles, JsonFault, as_mapping
from evidence.faults import Fault

OBJECTS = "data/objects.json"
FORMAT = "relicwatch-objects-1"
KINDS = ("join", "merge", "split", "apart", "confirm", "undo")


def objects_faults(files: BundleFiles, numbers: Collection[str]) -> Iterator[Fault]:
    """`numbers`: of the bundle's items."""
    if OBJECTS not in files.sizes:
        return
    try:
        told = as_mapping(files.json(OBJECTS))
    except JsonFault as fault:
        yield Fault("json.form", f"it {fault}", OBJECTS)
        return
    objects, statements = told.get("objects"), told.get("statements")
    if told.get("format") != FORMAT or not isinstance(objects, list) or not isinstance(statements, list):
        yield Fault("objects.form", f"it is not of the format {FORMAT}", OBJECTS)
        return
    met: set[Any] = set()
    for one in objects:
        members = one if isinstance(one, list) else []
        if len(members) < 2 or not _are_items(members, numbers) or met & {*members} or len({*members}) < len(members):
            yield Fault(
                "objects.form", f"object {one} is not of several items of this bundle, each in it once", OBJECTS
            )
            continue
        met |= {*members}
    for one in map(as_mapping, statements):
        sides = [one.get("one"), one.get("other")]
        if one.get("kind") not in KINDS or not all(isinstance(s, list) and _are_items(s, numbers) for s in sides):
            yield Fault("objects.form", f"statement {one.get('id')} is not about items of this bundle", OBJECTS)


def _are_items(members: list[Any], numbers: Collection[str]) -> bool:
    return all(isinstance(one, str) and one in numbers for one in members)
