"""Users, one-time codes and sessions, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from storage.tables import SignInCode, User, UserSession, utc_now
from storage.users import (
    IDLE,
    EasyPassword,
    UserError,
    create_user,
    end_session,
    find_session,
    find_user,
    hash_password,
    is_to_be_noted,
    list_users,
    make_sign_in_code,
    note_seen,
    open_session,
    password_matches,
    set_disabled,
    set_password,
    use_sign_in_code,
)


@pytest.fixture
def user(database):
    with database.transaction() as session:
        return create_user(session, "Nadia", "reviewer", password="correct horse")


def test_a_password_is_kept_as_an_argon2_hash_and_fits(user):
    assert user.password_hash.startswith("$argon2id$")
    assert password_matches(user.password_hash, "correct horse")
    assert not password_matches(user.password_hash, "correct horsf")


def test_nobodys_password_never_fits_and_is_compared_all_the_same(monkeypatch):
    import storage.users as users

    compared = []
    real = users._passwords.verify
    monkeypatch.setattr(
        users,
        "_passwords",
        type(
            "P", (), {"verify": staticmethod(lambda *a: compared.append(a) or real(*a)), "hash": users._passwords.hash}
        )(),
    )
    assert not password_matches(None, "anything")
    assert len(compared) == 1


@pytest.mark.parametrize(
    ("name", "role", "password", "said"),
    [
        ("Nadia", "reviewer", None, "already"),
        ("", "reviewer", None, "visible characters"),
        ("a\nb", "reviewer", None, "visible characters"),
        ("x", "king", None, "no role 'king'"),
        ("x", "viewer", "short", "fewer than 8"),
        ("x", "viewer", "x" * 2000, "more than 256"),
    ],
)
def test_an_unusable_user_is_refused_with_the_reason(database, user, name, role, password, said):
    with pytest.raises(UserError, match=said), database.transaction() as session:
        create_user(session, name, role, password=password)
    with database.transaction() as session:
        assert [u.name for u in list_users(session)] == ["Nadia"]


def test_a_code_signs_in_once_and_only_its_hash_is_kept(database, user):
    with database.transaction() as session:
        code = make_sign_in_code(session, user, 5)
        assert session.scalars(select(SignInCode.code_sha256)).one() != code
    with database.transaction() as session:
        assert use_sign_in_code(session, "no such code") is None
        assert use_sign_in_code(session, code).name == "Nadia"
    with database.transaction() as session:
        assert use_sign_in_code(session, code) is None


def test_a_code_used_by_several_at_once_signs_in_one(database, user):
    with database.transaction() as session:
        code = make_sign_in_code(session, user, 5)
    found = []

    def use():
        with database.transaction() as session:
            found.append(use_sign_in_code(session, code))

    threads = [threading.Thread(target=use) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(one is not None for one in found) == [False, False, False, True]


def test_a_code_out_of_date_or_of_a_disabled_user_signs_nobody_in(database, user):
    with database.transaction() as session:
        late = make_sign_in_code(session, user, 0)
        code = make_sign_in_code(session, user, 5)
        set_disabled(session, session.get(User, user.id), True)
    with database.transaction() as session:
        assert use_sign_in_code(session, late) is None
        assert use_sign_in_code(session, code) is None


def test_a_session_lives_until_it_is_ended(database, user):
    with database.transaction() as session:
        token = open_session(session, user).token
    with database.transaction() as session:
        assert find_session(session, token)[1].id == user.id
        assert find_session(session, token + "x") is None
        end_session(session, token)
    with database.transaction() as session:
        assert find_session(session, token) is None


@pytest.mark.parametrize("change", ["idle", "old", "disabled", "password"])
def test_a_session_ends_when_idle_old_disabled_or_the_password_changes(database, user, change):
    with database.transaction() as session:
        token = open_session(session, user).token
    with database.transaction() as session:
        row, found = find_session(session, token)
        if change == "idle":
            row.last_seen_at = utc_now() - IDLE
        elif change == "old":
            row.expires_at = utc_now()
        elif change == "disabled":
            found.disabled = True
        else:
            set_password(session, found, "another good one")
    with database.transaction() as session:
        assert find_session(session, token) is None


def test_reading_pages_keeps_a_session_from_going_idle(database, user):
    with database.transaction() as session:
        token = open_session(session, user).token
        session.scalars(select(UserSession)).one().last_seen_at = utc_now() - timedelta(hours=7)
    with database.transaction() as session:
        row, _ = find_session(session, token)
        assert is_to_be_noted(row)
        note_seen(session, token)
        session.refresh(row)
        assert not is_to_be_noted(row)
    with database.transaction() as session:
        assert utc_now() - session.scalars(select(UserSession)).one().last_seen_at < timedelta(minutes=1)
        assert find_user(session, " Nadia ") is not None


@pytest.mark.parametrize(
    "password", ["password1", "qwertyuiop", "azertyuiop", "motdepasse", "relicwatch1", "NadiaHaddad7", "a" * 200]
)
def test_a_common_or_easily_guessed_password_is_refused(database, password):
    with database.transaction() as session, pytest.raises(EasyPassword, match="common"):
        create_user(session, "Nadia Haddad", "reviewer", password=password)


@pytest.mark.parametrize(
    "password", ["seven blue horses", "كلمة سر طويلة جدا", "Nadia sees nine ships", "z" + "x7Q" * 80]
)
def test_words_of_ones_own_are_taken_in_any_script_and_length(password):
    assert hash_password(password, "Nadia Haddad").startswith("$argon2id$")
