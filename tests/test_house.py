"""The rooms and who may import whom, as docs/architecture.md has it: read from the source, so that it stays true."""

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
ROOMS: dict[str, set[str]] = {
    "crawler": set(),
    "storage": {"crawler"},
    "markets": {"crawler", "storage"},
    "classifiers": {"crawler"},
    "evidence": {"crawler", "storage"},
    "matching": {"crawler", "storage"},
    "spiders": {"crawler", "markets"},
    "alerts": {"crawler", "storage", "matching", "review"},
    "review": {"crawler", "storage", "markets", "classifiers", "evidence", "matching", "spiders", "demo"},
    "demo": set(),
    "scheduler": {"crawler", "markets", "storage"},
}
TOP = {
    "alerting",
    "bundling",
    "commands",
    "checkup",
    "cli",
    "demonstration",
    "importing",
    "learning",
    "linking",
    "object_links",
    "late_photos",
    "object_photos",
    "photo_links",
    "retention",
    "service",
    "work",
}
"""What ties the rooms together: may import all of them, and is imported by none of them."""
OURS = set(ROOMS) | TOP
FORBIDDEN_NAMES = {"utils", "helpers", "misc", "common", "manager"}


def modules() -> dict[str, Path]:
    """Every module of ours by dotted name, tests and migration steps left out."""
    files = [ROOT / f"{name}.py" for name in OURS if (ROOT / f"{name}.py").exists()]
    files += [file for package in OURS for file in (ROOT / package).rglob("*.py")]
    found = {}
    for file in files:
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()


def imports(file: Path, *, at_start_only: bool = False) -> Iterator[str]:
    """Dotted names that a file imports; with `at_start_only` those that run when it is imported."""
    tree = ast.parse(file.read_text("utf-8"))
    nodes = _run_at_start(tree) if at_start_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively: say the whole name"
            module = node.module or ""
            yield from (f"{module}.{a.name}" if f"{module}.{a.name}" in MODULES else module for a in node.names)


def _run_at_start(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        typing_only = isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not typing_only:
            yield child
            yield from _run_at_start(child)


def test_every_top_level_module_and_package_is_known_to_this_test() -> None:
    ignored = {"tests", "bench", "scripts", "tools"}
    found = {file.stem for file in ROOT.glob("*.py")}
    found |= {file.parent.name for file in ROOT.glob("*/__init__.py")} - ignored
    assert found == OURS


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_it_may(room: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, file in MODULES.items()
        if name.partition(".")[0] == room
        for imported in imports(file)
        if (target := imported.partition(".")[0]) in OURS and target != room and target not in ROOMS[room]
    ]
    assert not wrong


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {
        name: {one for one in imports(file, at_start_only=True) if one in MODULES and one != name}
        for name, file in MODULES.items()
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_nobody_imports_what_scrapy_loads_by_name() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, file in MODULES.items()
        for imported in imports(file)
        if imported in MODULES and re.search(r"\.(pipeline|middleware)s?$", imported)
    ]
    assert not wrong


def test_packages_have_empty_init_files() -> None:
    assert [
        str(file) for file in ROOT.glob("*/**/__init__.py") if ".venv" not in file.parts and file.read_bytes()
    ] == []


def test_no_file_is_named_for_nothing() -> None:
    assert [name for name in MODULES if FORBIDDEN_NAMES & set(name.split("."))] == []


def test_every_module_says_why_it_exists() -> None:
    silent = [
        name
        for name, file in MODULES.items()
        if file.name != "__init__.py" and not ast.get_docstring(ast.parse(file.read_text("utf-8")))
    ]
    assert silent == []


def test_extraction_code_names_no_host() -> None:
    """No site's name, neither in code nor in comments: what one site needs stands in its definition."""
    known = re.compile(
        r"(?<![\w.@])(?:[a-z0-9-]+\.)+(?:com|org|net|de|fr|uk|eu|info|io|ae|eg|sa|example)\b(?!\()", re.I
    )
    allowed = {"schema.org", "ogp.me", "json-ld.org", "goodrelations.org", "purl.org", "data-vocabulary.org", "w3.org"}
    found = {
        f"{file.name}: {host}"
        for file in (ROOT / "crawler" / "extraction").rglob("*.py")
        for host in known.findall(file.read_text("utf-8"))
        if host.lower().removeprefix("www.") not in allowed
    }
    assert found == set()


def test_extraction_code_names_no_market_that_we_know_of() -> None:
    names = [
        domain.partition(":")[0]
        for file in (ROOT / "markets" / "definitions").glob("*.yaml")
        for domain in yaml.safe_load(file.read_text("utf-8"))["domains"]
    ]
    code = "".join(file.read_text("utf-8") for file in (ROOT / "crawler" / "extraction").rglob("*.py"))
    assert [name for name in names if name in code] == []
