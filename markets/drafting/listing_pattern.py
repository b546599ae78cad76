"""From addresses of listings to the regular expression that only such addresses match, its named groups their id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from markets.patterns import pattern_fault
from storage.folding import fold

_SLUG = "[^/?#]+"
_END = "/?(?:[?#]|$)"
_NUMBER_LAST = re.compile(r"(?P<before>.*[-_.~])?(?P<number>\d+)(?P<ending>\.[a-z]{2,5})?\Z")
_NUMBER_FIRST = re.compile(r"(?P<number>\d+)[-_]")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class ListingPattern:
    pattern: str
    covered: tuple[str, ...]
    """The addresses given that it matches."""
    also: tuple[str, ...]
    """Other links of the page that it matches too: a person must narrow it."""


def listing_pattern(listings: Sequence[str], others: Iterable[str] = (), searched: str = "") -> ListingPattern | None:
    """A pattern for the commonest form among `listings`; None where no id can be read from it.

    A word of what was `searched` for is no fixed part of it: `/lots/lamp/7` was found by "lamp", and the coins lie
    elsewhere. Of several patterns that tell the listings apart the first that matches none of `others` (links that are
    no listings) is taken, else the one that matches fewest of them.
    """
    family = _largest_family(listings)
    strangers = sorted(set(others) - set(listings))
    best: ListingPattern | None = None
    for pattern in _candidates(family, _words(searched)):
        if pattern_fault(pattern) is not None or not _tells_apart(pattern, family):
            continue
        compiled = re.compile(pattern)
        covered = tuple(url for url in listings if compiled.search(url))
        found = ListingPattern(pattern, covered, tuple(url for url in strangers if compiled.search(url)))
        if best is None or len(found.also) < len(best.also):
            best = found
        if not best.also:
            break
    return best


def _largest_family(urls: Sequence[str]) -> list[str]:
    """The addresses with as many path segments, the commonest count."""
    families: dict[int, list[str]] = {}
    for url in dict.fromkeys(urls):
        families.setdefault(len(_segments(url)), []).append(url)
    return max(families.values(), key=len, default=[])


def _segments(url: str) -> list[str]:
    return [segment for segment in urlsplit(url).path.split("/") if segment]


def _tells_apart(pattern: str, urls: Sequence[str]) -> bool:
    compiled = re.compile(pattern)
    ids = [match.groups() for url in urls if (match := compiled.search(url))]
    return len(ids) == len(set(ids)) == len(urls)


def _words(text: str) -> frozenset[str]:
    """The words of a text, folded and without the s of a plural."""
    return frozenset(word.removesuffix("s") for word in _WORD.findall(fold(unquote(text))))


def _fixed(texts: Iterable[str], searched: frozenset[str]) -> str | None:
    """What all `texts` are, where that is one text without a word searched for."""
    first, *more = set(texts)
    return None if more or _words(first) & searched else first


def _candidates(urls: Sequence[str], searched: frozenset[str]) -> Iterable[str]:
    """Patterns from the narrowest id to the widest: numbers in the path, in the query, then words of the path."""
    if not urls:
        return
    columns = list(zip(*map(_segments, urls), strict=True))
    same_path = len({urlsplit(url).path for url in urls}) == 1 and len(urls) > 1
    if not same_path and columns:
        yield from _by_path(columns, searched)
    yield from _by_parameter(urls, columns, searched)
    if same_path and columns:
        yield from _by_path(columns, searched)


def _by_path(columns: Sequence[tuple[str, ...]], searched: frozenset[str]) -> Iterable[str]:
    forms = [_form(column, searched, last=place == len(columns) - 1) for place, column in enumerate(columns)]
    numbered = [form for form in forms if "{}" in form and form != "{}"]
    if numbered:
        yield _written(columns, forms, searched, numbers_only=True)
    yield _written(columns, forms, searched, numbers_only=False)
    words = ["{}" if (text := _fixed(column, searched)) is None else re.escape(text) for column in columns]
    yield _written(columns, words, searched, numbers_only=False)


def _form(column: tuple[str, ...], searched: frozenset[str], *, last: bool) -> str:
    r"""How a segment is written: `{}` where a word is the id, `...{\d+}...` with the number in it, or its own text."""
    found = [_NUMBER_LAST.match(segment) for segment in column]
    if all(found):
        endings = {match["ending"] or "" for match in found if match}
        before = {match["before"] or "" for match in found if match}
        if len(endings) == 1:
            ending = re.escape(endings.pop())
            if before == {""}:
                return rf"({{}}\d+){ending}"
            if (text := _fixed(before, searched)) is not None:
                return rf"{re.escape(text)}({{}}\d+){ending}"
            signs = {text[-1:] for text in before}
            if len(signs) == 1 and "" not in signs:
                return rf"[^/?#]*{re.escape(signs.pop())}({{}}\d+){ending}"
    text = _fixed(column, searched)
    if text is not None and not (last and len(column) == 1):
        return re.escape(text)
    if all(_NUMBER_FIRST.match(segment) for segment in column):
        signs = {segment[len(match["number"])] for segment in column if (match := _NUMBER_FIRST.match(segment))}
        if len(signs) == 1:
            return rf"({{}}\d+){re.escape(signs.pop())}[^/?#]+"
    return "{}"


def _written(
    columns: Sequence[tuple[str, ...]], forms: Sequence[str], searched: frozenset[str], *, numbers_only: bool
) -> str:
    """The pattern: with `numbers_only` words that vary are no part of the id."""
    used: set[str] = set()
    parts = []
    for place, form in enumerate(forms):
        named_before = _fixed(columns[place - 1], searched) if place and form.startswith("({}") else None
        name = _group_name(named_before or "", "slug" if form == "{}" else "id", used)
        if form == "{}":
            needed = not numbers_only and (place == len(forms) - 1 or len(set(columns[-1])) < len(columns[-1]))
            parts.append(f"(?P<{name}>{_SLUG})" if needed else _SLUG)
        else:
            parts.append(form.replace("({}", f"(?P<{name}>", 1))
        if "(?P<" in parts[-1]:
            used.add(name)
    return "://[^/?#]+/" + "/".join(parts) + _END


def _group_name(before: str, otherwise: str, used: set[str]) -> str:
    """A group is named by the word that stands before it (`/sale/12/lot/7`: sale, lot)."""
    word = before.lower()
    name = word if re.fullmatch(r"[a-z][a-z_]{0,20}", word) and otherwise == "id" else otherwise
    number = 2
    while name in used:
        name, number = f"{otherwise}{number}", number + 1
    return name


def _by_parameter(urls: Sequence[str], columns: Sequence[tuple[str, ...]], searched: frozenset[str]) -> Iterable[str]:
    """`/item.php?id=7`: the parameter that differs everywhere is the id."""
    queries = [dict(parse_qsl(urlsplit(url).query)) for url in urls]
    fixed = [_fixed(column, searched) for column in columns]
    path = "".join("/" + (_SLUG if text is None else re.escape(text)) for text in fixed)
    for key in queries[0]:
        values = [query.get(key, "") for query in queries]
        if len(set(values)) == len(urls) and all(re.fullmatch(r"[\w-]+", value) for value in values):
            kind = r"\d+" if all(value.isdigit() for value in values) else r"[\w-]+"
            name = key.lower() if re.fullmatch(r"[a-z][a-z_]*", key.lower()) else "id"
            yield rf"://[^/?#]+{path}/?(?:\?|\?[^#]*&){re.escape(key)}=(?P<{name}>{kind})(?:[&#]|$)"
