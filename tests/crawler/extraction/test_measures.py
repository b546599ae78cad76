"""Sizes and weights in the words of many languages, in structured data and in labelled rows."""

import json
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extraction import measures
from crawler.extraction.batch import page_as_json
from crawler.extraction.findings import Findings
from crawler.extraction.measures import dimensions_in, weight_in
from crawler.extraction.page import extract_page
from crawler.extraction.rules import NO_RULES
from crawler.items import ExtractedPage


def lengths(text: str) -> list[tuple[str | None, str]]:
    return [(one.kind, format(one.millimetres, "f")) for one in dimensions_in(text)]


def page(body: str, data: dict[str, Any] | None = None) -> ExtractedPage:
    block = f'<script type="application/ld+json">{json.dumps(data)}</script>' if data else ""
    html = f"<html lang=en><head>{block}</head><body><h1>Roman oil lamp</h1><p class=price>£40</p>{body}</body></html>"
    return extract_page(html.encode(), "https://shop.example/item/88123")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("H. 12 cm", [("height", "120")]),
        ("Ø 18 mm", [("diameter", "18")]),
        ("١٢ سم", [(None, "120")]),
        ("ارتفاع ١٢٫٥ سم", [("height", "125")]),
        ("الوزن 3.2 غرام والقطر 18 مم", [("diameter", "18")]),
        ("вес 3,5 г, диаметр 18 мм", [("diameter", "18")]),
        ("高さ 12 センチ", [("height", "120")]),
        ("12 cm de haut", [("height", "120")]),
        ("Höhe 12,5 cm; Gewicht 340 g", [("height", "125")]),
        ("12 x 8 x 3 cm", [(None, "120"), (None, "80"), (None, "30")]),
        ("12cm x 8cm", [(None, "120"), (None, "80")]),
        ("260 x 100 x 35 mm (H x W x D)", [("height", "260"), ("width", "100"), ("depth", "35")]),
        ('10" H x 4" W', [("height", "254"), ("width", "101.6")]),
        ("Height: 4 3/4 in. (12.1 cm)", [("height", "120.65")]),
        ("2½ inches high", [("height", "63.5")]),
        ("12.5cm x 10 cm (4.9 x 3.9 in)", [(None, "125"), (None, "100")]),
        ("18-19 mm", [(None, "19")]),
        ("5 ft 6 in.", [(None, "1676.4")]),
        ("H. 5 ft 6 in. (167.6 cm)", [("height", "1676.4")]),
        ("3' 6\" x 2' 4\"", [(None, "1066.8"), (None, "711.2")]),
        ("6’2” high", [("height", "1879.6")]),
        ("a statue 6 feet tall", [("height", "1828.8")]),
        ("2 ft x 3 ft", [(None, "609.6"), (None, "914.4")]),
        ("on 3 feet, 12 cm", [(None, "120")]),
        ("200x280 cm, a textile of 200 cm by 280 cm", [(None, "2000"), (None, "2800")]),
    ],
)
def test_a_length_is_read_with_its_kind(text: str, expected: list[tuple[str | None, str]]) -> None:
    assert lengths(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "12 h",
        "24 in stock",
        "5 in 1",
        "القرن 3 م",
        "12 سماء",
        'the lamp of "Room 12"',
        "a 16 GB phone",
        "0 cm",
        "a vase on 3 feet, in 2 parts",
        "150 Ft",
        "12000 ft",
        "lot 12, 4th century",
        "package 30 x 20 x 10 cm",
    ],
)
def test_what_only_looks_like_a_length_is_none(text: str) -> None:
    assert lengths(text) == []


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("3,78 g", "3.78"),
        ("AR Tetradrachm (17,2 g, 24 mm, 12 h)", "17.2"),
        ("Poids : 120 gr", "120"),
        ("الوزن ٣٫٢ غرام", "3.2"),
        ("كيلو 2 كجم", "2000"),
        ("1,5 kg", "1500"),
        ("weighs 2 oz", "56.7"),
        ("вес 3,5 г", "3.5"),
    ],
)
def test_a_weight_is_read_in_grams(text: str, grams: str) -> None:
    assert weight_in(text) == Decimal(grams)


@pytest.mark.parametrize(
    "text", ["1980 г.", "4G network", "Versand bis 5 kg", "free shipping under 2 kg", "12 h", "g 5"]
)
def test_years_networks_and_parcels_are_no_weights(text: str) -> None:
    assert weight_in(text) is None


