"""What the crawls page says about a crawl's faults, in the reader's language."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from review.words import Words, messages, visible
from storage.tables import Crawl

FRUITLESS = frozenset(
    {"no_page", "robots_unreadable", "robots_forbids", "all_failed", "nothing_found", "nothing_unlike_before"}
)
"""Faults of crawls that gave nothing: the first problem that was met may say why."""


def fault_sentences(crawl: Crawl, words: Words) -> list[Markup]:
    """What a person should look at; the stored sentence where the crawl kept no code that this desk has words for."""
    if not crawl.fault:
        return []
    faults = crawl.counts.get("faults") or []
    known = messages(words.language)
    if not faults or any(f"fault_{fault['code']}" not in known for fault in faults):
        return [_as_recorded(crawl.fault)]
    said = [_worded(known[f"fault_{fault['code']}"], fault["values"], words) for fault in faults]
    if crawl.problems and any(fault["code"] in FRUITLESS for fault in faults):
        said.append(Markup("{} {}").format(words("fault_first_problem"), _as_recorded(crawl.problems[0]["reason"])))
    return said


def _as_recorded(text: str) -> Markup:
    """What the crawl wrote down: it stays English, also among Arabic."""
    return Markup('<span lang="en" dir="ltr" class="recorded">{}</span>').format(visible(text))


def _worded(sentence: str, values: dict[str, Any], words: Words) -> Markup:
    """The sentence with its values: numbers as the language writes them, a market's own words made fit to show."""
    shown = {name: _value(name, value, words) for name, value in values.items()}
    if sign := messages(words.language).get(f"sign_{values.get('sign')}"):
        shown["sign"] = escape(sign).format(named=shown.get("named", ""))
    return escape(sentence).format(**shown)


def _value(name: str, value: Any, words: Words) -> Markup:
    if name == "status":
        return Markup('<bdi dir="ltr">HTTP&nbsp;{}</bdi>').format(value)
    if isinstance(value, int | float):
        text = words.number(value)
    elif name == "field":
        text = messages(words.language).get(f"field_{value}", str(value))
    else:
        text = str(value)
    return Markup("<bdi>{}</bdi>").format(visible(text))
