"""What chat exports share: which messages belong together and which of them may be offers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from crawler.extraction.prices import Money, parse_price
from crawler.saved.records import SavedMessage

TOGETHER = timedelta(minutes=3)
"""Sellers send the photographs and the words of one offer as messages of their own, one right after the other."""
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")
LONGEST_TITLE = 150


def is_picture_name(name: str) -> bool:
    return name.lower().endswith(PICTURE_ENDINGS)


def message_key(kind: str, *parts: str) -> str:
    """An id made of what a message says, so that a later export of the same chat does not double it."""
    return f"{kind}:{hashlib.sha256(chr(0).join(parts).encode('utf-8', 'replace')).hexdigest()[:40]}"


def numbered(messages: Iterable[SavedMessage]) -> list[SavedMessage]:
    """Messages that say the same in the same minute are told apart by their order."""
    seen: dict[str, int] = {}
    told = list(messages)
    for message in told:
        count = seen[message.key] = seen.get(message.key, 0) + 1
        if count > 1:
            message.key = f"{message.key}-{count}"
    return told


def group_offers(messages: Iterable[SavedMessage]) -> list[SavedMessage]:
    """Photographs and words that one sender sent within minutes, as one message.

    Two texts are never joined: each may be an offer of its own. A text that follows photographs without words takes
    them; photographs that follow a text belong to it. The key is that of the words, which an export without media has
    too; without words it is the first photograph's.
    """
    groups: list[SavedMessage] = []
    for message in messages:
        last = groups[-1] if groups else None
        if last is not None and _belongs(last, message):
            last.pictures += message.pictures
            last.missing += message.missing
            if message.text:
                last.text, last.key = message.text, message.key
            last.sent_at = message.sent_at or last.sent_at
        else:
            groups.append(message)
    return groups


def _belongs(last: SavedMessage, message: SavedMessage) -> bool:
    pictured = bool(last.pictures or last.missing), bool(message.pictures or message.missing)
    return (
        last.sender == message.sender
        and not (last.text and message.text)
        and any(pictured)
        and _soon(last.sent_at, message.sent_at)
    )


def _soon(before: datetime | None, after: datetime | None) -> bool:
    if before is None or after is None or (before.tzinfo is None) is not (after.tzinfo is None):
        return False
    return timedelta(0) <= after - before <= TOGETHER


def price_in(text: str) -> Money | None:
    """The first amount with a currency beside it, line by line; a bare number in a chat may be anything."""
    for line in text.splitlines()[:200]:
        money = parse_price(line)
        if money is not None and money.currency is not None:
            return money
    return None


def title_of(text: str) -> str | None:
    """The first line that says something, cut at a word where it is long."""
    line = next((one.strip() for one in text.splitlines() if any(map(str.isalnum, one))), None)
    if line is None or len(line) <= LONGEST_TITLE:
        return line
    return line[:LONGEST_TITLE].rpartition(" ")[0] or line[:LONGEST_TITLE]
