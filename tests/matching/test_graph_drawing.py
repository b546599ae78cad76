"""A drawn graph shows every seller and market, the objects offered most, and the same picture for the same graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matching.graph_drawing import MOST_THINGS, WIDTH, draw
from matching.seller_graph import Edge, Graph, Node


def graph_of(offers: list[tuple[int, int, int]]) -> Graph:
    """Listings by (object or 0, seller, market), numbered in order."""
    nodes, edges = set(), set()
    for number, (thing, seller, market) in enumerate(offers, 1):
        here = f"listing-{number}"
        nodes |= {
            Node("listing", here, f"Lot {number}"),
            Node("seller", f"seller-{seller}", f"S {seller}"),
            Node("market", f"market-{market}", f"m{market}"),
        }
        edges |= {Edge(here, f"seller-{seller}", "offered_by"), Edge(here, f"market-{market}", "offered_on")}
        if thing:
            nodes.add(Node("object", f"object-{thing}", "object"))
            edges.add(Edge(here, f"object-{thing}", "offers"))
    return Graph(tuple(sorted(nodes)), tuple(sorted(edges)))


def test_listings_of_one_object_are_one_disc_with_a_line_to_each_of_its_sellers() -> None:
    drawing = draw(graph_of([(1, 1, 1), (1, 2, 2), (0, 1, 1)]))
    kinds = sorted((spot.kind, spot.count) for spot in drawing.spots if spot.kind in ("object", "listing"))
    assert kinds == [("listing", 1), ("object", 2)]
    object_ = next(spot for spot in drawing.spots if spot.kind == "object")
    ends = {(line.x2, line.y2) for line in drawing.lines if (line.x1, line.y1) == (object_.x, object_.y)}
    assert ends == {(spot.x, spot.y) for spot in drawing.spots if spot.kind == "seller"}


def test_arabic_readers_find_the_first_column_on_the_right() -> None:
    graph = graph_of([(0, 1, 1)])
    left, right = draw(graph), draw(graph, right_to_left=True)
    assert [WIDTH - spot.x for spot in left.spots] == [spot.x for spot in right.spots]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6), st.integers(1, 4)), max_size=60))
def test_any_graph_is_drawn_within_its_bounds_with_no_two_in_one_place(offers: list[tuple[int, int, int]]) -> None:
    drawing = draw(graph_of(offers))
    places = [(spot.x, spot.y) for spot in drawing.spots]
    assert len(set(places)) == len(places)
    assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in places)
    things = sum(spot.kind in ("object", "listing") for spot in drawing.spots)
    assert things <= MOST_THINGS
    joined = len({thing for thing, _, _ in offers if thing}) + sum(not thing for thing, _, _ in offers)
    assert drawing.left_out == joined - things
