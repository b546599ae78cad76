"""What is left out of a derived copy, field by field and file by file; the original bundle stays whole. # EV-42

A file that is left out or changed is named with the SHA-256 that it has in the original. Such a digest tells nobody
what was removed: each file that can be changed holds a secret `salt`, so that a name or telephone number cannot be
found by trying, and the holder of the original can still prove what stood there.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args

FORMAT = "relicwatch-redaction-1"
REDACTION = "redaction.json"
"""Below `data/`: what was left out and changed, by the hash that it has in the original."""
LABEL = "Relicwatch-Derived-From"
"""Label of bag-info.txt: the original's bundle id and the SHA-256 of its tag manifest."""
CHANGEABLE = ("item.json", "object-id.json", "observations.json")
Part = Literal["seller", "captures", "analysis", "decisions", "custody"]
"""What may be left out: the seller's names and numbers, captured pages and screenshots, machine opinion, decisions of
people, the custody log."""
PARTS: tuple[Part, ...] = get_args(Part)
SALT = "salt"
BLACK = "\u2588"
"""Stands for each character that was blacked out, so that reasons still point at the words beside it."""
REMOVED_FILES: dict[Part, re.Pattern[str]] = {
    "captures": re.compile(r"data/items/\d{3,}/(?:capture|screenshots|derived|stamps)/.*|data/provenance/.*"),
    "analysis": re.compile(r"data/analysis/.*"),
    "decisions": re.compile(r"data/decisions/.*"),
    "custody": re.compile(r"data/custody/.*|data/provenance/.*"),
    "seller": re.compile(r"(?!)"),
}
"""Files of the original that are left out whole, by part; with the seller, pictures that are not the listing's too."""
PICTURES = re.compile(r"data/items/\d{3,}/images/.*")
_TEXTS = frozenset(
    (
        "title",
        "description",
        "note",
        "reason",
        "text",
        "quote",
        "value",
        "before",
        "after",
        "location",
        "words",
        "asked",
    )
)
"""Names of values in which people write, and may write how to reach somebody."""
_CONTACT = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # e-mail
    r"|(?:https?://)?(?:wa\.me|t\.me|api\.whatsapp\.com|m\.me|instagram\.com|facebook\.com|fb\.com)/\S+"
    r"|(?<![\w@])@[A-Za-z0-9_.]{3,}"  # name in a messenger
    r"|(?<![\w.,])(?:\+|00)?\d(?:[\s().\-/]{0,2}\d){7,14}(?![\w,])"  # telephone, in any script's digits
)
_DATE = re.compile(r"\d{4}\s?[-/.]\s?\d{4}|\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{4}.*")


def salted(record: dict[str, Any], secret: bytes) -> dict[str, Any]:
    """The record with a salt that none but the holder of secret or bundle knows; the same for the same record."""
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return {**record, SALT: hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]}


def is_changeable(path: str) -> bool:
    """Whether a file of the payload may hold what is withheld beside what is not."""
    if path.startswith(("data/analysis/", "data/decisions/")):
        return path.endswith(".json") and not path.endswith("/model-card.json")
    return path.startswith("data/items/") and path.count("/") == 3 and path.rpartition("/")[2] in CHANGEABLE


def is_left_out(path: str, withheld: frozenset[Part]) -> bool:
    """Whether a file of the original has no place in the copy."""
    return any(REMOVED_FILES[part].fullmatch(path) for part in withheld)


def other_pictures(folder: str, item: dict[str, Any]) -> frozenset[str]:
    """Pictures of an item that are not the listing's own, and may show its seller or others: paths in the bundle."""
    images = _list(_mapping(item.get("captured_fact")).get("images"))
    return frozenset(f"{folder}/{_mapping(one).get('file')}" for one in images if not _is_own(one))


