"""Objects, listings, sellers and markets as a graph: what hangs together around one of them, as GraphML for others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from storage.objects import objects_with_others
from storage.sellers import uncountable, verdicts
from storage.tables import Listing, Observation, Seller

MOST_LISTINGS = 300
"""Of a graph: more can neither be read nor drawn."""
_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
_SCHEMA = "http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd"


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """`kind`: object, listing, seller or market; `key` is unique in the graph; `label` is what people read."""

    kind: str
    key: str
    label: str
    url: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """`kind`: offers (a listing an object), offered_by, offered_on, sells_on, or same_seller where a person said so."""

    start: str
    end: str
    kind: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and edges in a fixed order; `cut` where listings were left out for their number."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    cut: bool = False


def build_graph(session: Session, *, sellers: Collection[int] = (), listings: Collection[int] = ()) -> Graph:
    """What these sellers and listings hang together with: their sellers, those judged the same, their other listings.

    Listings that were joined into an object bring its other listings with their sellers, whose further listings stay
    out. Of a seller whose market has not allowed counting only the listings named are shown: all would be a count.
    """
    around = set(sellers) | set(
        session.scalars(
            select(Observation.seller_id)
            .join(Listing, Listing.current_observation_id == Observation.id)
            .where(Listing.id.in_(listings), Observation.seller_id.is_not(None))
        )
    )
    same = [pair for pair, verdict in verdicts(session).items() if verdict == "same"]
    grown = True
    while grown:
        more = {one for pair in same if around & set(pair) for one in pair}
        grown = not more <= around
        around |= more
    people = {one.id: one for one in session.scalars(select(Seller).where(Seller.id.in_(around)))}
    barred = uncountable(session)
    whole = [one.id for one in people.values() if one.id_space not in barred]
    rows = session.execute(
        select(Listing, Observation.title, Observation.seller_id)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .where(or_(Listing.id.in_(listings), Observation.seller_id.in_(whole)))
        .order_by(Listing.id.in_(listings).desc(), Listing.last_seen_at.desc(), Listing.id)
        .limit(MOST_LISTINGS + 1)
    ).all()
    shown = [(listing, title, seller_id) for listing, title, seller_id in rows[:MOST_LISTINGS]]
    objects = objects_with_others(session, [listing.id for listing, _, _ in shown])
    shown += _others(session, objects, {listing.id for listing, _, _ in shown})
    wanted = {seller_id for _, _, seller_id in shown if seller_id is not None} - people.keys()
    people |= {one.id: one for one in session.scalars(select(Seller).where(Seller.id.in_(wanted)))}
    nodes: set[Node] = {Node("seller", f"seller-{one.id}", one.name, one.url or "") for one in people.values()}
    edges: set[Edge] = {
        Edge(f"seller-{low}", f"seller-{high}", "same_seller") for low, high in same if {low, high} <= people.keys()
    }
    for listing, title, seller_id in shown:
        here, market = f"listing-{listing.id}", f"market-{listing.market}"
        nodes |= {
            Node("listing", here, title or listing.native_id, listing.url),
            Node("market", market, listing.market),
        }
        edges.add(Edge(here, market, "offered_on"))
        if object_id := objects.get(listing.id):
            nodes.add(Node("object", f"object-{object_id}", f"object {object_id}"))
            edges.add(Edge(here, f"object-{object_id}", "offers"))
        if seller_id in people:
            edges |= {Edge(here, f"seller-{seller_id}", "offered_by"), Edge(f"seller-{seller_id}", market, "sells_on")}
    return Graph(tuple(sorted(nodes)), tuple(sorted(edges)), cut=len(rows) > MOST_LISTINGS)


def _others(
    session: Session, objects: Mapping[int, int], met: Collection[int]
) -> list[tuple[Listing, str | None, int | None]]:
    """The listings of objects that are not met yet."""
    missing = sorted(objects.keys() - set(met))[:MOST_LISTINGS]
    rows = session.execute(
        select(Listing, Observation.title, Observation.seller_id)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .where(Listing.id.in_(missing))
        .order_by(Listing.id)
    )
    return [(listing, title, seller_id) for listing, title, seller_id in rows]


def as_graphml(graph: Graph) -> bytes:
    """The graph as GraphML 1.0, the same bytes for the same graph."""
    root = ElementTree.Element(
        "graphml",
        {
            "xmlns": _NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{_NAMESPACE} {_SCHEMA}",
        },
    )
    for target, names in (("node", ("kind", "label", "url")), ("edge", ("relation",))):
        for name in names:
            ElementTree.SubElement(
                root, "key", {"id": f"{target}-{name}", "for": target, "attr.name": name, "attr.type": "string"}
            )
    body = ElementTree.SubElement(root, "graph", {"id": "relicwatch", "edgedefault": "directed"})
    for node in graph.nodes:
        element = ElementTree.SubElement(body, "node", {"id": node.key})
        for name, value in (("kind", node.kind), ("label", node.label), ("url", node.url)):
            ElementTree.SubElement(element, "data", {"key": f"node-{name}"}).text = _printable(value)
    for edge in graph.edges:
        element = ElementTree.SubElement(body, "edge", {"source": edge.start, "target": edge.end})
        ElementTree.SubElement(element, "data", {"key": "edge-relation"}).text = edge.kind
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _printable(text: str) -> str:
    """Without what XML 1.0 cannot hold: a seller's title may have any character."""
    return "".join(
        sign
        for sign in text
        if sign in "\t\n\r" or " " <= sign <= "\ud7ff" or "\ue000" <= sign <= "\ufffd" or sign >= "\U00010000"
    )
