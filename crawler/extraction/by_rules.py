"""The definition's own rules applied to a page: selectors, and paths into its embedded state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crawler.extraction import state
from crawler.extraction.document import Document, visible_text
from crawler.extraction.findings import Findings
from crawler.extraction.images import image_addresses
from crawler.extraction.prices import parse_price
from crawler.extraction.rules import check_selector, is_state_path
from crawler.extraction.selectors import select


def apply_rules(document: Document, blocks: list[tuple[str, Any]] | None, findings: Findings) -> None:
    """Take the values that the rules find; a rule that is not usable is a problem of the page."""
    for name, rule in _currency_first(findings.rules.fields):
        source = f"rule:{rule}"
        if is_state_path(rule):
            _add(name, state.value_at(blocks or [], rule), source, document, findings)
            continue
        fault = check_selector(rule)
        if fault:
            findings.problem(f"The rule for {name} is not usable: {fault}")
            continue
        values: list[str] = []
        for found in select(rule, document):
            text = str(found) if isinstance(found, str) else visible_text(found)
            if text.strip():
                values.append(text)
        if values:
            _add(name, values if name == "images" else values[0], source, document, findings)


def apply_paths(answer: Any, document: Document, findings: Findings) -> None:
    """The rules that are paths, applied to a saved JSON answer; the others have nothing to look at."""
    for name, rule in _currency_first(findings.rules.fields):
        if is_state_path(rule):
            _add(name, state.value_at([("answer", answer)], rule), f"rule:{rule}", document, findings)


def _currency_first(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Wherever it stands in the definition: a bare amount before it would get the market's own."""
    return sorted(fields.items(), key=lambda one: one[0] != "currency")


def _add(name: str, value: Any, source: str, document: Document, findings: Findings) -> None:
    """Put a rule's value where it belongs, read as its field demands."""
    if name == "title":
        findings.add_title(value, source)
    elif name == "price":
        findings.add_price(value, findings.values.get("currency"), source)
    elif name == "currency":
        findings.add_currency(value, source)
    elif name in ("estimate_low", "estimate_high"):
        money = parse_price(value, hint=findings.rules.currency, country=findings.country)
        findings.add(name, money.amount if money else None, source)
    elif name == "images":
        findings.add_images(image_addresses(value, document.absolute), source)
    elif name == "ends_at":
        findings.add_moment(name, value, source)
    elif name == "availability":
        findings.add_availability(value, source)
    elif name == "seller_url":
        findings.add(name, document.absolute(value), source)
    else:
        findings.add_text(name, value, source)
