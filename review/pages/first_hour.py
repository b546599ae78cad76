"""The first hour: a short set-up for the first administrator, left and taken up again at any step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from classifiers.answers.facts import FactsError, Settings
from classifiers.answers.own_settings import set_own_country
from crawler.egress import EgressRefused
from crawler.errors import RelicwatchError, UsageError
from crawler.operator import Operator, tell_operator, told_operator
from crawler.program import user_agent
from markets.approval import ApprovalRefused, approve, keep_file, standing_approval
from markets.catalog import UnknownMarket, all_markets, get_market
from markets.definition import Definition
from markets.drafting.look import LookRefused, looking
from markets.faults import DefinitionError
from markets.vocabulary import API_WALKERS
from review.crawl_view import fault_sentences
from review.desk import Administrator, Desk, DeskOf, Form, NotThere, desk_of, go_to, word
from review.first_hour import EVERY_SECONDS, READY, countries_to_choose, first_hit, text_of_copy
from review.uploads import MOST_BYTES, ask_for_import, drop_upload, keep_for_import
from spiders.key_check import KeyNotTaken, check_key, keys_there
from storage.saved_searches import save_search, visible_searches
from storage.set_up import OPENED, STEPS, last_reading, say_step, steps_said
from storage.tables import SourceReading, User
from storage.users import LANGUAGES
from storage.watches import add_watch, list_watches

router = APIRouter()
HERE = "/first-hour"
END = "end"
READING_PAUSE_SECONDS = 2.0
"""Between robots.txt and the terms: two requests that a person asked for and waits on."""


@router.get(HERE)
def first_hour_page(request: Request, desk: DeskOf, visitor: Administrator) -> Response:
    with desk.writing() as session:
        say_step(session, OPENED, "done", visitor.user.name)
    return _page(request, desk)


@router.post(f"{HERE}/skip")
def skip(desk: DeskOf, visitor: Administrator, form: Form) -> Response:
    step = word(form, "step")
    if step not in STEPS:
        raise NotThere(f"There is no step {step!r}.")
    return _said(desk, step, "skipped", visitor.user)


@router.post(f"{HERE}/own")
def own(request: Request, desk: DeskOf, visitor: Administrator, form: Form) -> Response:
    """Language of this person, own country of the unit."""
    language, country = word(form, "language"), word(form, "country")
    try:
        set_own_country(desk.home.root, [country] if country else [])
    except FactsError as error:
        return _page(request, desk, step="own", refused=error)
    with desk.writing() as session:
        if language in LANGUAGES:
            session.get_one(User, visitor.user.id).language = language
        _record(desk, session, visitor.user, "own country set", {"country": country})
    return _said(desk, "own", "done", visitor.user)


@router.post(f"{HERE}/lawful")
def lawful(request: Request, desk: DeskOf, visitor: Administrator, form: Form) -> Response:
    told = Operator(word(form, "name").strip(), word(form, "contact").strip(), word(form, "legal_basis").strip())
    try:
        tell_operator(desk.home, told)
    except UsageError as error:
        return _page(request, desk, step="lawful", refused=error, refused_key="first_lawful_refused", told=told)
    with desk.writing() as session:
        _record(desk, session, visitor.user, "operator told", {"legal_basis": told.legal_basis})
    return _said(desk, "lawful", "done", visitor.user)


async def checked_key(request: Request, visitor: Administrator, form: Form) -> str:
    """What the API says against the key; empty where it takes it."""
    try:
        await check_key(word(form, "api"))
    except (KeyNotTaken, UsageError) as error:
        return str(error)
    return ""


@router.post(f"{HERE}/key")
def key(
    request: Request, desk: DeskOf, visitor: Administrator, form: Form, fault: Annotated[str, Depends(checked_key)]
) -> Response:
    """Ask the API whether it takes the key of the environment; that a key was checked is logged, never the key."""
    with desk.writing() as session:
        _record(desk, session, visitor.user, "API key checked", {"api": word(form, "api"), "taken": not fault})
    checked = (word(form, "api"), fault)
    return _page(request, desk, step="source", checked=checked)


async def sent_file(request: Request, visitor: Administrator, form: Form) -> str:
    """Put the saved page below the home's uploads and give its place; empty where none came or it is too long."""
    sent: Any = form.get("saved")
    content: bytes = await sent.read(MOST_BYTES + 1) if isinstance(sent, UploadFile) else b""
    if not content or len(content) > MOST_BYTES:
        return ""
    return keep_for_import(desk_of(request).home, sent.filename or "", content)


