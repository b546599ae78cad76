"""What every page of the desk needs: the database, who is signed in and what they may do, and how a page is made."""

from __future__ import annotations

import copy
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from isal import igzip
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from crawler.errors import RelicwatchError
from crawler.free_space import space_fault
from crawler.home import Home
from review.decision_keys import REASON_KEYS, STEP_KEYS, VERDICT_KEYS
from review.guard import takes_file
from review.highlight import distinct_reasons, highlighted, sign_class
from review.leaving import entry_addresses, is_web_address, leaving_page, note_addresses
from review.market_titles import market_title
from review.notices import saved_searches, unread_alerts
from review.picture_drawing import PictureDrawer
from review.words import NAMES, Words, chosen_language, listed, visible
from storage.audit import AuditChain
from storage.database import Database
from storage.tables import User
from storage.users import SignedIn, find_session, is_to_be_noted, note_seen

COOKIE = "relicwatch_session"
"""On loopback without encryption. Elsewhere `__Host-` is put before it, which no other host's page can set."""
PAGES = Path(__file__).parent / "templates"
LEAST_PACKED = 4096
"""Bytes of a page that are worth compressing."""
MOST_FIELDS = 80
"""A page of the queue, all of whose hits are chosen, sends fifty."""
MOST_FILES = 2
"""Of a form that may bring files: the terms of use of a market and its robots.txt."""

_READ = frozenset({"read"})
_DECIDE = _READ | {"decide"}
_LEAD = _DECIDE | {"cases"}
_EXPORT = _LEAD | {"export"}
RIGHTS: dict[str, frozenset[str]] = {
    "viewer": _READ,
    "auditor": _READ | {"audit"},
    "reviewer": _DECIDE,
    "lead": _LEAD,
    "exporter": _EXPORT,
    "admin": _EXPORT | {"audit", "administer"},
}
"""Role -> what it may do. A role not named here may do nothing."""


class NotSignedIn(RelicwatchError):
    """The page needs a signed-in person."""


class NotAllowed(RelicwatchError):
    """The signed-in person's role does not allow this."""


class FormRefused(RelicwatchError):
    """A form came without its token: from another site, or from a page opened before signing in anew."""


class NotThere(RelicwatchError):
    """No such listing, case, capture or export."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """The signed-in person behind a request."""

    user: User
    token: str
    csrf_token: str
    purpose: str
    """What they work for in this session; each entry of the audit log carries it. # SEC-36"""

    def may(self, right: str) -> bool:
        return right in RIGHTS.get(self.user.role, frozenset())


