"""Whether the parts of a bundle tell one story: Object ID, exhibits, decisions, models, provenance, pages, label.

All of it is what somebody who can sign might write otherwise in one place and forget in another.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from crawler.picture_kinds import image_suffix
from evidence.bag import LISTING
from evidence.bundle_files import LARGEST_NOTE, BundleFiles, JsonFault, as_mapping, as_text
from evidence.faults import Fault

PROVENANCE, CARDS, CUSTODY = "data/provenance/case.jsonld", "data/analysis/model-card.json", "data/custody/custody.json"
EXPORTS = "data/custody/case.jsonld"
PAGES = ("index.html", "data/custody/custody.html")
_INFO = "bag-info.txt"
_NOT_STATED = "not stated"
_STARTED = "export.started"
_TOLD_OF_DECISIONS = ("observation", "assessment", "verdict", "next_step", "reason", "supersedes")
_SLOWEST_EXPORT = timedelta(days=1)
_PICTURE = re.compile(r"data/items/\d{3,}/(?:images|screenshots)/[^/]+\.(png|jpg|gif|webp|avif)")
_ACTIVE = frozenset(
    [
        "applet",
        "audio",
        "base",
        "embed",
        "form",
        "frame",
        "iframe",
        "link",
        "math",
        "object",
        "script",
        "svg",
        "template",
        "video",
    ]
)
_LOADED = frozenset(["action", "background", "cite", "data", "formaction", "poster", "src", "srcset", "xlink:href"])
_STYLE_LOADS = re.compile(r"@import|url\s*\(|\\", re.IGNORECASE)


def whole_faults(files: BundleFiles, numbers: list[str], signed_at: str | None) -> Iterator[Fault]:
    """Of the items under these numbers ("001"), and of what is told about them together."""
    events = _mappings(_read(files, CUSTODY).get("events"))
    yield from _item_faults(files, numbers, events)
    for number in numbers:
        yield from _object_id_faults(files, number)
    yield from _statement_faults(files, numbers, events)
    yield from _decision_faults(files, numbers, events)
    yield from _card_faults(files, numbers)
    yield from _provenance_faults(files)
    yield from _exports_faults(files, events)
    yield from _kind_faults(files)
    for page in _pages(files):
        yield from _page_faults(files, page)
    yield from _label_faults(files, events, signed_at)


def copied_faults(files: BundleFiles) -> Iterator[Fault]:
    """The same of a copy with parts left out: what its files are, and its pages."""
    yield from _kind_faults(files)
    for page in _pages(files):
        yield from _page_faults(files, page)


def _pages(files: BundleFiles) -> Iterator[str]:
    """The pages that people read."""
    yield from PAGES
    yield from (name for name in files.sizes if name.startswith("data/items/") and name.endswith(f"/{LISTING}"))


def _item_faults(files: BundleFiles, numbers: list[str], events: list[dict[str, Any]]) -> Iterator[Fault]:
    last, seen = 0, set[str]()
    for place, number in enumerate(numbers, 1):
        name = f"data/items/{number}/item.json"
        item = _read(files, name)
        if number != f"{place:03}":
            yield Fault("place.item", f"it has the number {number} where {place:03} should follow", name)
        if str(item.get("item_id")) in seen:
            yield Fault("place.item", "the bundle holds this item twice", name)
        seen.add(str(item.get("item_id")))
        exhibit = item.get("exhibit")
        if exhibit is None:
            continue
        told = as_mapping(exhibit)
        given = told.get("number")
        shown = as_mapping(as_mapping(item.get("captured_fact")).get("shown"))
        if not isinstance(given, int) or given <= last:
            yield Fault("item.exhibit", f"exhibit {given} does not follow exhibit {last}", name)
        elif shown and told.get("observation") != shown.get("id"):
            yield Fault("item.exhibit", "what is shown is another observation than the one put into the case", name)
        last = given if isinstance(given, int) else last
    listings = {str(event.get("object_id")) for event in events if event.get("object_kind") == "listing"}
    if len(listings) > len(numbers):
        words = f"its entries are about {len(listings)} listings, the bundle holds {len(numbers)}"
        yield Fault("custody.items", words, CUSTODY)


def _object_id_faults(files: BundleFiles, number: str) -> Iterator[Fault]:
    name = f"data/items/{number}/object-id.json"
    record = _read(files, name)
    facts = as_mapping(_read(files, f"data/items/{number}/item.json").get("captured_fact"))
    observations = {str(one.get("id")): one for one in _mappings(facts.get("observations"))}
    shown = observations.get(str(record.get("observation")), {})
    pictures = {(one.get("file"), one.get("url")) for one in _mappings(facts.get("images")) if _is_plain(one)}
    fields = as_mapping(record.get("fields"))
    filled = 0
    for field, told in fields.items():
        value, sources = as_mapping(told).get("value"), _mappings(as_mapping(told).get("sources"))
        filled += bool(sources)
        if (value == _NOT_STATED) is bool(sources):
            yield Fault("item.object-id", f"{field} has a value without a source, or a source without a value", name)
        for source in sources:
            if not _stands(source, shown, pictures):
                yield Fault("item.object-id", f"{field} names a source that does not stand in the listing", name)
                break
        if value != _NOT_STATED and not _says(value, sources, facts):
            yield Fault("item.object-id", f"{field} has another value than its sources say", name)
    figures = as_mapping(record.get("completeness"))
    if fields and figures.get("filled") != filled:
        yield Fault("item.object-id", f"it is told to be more or less complete than it is ({filled} fields)", name)
    statements = _mappings(record.get("statements"))
    texts = {str(one.get("id")): one for one in _mappings(facts.get("observations"))}
    kept = {
        str(one.get("sha256"))
        for key in ("captures", "captures_left_out", "images")
        for one in _mappings(facts.get(key))
    }
    for one in statements:
        if not _rests_on(as_mapping(one.get("source")), texts, kept):
            yield Fault("item.object-id", f"statement {one.get('id')} rests on nothing that the item holds", name)
    last = {str(one.get("field")): one for one in statements}
    for one in statements:
        stands = last[str(one.get("field"))] is one and one.get("value") is not None
        if one.get("stands") is not stands:
            yield Fault("item.object-id", f"statement {one.get('id')} stands, or not, as it is not told", name)
    stated = {field for field, one in last.items() if one.get("value") is not None}
    filled = sum(bool(as_mapping(told).get("sources")) or field in stated for field, told in fields.items())
    if "with_officer" in figures and as_mapping(figures["with_officer"]).get("filled") != filled:
        yield Fault("item.object-id", f"with its statements it fills {filled} fields, and another number is told", name)


def _says(value: Any, sources: list[dict[str, Any]], facts: dict[str, Any]) -> bool:
    """Whether a value is the words of its quotes, or the pictures of its sources; what a page's data say is not told
    with its words, and is left to the reader.
    """
    if sources and all("text" in source for source in sources):
        return bool(value == "; ".join(dict.fromkeys(str(source["text"]) for source in sources)))
    if sources and all("file" in source for source in sources):
        digests = {str(one.get("file")): one.get("sha256") for one in _mappings(facts.get("images"))}
        files = [str(source["file"]) for source in sources]
        return bool(value == [{"file": one, "sha256": digests.get(one)} for one in files])
    return isinstance(value, str)


def _rests_on(source: Mapping[str, Any], texts: Mapping[str, Mapping[str, Any]], kept: set[Any]) -> bool:
    """Whether an officer's statement names words of an observation, a captured picture, or their own examination."""
    if source.get("kind") == "text":
        return _stands(source, texts.get(str(source.get("observation")), {}), set())
    if source.get("kind") == "photo":
        return isinstance(source.get("sha256"), str) and source["sha256"] in kept
    return source.get("kind") == "examination" and bool(source.get("note"))


