"""A desk with something in every corner, for what must hold on all of its views: pictures, access, hostile words.

What is shown comes from a script: words that real people might have written, or payloads.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from classifiers.listing import ListingClassifier
from crawler.answer_records import answers_record
from crawler.egress import Guard
from crawler.home import Home
from demo.practice import practice_items
from review.server import DeskServer
from storage.alarm_receipts import give_receipt, set_recipient
from storage.audit import AuditChain
from storage.case_work import Proof, assign_case, record_outcome, refer_case
from storage.cases import add_case_note, add_exhibit, open_case
from storage.database import Database
from storage.deliveries import WAYS, end_delivery, new_delivery
from storage.export_requests import ask_for_export
from storage.model_uses import record_use
from storage.notice_settings import set_email, set_webhook, settings_of
from storage.object_id import examination_source, state_field
from storage.object_index import keep_candidates
from storage.objects import join
from storage.practice import begin_round, finish_round, keep_answer
from storage.registers import say_verdict
from storage.saved_searches import save_search
from storage.sellers import follow
from storage.tables import (
    Alarm,
    Alert,
    Assessment,
    Capture,
    Case,
    Crawl,
    Decision,
    DeliveryAlert,
    Export,
    Job,
    Listing,
    MarketApproval,
    Match,
    RegisterEntry,
    RegisterList,
    Seller,
    User,
    utc_now,
)
from storage.tokens import create_token
from storage.users import ROLES, create_user, find_user
from storage.watches import add_watch
from tests.review.seed import Offer, add_assessment, add_listing, add_observation, keep_file, png

LONG_ARABIC = (
    "تمثال برونزي نادر جداً للإله حورس من العصر المتأخر، وُجد في مزرعة العائلة قرب تونة الجبل، مع قاعدة خشبية قديمة "
    "وحالة ممتازة، السعر قابل للتفاوض والشحن إلى جميع الدول (رقم 14/B)"
)
OFFERS = (
    Offer(
        title=LONG_ARABIC,
        description="للجادين فقط. اتصل على 01001234567 أو antiques.cairo@example.com\nالارتفاع 12 cm والوزن 340 g.\n"
        "Shipping to France & USA possible — «sans papiers».\nالموقع: https://souq.example/item/7?ref=a&x=1",
        marked={"تمثال": (1.2, "object:statue"), "برونزي": (0.6, "material:bronze"), "وُجد في": (1.4, "find:found")},
        language="ar",
        seller="أبو محمود للتحف Abu Mahmoud",
        location="المنيا، مصر",
        currency="EGP",
        price=Decimal("185000"),
        market="souq_example",
        url="https://souq.example/item/" + "very-long-address-" * 8 + "?ref=تمثال",
        score=0.97,
        ends_in=timedelta(hours=5),
    ),
    Offer(),
    Offer(
        title="Lampe à huile romaine en terre cuite, IIe siècle, trouvée dans un champ près de Nîmes – رائعة",
        description="Découverte familiale, pas une copie de musée. Tél. 06 12 34 56 78.",
        marked={"Lampe à huile": (1.3, "object:oil_lamp"), "copie de musée": (-1.6, "replica:museum_copy")},
        language="fr",
        seller="Brocante de l’Étoile & fils",
        location="30000 Nîmes, France",
        price=Decimal("1249.90"),
        score=0.71,
        band="medium",
        ends_in=timedelta(hours=40),
        color="#7d8f4b",
    ),
    Offer(
        title="Roman glass unguentarium 1st-2nd c. AD, call +20 100 123 4567 or write to seller@example.org",
        description=None,
        marked={"Roman glass": (0.9, "material:glass")},
        score=0.44,
        band="weak",
        price=None,
        seller="x" * 90,
        location=None,
        ends_in=timedelta(days=12),
        color="#5b8aa0",
    ),
    Offer(
        title="لوح طيني مسماري Cuneiform tablet, Ur III ca. 2100–2000 BC, H. 4.2 cm, ex. coll. Paris (1972)",
        description="شهادة تصدير غير متوفرة. Provenance: old French collection, acquired 1972; invoice available.",
        marked={"مسماري": (1.8, "object:tablet"), "Provenance": (-0.4, "offer:provenance")},
        language="ar",
        seller="بائع الآثار",
        location="Dubai / دبي",
        price=Decimal("3400"),
        currency="USD",
        market="souq_example",
        color="#a0825b",
    ),
    Offer(title="", description="", marked={}, score=0.41, band="weak", price=Decimal("0.5"), currency=None),
)
"""What real listings look like at their worst: long, of two directions, with figures and ways to reach the seller."""


class Script(Protocol):
    """What stands in the fields that people and markets fill."""

    photos: int
    """Of each listing, besides the first."""

    def offers(self) -> Sequence[Offer]: ...

    def say(self, place: str) -> str: ...


@dataclass
class Ordinary:
    """Words of several languages, in turn."""

    photos: int = 7
    _turns: Iterator[int] = field(default_factory=itertools.count)

    def offers(self) -> Sequence[Offer]:
        return OFFERS

    def say(self, place: str) -> str:
        words = SPOKEN[place]
        return words[next(self._turns) % len(words)]


SPOKEN = {
    "case": (
        "Lamps from one hoard, sold in Lyon",
        "تماثيل برونزية من المنيا – sold via souq.example",
        "Dépôt de Nîmes",
    ),
    "note": (
        "اتصلت بالمتحف: رقم الجرد JE 4711 غير مسجّل. سأعيد الاتصال يوم 03/12.",
        "Same soil on all photos; see exhibit 2 (لوح طيني).\nThe seller answered at 21:40 UTC.",
        "Vu avec la douane : « à suivre ».",
    ),
    "authority": ("الإدارة المركزية للآثار المضبوطة", "Office central OCBC, Nanterre"),
    "reference": ("JE/2026-0417-ب", "PV 2026/1187"),
    "file": ("رسالة المتحف (نسخة نهائية) 2026-11-03.pdf", "letter_of_the_museum_" * 4 + ".pdf"),
    "person": ("سلمى عبد الرحمن", "Jean-Baptiste de l’Estoile-Montgomery"),
    "watch": ("برونز وتماثيل", "Roman lamps, all markets"),
    "query": ("تمثال برونزي قديم", "roman oil lamp", "lampe à huile romaine"),
    "alarm_kind": ("treasure_child_abuse_signal", "khums_or_tax"),
    "alarm": ("طفل زوهري", "child for the opening of a treasure"),
    "problem": ("The page gave no title (HTTP 200, 14 bytes).",),
    "address": ("https://souq.example/صفحة/بحث?q=تمثال&page=2",),
    "model": ("own-2026-11",),
    "legal_basis": ("إذن النيابة رقم 12/2026، تجديد سنوي", "Contrat d’accès aux données du 3 mars 2026"),
    "version": ("text-2:5f0c2e9a",),
}


@dataclass(frozen=True)
class Staged:
    """A desk that runs over a stage."""

    database: Database
    home: Home
    stage: Stage
    address: str


@contextmanager
def staged_desk(home: Home, *scripts: Script) -> Iterator[Staged]:
    """Every role, and the stage as the scripts tell it, in a home whose database is migrated; and its desk, running."""
    database = Database(home.database_url)
    chain, stage = AuditChain(), Stage()
    with database.transaction() as session:
        for role in ROLES:
            if find_user(session, role) is None:
                create_user(session, role, role)
        for script in scripts:
            set_stage(session, home, chain, script, stage)
        stage.practised = _practise(session)
    with DeskServer(database, home) as server:
        yield Staged(database, home, stage, server.address)
    database.dispose()


@dataclass
class Stage:
    """What stands on it, by which the views are found."""

    listings: list[int] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    approvals: list[int] = field(default_factory=list)
    beside: str = ""
    """A picture that may stand beside those of the first listing."""
    practised: int = 0
    """The admin's finished round of practice; the next one is open, its first item answered."""


