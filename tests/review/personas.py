"""The tasks of the three people whom the desk serves, done with counted hands in a real browser, in any language.

Everything is reached as a person would: from the page that is open, by links, fields, buttons and keys. The target is
the whole task's, reading included; what is measured is the machine's part of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Locator, Page
from sqlalchemy import select

from demo.pictures import draw_picture
from evidence.thumbnails import make_thumbnail
from linking import import_register
from review.words import messages
from storage.audit import AuditChain
from storage.tables import (
    Attachment,
    Capture,
    Case,
    CaseNote,
    Decision,
    Exhibit,
    ExportRequest,
    Job,
    MarketApproval,
    SavedSearch,
    User,
    utc_now,
)
from tests.review.seed import Offer, add_listing, keep_file
from tests.review.stage import Staged
from tests.review.test_photos import counter_photo

_numbers = itertools.count(1)


@dataclass
class Hands:
    """A person at the desk: each click, key and typed sign counts."""

    page: Page
    staged: Staged
    files: Path
    clicks: int = 0
    keys: int = 0
    number: int = field(default_factory=lambda: next(_numbers))
    """Tells one doing of a task from another."""

    def click(self, what: str | Locator) -> None:
        self._at(what).click()
        self.clicks += 1

    def go(self, what: str | Locator) -> None:
        """A click that leads to another page."""
        with self.page.expect_navigation():
            self.click(what)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.keys += 1

    def write(self, what: str | Locator, text: str) -> None:
        self._at(what).fill(text)
        self.clicks += 1
        self.keys += len(text)

    def pick(self, what: str | Locator, value: str) -> None:
        """Open a list and choose from it."""
        self._at(what).select_option(value)
        self.clicks += 2

    def send(self, what: str | Locator, name: str, content: bytes) -> None:
        path = self.files / name
        path.write_bytes(content)
        self._at(what).set_input_files(path)
        self.clicks += 2

    def _at(self, what: str | Locator) -> Locator:
        return self.page.locator(what).first if isinstance(what, str) else what


@dataclass(frozen=True, slots=True)
class Task:
    """One line of a persona's table."""

    who: str
    number: int
    name: str
    target_seconds: int
    role: str
    do: Callable[[Hands], None]
    prepare: Callable[[Staged, int], None] | None = None
    """What lies there before the person comes; gets the number of this doing."""

    @property
    def id(self) -> str:
        return f"{self.who}-{self.number}"


def _rows(hands: Hands, table: type, *where: object) -> list[object]:
    with hands.staged.database.reading() as session:
        return list(session.scalars(select(table).where(*where)))  # type: ignore[arg-type]


# -- the investigator ---------------------------------------------------------------------------------------------


def _urgent(staged: Staged, number: int) -> None:
    with staged.database.transaction() as session:
        add_listing(
            session, staged.home, Offer(title=f"Ends tonight {number}", ends_in=timedelta(hours=number % 3 + 1))
        )


def hits_ranked(hands: Hands) -> None:
    hands.go("header nav a[href='/']")
    ends = hands.page.locator(".hit").first.locator("time").first.get_attribute("datetime")
    assert hands.page.locator(".hit").count() > 3 and ends
    assert hands.page.locator(".hit .score").count() == hands.page.locator(".hit").count()


def judge_from_the_card(hands: Hands) -> None:
    hands.go("header nav a[href='/']")
    card = hands.page.locator(".hit", has=hands.page.locator("img")).first
    assert card.locator(".score").count() and card.locator(".chip").count() >= 1
    assert card.locator("dd").count() >= 3 and card.locator("h2").inner_text().strip()


def _replicas(staged: Staged, number: int) -> None:
    with staged.database.transaction() as session:
        for place in range(20):
            offer = Offer(title=f"Replica {number}/{place}", market=f"replicas_{number}", score=0.9 - place / 100)
            add_listing(session, staged.home, offer)


