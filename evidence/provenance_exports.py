"""Who was handed what, as CASE/UCO JSON-LD beside the custody log: exports, recipients, copies with parts left out.

Apart from the graph of the evidence, which is the same in every export of it. # EV-36, EV-38
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evidence.provenance import CONTEXT, digest_node, moment_node, node_id


def build_exports_graph(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The content of `custody/case.jsonld`. `events`: the entries of custody.json; those on exports are told."""
    told = [event for event in events if event["object_kind"] == "export"]
    sealed = {str(event["object_id"]): event for event in told if event["details"].get("sha256")}
    people = dict.fromkeys(str(event["actor"]) for event in told)
    recipients = dict.fromkeys(str(one) for event in told if (one := event["details"].get("recipient")))
    graph = [_identity(name) for name in people]
    graph += [_identity(f"recipient: {name}") for name in recipients]
    graph += [_bundle(of, event) for of, event in sealed.items()]
    graph += _acts(told, sealed)
    return {"@context": CONTEXT, "@graph": graph}


def _acts(told: Sequence[Mapping[str, Any]], sealed: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for event in told:
        details, of = event["details"], str(event["object_id"])
        words = [f"bundle {of}", f"audit entry {event['hash']}"]
        if withheld := details.get("withheld"):
            words.insert(1, f"copy without: {', '.join(withheld)}")
        elif event["action"] == "export.finished":
            words.insert(1, "sealed whole, as the original of copies" if details.get("original_of_copies") else "whole")
        act: dict[str, Any] = {
            "@id": node_id("InvestigativeAction", event["hash"]),
            "@type": "investigation:InvestigativeAction",
            "core:name": event["action"],
            "core:description": "; ".join(words),
            "action:performer": {"@id": node_id("Identity", event["actor"])},
            "action:startTime": moment_node(event["at"]),
            "action:endTime": moment_node(event["at"]),
        }
        if recipient := details.get("recipient"):
            act["action:participant"] = {"@id": node_id("Identity", f"recipient: {recipient}")}
        if str(details.get("original")) in sealed:
            act["action:object"] = {"@id": _bundle_id(str(details["original"]))}
        if event is sealed.get(of):
            act["action:result"] = {"@id": _bundle_id(of)}
        yield act


def _identity(name: str) -> dict[str, Any]:
    return {"@id": node_id("Identity", name), "@type": "identity:Identity", "core:name": name}


def _bundle_id(of: str) -> str:
    return node_id("File", f"bundle {of}")


def _bundle(of: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The zip that was handed out or kept, by its digest."""
    sha256, size = event["details"]["sha256"], event["details"].get("bytes")
    facet: dict[str, Any] = {"@id": node_id("FileFacet", of), "@type": "observable:FileFacet"}
    if size is not None:
        facet["observable:sizeInBytes"] = {"@type": "xsd:integer", "@value": str(size)}
    return {
        "@id": _bundle_id(of),
        "@type": "observable:File",
        "core:name": f"bundle {of}",
        "core:hasFacet": [facet, digest_node(of, sha256)],
    }