def set_stage(session: Session, home: Home, chain: AuditChain, script: Script, stage: Stage | None = None) -> Stage:
    """Everything that the desk shows, in the words of the script. The desk's own people have to be there already."""
    stage = stage or Stage()
    added = [_listing(session, home, offer, script) for offer in script.offers()]
    stage.listings += [listing.id for listing in added]
    actor = script.say("person")[:80]
    user = find_user(session, actor) or create_user(session, actor, "lead")
    session.flush()
    _decide(session, added[0], user, script)
    if len(added) > 1:
        _relate(session, added)
    beside = _beside(session, home, chain, added, user.name, script, version=len(stage.cases) + 1)
    stage.beside = stage.beside or beside
    stage.cases += [_case(session, home, chain, added, user, script)]
    _alarms(session, chain, added[:2], user, script)
    _alerts(session, chain, added[:4], user, script)
    _crawls(session, script)
    _administration(session, chain, stage, script, actor)
    session.flush()
    return stage


def _listing(session: Session, home: Home, offer: Offer, script: Script) -> Listing:
    listing = add_listing(session, home, offer)
    more = f"{offer.description or ''} {script.say('query')}"
    changed = replace(offer, price=(offer.price or Decimal(100)) * 2, description=more)
    observation = add_observation(session, listing, changed, None, utc_now())
    observation.availability = observation.size = script.say("query")
    assessment = add_assessment(session, listing, observation, changed, model=script.say("version"))
    assessment.answers = answers_of(changed.title, changed.description or "")
    listing.current_assessment_id = assessment.id
    for number in range(script.photos):
        _photo(session, home, listing, number)
    for capture in session.scalars(select(Capture).where(Capture.listing_id == listing.id)):
        capture.note = script.say("problem")
    return listing


