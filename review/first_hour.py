"""What the set-up shows: countries to choose from, copies of terms as text, ready searches, and why there is no hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from babel import Locale
from bs4 import BeautifulSoup
from sqlalchemy.orm import Session

from crawler.home import Home
from review.country_names import country_name
from storage.queue import queue_places, queue_rows
from storage.queue_filters import Filters
from storage.set_up import Progress, progress_of

SHOWN_LETTERS = 20_000
"""So much of a copy is shown in place; the copy itself is kept whole."""
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})
EVERY_SECONDS = 6 * 3600

Why = Literal["no_source", "no_search", "not_yet", "waiting", "running", "failed", "nothing", "seen", "hit"]


@dataclass(frozen=True, slots=True)
class ReadySearch:
    """Words of one language that markets are asked for, and under which name the queue then shows what came."""

    language: str
    name: str
    queries: tuple[str, ...]


READY = (
    ReadySearch("ar", "عروض بالعربية", ("قطعة أثرية", "تمثال قديم", "عملة رومانية", "لقى دفائن")),
    ReadySearch("fr", "Offres en français", ("objet archéologique", "lampe à huile romaine", "monnaie antique")),
    ReadySearch("en", "Offers in English", ("ancient artifact", "roman oil lamp", "cuneiform tablet")),
)


@dataclass(frozen=True, slots=True)
class FirstHit:
    """How far it is to the first hit."""

    why: Why
    progress: Progress
    listing_id: int | None = None
    title: str | None = None


def first_hit(session: Session) -> FirstHit:
    """The first hit that waits for a person, or the nearest reason why there is none."""
    progress = progress_of(session)
    places = queue_places(session, Filters())
    if places:
        row = queue_rows(session, places[:1])[0]
        return FirstHit("hit", progress, row.listing.id, row.observation.title)
    return FirstHit(_why_none(progress, bool(queue_places(session, Filters(state="decided")))), progress)


def _why_none(progress: Progress, decided: bool) -> Why:
    crawl, job = progress.crawl, progress.import_job
    if decided:
        return "seen"
    if (crawl and crawl.state == "running") or (job and job.state == "running"):
        return "running"
    if progress.waiting_jobs:
        return "waiting"
    if (crawl and crawl.state == "failed") or (crawl is None and job and job.state == "failed"):
        return "failed"
    if progress.listings:
        return "nothing"
    if not progress.approved and job is None:
        return "no_source"
    return "not_yet" if progress.watches else "no_search"


def countries_to_choose(home: Home, language: str) -> list[tuple[str, str]]:
    """(code, name) of every country, in the order of the reader's alphabet."""
    codes = [code for code in map(str, Locale(language).territories) if len(code) == 2 and code.isalpha()]
    named = [(code, country_name(home, code, language)) for code in codes if code not in _NO_COUNTRIES]
    return sorted(named, key=lambda one: (_sorted_as(one[1]), one[0]))


def text_of_copy(home: Home, sha256: str | None) -> str:
    """A kept copy as text to read: a page without its markup, at most SHOWN_LETTERS."""
    path = home.file_path(sha256) if sha256 else None
    if path is None or not path.is_file():
        return ""
    body = path.read_bytes()
    if body.lstrip()[:1] == b"<":
        lines: Sequence[str] = BeautifulSoup(body, "lxml").get_text("\n").splitlines()
        text = "\n".join(line.strip() for line in lines if line.strip())
    else:
        text = body.decode("utf-8", "replace")
    return text[:SHOWN_LETTERS]


def _sorted_as(name: str) -> str:
    """É with E, and the Arabic article left out."""
    plain = name.removeprefix("ال").replace("أ", "ا").replace("إ", "ا").replace("آ", "ا")
    return plain.translate(str.maketrans("ÉÈÎÅÖéèîåö", "EEIAOeeiao")).casefold()
