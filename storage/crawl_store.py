"""What one crawl has found and not yet committed, and the group commit that keeps it.

Order, so that a kill at any moment loses and doubles nothing: the segment is fsynced first, then one database commit
holds the captures' places, the new frontier rows, what each finished page gave, and the finished pages themselves.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from scrapy import Spider
from scrapy.crawler import Crawler
from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from crawler.blocks import Block
from crawler.errors import RelicwatchError
from crawler.home import Home
from crawler.items import ListingGone, ListingItem, ListingPhoto, ListingUnchanged, PageProblem
from crawler.recording import Recorder, recorder_of
from crawler.shared import shared
from crawler.visits import Entry, Visit
from storage import leases
from storage.captures import insert_captures
from storage.database import Database
from storage.jobs import LeaseLost
from storage.listings import ListingWriter, count_absences
from storage.recrawl import KnownPage, RecrawlRules, known_pages
from storage.response_times import time_step
from storage.tables import Crawl, FrontierEntry, Job, Listing, utc_now

logger = logging.getLogger(__name__)

MARKET_LEASE_SECONDS = 60
MOST_ABSENT_ASKED = 500
MOST_PROBLEMS_KEPT = 200

_ENTRIES = cast(Table, FrontierEntry.__table__)
_INSERT = insert(_ENTRIES).returning(_ENTRIES.c.fingerprint, _ENTRIES.c.id)
_FINISH = update(_ENTRIES).where(_ENTRIES.c.id == bindparam("entry"))


class CrawlStore:
    """The one place where a crawl's findings wait for the next group commit. Not for use by several threads."""

    def __init__(self, database: Database, home: Home, recorder: Recorder, holder: str) -> None:
        self.database = database
        self.home = home
        self.stopping = False
        self.fault: str | None = None
        self.crawl_id = 0
        self.counts: Counter[str] = Counter()
        self.filled: Counter[str] = Counter()
        self.times: Counter[str] = Counter()
        """Response times: their steps (`storage.response_times`) and how many answers fell into each."""
        self._recorder = recorder
        self._holder = holder
        self._fingerprints: set[str] = set()
        self._new: list[Entry] = []
        self._finished: list[Visit] = []
        self._capture_ids: dict[tuple[str, int], int] = {}
        self._problems: list[dict[str, Any]] = []
        self._writer: ListingWriter
        self._market = ""
        self._worked_before = 0.0
        self._opened = time.monotonic()
        self._max_listings: int | None = None
        self._photographed: set[str] = set()
        self._id_space = ""
        self._read_with = ""
        self._known: dict[str, KnownPage] = {}
        self._unchanged: dict[str, ListingUnchanged] = {}
        self._cut: list[tuple[list[Entry], str]] = []
        self._was_complete = False
        self._was_cut_short = False
        self._absent_not_asked: set[str] = set()
        self.job: tuple[int, int] | None = None
        """The job this crawl belongs to and its fencing token: a commit with an older token is refused."""
        self.on_commit: Callable[[Mapping[str, Any]], None] | None = None

    # -- start and end ------------------------------------------------------------------------------------------

    def open(self, spider: Spider) -> None:
        """Take the market's lease and open the crawl of this spider's job, or a new one."""
        self._market = spider.market  # type: ignore[attr-defined]
        self._max_listings = spider.max_listings  # type: ignore[attr-defined]
        self._id_space = spider.definition.id_space  # type: ignore[attr-defined]
        self._read_with = spider.read_with  # type: ignore[attr-defined]
        demo = bool(spider.definition.demo)  # type: ignore[attr-defined]
        settings = spider.crawler.settings
        job_id = settings.getint("RELICWATCH_JOB_ID") or None
        if job_id is not None:
            self.job = (job_id, settings.getint("RELICWATCH_JOB_TOKEN"))
        self.on_commit = settings.get("RELICWATCH_ON_COMMIT")
        leases.take_market(self.database, self._market, self._holder, MARKET_LEASE_SECONDS)
        with self.database.transaction() as session:
            crawl = self._find_crawl(session, job_id)
            if crawl is None:
                crawl = Crawl(
                    market=self._market,
                    job_id=job_id,
                    queries=list(spider.queries),  # type: ignore[attr-defined]
                    max_listings=self._max_listings,
                    demo=demo,
                )
                session.add(crawl)
                session.flush()
            # A process that died between the crawl's end and its job's: the absences were counted then.
            self._was_complete = crawl.state in ("complete", "failed")
            crawl.state, crawl.fault = "running", None
            self.crawl_id = crawl.id
            self.counts = Counter({"listings_read": 0, "live_listings_read": 0} | crawl.counts.get("counts", {}))
            self.filled = Counter(crawl.counts.get("filled", {}))
            self.times = Counter(crawl.counts.get("times", {}))
            self._worked_before = float(crawl.counts.get("worked_seconds", 0.0))
            self._opened = time.monotonic()
            self._problems = list(crawl.problems)
            entries = session.scalars(select(FrontierEntry.fingerprint).where(FrontierEntry.crawl_id == crawl.id))
            self._fingerprints = set(entries)
            self._writer = ListingWriter(crawl_id=crawl.id, market=self._market, demo=demo)
            self._photographed = self._writer.photographed_urls(session)
            rules = RecrawlRules(
                read_again_after=timedelta(days=settings.getfloat("RELICWATCH_READ_AGAIN_AFTER_DAYS")),
                ends_soon=timedelta(hours=settings.getfloat("RELICWATCH_ENDS_SOON_HOURS")),
            )
            self._known = known_pages(session, self._market, crawl.id, rules, utc_now())

    @property
    def worked_seconds(self) -> float:
        """How long processes have worked on this crawl, those before this one included up to their last commit."""
        return self._worked_before + time.monotonic() - self._opened

    def pending_entries(self) -> list[Entry]:
        with self.database.transaction() as session:
            rows = session.scalars(
                select(FrontierEntry)
                .where(FrontierEntry.crawl_id == self.crawl_id, FrontierEntry.state == "pending")
                .order_by(FrontierEntry.id)
            )
            return [Entry(r.fingerprint, r.url, r.kind, dict(r.meta), r.priority, r.id) for r in rows]

    def finish(self, reason: str, block: Block | None = None) -> None:
        """The last commit. `reason` is Scrapy's: only "finished" makes the crawl complete, and only if all was kept.

        `block` is what the market stopped the crawl with: the crawl has failed then, and its pending pages stay so.
        """
        if not self.crawl_id:
            return
        try:
            if self.fault is None:
                self._commit_last()
            self._record_end(reason, block)
            leases.release_market(self.database, self._market, self._holder)
        finally:
            self._recorder.close()

    def _commit_last(self) -> None:
        try:
            self.commit()
        except RelicwatchError as error:
            logger.error("%s", error)
            self.fault = str(error)

    def _record_end(self, reason: str, block: Block | None) -> None:
        with self.database.transaction() as session:
            self._require_job(session)
            crawl = session.get_one(Crawl, self.crawl_id)
            crawl.finished_at = utc_now()
            if self.fault is not None:
                crawl.state, crawl.fault = "stopped", self.fault
            elif block is not None:
                crawl.state, crawl.fault = "failed", block.sentence
                faults = [{"code": block.code, "values": dict(block.values)}]
                crawl.counts = {**crawl.counts, "faults": faults}
            elif reason == "finished":
                crawl.state = "complete"
                if not self._max_listings and not self._was_complete and not self._was_cut_short:
                    count_absences(session, crawl, self._absent_not_asked)
            else:
                crawl.state = "stopped"

    # -- while it runs ------------------------------------------------------------------------------------------

    def add_entry(self, entry: Entry) -> Entry | None:
        """Take a new page into the frontier; None where this crawl knows it already, has enough listings, or needs
        none, because the listing's card is as it was."""
        if entry.fingerprint in self._fingerprints:
            return None
        if entry.kind == "listing":
            if self._max_listings and self.counts["listings_found"] >= self._max_listings:
                return None
            if self._is_unchanged(entry):
                return None
            self.counts["listings_found"] += 1
        if entry.kind == "photo" and entry.url in self._photographed:
            return None
        self._fingerprints.add(entry.fingerprint)
        self._new.append(entry)
        return entry

    def _is_unchanged(self, entry: Entry) -> bool:
        """Whether an unchanged card makes this page's reading needless; the listing then counts as seen."""
        native_id, card = entry.meta.get("native_id"), entry.meta.get("card")
        if native_id is None or card is None:
            return False
        known = self._known.get(native_id)
        if known is None or known.card != card:
            return False
        self._fingerprints.add(entry.fingerprint)
        self._unchanged[native_id] = ListingUnchanged(self._id_space, native_id, entry.url, utc_now(), card)
        if not known.met:
            self.counts["listings_found"] += 1
        return True

    def last_read_at(self, entry: Entry) -> datetime | None:
        """When a listing's page was read before this crawl; None where it never was, or is no listing's."""
        known = self._known.get(entry.meta.get("native_id", "")) if entry.kind == "listing" else None
        return known.read_at if known is not None else None

    def conditions(self, entry: Entry) -> dict[str, str]:
        """Headers that spare the market from sending a listing's page that it sent before, where it gave validators."""
        known = self._known.get(entry.meta.get("native_id", "")) if entry.kind == "listing" else None
        validators = (known.validators if known is not None else None) or {}
        if validators.get("url") != entry.url or validators.get("read_with") != self._read_with:
            return {}
        names = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
        return {header: validators[name] for name, header in names.items() if validators.get(name)}

    def cut_short(self, entries: list[Entry], reason: str) -> None:
        """These pages are not asked for any more: each is kept as failed, and the crawl's problems name the reason."""
        self._was_cut_short = True
        if entries:
            self._cut.append((entries, reason))

    def absent_listing_urls(self) -> list[str]:
        """Addresses of live listings that a crawl with these queries met before and this one did not.

        Those not seen for longest come first; where there are too many for one crawl, its problems say so.
        """
        if self._max_listings:
            return []
        with self.database.transaction() as session:
            self._require_job(session)
            crawl = session.get_one(Crawl, self.crawl_id)
            rows = session.execute(
                select(Listing.url, Crawl.queries)
                .join(Crawl, Crawl.id == Listing.seen_in_crawl_id)
                .where(
                    Listing.market == self._market,
                    Listing.state == "live",
                    Listing.seen_in_crawl_id != crawl.id,
                    Listing.last_seen_at < crawl.started_at,
                )
                .order_by(Listing.last_seen_at, Listing.id)
            )
            absent = [url for url, queries in rows if set(queries) <= set(crawl.queries)]
            asked, left_out = absent[:MOST_ABSENT_ASKED], absent[MOST_ABSENT_ASKED:]
            if left_out:
                reason = f"{len(absent)} listings known before were not met: only {len(asked)} of them are asked for"
                self._problems = [*self._problems, {"url": left_out[0], "reason": reason, "listings": len(left_out)}]
                self.counts["problems"] += 1
                crawl.problems = self._problems[:MOST_PROBLEMS_KEPT]
            self._absent_not_asked = set(left_out)
            return asked

    def finish_visit(self, visit: Visit) -> None:
        self._finished.append(visit)

    @property
    def waiting(self) -> int:
        return len(self._finished)

    def commit(self) -> None:
        """Fsync the segment, then keep everything in one transaction. On an error nothing is forgotten.

        Raises CaptureFailed, after keeping what there is, once the recorder has had to refuse an exchange.
        """
        self._keep_all()
        if self._recorder.refused is not None:
            raise self._recorder.refused

    def _keep_all(self) -> None:
        places = self._recorder.sync()
        ready = [visit for visit in self._finished if visit.entry.id is not None or visit.entry in self._new]
        unchanged = list(self._unchanged.values())
        cut = list(self._cut)
        if not (places or self._new or ready or unchanged or cut):
            return
        counts, filled, problems = Counter(self.counts), Counter(self.filled), list(self._problems)
        times = Counter(self.times)
        with self.database.transaction() as session:
            self._require_job(session)
            capture_ids = dict(self._capture_ids)
            capture_ids.update(insert_captures(session, places, crawl_id=self.crawl_id, market=self._market))
            entry_ids = self._insert_entries(session)
            items = [i for v in ready for i in v.items if isinstance(i, ListingItem | ListingGone | ListingUnchanged)]
            self._writer.begin(session, [*items, *unchanged])
            done: list[dict[str, Any]] = []
            for sighting in unchanged:
                self._keep_unchanged(sighting, [], counts)
            for visit in ready:
                entry_id = visit.entry.id or entry_ids[visit.entry.fingerprint]
                self._keep(session, visit, capture_ids, counts, filled, times, problems)
                state = "failed" if visit.problem else "done"
                done.append({"entry": entry_id, "state": state, "problem": visit.problem, "done_at": utc_now()})
            self._writer.end(session)
            for entries, reason in cut:
                counts["problems"] += 1
                problems.append({"url": entries[0].url, "reason": reason, "pages": len(entries)})
                ids = (entry.id or entry_ids[entry.fingerprint] for entry in entries)
                done += [{"entry": id_, "state": "failed", "problem": reason, "done_at": utc_now()} for id_ in ids]
            if done:
                session.connection().execute(_FINISH, done)
            kept = {"counts": dict(counts), "filled": dict(filled), "times": dict(times)}
            crawl_values = {"counts": {**kept, "worked_seconds": round(self.worked_seconds, 1)}}
            if len(problems) != len(self._problems):
                crawl_values["problems"] = problems[:MOST_PROBLEMS_KEPT]  # type: ignore[assignment]
            session.execute(update(Crawl).where(Crawl.id == self.crawl_id).values(**crawl_values))
        self._recorder.confirm(places)
        for entry in self._new:
            entry.id = entry_ids[entry.fingerprint]
        self._new.clear()
        self._unchanged.clear()
        self._cut = self._cut[len(cut) :]
        self._capture_ids = capture_ids
        for visit in ready:
            for place in visit.captures:
                self._capture_ids.pop((place.segment, place.offset), None)
        finished = {id(visit) for visit in ready}
        self._finished = [visit for visit in self._finished if id(visit) not in finished]
        self.counts, self.filled, self.times, self._problems = counts, filled, times, problems
        if self.on_commit is not None:
            self.on_commit(counts)

    def renew_lease(self) -> None:
        leases.take_market(self.database, self._market, self._holder, MARKET_LEASE_SECONDS)

    # -- parts of a commit --------------------------------------------------------------------------------------

    def _insert_entries(self, session: Session) -> dict[str, int]:
        if not self._new:
            return {}
        rows = [
            {
                "crawl_id": self.crawl_id,
                "fingerprint": entry.fingerprint,
                "url": entry.url,
                "kind": entry.kind,
                "meta": entry.meta,
                "priority": entry.priority,
            }
            for entry in self._new
        ]
        inserted = session.connection().execute(_INSERT, rows)
        return {fingerprint: id_ for fingerprint, id_ in inserted}  # noqa: C416  (rows, not tuples)

    def _keep(
        self,
        session: Session,
        visit: Visit,
        capture_ids: dict[tuple[str, int], int],
        counts: Counter[str],
        filled: Counter[str],
        times: Counter[str],
        problems: list[dict[str, Any]],
    ) -> None:
        counts["pages"] += 1
        counts[f"pages_{visit.entry.kind}"] += 1
        counts["bytes"] += sum(place.payload_bytes for place in visit.captures)
        times.update(map(time_step, visit.seconds))
        ids = [capture_ids[place.segment, place.offset] for place in visit.captures]
        if visit.problem:
            counts["failed"] += 1
            problems.append({"url": visit.entry.url, "reason": visit.problem, **visit.details})
        for item in visit.items:
            if isinstance(item, ListingItem):
                counts["listings"] += 1
                counts["listings_read"] += 1
                outcome = self._writer.keep(session, item, ids)
                counts.update(outcome)
                if item.state == "live":  # what is over shows less, as a price, and says nothing of the layout
                    counts["live_listings_read"] += 1
                    filled.update(_filled_fields(item))
                for other in self._writer.led_away(item):
                    counts["problems"] += 1
                    reason = (
                        f"it leads to {item.url}, which is another lot: that is listing {item.native_id} now, and "
                        f"listing {other.native_id} stays as it was"
                    )
                    problems.append({"url": other.url, "reason": reason})
            elif isinstance(item, ListingUnchanged):
                self._keep_unchanged(item, ids, counts)
            elif isinstance(item, ListingGone):
                if self._writer.knows(item):
                    counts["gone"] += self._writer.keep_gone(session, item, ids)
                else:
                    counts["problems"] += 1
                    reason = f"the market links it and answers HTTP {item.status}: it was gone before it was ever seen"
                    problems.append({"url": item.url, "reason": reason})
            elif isinstance(item, ListingPhoto):
                counts["thumbnails"] += self._writer.keep_photo(session, item, ids)
                self._photographed.add(item.url)
                if item.problem:
                    counts["problems"] += 1
                    problems.append({"url": item.url, "reason": item.problem})
            elif isinstance(item, PageProblem):
                counts["problems"] += 1
                problems.append({"url": item.url, "reason": item.reason, **item.details})

    def _keep_unchanged(self, item: ListingUnchanged, capture_ids: Sequence[int], counts: Counter[str]) -> None:
        """It was met, but not read: what its fields hold says nothing of this crawl's health."""
        if self._writer.keep_unchanged(item, capture_ids) is not None:
            counts["listings"] += 1
            counts["unchanged"] += 1

    def _find_crawl(self, session: Session, job_id: int | None) -> Crawl | None:
        if job_id is None:
            return None
        return session.scalars(select(Crawl).where(Crawl.job_id == job_id)).first()

    def _require_job(self, session: Session) -> None:
        """A process that was stopped for long may have lost its job: what it found then is another's to find."""
        if self.job is None:
            return
        job_id, token = self.job
        if session.scalar(select(Job.id).where(Job.id == job_id, Job.fencing_token == token)) is None:
            raise LeaseLost(f"Job {job_id} was taken over by another process: this one stores nothing more.")


def crawl_store_of(crawler: Crawler) -> CrawlStore:
    """The one store of this crawl, made on first use."""

    def make() -> CrawlStore:
        holder = crawler.settings.get("RELICWATCH_HOLDER") or leases.process_holder()
        return CrawlStore(database_of(crawler), Home.from_environment(), recorder_of(crawler), holder)

    return shared(crawler, "store", make)


def database_of(crawler: Crawler) -> Database:
    """The one database connection pool of this crawl's process."""

    def make() -> Database:
        database = Database(Home.from_environment().database_url)
        database.require_current()
        return database

    return shared(crawler, "database", make)


_FIELDS = ("title", "description", "price", "currency", "seller", "images", "location", "ends_at")
_COLUMNS = {"seller": "seller_name"}
"""Of an observation, where it names a field otherwise."""


def _filled_fields(item: ListingItem) -> Iterator[str]:
    for name in _FIELDS:
        if getattr(item.page, name):
            yield name
