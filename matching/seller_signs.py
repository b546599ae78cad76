"""Signs by which a seller may be known again, read out of a listing's text, and their keyed hashes.

Only the hashes are stored. Their secret is the home's own, so that nobody who has the table alone can try out all
telephone numbers; two homes' tables cannot be joined.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from crawler.blackening import telephones
from crawler.errors import RelicwatchError
from crawler.home import Home

KEY_NAME = "seller-signs.key"
SENTENCE_LEAST = 40
"""Letters and digits: shorter sentences are said by everybody."""
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_MESSENGER = re.compile(
    r"(?:t\.me/|telegram|whats\s?app|viber|signal|wechat|line id|instagram|واتساب|واتس|تلغرام|تيليجرام)"
    r"\s*[:：/@]*\s*(@?[a-z][a-z0-9_.]{3,31})",
    re.IGNORECASE,
)
_FEWEST_DIGITS = 9
_BEGUN = re.compile(r"\+|(?<![\d.,])0")
_HANDLE_WORDS = frozenset({"only", "number", "contact", "available", "here", "please", "message", "group", "channel"})
_SENTENCE_END = re.compile(r"[.!?؟。\n\r]+")


class SignSecretError(RelicwatchError):
    """The home's secret for seller signs cannot be read or made."""


@dataclass(frozen=True, slots=True)
class Sign:
    """`kind`: phone, email, messenger, sentence, photo or place; `value` normalised, never stored."""

    kind: str
    value: str


def read_signs(title: str | None, description: str | None, location: str | None = None) -> set[Sign]:
    """What a listing's text shows of its seller: contacts, long sentences, and where it is sent from."""
    text = unicodedata.normalize("NFKC", "\n".join(part for part in (title, description) if part))
    text = "".join(str(unicodedata.digit(sign)) if sign.isdigit() else sign for sign in text)
    signs = {Sign("email", found.group().lower().rstrip(".")) for found in _EMAIL.finditer(text)}
    without = _EMAIL.sub(" ", text)
    signs |= {Sign("phone", phone) for found in telephones(without) if (phone := _phone(found)) is not None}
    for found in _MESSENGER.finditer(without):
        handle = found.group(1).lstrip("@").rstrip(".").lower()
        if len(handle) >= 4 and handle not in _HANDLE_WORDS:
            signs.add(Sign("messenger", handle))
    body = unicodedata.normalize("NFKC", description or "")
    for sentence in _SENTENCE_END.split(body):
        folded = " ".join(re.findall(r"\w+", sentence.casefold()))
        if len(folded.replace(" ", "")) >= SENTENCE_LEAST and not any(sign.isdigit() for sign in folded):
            signs.add(Sign("sentence", folded))
    if location and location.strip():
        signs.add(Sign("place", " ".join(location.casefold().split())))
    return signs


def _phone(text: str) -> str | None:
    """The last nine digits: national and international spelling of one number meet there.

    None for what may as well be a lot, an inventory or a measure: a sign of a seller must be a telephone's, which is
    written with its country or its leading nought.
    """
    begun = _BEGUN.search(text)
    digits = re.sub(r"\D", "", text[begun.start() :]) if begun else ""
    return digits[-9:] if len(digits) >= _FEWEST_DIGITS else None


def sign_digest(secret: bytes, sign: Sign) -> str:
    return hmac.new(secret, f"{sign.kind}\0{sign.value}".encode(), hashlib.sha256).hexdigest()


def pseudonym(secret: bytes, id_space: str, native_id: str) -> str:
    """A seller's name in statistics: the same in one home, nothing outside it."""
    return "seller-" + sign_digest(secret, Sign("pseudonym", f"{id_space}\0{native_id}"))[:10]


def home_secret(home: Home) -> bytes:
    """32 bytes that only this home knows, made when first asked for. Raises SignSecretError."""
    path = home.keys / KEY_NAME
    try:
        if not path.exists():
            _make_secret(path)
        secret = path.read_bytes()
    except OSError as error:
        raise SignSecretError(f"The secret {path} cannot be read or made ({error.strerror}).") from error
    if len(secret) != 32:
        raise SignSecretError(f"The secret {path} has {len(secret)} bytes where 32 belong: restore it from a backup.")
    return secret


def _make_secret(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{KEY_NAME}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        return  # another process made it in the meantime; its secret is the one
    finally:
        temporary.unlink()