def _photo(session: Session, home: Home, listing: Listing, number: int) -> None:
    size = [(200, 200), (200, 90), (90, 200)][number % 3]
    kept = keep_file(home, png(f"#{60 + 25 * number:02x}8f{220 - 25 * number:02x}", size))
    session.add(
        Capture(
            kind="thumbnail",
            listing_id=listing.id,
            url=listing.url,
            captured_at=utc_now() - timedelta(days=number),
            media_type="image/png",
            sha256=kept,
        )
    )


@cache
def _classifier() -> ListingClassifier:
    return ListingClassifier.load()


def answers_of(title: str, description: str) -> dict[str, Any]:
    classifier = _classifier()
    [(answers, _)] = classifier._answerer.answer(classifier.read([(title, description)]), [True])
    return answers_record(answers)


def _decide(session: Session, listing: Listing, user: User, script: Script) -> None:
    for verdict, step in (("unsure", "ask_expert"), ("antiquity", "refer")):
        decision = Decision(
            listing_id=listing.id,
            observation_id=listing.current_observation_id,
            user_id=user.id,
            verdict=verdict,
            next_step=step,
            note=script.say("note"),
            request_key=f"{listing.id}-{verdict}",
        )
        session.add(decision)
        session.flush()
        listing.current_decision_id = decision.id
    listing.changed_after_decision = True


def _relate(session: Session, added: Sequence[Listing]) -> None:
    """The first two are one object, the third may be."""
    join(session, added[0].id, added[1].id, score=9.0, why=[], method="test", actor="job 1")
    why = [{"part": "weight", "weight": 2.0, "one": "340.5", "other": "340"}]
    pair = {
        "listing_id": added[2].id, "other_listing_id": added[0].id, "observation_id": added[2].current_observation_id,
        "other_observation_id": added[0].current_observation_id, "score": 3.0, "why": why, "conflicts": ["size"],
        "method": "test",
    }  # fmt: skip
    keep_candidates(session, [pair])


