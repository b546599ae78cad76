"""Telegram exports, as JSON and as HTML."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from bs4 import Tag

from crawler.saved import telegram
from crawler.saved.records import SavedFault
from crawler.saved.telegram import read_html, read_json

AT = datetime(2026, 11, 20, 12, 3, 22, tzinfo=UTC)
HTML = """<html><body><div class="page_header"><div class="content"><div class="text bold">Souk</div></div></div>
<div class="message service" id="message-1"><div class="body details">20 November 2026</div></div>
<div class="message default clearfix" id="message5"><div class="body">
<div class="pull_right date details" title="20.11.2026 14:03:22 UTC+02:00">14:03</div>
<div class="from_name">Ali</div>
<div class="media_wrap clearfix"><a class="photo_wrap clearfix pull_left" href="photos/photo_1%402.jpg"></a></div>
<div class="text">Roman lamp<br>200 $</div></div></div>
<div class="message default clearfix joined" id="message6"><div class="body">
<div class="pull_right date details" title="20.11.2026 14:05:00 UTC+02:00">14:05</div>
<div class="text">Greek coin</div></div></div></body></html>"""


def entry(number: int, **more: object) -> dict[str, object]:
    facts = {"id": number, "type": "message", "date": "2026-11-20T14:03:22", "date_unixtime": "1795176202"}
    return {**facts, "from": "Ali", "from_id": "user77", "text": "", **more}


def test_messages_of_a_chat_and_of_a_whole_account_are_read() -> None:
    text = ["Roman lamp ", {"type": "bold", "text": "200 $"}]
    chat = {
        "name": "Souk",
        "type": "private_group",
        "id": 42,
        "messages": [
            entry(5, text=text, photo="photos/photo_1.jpg"),
            entry(6, photo="(File not included. Change data exporting settings to download.)"),
            {"id": 7, "type": "service", "action": "pin_message"},
        ],
    }
    for value in (chat, {"chats": {"list": [chat]}}):
        problems: list[str] = []
        first, second = read_json(json.dumps(value).encode(), problems)
        assert (first.key, first.sender, first.sender_id, first.text) == (
            "telegram:42:5",
            "Ali",
            "user77",
            "Roman lamp 200 $",
        )
        assert first.sent_at == AT
        assert first.pictures == ["photos/photo_1.jpg"]
        assert second.missing
        assert problems == []


def test_an_entry_that_is_odd_is_named_and_the_others_are_read() -> None:
    problems: list[str] = []
    chat = {"name": "Souk", "type": "x", "id": 1, "messages": [entry(1), 7, {"id": "x"}]}
    assert len(read_json(json.dumps(chat).encode(), problems)) == 1
    assert len(problems) == 2


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"messages": 3, "type": "x"}', b"[" * 100_000])
def test_json_that_is_no_export_is_refused(body: bytes) -> None:
    with pytest.raises(SavedFault):
        read_json(body, [])


def test_html_pages_are_read_with_joined_messages_under_their_sender() -> None:
    first, second = read_html({"messages.html": HTML.encode()})
    assert (first.sender, first.text, first.pictures) == ("Ali", "Roman lamp\n200 $", ["photos/photo_1@2.jpg"])
    assert first.sent_at == AT
    assert (second.sender, second.text) == ("Ali", "Greek coin")
    assert first.key.endswith(":5") and second.key.endswith(":6")


FORWARDED = """<div class="message default clearfix joined" id="message7"><div class="body">
<div class="date details" title="20.11.2026 14:06:00 UTC+02:00">14:06</div>
<div class="forwarded body"><div class="from_name">Omar <span class="date details" title="1.1.2020">x</span></div>
<div class="media_wrap clearfix"><div class="media clearfix media_photo"><div class="body">
<div class="status details">Not included</div></div></div></div>
<div class="text">Bronze <b>coin</b></div></div></div></div>"""


def test_a_forwarded_message_is_of_the_person_who_sent_it_on() -> None:
    *_, forwarded, last = read_html(
        {"messages.html": (HTML + FORWARDED + HTML.partition("</div></div></div>")[2]).encode()}
    )[:4]
    assert (forwarded.sender, forwarded.text, forwarded.missing) == ("Ali", "Bronze coin", ["Not included"])
    assert forwarded.shown_time.startswith("20.11.2026 14:06")
    assert last.sender == "Ali"


@pytest.mark.parametrize(
    "nest",
    [
        '<div class="message default" id="message9"><div class="body">',
        '<div class="body"><div class="forwarded body">',
        '<div class="media_photo"><div class="status">a',
        '<div class="page_header"><div class="text">a',
        "<div>",
    ],
)
def test_what_is_nested_without_end_is_read_once(nest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    depth = 300
    looked: list[Tag] = []
    classes = telegram._classes
    words: list[str] = []
    get_text = Tag.get_text

    def look(element: Tag) -> set[str]:
        looked.append(element)
        return classes(element)

    def note(element: Tag, *arguments: Any) -> str:
        words.append(get_text(element, *arguments))
        return words[-1]

    monkeypatch.setattr(telegram, "_classes", look)
    monkeypatch.setattr(Tag, "get_text", note)
    monkeypatch.setattr(Tag, "select", None)  # a selector goes up or down the whole nest for each element of it
    page = HTML.replace('<div class="text">Roman', nest * depth + '<div class="text">Roman')
    found = read_html({"messages.html": page.encode()})
    assert [one.sender for one in found][:1] == ["Ali"]
    assert len(looked) < 20 * depth
    assert sum(map(len, words)) < 20 * depth


def test_html_without_messages_is_refused() -> None:
    with pytest.raises(SavedFault, match="no message"):
        read_html({"messages.html": b"<html></html>"})
