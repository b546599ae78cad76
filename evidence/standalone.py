"""The verifier as one file, for an expert who has no relicwatch: made from the modules here, never written by hand.

`python -m evidence.standalone --to verify_bundle.py` writes it; the same modules give the same bytes. It needs Python
3.11 with cryptography, asn1crypto and rfc3161-client, and reads nothing but the bundle. It is not put into bundles: who
could forge a bundle could forge a verifier in it. The expert makes it from a clone, or compares its SHA-256 with one.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path

MAIN = "evidence.verify"
_ROOMS = ("evidence", "crawler")
_HEAD = '''#!/usr/bin/env python3
"""Verify a relicwatch bundle: python3 {name} [--json] [--trust CERTIFICATES.pem] BUNDLE

Exit status: 0 valid, 1 invalid, 3 incomplete, 2 wrong use. One line for each fault: FILE: RULE: what is wrong.
Needs Python 3.11 or later and: pip install cryptography asn1crypto rfc3161-client. No network, nothing is written.

Made by `python -m evidence.standalone` from the modules below, each as it is in relicwatch:
{digests}
"""

import importlib.abc
import importlib.util
import sys

MODULES = {{}}
'''
_TAIL = '''

class _Modules(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Lets the modules above find one another by their names."""

    def find_spec(self, name, path=None, target=None):
        is_room = any(one.startswith(name + ".") for one in MODULES)
        if name not in MODULES and not is_room:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=is_room)

    def get_source(self, name):
        return MODULES.get(name, "")

    def is_package(self, name):
        return name not in MODULES


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.meta_path.insert(0, _Modules())
    sys.exit(importlib.import_module("{main}").main(sys.argv[1:]))
'''


def modules_needed() -> dict[str, str]:
    """Name -> source of every module of ours that the verifier loads, those it needs before those that need them."""
    found: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in found or (path := _path(name)) is None:
            return
        source = path.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in _ROOMS:
                visit(node.module)
        found[name] = source

    visit(MAIN)
    return found


def standalone_source(name: str = "verify_bundle.py") -> str:
    """The whole file."""
    modules = modules_needed()
    digests = "\n".join(f"    {hashlib.sha256(s.encode()).hexdigest()}  {one}" for one, s in modules.items())
    parts = [_HEAD.format(name=name, digests=digests)]
    for one, source in modules.items():
        # Raw, so that it reads as the module does; its own docstrings are in the other kind of quotes.
        if "'''" in source or source.endswith("\\"):
            raise ValueError(f"{one} cannot be quoted as it is")
        parts.append(f"\n# ---- {one}\nMODULES[{one!r}] = r'''{source}'''\n")
    parts.append(_TAIL.replace("{main}", MAIN))
    return "".join(parts)


def _path(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin) if spec and spec.origin and not spec.origin.endswith("__init__.py") else None


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m evidence.standalone", description="Write the verifier as one file."
    )
    parser.add_argument("--to", type=Path, required=True)
    to = parser.parse_args(arguments).to
    source = standalone_source(to.name).encode()
    to.write_bytes(source)
    to.chmod(0o755)
    sys.stdout.write(f"{hashlib.sha256(source).hexdigest()}  {to}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
