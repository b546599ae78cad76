"""Embedded JSON of a page: data blocks, JavaScript assignments, and the packed forms of the common frameworks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from crawler.extraction.document import Document
from crawler.extraction.findings import Findings
from crawler.extraction.lenient_json import MAX_JSON_CHARACTERS, BrokenJson, read_json, read_leading_json

MAX_BLOCKS = 60
MIN_BLOCK_CHARACTERS = 60
MAX_SCRIPT_CHARACTERS = 24_000_000
"""Of all scripts together; the rest is not searched."""

_MAX_FAILURES = 40
"""Assignments of one script that may prove unreadable before the script is given up: minified code has thousands."""
_MAX_UNPACKED = 100_000
_MAX_UNPACKED_DEPTH = 25

_PROMISING_WORDS = ("price", "title", "name", "amount", "bid", "lot")
_REST_OF_KEY = re.compile(r"""\w{0,30}\\?["']?\s{0,3}:""")
_ASSIGNMENT = re.compile(
    r"(?:^|[;\s,({])(?:window|self|globalThis|var|let"
    r"|const)?[\s.]{0,3}([\w$.\[\]\"']{1,120})\s{0,5}=\s{0,5}(?=[\[{]\s*[\"'{\[\w\]}]|JSON\.parse\()"
)
_PUSH = re.compile(r"[\w$.]{1,60}\.push\(\s{0,5}(?=\{)")
"""Data handed to a page's own bookkeeping (`dataLayer.push({...})`), often the only data of a shop."""
_QUOTED_STATE = re.compile(r"""=\s{0,5}["'](%7[Bb][^"']{60,})["']""")
_ATTRIBUTES = etree.XPath("//@*[starts-with(., '{\"') and string-length(.) > 200]")
_ATTRIBUTE_STARTS = (b'={"', b"'{\"", b"{&")
"""How such an attribute begins in a page's source: in single quotes, in none, or with its own quotes coded."""
_PARSE_CALL = re.compile(r"""JSON\.parse\(\s*(?:decodeURIComponent\(\s*)?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.S)
_FLIGHT = re.compile(r"""self\.__next_f\.push\(\[\s*1\s*,\s*("(?:[^"\\]|\\.)*")\s*\]\)""", re.S)
_NUXT_CALL = re.compile(r"=\s*\(function\(([\w$,\s]*)\)\s*\{\s*return\s*(?=\{)")


def read_blocks(document: Document, findings: Findings) -> list[tuple[str, Any]]:
    """Every readable block as (name, value), in page order."""
    blocks: list[tuple[str, Any]] = []
    budget = MAX_SCRIPT_CHARACTERS
    flight: list[str] = []
    for script in document.of_tag("script"):
        text = script.text or ""
        kind = (script.get("type") or "").lower()
        if len(text) < MIN_BLOCK_CHARACTERS or "ld+json" in kind:
            continue
        budget -= len(text)
        if budget < 0 or len(blocks) >= MAX_BLOCKS:
            findings.problem("The page embeds more data than is searched: the rest was not read.")
            break
        if "json" in kind:
            blocks.extend(_data_block(script.get("id") or script.get("data-id") or "json", text, findings))
        elif kind in ("", "text/javascript", "module", "application/javascript") and script.get("src") is None:
            if "__next_f" in text:
                flight.extend(match.group(1) for match in _FLIGHT.finditer(text))
            if not flight and (_is_promising(text) or "%7B" in text):
                blocks.extend(_assignments(text))
    blocks.extend(_flight_rows(flight))
    found = _ATTRIBUTES(document.root) if document.may_hold(*_ATTRIBUTE_STARTS) else []
    for attribute in found[: MAX_BLOCKS - len(blocks)]:
        value = _inner_json(attribute)
        if value is not None:
            blocks.append(("attribute", _untagged(value)))
    return blocks


def _untagged(value: Any, depth: int = 0) -> Any:
    """An Astro island's properties: every value is a pair of its kind and itself, [0, 95], lists are [1, [...]]."""
    pairs = value.values() if isinstance(value, dict) else ()
    if not pairs or depth > _MAX_UNPACKED_DEPTH or not all(_is_tagged(one) for one in pairs):
        return value
    return {key: _content(inner, depth) for key, inner in value.items()}


def _is_tagged(one: Any) -> bool:
    return isinstance(one, list) and 1 <= len(one) <= 2 and isinstance(one[0], int) and not isinstance(one[0], bool)


def _content(pair: Any, depth: int) -> Any:
    if not _is_tagged(pair):
        return pair
    inner = pair[1] if len(pair) > 1 else None
    if pair[0] == 1 and isinstance(inner, list):
        return [_content(one, depth + 1) for one in inner]
    return _untagged(inner, depth + 1)


def _is_promising(text: str) -> bool:
    """Whether a script has a key that begins like a listing's data."""
    lower = text.lower()
    for word in _PROMISING_WORDS:
        start = lower.find(word)
        while start >= 0:
            start += len(word)
            if _REST_OF_KEY.match(lower, start):
                return True
            start = lower.find(word, start)
    return False


def _data_block(name: str, text: str, findings: Findings) -> Iterator[tuple[str, Any]]:
    try:
        value = read_json(text)
    except BrokenJson as error:
        findings.problem(f"The embedded data block {name!r} is broken: {str(error)[:120]}.")
        return
    if name == "__NUXT_DATA__" and isinstance(value, list):
        value = _unpacked(value)
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        value = _inner_json(value)
    if isinstance(value, (dict, list)):
        yield name, value


def _assignments(text: str) -> Iterator[tuple[str, Any]]:
    position = failures = 0
    for call in _PARSE_CALL.finditer(text):
        value = _inner_json(_unquoted(call.group(1)))
        if isinstance(value, (dict, list)):
            yield "JSON.parse", value
    for quoted in _QUOTED_STATE.finditer(text):
        value = _inner_json(quoted.group(1))
        if value is not None:
            yield "quoted", value
    for push in list(_PUSH.finditer(text))[:_MAX_FAILURES]:
        try:
            yield "push", read_leading_json(text, push.end())[0]
        except BrokenJson:
            continue
    nuxt = _NUXT_CALL.search(text)
    if nuxt:
        value = _called(text, nuxt)
        if value is not None:
            yield "__NUXT__", value
        return
    while failures < _MAX_FAILURES and (match := _ASSIGNMENT.search(text, position)):
        position = match.end()
        if text.startswith("JSON.parse", position):
            continue
        try:
            value, end = read_leading_json(text, position)
        except BrokenJson:
            failures += 1
            continue
        position = max(end, position + 1)
        if isinstance(value, (dict, list)) and end - match.end() >= MIN_BLOCK_CHARACTERS:
            yield match.group(1).strip(".\"'[]")[-60:], value


def _unquoted(literal: str) -> str:
    """The text of a JavaScript string literal."""
    inner = literal[1:-1]
    if literal[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"').replace('\\\\"', '\\"')
    inner = re.sub(r"\\x([0-9a-fA-F]{2})", r"\\u00\1", inner).replace("\\'", "'")
    try:
        value = json.loads(f'"{inner}"', strict=False)
    except ValueError:
        return ""
    return value if isinstance(value, str) else ""


def _inner_json(text: str) -> Any:
    if text[:3].lower() == "%7b":
        from urllib.parse import unquote

        text = unquote(text)
    if len(text) > MAX_JSON_CHARACTERS:
        return None
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _flight_rows(pieces: list[str]) -> Iterator[tuple[str, Any]]:
    """Next.js streams rows "id:json" in quoted pieces."""
    if not pieces:
        return
    stream = "".join(_unquoted(piece) for piece in pieces)
    for number, row in enumerate(stream.split("\n")):
        start = row.find(":")
        if number > 5_000 or not 0 < start < 8 or len(row) < MIN_BLOCK_CHARACTERS or row[start + 1] not in "[{":
            continue
        value = _inner_json(row[start + 1 :])
        if value is not None:
            yield "__next_f", value


def _unpacked(values: list[Any]) -> Any:
    """Nuxt 3 data: a flat list in which every object's members are positions in that same list."""
    budget = [_MAX_UNPACKED]

    def resolve(position: Any, depth: int) -> Any:
        budget[0] -= 1
        known = isinstance(position, int) and not isinstance(position, bool) and 0 <= position < len(values)
        if not known or depth > _MAX_UNPACKED_DEPTH or budget[0] < 0:
            return None
        value = values[position]
        if isinstance(value, dict):
            return {key: resolve(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list):
            if value and isinstance(value[0], str):  # ["Reactive", 3], ["Date", "..."]
                inner = value[1] if len(value) > 1 else None
                return resolve(inner, depth + 1) if isinstance(inner, int) else inner
            return [resolve(inner, depth + 1) for inner in value]
        return value

    return resolve(0, 0)


def _called(text: str, match: re.Match[str]) -> Any:
    """Nuxt 2: `(function(a,b){return {...}}("x",1))`: the literal with its parameters put in."""
    names = [name.strip() for name in match.group(1).split(",") if name.strip()]
    try:
        _probe, end = read_leading_json(text, match.end())
    except BrokenJson:
        return None
    call = re.compile(r"\s*;?\s*\}\s*\)?\s*\(").match(text, end)
    if call is None:
        return _probe
    try:
        arguments, _ = read_leading_json("[" + text[call.end() : text.rfind(")") + 1].rstrip(");\n ") + "]", 0)
    except BrokenJson:
        return _probe
    if not isinstance(arguments, list):
        return _probe
    known = dict(zip(names, arguments, strict=False))
    literal = text[match.end() : end]
    filled = re.sub(
        r""""(?:[^"\\]|\\.)*"|([A-Za-z_$][\w$]*)(?!\s*:)(?=\s*[,}\]])""",
        lambda m: json.dumps(known[m.group(1)]) if m.group(1) in known else m.group(),
        literal,
    )
    try:
        return read_leading_json(filled, 0)[0]
    except BrokenJson:
        return _probe
