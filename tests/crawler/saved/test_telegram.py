"""Telegram exports, as JSON and as HTML."""

import json
from datetime import UTC, datetime

import pytest

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


def test_html_without_messages_is_refused() -> None:
    with pytest.raises(SavedFault, match="no message"):
        read_html({"messages.html": b"<html></html>"})
