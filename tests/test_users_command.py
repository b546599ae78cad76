"""`relicwatch users`: people are let in by codes that work once."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from storage.tables import AuditEvent
from storage.users import find_user, set_disabled, use_sign_in_code
from tests.crawling import Place


def test_a_person_gets_another_code_and_the_log_says_who_made_it(tmp_path: Path, sqlite_template: Path) -> None:
    place = Place(tmp_path / "home", sqlite_template)
    try:
        assert place.run("users", "add", "amina").status == 0
        end = place.run("users", "code", "amina")
        assert end.status == 0, end
        assert end.out.startswith("amina (reviewer) may sign in once within 60 minutes with the code ")
        code = end.out.split()[-1]
        with place.database.transaction() as session:
            assert use_sign_in_code(session, code).name == "amina"
            assert use_sign_in_code(session, code) is None
            event = session.scalars(select(AuditEvent).where(AuditEvent.action == "sign-in code made")).one()
            assert event.object_id == str(find_user(session, "amina").id)
            assert code not in str(event.details)
            set_disabled(session, find_user(session, "amina"), True)
        for name, said in (("amina", "disabled"), ("nobody", "no user 'nobody'")):
            refused = place.run("users", "code", name)
            assert refused.status == 1
            assert refused.out == ""
            assert said in refused.message
    finally:
        place.close()
