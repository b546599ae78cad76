"""How the files of a bundle came about, as CASE/UCO JSON-LD for forensic tools: actions, tools, files with digests.

It says again what item.json says, in the words of CASE 1 and UCO 1 (caseontology.org); ids are made from what they
name, so that the same evidence gives the same file. # EV-38
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crawler.program import ProgramInfo
from evidence.exhibit_files import PackedListing

CONTEXT = {
    "kb": "urn:relicwatch:kb:",
    "core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
    "tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
    "types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "investigation": "https://ontology.caseontology.org/case/investigation/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_SPACE = uuid.UUID("5b0a4a0e-5d7e-5c63-9d5b-6f1a4b0f8a11")
"""Of the ids here, any will do that nobody else uses."""


def build_provenance(
    listings: Sequence[PackedListing],
    program: ProgramInfo,
    case: str | None,
    events: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The content of `provenance/case.jsonld`. `events`: the entries of custody.json, each an act of its own.

    Exports are best left to custody.json: then the same evidence gives the same file. # EV-36
    """
    tool = {
        "@id": node_id("Tool", program.label),
        "@type": "tool:Tool",
        "core:name": program.name,
        "tool:version": f"{program.version} ({program.commit})",
    }
    graph: list[dict[str, Any]] = [tool]
    records: list[str] = []
    for listing in listings:
        nodes = list(_of_listing(listing, tool["@id"]))
        records += [node["@id"] for node in nodes if node["@type"] == "investigation:ProvenanceRecord"]
        graph += nodes
    graph += _people([*(str(event["actor"]) for event in events), *_officers(listings)])
    for listing in listings:
        graph += _of_statements(listing)
        graph += _of_stamps(listing)
    graph += _of_custody(events, {str(row["id"]): row for one in listings for row in one.decisions["decisions"]})
    about = case or (listings[0].item["item_id"] if listings else "")
    graph.append(
        {
            "@id": node_id("Investigation", about),
            "@type": "investigation:Investigation",
            "core:name": about,
            "investigation:focus": "offers of cultural goods on the web",
            "core:object": [{"@id": one} for one in records],
        }
    )
    return {"@context": CONTEXT, "@graph": graph}


def _of_listing(listing: PackedListing, tool: str) -> Iterator[dict[str, Any]]:
    facts, item = listing.item["captured_fact"], listing.item["item_id"]
    page = node_id("URL", f"{item} {facts['url_asked']}")
    yield {
        "@id": page,
        "@type": "observable:URL",
        "core:hasFacet": [
            {
                "@id": node_id("URLFacet", f"{item} {facts['url_asked']}"),
                "@type": "observable:URLFacet",
                "observable:fullValue": facts["url_asked"],
            }
        ],
    }
    files = []
    for name, sha256, size in _files(listing):
        path = f"data/items/{listing.number}/{name}"
        files.append(node_id("File", path + sha256))
        yield _file(path, sha256, size)
    record = node_id("ProvenanceRecord", f"{item} {listing.number}")
    times = {
        name: {"@type": "xsd:dateTime", "@value": facts[key]}
        for name, key in (("action:startTime", "capture_started_at"), ("action:endTime", "capture_ended_at"))
        if facts[key]
    }
    yield {
        "@id": node_id("InvestigativeAction", f"{item} {listing.number}"),
        "@type": "investigation:InvestigativeAction",
        "core:name": "captured from the web",
        "core:description": "; ".join(facts["collector"]) or "captured",
        "action:instrument": {"@id": tool},
        "action:object": {"@id": page},
        "action:result": [{"@id": one} for one in (*files, record)],
        **times,
    }
    yield {
        "@id": record,
        "@type": "investigation:ProvenanceRecord",
        "core:description": item,
        "investigation:exhibitNumber": listing.number,
        "core:object": [{"@id": one} for one in files],
    }


def _officers(listings: Sequence[PackedListing]) -> list[str]:
    return [str(one["by"]) for listing in listings for one in listing.object_id.get("statements", [])]


def _people(names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"@id": node_id("Identity", name), "@type": "identity:Identity", "core:name": name}
        for name in dict.fromkeys(names)
    ]