def test_structured_data_comes_before_the_words() -> None:
    data = {
        "@type": "Product",
        "name": "Roman oil lamp",
        "description": "A lamp, 99 cm, 7 g.",
        "offers": {"price": "40", "priceCurrency": "GBP"},
        "height": {"@type": "QuantitativeValue", "value": 12.5, "unitCode": "CMT"},
        "width": "8 cm",
        "weight": {"value": "0.34", "unitText": "kg"},
    }
    read = page_as_json(page("", data))
    assert read["dimensions"] == [{"kind": "height", "mm": "125"}, {"kind": "width", "mm": "80"}]
    assert read["weight_grams"] == "340"
    assert read["sources"]["size"] == "json-ld"


def test_properties_by_name_are_read_and_those_of_the_parcel_left_out() -> None:
    pairs = [("Package weight", "2 kg"), ("Hauteur", "12 cm"), ("Diamètre", "5 cm"), ("Poids", "90 g")]
    data = {
        "@type": "Product",
        "name": "Roman oil lamp",
        "additionalProperty": [{"@type": "PropertyValue", "name": name, "value": value} for name, value in pairs],
    }
    read = page("", data)
    assert [(one.kind, one.millimetres) for one in read.dimensions] == [("height", 120), ("diameter", 50)]
    assert read.weight_grams == 90


@pytest.mark.parametrize(
    "rows",
    [
        "<dl><dt>Height</dt><dd>12 cm</dd><dt>Diameter</dt><dd>5 cm</dd><dt>Weight</dt><dd>90 g</dd></dl>",
        "<table><tr><th>الارتفاع</th><td>١٢ سم</td></tr><tr><th>القطر</th><td>٥ سم</td></tr>"
        "<tr><th>الوزن</th><td>٩٠ غ</td></tr></table>",
        "<ul><li>Hauteur : 12 cm</li><li>Diamètre : 5 cm</li><li>Poids : 90 g</li></ul>",
    ],
)
def test_labelled_rows_make_one_size(rows: str) -> None:
    read = page(rows)
    assert [(one.kind, one.millimetres) for one in read.dimensions] == [("height", 120), ("diameter", 50)]
    assert read.weight_grams == 90 and read.sources["size"] == "visible:label size"


def test_a_size_without_a_unit_is_no_size() -> None:
    read = page("<dl><dt>Size</dt><dd>42</dd><dt>Weight</dt><dd>5</dd></dl>")
    assert (read.size, read.dimensions, read.weight_grams) == (None, [], None)


def test_the_words_of_the_description_give_both_and_say_where_they_stood() -> None:
    read = page("<div class=description>Terracotta, intact. H. 12 cm, W. 8 cm. 120 g. From an old collection.</div>")
    assert read.size == "H. 12 cm, W. 8 cm." and read.sources["size"] == "words:description"
    assert read.weight_grams == 120


@given(st.text(alphabet='0123456789٠١٢ .,/½xX×"″cmgiknhHWLsسمغ-()\n:;', max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    assert all(0 < one.millimetres <= 50_000 for one in dimensions_in(text))
    assert (weight_in(text) or 1) > 0


def test_a_table_of_many_measures_is_not_read_to_its_end() -> None:
    """However long the text is, the same few of its lengths are looked at."""
    many = ", ".join(f"{number} cm x {number + 1} cm" for number in range(1, 60))
    with mock.patch.object(measures, "_of_parcel", wraps=measures._of_parcel) as looked_at:
        assert dimensions_in(many * 40) == dimensions_in(many)
        once = looked_at.call_count
        findings = Findings(NO_RULES)
        measures.fill_from_words(None, many * 40, findings)
    assert len(findings.values["dimensions"]) == 8
    assert once < looked_at.call_count < 200


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("Insured shipping. 91 x 55 mm.", ["91", "55"]),
        ("Versand versichert. 91 x 55 mm, 58 g.", ["91", "55"]),
        ("Shipping size approx. 91 x 55 mm.", []),
        ("91 x 55 mm parcel, shipped tomorrow", []),
    ],
)
def test_words_of_sending_claim_the_sizes_of_their_own_sentence_alone(text: str, sizes: list[str]) -> None:
    assert [format(one.millimetres.normalize(), "f") for one in dimensions_in(text)] == sizes
