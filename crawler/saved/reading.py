"""Which kind of saved file some bytes are, by what is in them and not by their name, and what it holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from crawler.extraction.decoding import decode
from crawler.picture_kinds import image_suffix
from crawler.saved import mhtml, pages, telegram, web_archives, whatsapp
from crawler.saved.records import Saved, SavedChat, SavedFault, SavedScreenshot
from crawler.saved.zips import SavedZip

_KNOWN = (
    "relicwatch reads pages (HTML, MHTML, JSON), WARC, WACZ, WhatsApp and Telegram exports (zip) and pictures "
    "(PNG, JPEG, WebP, GIF, AVIF)"
)
_MARKUP = re.compile(r"<(?:!doctype|html|head|body|title|meta|div|article|main|h1|p|!--)\b|<!--", re.I)


def read_saved(body: bytes, companions: Mapping[str, bytes] | None = None) -> Saved:
    """What a saved file holds; nothing in it is fetched. Raises SavedFault for one that cannot be read."""
    if not body.strip():
        raise SavedFault("it is empty")
    if body.startswith(b"PK"):
        return _read_zip(SavedZip(body))
    if suffix := image_suffix(body):
        return SavedScreenshot(body, suffix)
    if web_archives.is_warc(body):
        return web_archives.read_warc(body)
    if mhtml.is_mhtml(body):
        return [mhtml.read_mhtml(body)]
    return _read_text(body, companions)


def _read_zip(package: SavedZip) -> Saved:
    if web_archives.is_wacz(package):
        return web_archives.read_wacz(package)
    if names := telegram.find_export(package):
        return telegram.read_telegram(package, names)
    if name := whatsapp.find_chat(package):
        return whatsapp.read_whatsapp(package, name)
    raise SavedFault("the zip is neither a WACZ nor a WhatsApp or Telegram export: unpack it and import what is in it")


def _read_text(body: bytes, companions: Mapping[str, bytes] | None) -> Saved:
    text, _, _ = decode(body[:100_000])
    start = text.lstrip("\ufeff \t\r\n")
    if start[:1] in ("{", "["):
        return _read_json(body)
    if _MARKUP.search(start[:20_000]):
        return [pages.read_page(body, companions)]
    if whatsapp.looks_like_chat(text):
        messages, problems = whatsapp.read_text(decode(body)[0])
        return SavedChat("whatsapp", messages, _no_picture, problems)
    raise SavedFault(f"it is of a kind that is not read: {_KNOWN}")


def _read_json(body: bytes) -> Saved:
    try:
        value = json.loads(decode(body)[0])
    except (ValueError, RecursionError):
        # Its reader mends much of what is broken in a JSON answer.
        return [pages.read_page(body)]
    if telegram.is_telegram_json(value):
        problems: list[str] = []
        messages = telegram.read_json(body, problems)
        for message in messages:
            message.missing += message.pictures
            message.pictures = []
        return SavedChat("telegram", messages, _no_picture, problems)
    return [pages.read_page(body)]


def _no_picture(name: str) -> bytes:
    raise SavedFault(f"{name} was not imported with the chat: import the whole export as a zip")