def _of_statements(listing: PackedListing) -> Iterator[dict[str, Any]]:
    """What officers stated of the object, by name: an act of each, with what it rests on. The words stand in
    object-id.json alone, which a copy may hold without them."""
    for one in listing.object_id.get("statements", []):
        stands = "stands" if one["stands"] else "superseded or withdrawn"
        yield {
            "@id": node_id("InvestigativeAction", f"{listing.item['item_id']} statement {one['id']}"),
            "@type": "investigation:InvestigativeAction",
            "core:name": f"stated of the object: {one['field']}",
            "core:description": f"statement {one['id']}; rests on: {one['source'].get('kind', 'not told')}; {stands}",
            "action:performer": {"@id": node_id("Identity", str(one["by"]))},
            "action:startTime": moment_node(one["at"]),
            "action:endTime": moment_node(one["at"]),
        }


def _of_stamps(listing: PackedListing) -> Iterator[dict[str, Any]]:
    """Each authority's time over the captures of a listing, with its answer as the result."""
    for one in listing.stamps:
        answer = f"data/{one['file']}"
        yield _file(answer, one["sha256"], one["bytes"])
        yield from _people([f"timestamp authority {one['authority']}"])
        yield {
            "@id": node_id("InvestigativeAction", f"stamped {answer}{one['sha256']}"),
            "@type": "investigation:InvestigativeAction",
            "core:name": "time stamped",
            "core:description": "a time stamp (RFC 3161) over the root of the captures' digests",
            "action:performer": {"@id": node_id("Identity", f"timestamp authority {one['authority']}")},
            "action:startTime": moment_node(one["gen_time"]),
            "action:endTime": moment_node(one["gen_time"]),
            "action:result": [{"@id": node_id("File", answer + one["sha256"])}],
        }


def _of_custody(
    events: Sequence[Mapping[str, Any]], decisions: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Who did what and when, as the audit log has it; a decision with what was decided."""
    for event in events:
        person = node_id("Identity", event["actor"])
        told = [f"{event['object_kind']} {event['object_id']}", f"audit entry {event['hash']}"]
        if event["action"] == "decided" and (row := decisions.get(str(event["details"].get("decision")))):
            told.insert(1, f"verdict: {row['verdict']}; next step: {row['next_step']}")
        at = moment_node(event["at"])
        yield {
            "@id": node_id("InvestigativeAction", event["hash"]),
            "@type": "investigation:InvestigativeAction",
            "core:name": event["action"],
            "core:description": "; ".join(told),
            "action:performer": {"@id": person},
            "action:startTime": at,
            "action:endTime": at,
        }


def _files(listing: PackedListing) -> Iterator[tuple[str, str, int | None]]:
    """(path below the item's directory, SHA-256, bytes) of its captured files."""
    seen: set[str] = set()
    for one in [*listing.item["captured_fact"]["captures"], *listing.item["captured_fact"]["images"]]:
        if "file" in one and one["file"] not in seen:
            seen.add(one["file"])
            yield one["file"], one["sha256"], one["bytes"]
    for path, sha256 in listing.files:
        if path.endswith(".wacz"):
            yield path.split("/", 2)[2], sha256, None


def _file(path: str, sha256: str, size: int | None) -> dict[str, Any]:
    facet: dict[str, Any] = {
        "@id": node_id("FileFacet", path + sha256),
        "@type": "observable:FileFacet",
        "observable:fileName": path.rsplit("/", 1)[1],
        "observable:filePath": path,
    }
    if size is not None:
        facet["observable:sizeInBytes"] = {"@type": "xsd:integer", "@value": str(size)}
    return {
        "@id": node_id("File", path + sha256),
        "@type": "observable:File",
        "core:hasFacet": [
            facet,
            digest_node(path + sha256, sha256),
        ],
    }


def digest_node(of: str, sha256: str) -> dict[str, Any]:
    """A facet that tells a file's SHA-256; `of`: what makes its id."""
    return {
        "@id": node_id("ContentDataFacet", of),
        "@type": "observable:ContentDataFacet",
        "observable:hash": [
            {
                "@id": node_id("Hash", of),
                "@type": "types:Hash",
                "types:hashMethod": "SHA256",
                "types:hashValue": {"@type": "xsd:hexBinary", "@value": sha256.upper()},
            }
        ],
    }


def moment_node(text: str) -> dict[str, str]:
    return {"@type": "xsd:dateTime", "@value": text}


def node_id(kind: str, name: str) -> str:
    """The same for the same name, wherever it is told."""
    return f"kb:{kind}-{uuid.uuid5(_SPACE, f'{kind} {name}')}"