@router.post(f"{HERE}/saved")
def saved(
    request: Request, desk: DeskOf, visitor: Administrator, form: Form, upload: Annotated[str, Depends(sent_file)]
) -> Response:
    """A page that somebody saved becomes an import job."""
    who = word(form, "who").strip() or visitor.user.name
    when = _moment(word(form, "when"))
    if not upload or when is None or not who.isprintable() or len(who) > 80:
        if upload:
            drop_upload(desk.home, upload)
        return _page(request, desk, step="source", refused_key="first_saved_refused")
    with desk.writing() as session:
        ask_for_import(session, desk.chain, upload, who=who, when=when, actor=visitor.user.name)
    return _said(desk, "source", "done", visitor.user)


async def read_copies(request: Request, visitor: Administrator, form: Form) -> SourceReading:
    """robots.txt and terms of a market as they are now, kept in the home."""
    desk = desk_of(request)
    definition = _market(desk, word(form, "market"))
    reading = SourceReading(market=definition.name, terms_url=word(form, "terms_url").strip() or None)
    reading.read_for = visitor.user.name
    first = f"https://{definition.domains[0]}/"
    try:
        async with looking(READING_PAUSE_SECONDS) as look:
            await look.read_robots(reading.terms_url or first)
            reading.robots_sha256 = keep_file(desk.home, look.robots or b"")
            if reading.terms_url:
                reading.terms_sha256 = keep_file(desk.home, (await look.page(reading.terms_url)).body)
    except (LookRefused, EgressRefused, ValueError) as error:
        reading.problem = str(error)[:1000]
    return reading


@router.post(f"{HERE}/reading")
def reading(
    desk: DeskOf, visitor: Administrator, form: Form, read: Annotated[SourceReading, Depends(read_copies)]
) -> Response:
    market = read.market
    with desk.writing() as session:
        session.add(read)
        details = {"market": market, "terms": read.terms_sha256, "robots": read.robots_sha256}
        _record(desk, session, visitor.user, "terms read", details)
    return go_to(f"{HERE}?step=source&market={market}")


async def sent_copies(visitor: Administrator, form: Form) -> tuple[bytes | None, bytes | None]:
    """Terms and robots.txt as files, where they came."""
    return await _copy(form, "terms"), await _copy(form, "robots")


SentCopies = Annotated[tuple[bytes | None, bytes | None], Depends(sent_copies)]


@router.post(f"{HERE}/approve")
def approve_source(request: Request, desk: DeskOf, visitor: Administrator, form: Form, copies: SentCopies) -> Response:
    """Turn one market on, with the copies that came or those that the desk read."""
    definition = _market(desk, word(form, "market"))
    terms, robots = copies
    try:
        with desk.writing() as session:
            read = last_reading(session, definition.name)
            if read is not None:
                terms = terms or _kept(desk, read.terms_sha256)
                robots = robots if robots is not None else _kept(desk, read.robots_sha256)
            approve(
                session,
                desk.chain,
                desk.home,
                definition,
                actor=visitor.user.name,
                legal_basis=word(form, "legal_basis"),
                rate_permission=word(form, "rate_permission") or None,
                terms=terms,
                robots=b"" if robots is None and word(form, "no_robots") == "1" else robots,
            )
    except (ApprovalRefused, DefinitionError) as error:
        return _page(request, desk, step="source", refused=error, market=definition.name)
    return _said(desk, "source", "done", visitor.user)


@router.post(f"{HERE}/searches")
def searches(desk: DeskOf, visitor: Administrator, form: Form) -> Response:
    """The chosen ready searches: asked of the markets that are on, and kept as saved searches of the queue."""
    with desk.writing() as session:
        user = session.get_one(User, visitor.user.id)
        on = [one.name for one in all_markets(desk.home).markets.values() if standing_approval(session, one)]
        there = {row.name for row in visible_searches(session, user, own=True)}
        watched = {row.name for row in list_watches(session, removed=True)}
        for ready in READY:
            if word(form, ready.language) != "1":
                continue
            if ready.name not in there:
                save_search(
                    session,
                    desk.chain,
                    user,
                    ready.name,
                    query=f"language={ready.language}",
                    shared=True,
                    notify=word(form, "notify") == "1",
                )
            if on and ready.name not in watched:
                add_watch(
                    session,
                    name=ready.name,
                    markets=on,
                    queries=ready.queries,
                    every_seconds=EVERY_SECONDS,
                    actor=visitor.user.name,
                    audit=desk.chain,
                )
    return _said(desk, "searches", "done", visitor.user)


