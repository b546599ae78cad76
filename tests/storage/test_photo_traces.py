"""Traces are found by their pictures, and counted without being read, however many there are."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from storage.photo_traces import count_traces, keep_traces, traces_of


@pytest.fixture
def plan_of(database):
    """`plan_of(question)`: how the database goes about the statement that a question asks."""
    if database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL chooses by the statistics that it keeps by itself")

    def plan(question):
        asked = []

        def note(connection, cursor, statement, parameters, context, many):
            asked.append((statement, parameters))

        with database.reading() as session:
            event.listen(database.engine, "before_cursor_execute", note)
            question(session)
            event.remove(database.engine, "before_cursor_execute", note)
            statement, parameters = asked[-1]
            told = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return " ".join(row[3] for row in told)

    return plan


def test_a_trace_is_found_by_its_picture(plan_of):
    assert "(picture=?)" in plan_of(lambda session: traces_of(session, ["0" * 64], 1))


def test_traces_are_counted_by_an_index_alone(plan_of):
    counted = plan_of(lambda session: count_traces(session, 1, after=7, up_to=9))
    assert "COVERING INDEX ix_photo_trace_vocabulary_id" in counted


def test_a_trace_in_other_words_is_not_found(database):
    row = {"picture": "0" * 64, "vocabulary": 1, "quality": 90, "hash": b"h", "words": b"", "signatures": b""}
    with database.transaction() as session:
        keep_traces(session, [row])
    with database.reading() as session:
        assert list(traces_of(session, ["0" * 64], 1)) == ["0" * 64]
        assert traces_of(session, ["0" * 64], 2) == {}