def _beside(
    session: Session,
    home: Home,
    chain: AuditChain,
    added: Sequence[Listing],
    actor: str,
    script: Script,
    *,
    version: int,
) -> str:
    """An Object ID statement, a register candidate with its verdict and photograph, captures that wait and failed; the
    fourth offers human remains. Returns the candidate's photograph, as the page of pictures names it.
    """
    first = added[0]
    state_field(
        session, chain, first.id, field="distinguishing_features", value=script.say("note"),
        source=examination_source(script.say("note")), actor=actor,
    )  # fmt: skip
    rows = RegisterList(
        source="MOC-2003", version=version, file_name="list.csv", file_sha256="0" * 64, imported_by=actor, counts={},
        faults=[],
    )  # fmt: skip
    session.add(rows)
    session.flush()
    kept = keep_file(home, png("#8a6d3b", (180, 240)))
    told = {name: script.say(place) for name, place in (("title", "case"), ("object_type", "query"))}
    entry = RegisterEntry(
        list_id=rows.id, source="MOC-2003", record_id="17", status="missing", fields={**told, "weight_g": 341},
        original=told, digest="d" * 64, read_as={}, photos=[{"name": "17.png", "sha256": kept}],
    )  # fmt: skip
    session.add(entry)
    session.flush()
    why = [
        {"part": "weight", "weight": 2.1, "ours": "340.5 g", "theirs": "341 g"},
        {"part": "type", "weight": -0.8, "ours": "statue_sculpture", "theirs": "oil_lamp"},
        {"part": "words", "weight": 0.1, "ours": script.say("query"), "theirs": script.say("query")},
    ]
    match = Match(
        listing_id=first.id, observation_id=first.current_observation_id, register_entry_id=entry.id, score=4.2,
        band="medium", why=why, method="test",
    )  # fmt: skip
    session.add(match)
    session.flush()
    say_verdict(session, chain, match.id, verdict="unsure", actor=actor, note=script.say("note"))
    for number, state in enumerate(("queued", "failed")):
        job = Job(
            kind="capture", arguments={"listing_id": first.id, "actor": actor}, idempotency_key=f"{script}{number}",
            state=state, error=script.say("problem") if state == "failed" else None,
        )  # fmt: skip
        session.add(job)
    if len(added) > 3:
        remains = session.get_one(Assessment, added[3].current_assessment_id or 0)
        remains.labels = [*remains.labels, "risk:human_remains"]
    return f"r{entry.id}-1"


def _case(
    session: Session, home: Home, chain: AuditChain, listings: Sequence[Listing], user: User, script: Script
) -> str:
    case: Case = open_case(session, chain, title=script.say("case")[:200], actor=user.name)
    for listing in listings[:3]:
        seen = listing.current_observation_id
        add_exhibit(session, chain, case=case, listing_id=listing.id, observation_id=seen, actor=user.name)
    for _ in range(2):
        add_case_note(session, chain, case=case, text=script.say("note"), actor=user.name)
        assign_case(session, chain, case=case, user=user, actor=user.name)
    words = {"referred_to": script.say("authority")[:300], "their_reference": script.say("reference")[:300]}
    refer_case(session, chain, case=case, **words, note=script.say("note"), actor=user.name)
    kept = keep_file(home, b"%PDF-1.7 letter")
    proof = Proof(kept, script.say("file"), "application/pdf", 15)
    note = script.say("note")
    record_outcome(
        session, chain, case=case, listing_id=listings[0].id, result="seized", note=note, proof=proof, user=user
    )
    case.four_eyes = True
    purpose = script.say("note")[:500]
    for key in ("pending", "refused"):
        asked = ask_for_export(
            session, chain, case=case, user=user, purpose=purpose, languages=["ar"], request_key=f"{case.id}{key}"
        )
        asked.state = key
    failed = Job(
        kind="export", arguments={}, idempotency_key=f"export:{case.id}", state="failed", error=script.say("problem")
    )
    session.add(failed)
    session.flush()
    asked.state, asked.job_id, asked.decided_by_id = "approved", failed.id, user.id
    gone = {"bundle_id": f"b{case.id}", "case_id": case.id, "path": "gone.zip", "sha256": kept, "languages": ["ar"]}
    session.add(Export(**gone, exported_by=user.name))
    return case.reference


def _alarms(session: Session, chain: AuditChain, listings: Sequence[Listing], user: User, script: Script) -> None:
    set_recipient(session, chain, user=user, named=True, actor=user.name)
    for number, listing in enumerate(listings):
        words = script.say("alarm")
        alarm = Alarm(
            kind=script.say("alarm_kind"),
            listing_id=listing.id,
            observation_id=listing.current_observation_id,
            model=script.say("model"),
            reasons=[{"field": "title", "start": 0, "end": 4, "text": words, "weight": 5.0, "rule": words}],
            raised_at=utc_now(),
        )
        session.add(alarm)
        session.flush()
        if number == 0:
            give_receipt(session, chain, alarm_id=alarm.id, user=user)


