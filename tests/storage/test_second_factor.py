"""Codes of a generator and recovery codes count once; the secret is not in the database."""

from __future__ import annotations

import stat
import time

import pyotp
import pytest

from storage.second_factor import (
    KEY_FILE,
    SecondFactorError,
    new_secret,
    passes,
    recovery_codes_left,
    remove,
    renew_recovery_codes,
    set_up,
)
from storage.tables import User
from storage.users import create_user


@pytest.fixture
def user(database):
    with database.transaction() as session:
        return create_user(session, "Amina", "reviewer")


def code_of(secret, steps=0):
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


def test_a_first_code_sets_it_up_and_counts_no_second_time(database, home, user):
    secret = new_secret()
    with database.transaction() as session:
        here = session.get_one(User, user.id)
        first = code_of(secret)
        set_up(session, home, here, secret, first)
        assert not passes(session, home, here, first)
        later = code_of(secret, 1)
        assert passes(session, home, here, later)
        assert not passes(session, home, here, later)
        assert not passes(session, home, here, "")


def test_arabic_digits_and_spaces_are_taken(database, home, user):
    secret = new_secret()
    with database.transaction() as session:
        here = session.get_one(User, user.id)
        set_up(session, home, here, secret, code_of(secret, -1))
        arabic = code_of(secret, 1).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
        assert passes(session, home, here, f"{arabic[:3]} {arabic[3:]}")


def test_a_wrong_first_code_sets_nothing_up(database, home, user):
    secret = new_secret()
    with database.transaction() as session:
        here = session.get_one(User, user.id)
        with pytest.raises(SecondFactorError):
            set_up(session, home, here, secret, code_of(secret, 40))
        assert here.second_factor is None
        assert passes(session, home, here, "")


def test_a_recovery_code_works_once_and_new_ones_end_the_old(database, home, user):
    secret = new_secret()
    with database.transaction() as session:
        here = session.get_one(User, user.id)
        codes = set_up(session, home, here, secret, code_of(secret))
        assert len(set(codes)) == 10
        assert passes(session, home, here, codes[0].upper())
        assert not passes(session, home, here, codes[0])
        assert recovery_codes_left(session, here) == 9
        fresh = renew_recovery_codes(session, here)
        assert not passes(session, home, here, codes[1])
        assert passes(session, home, here, fresh[1])
        remove(session, here)
        assert passes(session, home, here, "") and recovery_codes_left(session, here) == 0


def test_the_secret_is_sealed_and_its_key_is_private(database, home, user):
    secret = new_secret()
    with database.transaction() as session:
        here = session.get_one(User, user.id)
        set_up(session, home, here, secret, code_of(secret))
        assert secret not in here.second_factor
        key = home.keys / KEY_FILE
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        key.unlink()
        with pytest.raises(SecondFactorError, match="cannot be read"):
            passes(session, home, here, code_of(secret, 1))
