"""Telegram chat exports: `result.json`, and the `messages.html` pages that Telegram writes by default."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag

from crawler.saved.chats import is_picture_name, message_key
from crawler.saved.records import LARGEST_PICTURE, SavedChat, SavedFault, SavedMessage
from crawler.saved.zips import Package

LARGEST_JSON = 256 << 20
LARGEST_HTML = 16 << 20
MOST_MESSAGES = 500_000
_HTML = re.compile(r"messages(\d*)\.html")
_TITLE = re.compile(r"(\d{2})\.(\d{2})\.(\d{4}) (\d{2}):(\d{2}):(\d{2})(?: UTC([+-])(\d{2}):(\d{2}))?")


def find_export(package: Package) -> list[str]:
    """The members that hold the messages: result.json, or the HTML pages in order; empty where there are none."""
    for name in package:
        if posixpath.basename(name) == "result.json":
            return [name]
    pages = [(int(found[1] or 1), name) for name in package if (found := _HTML.fullmatch(posixpath.basename(name)))]
    return [name for _, name in sorted(pages)]


def read_telegram(package: Package, names: list[str]) -> SavedChat:
    """The messages of an exported zip. Raises SavedFault where they are not as Telegram writes them."""
    folder = posixpath.dirname(names[0])
    problems: list[str] = []
    if names[0].endswith(".json"):
        messages = read_json(package.read(names[0], LARGEST_JSON), problems)
    else:
        messages = read_html({name: package.read(name, LARGEST_HTML) for name in names})
    for message in messages:
        message.missing += [one for one in message.pictures if _member(folder, one) not in package]
        message.pictures = [one for one in message.pictures if _member(folder, one) in package]

    def picture(name: str) -> bytes:
        return package.read(_member(folder, name), LARGEST_PICTURE)

    return SavedChat("telegram", messages, picture, problems)


def _member(folder: str, name: str) -> str:
    """Only a name to look up in the zip: it never reaches a disk."""
    return posixpath.normpath(posixpath.join(folder, name))


def is_telegram_html(text: str) -> bool:
    """Whether a page is one of an export's."""
    return 'class="page_header' in text and 'class="message ' in text


# -- result.json ------------------------------------------------------------------------------------------------


def is_telegram_json(value: Any) -> bool:
    """Whether a JSON value has the shape of an export: of one chat, or of an account with its chats."""
    return isinstance(value, dict) and (
        (isinstance(value.get("messages"), list) and "type" in value)
        or isinstance(_mapping(value.get("chats")).get("list"), list)
    )


