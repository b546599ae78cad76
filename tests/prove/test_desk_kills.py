"""The desk killed while a decision is being saved: there is the old state or the new one, and the log tells which.

# RL-4
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from crawler.home import Home
from review.app import create_app
from review.desk import COOKIE
from storage.audit import AuditChain, chain_faults
from storage.database import Database
from storage.tables import AuditEvent, Decision, Listing, User
from storage.users import create_user, open_session
from tests.review.conftest import ADDRESS, TestClient, decision_form
from tests.review.seed import Offer, add_listing

FEW, MANY = 12, 200


def begin_saving(client: TestClient, listing_id: int) -> tuple[int, int]:
    """A process that saves one decision: its number, and a pipe that says when it begins and when it has saved."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            client.app.state.desk.chain = AuditChain()  # each process has a chain of its own
            form = decision_form(client.get(f"/listings/{listing_id}").text, note=f"looked at {time.monotonic()}")
            os.write(writing, b"b")
            assert client.post(f"/listings/{listing_id}/decision", data=form).status_code == 303
            os.write(writing, b"s")
            signal.pause()
        finally:
            os._exit(1)
    os.close(writing)
    assert os.read(reading, 1) == b"b", "the desk did not show the listing"
    return child, reading


def kill(child: int, reading: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.close(reading)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, "it ended by itself"


@pytest.mark.parametrize("kills", [FEW, pytest.param(MANY, marks=pytest.mark.prove)])
def test_a_desk_killed_while_it_saves_leaves_the_old_state_or_the_new_one(
    tmp_path: Path, home: Home, sqlite_template: Path, kills: int
) -> None:
    # RL-4
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'desk.sqlite3')}")
    with database.transaction() as session:
        listing_id = add_listing(session, home, Offer()).id
        create_user(session, "reviewer", "reviewer")
        token = open_session(session, session.scalars(select(User).where(User.name == "reviewer")).one()).token
    client = TestClient(create_app(database, home, chain=AuditChain()), base_url=ADDRESS, follow_redirects=False)
    client.headers["origin"] = ADDRESS
    client.cookies.set(COOKIE, token)
    client.get(f"/listings/{listing_id}")  # the templates are read once, here
    database.dispose()  # no connection is shared with the processes to come

    child, reading = begin_saving(client, listing_id)
    begun = time.monotonic()
    assert os.read(reading, 1) == b"s", "the first is left to save in peace"
    whole = time.monotonic() - begun
    kill(child, reading)
    moments, seen = random.Random(4), []
    for _ in range(kills):
        child, reading = begin_saving(client, listing_id)
        time.sleep(moments.uniform(0, 1.3 * whole))
        kill(child, reading)
        with database.reading() as session:
            decisions = session.scalars(select(Decision).order_by(Decision.id)).all()
            told = session.scalars(select(AuditEvent).where(AuditEvent.action == "decided")).all()
            assert sorted(event.details["decision"] for event in told) == [row.id for row in decisions]
            assert session.get_one(Listing, listing_id).current_decision_id == decisions[-1].id
            assert [row.supersedes_id for row in decisions] == [None, *(row.id for row in decisions)][: len(decisions)]
            assert chain_faults(session.scalars(select(AuditEvent))) == []
        database.dispose()
        seen.append(len(decisions))
    assert len(set(seen)) > 1, "no kill came after a save"
    assert seen[-1] <= kills, "no kill came before one"