def dismiss_twenty(hands: Hands) -> None:
    hands.pick("select[name=market]", f"replicas_{hands.number}")
    hands.go(".filters button")
    hands.press("j")
    with hands.page.expect_navigation():
        hands.press("Enter")
    for _ in range(20):
        hands.page.wait_for_selector("#decision")
        hands.press("r")
        with hands.page.expect_navigation():
            hands.press("Enter")
    hands.page.wait_for_selector(".empty")
    with hands.staged.database.reading() as session:
        made = session.scalars(select(Decision).order_by(Decision.id.desc()).limit(20)).all()
        assert {(one.verdict, one.reason) for one in made} == {("replica", "replica")} and len(made) == 20


def _seller(staged: Staged, number: int) -> None:
    with staged.database.transaction() as session:
        for place in range(3):
            offer = Offer(title=f"Of one seller {number}/{place}", seller=f"Seller {number}", score=0.99)
            add_listing(session, staged.home, offer)


def others_of_the_seller(hands: Hands) -> None:
    hands.write("input[name=text]", f"seller {hands.number}/0")
    hands.go(".filters button")
    hands.go(".hit h2 a")
    others = hands.page.locator(f"aside a:has-text('Of one seller {hands.number}/')")
    others.first.wait_for()
    assert others.count() == 2


def _register(staged: Staged, number: int) -> None:
    folder = staged.home.root / f"register-{number}"
    folder.mkdir()
    (folder / "lost.jpg").write_bytes(draw_picture("tablet", f"lost {number}", 1, 800))
    rows = f"record_id,object_type,status,photo\n{number},cuneiform tablet,stolen,lost.jpg\n"
    (folder / "list.csv").write_text(rows, "utf-8")
    chain = AuditChain()
    import_register(staged.database, staged.home, folder / "list.csv", chain=chain, actor="a", source=f"R{number}")


def check_against_a_register(hands: Hands) -> None:
    hands.go("header nav a[href='/photos']")
    hands.send("#photo", "hit.jpg", counter_photo(f"lost {hands.number}", "tablet"))
    hands.go(".photo-ask button")
    hands.page.locator(".photo-pair", has_text=f"R{hands.number}").wait_for()


def case_with_three_hits(hands: Hands) -> None:
    title, note = f"ملف رقم {hands.number}", "قطع من مصدر واحد، انظر الصور"
    for place in range(3):
        hands.go("header nav a[href='/']")
        hands.go(hands.page.locator(".hit h2 a").nth(place))
        form = hands.page.locator("form[action$='/case']")
        if place == 0:
            if form.locator("select[name=case] option").count() > 1:
                hands.pick(form.locator("select[name=case]"), "")
            hands.write(form.locator("input[name=title]"), title)
        else:
            option = form.locator("select[name=case] option", has_text=title).get_attribute("value")
            hands.pick(form.locator("select[name=case]"), option or "")
        hands.go(form.locator("button"))
    hands.write("form[action$='/notes'] textarea", note)
    hands.go("form[action$='/notes'] button")
    assert hands.page.locator("article .text", has_text=note).count() == 1
    with hands.staged.database.reading() as session:
        case = session.scalars(select(Case).where(Case.title == title)).one()
        assert len(session.scalars(select(Exhibit).where(Exhibit.case_id == case.id)).all()) == 3
        assert session.scalars(select(CaseNote).where(CaseNote.case_id == case.id)).one().text == note


def export_in_two_languages(hands: Hands) -> None:
    hands.go("header nav a[href='/cases']")
    hands.go("main a[href^='/cases/']")
    form = hands.page.locator("form[action$='/bundle']")
    for language in ("ar", "fr", "en"):
        box = form.locator(f"input[value={language}]")
        if box.is_checked() != (language != "en"):
            hands.click(box)
    hands.write(form.locator("input[name=purpose]"), f"Request {hands.number}")
    hands.go(form.locator("button.primary"))
    (asked,) = _rows(hands, ExportRequest, ExportRequest.purpose == f"Request {hands.number}")
    assert set(asked.languages) == {"ar", "fr"}  # type: ignore[attr-defined]


def watch_a_term(hands: Hands) -> None:
    term = f"مسمار {hands.number}"
    hands.page.goto(f"{hands.staged.address}/searches")
    hands.clicks += 1
    hands.write("input[name=term]", term)
    hands.go("form:has(input[name=term]) button")
    (kept,) = _rows(hands, SavedSearch, SavedSearch.name == term)
    assert hands.page.get_by_text(term).count() >= 1 and kept is not None