def _is_plain(picture: Mapping[str, Any]) -> bool:
    return isinstance(picture.get("file"), str) and isinstance(picture.get("url"), str)


def _stands(source: Mapping[str, Any], shown: Mapping[str, Any], pictures: set[tuple[Any, Any]]) -> bool:
    if "text" in source:
        text, start, end = shown.get(str(source.get("field"))), source.get("start"), source.get("end")
        can_tell = isinstance(text, str) and isinstance(start, int) and isinstance(end, int)
        return can_tell and text[start:end] == source["text"] != ""  # type: ignore[index]
    if "file" in source:
        return _is_plain(source) and (source["file"], source["url"]) in pictures
    return isinstance(source.get("page"), str) and source["page"] in map(
        str, as_mapping(shown.get("value_sources")).values()
    )


def _statement_faults(files: BundleFiles, numbers: list[str], events: list[dict[str, Any]]) -> Iterator[Fault]:
    logged = {
        str(about["statement"]): (event.get("actor"), about.get("field"), about.get("digest"))
        for event in events
        if event.get("action") == "described" and "statement" in (about := as_mapping(event.get("details")))
    }
    # Of these listings a rule of retention blacked out what is personal; their words are no longer those of the log.
    masked = {
        str(event.get("object_id"))
        for event in events
        if event.get("action") == "deleted" and as_mapping(event.get("details")).get("kind") == "personal_fields"
    }
    of_listing = {
        str(as_mapping(event.get("details")).get("statement")): str(event.get("object_id"))
        for event in events
        if event.get("action") == "described"
    }
    told: set[str] = set()
    for number in numbers:
        name = f"data/items/{number}/object-id.json"
        for statement in _mappings(_read(files, name).get("statements")):
            one = str(statement.get("id"))
            digest = logged[one][2] if of_listing.get(one) in masked else _statement_digest(statement)
            if one in told:
                yield Fault("item.object-id", f"statement {one} stands there twice", name)
            elif logged.get(one) != (statement.get("by"), statement.get("field"), digest):
                yield Fault("custody.statement", f"the custody log does not tell of statement {one} as it stands", name)
            told.add(one)
    for one in sorted(set(logged) - told):
        yield Fault("custody.statement", f"it tells of statement {one}, which the bundle lacks", CUSTODY)


