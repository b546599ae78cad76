"""From a saved search over a crawl to the e-mail in its reader's box, by the commands of a user."""

from __future__ import annotations

from sqlalchemy import select

from storage.audit import AuditChain
from storage.notice_settings import set_email
from storage.saved_searches import save_search
from storage.tables import Alert, Delivery, Job
from storage.users import create_user
from tests.alerts.conftest import Mailbox, part
from tests.crawling import Place
from tests.market_server import lot_page, reply, results_page, serving

LAMP = "Roman oil lamp, found in an old tomb, Syria"


def test_a_new_hit_of_a_saved_search_arrives_by_e_mail_once(place: Place, mailbox: Mailbox) -> None:
    with place.database.transaction() as session:
        ann = create_user(session, "ann", "reviewer", language="fr")
        set_email(session, AuditChain(), ann, email="ann@office.example", rhythm="at_once", confirmed=True)
        save_search(session, AuditChain(), ann, "Lampes", query="text=lamp", notify=True)
    with serving() as market:
        market.routes["/search"] = reply(results_page(["/sale/1/lot/1", "/sale/1/lot/2"]))
        market.routes["/sale/1/lot/1"] = reply(lot_page(LAMP))
        market.routes["/sale/1/lot/2"] = reply(lot_page("Garden chair"))
        place.define(market)
        for _ in range(2):
            assert place.crawl("lamp").status == 0
            told = place.run("alerts", "send", "--json", more=mailbox.environment())
            assert told.status == 0, told.err
    (message,) = mailbox.messages
    assert mailbox.envelopes[0].rcpt_tos == ["ann@office.example"]
    assert message["Subject"] == "relicwatch: 1 nouveau signal"
    (alert,) = place.rows(select(Alert))
    for kind in ("plain", "html"):
        text = part(message, kind)
        assert LAMP in text
        assert "chair" not in text
        assert f"https://desk.office.example/listings/{alert.listing_id}" in text
        assert "Lampes" in text
    assert alert.kind == "hit"
    assert [one.state for one in place.rows(select(Delivery))] == ["sent"]
    assert place.rows(select(Job).where(Job.kind == "alerts")) == []
