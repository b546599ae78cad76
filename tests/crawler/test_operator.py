"""Who answers for an installation is told at the desk, sent with the user agent, and the environment wins."""

from __future__ import annotations

import pytest

from crawler.errors import UsageError
from crawler.operator import FILE, Operator, tell_operator, told_operator
from crawler.program import operator, user_agent

TOLD = Operator("وحدة مكافحة الاتجار", "unit@culture.example", "Law 22-80, art. 3")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch, home):
    for name in ("RELICWATCH_CONTACT", "RELICWATCH_OPERATOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RELICWATCH_HOME", str(home.root))


def test_what_was_told_goes_into_the_user_agent_and_the_environment_wins(home, monkeypatch):
    assert "+" not in user_agent()
    tell_operator(home, TOLD)
    assert told_operator(home) == TOLD
    assert user_agent().endswith("(+unit@culture.example)")
    assert operator() == "وحدة مكافحة الاتجار (unit@culture.example)"
    monkeypatch.setenv("RELICWATCH_CONTACT", "https://other.example/bot")
    assert user_agent().endswith("(+https://other.example/bot)")


@pytest.mark.parametrize(
    "contact", ["", "nobody", "a@b", "a@b.example\r\nX: y", "a@b.example) evil (", "وحدة@culture.example", "x" * 600]
)
def test_a_contact_that_no_header_should_carry_is_refused(home, contact):
    with pytest.raises(UsageError):
        tell_operator(home, Operator("unit", contact, "law"))
    assert not (home.root / FILE).exists()


@pytest.mark.parametrize(
    "contact", ["unit@culture.example", "mailto:a.b+c@d-e.example", "https://culture.example/bot?x=1"]
)
def test_addresses_and_pages_are_taken(home, contact):
    tell_operator(home, Operator("unit", contact, "law"))
    assert told_operator(home).contact == contact


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"contact": 7}'])
def test_a_damaged_file_tells_nothing_and_breaks_nothing(home, content):
    (home.root / FILE).write_text(content, "utf-8")
    assert told_operator(home).contact in ("", "7")
