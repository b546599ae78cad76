"""The API over a fresh SQLite database with people of every role, and calls that carry a token."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage.audit import AuditChain
from storage.tokens import SCOPES, create_token
from storage.users import find_user
from tests.review.conftest import ADDRESS


@pytest.fixture
def token(desk_database) -> Callable[..., str]:
    """`token("reviewer", "read")`: the secret of a token of that role's person; without scopes: all there are."""

    def make(role: str, *scopes: str, **chosen: object) -> str:
        with desk_database.transaction() as session:
            user = find_user(session, role)
            asked = {"name": "test", "scopes": scopes or SCOPES, "actor": role} | chosen
            return create_token(session, AuditChain(), user=user, **asked).secret

    return make


@pytest.fixture
def call(visit, token):
    """`call("reviewer", "read")`: a client whose calls carry such a token; its addresses begin at /api/v1."""

    def make(role: str | None, *scopes: str, **chosen: object):
        client = visit(None)
        client.base_url = f"{ADDRESS}/api/v1/"
        client.headers.pop("origin", None)
        if role is not None:
            client.headers["authorization"] = f"Bearer {token(role, *scopes, **chosen)}"
        return client

    return make
