"""Finding who is named and how they are reached in a text, and blacking that out character for character. # EV-42

What is found: the whole of a name, however it is parted and written, and the usual ways to reach a person. Not found: a
part of a name standing alone, a nickname, a telephone number in words. Who hands a copy over reads it first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from urllib.parse import unquote

BLACK = "\u2588"
"""Stands for each character that was blacked out, so that reasons still point at the words beside it."""
_CUES = (
    r"insta(?:gram)?|telegram|snap(?:chat)?|tik ?tok|skype|wechat|viber|signal|messenger|facebook|whats ?app"
    "|واتس ?اب|واتساب|تلغرام|تيليجرام|انستغ?رام|فيسبوك"
)
_MAIL = (
    # Each run is tried from its start alone and given up whole: else a long one would cost the square of its length.
    r"(?<![\w.+-])[\w.+-]++\s?(?:[@\uff20]|[(\[]\s?at\s?[)\]])\s?(?=[\w-]*[^\W\d])[\w-]{1,63}"
    r"(?:(?:\.|\s?[(\[]\s?dot\s?[)\]]\s?)[\w-]{1,63}){1,5}"
)
_MAILED = re.compile(_MAIL, re.IGNORECASE)
_REACHED = re.compile(
    _MAIL + r"|https?://\S+|www\.\S+"
    r"|(?:wa\.me|t\.me|telegram\.me|(?:api\.|chat\.)?whatsapp\.com|m\.me|(?:instagram|facebook|fb|tiktok)\.com|linktr\.ee)/\S+"
    r"|(?<![\w@-])(?:[\w-]{1,63}\.){1,4}(?:com|net|org|info|biz|shop|store|online|co\.uk)(?!\w)(?:/\S*)?"
    r"|[@\uff20][\w.]{3,}"  # name in a messenger
    rf"|(?<!\w)(?:{_CUES})\s{{0,2}}[:=]\s{{0,2}}\S+",
    re.IGNORECASE,
)
_BETWEEN = r"[\s().\-/+*_~|\u2010-\u2015\u2022\u00b7\u200b-\u200f\u2066-\u2069\u202a-\u202e\ufe0f\u20e3]{0,3}"
"""What may stand between the digits of a telephone number: no comma, which parts sizes and prices."""
_TELEPHONE = re.compile(rf"(?<!\d)\+?\d(?:{_BETWEEN}\d){{7,15}}(?!\d)")
_CALLED = re.compile(
    r"(?<!\w)(?:tel|phone|mobile|mob|call|whats ?app|هاتف|تلي?فون|موبايل|جوال|واتس ?اب)"
    rf"\W{{0,5}}(\d(?:{_BETWEEN}\d){{5,15}})(?!\d)",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?<!\d)(?<!\d[\s.\-/])"
    r"(?:[1-9]\d{3}\s?[-/.\u2013]\s?[1-9]\d{3}|\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{4})"
    r"(?![\s.\-/]?\d)"
)
"""Dates and spans of years, unless more digits follow that would make them part of a number."""
_MOMENT = re.compile(r"(?<!\d)\d{1,4}[./-]\d{1,2}[./-]\d{2,4},?\s{1,3}\d{1,2}:\d\d")
"""A date with its time of day, as a page shows when something ends."""
_PLAIN = re.compile(r"[0-9a-f]{32,}|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
"""A value of ours, of which nothing is blacked out: digest, time."""
_LONG = 10
"""Letters and digits of a name that is looked for inside words too; a shorter one would be found in others' midst."""
_FEWEST_DIGITS = 5
"""Of a name of digits alone; fewer are sizes, weights and years."""
_MARK = r"[\u0300-\u036f\u064b-\u065f\u0670\u0640\u200b-\u200f\u2060\u2066-\u2069\u202a-\u202e\ufeff]*"
_SAME = ("\u0627\u0623\u0625\u0622\u0671", "\u064a\u0649\u0626", "\u0647\u0629", "\u0648\u0624")
"""Arabic letters that are written for each other."""


def contacts(text: str) -> Iterator[tuple[int, int]]:
    """Where a text tells how to reach somebody: e-mail, address, messenger, telephone; [start, end)."""
    for found in _REACHED.finditer(text):
        yield found.span()
    for found in _CALLED.finditer(text):
        yield found.span(1)
    for found in _TELEPHONE.finditer(_DATE.sub(lambda date: "\0" * len(date[0]), text)):
        yield found.span()


