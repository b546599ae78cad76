"""JSON as pages really embed it: with comments, entities, trailing commas, raw line breaks, or as JavaScript."""

from __future__ import annotations

import html
import json
import re
from typing import Any

MAX_JSON_CHARACTERS = 8_000_000
MAX_MENDED_CHARACTERS = 600_000
"""Of a text that is no proper JSON: mending it costs a hundred times as much as reading it."""
_WRAPPING = re.compile(
    r"\A\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)|(?:-->|//\s*\]\]>|/\*\s*\]\]>\s*\*/"
    r"|\]\]>)\s*;?\s*\Z"
)
_LEADING_COMMENTS = re.compile(r"\A(?:\s|/\*[^*]{0,2000}\*/|//[^\n]{0,2000}\n)+")
_TOKEN = re.compile(
    r"""(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<single>'[^'\\]*(?:\\.[^'\\]*)*')|(?P<comment>/\*.*?\*/|//[^\n]*)"""
    r"""|(?P<comma>,(?=\s*[}\]]))|(?P<word>[A-Za-z_$][\w$]*)(?P<colon>\s*:)?|(?P<void>void 0)""",
    re.S,
)
_WORDS = {"true": "true", "false": "false", "null": "null", "undefined": "null", "NaN": "null", "Infinity": "null"}
_DECODER = json.JSONDecoder(strict=False)


class BrokenJson(ValueError):
    """The text could not be read as JSON, not even with its usual faults mended."""


def read_json(text: str) -> Any:
    """The value in `text`; mends the usual faults. Raises BrokenJson, also for what is too long or too deep."""
    if len(text) > MAX_JSON_CHARACTERS:
        raise BrokenJson(f"it is longer than {MAX_JSON_CHARACTERS} characters")
    try:
        return json.loads(text, strict=False)
    except RecursionError as error:
        raise BrokenJson("it is nested too deeply") from error
    except ValueError as error:
        first = error
    stripped = _LEADING_COMMENTS.sub("", _WRAPPING.sub("", text)).strip().rstrip(";").strip()
    if not stripped:
        raise BrokenJson("it is empty")
    attempts = [stripped]
    if (
        stripped[0] in "{["
        and len(stripped) <= MAX_MENDED_CHARACTERS
        and (end := _literal_end(stripped, 0)) is not None
    ):
        attempts.append(_mended(stripped[:end]))
    if "&quot;" in stripped or "&#34;" in stripped:
        attempts.append(html.unescape(stripped))
    for attempt in attempts:
        try:
            value, _end = _DECODER.raw_decode(attempt)
        except (ValueError, RecursionError):
            continue
        return value
    raise BrokenJson(str(first))


def _mended(text: str) -> str:
    """JavaScript object literals and slips of the pen as JSON; a text of other shape comes out as broken as before."""

    def mend(match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind == "string":
            return match.group()
        if kind == "single":
            inner = match.group()[1:-1].replace("\\'", "'").replace('"', '\\"')
            return f'"{inner}"'
        if kind in ("comment", "comma"):
            return ""
        word = match.group("word")
        if match.group("colon"):
            return f'"{word}":'
        return _WORDS.get(word, "null")

    return re.sub(r"(?<=[\[,])\s*(?=,)", "", _TOKEN.sub(mend, text))


def read_leading_json(text: str, start: int) -> tuple[Any, int]:
    """The JSON value (or JavaScript literal) that begins at `start`, and where it ends. Raises BrokenJson."""
    if len(text) - start > MAX_JSON_CHARACTERS:
        raise BrokenJson(f"it is longer than {MAX_JSON_CHARACTERS} characters")
    try:
        return _DECODER.raw_decode(text, start)
    except RecursionError as error:
        raise BrokenJson("it is nested too deeply") from error
    except ValueError:
        end = _literal_end(text, start)
    if end is None or end - start > MAX_MENDED_CHARACTERS:
        raise BrokenJson("it never ends, or is too long to be mended")
    try:
        return json.loads(_mended(text[start:end]), strict=False), end
    except (ValueError, RecursionError) as error:
        raise BrokenJson(str(error)) from error


_STRING_REST = {sign: re.compile(rf"[^{sign}\\]*(?:\\.[^{sign}\\]*)*{sign}", re.S) for sign in "\"'`"}
_STRUCTURE = re.compile(r"""["'`{}\[\]]""")


def _literal_end(text: str, start: int) -> int | None:
    """Where the bracket at `start` closes, strings skipped; None where it does not within what may be mended."""
    limit = start + MAX_MENDED_CHARACTERS
    depth = 0
    position = start
    while match := _STRUCTURE.search(text, position, limit):
        sign = match.group()
        position = match.end()
        if sign in "\"'`":
            closing = _STRING_REST[sign].match(text, position, limit)
            if closing is None:
                break
            position = closing.end()
        elif sign in "{[":
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                return position
    return None
