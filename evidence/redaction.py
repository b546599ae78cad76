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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Literal, get_args

from crawler.blackening import BLACK, black_place, black_spans, black_text, name_pattern
from evidence.picture_metadata import NotCleanable, clean

FORMAT = "relicwatch-redaction-2"
REDACTION = "redaction.json"
"""Below `data/`: what was left out and changed, by the hash that it has in the original."""
LABEL = "Relicwatch-Derived-From"
"""Label of bag-info.txt: the original's bundle id and the SHA-256 of its tag manifest."""
CHANGEABLE = ("item.json", "object-id.json", "observations.json")
Part = Literal["seller", "captures", "analysis", "statements", "decisions", "custody"]
"""What may be left out: the seller's names and numbers, captured pages and screenshots, machine opinion, what officers
state of the object, decisions of people, the custody log."""
PARTS: tuple[Part, ...] = get_args(Part)
SALT = "salt"
_NO_DIGEST = BLACK * 8
REMOVED_FILES: dict[Part, re.Pattern[str]] = {
    "captures": re.compile(r"data/items/\d{3,}/(?:capture|screenshots|derived|stamps)/.*|data/provenance/.*"),
    "analysis": re.compile(r"data/analysis/.*"),
    "decisions": re.compile(r"data/decisions/.*"),
    "custody": re.compile(r"data/custody/.*|data/provenance/.*"),
    "seller": re.compile(r"(?!)"),
    "statements": re.compile(r"(?!)"),
}
"""Files of the original that are left out whole, by part; with the seller, pictures that are not the listing's too."""
PICTURES = re.compile(r"data/items/\d{3,}/images/.*")
_OURS = frozenset(
    (
        "format", "demo", "item_id", "id_space", "site_item_id", "market", "url_asked", "final_url", "canonical_url",
        "file", "sha256", "commit", "version", "config_sha256", "field", "id", "model", "rule", "band", "language",
        "basis", "verdict", "next_step", "role", "kind", "state", "method", "media_type", "price", "currency",
        "estimate_low", "estimate_high", "starting_bid", "current_bid", "weight_grams", "availability", "ends_at",
        "law", "list", "category", "country", "claim", "result",
    )
)  # fmt: skip
"""Names of values that are ours or the listing's own address and figures. In every other string people may be named."""
_ADDRESSES = frozenset(("url", "image_urls", "added", "removed"))
"""Of pictures, mostly: the names are blacked out of them, and digits are left."""
Texts = Mapping[str, Mapping[str, Any]]
"""Observation by its number as text, as in the original: what quotes are cut out of."""


def salted(record: dict[str, Any], secret: bytes) -> dict[str, Any]:
    """The record with a salt that none but the holder of secret or bundle knows; the same for the same record."""
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return {**record, SALT: hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]}


@dataclass(frozen=True, slots=True)
class CleanedPicture:
    """A picture of which metadata was cut out: what it was and is."""

    original_sha256: str
    sha256: str
    bytes: int
    removed: tuple[str, ...]


def cleaned_pictures(
    paths: Iterable[str], read: Callable[[str], bytes | None]
) -> tuple[dict[str, CleanedPicture], frozenset[str]]:
    """Of the pictures among the files of an original: those that a copy without sellers holds with their metadata cut
    out, and those that no one can cut for certain, which are left out of it. Read one by one.
    """
    cleaned: dict[str, CleanedPicture] = {}
    refused: set[str] = set()
    for path in filter(PICTURES.fullmatch, paths):
        data = read(path)
        try:
            now = clean(data) if data is not None else None
        except NotCleanable:
            now = None
        if data is None or now is None:
            refused.add(path)
        elif now.removed:
            before, after = (hashlib.sha256(one).hexdigest() for one in (data, now.data))
            cleaned[path] = CleanedPicture(before, after, len(now.data), now.removed)
    return cleaned, frozenset(refused)


def with_pictures(
    path: str, record: dict[str, Any], cleaned: Mapping[str, CleanedPicture], gone: frozenset[str]
) -> dict[str, Any]:
    """An item's JSON record with the digests and sizes that its pictures have in the copy, and without those left out.

    `path`: of the record.
    """
    folder = path.rpartition("/")[0]

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(one) for one in value if f"{folder}/{_mapping(one).get('file')}" not in gone]
        if not isinstance(value, dict):
            return value
        told = {key: changed(one) for key, one in value.items()}
        now = cleaned.get(f"{folder}/{value.get('file')}")
        if now is not None and value.get("sha256") == now.original_sha256:
            told["sha256"] = now.sha256
            if "bytes" in told:
                told["bytes"] = now.bytes
        return told

    result: dict[str, Any] = changed(record)
    return result


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
    record: dict[str, Any], withheld: frozenset[Part], names: frozenset[str], texts: Texts | None = None
) -> tuple[dict[str, Any], list[str]]:
    """A copy of a bundle's JSON record with what is withheld removed, and the places (RFC 6901) that were changed.

    `names`: of sellers, blacked out wherever a text holds them. `texts`: what the record's quotes are cut out of, so
    that a quote of half a name is blacked out as the name is.
    """
    result, changed = without_parts(record, withheld)
    if "seller" in withheld:
        pattern = name_pattern(names)
        changed += _cut_again(result, _Blackened(texts or {}, pattern))
        changed += _blackened(result, pattern)
    return result, list(dict.fromkeys(changed))