def telephones(text: str) -> Iterator[str]:
    """The numbers by which a text says that somebody is called, as written. Dates and spans of years are none."""
    dated = _DATE.sub(lambda date: "\0" * len(date[0]), text)
    yield from (found[1] for found in _CALLED.finditer(dated))
    yield from (found[0] for found in _TELEPHONE.finditer(dated))


def tells_contact(page: str) -> bool:
    """Whether the text of a whole page tells an e-mail address or a telephone number. Most long numbers of one are of
    lots and offers, so only one counts that begins with + or 0 or stands after a word for a telephone.
    """
    if _MAILED.search(page) or _CALLED.search(page):
        return True
    numbers = telephones(_MOMENT.sub(" | ", page))
    return any(one[0] == "+" or unicodedata.decimal(one[0], None) == 0 for one in numbers)


def name_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """What finds any of the names, in any case, with or without accents and signs between words; None for no name."""
    found = sorted({pattern for name in names if (pattern := _name_pattern(name))}, key=len, reverse=True)
    return re.compile("|".join(found), re.IGNORECASE) if found else None


def black_text(text: str, names: re.Pattern[str] | None) -> str:
    """The text with names and contacts blacked out."""
    return text if _PLAIN.fullmatch(text) else black_spans(text, contacts(text), names)


def black_place(text: str, names: re.Pattern[str] | None) -> str:
    """A place as shown: the parts with a digit go (house, street, postcode), the town stays."""
    parts = (found.span() for found in re.finditer(r"[^,;\n\u060c]+", text) if re.search(r"\d", found[0]))
    return black_spans(text, [*parts, *contacts(text)], names)


def black_spans(text: str, spans: Iterable[tuple[int, int]], names: re.Pattern[str] | None) -> str:
    characters = list(text)
    found = names.finditer(text) if names else ()
    for start, end in (*spans, *(one.span() for one in found)):
        characters[start:end] = BLACK * (end - start)
    return "".join(characters)


def _name_pattern(name: str) -> str | None:
    name = re.sub(r"^https?://(?:www\.)?", "", unicodedata.normalize("NFC", unquote(name)))
    words = re.findall(r"[^\W_]+", re.sub(_MARK, "", name))
    signs = "".join(words)
    if signs.isdigit() and len(signs) < _FEWEST_DIGITS:
        return None
    is_without_spaces = any("\u3040" <= sign < "\ud800" for sign in signs)
    if len(signs) < (2 if is_without_spaces else 3):
        return None
    pattern = r"(?:[\W_]|%[0-9a-f]{2}){0,6}".join("".join(map(_sign, word)) for word in words)
    if is_without_spaces or (len(signs) >= _LONG and not signs.isdigit()):
        return pattern
    before, after = (r"\d" if sign.isdigit() else r"[^\W\d_]" for sign in (signs[0], signs[-1]))
    prefix = "[وفبلك]?" if "\u0621" <= signs[0] <= "\u064a" else ""  # "and", "to", "by"
    return rf"(?<!{before}){prefix}{pattern}(?!{after})"


def _sign(sign: str) -> str:
    """A letter or digit as others write it: with accents or without, of another script's digits, marks after it."""
    base = str(unicodedata.decimal(sign)) if sign.isdecimal() else unicodedata.normalize("NFKD", sign)[0].lower()
    same = next((one for one in _SAME if sign in one), "")
    return f"[{sign}{base}{same}{_written_as().get(base, '')}]{_MARK}"


@cache
def _written_as() -> dict[str, str]:
    """Latin letter or digit -> what else it is written as."""
    known: dict[str, str] = {}
    for code in (*range(0xC0, 0x250), *range(0x660, 0x66A), *range(0x6F0, 0x6FA), *range(0x1E00, 0x1F00),
                 *range(0xFF10, 0xFF5B)):  # fmt: skip
        if (sign := chr(code)).isalnum():
            plain = str(unicodedata.decimal(sign)) if sign.isdecimal() else unicodedata.normalize("NFKD", sign)[0]
            known[plain.lower()] = known.get(plain.lower(), "") + sign
    return known
