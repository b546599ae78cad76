"""The address of a search as a definition writes it: {query} for the words, {page} for the number of the page."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

from crawler.addresses import TRACKING
from crawler.errors import UsageError
from crawler.extraction.kinds import SEARCH_PARAMETERS

_PARAMETERS = (*SEARCH_PARAMETERS, "text", "search_text", "words")
"""The last ones hold other things as often: as a sign of a search page they do not count."""


def search_template(url: str, words: str | None = None) -> str:
    """`url` with {query} in place of the words searched for: those given, else the value of the usual parameter.

    Tracking and session parameters are left out. Raises UsageError where no words are found in the
    address, or it is no whole one.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url} is no whole address: write https:// before it, as the browser does.")
    pairs = _pairs(parts.query)
    key = next((k for k, v in pairs if words and _same(v, words)), None)
    path = parts.path
    if key is None and words:
        for spelling in (quote(words, safe=""), quote_plus(words), words.replace(" ", "-"), words):
            if spelling and f"/{spelling}" in path:
                before, _, after = path.rpartition(spelling)
                filled = _literal(before) + "{query}" + _literal(after)
                return urlunsplit((parts.scheme, parts.netloc, filled, _query(pairs, None), ""))
        raise UsageError(
            f"The words {words!r} do not stand in {url}: search there and give the address that the browser shows."
        )
    if key is None:
        key = _usual_key(pairs)
        if key is None:
            raise UsageError(
                f"No search words were found in {url}: give the address of a search, and say with --query WORDS "
                "what was searched for."
            )
    return urlunsplit((parts.scheme, parts.netloc, _literal(path), _query(pairs, key), ""))


def searched_words(url: str, words: str | None = None) -> str:
    """The words searched for: those given, else the value of the usual parameter; "" where there is none."""
    pairs = _pairs(urlsplit(url).query)
    return words or dict(pairs).get(_usual_key(pairs) or "", "")


def with_page(template: str, next_url: str | None) -> str:
    """The template with {page}, where the address of the second page says by a parameter that it is number 2."""
    if next_url is None:
        return template
    parts = urlsplit(template)
    own = dict(part.partition("=")[::2] for part in parts.query.split("&") if part)
    for key, value in parse_qsl(urlsplit(next_url).query):
        if value == "2" and own.get(key, "1") == "1" and "{" not in key:
            kept = [f"{k}={v}" for k, v in own.items() if k != key]
            return urlunsplit((parts.scheme, parts.netloc, parts.path, "&".join([*kept, f"{quote(key)}={{page}}"]), ""))
    return template


def _pairs(query: str) -> list[tuple[str, str]]:
    return [pair for pair in parse_qsl(query, keep_blank_values=True) if not TRACKING.match(pair[0])]


def _usual_key(pairs: list[tuple[str, str]]) -> str | None:
    by_rank = sorted((_PARAMETERS.index(k.lower()), k) for k, v in pairs if k.lower() in _PARAMETERS and v)
    return by_rank[0][1] if by_rank else None


def _same(value: str, words: str) -> bool:
    return " ".join(value.split()).casefold() == " ".join(words.split()).casefold()


def _literal(path: str) -> str:
    return path.replace("{", "%7B").replace("}", "%7D")


def _query(pairs: list[tuple[str, str]], key: str | None) -> str:
    return "&".join(f"{quote(k)}={{query}}" if k == key else urlencode([(k, v)]) for k, v in pairs)
