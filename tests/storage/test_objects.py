"""Objects: statements are only added, each listing is in exactly one object, and a person's word stands."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from crawler.home import Home
from storage.audit import AuditChain
from storage.database import Database
from storage.objects import (
    ObjectError,
    are_apart,
    group_of,
    join,
    keep_apart,
    membership_by_moves,
    merge,
    objects_of,
    rebuild_members,
    split,
    statements_about,
    undo,
)
from storage.tables import AuditEvent, Listing, ObjectMember, ObjectMove, ObjectStatement
from tests.review.seed import NOW


def listings(session, count: int) -> list[int]:
    made = [
        Listing(market="m", id_space="m", native_id=str(n), url="u", first_seen_at=NOW, last_seen_at=NOW)
        for n in range(count)
    ]
    session.add_all(made)
    session.flush()
    return [one.id for one in made]


def joined(session, one: int, other: int) -> ObjectStatement | None:
    return join(session, one, other, score=9.0, why=[{"part": "lot"}], method="test", actor="job 1")


def test_a_join_can_be_undone_and_is_not_made_again(database: Database) -> None:
    with database.transaction() as session:
        one, other, third = listings(session, 3)
        said = joined(session, one, other)
        assert said is not None and group_of(session, one) == [one, other]
        assert joined(session, other, one) is None
        undo(session, AuditChain(), said.id, actor="amina", note="another chip")
        assert group_of(session, one) == [one]
        assert joined(session, one, other) is None
        assert joined(session, one, third) is not None
        assert joined(session, other, third) is None  # that would bring the two together by a detour
        assert merge(session, AuditChain(), one, other, actor="amina").kind == "merge"
        assert group_of(session, third) == [one, other, third]
        assert [s.kind for s in statements_about(session, [other])] == ["join", "undo", "join", "merge"]


def test_a_split_listing_stays_apart_until_a_person_says_otherwise(database: Database) -> None:
    with database.transaction() as session:
        a, b, c, d = listings(session, 4)
        for other in (b, c, d):
            joined(session, a, other)
        said = split(session, AuditChain(), [c, d], actor="amina")
        assert (group_of(session, a), group_of(session, c)) == ([a, b], [c, d])
        assert joined(session, b, d) is None
        undo(session, AuditChain(), said.id, actor="amina")
        assert group_of(session, d) == [a, b, c, d]
        split(session, AuditChain(), [a, b, c], actor="amina")
        assert (group_of(session, a), group_of(session, d)) == ([a, b, c], [d])


def test_two_that_were_never_joined_are_kept_apart_until_that_is_undone(database: Database) -> None:
    with database.transaction() as session:
        one, other, third = listings(session, 3)
        first = joined(session, one, third)
        said = keep_apart(session, AuditChain(), one, other, actor="amina", note="another die")
        assert joined(session, third, other) is None
        assert are_apart(session, [other], [one])
        assert group_of(session, one) == [one, third] and group_of(session, other) == [other]
        assert membership_by_moves(session) == objects_of(session, [one, other, third])
        assert said.id in {s.id for s in statements_about(session, [other])}
        with pytest.raises(ObjectError, match="already"):
            keep_apart(session, AuditChain(), other, one, actor="amina")
        with pytest.raises(ObjectError, match="split it"):
            keep_apart(session, AuditChain(), one, third, actor="amina")
        undo(session, AuditChain(), first.id, actor="amina")  # what was said of others does not stand in its way
        undo(session, AuditChain(), said.id, actor="amina")
        assert not are_apart(session, [other], [one])
        assert joined(session, one, other) is not None


def test_what_cannot_be_said_is_refused_with_the_way_out(database: Database) -> None:
    with database.transaction() as session:
        a, b, c, d = listings(session, 4)
        first = joined(session, a, b)
        second = joined(session, a, c)
        chain = AuditChain()
        with pytest.raises(ObjectError, match=f"Statement {second.id} came later"):
            undo(session, chain, first.id, actor="amina")
        with pytest.raises(ObjectError, match="no statement 999"):
            undo(session, chain, 999, actor="amina")
        with pytest.raises(ObjectError, match="All listings"):
            split(session, chain, [a, b, c], actor="amina")
        with pytest.raises(ObjectError, match="of one object"):
            split(session, chain, [a, d], actor="amina")
        with pytest.raises(ObjectError, match="no listing 999"):
            merge(session, chain, a, 999, actor="amina")
        with pytest.raises(ObjectError, match="itself"):
            merge(session, chain, a, a, actor="amina")
        undo(session, chain, second.id, actor="amina")
        with pytest.raises(ObjectError, match="undone already"):
            undo(session, chain, second.id, actor="amina")


def test_a_person_who_confirms_changes_nothing_and_is_on_record(database: Database) -> None:
    with database.transaction() as session:
        a, b = listings(session, 2)
        joined(session, a, b)
        said = merge(session, AuditChain(), b, a, actor="amina", note="same break")
        assert said.kind == "confirm"
        assert [s.said_by for s in statements_about(session, [a])] == ["job 1", "amina"]
        assert session.scalars(select(AuditEvent.action)).all() == ["object confirm"]


@pytest.mark.parametrize("table", ["object_statement", "object_move", "object"])
def test_the_database_refuses_to_change_what_was_said(database: Database, table: str) -> None:
    with database.transaction() as session:
        joined(session, *listings(session, 2))
    for act in (f'DELETE FROM "{table}"', f'UPDATE "{table}" SET id = id + 1'):
        with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
            connection.execute(text(act))


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_statements_keeps_each_listing_in_one_object_and_the_history_whole(
    database: Database, seed: int
) -> None:
    """Against a model: what stands is what the moves say, and undoing everything from the last leaves nothing."""
    draw = random.Random(seed)
    chain = AuditChain()
    refused, said_apart = 0, 0
    with database.transaction() as session:
        ids = listings(session, 9)
    for _ in range(60):
        with database.transaction() as session:
            before = session.scalars(select(ObjectStatement.id).order_by(ObjectStatement.id)).all()
            one, other = draw.sample(ids, 2)
            groups = (group_of(session, one), group_of(session, other))
            act = draw.choice(("join", "join", "merge", "split", "undo"))
            try:
                if act == "join":
                    said_apart += joined(session, one, other) is None and groups[0] != groups[1]
                elif act == "merge":
                    merge(session, chain, one, other, actor="amina")
                    assert group_of(session, one) == sorted({*groups[0], *groups[1]})
                elif act == "split":
                    split(session, chain, [one, other], actor="amina")
                    assert group_of(session, one) == group_of(session, other) == sorted([one, other])
                elif before:
                    undo(session, chain, draw.choice(before), actor="amina")
            except ObjectError:
                refused += 1
            after = session.scalars(select(ObjectStatement.id).order_by(ObjectStatement.id)).all()
            assert after[: len(before)] == before and len(after) - len(before) <= 1
            members = {row.listing_id: row.object_id for row in session.scalars(select(ObjectMember))}
            assert members == membership_by_moves(session)
            sizes = list(members.values())
            assert all(sizes.count(object_id) > 1 for object_id in sizes)
            groups_now = {tuple(group_of(session, id_)) for id_ in ids}
            assert sorted(id_ for group in groups_now for id_ in group) == ids
            state: dict[int, int | None] = dict.fromkeys(ids)
            for move in session.scalars(select(ObjectMove).order_by(ObjectMove.id)):
                assert state[move.listing_id] == move.from_object_id
                state[move.listing_id] = move.to_object_id
    assert refused and said_apart
    with database.transaction() as session:
        kept = objects_of(session, ids)
        assert rebuild_members(session) == len(kept)
        assert objects_of(session, ids) == kept


def test_two_writers_at_once_leave_each_listing_in_one_object(database: Database, home: Home) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with database.transaction() as session:
        ids = listings(session, 6)

    def write(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(8):
            with database.transaction() as session:
                joined(session, *draw.sample(ids, 2))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(write, range(3)))
    with database.reading() as session:
        assert objects_of(session, ids) == membership_by_moves(session)
