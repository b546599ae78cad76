"""What e-mails say, in which language, and what no listing can make them say. # SEC-44"""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from alerts.letters import LETTERS, MOST_SHOWN, alarms_letter, alerts_letter, flat
from storage.alerts import alerts_in
from storage.deliveries import new_delivery
from storage.tables import Alarm, Alert, DeliveryAlert, Observation, User, utc_now
from storage.users import create_user
from tests.alerts.conftest import part
from tests.review.seed import Offer, add_listing

SENDING = {"sender": "watch@office.example", "recipient": "ann@office.example"}
EVIL = (
    "Lamp\r\nBcc: all@evil.example\r\n\r\n<script>alert(1)</script><img src=https://evil.example/x.png> "
    "call 0944 123 456 or write x@evil.example, see https://evil.example/a \u202eexe.gpj"
)


@pytest.fixture
def told(desk_database, home):
    """`told(*offers)`: the e-mail about them, parsed as a mail program does."""

    def make(*offers: Offer, language: str = "en", kind: str = "hit"):
        with desk_database.transaction() as session:
            ann = create_user(session, "ann", "reviewer", language=language)
            delivery = new_delivery(session, ann.id, "email", "alerts", utc_now())
            for offer in offers:
                listing = add_listing(session, home, offer)
                alert = Alert(
                    user_id=ann.id,
                    listing_id=listing.id,
                    assessment_id=listing.current_assessment_id,
                    kind=kind,
                    searches=[],
                )
                session.add(alert)
                session.flush()
                session.add(DeliveryAlert(alert_id=alert.id, way="email", delivery_id=delivery.id))
            session.flush()
            letter = alerts_letter(delivery, alerts_in(session, delivery), language, home, **SENDING)
            raw = letter.as_bytes()
        return raw, message_from_bytes(raw, policy=default)

    return make


def test_a_title_with_line_breaks_and_markup_writes_no_header_and_no_markup(told):
    raw, message = told(Offer(title=EVIL, description="x"))
    assert message.get_all("bcc") is None
    assert message["To"] == "ann@office.example"
    assert len(message.get_all("subject")) == 1
    html, plain = part(message, "html"), part(message, "plain")
    for text in (html, plain):
        assert "0944" not in text
        assert "evil.example" not in text
        assert "\u202e" not in text
        assert "U+202E" in text
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<img" not in html
    assert not re.search(rb"^bcc:", raw.split(b"\r\n\r\n")[0], re.I | re.M)


def test_nothing_in_a_letter_is_fetched_and_its_links_lead_to_the_desk(told, monkeypatch):
    monkeypatch.setenv("RELICWATCH_DESK_URL", "https://desk.office.example/")
    _, message = told(Offer(title=EVIL))
    html = part(message, "html")
    links = re.findall(r'href="([^"]+)"', html)
    assert len(links) == 2
    assert all(re.fullmatch(r"https://desk\.office\.example/(?:alerts|listings/\d+)", link) for link in links)
    assert not re.search(r"<(?:img|link|script|iframe|form|video|object|style)|url\(", html)


@pytest.mark.parametrize(
    ("language", "words", "subject"),
    [
        ("en", "Relisted after removal", "relicwatch: 2 new hits"),
        ("fr", "Remis en vente après retrait", "relicwatch: 2 nouveaux signaux"),
        ("ar", "أُعيد عرضه بعد إزالته", "relicwatch: نتائج جديدة: 2"),
    ],
)
def test_a_letter_speaks_its_readers_language(told, language, words, subject):
    _, message = told(Offer(), Offer(title="سراج روماني"), language=language, kind="relisted")
    assert message["Subject"] == subject
    assert message["Content-Language"] == language
    html = part(message, "html")
    assert words in html and words in part(message, "plain")
    direction = "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{language}" dir="{direction}">' in html
    assert "سراج روماني" in html


def test_words_that_speak_against_a_hit_say_so(told):
    _, message = told(Offer())
    assert "\u2212 museum copy" in part(message, "html")
    assert "+ oil lamp" in part(message, "plain")


def test_a_letter_shows_some_listings_and_counts_the_rest(told):
    _, message = told(*(Offer(title=f"Lamp number {n}") for n in range(MOST_SHOWN + 7)))
    html = part(message, "html")
    assert html.count("<h2") == MOST_SHOWN
    assert "Not shown here: 7" in html
    assert f"{MOST_SHOWN + 7} new hits" in message["Subject"]


def test_a_letter_from_a_demo_says_so(told, home):
    home.create(demo=True)
    _, message = told(Offer())
    assert message["Subject"].endswith("[DEMO]")
    assert "make-believe" in part(message, "html") and "make-believe" in part(message, "plain")


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_an_alarm_is_marked_urgent_and_its_reminder_says_that_it_is_one(desk_database, home, language):
    with desk_database.transaction() as session:
        ann = session.scalars(select(User)).first()
        listing = add_listing(session, home, Offer(title="مطلوب طفل زوهري 0944123456"))
        seen = session.get_one(Observation, listing.current_observation_id)
        alarm = Alarm(
            kind="treasure_child_abuse_signal",
            listing_id=listing.id,
            observation_id=seen.id,
            model="x:1",
            reasons=[{"field": "title", "start": 6, "end": 15, "text": "طفل زوهري", "weight": 5.0, "rule": "safety:z"}],
            raised_at=utc_now(),
        )
        session.add(alarm)
        delivery = new_delivery(session, ann.id, "email", "alarm", utc_now())
        first, again = (
            alarms_letter(delivery, [(alarm, number, listing, seen)], language, home, **SENDING) for number in (0, 1)
        )
        assert first["X-Priority"] == "1"
        assert first["Subject"] != again["Subject"]
        for letter in (first, again):
            parsed = message_from_bytes(letter.as_bytes(), policy=default)
            assert parsed["Subject"] == letter["Subject"], "no space is lost on the way"
            assert "طفل زوهري" in part(parsed, "html")
            assert "0944" not in parsed.as_string()


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200))
def test_a_subject_arrives_as_it_was_written(text):
    from email.message import EmailMessage

    letter = EmailMessage(policy=LETTERS)
    letter["Subject"] = "x " + " ".join(text.split())
    raw = letter.as_bytes()
    assert all(len(line) <= 78 for line in raw.split(b"\r\n")) or text.isascii()
    assert str(message_from_bytes(raw, policy=default)["Subject"]).strip() == str(letter["Subject"]).strip()


@given(st.text(max_size=300))
def test_page_text_is_one_line_without_unseen_signs_and_without_contacts(text):
    shown = flat(f"{text} 0944 123 456 x@evil.example")
    assert not re.search("[\r\n\u202a-\u202e\u2066-\u2069\u2028\u2029\x00-\x1f\x7f-\x9f]", shown)
    assert "evil.example" not in shown
    assert "944" not in shown
