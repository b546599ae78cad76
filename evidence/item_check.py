"""Whether `item.json` tells the story of the WARC records and files beside it: whatever a bundle holds twice.

What only `item.json` says (values read from the page, opinions, decisions) is the signer's word and not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from evidence.bag import LISTING
from evidence.bundle_files import BundleFiles, JsonFault, as_mapping
from evidence.faults import Fault
from evidence.wacz_check import WaczCheck
from evidence.warc_reading import WarcRecord, label_sha256

DECODED_NOTE = "decoded by the browser"
_MOST_HOPS = 30
_REPORT = "capture_report"
SAVED_FILE_URN = "urn:relicwatch-saved:"
"""How the address of a record begins that holds a file as a person handed it over."""
_DERIVED_URN = re.compile(r"urn:relicwatch:([a-z_]+):(.*)", re.DOTALL)
_DIRECTORIES = {
    "screenshot": "screenshots",
    "screenshot_viewport": "screenshots",
    "image": "images",
    "saved_photo": "images",
    "thumbnail": "images",
}
OWN_FILES = frozenset({"item.json", "object-id.json", "observations.json", "capture/001.wacz", LISTING})
"""Files of an item's directory that item.json need not name."""
_PAGE_TYPES = ("response", "revisit", "resource")

Rows = Mapping[str, dict[str, Any]]
"""Captures by their number as text."""


def item_faults(
    files: BundleFiles, folder: str, names: Sequence[str], wacz: WaczCheck, *, told_demo: bool
) -> Iterator[Fault]:
    """What is wrong with `folder/item.json`, which must name each of the folder's own files `names`."""
    try:
        item = as_mapping(files.json(f"{folder}/item.json"))
    except JsonFault as fault:
        yield Fault("json.form", f"it {fault}")
        return
    facts = as_mapping(item.get("captured_fact"))
    captures = _mappings(facts.get("captures"))
    if not captures:
        yield Fault("item.form", "it names no capture")
        return
    if item.get("demo") is not False and not told_demo:
        yield Fault("item.demo", "it is of a demo listing, and bag-info.txt does not say so")
    rows = {str(row.get("id")): row for row in captures}
    if len(rows) != len(captures):
        yield Fault("item.form", "it names two captures by one number")
    left_out = {str(row.get("id")): row for row in _mappings(facts.get("captures_left_out"))}
    yield from _record_faults(captures, wacz)
    yield from _resource_faults([*captures, *left_out.values()], wacz)
    yield from _summary_faults(facts, rows, {**left_out, **rows})
    yield from _redirect_faults(facts, rows, wacz)
    yield from _state_faults(facts, captures, left_out)
    yield from _page_faults(facts, wacz)
    yield from _surroundings_faults(files, folder, facts, rows)
    named: set[str] = set()
    for capture in captures:
        if "file" in capture:
            named.add(str(capture["file"]))
            yield from _derivative_faults(files, folder, capture)
    for image in _mappings(facts.get("images")):
        named.add(str(image.get("file")))
        label = f"picture of capture {image.get('capture')}"
        yield from file_faults(files, folder, label, image)
        yield from _image_faults(label, image, rows, wacz)
    for name in names:
        if name not in named and name not in OWN_FILES and not name.startswith("stamps/"):
            yield Fault("item.unnamed", f"it does not name {name}")