def redact(
    record: dict[str, Any], withheld: frozenset[Part], names: frozenset[str]
) -> tuple[dict[str, Any], list[str]]:
    """A copy of a bundle's JSON record with what is withheld removed, and the places (RFC 6901) that were changed.

    `names`: of sellers, blacked out wherever a text holds them.
    """
    result = copy.deepcopy(record)
    changed: list[str] = []
    if result.pop(SALT, None) is not None:
        changed.append(f"/{SALT}")
    if "seller" in withheld:
        changed += _without_other_pictures(result)
        changed += _without_sellers(result)
        changed += _blackened(result, names)
    if "captures" in withheld:
        changed += _without_captures(result)
    return result, changed


def seller_names(item: dict[str, Any]) -> frozenset[str]:
    """What an item's sellers are called and numbered, where long enough to be looked for in a text."""
    facts = _mapping(item.get("captured_fact"))
    told = [_mapping(facts.get("shown")), *map(_mapping, _list(facts.get("observations")))]
    values = [value for one in told for value in _mapping(one.get("seller")).values()]
    return frozenset(value for value in values if isinstance(value, str) and len(value) >= 3)


def contacts(text: str) -> Iterator[tuple[int, int]]:
    """Where a text tells how to reach somebody: e-mail, messenger, telephone; [start, end)."""
    for found in _CONTACT.finditer(text):
        digits = sum(character.isdigit() for character in found[0])
        if "@" in found[0] or "/" in found[0] or (digits >= 8 and not _DATE.fullmatch(found[0].strip())):
            yield found.span()


def _without_sellers(record: Any, at: str = "") -> list[str]:
    changed: list[str] = []
    if isinstance(record, dict):
        for key, value in record.items():
            place = f"{at}/{_pointer(key)}"
            if key == "seller" and isinstance(value, dict):
                for name in value:
                    if value[name] is not None:
                        value[name] = None
                        changed.append(f"{place}/{_pointer(name)}")
            elif key == "changes" and isinstance(value, list):
                for number, one in enumerate(value):
                    if isinstance(one, dict) and str(one.get("field")).startswith("seller"):
                        for name in ("before", "after"):
                            if one.get(name) is not None:
                                one[name] = None
                                changed.append(f"{place}/{number}/{name}")
            else:
                changed += _without_sellers(value, place)
    elif isinstance(record, list):
        for number, value in enumerate(record):
            changed += _without_sellers(value, f"{at}/{number}")
    return changed


def _blackened(record: Any, names: frozenset[str], at: str = "") -> list[str]:
    changed: list[str] = []
    entries = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    for key, value in entries:
        place = f"{at}/{_pointer(str(key))}"
        if isinstance(value, str) and (isinstance(record, list) or key in _TEXTS):
            black = _black_text(value, names)
            if black != value:
                record[key] = black
                changed.append(place)
        else:
            changed += _blackened(value, names, place)
    return changed


def _black_text(text: str, names: frozenset[str]) -> str:
    if re.match(r"(?:https?|urn):", text) or re.fullmatch(r"[0-9a-f]{32,}", text):
        return text
    spans = [*contacts(text)]
    for name in names:
        spans += [found.span() for found in re.finditer(re.escape(name), text, re.IGNORECASE)]
    for start, end in spans:
        text = text[:start] + BLACK * (end - start) + text[end:]
    return text


def _without_other_pictures(record: dict[str, Any]) -> list[str]:
    facts = _mapping(record.get("captured_fact"))
    images = _list(facts.get("images"))
    own = [one for one in images if _is_own(one)]
    if len(own) == len(images):
        return []
    facts["images"] = own
    return ["/captured_fact/images"]


def _is_own(image: Any) -> bool:
    return _mapping(image).get("of_listing") is not False


def _without_captures(record: dict[str, Any]) -> list[str]:
    facts = record.get("captured_fact")
    if not isinstance(facts, dict):
        return []
    captures = _list(facts.get("captures"))
    pictures = [one for one in captures if str(_mapping(one).get("file")).startswith("images/")]
    left: dict[str, Any] = {"captures": pictures, "captures_left_out": [], "redirects": [], "surroundings": None}
    changed = []
    for name, value in left.items():
        if facts.get(name) != value and facts.get(name):
            facts[name] = value
            changed.append(f"/captured_fact/{name}")
    return changed


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