@dataclass(slots=True)
class Desk:
    """One running desk."""

    database: Database
    home: Home
    chain: AuditChain
    pages: Environment = field(init=False)
    drawer: PictureDrawer = field(default_factory=PictureDrawer)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.pages = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined)
        self.pages.globals.update(
            highlighted=highlighted, distinct_reasons=distinct_reasons, sign_class=sign_class, language_names=NAMES
        )
        self.pages.globals.update(verdict_keys=VERDICT_KEYS, step_keys=STEP_KEYS, reason_keys=REASON_KEYS)
        self.pages.globals.update(
            leaving_page=leaving_page,
            is_web_address=is_web_address,
            entry_addresses=entry_addresses,
            note_addresses=note_addresses,
        )
        self.pages.filters.update(visible=visible, listed=listed, plain_number=plain_number)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self.database.reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that may append to the audit chain: one at a time, since the chain is this process's own."""
        with self._writing, self.database.transaction() as session:
            yield session

    def noting(self, **noted: str) -> Desk:
        """This desk, whose audit entries say more; it writes under the same lock."""
        same = copy.copy(self)
        same.chain = self.chain.noting(**noted)
        return same

    def words(self, request: Request) -> Words:
        """The words of the language that the visitor reads."""
        visitor: Visitor | None = getattr(request.state, "visitor", None)
        wanted = request.query_params.get("lang") or (visitor.user.language if visitor else None)
        return Words(chosen_language(wanted, request.headers.get("accept-language", "")))

    def page(self, request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page in the visitor's language; `values` are what its template shows."""
        visitor: Visitor | None = getattr(request.state, "visitor", None)
        words = self.words(request)
        template = self.pages.get_template(name)
        common = {
            "t": words,
            "visitor": visitor,
            "demo": self.home.is_demo,
            "no_space": visitor is not None and space_fault(self.home) is not None,
            "path": request.url.path,
            "address": with_query(request),
            "new_key": new_key,
            "unread_alerts": unread_alerts(self, visitor),
            "saved_searches": saved_searches(self, visitor),
            "market_title": cache(lambda market: market_title(self.home, market, words)),
            "in_language": lambda code: f"?{request.url.include_query_params(lang=code).query}",
        }
        return _packed(request, template.render(common | values), status)

    def problem(
        self,
        request: Request,
        status: int,
        key: str,
        *,
        written: Sequence[str] = (),
        sign_in_at: str = "",
        **values: object,
    ) -> HTMLResponse:
        """A plain page that says what is wrong; `written` is shown to be copied, `sign_in_at` is where to go on."""
        return self.page(
            request, "problem.html", status=status, key=key, values=values, written=written, sign_in_at=sign_in_at
        )


def _packed(request: Request, page: str, status: int) -> HTMLResponse:
    """The page, compressed where the browser takes that.

    That its length tells of its secrets only where a stranger can have the page made again and again with words of
    their own: another site cannot, as our cookie is not sent from there.
    """
    content, headers = page.encode(), {"vary": "accept-encoding"}
    if len(content) >= LEAST_PACKED and "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["content-encoding"] = igzip.compress(content, compresslevel=2), "gzip"
    return HTMLResponse(content, status, headers)


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def visitor_of(request: Request) -> Visitor | None:
    """The visitor of this request; None for one who is not signed in."""
    token = request.cookies.get(cookie_name(request), "")
    if not token:
        return None
    desk = desk_of(request)
    with desk.reading() as session:
        found = find_session(session, token)
    if found is None:
        return None
    row, user = found
    if is_to_be_noted(row):
        with desk.database.transaction() as session:
            note_seen(session, token)
    visitor = Visitor(user, token, row.csrf_token, row.purpose)
    request.state.visitor = visitor
    return visitor


MaybeVisitor = Annotated[Visitor | None, Depends(visitor_of)]


def signed_in(visitor: MaybeVisitor) -> Visitor:
    """Raises NotSignedIn."""
    if visitor is None:
        raise NotSignedIn("Sign in first.")
    return visitor


def desk_for(request: Request, visitor: MaybeVisitor) -> Desk:
    """The desk, whose audit entries say what the visitor works for."""
    desk = desk_of(request)
    return desk if visitor is None else desk.noting(purpose=visitor.purpose)


DeskOf = Annotated[Desk, Depends(desk_for)]
AnyVisitor = Annotated[Visitor, Depends(signed_in)]


def allowed(right: str) -> Callable[[Visitor], Visitor]:
    """A dependency that lets only those through whose role has this right."""

    def check(visitor: AnyVisitor) -> Visitor:
        if not visitor.may(right):
            raise NotAllowed(f"The role {visitor.user.role} does not allow this.")
        return visitor

    return check


async def checked_form(request: Request, visitor: AnyVisitor) -> AsyncIterator[FormData]:
    """The form that was sent, once its token is found to be the session's. Raises FormRefused."""
    files = MOST_FILES if takes_file(request.url.path) else 0
    async with request.form(max_files=files, max_fields=MOST_FIELDS) as form:
        if not secrets.compare_digest(word(form, "csrf").encode(), visitor.csrf_token.encode()):
            raise FormRefused("The form's token is not this session's.")
        yield form


Reader = Annotated[Visitor, Depends(allowed("read"))]
Decider = Annotated[Visitor, Depends(allowed("decide"))]
CaseKeeper = Annotated[Visitor, Depends(allowed("cases"))]
Exporter = Annotated[Visitor, Depends(allowed("export"))]
Administrator = Annotated[Visitor, Depends(allowed("administer"))]
Auditor = Annotated[Visitor, Depends(allowed("audit"))]
Form = Annotated[FormData, Depends(checked_form)]


def word(form: FormData, name: str) -> str:
    """One text field of a form, "" where it is not there."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def row_id(text: str | None) -> int | None:
    """A row's number as sent, or None. Raises NotThere for what is no number."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise NotThere(f"{text!r} is no number of a record.")
    return int(text)


def page_number(request: Request) -> int:
    """The page of a long list that is asked for; 1 for what is no number."""
    text = request.query_params.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def plain_number(number: Decimal) -> str:
    """As a field of a form has it, to be sent back as it is."""
    return format(number, "f")


def local_path(address: str) -> str:
    """The address where it leads to a page of this desk, else the queue."""
    is_local = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if is_local and address.isprintable() else "/"


def go_to(address: str) -> RedirectResponse:
    return RedirectResponse(local_path(address), 303)


def cookie_name(request: Request) -> str:
    return f"__Host-{COOKIE}" if request.url.scheme == "https" else COOKIE


def keep_session(answer: Response, request: Request, signed: SignedIn) -> None:
    """Give the browser the token of its fresh session."""
    secure = request.url.scheme == "https"
    answer.set_cookie(cookie_name(request), signed.token, httponly=True, samesite="strict", secure=secure, path="/")


def drop_session(answer: Response, request: Request) -> None:
    """Have the browser forget its token."""
    answer.delete_cookie(cookie_name(request), path="/", secure=request.url.scheme == "https", httponly=True)


def new_key() -> str:
    """A key that is made with a form, so that sending it twice acts once."""
    return secrets.token_urlsafe(16)


def with_query(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
