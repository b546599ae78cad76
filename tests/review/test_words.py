"""The desk's words in every language, and page text made fit to show."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
import yaml

from crawler.blocks import SIGNS
from markets.health import FAULTS
from review.highlight import highlighted
from review.pages.queue import COUNT_NAMES
from review.words import MESSAGES, Words, chosen_language, messages, visible
from storage.captures import KINDS
from storage.decisions import DISMISSAL_REASONS, NEXT_STEPS, VERDICTS
from storage.deliveries import ABOUT, WAYS
from storage.deliveries import STATES as DELIVERY_STATES
from storage.rhythms import RHYTHMS
from storage.saved_searches import Kind
from storage.users import LANGUAGES, ROLES
from tests.needs import need_shared

TEMPLATES = Path(MESSAGES).parent / "templates"
LEXICONS = Path(__file__).parents[2] / "classifiers" / "lexicons"
RULES = {"words", "date", "measure", "era"} | {
    family for path in LEXICONS.glob("*.yaml") if (family := yaml.safe_load(path.read_text("utf-8")).get("family"))
}
FORBIDDEN = ("loot", "stolen", "pillé", "volé", "مسروق", "منهوب")


def test_every_language_has_the_same_keys_with_the_same_fields():
    fields = [
        {
            key: {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for key, text in messages(lang).items()
        }
        for lang in LANGUAGES
    ]
    assert fields[0] == fields[1] == fields[2]


def test_every_key_of_a_template_is_there():
    used = set()
    for page in TEMPLATES.rglob("*.html"):
        used |= set(re.findall(r"""\bt\(["']([a-z_0-9]+)["'](?! ~)""", page.read_text(encoding="utf-8")))
    assert len(used) > 100
    assert used <= set(messages("en"))


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("verdict_", VERDICTS),
        ("step_", NEXT_STEPS),
        ("reason_", DISMISSAL_REASONS),
        ("role_", ROLES),
        ("listing_", ("live", "sold", "ended", "gone")),
        ("crawl_", ("running", "complete", "failed", "stopped")),
        ("crawl_count_", COUNT_NAMES),
        ("fault_", FAULTS),
        ("job_", ("queued", "running", "done", "failed", "cancelled")),
        ("kind_", KINDS),
        ("sign_", SIGNS),
        ("way_", WAYS),
        ("delivery_", DELIVERY_STATES),
        ("about_", ABOUT),
        ("rhythm_", RHYTHMS),
        ("search_kind_", get_args(Kind)),
        ("capture_", ("complete", "partial", "failed")),
        ("rule_", RULES),
    ],
)
def test_every_value_of_a_record_has_its_word(prefix, names):
    assert {prefix + name for name in names} <= set(messages("en"))


def test_a_missing_key_is_an_error():
    with pytest.raises(KeyError):
        Words("fr")("no_such_words")


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_words_never_judge(language):
    for key, text in messages(language).items():
        assert not any(word in text.lower() for word in FORBIDDEN), key


def test_the_glossarys_words_are_used():
    path = need_shared("domain/glossary.yaml")

    terms = {term["id"]: term for term in yaml.safe_load(path.read_text(encoding="utf-8"))["terms"]}
    pairs = {
        "antiquity": "verdict_antiquity",
        "replica": "verdict_replica",
        "refer": "step_refer",
        "keep_an_eye": "step_keep_an_eye",
        "ask_expert": "step_ask_expert",
        "dismiss": "step_dismiss",
        "score_strong": "band_strong",
        "score_medium": "band_medium",
        "score_weak": "band_weak",
        "queue": "nav_queue",
        "case": "case",
        "exhibit": "exhibit",
    }
    for term, key in pairs.items():
        for language in LANGUAGES:
            assert messages(language)[key].lower() == terms[term][language].lower(), (term, language)


@pytest.mark.parametrize(
    ("wanted", "accepted", "language"),
    [("ar", "", "ar"), ("xx", "fr-CA,en", "fr"), (None, "de, ar;q=0.5", "ar"), (None, "", "en")],
)
def test_the_language_is_the_one_asked_for_or_the_browsers(wanted, accepted, language):
    assert chosen_language(wanted, accepted) == language


def test_unseen_characters_are_shown_by_their_number():  # SEC-30
    shown = visible("lamp\u202egnp.exe \u200bx\u2066")
    for number in ("U+202E", "U+200B", "U+2066"):
        assert number in shown
    assert not set(shown) & {"\u202e", "\u200b", "\u2066"}


def test_a_joiner_between_arabic_letters_is_spelling_and_elsewhere_is_shown():
    assert visible("می\u200cخواهم") == "می\u200cخواهم"
    assert "U+200C" in visible("la\u200cmp")


def test_page_text_is_escaped_also_inside_marks():
    reason = {"field": "title", "start": 0, "end": 8, "text": "<b>lamp<", "weight": 1.0, "rule": '"><i>'}
    shown = highlighted("<b>lamp</b>", "title", [reason])
    assert "<b>" not in shown and "<i>" not in shown
    assert "&lt;b&gt;lamp&lt;</mark>/b&gt;" in shown


def test_the_stronger_of_two_overlapping_reasons_is_shown():
    weak = {"field": "title", "start": 0, "end": 9, "text": "roman oil", "weight": 0.2, "rule": "weak"}
    strong = {"field": "title", "start": 6, "end": 14, "text": "oil lamp", "weight": -2.0, "rule": "strong"}
    shown = highlighted("roman oil lamp", "title", [weak, strong])
    assert shown == (
        '<mark class="for" title="weak (+0.20)">roman </mark>'
        '<mark class="against" title="strong (-2.00)">oil lamp</mark>'
    )


@pytest.mark.parametrize("start", [-1, 3, 99, None])
def test_a_reason_that_does_not_stand_at_its_place_is_not_marked(start):
    reason = {"field": "title", "start": start, "end": 4, "text": "lamp", "weight": 1.0, "rule": "r"}
    assert highlighted("lamp", "title", [reason]) == "lamp"


def test_money_and_times_say_their_currency_and_zone():
    words = Words("en")
    assert "EUR" in words.money(Decimal("1200.5"), "EUR") and "1,200.5" in words.money(Decimal("1200.5"), "EUR")
    assert "currency not given" in words.money(Decimal("3"), None)
    assert words.money(None, "EUR") == "not given"
    moment = datetime(2026, 11, 23, 19, 5, tzinfo=UTC)
    for language in LANGUAGES:
        assert "19:05 UTC" in Words(language).time(moment)
