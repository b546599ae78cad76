"""A small, strict YAML reader that remembers the line of every value.

It leaves out on purpose what a list of facts does not need and an attacker might: tags, anchors, aliases, several
documents. Only `true` and `false` are booleans, so that `country: NO` stays Norway.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from markets.faults import DefinitionError, Fault

MAX_BYTES = 64_000
MAX_DEPTH = 8

FieldPath = tuple[str | int, ...]
"""Keys and list places from the top to a value: ("search", "url"), ("domains", 0)."""
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_CONSTANTS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}
_OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


@dataclass(slots=True)
class LocatedYaml:
    """The mapping a file holds (lists as tuples), the line of each value, and the faults met on the way."""

    file: Path
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[FieldPath, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, path: FieldPath) -> int | None:
        """The line of the value at `path`, or of the nearest value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def fault(self, path: FieldPath, reason: str) -> None:
        self.faults.append(Fault(self.file, self.line(path), dotted(path), reason))


def dotted(path: FieldPath) -> str:
    """`("search", "url")` as `search.url`, `("domains", 0)` as `domains[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def read_yaml(file: Path, content: bytes) -> LocatedYaml:
    """Read a file's mapping. Faults of single values are collected in the result.

    Raises DefinitionError where nothing can be read: not UTF-8, too large, empty, no mapping, broken YAML.
    """
    text = _decoded(file, content)
    try:
        _refuse_extras(file, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise DefinitionError([Fault(file, line, "", _broken(error))]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DefinitionError(
            [
                Fault(
                    file, line, "", f"the character U+{ord(text[error.position]):04X} may not stand in YAML: remove it."
                )
            ]
        ) from error
    if not isinstance(node, yaml.MappingNode):
        raise DefinitionError([Fault(file, 1, "", "a definition is a list of `key: value` lines, and this is none.")])
    read = LocatedYaml(file, lines={(): 1})
    read.values = _mapping(read, (), node)
    return read


def _decoded(file: Path, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        reason = f"it has {len(content)} bytes and a definition has at most {MAX_BYTES}: this is some other file."
        raise DefinitionError([Fault(file, None, "", reason)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"byte 0x{content[error.start]:02X} is not UTF-8: save the file as UTF-8."
        raise DefinitionError([Fault(file, line, "", reason)]) from error
    if not text.strip():
        raise DefinitionError([Fault(file, None, "", "the file is empty: see docs/add-a-market.md for what it holds.")])
    return text


def _refuse_extras(file: Path, text: str) -> None:
    """Look at the tokens first: the composer recurses, and would follow aliases and tags."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        line = token.start_mark.line + 1
        if isinstance(token, yaml.TagToken):
            raise DefinitionError([Fault(file, line, "", "YAML tags (`!...`) are not allowed: write the plain value.")])
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            reason = "YAML anchors and aliases are not allowed: put a value that starts with & or * in quotes."
            raise DefinitionError([Fault(file, line, "", reason)])
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > MAX_DEPTH:
            raise DefinitionError([Fault(file, line, "", f"values are nested deeper than {MAX_DEPTH} levels.")])


def _broken(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "it cannot be read"
    if "'\\t'" in problem:
        return "a tab stands where YAML wants spaces: indent with spaces."
    if "unknown escape character" in problem:
        return f"this is broken YAML ({problem}): in double quotes a backslash is written twice, like \\\\d."
    return f"this is broken YAML ({problem}): look at this line and the one before, often a quote or colon is missing."


def _mapping(read: LocatedYaml, path: FieldPath, node: yaml.MappingNode) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            read.faults.append(Fault(read.file, line, dotted(path), "a key must be a plain word."))
            continue
        place = (*path, key_node.value)
        if key_node.value in values:
            reason = f"this key stands twice (first on line {read.lines[place]}): remove one of the two."
            read.faults.append(Fault(read.file, line, dotted(place), reason))
            continue
        read.lines[place] = line
        values[key_node.value] = _value(read, place, value_node)
    return values


def _value(read: LocatedYaml, path: FieldPath, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(read, path, node)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for number, item in enumerate(node.value):
            read.lines[(*path, number)] = item.start_mark.line + 1
            items.append(_value(read, (*path, number), item))
        return tuple(items)
    assert isinstance(node, yaml.ScalarNode)
    return _scalar(read, path, node)


def _scalar(read: LocatedYaml, path: FieldPath, node: yaml.ScalarNode) -> object:
    text = unicodedata.normalize("NFC", node.value)
    if node.style is not None:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.match(text):
        return int(text) if len(text) < 20 else float(text)
    if _NUMBER.match(text):
        return float(text)
    if _DATE.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            read.fault(path, f"{text} is no day of the calendar.")
            return None
    return text