def read_json(body: bytes, problems: list[str]) -> list[SavedMessage]:
    """Messages of a result.json; one that is not as Telegram writes them is named in `problems`."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SavedFault(f"result.json is broken ({error}): export the chat again") from error
    if not is_telegram_json(value):
        raise SavedFault("result.json holds no messages: export the chat itself, as JSON with photos")
    chats = [value] if isinstance(value.get("messages"), list) else _mapping(value["chats"])["list"]
    messages: list[SavedMessage] = []
    for chat in map(_mapping, chats):
        entries = chat.get("messages")
        for number, entry in enumerate(entries if isinstance(entries, list) else [], 1):
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), int):
                problems.append(f"Message {number} of the chat {chat.get('name')} is not as Telegram writes them.")
            elif entry.get("type") == "message":
                messages.append(_from_json(chat, entry))
            if len(messages) > MOST_MESSAGES:
                raise SavedFault(f"it has more than {MOST_MESSAGES} messages: export the chat in parts")
    return messages


def _from_json(chat: Mapping[str, Any], entry: Mapping[str, Any]) -> SavedMessage:
    pictures: list[str] = []
    missing: list[str] = []
    for name in (entry.get("photo"), entry.get("file")):
        if not isinstance(name, str):
            continue
        if name.startswith(("(File not included", "(File exceeds")):
            missing.append(name.strip("()"))
        elif is_picture_name(name):
            pictures.append(name)
    shown = str(entry.get("date") or "")
    return SavedMessage(
        key=f"telegram:{chat.get('id', chat.get('name'))}:{entry['id']}"[:200],
        place=f"message {entry['id']}",
        sender=str(entry.get("from") or entry.get("actor") or chat.get("name") or ""),
        shown_time=shown,
        sent_at=_from_unix(entry.get("date_unixtime")) or _from_iso(shown),
        text=_plain(entry.get("text")),
        pictures=pictures,
        sender_id=str(entry["from_id"])[:200] if entry.get("from_id") else None,
        missing=missing,
    )


def _plain(text: Any) -> str:
    """Telegram writes a text with links or bold words as a list of pieces."""
    pieces = text if isinstance(text, list) else [text]
    return "".join(
        one if isinstance(one, str) else str(_mapping(one).get("text") or "") for one in pieces if one
    ).strip()


def _from_unix(seconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _from_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# -- messages.html ----------------------------------------------------------------------------------------------


def read_html(pages: Mapping[str, bytes]) -> list[SavedMessage]:
    """Messages of the HTML pages of one export, in their order."""
    messages: list[SavedMessage] = []
    sender = ""
    for body in pages.values():
        soup = BeautifulSoup(body, "lxml")
        header = next(_outermost(soup, "page_header"), None)
        chat = _words(next(_outermost(header, "text"), None)) if header else ""
        for block in _outermost(soup, "message"):
            if "default" not in _classes(block):
                continue
            # A message "joined" to the one before is of the same sender and does not name them again.
            sender = _words(next(_own(block, "body", "from_name"), None)) or sender
            messages.append(_from_html(chat, sender, block))
            if len(messages) > MOST_MESSAGES:
                raise SavedFault(f"it has more than {MOST_MESSAGES} messages: export the chat in parts")
    if not messages:
        raise SavedFault("messages.html holds no message as Telegram writes them: export the chat again")
    return messages


def _from_html(chat: str, sender: str, block: Tag) -> SavedMessage:
    date = next(_outermost(block, "date"), None)
    shown = str(date.get("title") or "") if date else ""
    text = next(_own(block, "body", "text"), None) or next(_own(block, "body", "forwarded", "text"), None)
    if text is not None:
        for line in text.find_all("br"):
            line.replace_with("\n")
    media = list(_outermost(block, "photo_wrap", "media_photo"))
    links = [str(one.get("href") or "") for one in media if one.name == "a"]
    left_out = [one for one in media if one.name != "a"]
    number = str(block.get("id") or "").removeprefix("message")
    words = text.get_text().strip() if text is not None else ""
    return SavedMessage(
        key=f"{message_key('telegram', chat)}:{number}" if number else message_key("telegram", chat, shown, words),
        place=f"message {number or shown}",
        sender=sender,
        shown_time=shown,
        sent_at=_from_title(shown),
        text=words,
        pictures=[unquote(link) for link in links if is_picture_name(link)],
        missing=[_words(status) for one in left_out for status in _outermost(one, "status")],
    )


def _outermost(element: Tag, *names: str) -> Iterator[Tag]:
    """What below an element has one of these classes, in order, but for what stands within another such.

    Messages stand beside each other in an export. A file that nests them would have each read with all those below it.
    """
    waiting = [element]
    while waiting:
        for child in waiting.pop().contents[::-1]:
            if isinstance(child, Tag):
                waiting.append(child)
        while waiting and not _classes(waiting[-1]).isdisjoint(names):
            yield waiting.pop()


def _own(element: Tag, name: str, *more: str) -> Iterator[Tag]:
    """What stands at the end of a way of classes, each a child of the one before."""
    for child in element.contents:
        if isinstance(child, Tag) and name in _classes(child):
            if more:
                yield from _own(child, *more)
            else:
                yield child


def _classes(element: Tag) -> set[str]:
    return set(element.get_attribute_list("class"))


def _words(element: Tag | None) -> str:
    return " ".join(element.get_text().split()) if element is not None else ""


def _from_title(shown: str) -> datetime | None:
    found = _TITLE.match(shown)
    if found is None:
        return None
    day, month, year, hour, minute, second = (int(found[n]) for n in range(1, 7))
    zone = None
    if found[7]:
        offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
        zone = timezone(offset if found[7] == "+" else -offset)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
