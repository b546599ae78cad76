"""`relicwatch sellers`, `graph` and `cases ftm` on two imported offers that show one telephone."""

from __future__ import annotations

import json
from pathlib import Path

from tests.crawling import Place

PAGE = """<html><head><title>Roman oil lamp {0}</title></head><body><h1>Roman oil lamp {0}</h1>
<script type="application/ld+json">{{"@type": "Product", "name": "Roman oil lamp {0}", "description":
"Terracotta. Call +963 944 123 456", "offers": {{"price": "200", "priceCurrency": "USD", "seller":
{{"@type": "Person", "name": "Dealer {0}"}}}}}}</script></body></html>"""


def test_two_dealers_with_one_telephone_are_found_judged_and_exported(tmp_path: Path, sqlite_template: Path) -> None:
    place = Place(tmp_path / "home", sqlite_template)
    try:
        pages = tmp_path / "pages"
        pages.mkdir()
        for number in (1, 2):
            (pages / f"{number}.html").write_text(PAGE.format(number), encoding="utf-8")
        imported = place.run("import", str(pages), "--by", "Amina", "--saved-at", "2026-11-20T10:00:00+00:00")
        assert imported.status == 0, imported
        listed = place.run("sellers", "list", "--json").out
        assert "Dealer" not in listed
        assert [json.loads(line)["listings"] for line in listed.splitlines()] == [1, 1]
        assert json.loads(place.run("sellers", "show", "1", "--json").out)["name"].startswith("Dealer")
        [found] = [json.loads(line) for line in place.run("sellers", "alike", "--json").out.splitlines()]
        assert (found["seller"], found["other"], found["reasons"][0]["kind"]) == (1, 2, "phone")
        assert place.run("sellers", "judge", "1", "2", "same").status == 0
        assert place.run("sellers", "follow", "9").status == 1

        graph = tmp_path / "graph.graphml"
        assert place.run("graph", "export", "--to", str(graph), "--listing", "1").status == 0
        assert "same_seller" in graph.read_text("utf-8")
        assert place.run("graph", "export", "--to", str(graph)).status != 0

        assert place.run("cases", "open", "Lamps", "--listing", "1").status == 0
        [case] = [json.loads(line) for line in place.run("cases", "list", "--json").out.splitlines()]
        told = tmp_path / "case.ftm.json"
        assert place.run("cases", "ftm", case["reference"], "--to", str(told)).status == 0
        entities = [json.loads(line) for line in told.read_text("utf-8").splitlines()]
        assert {"Article", "LegalEntity", "UnknownLink", "Note"} == {one["schema"] for one in entities}
        ids = {one["id"] for one in entities}
        [link] = [one["properties"] for one in entities if one["schema"] == "UnknownLink"]
        assert {*link["subject"], *link["object"]} <= ids
        [note] = [one["properties"] for one in entities if one["schema"] == "Note"]
        assert note["description"][0].startswith("Machine opinion")
    finally:
        place.close()
