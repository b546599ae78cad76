"""How extraction fares on pages that carry less: each source is taken out of saved pages, and what is left is scored.

    python -m bench.ablation PAGES_DIR [--misses SOURCE]

The extractor has no trained model, so leaving one site out changes nothing; a page without its best source is the
nearest thing to a site never seen. PAGES_DIR is laid out as `tools/score_pages.py` of the shared folder expects, which
does the scoring here too. Not every value stands in a second place: compare versions, not heights.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from lxml import etree, html

from crawler.extraction.batch import page_as_json
from crawler.extraction.page import extract_page

_SCHEMA_ATTRIBUTES = ("itemprop", "itemtype", "itemscope", "property", "typeof")


def without_json_ld(root: Any) -> None:
    _drop(root.xpath("//script[contains(@type, 'ld+json')]"))


def without_microdata(root: Any) -> None:
    for element in root.xpath("//*[@itemprop or @itemscope]"):
        for name in _SCHEMA_ATTRIBUTES:
            if element.tag != "meta":
                element.attrib.pop(name, None)
    _drop(root.xpath("//meta[@itemprop] | //body//link[@itemprop]"))


def without_meta(root: Any) -> None:
    _drop(root.xpath("//meta[@property or @name or @itemprop]"))


def without_state(root: Any) -> None:
    _drop(root.xpath("//script[not(contains(@type, 'ld+json'))]"))


def without_all(root: Any) -> None:
    for strip in (without_json_ld, without_microdata, without_meta, without_state):
        strip(root)


def without_classes(root: Any) -> None:
    """Visible text and tags alone: what is left where class names are generated."""
    without_all(root)
    for element in root.iter(etree.Element):
        element.attrib.pop("class", None)
        element.attrib.pop("id", None)


STRIPS: dict[str, Callable[[Any], None]] = {
    "nothing": lambda root: None,
    "json-ld": without_json_ld,
    "microdata": without_microdata,
    "meta": without_meta,
    "state": without_state,
    "all": without_all,
    "all+classes": without_classes,
}


def _drop(elements: list[Any]) -> None:
    for element in elements:
        if element.getparent() is not None:
            element.drop_tree()


def load_scorer(pages: Path) -> ModuleType:
    """The scorer that stands beside the pages' folder."""
    path = pages.resolve().parents[1] / "tools" / "score_pages.py"
    spec = importlib.util.spec_from_file_location("score_pages", path)
    if spec is None or spec.loader is None:
        sys.exit(f"No scorer at {path}.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scored(
    pages: list[tuple[Path, dict[str, Any]]], strip: Callable[[Any], None], scorer: ModuleType
) -> Iterator[tuple[Path, str, bool, Any, Any]]:
    """Each asserted field of each page: page, field, whether it is right, what was wanted, what was read."""
    for path, expected in pages:
        root = html.document_fromstring(path.read_bytes(), parser=html.HTMLParser(encoding="utf-8", huge_tree=True))
        strip(root)
        body = etree.tostring(root, encoding="utf-8", method="html", doctype="<!DOCTYPE html>")
        url = expected.get("url") or ""
        got = page_as_json(extract_page(body, url, charset="utf-8"))
        for field, right, wanted, found in scorer.checks(expected, got, url):
            yield path, field, bool(right), wanted, found


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path)
    parser.add_argument("--misses", metavar="SOURCE", choices=STRIPS, help="print the misses without this source")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    scorer = load_scorer(arguments.pages)
    pages = [(path, expected) for path, expected in scorer.find_pages(arguments.pages) if path.suffix == ".html"]
    table: dict[str, Counter[str]] = {}
    totals: Counter[str] = Counter()
    for name, strip in STRIPS.items():
        right: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for path, field, is_right, wanted, found in scored(pages, strip, scorer):
            total[field] += 1
            right[field] += is_right
            if arguments.misses == name and not is_right:
                _say(f"MISS {path.parent.name}/{path.name} {field}: {str(wanted)[:80]!r}, got {str(found)[:80]!r}")
        table[name], totals = right, total
    if arguments.json:
        _say(json.dumps({name: {"right": right.total(), "asserted": totals.total()} for name, right in table.items()}))
        return
    _say("without".ljust(14) + "".join(name.rjust(13) for name in STRIPS))
    for field in sorted(totals):
        _say(f"{field:10}{totals[field]:4}" + "".join(f"{right[field]:13}" for right in table.values()))
    shares = (f"{100 * right.total() / totals.total():12.1f}%" for right in table.values())
    _say(f"{'all':10}{totals.total():4}" + "".join(shares))


if __name__ == "__main__":
    main()
