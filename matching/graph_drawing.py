"""Where the nodes of a graph of objects, sellers and markets stand when it is drawn: three columns, fewest crossings.

Listings are lines here: from what is offered (an object, or a listing joined to none) to its seller and on to the
market. Positions follow from the graph alone, so that the same graph is the same picture.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matching.seller_graph import Graph, Node

MOST_THINGS = 24
"""Drawn in the first column; the others are counted."""
WIDTH, ROW, TOP = 960, 34, 46
COLUMNS = (170, 500, 800)
"""Middles of the columns of things, sellers and markets."""
_KIND_OF_COLUMN = ("thing", "seller", "market")


@dataclass(frozen=True, slots=True)
class Spot:
    """A node in its place, in units of the drawing. `count`: the listings of an object, or of a market's column."""

    key: str
    kind: str
    label: str
    x: int
    y: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """`kind`: offers, sells or same. `count`: how many listings it stands for."""

    x1: int
    y1: int
    x2: int
    y2: int
    kind: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Drawing:
    spots: Sequence[Spot]
    lines: Sequence[Line]
    width: int
    height: int
    left_out: int
    """Things that are not drawn for their number."""


def draw(graph: Graph, *, right_to_left: bool = False) -> Drawing:
    """The graph in columns; the first stands on the side where reading begins."""
    nodes = {node.key: node for node in graph.nodes}
    thing_of = {edge.start: edge.end for edge in graph.edges if edge.kind == "offers"}
    listings = [node.key for node in graph.nodes if node.kind == "listing"]
    sellers_of = {edge.start: edge.end for edge in graph.edges if edge.kind == "offered_by"}
    markets_of = {edge.start: edge.end for edge in graph.edges if edge.kind == "offered_on"}
    sizes = Counter(thing_of.get(one, one) for one in listings)
    things = sorted(sizes, key=lambda key: (-sizes[key], key))[:MOST_THINGS]
    offered: Counter[tuple[str, str]] = Counter()
    sold: Counter[tuple[str, str]] = Counter()
    for one in listings:
        thing, seller, market = thing_of.get(one, one), sellers_of.get(one), markets_of[one]
        if thing in things:
            offered[thing, seller or market] += 1
        if seller:
            sold[seller, market] += 1
    markets = sorted(node.key for node in graph.nodes if node.kind == "market")
    sellers = _beside(sorted(node.key for node in graph.nodes if node.kind == "seller"), sold, markets)
    things = _beside(things, offered, [*sellers, *markets])
    rows = max(len(things), len(sellers), len(markets), 1)
    height = TOP + rows * ROW + ROW // 2
    spots: dict[str, Spot] = {}
    for column, keys in enumerate((things, sellers, markets)):
        x = WIDTH - COLUMNS[column] if right_to_left else COLUMNS[column]
        step = (height - TOP) / max(len(keys), 1)
        for place, key in enumerate(keys):
            y = round(TOP + step * (place + 0.5))
            spots[key] = Spot(key, nodes[key].kind, _label(nodes[key]), x, y, sizes.get(key, 1))
    same = Counter((edge.start, edge.end) for edge in graph.edges if edge.kind == "same_seller")
    lines = [
        Line(spots[start].x, spots[start].y, spots[end].x, spots[end].y, kind, count)
        for kind, counted in (("offers", offered), ("sells", sold), ("same", same))
        for (start, end), count in sorted(counted.items())
        if start in spots and end in spots
    ]
    return Drawing(list(spots.values()), lines, WIDTH, height, len(sizes) - len(things))


def _beside(keys: Sequence[str], counted: Mapping[tuple[str, str], int], others: Sequence[str]) -> list[str]:
    """In the order of the middle of what each is joined with, so that few lines cross."""
    place = {key: at for at, key in enumerate(others)}
    met: dict[str, list[int]] = defaultdict(list)
    for start, end in counted:
        if end in place:
            met[start].append(place[end])
    return sorted(keys, key=lambda key: (sum(met[key]) / len(met[key]) if met[key] else len(others), key))


def _label(node: Node) -> str:
    return " ".join(node.label.split())
