"""Which kind of saved file some bytes are, by what is in them and not by their name, and what it holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from crawler.extraction.decoding import decode
from crawler.picture_kinds import image_suffix
from crawler.saved import mhtml, pages, telegram, web_archives, whatsapp
from crawler.saved.records import Saved, SavedFault, SavedScreenshot
from crawler.saved.zips import SavedFolder, SavedZip

_KNOWN = (
    "relicwatch reads pages (HTML, MHTML, JSON), WARC, WACZ, WhatsApp and Telegram exports (zip) and pictures "
    "(PNG, JPEG, WebP, GIF, AVIF)"
)
_MARKUP = re.compile(r"<(?:!doctype|html|head|body|title|meta|div|article|main|h1|p|!--)\b|<!--", re.I)


def read_saved(body: bytes, name: str = "file", companions: Mapping[str, bytes] | None = None) -> Saved:
    """What a saved file holds; nothing in it is fetched. Raises SavedFault for one that cannot be read.

    `companions`: files that belong to it, by path beside it: the folder of a saved page, the rest of a chat export.
    """
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
    return _read_text(body, name, companions or {})


def _read_zip(package: SavedZip) -> Saved:
    if web_archives.is_wacz(package):
        return web_archives.read_wacz(package)
    if names := telegram.find_export(package):
        return telegram.read_telegram(package, names)
    if name := whatsapp.find_chat(package):
        return whatsapp.read_whatsapp(package, name)
    raise SavedFault("the zip is neither a WACZ nor a WhatsApp or Telegram export: unpack it and import what is in it")


def _read_text(body: bytes, name: str, companions: Mapping[str, bytes]) -> Saved:
    text, _, _ = decode(body[:100_000])
    start = text.lstrip("\ufeff \t\r\n")
    folder = SavedFolder({name: body, **companions})
    is_chat = whatsapp.looks_like_chat(text)
    if start[:1] in ("{", "[") and not is_chat:  # a message of iOS begins with a bracket too
        if _is_telegram(body):
            return telegram.read_telegram(folder, [name])
        return [pages.read_page(body)]
    if telegram.is_telegram_html(text):
        return telegram.read_telegram(folder, telegram.find_export(folder) or [name])
    if _MARKUP.search(start[:20_000]):
        return [pages.read_page(body, companions)]
    if is_chat:
        return whatsapp.read_whatsapp(folder, name)
    raise SavedFault(f"it is of a kind that is not read: {_KNOWN}")


def _is_telegram(body: bytes) -> bool:
    try:
        return telegram.is_telegram_json(json.loads(decode(body)[0]))
    except (ValueError, RecursionError):
        return False  # an answer of a site: its reader mends much of what is broken in one