def moment_of(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def number_of(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [as_mapping(one) for one in value] if isinstance(value, list) else []


# -- captures that are records of the WACZ ----------------------------------------------------------------------


def _record_faults(captures: Sequence[dict[str, Any]], wacz: WaczCheck) -> Iterator[Fault]:
    methods = _methods(wacz)
    used: set[tuple[str, int]] = set()
    for capture in captures:
        label = f"capture {capture.get('id')}"
        if "file" in capture:
            if capture.get("kind") == "exchange":
                yield Fault("item.kind", f"{label} is an exchange with a file in place of its WARC record")
            continue
        record = _record_of(capture, wacz)
        if record is None:
            yield Fault("item.record", f"{label} is at no record of the WACZ")
            continue
        used.add((str(capture.get("warc")), number_of(capture.get("offset"))))
        for rule, name in _differences(capture, record, methods):
            yield Fault(rule, f"{label} has another {name} than its WARC record")
    yield from _unnamed_records(wacz, used)


def _record_of(capture: Mapping[str, Any], wacz: WaczCheck) -> WarcRecord | None:
    return wacz.records.get((str(capture.get("warc")), number_of(capture.get("offset"))))


def _methods(wacz: WaczCheck) -> dict[str, str]:
    """Request method by the id of the record that answers it."""
    return {
        record.headers.get("warc-concurrent-to", ""): record.http_head.partition(b" ")[0].decode("latin-1")
        for record in wacz.records.values()
        if record.type == "request"
    }


def _differences(capture: dict[str, Any], record: WarcRecord, methods: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What item.json says of a capture otherwise than its WARC record does: rule and word for it."""
    if record.uri != capture.get("url"):
        yield "item.url", "address"
    if _payload_digest(record) != capture.get("sha256"):
        yield "item.digest", "digest"
    if moment_of(record.date) is None or moment_of(record.date) != moment_of(capture.get("captured_at")):
        yield "item.time", "time"
    if record.headers.get("warc-ip-address") != capture.get("server_ip"):
        yield "item.server", "server address"
    if record.headers.get("warc-truncated") != capture.get("truncated"):
        yield "item.kind", "word on being cut short"
    if record.type != "revisit" and record.payload_bytes != capture.get("bytes"):
        yield "item.size", "size"
    if (record.type in ("response", "revisit")) is not (capture.get("kind") == "exchange"):
        yield "item.kind", "kind"
    if capture.get("kind") != "exchange":
        return
    if (record.http_status or 0) != (capture.get("status") or 0):
        yield "item.status", "status"
    if methods.get(record.id) != capture.get("method"):
        yield "item.method", "method"
    if (record.headers.get("warc-relicwatch-note") == DECODED_NOTE) is not capture.get("decoded_by_browser"):
        yield "item.kind", "word on who decoded it"


def _payload_digest(record: WarcRecord) -> str | None:
    return label_sha256(record.headers.get("warc-payload-digest"))


def _unnamed_records(wacz: WaczCheck, used: set[tuple[str, int]]) -> Iterator[Fault]:
    """Every answer in the WACZ must be a capture, but for one that stands there for a revisit's payload."""
    targets = {record.headers.get("warc-refers-to") for record in wacz.records.values() if record.type == "revisit"}
    for (name, offset), record in wacz.records.items():
        if record.type in ("response", "revisit") and (name, offset) not in used and record.id not in targets:
            yield Fault(
                "item.unnamed", f"it does not name the record of {record.uri} at byte {offset} of archive/{name}"
            )


def _resource_faults(captures: Sequence[dict[str, Any]], wacz: WaczCheck) -> Iterator[Fault]:
    """A derivative kept in the WARC too (DOM, capture report) must be a capture of that kind, address, time, digest."""
    told = {
        (str(row.get("kind")), str(row.get("url")), moment_of(row.get("captured_at")), str(row.get("sha256")))
        for row in captures
    }
    for (name, offset), record in wacz.records.items():
        found = _DERIVED_URN.fullmatch(record.uri) if record.type == "resource" else None
        if found and (found[1], found[2], moment_of(record.date), _payload_digest(record)) not in told:
            yield Fault(
                "item.unnamed",
                f"it does not tell of the {found[1]} at byte {offset} of archive/{name} as that record does",
            )


# -- captures that are files ------------------------------------------------------------------------------------


def _derivative_faults(files: BundleFiles, folder: str, capture: dict[str, Any]) -> Iterator[Fault]:
    label, kind = f"capture {capture.get('id')}", str(capture.get("kind"))
    yield from file_faults(files, folder, label, capture)
    name = f"{_DIRECTORIES.get(kind, 'derived')}/{kind.replace('_', '-')}-"
    if not re.fullmatch(re.escape(name) + r"\d{3,}\.[a-z0-9]+", str(capture.get("file"))):
        yield Fault("item.kind", f"{label} is of the kind {kind}, and its file is named as another kind")
    if kind != _REPORT or f"{folder}/{capture.get('file')}" not in files.sizes:
        return
    try:
        report = as_mapping(files.json(f"{folder}/{capture.get('file')}"))
    except JsonFault as fault:
        yield Fault("json.form", f"{capture.get('file')} {fault}")
        return
    told = [report.get("url"), report.get("state"), report.get("reason") or capture.get("note")]
    if told != [capture.get("url"), capture.get("state"), capture.get("note")]:
        yield Fault(
            "item.state", f"{label} has another address, state or reason than the report in {capture.get('file')}"
        )


def _surroundings_faults(files: BundleFiles, folder: str, facts: dict[str, Any], rows: Rows) -> Iterator[Fault]:
    """Clock, names, certificates: as the capture's report tells them."""
    if facts.get("surroundings") is None:
        return
    told = as_mapping(facts["surroundings"])
    row = rows.get(str(told.get("capture")), {})
    try:
        report = as_mapping(files.json(f"{folder}/{row.get('file')}"))
    except JsonFault:
        report = {}
    for name, value in told.items():
        if name != "capture" and report.get(name) != value:
            yield Fault(
                "item.surroundings",
                f"it tells of {name} otherwise than the report of capture {told.get('capture')} does",
            )


def file_faults(files: BundleFiles, folder: str, label: str, entry: dict[str, Any]) -> Iterator[Fault]:
    path = f"{folder}/{entry.get('file')}"
    if path not in files.sizes:
        yield Fault("item.file", f"{label} names {path}, which is missing")
        return
    if files.sha256(path) != entry.get("sha256"):
        yield Fault("item.digest", f"{label}: {path} has another digest")
    if files.sizes[path] != entry.get("bytes"):
        yield Fault("item.size", f"{label}: {path} has another size")


def _image_faults(label: str, image: dict[str, Any], rows: Rows, wacz: WaczCheck) -> Iterator[Fault]:
    row = rows.get(str(image.get("capture")))
    if row is None or row.get("url") != image.get("url"):
        yield Fault("item.picture", f"{label} is of another address than the capture")
        return
    record = _record_of(row, wacz)
    is_plain = record is not None and record.type == "response" and not record.http_header("content-encoding")
    if is_plain and row.get("sha256") != image.get("sha256"):
        yield Fault("item.picture", f"{label} does not hold the bytes that were captured")


# -- what is said of the listing as a whole ---------------------------------------------------------------------


def _summary_faults(facts: dict[str, Any], rows: Rows, known: Rows) -> Iterator[Fault]:
    """`known`: the captures named, those left out included."""
    moments = [moment for row in rows.values() if (moment := moment_of(row.get("captured_at")))]
    stated = moment_of(facts.get("capture_started_at")), moment_of(facts.get("capture_ended_at"))
    if stated != (min(moments, default=None), max(moments, default=None)):
        yield Fault("item.time", "its times of capture are not those of its captures")
    for row in rows.values():
        if row.get("source") is not None and str(row["source"]) not in known:
            yield Fault(
                "item.reference",
                f"capture {row.get('id')} is made from capture {row['source']}, which it does not name",
            )
    observations = _mappings(facts.get("observations"))
    for seen in observations:
        if seen.get("capture") is not None and str(seen["capture"]) not in known:
            yield Fault(
                "item.reference",
                f"observation {seen.get('id')} is of capture {seen['capture']}, which it does not name",
            )
    if facts.get("shown") is not None and facts["shown"] not in observations:
        yield Fault("item.reference", "what was shown is none of its observations")


def _redirect_faults(facts: dict[str, Any], rows: Rows, wacz: WaczCheck) -> Iterator[Fault]:
    """The way from the address asked to the one that answered, told anew from the WARC records."""
    hops = _mappings(facts.get("redirects"))
    for hop in hops:
        row = rows.get(str(hop.get("capture")), {})
        if any(hop.get(name) != row.get(name, hop) for name in ("url", "status", "captured_at")):
            yield Fault("item.redirect", f"its redirect over {hop.get('url')} is not as captured")
        elif hop.get("location") != _location(row, wacz):
            yield Fault(
                "item.redirect",
                f"its redirect over {hop.get('url')} leads elsewhere than the Location header in its WARC record",
            )
    last = hops[-1] if hops else {}
    if (facts.get("final_url"), facts.get("http_status")) != (last.get("url"), last.get("status")):
        yield Fault("item.redirect", "the address and status that answered are not those of its last redirect")
    if hops and facts.get("url_asked") != hops[0].get("url"):
        yield Fault("item.redirect", "the address asked is not that of its first redirect")
    if [str(hop.get("capture")) for hop in hops] != _way(facts.get("url_asked"), rows, wacz):
        yield Fault("item.redirect", "its redirects are not the way that its WARC records tell from the address asked")


def _location(row: Mapping[str, Any], wacz: WaczCheck) -> str | None:
    record = _record_of(row, wacz)
    status = record.http_status if record else None
    return record.http_header("location") if record and status and 300 <= status < 400 else None


def _way(asked: Any, rows: Rows, wacz: WaczCheck) -> list[str]:
    """The numbers of the captures met from `asked` on, each address's earliest one that was not met before."""
    by_address: dict[str, list[tuple[str, int, str]]] = {}
    for name, row in rows.items():
        if row.get("kind") == "exchange" and _record_of(row, wacz) is not None:
            place = (str(row.get("captured_at")), number_of(row.get("id")), name)
            by_address.setdefault(str(row.get("url")), []).append(place)
    for places in by_address.values():
        places.sort(reverse=True)
    way: list[str] = []
    address = str(asked)
    while len(way) < _MOST_HOPS and (places := by_address.get(address, [])):
        name = places.pop()[2]
        way.append(name)
        location = _location(rows[name], wacz)
        if not location:
            break
        try:
            address = urljoin(address, location)
        except ValueError:
            break
    return way


def _state_faults(facts: dict[str, Any], captures: Sequence[dict[str, Any]], left_out: Rows) -> Iterator[Fault]:
    """The state of the whole is that of the last capture report; without one it is complete if every capture is."""
    for row in captures:
        if row.get("truncated") and row.get("state") == "COMPLETE":
            yield Fault("item.state", f"capture {row.get('id')} was cut short and is called complete")
    stated = as_mapping(facts.get("capture_state"))
    reports = [row for row in (*captures, *left_out.values()) if row.get("kind") == _REPORT]
    if reports:
        last = max(reports, key=lambda row: (str(row.get("captured_at")), number_of(row.get("id"))))
        reason = last.get("reason") if str(last.get("id")) in left_out else last.get("note")
        wanted = {"state": last.get("state"), "reason": None if last.get("state") == "COMPLETE" else reason}
        if stated != wanted and not (str(last.get("id")) in left_out and stated == {**wanted, "reason": None}):
            yield Fault("item.state", "its state is not that of its last capture report")
        return
    whole = all(row.get("state") == "COMPLETE" for row in (*captures, *left_out.values()))
    if (stated.get("state") == "COMPLETE" and not whole) or (
        whole and not left_out and stated.get("state") != "COMPLETE"
    ):
        yield Fault("item.state", "its state is not that of its captures")


def _page_faults(facts: dict[str, Any], wacz: WaczCheck) -> Iterator[Fault]:
    """The one page that the WACZ opens with is the one that answered, under the title that was shown."""
    wanted = facts.get("final_url") or facts.get("url_asked")
    is_there = any(record.uri == wanted and record.type in _PAGE_TYPES for record in wacz.records.values())
    if is_there and wacz.page.get("url") != wanted:
        yield Fault("item.page", "the page that the WACZ opens with is not the one that answered")
    title = as_mapping(facts.get("shown")).get("title") or facts.get("url_asked")
    if (wacz.page.get("title"), wacz.title) != (title, title):
        yield Fault("item.page", "the WACZ gives its page another title than the one shown")
