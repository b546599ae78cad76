"""The listing's page shows each answer in the reader's language, with the listing's own words, and open alarms."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from classifiers.listing import ListingClassifier
from crawler.answer_records import alarm_records, answers_record
from storage.alarms import raise_alarms
from storage.tables import Assessment, Observation, utc_now
from tests.review.seed import Offer, add_listing

TITLE = "Roman oil lamp from Libya <b>"
DESCRIPTION = "Found in field. Will not ship to Egypt. مطلوب طفل زوهري"


@pytest.fixture(scope="module")
def classifier() -> ListingClassifier:
    return ListingClassifier.load()


@pytest.fixture
def answered(classifier, desk_database, home) -> int:
    """A stored listing that ends tomorrow, with the answers of its own text and its alarm."""
    with desk_database.transaction() as session:
        listing = add_listing(session, home, Offer(title=TITLE, description=DESCRIPTION, ends_in=timedelta(hours=20)))
        assessment = session.get_one(Assessment, listing.current_assessment_id)
        reading = classifier.read([(TITLE, DESCRIPTION)])
        [(answers, alarms)] = classifier._answerer.answer(reading, [True])
        assessment.answers = answers_record(answers)
        observation = session.scalars(select(Observation).where(Observation.listing_id == listing.id)).one()
        of_listing = {
            "listing_id": listing.id, "observation_id": observation.id, "model": "m", "raised_at": utc_now(),
        }  # fmt: skip
        raise_alarms(session, [of_listing | alarm for alarm in alarm_records(alarms)])
        return listing.id


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Sale red flags", "said to be found in the ground", "to be confirmed", "a child in talk of treasure"]),
        ("fr", ["Indices d&#39;alerte", "dit trouvé en terre", "à confirmer", "un enfant dans un propos de trésor"]),
        ("ar", ["مؤشرات تنبيه", "يُقال إنها من الأرض", "بحاجة إلى تأكيد", "طفل في حديث عن كنز"]),
    ],
)
def test_answers_stand_on_the_page_in_the_reader_s_language(visit, answered, language, words):
    page = visit("reviewer").get(f"/listings/{answered}?lang={language}").text
    for word in words:
        assert word in page
    assert "Found in field" in page.partition('id="answers"')[2]
    assert "<b>" not in page


def test_a_priority_that_the_clock_decides_is_that_of_this_hour(visit, desk_database, answered):
    with desk_database.transaction() as session:
        assessment = session.scalars(select(Assessment)).one()
        priority = {"level": 7, "why": "no_rule_before", "must_be_seen": False, "value_eur": None}
        assessment.answers = assessment.answers | {"priority": priority}
    assert "ends within 24 hours" in visit("reviewer").get(f"/listings/{answered}?lang=en").text


def test_a_listing_from_before_there_were_answers_says_so(visit, desk_database, home):
    with desk_database.transaction() as session:
        number = add_listing(session, home, Offer()).id
    assert "No answers are kept with this assessment." in visit("reviewer").get(f"/listings/{number}?lang=en").text


def test_settings_that_cannot_be_used_do_not_hide_the_listing(visit, home, answered):
    Path(home.root / "answers.yaml").write_text("own_country: TN\n", "utf-8")
    page = visit("reviewer").get(f"/listings/{answered}?lang=en")
    assert page.status_code == 200