def _statement_digest(statement: Mapping[str, Any]) -> str:
    """As `storage.object_id` makes it; a verifier needs nothing of the program."""
    parts = [statement.get(name) for name in ("salt", "field", "value", "source")]
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _decision_faults(files: BundleFiles, numbers: list[str], events: list[dict[str, Any]]) -> Iterator[Fault]:
    logged = {
        str(about["decision"]): (event.get("actor"), *(about.get(key) for key in _TOLD_OF_DECISIONS))
        for event in events
        if event.get("action") == "decided" and "decision" in (about := as_mapping(event.get("details")))
    }
    undone = {
        str(as_mapping(event.get("details")).get("decision")): event.get("at")
        for event in events
        if event.get("action") == "decision undone"
    }
    told: set[str] = set()
    for number in numbers:
        name = f"data/decisions/{number}.json"
        for decision in _mappings(_read(files, name).get("decisions")):
            one = str(decision.get("id"))
            by = as_mapping(decision.get("by")).get("name")
            if one in told:
                yield Fault("item.decision", f"decision {one} stands there twice", name)
            elif logged.get(one) != (by, *(decision.get(key) for key in _TOLD_OF_DECISIONS)):
                yield Fault("custody.decision", f"the custody log does not tell of decision {one} as it stands", name)
            elif (decision.get("undone_at") is not None) is not (one in undone):
                yield Fault("custody.decision", f"decision {one} was taken back, or not, as it is not told", name)
            told.add(one)
    for one in sorted(set(logged) - told):
        yield Fault("custody.decision", f"it tells of decision {one}, which the bundle lacks", CUSTODY)


def _card_faults(files: BundleFiles, numbers: list[str]) -> Iterator[Fault]:
    used = set()
    for number in numbers:
        name = f"data/analysis/{number}.json"
        for assessment in _mappings(_read(files, name).get("assessments")):
            used.add(str(assessment.get("model")))
            score = assessment.get("score")
            if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
                yield Fault("item.opinion", f"the score of assessment {assessment.get('id')} is no probability", name)
    if CARDS not in files.sizes:
        yield Fault("place.missing", "it is missing", CARDS)
    elif set(as_mapping(_read(files, CARDS).get("models"))) != used:
        yield Fault("analysis.card", "it is not about the models whose opinions the bundle holds", CARDS)


def _provenance_faults(files: BundleFiles) -> Iterator[Fault]:
    told: dict[str, str] = {}
    graph = _mappings(_read(files, PROVENANCE).get("@graph"))
    for facets in (_mappings(node.get("core:hasFacet")) for node in graph if node.get("@type") == "observable:File"):
        path = next((str(facet["observable:filePath"]) for facet in facets if "observable:filePath" in facet), "")
        hashes = [one for facet in facets for one in _mappings(facet.get("observable:hash"))]
        value = as_mapping(hashes[0].get("types:hashValue")).get("@value") if hashes else None
        told[path] = str(value).lower()
    for path, digest in told.items():
        if path not in files.sizes or files.sha256(path) != digest:
            yield Fault("provenance.file", f"it tells of {path} with a digest that is not that of the file", PROVENANCE)
    if graph and not any(path.endswith(".wacz") for path in told):
        yield Fault("provenance.file", "it tells of no capture", PROVENANCE)