def send_a_saved_page(hands: Hands) -> None:
    hands.go("header nav a[href^='/administration']")
    hands.go(".rooms a[href='/first-hour']")
    hands.go(".first-steps a[href$='step=source']")
    body = f"<title>Lamp {hands.number}</title><h1>Roman lamp {hands.number}</h1><p>Found in a tomb, 200 EUR</p>"
    hands.send("input[name=saved]", "saved.html", body.encode())
    hands.go("form[action$=saved] button")
    assert any(job.state == "queued" for job in _rows(hands, Job, Job.kind == "import"))  # type: ignore[attr-defined]


# -- the customs analyst ------------------------------------------------------------------------------------------


def filter_by_country_and_week(hands: Hands) -> None:
    hands.go("header nav a[href='/']")
    hands.click(".more-filters summary")
    country = hands.page.locator("select[name=country] option[value]:not([value=''])").first.get_attribute("value")
    hands.pick("select[name=country]", country or "")
    hands.write("input[name=since]", (utc_now() - timedelta(days=7)).date().isoformat())
    hands.go(".filters button")
    assert f"country={country}" in hands.page.url and "since=" in hands.page.url
    assert hands.page.locator(".hit").count() >= 1


def law_and_date(hands: Hands) -> None:
    hands.go("header nav a[href='/']")
    hands.write("input[name=text]", "مسماري")
    hands.go(".filters button")
    hands.go(".hit h2 a")
    laws = hands.page.locator("#answers li", has_text="1970")
    laws.first.wait_for()


def _past_hit(staged: Staged, number: int) -> None:
    with staged.database.transaction() as session:
        listing = add_listing(session, staged.home, Offer(title=f"Relief {number}"))
        of_it = (Capture.listing_id == listing.id, Capture.kind == "thumbnail")
        drawn = make_thumbnail(draw_picture("relief", f"past {number}", 1, 800))
        session.scalars(select(Capture).where(*of_it)).one().sha256 = keep_file(staged.home, drawn)


def counter_photo_with_past_hits(hands: Hands) -> None:
    hands.go("header nav a[href='/photos']")
    hands.send("#photo", "counter.jpg", counter_photo(f"past {hands.number}", "relief"))
    hands.go(".photo-ask button")
    hands.page.locator(".photo-pair", has_text=f"Relief {hands.number}").wait_for()


def red_list_category(hands: Hands) -> None:
    hands.go("header nav a[href='/practice']")
    hands.go("main form button, main a.button")
    for _ in range(24):
        hands.press("u")
        with hands.page.expect_navigation():
            hands.press("Enter")
        if hands.page.locator(".listing-side section").count() > 1:
            break
        with hands.page.expect_navigation():
            hands.press("Enter")
    shown = hands.page.locator(".listing-side section").nth(1)
    assert shown.locator("h2").inner_text() and len(shown.inner_text()) > 80


def price_size_weight(hands: Hands) -> None:
    hands.go("header nav a[href='/']")
    hands.go(".hit h2 a")
    text = hands.page.locator("aside").inner_text()
    words = messages(hands.page.get_attribute("html", "lang") or "")
    assert all(words[name] in text for name in ("price", "size", "weight"))
    assert "340" in text and any(one in text for one in ("EUR", "EGP", "USD"))


def lawful_with_proof(hands: Hands) -> None:
    hands.go("header nav a[href='/cases']")
    hands.go("main a[href^='/cases/']")
    fold = hands.page.locator("details:has(form[action$='/lawful'])").first
    hands.click(fold.locator("summary"))
    hands.send(fold.locator("input[name=proof]"), "invoice.pdf", b"%PDF-1.4 " + str(hands.number).encode())
    hands.go(fold.locator("button"))
    assert any(one.kind == "lawful_documented" for one in _rows(hands, Attachment))  # type: ignore[attr-defined]


def monthly_figures(hands: Hands) -> None:
    hands.go("header nav a[href='/overview']")
    with hands.page.expect_download() as loaded:
        hands.click("a[href='/overview/months.csv']")
    text = Path(loaded.value.path()).read_text("utf-8-sig")
    assert text.count("\n") >= 2


# -- the data engineer --------------------------------------------------------------------------------------------


