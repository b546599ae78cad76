"""The verifier as one file that an opposing expert runs without relicwatch: `python -m evidence.standalone TO.pyz`.

It is a zip of the very modules that `relicwatch verify` uses, as readable source, with a start of its own; Python runs
it as it stands (PEP 441). It needs Python 3.11 and the packages cryptography, asn1crypto and rfc3161-client. The same
sources give the same bytes, so that two people can compare what they were given.
"""

from __future__ import annotations

import ast
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START = "evidence.verify"
NEEDED = frozenset({"cryptography", "asn1crypto", "rfc3161_client"})
_MAIN = '''"""python3 %s BUNDLE: 0 valid, 1 invalid, 3 incomplete. Needs cryptography, asn1crypto and rfc3161-client."""

import sys

try:
    from evidence.verify import main
except ModuleNotFoundError as error:
    sys.exit(f"This needs the Python package {error.name}: pip install cryptography asn1crypto rfc3161-client")

sys.exit(main(sys.argv[1:]))
'''
_SHEBANG = b"#!/usr/bin/env python3\n"


class NotStandalone(Exception):
    """The verifier has come to need a package that an expert is not asked to install."""


def write_standalone(to: Path) -> list[str]:
    """Write the file; the names of the modules in it. Raises NotStandalone, OSError."""
    modules = sorted(_closure())
    with to.open("wb") as file:
        file.write(_SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
            _add(package, "__main__.py", (_MAIN % to.name).encode())
            for name in sorted({module.split(".")[0] for module in modules}):
                _add(package, f"{name}/__init__.py", b"")
            for module in modules:
                _add(package, f"{module.replace('.', '/')}.py", _source(module).read_bytes())
    to.chmod(0o755)
    return modules


def _add(package: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    package.writestr(entry, data)


def _closure() -> set[str]:
    """The modules of ours that the verifier imports, itself included."""
    found: set[str] = set()
    waiting = [START]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        for name in _imports(module):
            if (ROOT / name.split(".")[0]).is_dir():
                waiting.append(name)
            elif name.split(".")[0] not in NEEDED | sys.stdlib_module_names:
                raise NotStandalone(f"{module} imports {name}, which {START} should not need")
    return found


def _imports(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(_source(module).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _source(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m evidence.standalone TO.pyz")
    write_standalone(Path(sys.argv[1]))