def without_parts(record: dict[str, Any], withheld: frozenset[Part]) -> tuple[dict[str, Any], list[str]]:
    """The same, texts left as they are: what can be told without knowing the names."""
    result = copy.deepcopy(record)
    changed: list[str] = []
    if result.pop(SALT, None) is not None:
        changed.append(f"/{SALT}")
    changed += _without_statements(result) if "statements" in withheld else _without_their_salts(result)
    if "seller" in withheld:
        changed += _without_other_pictures(result)
        changed += _without_sellers(result)
    if "captures" in withheld:
        changed += _without_captures(result)
    return result, changed


def seller_names(item: dict[str, Any]) -> frozenset[str]:
    """What an item's sellers are called and numbered."""
    facts = _mapping(item.get("captured_fact"))
    told = [_mapping(facts.get("shown")), *map(_mapping, _list(facts.get("observations")))]
    values = [value for one in told for value in _mapping(one.get("seller")).values()]
    return frozenset(value for value in values if isinstance(value, str))


def observed_texts(item: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the quotes about an item are cut out of. Numbers of observations are those of the installation."""
    return {
        str(one.get("id")): one for one in map(_mapping, _list(_mapping(item.get("captured_fact")).get("observations")))
    }


def _without_statements(record: dict[str, Any]) -> list[str]:
    changed = []
    if record.get("statements"):
        record["statements"] = []
        changed.append("/statements")
    figures = _mapping(record.get("completeness"))
    if figures.get("with_officer") is not None:
        figures["with_officer"] = None
        changed.append("/completeness/with_officer")
    return changed


def _without_their_salts(record: dict[str, Any]) -> list[str]:
    told = [_mapping(one) for one in _list(record.get("statements"))]
    return [f"/statements/{number}/{SALT}" for number, one in enumerate(told) if one.pop(SALT, None) is not None]


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
            elif key == "digest" and "seller" in record:
                # Of the observation, over the seller's name too: who knows the rest could find the name by trying.
                if value != _NO_DIGEST:
                    record[key] = _NO_DIGEST
                    changed.append(place)
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


@dataclass(frozen=True, slots=True)
class _Blackened:
    """Texts that quotes are cut out of, each blackened once however many quotes it has."""

    texts: Texts
    names: re.Pattern[str] | None
    known: dict[tuple[str, str], str] = dataclass_field(default_factory=dict)

    def quote(self, of: str, reason: dict[str, Any]) -> str | None:
        """The reason's words as they stand in the blackened text; None where they are not out of it."""
        name, start, end = str(reason.get("field")), reason.get("start"), reason.get("end")
        text = _mapping(self.texts.get(of)).get(name)
        if not isinstance(text, str) or not isinstance(start, int) or not isinstance(end, int):
            return None
        if text[start:end] != reason.get("text"):
            return None
        if (of, name) not in self.known:
            self.known[of, name] = black_field(name, text, self.names)
        return self.known[of, name][start:end]


def _cut_again(record: Any, texts: _Blackened, of: str = "", at: str = "") -> list[str]:
    """Quotes out of the blackened text in place of those out of the text; with a seller's field, nothing stays."""
    changed: list[str] = []
    if isinstance(record, dict):
        of = str(record.get("observation", of))
        quote, field = record.get("text"), str(record.get("field"))
        if isinstance(quote, str) and quote.strip(BLACK):
            black = BLACK * len(quote) if field.startswith("seller") else texts.quote(of, record) or quote
            if black != quote:
                record["text"] = black
                changed.append(f"{at}/text")
        sources = [dict(one) for one in map(_mapping, _list(record.get("sources")) or [record.get("source")])]
    entries = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    for key, value in entries:
        changed += _cut_again(value, texts, of, f"{at}/{_pointer(str(key))}")
    if isinstance(record, dict) and isinstance(record.get("value"), str) and sources:
        # The words of a field of the Object ID are those of its quotes, and so may be what an officer states.
        told = "; ".join(dict.fromkeys(str(one.get("text")) for one in sources))
        left = record.get("sources") or [record.get("source")]
        now = "; ".join(dict.fromkeys(str(_mapping(one).get("text")) for one in left))
        if record["value"] == told and now != told:
            record["value"] = now
            changed.append(f"{at}/value")
    return changed


def _blackened(record: Any, names: re.Pattern[str] | None, at: str = "", of: str = "", field: str = "") -> list[str]:
    """`of`: the name of the list that the record is; `field`: what a change before and after is of."""
    changed: list[str] = []
    if isinstance(record, dict) and isinstance(record.get("field"), str):
        field = record["field"]
    entries = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    for key, value in entries:
        place = f"{at}/{_pointer(str(key))}"
        name = str(key) if isinstance(record, dict) else of
        if isinstance(value, str):
            kind = field if name in ("before", "after") and field else name
            black = black_field(kind, value, names)
            if black != value:
                record[key] = black
                changed.append(place)
        else:
            changed += _blackened(value, names, place, name, field)
    return changed


def black_field(name: str, text: str, names: re.Pattern[str] | None) -> str:
    """The value of this name with names and contacts blacked out, as far as they can stand in such a value."""
    if name in _OURS:
        return text
    if name == "location":
        return black_place(text, names)
    return black_spans(text, (), names) if name in _ADDRESSES else black_text(text, names)


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