def _said(desk: Desk, step: str, state: str, user: User) -> Response:
    with desk.writing() as session:
        say_step(session, step, state, user.name)
        said = steps_said(session)
    following = STEPS[STEPS.index(step) + 1 :]
    return go_to(f"{HERE}?step={next((one for one in following if one not in said), END)}")


def _record(desk: Desk, session: Any, user: User, action: str, details: dict[str, Any]) -> None:
    desk.chain.record(
        session, actor=user.name, action=action, object_kind="page", object_id="first-hour", details=details
    )


def _market(desk: Desk, name: str) -> Definition:
    try:
        return get_market(desk.home, name)
    except (UnknownMarket, DefinitionError) as error:
        raise NotThere(str(error)) from error


def _kept(desk: Desk, sha256: str | None) -> bytes | None:
    path = desk.home.file_path(sha256) if sha256 else None
    return path.read_bytes() if path is not None and path.is_file() else None


async def _copy(form: FormData, name: str) -> bytes | None:
    sent: Any = form.get(name)
    if not isinstance(sent, UploadFile) or not sent.filename:
        return None
    content: bytes = await sent.read(MOST_BYTES + 1)
    return content if len(content) <= MOST_BYTES else None


def _moment(text: str) -> datetime | None:
    """A moment as a form's date field sends it, in UTC; none for what is no moment or lies ahead."""
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if moment <= datetime.now(UTC) else None


def _page(
    request: Request,
    desk: Desk,
    *,
    step: str = "",
    refused: RelicwatchError | None = None,
    refused_key: str = "",
    told: Operator | None = None,
    checked: tuple[str, str] | None = None,
    market: str = "",
) -> Response:
    words = desk.words(request)
    catalog = all_markets(desk.home).markets
    market = market or request.query_params.get("market", "")
    chosen = catalog.get(market)
    with desk.reading() as session:
        said = steps_said(session)
        asked = step or request.query_params.get("step", "")
        now = asked if asked in (*STEPS, END) else next((one for one in STEPS if one not in said), END)
        hit = first_hit(session) if now == END else None
        faults = fault_sentences(hit.progress.crawl, words) if hit and hit.progress.crawl else []
        read = last_reading(session, chosen.name) if chosen else None
        on = {name for name, one in catalog.items() if standing_approval(session, one)}
        saved_names = {row.name for row in visible_searches(session, request.state.visitor.user, own=True)}
    return desk.page(
        request,
        "first_hour.html",
        status=422 if refused or refused_key else 200,
        steps=STEPS,
        said=said,
        now=now,
        refused=str(refused) if refused else "",
        refused_key=refused_key,
        languages=LANGUAGES,
        countries=countries_to_choose(desk.home, words.language) if now == "own" else [],
        own_countries=_own_countries(desk),
        told=told or told_operator(desk.home),
        user_agent=user_agent(),
        keys=keys_there(),
        checked=checked,
        markets=sorted(
            (one for one in catalog.values() if one.demo == desk.home.is_demo and one.access.login != "required"),
            key=lambda one: (one.spider in API_WALKERS, one.title),
        ),
        on=on,
        chosen=chosen,
        definition=chosen.file_content.decode("utf-8", "replace") if chosen else "",
        read=read,
        terms_text=text_of_copy(desk.home, read.terms_sha256) if read else "",
        robots_text=text_of_copy(desk.home, read.robots_sha256) if read else "",
        today=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M"),
        ready=READY,
        saved_names=saved_names,
        hit=hit,
        faults=faults,
        megabytes=MOST_BYTES // (1024 * 1024),
    )


def _own_countries(desk: Desk) -> list[str]:
    try:
        return sorted(Settings.load(desk.home.root).own_country)
    except FactsError:
        return []
