"""The graph holds what hangs together and no more, and any title makes well-formed GraphML."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from matching.seller_graph import Edge, Graph, Node, as_graphml, build_graph
from storage.audit import AuditChain
from storage.database import Database
from storage.objects import join
from storage.sellers import judge
from tests.matching.test_seller_likeness import offer


def test_the_graph_of_a_listing_reaches_sellers_judged_the_same_and_no_others(database: Database) -> None:
    offer(database, "a", "1", "Amina", "A lamp")
    offer(database, "b", "1", "Zed", "A lamp")
    offer(database, "c", "1", "Stranger", "A lamp")
    with database.reading() as session:
        alone = build_graph(session, listings=[1])
    assert [node.key for node in alone.nodes] == ["listing-1", "market-a", "seller-1"]
    with database.transaction() as session:
        judge(session, AuditChain(), 1, 2, "same", why=[], actor="Nour")
    with database.reading() as session:
        graph = build_graph(session, listings=[1])
    assert {node.key for node in graph.nodes} == {
        "listing-1",
        "listing-2",
        "market-a",
        "market-b",
        "seller-1",
        "seller-2",
    }
    assert Edge("seller-1", "seller-2", "same_seller") in graph.edges


def test_the_other_listings_of_a_seller_that_may_not_be_counted_stay_out(database: Database) -> None:
    offer(database, "ebay", "1", "Amina", "A lamp")
    offer(database, "ebay", "2", "Amina", "A lamp")
    with database.reading() as session:
        keys = {node.key for node in build_graph(session, listings=[1]).nodes}
    assert keys == {"listing-1", "market-ebay", "seller-1"}


@given(st.text())
def test_any_title_makes_well_formed_graphml(title: str) -> None:
    data = as_graphml(Graph((Node("listing", "listing-1", title),), (Edge("listing-1", "listing-1", "offered_on"),)))
    root = ElementTree.fromstring(data)
    assert len(root.findall(".//{*}node")) == len(root.findall(".//{*}edge")) == 1


def test_an_object_brings_its_other_offers_with_their_sellers_and_nothing_else_of_theirs(database: Database) -> None:
    offer(database, "a", "1", "Amina", "A lamp")
    offer(database, "b", "2", "Zed", "The same lamp")
    offer(database, "b", "3", "Zed", "A coin")
    with database.transaction() as session:
        join(session, 1, 2, score=9.0, why=[], method="offers-1", actor="job 1")
    with database.reading() as session:
        graph = build_graph(session, sellers=[1])
    keys = {node.key for node in graph.nodes}
    assert {"object-1", "listing-1", "listing-2", "seller-2"} <= keys and "listing-3" not in keys
    assert Edge("listing-2", "object-1", "offers") in graph.edges
    assert b'<data key="node-kind">object</data>' in as_graphml(graph)
