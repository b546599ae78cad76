"""Everything an answer can say has a name and a one-sentence meaning in Arabic, French and English."""

from __future__ import annotations

import re

import pytest

from classifiers.answers.answering import own_lexicon
from classifiers.answers.explained import explain, explain_alarm
from classifiers.answers.facts import read_facts
from classifiers.answers.laws import law_ids
from classifiers.answers.meanings import LANGUAGES, UnknownMeaning, all_ids, meaning
from classifiers.lexicon import Lexicon
from crawler.answer_records import alarm_records, answers_record
from tests.classifiers.answers.asking import ask_all

MODEL = Lexicon()
FORBIDDEN = ("loot", "stolen", "pillé", "volé", "مسروق", "منهوب")
ARABIC = re.compile("[\u0600-\u06ff]")


def groups(family: str, rules: list[str]) -> set[str]:
    return {rule.partition(":")[2] for rule in rules if rule.startswith(f"{family}:")}


NEEDED = {
    "types": groups("object", MODEL.rules) | groups("thing", MODEL.rules),
    "periods": groups("period", MODEL.rules),
    "materials": groups("material", MODEL.rules),
    "replicas": set(read_facts("replicas")["words"]),
    "flags": set(read_facts("red_flags")["flags"]) | set(read_facts("red_flags")["named_elsewhere"]),
    "reassurance": set(read_facts("red_flags")["reassurance"]),
    "red_lists": set(read_facts("red_lists")),
    "claims": groups("claim", own_lexicon().rules) | {"export_licence_numbered"},
    "laws": set(law_ids()),
    "countries": {country for facts in read_facts("red_lists").values() for country in facts["countries"]}
    | groups("origin", own_lexicon().rules)
    | groups("hub", own_lexicon().rules),
    "states": {"none", "undated", "later", "earlier_without_paper", "earlier_with_paper"},
    "notes": {"to_be_confirmed", "value_unknown", "value_near", "origin_unknown", "age_unknown", "if_excavated"},
    "priorities": {
        "danger_to_person", "register_match", "museum_number", "conflict_zone_find", "ends_within_24_hours",
        "ends_within_72_hours", "seller_with_several", "own_country", "partner_country", "no_rule_before",
    },
    "alarms": {"treasure_child_abuse_signal", "khums_or_tax"},
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NEEDED)
def test_nothing_that_can_be_said_lacks_a_name_and_a_meaning(kind, language):
    for id_ in NEEDED[kind]:
        name, sentence = meaning(kind, id_, language)
        assert name.strip(), (kind, id_, language)
        assert sentence.strip(), (kind, id_, language)
        assert sentence.rstrip().endswith("."), (kind, id_, language)


def test_arabic_is_written_in_arabic_and_the_others_are_not():
    for kind, id_ in all_ids():
        for language in LANGUAGES:
            told = meaning(kind, id_, language)
            assert bool(ARABIC.search(told.sentence)) == (language == "ar"), (kind, id_, language)
            if language != "ar":
                assert not ARABIC.search(told.name), (kind, id_, language)


def test_french_and_english_are_not_the_same_sentence():
    same = [
        (kind, id_)
        for kind, id_ in all_ids()
        if len(meaning(kind, id_, "en").sentence) > 30
        and meaning(kind, id_, "en").sentence == meaning(kind, id_, "fr").sentence
    ]
    assert same == []


def test_our_own_words_never_judge_an_object():
    for kind, id_ in all_ids():
        for language in LANGUAGES:
            told = " ".join(meaning(kind, id_, language)).casefold()
            assert not [word for word in FORBIDDEN if word in told], (kind, id_, language)


def test_no_meaning_says_that_something_was_lawful_before_a_date():
    for kind, id_ in all_ids():
        for phrase in ("lawful before", "legal before", "licite avant", "légal avant"):
            told = meaning(kind, id_, "en").sentence + meaning(kind, id_, "fr").sentence
            assert phrase not in told.replace("not mean lawful before", "").replace("pas dire licite avant", "")


def test_an_id_without_a_meaning_names_the_file_to_mend():
    with pytest.raises(UnknownMeaning, match=r"types\.yaml"):
        meaning("types", "no_such_type", "en")
    with pytest.raises(UnknownMeaning, match="en, fr, ar"):
        meaning("types", "oil_lamp", "xx")


@pytest.mark.parametrize(
    ("language", "heading", "flag", "law"),
    [
        ("en", "Sale red flags", "said to be found in the ground", "to be confirmed"),
        ("fr", "Indices d'alerte", "dit trouvé en terre", "à confirmer"),
        ("ar", "مؤشرات تنبيه", "يُقال إنها من الأرض", "بحاجة إلى تأكيد"),
    ],
)
def test_stored_answers_are_told_in_the_reader_s_language(classifier, language, heading, flag, law):
    answers, alarms = ask_all(classifier, "Roman oil lamp, Libya", "Found in field. مطلوب طفل زوهري")
    sections = {section.name: section for section in explain(answers_record(answers), language)}
    assert flag in [line.name for line in sections[heading].lines]
    assert any(law in line.remarks for section in sections.values() for line in section.lines)
    [alarm] = alarm_records(alarms)
    assert explain_alarm(alarm["kind"], alarm["reasons"], language).quotes[-1]["text"] == "زوهري"


def test_an_id_of_another_version_is_shown_as_it_was_stored():
    record = {"types": [{"id": "of_old", "weight": 1.0, "basis": "words", "reasons": []}]}
    [section] = explain(record, "fr")
    assert section.lines[0].name == "of_old"
