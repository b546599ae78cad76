"""Danger to a person is told from words alone, and never from somebody's name."""

import pytest

from classifiers.answers.alarms import CHILD, TAX
from tests.classifiers.answers.asking import ask, ask_all


@pytest.mark.parametrize(
    "text",
    [
        "مطلوب طفل زوهري لاستخراج كنز",
        "عندي طفلة زوهرية",
        "نبحث عن الطفل الزوهري",
        "ولد عمره سبع سنوات زوهري",
        "زوهري لاستخراج الدفائن",
        "cherche enfant zouhri pour trésor",
        "Enfant Zouhri recherché",
        "un petit garçon zouhri",
    ],
)
def test_a_child_sought_for_a_treasure_raises_an_alarm(classifier, text):
    _, alarms = ask_all(classifier, text)
    assert [alarm.kind for alarm in alarms] == [CHILD]
    assert all(reason.text in text for reason in alarms[0].reasons)


@pytest.mark.parametrize(
    "text",
    [
        "محل الزوهري للتحف يبيع كنز عملات",
        "السيد الزوهري عنده كنز من الكتب",
        "محمد زوهري يبيع كنز",
        "ولد الزوهري",
        "M. Ahmed Zouhri vend un trésor de monnaies",
        "galerie Zouhri, trésor monétaire",
        "Karim Zouhri, rue des enfants",
        "زوهري",
        "طفل وعائلته في الحديقة",
        "زوهري من مدينة بعيدة جدا عن هنا ولا علاقة له بأي كنز",
        "enfant et famille\nZouhri",
    ],
)
def test_a_family_name_raises_none(classifier, text):
    assert ask_all(classifier, text)[1] == []


@pytest.mark.parametrize(
    "text",
    ["كنز عملات رومانية، نسبة الخمس للمجموعة", "قطع أثرية رومانية وحصة الخمس لازم تدفع"],
)
def test_a_share_claimed_of_finds_raises_an_alarm_and_a_flag(classifier, text):
    answers, alarms = ask_all(classifier, text)
    assert [alarm.kind for alarm in alarms] == [TAX]
    assert TAX in {flag.id for flag in answers.red_flags}
    assert answers.priority.level == 1
    assert answers.priority.must_be_seen


@pytest.mark.parametrize("text", ["خمس عملات رومانية قديمة", "نسبة الخمس في الامتحان", "خمس سنوات ضمان"])
def test_the_number_five_raises_none(classifier, text):
    answers, alarms = ask_all(classifier, text)
    assert alarms == []
    assert TAX not in {flag.id for flag in answers.red_flags}


def test_an_alarm_is_raised_though_the_listing_is_not_flagged_and_stands_beside_the_red_flags(classifier):
    assessment = classifier.assess("cherche enfant zouhri", "appelez moi")
    assert [alarm.kind for alarm in assessment.alarms] == [CHILD]
    assert assessment.answers.priority.why == "danger_to_person"
    assert CHILD not in {flag.id for flag in ask(classifier, "مطلوب طفل زوهري لاستخراج كنز").red_flags}