def add_a_person(hands: Hands) -> None:
    hands.go("header nav a[href^='/administration']")
    hands.go(".rooms a[href='/administration/users']")
    form = hands.page.locator("form[action='/administration/users']")
    hands.write(form.locator("input[name=name]"), f"Nadia {hands.number}")
    hands.pick(form.locator("select[name=role]"), "lead")
    hands.go(form.locator("button"))
    assert hands.page.locator("[role=status] code").inner_text()
    assert _rows(hands, User, User.name == f"Nadia {hands.number}")


def _market(staged: Staged, number: int) -> None:
    (staged.home.markets / f"market_{number}.yaml").write_text(
        f"name: market_{number}\ntitle: Market {number}\ndomains: [m{number}.example]\nid_space: market_{number}\n"
        f'kind: auction\nspider: catalogue\nsearch: {{url: "https://m{number}.example/s?q={{query}}"}}\n'
        'listing_url: "/lot/(?P<lot>\\\\d+)"\n',
        "utf-8",
    )


def switch_on_a_source(hands: Hands) -> None:
    hands.go("header nav a[href^='/administration']")
    hands.go(".rooms a[href='/first-hour']")
    hands.go(".first-steps a[href$='step=source']")
    hands.pick("select[name=market]", f"market_{hands.number}")
    hands.go("form[method=get] button")
    form = hands.page.locator("form[action$=approve]")
    hands.send(form.locator("input[name=terms]"), "terms.html", b"<p>terms as read")
    hands.send(form.locator("input[name=robots]"), "robots.txt", b"User-agent: *\n")
    hands.write(form.locator("input[name=legal_basis]"), "Law 22-80, art. 3")
    hands.click(form.locator("input[name=read]"))
    hands.go(form.locator("button"))
    assert _rows(hands, MarketApproval, MarketApproval.market == f"market_{hands.number}")


def failed_sources(hands: Hands) -> None:
    hands.go("header nav a[href='/crawls']")
    assert hands.page.locator(".bad, .alert, .recorded").count() >= 1


def purge_plan(hands: Hands) -> None:
    hands.go("header nav a[href^='/administration']")
    hands.go(".rooms a[href='/administration/retention']")
    assert hands.page.locator("main table, main dl, main ul").count() >= 1


TASKS = (
    Task("investigator", 1, "see the hits ranked", 30, "lead", hits_ranked, _urgent),
    Task("investigator", 2, "judge one hit from the card", 60, "reviewer", judge_from_the_card),
    Task("investigator", 3, "dismiss 20 replicas by keyboard", 180, "reviewer", dismiss_twenty, _replicas),
    Task("investigator", 5, "find others of the same seller", 60, "reviewer", others_of_the_seller, _seller),
    Task("investigator", 6, "check a hit against a register", 60, "reviewer", check_against_a_register, _register),
    Task("investigator", 7, "a case, three hits, a note in Arabic", 180, "lead", case_with_three_hits),
    Task("investigator", 8, "ask for the bundle in Arabic and French", 120, "exporter", export_in_two_languages),
    Task("investigator", 9, "watch a term and be told", 60, "reviewer", watch_a_term),
    Task("investigator", 10, "send a saved page", 180, "admin", send_a_saved_page),
    Task("customs", 1, "filter by country and the last 7 days", 30, "reviewer", filter_by_country_and_week),
    Task("customs", 2, "see law and date of one hit", 30, "reviewer", law_and_date),
    Task("customs", 3, "compare a counter photo", 60, "viewer", counter_photo_with_past_hits, _past_hit),
    Task("customs", 4, "read a Red List category", 30, "reviewer", red_list_category),
    Task("customs", 5, "see price, size and weight", 20, "viewer", price_size_weight),
    Task("customs", 9, "lawful, documented, with its proof", 60, "lead", lawful_with_proof),
    Task("customs", 10, "take the monthly figures", 180, "lead", monthly_figures),
    Task("engineer", 2, "add a person with a role", 300, "admin", add_a_person),
    Task("engineer", 3, "switch a source on", 300, "admin", switch_on_a_source, _market),
    Task("engineer", 5, "see which sources failed and why", 30, "viewer", failed_sources),
    Task("engineer", 10, "see what the purge would delete", 300, "admin", purge_plan),
)
