"""The practice queue as its pages show it: answer, compare, read the Red List's category, see the score."""

from __future__ import annotations

import re

import pytest

from demo.practice import practice_item, practice_items
from storage.users import LANGUAGES
from tests.review.conftest import field


def answer(client, item, **chosen):
    page = client.get(f"/practice/{item.id}").text
    right = {"verdict": item.verdict, "next_step": item.steps[0], "reason": item.reason or ""}
    return client.post(f"/practice/{item.id}", data={"csrf": field(page, "csrf")} | right | chosen)


def test_the_answer_is_hidden_until_one_is_given(visit):
    client = visit("viewer")
    item = practice_item("tablet_tell")
    before = client.get(f"/practice/{item.id}").text
    assert "Emergency Red List" not in before and item.told["en"].why not in before
    assert answer(client, item).headers["location"] == "/practice/tablet_tell"
    after = client.get(f"/practice/{item.id}").text
    assert "ICOM Emergency Red List, Iraq" in after and "Your answer is the expert" in after
    assert "DEMO" in after and 'id="decision"' not in after


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wrong_answer_is_shown_beside_the_experts_in_the_readers_language(visit, language):
    client, item = visit("reviewer"), practice_item("cyrene_veiled")
    answer(client, item, verdict="replica", next_step="dismiss", reason="replica")
    page = client.get(f"/practice/{item.id}?lang={language}").text
    words = {"en": ("not so", "Libya"), "fr": ("à revoir", "Libye"), "ar": ("غير مطابق", "ليبيا")}[language]
    assert all(word in page for word in words)


def test_a_whole_round_ends_on_its_score_and_only_its_owner_sees_it(visit):
    client = visit("reviewer")
    page = client.get("/practice").text
    assert client.post("/practice", data={"csrf": field(page, "csrf")}).status_code == 303
    missed = practice_item("bronze_cat")
    for item in practice_items():
        answer(client, item, **({"verdict": "replica"} if item is missed else {}))
    place = client.get("/practice/next").headers["location"]
    assert re.fullmatch(r"/practice/result/\d+", place)
    result = client.get(place).text
    assert "23 of 24" in result and "24 of 24" in result
    assert "Last round: 23 of 24" in client.get("/practice").text
    assert visit("lead").get(place).status_code == 404


def test_a_dismissal_without_a_reason_is_asked_for_it_and_keeps_what_was_chosen(visit):
    client, item = visit("reviewer"), practice_item("coin_copy")
    refused = answer(client, item, reason="")
    assert refused.status_code == 422
    assert re.search(r'value="replica" data-key="r" required checked', refused.text)


def test_pictures_are_for_those_who_signed_in(visit):
    assert visit("viewer").get("/practice/pictures/coin_copy.jpg").headers["content-type"] == "image/jpeg"
    assert visit("viewer").get("/practice/pictures/none.jpg").status_code == 404
    assert visit(None).get("/practice/pictures/coin_copy.jpg").status_code == 303
