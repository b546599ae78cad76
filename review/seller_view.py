"""What the page of a seller shows beside bare records: others who may be the same, and the graph as rows of text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from matching.seller_graph import Graph, Node
from matching.seller_likeness import Alike, Reason
from review.summary import meaning_name
from storage.tables import Seller

MOST_ALIKE = 20
MOST_TYPES = 8


@dataclass(frozen=True, slots=True)
class AlikeSeller:
    seller: Seller
    score: float
    reasons: Sequence[Reason]
    verdict: str | None


@dataclass(frozen=True, slots=True)
class GraphRow:
    """One listing of the graph in words: what it offers, by whom, where."""

    listing: Node
    thing: Node | None
    """The object that it was joined into."""
    seller: Node | None
    market: Node


def alike_view(session: Session, found: Sequence[Alike], seller_id: int) -> list[AlikeSeller]:
    """The other of each pair, likeliest first."""
    others = {one.other if one.seller == seller_id else one.seller: one for one in found[:MOST_ALIKE]}
    known = {one.id: one for one in session.scalars(select(Seller).where(Seller.id.in_(others)))}
    return [AlikeSeller(known[id_], one.score, one.reasons, one.verdict) for id_, one in others.items() if id_ in known]


def types_view(types: Mapping[str, int] | None, language: str) -> list[tuple[str, int]]:
    return [(meaning_name("types", id_, language), count) for id_, count in (types or {}).items()][:MOST_TYPES]


def graph_rows(graph: Graph) -> list[GraphRow]:
    """The text equivalent of the picture, a row a listing; those of one object stand together."""
    nodes = {node.key: node for node in graph.nodes}
    ends: dict[str, dict[str, Node]] = defaultdict(dict)
    for edge in graph.edges:
        ends[edge.start][edge.kind] = nodes[edge.end]
    rows = [
        GraphRow(node, ends[node.key].get("offers"), ends[node.key].get("offered_by"), ends[node.key]["offered_on"])
        for node in graph.nodes
        if node.kind == "listing"
    ]
    return sorted(rows, key=lambda row: (row.thing is None, row.thing.key if row.thing else "", row.listing.key))
