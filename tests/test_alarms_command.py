"""`relicwatch alarms` and `listings show`: what an import raises and answers, in the reader's language."""

from __future__ import annotations

import json
from pathlib import Path

from tests.crawling import Place

PAGE = """<html><head><title>سراج فخاري روماني من تدمر</title></head><body><h1>سراج فخاري روماني من تدمر</h1>
<script type="application/ld+json">{"@type": "Product", "name": "سراج فخاري روماني من تدمر", "description":
"طالع من الأرض. مطلوب طفل زوهري لاستخراج كنز", "offers": {"price": "200", "priceCurrency": "USD"}}</script>
</body></html>"""


def test_an_imported_page_raises_its_alarm_and_shows_its_answers(tmp_path: Path, sqlite_template: Path) -> None:
    place = Place(tmp_path / "home", sqlite_template)
    try:
        (tmp_path / "lot.html").write_text(PAGE, encoding="utf-8")
        none = place.run("alarms", "list")
        assert (none.status, none.out.strip()) == (0, "No alarm stands open.")
        imported = place.run(
            "import", str(tmp_path / "lot.html"), "--by", "Amina", "--saved-at", "2026-11-20T10:00:00+00:00"
        )
        assert imported.status == 0, imported

        record = json.loads(place.run("listings", "show", "1", "--json").out)
        answers = record["assessments"][0]["answers"]
        assert answers["types"][0]["id"] == "oil_lamp"
        assert answers["origins"][0]["id"] == "SY"
        assert answers["priority"]["why"] == "danger_to_person"
        for language, words in {"en": "Sale red flags", "fr": "Indices d'alerte", "ar": "مؤشرات تنبيه"}.items():
            shown = place.run("listings", "show", "1", "--lang", language)
            assert shown.status == 0
            assert words in shown.out
            assert "«طالع من الأرض»" in shown.out

        listed = place.run("alarms", "list", "--lang", "fr")
        assert "un enfant dans un propos de trésor" in listed.out
        assert "زوهري" in listed.out
        [alarm] = [json.loads(line) for line in place.run("alarms", "list", "--json").out.splitlines()]
        assert (alarm["kind"], alarm["listing"]) == ("treasure_child_abuse_signal", 1)
        assert place.run("alarms", "close", "1", "--note", " ").status == 1
        assert place.run("alarms", "close", "1", "--note", "Police told").status == 0
        assert place.run("alarms", "list").out.strip() == "No alarm stands open."
        assert place.run("alarms", "list", "--closed", "--lang", "xx").status == 2
    finally:
        place.close()
