"""Whether a definition's regular expression may be trusted with addresses that a hostile page made up.

The check is simple and strict: it refuses the shapes whose matching time can explode, even where one of them happens
to be harmless.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from typing import Any

MAX_PATTERN_LENGTH = 500
MAX_OPEN_REPEATS_IN_A_ROW = 2
OPEN_REPEAT = 10
"""A repeat that may match more often than this counts as open-ended."""

# The parsed form tells nested repeats from literal signs without a parser of our own; the module is private to `re`,
# but its tuples have kept their shape from Python 3.11 to 3.14.
_parser: Any = importlib.import_module("re._parser")
_BRANCHING = ("BRANCH", "GROUPREF_EXISTS")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


def pattern_fault(pattern: str) -> str | None:
    """Say why `pattern` cannot find listings' addresses, or None where it can."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        return f"the pattern has {len(pattern)} characters and may have {MAX_PATTERN_LENGTH}."
    try:
        compiled = re.compile(pattern)
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"{pattern!r} is no regular expression: {error}."
    if not compiled.groupindex:
        return "the pattern needs at least one named group, like (?P<id>[0-9]+): the groups make the listing's id."
    if compiled.search("") is not None:
        return "the pattern matches an empty text, and so every address: name what only listings have."
    return _slow(parsed)


def _slow(parsed: Iterable[Any]) -> str | None:
    row = dots = 0
    for operator, argument in _flat(parsed):
        name = str(operator)
        if name == "GROUPREF":
            return "a back-reference can make matching very slow: write the pattern without it."
        if name in _REPEATS and _has_open_repeat(argument[2]) and argument[1] > 1:
            return "an open-ended repeat inside another repeat can take forever on a hostile address: write it without."
        if name in _REPEATS and argument[1] > OPEN_REPEAT:
            body = list(_deep(argument[2]))
            if any(str(inner) in _REPEATS and detail[1] > 1 for inner, detail in body):
                return "a repeat inside an open-ended repeat can take forever on a hostile address: write it without."
            if any(str(inner) in _BRANCHING for inner, _ in body):
                return (
                    "a choice (|) inside an open-ended repeat can take forever on a hostile address: write it without."
                )
            dots += any(str(inner) == "ANY" for inner, _ in body)
            row += 1
            if row > MAX_OPEN_REPEATS_IN_A_ROW:
                return "more than two open-ended repeats stand side by side: put a fixed sign between them."
        elif name != "AT":
            row = 0
        if dots > 1:
            return "more than one .* or .+ makes matching slow: say what may stand there, like [^/]+."
    return None


def _has_open_repeat(parsed: Iterable[Any]) -> bool:
    return any(str(operator) in _REPEATS and argument[1] > OPEN_REPEAT for operator, argument in _deep(parsed))


def _flat(parsed: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
    """The elements in the order of matching, groups and choices opened; repeats stay whole."""
    for operator, argument in parsed:
        name = str(operator)
        if name == "SUBPATTERN":
            yield from _flat(argument[3])
        elif name == "BRANCH":
            for choice in argument[1]:
                yield from _flat(choice)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from _flat(argument[1])
        elif name == "ATOMIC_GROUP":
            yield from _flat(argument)
        elif name in _REPEATS and argument[1] <= OPEN_REPEAT:
            yield from _flat(argument[2])
        else:
            yield operator, argument


def _deep(parsed: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
    """Every element at any depth."""
    for operator, argument in parsed:
        yield operator, argument
        name = str(operator)
        if name == "SUBPATTERN":
            yield from _deep(argument[3])
        elif name == "BRANCH":
            for choice in argument[1]:
                yield from _deep(choice)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from _deep(argument[1])
        elif name == "ATOMIC_GROUP":
            yield from _deep(argument)
        elif name in _REPEATS:
            yield from _deep(argument[2])