def _exports_faults(files: BundleFiles, events: list[dict[str, Any]]) -> Iterator[Fault]:
    """The graph of exports tells of those that the log tells of, with recipient and digest, and of no other."""
    graph = _mappings(_read(files, EXPORTS).get("@graph"))
    names = {str(node.get("@id")): node.get("core:name") for node in graph}

    def name_of(node: dict[str, Any], key: str) -> Any:
        return names.get(str(as_mapping(node.get(key)).get("@id")))

    told = Counter(
        (
            str(name_of(node, "action:performer")),
            str(node.get("core:name")),
            str(as_mapping(node.get("action:startTime")).get("@value")),
            str(name_of(node, "action:participant")),
        )
        for node in graph
        if node.get("@type") == "investigation:InvestigativeAction"
    )
    exports = [event for event in events if event.get("object_kind") == "export"]
    details = [as_mapping(event.get("details")) for event in exports]
    logged = Counter(
        (
            str(event.get("actor")),
            str(event.get("action")),
            str(event.get("at")),
            f"recipient: {given['recipient']}" if given.get("recipient") else "None",
        )
        for event, given in zip(exports, details, strict=True)
    )
    if told != logged:
        yield Fault("provenance.exports", "it tells of other exports or recipients than the custody log", EXPORTS)
    facets = [facet for node in graph for facet in _mappings(node.get("core:hasFacet"))]
    hashes = [one for facet in facets for one in _mappings(facet.get("observable:hash"))]
    shown = Counter(str(as_mapping(one.get("types:hashValue")).get("@value")).lower() for one in hashes)
    if shown != Counter(str(given["sha256"]) for given in details if given.get("sha256")):
        yield Fault("provenance.exports", "it tells of bundles with other digests than the custody log", EXPORTS)


def _kind_faults(files: BundleFiles) -> Iterator[Fault]:
    for name in files.sizes:
        if match := _PICTURE.fullmatch(name):
            # Of any kind: sites serve one as another, and the name has theirs.
            if image_suffix(_head(files, name)) is None:
                yield Fault("place.kind", f"it is called .{match[1]} and is no picture", name)
        elif name.endswith(".pdf") and not _head(files, name).startswith(b"%PDF-"):
            yield Fault("place.kind", "it is called .pdf and is none", name)


def _head(files: BundleFiles, name: str) -> bytes:
    with files.open(name) as file:
        return file.read(16)


class _Page(HTMLParser):
    """What in a page runs, or loads from elsewhere."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: Counter[str] = Counter()
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        if tag in _ACTIVE:
            self.found[f"<{tag}>"] += 1
        for name, value in attrs:
            text = "".join((value or "").split()).lower()
            elsewhere = re.match(r"[a-z][a-z0-9+.-]*:|//|\\", text) is not None
            plain_link = tag == "a" and name == "href" and text.startswith(("http://", "https://"))
            refreshes = tag == "meta" and name == "http-equiv" and text != "content-security-policy"
            loads = (name in _LOADED or (name == "href" and not plain_link)) and elsewhere
            if name.startswith("on") or refreshes or loads or (name == "style" and _STYLE_LOADS.search(value or "")):
                self.found[f"{name}= of <{tag}>"] += 1

    def handle_endtag(self, tag: str) -> None:
        self.in_style = self.in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self.in_style and _STYLE_LOADS.search(data):
            self.found["style that loads"] += 1


def _page_faults(files: BundleFiles, name: str) -> Iterator[Fault]:
    if name not in files.sizes:
        return
    data = files.read(name)
    text = as_text(data) if data is not None else None
    if text is None:
        yield Fault("page.plain", "it is too long or not UTF-8", name)
        return
    page = _Page()
    page.feed(text)
    page.close()
    if page.found:
        yield Fault("page.plain", f"it runs something or loads from elsewhere: {', '.join(sorted(page.found))}", name)


def _label_faults(files: BundleFiles, events: list[dict[str, Any]], signed_at: str | None) -> Iterator[Fault]:
    """What bag-info.txt says of the export, against the log and the signature."""
    text = as_text(files.read(_INFO, LARGEST_NOTE) or b"") or ""
    labels = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    bundle = labels.get("External-Identifier", "").removeprefix("urn:uuid:")
    started = {e.get("object_id") for e in events if e.get("object_kind") == "export" and e.get("action") == _STARTED}
    if events and bundle not in started:
        yield Fault("bag.export", "the custody log does not tell of the export that External-Identifier names", _INFO)
    at = labels.get("Relicwatch-Exported-At", "")
    try:
        exported = datetime.fromisoformat(at)
        far = signed_at is not None and abs(datetime.fromisoformat(signed_at) - exported) > _SLOWEST_EXPORT
    except (ValueError, TypeError):
        far = True
    if far or labels.get("Bagging-Date") != at[:10]:
        yield Fault("bag.export", "the time of export is not that of the signature, or is told in two ways", _INFO)


def _read(files: BundleFiles, name: str) -> dict[str, Any]:
    try:
        return as_mapping(files.json(name))
    except JsonFault:
        return {}  # told as json.form or place.missing


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [as_mapping(one) for one in value] if isinstance(value, list) else []
