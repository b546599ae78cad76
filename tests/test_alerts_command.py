"""`relicwatch searches` and `alerts` as an engineer uses them."""

from __future__ import annotations

import json

from storage.audit import AuditChain
from storage.notice_settings import set_email
from storage.users import create_user
from tests.alerts.conftest import Mailbox, part, serve
from tests.crawling import Place

CANARY = "canary-password-4711"


def test_searches_and_test_messages_by_the_command(place: Place) -> None:
    with place.database.transaction() as session:
        user = create_user(session, "ann", "lead", language="ar")
        set_email(session, AuditChain(), user, email="ann@office.example", rhythm="daily", confirmed=True)
    added = place.run("searches", "add", "--user", "ann", "--term", "oil lamp", "--notify", "--json")
    assert json.loads(added.out) == {"search": 1, "name": "oil lamp", "query": "text=oil+lamp", "alerts": True}
    wrong = place.run("searches", "add", "--user", "ann", "--name", "x", "--query", "band=weird")
    assert (wrong.status, "band: 'weird' is not among what can be chosen" in wrong.err) == (1, True)
    assert place.run("searches", "remove", "1", "--user", "ann").status == 0
    assert place.run("searches", "list", "--user", "ann", "--json").out == ""
    none = place.run("alerts", "test", "--user", "ann")
    assert (none.status, "RELICWATCH_SMTP_HOST" in none.err) == (1, True)
    box = Mailbox()
    controller = serve(box)
    try:
        done = place.run("alerts", "test", "--user", "ann", more=box.environment())
        assert done.status == 0, done.err
        assert "took a test message for ann@office.example" in done.out
        assert 'dir="rtl"' in part(box.messages[0], "html")
        box.answers = ["550 no such mailbox"]
        refused = place.run("alerts", "test", "--to", "x@office.example", more=box.environment())
        assert (refused.status, "did not take the message (550 no such mailbox)" in refused.err) == (1, True)
        secret = {"RELICWATCH_SMTP_USER": "watch", "RELICWATCH_SMTP_PASSWORD": CANARY}
        signed_in = place.run("alerts", "test", "--user", "ann", more=box.environment() | secret)
        assert (signed_in.status, "takes no user and password" in signed_in.err) == (1, True)
        assert CANARY not in signed_in.err + signed_in.out  # SEC-31
        kept = [path for path in place.home.root.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
        assert kept == []
    finally:
        controller.stop()
