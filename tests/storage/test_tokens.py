"""Tokens of the API as rows: made, found by their secret alone, ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from review.desk import RIGHTS
from storage.audit import AuditChain, chain_faults
from storage.cases import open_case
from storage.purposes import PurposeRefused, checked_purpose
from storage.tables import ApiToken, AuditEvent, utc_now
from storage.tokens import (
    SCOPES,
    TokenRefused,
    create_token,
    find_token,
    is_use_to_note,
    list_tokens,
    note_use,
    revoke_token,
    state_of,
)
from storage.users import create_user, set_disabled


@pytest.fixture
def amina(database):
    with database.transaction() as session:
        return create_user(session, "amina", "reviewer")


def make(database, user, **chosen):
    with database.transaction() as session:
        asked = {"name": "risk engine", "scopes": ["read"], "actor": user.name} | chosen
        return create_token(session, AuditChain(), user=user, **asked)


def test_scopes_are_the_rights_that_roles_have():
    assert set(SCOPES) == {right for rights in RIGHTS.values() for right in rights}


def test_a_token_is_found_by_its_secret_and_only_its_hash_is_kept(database, amina):
    made = make(database, amina, scopes=["decide", "read"])
    with database.reading() as session:
        token, user = find_token(session, made.secret)
        assert (token.id, user.name, token.scopes) == (made.row.id, "amina", ["read", "decide"])
        assert find_token(session, made.secret + "x") is None
        kept = session.scalars(select(ApiToken)).one()
        assert made.secret not in repr([getattr(kept, column.key) for column in ApiToken.__table__.columns])
        assert made.secret.startswith(kept.hint)


def test_a_revoked_expired_or_disabled_ones_token_opens_nothing(database, amina):
    revoked, expired, standing = (make(database, amina) for _ in range(3))
    with database.transaction() as session:
        revoke_token(session, AuditChain(), revoked.row.id, actor="admin")
        session.get_one(ApiToken, expired.row.id).expires_at = utc_now() - timedelta(seconds=1)
    with database.transaction() as session:
        assert [bool(find_token(session, one.secret)) for one in (revoked, expired, standing)] == [False, False, True]
        assert [state_of(token) for token, _ in list_tokens(session)] == ["stands", "expired", "revoked"]
        set_disabled(session, session.merge(amina), True)
        assert find_token(session, standing.secret) is None


@pytest.mark.parametrize(
    ("chosen", "key"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "everything"]}, "scopes"),
        ({"days": 0}, "days"),
        ({"days": 367}, "days"),
    ],
)
def test_a_token_that_says_too_little_or_asks_too_much_is_refused(database, amina, chosen, key):
    with pytest.raises(TokenRefused) as refused:
        make(database, amina, **chosen)
    assert refused.value.key == key


def test_only_ones_own_token_is_revoked_where_that_is_asked(database, amina):
    made = make(database, amina)
    with database.transaction() as session:
        other = create_user(session, "other", "reviewer")
        with pytest.raises(TokenRefused):
            revoke_token(session, AuditChain(), made.row.id, actor="other", only_of=other)
    with database.reading() as session:
        assert find_token(session, made.secret)


def test_the_last_use_is_noted_once_a_minute(database, amina):
    made = make(database, amina)
    assert is_use_to_note(made.row)
    with database.transaction() as session:
        note_use(session, made.row.id)
    with database.reading() as session:
        assert not is_use_to_note(session.get_one(ApiToken, made.row.id))


def test_a_purpose_names_triage_or_a_case_or_watch_that_there_is(database):
    with database.transaction() as session:
        case = open_case(session, AuditChain(), title="Lamps", actor="amina")
        assert checked_purpose(session, " triage ") == "triage"
        assert checked_purpose(session, f"case:{case.reference}") == f"case:{case.reference}"
        for text in ("", "case:", "case:RW-1900-0001", "watch:1", "watch:x", "curiosity", "watch:" + "9" * 30):
            with pytest.raises(PurposeRefused):
                checked_purpose(session, text)


def test_what_a_chain_notes_stands_in_each_entry_and_the_chain_holds(database):
    chain = AuditChain()
    with database.transaction() as session:
        chain.record(session, actor="a", action="viewed", object_kind="listing", object_id=1)
        noting = chain.noting(purpose="triage")
        noting.record(session, actor="a", action="viewed", object_kind="listing", object_id=2, details={"x": 1})
        chain.record(session, actor="a", action="viewed", object_kind="listing", object_id=3)
        events = session.scalars(select(AuditEvent).order_by(AuditEvent.sequence)).all()
        assert [event.details for event in events] == [{}, {"purpose": "triage", "x": 1}, {}]
        assert chain_faults(events) == []
