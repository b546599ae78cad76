"""What the crawls page says about a crawl's faults, in the reader's language."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from review.words import Words, messages, visible
from storage.tables import Crawl


def fault_sentences(crawl: Crawl, words: Words) -> list[Markup]:
    """What a person should look at; the stored sentence where the crawl kept no code that this desk has words for."""
    if not crawl.fault:
        return []
    faults = crawl.counts.get("faults") or []
    known = messages(words.language)
    if not faults or any(f"fault_{fault['code']}" not in known for fault in faults):
        return [visible(crawl.fault)]
    return [_worded(known[f"fault_{fault['code']}"], fault["values"], words) for fault in faults]


def _worded(sentence: str, values: dict[str, Any], words: Words) -> Markup:
    """The sentence with its values: numbers as the language writes them, a market's own words made fit to show."""
    return escape(sentence).format(**{name: _value(name, value, words) for name, value in values.items()})


def _value(name: str, value: Any, words: Words) -> Markup:
    if isinstance(value, int | float):
        text = str(value) if name == "status" else words.number(value)
    elif name == "field":
        text = messages(words.language).get(f"field_{value}", str(value))
    else:
        text = str(value)
    return Markup("<bdi>{}</bdi>").format(visible(text))