def _alerts(session: Session, chain: AuditChain, listings: Sequence[Listing], user: User, script: Script) -> None:
    """Searches of the administrator and one that somebody shares; alerts, and messages in every state."""
    admin = find_user(session, "admin")
    assert admin is not None
    own = save_search(session, chain, admin, f"1 {script.say('watch')}", query=QUERY, notify=True)
    shared = save_search(session, chain, user, "", term=f"lamp {script.say('query')}"[:190], shared=True)
    seller = session.scalars(select(Seller).order_by(Seller.id.desc())).first()
    if seller is not None:
        follow(session, chain, seller.id, following=True, actor=user.name)
        save_search(session, chain, admin, "", seller_id=seller.id)
    set_email(session, chain, admin, email="amina@office.example", rhythm="daily", confirmed=True)
    viewer = find_user(session, "viewer")
    if viewer is not None and settings_of(session, viewer.id).email is None:  # each setting asks the address anew
        set_email(session, chain, viewer, email="viewer@office.example", rhythm="daily")
    set_webhook(session, chain, admin, url="https://cases.office.example/hook", guard=Guard())
    name = "".join(sign for sign in script.say("watch") if sign.isprintable())[:60].strip()
    create_token(session, chain, user=admin, name=name or "x", scopes=["read"], actor=user.name)
    for number, listing in enumerate(listings):
        told = Alert(
            user_id=admin.id,
            listing_id=listing.id,
            assessment_id=listing.current_assessment_id,
            kind="relisted" if number == 1 else "hit",
            searches=[own.id, shared.id],
            read_at=utc_now() if number == 2 else None,
        )
        session.add(told)
        session.flush()
        message = new_delivery(session, admin.id, WAYS[number % 2], "alerts", utc_now())
        session.add(DeliveryAlert(alert_id=told.id, way=message.way, delivery_id=message.id))
        if number:
            end_delivery(session, message, ("sent", "failed", "uncertain")[number - 1], script.say("problem"))


QUERY = "text=lamp&band=strong&currency=EUR&price_max=12500&language=ar&state=all"
FAULTS = [
    {"code": "thin_expected", "values": {"field": "price", "share": 12, "listings": 140, "expected": 80}},
    {"code": "challenge", "values": {"status": 403, "sign": "product", "named": "Guard™"}},
]


def _crawls(session: Session, script: Script) -> None:
    counts = {"pages": 1287, "listings": 140, "new": 12, "changed": 3, "flagged": 9, "problems": 2}
    problems = [{"url": script.say("address"), "reason": script.say("problem")}]
    for state, faults in (("complete", []), ("failed", FAULTS), ("running", []), ("stopped", [])):
        session.add(
            Crawl(
                market="souq_example" if state != "stopped" else script.say("query"),
                queries=[script.say("query") for _ in range(3)],
                state=state,
                fault=script.say("problem") if state in ("failed", "stopped") else None,
                started_at=utc_now() - timedelta(hours=3),
                finished_at=None if state == "running" else utc_now() - timedelta(hours=2),
                counts={"counts": counts, "faults": faults},
                problems=problems if state == "failed" else [],
            )
        )


def _practise(session: Session) -> int:
    admin = find_user(session, "admin")
    assert admin is not None
    finished = begin_round(session, admin)
    for item in practice_items()[:3]:
        keep_answer(session, finished, item.id, "replica", "dismiss", "replica")
    finish_round(session, finished)
    keep_answer(session, begin_round(session, admin), practice_items()[0].id, "antiquity", "refer", None)
    return finished.id


def _administration(session: Session, chain: AuditChain, stage: Stage, script: Script, actor: str) -> None:
    if not stage.approvals:
        words = {"name": script.say("model"), "model": script.say("version"), "replaces": "built-in"}
        record_use(session, chain, **words, actor=actor)
    add_watch(
        session,
        name=f"{script.say('watch')} {len(stage.cases)}",
        markets=["souq_example", "example_auction"],
        queries=[script.say("query"), f"{script.say('query')} 2"],
        every_seconds=5400,
        actor=actor,
        audit=chain,
    )
    approval = MarketApproval(
        market="ebay_fr",
        definition_sha256="0" * 64,
        approved_by=actor,
        approved_at=utc_now() - timedelta(days=3),
        legal_basis=script.say("legal_basis"),
    )
    session.add(approval)
    session.flush()
    stage.approvals.append(approval.id)
