"""The overview: charts that say their numbers, a table for spreadsheets, countries by the unit's own names."""

from __future__ import annotations

import csv
import io
import re

import pytest

from markets.catalog import all_markets
from review.charts import bar_chart
from review.country_names import FILE, country_name
from tests.review.conftest import decision_form
from tests.review.seed import Offer, add_listing


@pytest.fixture
def decided(visit, desk_database, home):
    with desk_database.transaction() as session:
        listing = add_listing(session, home, Offer())
    client = visit("reviewer")
    form = decision_form(client.get(f"/listings/{listing.id}").text, verdict="antiquity", next_step="refer")
    assert client.post(f"/listings/{listing.id}/decision", data=form).status_code == 303


def test_an_empty_desk_says_what_is_not_known_yet(visit):
    page = visit("viewer").get("/overview").text
    assert "Nothing has been found or decided yet" in page
    assert "0 listings were looked at by chance, and 50 are needed" in page


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_a_chart_says_its_numbers_in_words(visit, decided, language):
    page = visit("viewer").get(f"/overview?lang={language}").text
    labels = re.findall(r'<svg role="img"[^>]*aria-label="([^"]*)"', page)
    assert len(labels) == 4
    assert re.search(r"\d{4}-\d\d\s?: [1١]", labels[0])
    assert "style=" not in page and "<style" not in page


def test_precision_by_market_and_model_is_told(visit, decided):
    page = visit("viewer").get("/overview").text
    row = re.search(
        r"<tr><td[^>]*><bdi[^>]*>[^<]*</bdi></td><td[^>]*><code dir=\"ltr\">text-1:test.*?</tr>", page
    ).group()
    assert re.findall(r"<td[^>]*>([\d.]+)(?:&nbsp;%)?</td>", row) == ["1", "1", "100"]


def test_the_months_come_as_a_table_without_formulas(visit, decided):
    answer = visit("viewer").get("/overview/months.csv?lang=fr")
    assert answer.headers["content-disposition"] == 'attachment; filename="months.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["Mois", "Signaux", "Décisions", "Décisions de transmettre", "Saisies"]
    assert rows[-1][1:] in (["0", "1", "1", "0"], ["1", "1", "1", "0"])
    assert sum(int(row[1]) for row in rows[1:]) == 1


def test_every_country_of_a_market_is_in_the_table_and_the_unit_names_it_as_it_likes(visit, home):
    code = next(one.country for one in all_markets(home).markets.values() if one.country)
    assert country_name(home, code, "fr") in visit("viewer").get("/overview?lang=fr").text
    (home.root / FILE).write_text(f"{code}: {{fr: Pays <b>nommé</b>}}\nXX: nothing\n", encoding="utf-8")
    assert "Pays &lt;b&gt;nommé&lt;/b&gt;" in visit("viewer").get("/overview?lang=fr").text
    assert country_name(home, "XX", "en") == "XX"
    (home.root / FILE).write_text(": : [", encoding="utf-8")
    assert visit("viewer").get("/overview").status_code == 200


def test_the_first_month_stands_where_reading_begins():
    values = [("2026-10", 2), ("2026-11", 4)]
    left, right = bar_chart(values), bar_chart(values, right_to_left=True)
    assert left.bars[0].x < left.bars[1].x and right.bars[0].x > right.bars[1].x
    assert left.bars[1].height == 2 * left.bars[0].height
    assert bar_chart([]).is_empty and bar_chart([("2026-10", 0)]).bars[0].height == 0
