"""Every record of relicwatch as a table; the questions asked of them live in the modules beside this one.

Nothing here is edited in place where a court may ask what stood there before: observations, assessments, decisions,
captures and audit events are only ever added.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from storage.types import Amount, BigId, UtcDateTime

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def utc_now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it from the class)
        datetime: UtcDateTime(),
        Decimal: Amount(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        str: Text(),
    }


class Identified:
    """A row known by a number that the database counts up."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)


# -- markets, watches, jobs -------------------------------------------------------------------------------------


class MarketApproval(Identified, Base):
    """Who turned a market on, when and on what basis. A market without a standing approval is off."""

    __tablename__ = "market_approval"

    market: Mapped[str] = mapped_column(index=True)
    definition_sha256: Mapped[str]
    """Of the definition as approved: a changed definition needs a new approval."""
    approved_by: Mapped[str]
    approved_at: Mapped[datetime] = mapped_column(default=utc_now)
    legal_basis: Mapped[str]
    terms_sha256: Mapped[str | None]
    """The dated copy of the terms of use, in the home's files."""
    robots_sha256: Mapped[str | None]
    rate_permission: Mapped[str | None]
    """Who allowed requests more often than the default rate, and where that is recorded."""
    demo: Mapped[bool] = mapped_column(Boolean, default=False)
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]


class Watch(Identified, Base):
    """A saved search: markets x queries x schedule x who is told."""

    __tablename__ = "watch"

    name: Mapped[str] = mapped_column(unique=True)
    markets: Mapped[list[Any]]
    queries: Mapped[list[Any]]
    every_seconds: Mapped[int]
    next_due_at: Mapped[datetime]
    """The truth of the schedule: whoever moves it on, in one transaction with the jobs made, has run the watch."""
    paused: Mapped[bool] = mapped_column(Boolean, default=False)
    told: Mapped[list[Any]] = mapped_column(default=list)
    max_listings: Mapped[int | None]
    adaptive: Mapped[bool] = mapped_column(Boolean, default=False)
    """Each of its searches is asked when new listings are expected; `every_seconds` is then the longest interval."""
    least_seconds: Mapped[int] = mapped_column(default=900)
    """The shortest interval between two crawls of the same search, where it is adaptive."""
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    removed_at: Mapped[datetime | None]


class WatchPlan(Identified, Base):
    """When one search of an adaptive watch is asked next, and what was learned of it."""

    __tablename__ = "watch_plan"
    __table_args__ = (UniqueConstraint("watch_id", "market", "query"),)

    watch_id: Mapped[int] = mapped_column(ForeignKey("watch.id"))
    market: Mapped[str]
    query: Mapped[str]
    """Empty where the watch has none: all that the market offers."""
    due_at: Mapped[datetime]
    why: Mapped[str]
    """Why then, in a sentence for people."""
    learned: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What `markets.replanning` keeps: arrivals by hour of the day, what a crawl costs."""
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"), index=True)
    """The crawl that was made for it and from which nothing was learned yet."""


class Job(Identified, Base):
    """A piece of work for one process: desk, command and scheduler only insert jobs."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_state_created_at", "state", "created_at"),)

    kind: Mapped[str]
    """crawl, capture, export, retrain, rescore, stamp, match, purge, import."""
    arguments: Mapped[dict[str, Any]]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="queued")
    """queued, running, done, failed, cancelled."""
    lease_holder: Mapped[str | None]
    """host:pid:process start, so that a dead holder on this host is known at once."""
    lease_until: Mapped[datetime | None]
    fencing_token: Mapped[int] = mapped_column(default=0)
    """Rises with each claim; a result that comes with an older token is refused."""
    attempts: Mapped[int] = mapped_column(default=0)
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str | None]
    watch_id: Mapped[int | None] = mapped_column(ForeignKey("watch.id"))
    not_before: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class MarketLease(Base):
    """Only its holder talks to that market; the pause owed to the market is kept with it."""

    __tablename__ = "market_lease"

    market: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    next_request_not_before: Mapped[datetime | None]


class ApiQuota(Base):
    """Calls of an official API on one of its days: the key's quota is one, whichever process asks."""

    __tablename__ = "api_quota"

    api: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    """ISO 8601, as the API counts its days."""
    calls: Mapped[int]


# -- crawls and captures ----------------------------------------------------------------------------------------


class Crawl(Identified, Base):
    """One run through one market."""

    __tablename__ = "crawl"

    market: Mapped[str] = mapped_column(index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"), index=True)
    queries: Mapped[list[Any]]
    max_listings: Mapped[int | None]
    state: Mapped[str] = mapped_column(default="running")
    """running, complete, failed (with `fault`), stopped."""
    fault: Mapped[str | None]
    """Why it failed, or what a person should look at, in one sentence."""
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    problems: Mapped[list[Any]] = mapped_column(default=list)
    demo: Mapped[bool] = mapped_column(Boolean, default=False)


class JsonAnswerSource(Identified, Base):
    """Where pages of one kind of a market get their data from, as the last crawl that knew it left it."""

    __tablename__ = "json_answer_source"
    __table_args__ = (UniqueConstraint("market", "kind"),)

    market: Mapped[str]
    kind: Mapped[str]
    """search or listing."""
    template: Mapped[str]
    """The answers' address, with places for what changes (`crawler.json_sources.JsonSource`)."""
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Field -> path in the answer."""
    given_up: Mapped[bool] = mapped_column(Boolean, default=False)
    noted_at: Mapped[datetime] = mapped_column(default=utc_now)


class FrontierEntry(Identified, Base):
    """A page that a crawl has to visit or has visited; it is done in the same commit that keeps what it gave."""

    __tablename__ = "frontier_entry"
    __table_args__ = (
        UniqueConstraint("crawl_id", "fingerprint"),
        Index("ix_frontier_entry_crawl_id_state", "crawl_id", "state"),
    )

    crawl_id: Mapped[int] = mapped_column(ForeignKey("crawl.id", ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(String(64))
    url: Mapped[str]
    kind: Mapped[str]
    """The name of the spider's callback without `parse_`: search, listing."""
    meta: Mapped[dict[str, Any]] = mapped_column(default=dict)
    priority: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(default="pending")
    """pending, done, failed (with `problem`)."""
    problem: Mapped[str | None]
    found_at: Mapped[datetime] = mapped_column(default=utc_now)
    done_at: Mapped[datetime | None]


class Segment(Identified, Base):
    """A WARC file: transit (appended, deleted after its time) or evidence (sealed, write-once)."""

    __tablename__ = "segment"
    __table_args__ = (UniqueConstraint("store", "name"),)

    store: Mapped[str]
    """transit or evidence."""
    name: Mapped[str]
    """Path below the store's directory."""
    market: Mapped[str | None] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(default="open")
    """open, sealed, deleted."""
    length: Mapped[int] = mapped_column(BigId, default=0)
    """Bytes known to be on disk whole; what lies beyond after a kill is looked at again at start."""
    sha256: Mapped[str | None]
    """Of the whole file, once sealed."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    sealed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Capture(Identified, Base):
    """One HTTP exchange in a segment, or a derivative of one in the home's files, with its digest."""

    __tablename__ = "capture"
    __table_args__ = (
        Index("ix_capture_listing_id_kind", "listing_id", "kind"),
        # Content-named files: whether anything still names one.
        Index(
            "ix_capture_sha256",
            "sha256",
            sqlite_where=text("segment_id IS NULL"),
            postgresql_where=text("segment_id IS NULL"),
        ),
    )

    kind: Mapped[str]
    """One of `storage.captures.KINDS`: an exchange or a derivative."""
    crawl_id: Mapped[int | None] = mapped_column(ForeignKey("crawl.id"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"), index=True)
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id"))
    source_id: Mapped[int | None] = mapped_column(ForeignKey("capture.id"), index=True)
    """For a derivative: the exchange it was made from. For an evidence copy: the transit record copied."""
    url: Mapped[str]
    method: Mapped[str] = mapped_column(default="GET")
    status: Mapped[int | None]
    captured_at: Mapped[datetime]
    media_type: Mapped[str | None]
    server_ip: Mapped[str | None]
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the payload as received (exchange) or of the file (derivative)."""
    payload_bytes: Mapped[int] = mapped_column(BigId, default=0)
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segment.id"), index=True)
    offset: Mapped[int | None] = mapped_column(BigId)
    length: Mapped[int | None] = mapped_column(BigId)
    record_id: Mapped[str | None]
    """WARC-Record-ID of the response record: what a later revisit in the same segment refers to."""
    refers_to_offset: Mapped[int | None] = mapped_column(BigId)
    """For a revisit: where in the same segment the record with the payload stands."""
    truncated: Mapped[str | None]
    decoded_by_browser: Mapped[bool] = mapped_column(Boolean, default=False)
    state: Mapped[str] = mapped_column(default="COMPLETE")
    """COMPLETE, PARTIAL, FAILED, DELETED (its bytes went by a rule of retention; the digest stays)."""
    note: Mapped[str | None]
    """Why it is not complete, what was blocked, that it was found again after a kill."""


# -- listings ---------------------------------------------------------------------------------------------------


class Seller(Identified, Base):
    __tablename__ = "seller"
    __table_args__ = (UniqueConstraint("id_space", "native_id"),)

    id_space: Mapped[str]
    native_id: Mapped[str]
    """The market's own id where its page shows one, else the name as shown."""
    name: Mapped[str]
    url: Mapped[str | None]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class Listing(Identified, Base):
    """One offer, known by (id_space, native_id). What it said at any time stands in its observations."""

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("id_space", "native_id"),
        Index("ix_listing_market_last_seen_at", "market", "last_seen_at"),
    )

    market: Mapped[str]
    id_space: Mapped[str]
    native_id: Mapped[str]
    url: Mapped[str]
    state: Mapped[str] = mapped_column(default="live")
    """live, sold, ended, gone. `gone` needs proof."""
    state_proof: Mapped[str | None]
    """What showed the state: 'HTTP 404 at 2026-...', 'absent from 3 complete crawls'."""
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    seen_in_crawl_id: Mapped[int | None] = mapped_column(
        ForeignKey("crawl.id", use_alter=True, name="fk_listing_seen_in_crawl_id_crawl")
    )
    """The crawl that met it last: a later one with the same queries should meet it again."""
    absent_from_crawls: Mapped[int] = mapped_column(default=0)
    """Complete crawls in a row that should have met it and did not."""
    card_fingerprint: Mapped[str | None] = mapped_column(String(64))
    """Of its card on the search page when its own page was read last: the same card again needs no reading."""
    page_read_at: Mapped[datetime | None]
    """When its own page was read last, or the market said that it is unchanged (304)."""
    page_validators: Mapped[dict[str, Any] | None]
    """`ListingItem.validators` of that reading."""
    current_observation_id: Mapped[int | None] = mapped_column(
        ForeignKey("observation.id", use_alter=True, name="fk_listing_current_observation_id_observation"), index=True
    )
    current_assessment_id: Mapped[int | None] = mapped_column(
        ForeignKey("assessment.id", use_alter=True, name="fk_listing_current_assessment_id_assessment"), index=True
    )
    current_decision_id: Mapped[int | None] = mapped_column(
        ForeignKey("decision.id", use_alter=True, name="fk_listing_current_decision_id_decision"), index=True
    )
    changed_after_decision: Mapped[bool] = mapped_column(Boolean, default=False)
    demo: Mapped[bool] = mapped_column(Boolean, default=False)

    current_observation: Mapped[Observation | None] = relationship(
        foreign_keys=[current_observation_id], post_update=True
    )
    current_assessment: Mapped[Assessment | None] = relationship(foreign_keys=[current_assessment_id], post_update=True)
    current_decision: Mapped[Decision | None] = relationship(foreign_keys=[current_decision_id], post_update=True)


class ListingAlias(Identified, Base):
    """A key that a listing was also known by; keys change only by such a row."""

    __tablename__ = "listing_alias"
    __table_args__ = (UniqueConstraint("id_space", "native_id"),)

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    id_space: Mapped[str]
    native_id: Mapped[str]
    reason: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(default=utc_now)


class Observation(Identified, Base):
    """What a crawl saw of a listing, kept only when something differs from the observation before it."""

    __tablename__ = "observation"

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    crawl_id: Mapped[int | None] = mapped_column(ForeignKey("crawl.id"))
    capture_id: Mapped[int | None] = mapped_column(ForeignKey("capture.id"), index=True)
    """The exchange whose body was read."""
    observed_at: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 over what counts as a change: title, description, price, currency, images, state, end, seller."""
    title: Mapped[str | None]
    description: Mapped[str | None]
    price: Mapped[Decimal | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    estimate_low: Mapped[Decimal | None]
    estimate_high: Mapped[Decimal | None]
    starting_bid: Mapped[Decimal | None]
    current_bid: Mapped[Decimal | None]
    bids: Mapped[int | None] = mapped_column(Integer)
    """As seen with what changed: a further bid of which the page shows no other price makes no observation."""
    size: Mapped[str | None]
    """In the page's words."""
    dimensions: Mapped[list[Any] | None]
    """`size` in millimetres: {"kind": "height" or null, "mm": "120"} each; null from before they were read."""
    weight_grams: Mapped[Decimal | None]
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("seller.id"), index=True)
    seller_name: Mapped[str | None]
    location: Mapped[str | None]
    lot_number: Mapped[str | None]
    ends_at: Mapped[datetime | None]
    availability: Mapped[str | None]
    state: Mapped[str]
    images: Mapped[list[Any]] = mapped_column(default=list)
    canonical_url: Mapped[str | None]
    sources: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Field -> where its value came from on the page."""
    problems: Mapped[list[Any]] = mapped_column(default=list)
    folded_text: Mapped[str] = mapped_column(default="")
    """Title and description folded for search (see `storage.folding`)."""
    personal_erased_at: Mapped[datetime | None]
    """When seller, place, pictures and what the text tells of a person were erased; the digest stays as it was, so that
    the same page, seen again, brings nothing back."""


class Assessment(Identified, Base):
    """What one version of the classifier thought of one observation."""

    __tablename__ = "assessment"
    __table_args__ = (UniqueConstraint("observation_id", "model"),)

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    observation_id: Mapped[int] = mapped_column(ForeignKey("observation.id"))
    model: Mapped[str]
    score: Mapped[float]
    flagged: Mapped[bool] = mapped_column(Boolean)
    band: Mapped[str]
    language: Mapped[str | None]
    labels: Mapped[list[Any]]
    reasons: Mapped[list[Any]]
    """`crawler.items.Reason` as objects, strongest first; offsets are into the observation's title or description."""
    answers: Mapped[dict[str, Any] | None]
    """As `crawler.answer_records` writes them; null in assessments from before there were answers."""
    priority: Mapped[str | None]
    """The rule of the queue's order that the answers give (`classifiers.answers.priority`); null without one."""
    must_be_seen: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Whether a rule sends it to a person whatever its score: a museum number, danger to a person."""
    assessed_at: Mapped[datetime]


class Alarm(Identified, Base):
    """A sign of danger to a person in a listing's text. It waits in no queue; whoever has acted on it closes it."""

    __tablename__ = "alarm"
    __table_args__ = (UniqueConstraint("observation_id", "kind"),)

    kind: Mapped[str]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    observation_id: Mapped[int] = mapped_column(ForeignKey("observation.id"))
    model: Mapped[str]
    reasons: Mapped[list[Any]]
    """As those of an assessment."""
    raised_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    note: Mapped[str | None]
    """What was done about it, in the words of who closed it."""


class AlarmRecipient(Identified, Base):
    """Somebody who is named to look at alarms; the page of alarms says whose receipt is still missing."""

    __tablename__ = "alarm_recipient"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    named_by: Mapped[str]
    named_at: Mapped[datetime] = mapped_column(default=utc_now)
    removed_at: Mapped[datetime | None]


class AlarmReceipt(Identified, Base):
    """A person has seen an alarm, and says so once."""

    __tablename__ = "alarm_receipt"
    __table_args__ = (UniqueConstraint("alarm_id", "user_id"),)

    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    given_at: Mapped[datetime] = mapped_column(default=utc_now)


class ModelUse(Identified, Base):
    """A model was put to use, or the one before it again; what was in use at any time stands here."""

    __tablename__ = "model_use"

    name: Mapped[str]
    model: Mapped[str]
    """Name and digest, as its assessments carry them."""
    replaces: Mapped[str]
    """The name of the model that was in use until then."""
    rolled_back: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether this row is a step back."""
    used_by: Mapped[str]
    used_at: Mapped[datetime] = mapped_column(default=utc_now)


class ReviewSampling(Identified, Base):
    """How many listings that no model flags are shown to people all the same; the newest row holds."""

    __tablename__ = "review_sampling"

    audit_share: Mapped[float]
    """The chance of each new listing to be looked at, whatever its score."""
    explore_per_market: Mapped[int]
    """So many near misses of a market are shown at each draw."""
    queue_explore: Mapped[float]
    """The share of places in the queue that near misses take while there are any."""
    queue_audit: Mapped[float]
    drawn_to: Mapped[int] = mapped_column(BigId)
    """The greatest listing id that was drawn from under this row."""
    drawn_from: Mapped[int] = mapped_column(BigId)
    """Listings with greater ids were drawn from under this row."""
    set_by: Mapped[str]
    set_at: Mapped[datetime] = mapped_column(default=utc_now)


class ReviewMark(Identified, Base):
    """A listing that waits for a person though nothing flagged it: drawn by chance (audit) or as a near miss."""

    __tablename__ = "review_mark"
    __table_args__ = (UniqueConstraint("listing_id", "kind"),)

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    kind: Mapped[str]
    """audit, explore."""
    sampling_id: Mapped[int] = mapped_column(ForeignKey("review_sampling.id"), index=True)
    drawn_at: Mapped[datetime] = mapped_column(default=utc_now)


class RegisterList(Identified, Base):
    """One version of a missing-object list, as a person imported it; earlier versions stay."""

    __tablename__ = "register_list"
    __table_args__ = (UniqueConstraint("source", "version"),)

    source: Mapped[str]
    """The list's own name: MOC-IQ-2003. Its versions count up."""
    version: Mapped[int] = mapped_column(Integer)
    file_name: Mapped[str]
    file_sha256: Mapped[str] = mapped_column(String(64))
    dated: Mapped[str | None]
    """The date that the keeper gave the list, ISO 8601."""
    licence: Mapped[str | None]
    """On what terms it may be used and shared, in the keeper's words."""
    imported_by: Mapped[str]
    imported_at: Mapped[datetime] = mapped_column(default=utc_now)
    counts: Mapped[dict[str, Any]]
    """new, changed, unchanged, withdrawn (in the version before, not in this one), refused rows."""
    faults: Mapped[list[Any]]
    """Rows refused or kept with a doubt: line, reason, warning."""


class RegisterEntry(Identified, Base):
    """An object in a register of missing objects, as imported; the original row is kept beside the fields read.

    A changed row becomes a new entry, and the one before is superseded: what was matched against stays readable.
    """

    __tablename__ = "register_entry"
    __table_args__ = (Index("ix_register_entry_source_record_id", "source", "record_id"),)

    list_id: Mapped[int] = mapped_column(ForeignKey("register_list.id"), index=True)
    """The version that brought it."""
    superseded_in_id: Mapped[int | None] = mapped_column(ForeignKey("register_list.id"), index=True)
    """The version that changed or withdrew it; null while it stands."""
    source: Mapped[str]
    record_id: Mapped[str]
    status: Mapped[str]
    """stolen, missing, looted_site, recovered, restituted. Only the first three are looked for."""
    fields: Mapped[dict[str, Any]]
    original: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 over status, fields, sharing and photos: whether a later version changed it."""
    read_as: Mapped[dict[str, Any]]
    """What is compared (`matching.object_record`): types, materials, periods, years, concepts; and by which model."""
    photos: Mapped[list[Any]] = mapped_column(default=list)
    """name as given, and where its bytes came along: sha256, in the home's files."""
    sharing: Mapped[str] = mapped_column(default="internal")


class Match(Identified, Base):
    """A candidate: what a listing said once resembles a register entry; a person says whether it is that object."""

    __tablename__ = "match"
    __table_args__ = (UniqueConstraint("observation_id", "register_entry_id"),)

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    observation_id: Mapped[int] = mapped_column(ForeignKey("observation.id"))
    """What was compared."""
    register_entry_id: Mapped[int] = mapped_column(ForeignKey("register_entry.id"), index=True)
    score: Mapped[float]
    """Sum of the reasons, less the natural logarithm of the number of entries compared."""
    band: Mapped[str]
    """strong, medium, weak."""
    why: Mapped[list[Any]]
    """`matching.object_index.Reason` as objects."""
    method: Mapped[str]
    """Which version of the comparison found it, and which model read the texts."""
    found_at: Mapped[datetime] = mapped_column(default=utc_now)


class MatchVerdict(Identified, Base):
    """What a person said of a candidate; a later verdict supersedes, none is edited."""

    __tablename__ = "match_verdict"

    match_id: Mapped[int] = mapped_column(ForeignKey("match.id"), index=True)
    verdict: Mapped[str]
    """same, other, unsure."""
    note: Mapped[str | None]
    said_by: Mapped[str]
    said_at: Mapped[datetime] = mapped_column(default=utc_now)


# -- objects ----------------------------------------------------------------------------------------------------


class TrackedObject(Identified, Base):
    """One thing that several listings offer. A listing joined to none is an object of its own without a row."""

    __tablename__ = "object"

    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ObjectStatement(Identified, Base):
    """That listings are one object, or are not: said by the comparison or by a person. Never edited, only answered."""

    __tablename__ = "object_statement"

    kind: Mapped[str]
    """join (by the comparison), merge, split, confirm, undo (by a person)."""
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("object_statement.id"), unique=True)
    """For an undo: the statement that no longer holds."""
    details: Mapped[dict[str, Any]]
    """one, other: the listings on either side; apart: whether it says that they are different objects."""
    score: Mapped[float | None]
    why: Mapped[list[Any]]
    """`matching.text_likeness.Ground` as objects."""
    method: Mapped[str | None]
    said_by: Mapped[str]
    said_at: Mapped[datetime] = mapped_column(default=utc_now)
    note: Mapped[str | None]


class ObjectMove(Identified, Base):
    """What a statement did to a listing's membership. The last move of a listing says where it belongs."""

    __tablename__ = "object_move"
    __table_args__ = (Index("ix_object_move_listing_id_id", "listing_id", "id"),)

    statement_id: Mapped[int] = mapped_column(ForeignKey("object_statement.id"), index=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    from_object_id: Mapped[int | None] = mapped_column(ForeignKey("object.id"), index=True)
    """Null where the listing was an object of its own."""
    to_object_id: Mapped[int | None] = mapped_column(ForeignKey("object.id"), index=True)


class ObjectMember(Base):
    """To which object a listing belongs now: derived from the moves, and made anew from them at any time."""

    __tablename__ = "object_member"

    listing_id: Mapped[int] = mapped_column(BigId, ForeignKey("listing.id"), primary_key=True, autoincrement=False)
    object_id: Mapped[int] = mapped_column(ForeignKey("object.id"), index=True)


class ObjectCandidate(Identified, Base):
    """Two listings that may be one object, with what speaks for it; a person looks at both."""

    __tablename__ = "object_candidate"
    __table_args__ = (UniqueConstraint("observation_id", "other_observation_id"),)

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    other_listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    """Always the one with the smaller number."""
    observation_id: Mapped[int] = mapped_column(ForeignKey("observation.id"))
    """What was compared."""
    other_observation_id: Mapped[int] = mapped_column(ForeignKey("observation.id"))
    score: Mapped[float]
    why: Mapped[list[Any]]
    conflicts: Mapped[list[Any]]
    """What cannot be true of one object: weight, size, lot, at_once, figures."""
    method: Mapped[str]
    found_at: Mapped[datetime] = mapped_column(default=utc_now)


class ObjectKey(Base):
    """Under which keys a listing is found as a candidate (`matching.text_keys`); derived, also of what it said once."""

    __tablename__ = "object_key"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  (SQLAlchemy reads it from the class)

    key: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    listing_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)


class ObjectLook(Base):
    """Which observation and which picture of a listing were compared last, so that an interrupted job goes on."""

    __tablename__ = "object_look"

    listing_id: Mapped[int] = mapped_column(BigId, ForeignKey("listing.id"), primary_key=True, autoincrement=False)
    observation_id: Mapped[int] = mapped_column(ForeignKey("observation.id"))
    picture: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the thumbnail that was compared."""
    method: Mapped[str]


class PhotoTrace(Identified, Base):
    """What is kept of a picture among the home's files to find it again by (`matching.photo_index`); derived from it.

    It goes with the file. Numbers are not used twice, so that an index on disk says what it holds by them.
    """

    __tablename__ = "photo_trace"
    __table_args__ = (
        Index("ix_photo_trace_vocabulary_id", "vocabulary", "id"),  # they are counted at each question
        {"sqlite_autoincrement": True},
    )

    picture: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the file."""
    vocabulary: Mapped[int]
    """`matching.photo_words.VOCABULARY` in which it is written."""
    quality: Mapped[int]
    """Of the hash, 0 to 100; below 50 it means nothing."""
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    """PDQ, 32 bytes."""
    words: Mapped[bytes] = mapped_column(LargeBinary)
    """Little-endian numbers of 16 bits, one a feature."""
    signatures: Mapped[bytes] = mapped_column(LargeBinary)
    """Little-endian numbers of 64 bits, one a feature."""


# -- what an officer says of the object itself ------------------------------------------------------------------


class ObjectIdStatement(Identified, Base):
    """What an officer states of the object in one field of the Object ID standard; the newest of a field counts.

    The database refuses changes; it lets the row go with its listing, and be masked with the listing's personal fields.
    """

    __tablename__ = "object_id_statement"

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    field: Mapped[str]
    """One of `storage.object_id.STATED_FIELDS`."""
    value: Mapped[str | None]
    """Null takes back what was stated before."""
    source: Mapped[dict[str, Any]]
    """kind: text (observation, field, start, end, text), photo (capture, sha256), examination (note)."""
    salt: Mapped[str] = mapped_column(String(32))
    """With it the log's digest of this statement can be made again; gone with the row, it tells nothing."""
    said_by: Mapped[str]
    said_at: Mapped[datetime] = mapped_column(default=utc_now)


# -- sellers ----------------------------------------------------------------------------------------------------


class SellerSign(Identified, Base):
    """Something by which a seller may be known again, as a keyed hash: the sign itself is not kept here."""

    __tablename__ = "seller_sign"
    __table_args__ = (
        UniqueConstraint("seller_id", "listing_id", "kind", "digest"),
        Index("ix_seller_sign_kind_digest", "kind", "digest"),
    )

    seller_id: Mapped[int] = mapped_column(ForeignKey("seller.id"), index=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    kind: Mapped[str]
    """phone, email, messenger, sentence, photo, place."""
    digest: Mapped[str] = mapped_column(String(64))
    """HMAC-SHA-256 of the normalised sign with the home's secret."""


class SellerReading(Identified, Base):
    """How far the observations were read for signs of sellers; the newest row counts."""

    __tablename__ = "seller_reading"

    observation_id: Mapped[int] = mapped_column(BigId)
    read_at: Mapped[datetime] = mapped_column(default=utc_now)


class SellerVerdict(Identified, Base):
    """Whether two sellers are one, as a person said; a later verdict supersedes, none is edited."""

    __tablename__ = "seller_verdict"
    __table_args__ = (Index("ix_seller_verdict_pair", "seller_id", "other_id"),)

    seller_id: Mapped[int] = mapped_column(ForeignKey("seller.id"))
    """The lower number of the two."""
    other_id: Mapped[int] = mapped_column(ForeignKey("seller.id"), index=True)
    verdict: Mapped[str]
    """same, other, unsure."""
    note: Mapped[str | None]
    why: Mapped[list[Any]]
    """The reasons that stood on the screen, as `matching.seller_likeness.Reason`."""
    said_by: Mapped[str]
    said_at: Mapped[datetime] = mapped_column(default=utc_now)


class SellerFollow(Identified, Base):
    """A person follows a seller, or no longer does; the newest row of a seller counts."""

    __tablename__ = "seller_follow"

    seller_id: Mapped[int] = mapped_column(ForeignKey("seller.id"), index=True)
    following: Mapped[bool] = mapped_column(Boolean)
    note: Mapped[str | None]
    said_by: Mapped[str]
    said_at: Mapped[datetime] = mapped_column(default=utc_now)


class SellerConsent(Identified, Base):
    """A market's leave to count what its sellers offer, or its end; the newest row of an id space counts."""

    __tablename__ = "seller_consent"

    id_space: Mapped[str] = mapped_column(index=True)
    given: Mapped[bool] = mapped_column(Boolean)
    given_by: Mapped[str]
    """Who gave it for the market."""
    given_on: Mapped[str]
    """The day of the paper, as 2026-11-27."""
    licence: Mapped[str]
    """Where it stands: contract, licence or letter."""
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(default=utc_now)


# -- people and what they decide --------------------------------------------------------------------------------


class User(Identified, Base):
    __tablename__ = "user"

    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    """viewer, reviewer, lead, exporter, admin, auditor."""
    password_hash: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="en")
    disabled: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    second_factor: Mapped[str | None]
    """The secret of the person's code generator, sealed with a key that is not in the database."""
    second_factor_step: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    """The time step (30 s) of the last code that was taken: none counts twice."""


class RecoveryCode(Identified, Base):
    """A code in place of the generator's, once; only its hash is kept."""

    __tablename__ = "recovery_code"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    code_sha256: Mapped[str] = mapped_column(unique=True)
    used_at: Mapped[datetime | None]


class SignInFailure(Identified, Base):
    """A sign-in that was refused; rows older than the time that counts are deleted."""

    __tablename__ = "sign_in_failure"

    at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    account: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the name that was typed, whether there is such a user or not."""
    source: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the address it came from."""


class SignInCode(Identified, Base):
    """A code that signs one person in once; only its hash is kept."""

    __tablename__ = "sign_in_code"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    code_sha256: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class UserSession(Identified, Base):
    """A signed-in browser; only the hash of its cookie is kept."""

    __tablename__ = "user_session"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    token_sha256: Mapped[str] = mapped_column(unique=True)
    csrf_token: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    purpose: Mapped[str] = mapped_column(default="triage", server_default="triage")
    """What the person works for in this session (`storage.purposes`); copied to each audit entry."""


class ApiToken(Identified, Base):
    """What lets a program of a person's into the API; only its hash is kept."""

    __tablename__ = "api_token"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    name: Mapped[str]
    """What it is for, in the person's words."""
    token_sha256: Mapped[str] = mapped_column(unique=True)
    hint: Mapped[str]
    """Its first characters, by which a person tells it from others."""
    scopes: Mapped[list[Any]]
    """Rights that it may use; the person's role is asked besides, at each use."""
    purpose: Mapped[str]
    """Of every use that names no other (`storage.purposes`)."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]


class Decision(Identified, Base):
    """What a person decided, with what was on the screen. Superseded by a later one, never edited."""

    __tablename__ = "decision"

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    observation_id: Mapped[int] = mapped_column(ForeignKey("observation.id"), index=True)
    assessment_id: Mapped[int | None] = mapped_column(ForeignKey("assessment.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime] = mapped_column(default=utc_now)
    verdict: Mapped[str]
    """antiquity, replica, other, unsure."""
    reason: Mapped[str | None]
    """For a dismissal, one of the fixed list of the workflow."""
    next_step: Mapped[str]
    """refer, keep_an_eye, ask_expert, dismiss."""
    note: Mapped[str | None]
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    request_key: Mapped[str] = mapped_column(unique=True)
    """Made with the form: sending it twice decides once."""


class Outcome(Identified, Base):
    """What became of a referred listing."""

    __tablename__ = "outcome"

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    result: Mapped[str]
    """removed, seized, returned, none."""
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    recorded_at: Mapped[datetime] = mapped_column(default=utc_now)
    note: Mapped[str | None]


class Case(Identified, Base):
    __tablename__ = "case"

    reference: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    note: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="open")
    opened_by: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(default=utc_now)
    closed_at: Mapped[datetime | None]
    four_eyes: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Whether a second person has to agree before its bundle leaves."""
    demo: Mapped[bool] = mapped_column(Boolean, default=False)


class CaseNote(Identified, Base):
    """A signed paragraph in a case; only ever added."""

    __tablename__ = "case_note"

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    text: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(default=utc_now)


class CaseAssignment(Identified, Base):
    """Whose case it is from then on; the newest row holds."""

    __tablename__ = "case_assignment"

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    """Null: nobody's."""
    assigned_by: Mapped[str]
    assigned_at: Mapped[datetime] = mapped_column(default=utc_now)


class Referral(Identified, Base):
    """A case was handed on to an authority or a market."""

    __tablename__ = "referral"

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    referred_to: Mapped[str]
    their_reference: Mapped[str | None]
    note: Mapped[str | None]
    referred_by: Mapped[str]
    referred_at: Mapped[datetime] = mapped_column(default=utc_now)


class Attachment(Identified, Base):
    """A file that a person put to a listing of a case as proof; its bytes lie in the home's files."""

    __tablename__ = "attachment"

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    outcome_id: Mapped[int | None] = mapped_column(ForeignKey("outcome.id"), index=True)
    """The outcome that it proves; null for a proof of lawful provenance."""
    kind: Mapped[str]
    """outcome, lawful_documented."""
    sha256: Mapped[str] = mapped_column(String(64))
    file_name: Mapped[str]
    """As the person's computer called it; shown, and never used as a path."""
    media_type: Mapped[str]
    """By the file's first bytes."""
    length: Mapped[int] = mapped_column(BigId)
    attached_by: Mapped[str]
    attached_at: Mapped[datetime] = mapped_column(default=utc_now)


class ExportRequest(Identified, Base):
    """Somebody asked for a case's bundle, and why; under four eyes it waits for a second person."""

    __tablename__ = "export_request"

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    purpose: Mapped[str]
    languages: Mapped[list[Any]]
    cover: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Whom it is for and what its cover says (`evidence.recipients.Request`); empty for a bundle without a cover."""
    state: Mapped[str]
    """pending, approved, refused."""
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    asked_at: Mapped[datetime] = mapped_column(default=utc_now)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    request_key: Mapped[str] = mapped_column(unique=True)
    """Made with the form: sending it twice asks once."""


class Exhibit(Identified, Base):
    """A listing in a case, fixed to the observation that was put there."""

    __tablename__ = "exhibit"
    __table_args__ = (UniqueConstraint("case_id", "listing_id"), UniqueConstraint("case_id", "number"))

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    observation_id: Mapped[int] = mapped_column(ForeignKey("observation.id"))
    number: Mapped[int]
    added_by: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(default=utc_now)


class Export(Identified, Base):
    """An evidence bundle that was handed out."""

    __tablename__ = "export"

    bundle_id: Mapped[str] = mapped_column(String(36), unique=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"), index=True)
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id"), index=True)
    path: Mapped[str]
    sha256: Mapped[str]
    """Of the zip as written."""
    exported_by: Mapped[str]
    exported_at: Mapped[datetime] = mapped_column(default=utc_now)
    languages: Mapped[list[Any]]
    recipient: Mapped[str | None]
    """As `evidence.recipients` names it; null where nobody was named, and for the original of copies."""
    form: Mapped[str] = mapped_column(default="whole")
    """whole, copy (parts are left out), original (kept here, of which a copy was handed over)."""


# -- cases that other units handed over ------------------------------------------------------------------------


class UnitTrust(Identified, Base):
    """A person says that a key is another unit's, or that it no longer counts; the newest row of a key holds."""

    __tablename__ = "unit_trust"

    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    """SHA-256 of the certificate, in lower-case hexadecimal."""
    name: Mapped[str]
    """The unit, as its bundle names it."""
    trusted: Mapped[bool] = mapped_column(Boolean)
    said_by: Mapped[str]
    said_at: Mapped[datetime] = mapped_column(default=utc_now)


class ReceivedBundle(Identified, Base):
    """A bundle that another unit signed and handed over: the origin of every row that names it; kept whole."""

    __tablename__ = "received_bundle"

    bundle_id: Mapped[str] = mapped_column(String(36), unique=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    """Our case that holds what came."""
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    """Of the key that signed it."""
    unit_name: Mapped[str]
    their_reference: Mapped[str]
    """Of their case, or the address of the one listing."""
    file_sha256: Mapped[str] = mapped_column(String(64))
    """Of the zip, by which it lies in the home's `received`."""
    length: Mapped[int] = mapped_column(BigId)
    signed_at: Mapped[datetime | None]
    """As the clock of who signed says."""
    checks: Mapped[list[Any]]
    """What the verifier found when it came: name and detail of each check."""
    received_by: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(default=utc_now)


class ReceivedExhibit(Identified, Base):
    """Which of our listings an exhibit of a received bundle is, and the observation that shows what they saw."""

    __tablename__ = "received_exhibit"
    __table_args__ = (UniqueConstraint("bundle_id", "number"),)

    bundle_id: Mapped[int] = mapped_column(ForeignKey("received_bundle.id"))
    number: Mapped[str]
    """As in the bundle: 001."""
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    observation_id: Mapped[int] = mapped_column(ForeignKey("observation.id"), index=True)
    brought: Mapped[bool] = mapped_column(Boolean)
    """Whether the observation came with a bundle of theirs; else we had seen the very same ourselves."""
    picture_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    """A thumbnail drawn from the first picture of the listing in the bundle, among the home's files."""


class ReceivedRecord(Identified, Base):
    """One statement of a received bundle, as it stands there. It is theirs: nothing here joins our own log."""

    __tablename__ = "received_record"
    __table_args__ = (Index("ix_received_record_bundle_id_kind", "bundle_id", "kind"),)

    bundle_id: Mapped[int] = mapped_column(ForeignKey("received_bundle.id"))
    exhibit_id: Mapped[int | None] = mapped_column(ForeignKey("received_exhibit.id"), index=True)
    """Null for what is of the case: an entry of the custody log, a statement on objects."""
    kind: Mapped[str]
    """decision, outcome, assessment, object_id, capture (with its place in the zip), custody, object."""
    told: Mapped[dict[str, Any]]


class StampSubject(Identified, Base):
    """Bytes that timestamp authorities are asked about: a tree of captures, a bundle's signature, the log's heads."""

    __tablename__ = "stamp_subject"

    kind: Mapped[str]
    """captures, export, custody_head, or stamp (an earlier token, stamped again before its certificate ends)."""
    reference: Mapped[str] = mapped_column(index=True)
    """What it belongs to: a bundle's id, a head's day, the number of the token before."""
    data: Mapped[bytes] = mapped_column(LargeBinary)
    """The very bytes: for captures the root of their tree in hexadecimal with a line feed."""
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class StampLeaf(Identified, Base):
    """A capture's place in a stamped tree (`evidence.merkle`)."""

    __tablename__ = "stamp_leaf"

    subject_id: Mapped[int] = mapped_column(ForeignKey("stamp_subject.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    """Of a sealed segment or of a derivative's file."""
    path: Mapped[list[Any]]
    """From the leaf to the root: side and SHA-256 of each neighbour."""


class TimeStamp(Identified, Base):
    """What one authority said of a subject; pending until it has answered."""

    __tablename__ = "time_stamp"
    __table_args__ = (
        UniqueConstraint("subject_id", "authority"),
        Index("ix_time_stamp_state_next_try", "state", "next_try_at"),
    )

    subject_id: Mapped[int] = mapped_column(ForeignKey("stamp_subject.id"))
    authority: Mapped[str]
    state: Mapped[str] = mapped_column(default="pending")
    """pending, granted, flagged (the two clocks differ too far), superseded (stamped again). A refusal stays pending
    with its problem, since an authority that is set right may answer yet."""
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    """TimeStampResp in DER."""
    gen_time: Mapped[datetime | None]
    serial: Mapped[str | None]
    policy: Mapped[str | None]
    signer: Mapped[str | None]
    signer_until: Mapped[datetime | None]
    own_time: Mapped[datetime | None]
    problem: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_try_at: Mapped[datetime] = mapped_column(default=utc_now)
    stamped_at: Mapped[datetime | None]


# -- saved searches, alerts and how they reach people ------------------------------------------------------------


class SavedSearch(Identified, Base):
    """What somebody wants to find again: filters of the queue under a name, a term, or a seller."""

    __tablename__ = "saved_search"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    kind: Mapped[str]
    """search, term, seller."""
    name: Mapped[str]
    query: Mapped[str]
    """The queue's filters as a query string; empty for a seller."""
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("seller.id"), index=True)
    shared: Mapped[bool] = mapped_column(Boolean, default=False)
    """Everybody of the unit sees it."""
    made_at: Mapped[datetime] = mapped_column(default=utc_now)
    removed_at: Mapped[datetime | None]


class SearchNotice(Identified, Base):
    """A person is alerted to new hits of a saved search, their own or a shared one."""

    __tablename__ = "search_notice"
    __table_args__ = (UniqueConstraint("search_id", "user_id"),)

    search_id: Mapped[int] = mapped_column(ForeignKey("saved_search.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    since: Mapped[datetime] = mapped_column(default=utc_now)
    """What was raised before is no new hit."""


class RaisedHit(Identified, Base):
    """An assessment that raised its listing and was not compared with saved searches yet; gone once it was."""

    __tablename__ = "raised_hit"

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"))
    raised_at: Mapped[datetime] = mapped_column(default=utc_now)


class Alert(Identified, Base):
    """A person was told of a hit. Never twice of one object, but for its being relisted after removal."""

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("user_id", "listing_id"),
        Index("ix_alert_user_id_read_at", "user_id", "read_at"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"))
    kind: Mapped[str]
    """hit, relisted."""
    searches: Mapped[list[Any]]
    """The numbers of the person's saved searches that it matched."""
    made_at: Mapped[datetime] = mapped_column(default=utc_now)
    read_at: Mapped[datetime | None]


class NoticeSettings(Identified, Base):
    """Where and how often a person is told outside the desk."""

    __tablename__ = "notice_settings"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), unique=True)
    email: Mapped[str | None]
    email_confirmed_at: Mapped[datetime | None]
    """When who reads that address said so; until then nothing but the question goes there."""
    confirm_salt: Mapped[str | None]
    """Of which the code that confirms is made with a key of the home, while it is asked for."""
    confirm_until: Mapped[datetime | None]
    rhythm: Mapped[str] = mapped_column(default="at_once")
    """Of e-mails about alerts: off, at_once, hourly, daily. Alarms are told at once always."""
    webhook_url: Mapped[str | None]
    webhook_salt: Mapped[str | None]
    """Of which the signing secret is made with a key of the home: this table alone signs nothing."""


class Delivery(Identified, Base):
    """A message to one person by one way. Its words are made from the records when it is sent, and kept nowhere."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_state_due_at", "state", "due_at"),
        Index("ix_delivery_user_id_id", "user_id", "id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    way: Mapped[str]
    """email, webhook."""
    about: Mapped[str]
    """alerts, alarm, test, confirm."""
    token: Mapped[str] = mapped_column(unique=True)
    """Known to the recipient's side: the same in every attempt."""
    state: Mapped[str] = mapped_column(default="waiting")
    """waiting, sending, sent, failed, uncertain (handed over, and the answer was lost), void (nothing left to say)."""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime]
    held_by: Mapped[str | None]
    """The process that sends it."""
    held_at: Mapped[datetime | None]
    handed_over: Mapped[bool] = mapped_column(Boolean, default=False)
    """From here on the other side may have it, whatever becomes of this process."""
    error: Mapped[str | None]
    made_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None]


class DeliveryAlert(Base):
    """An alert is in at most one message of each way."""

    __tablename__ = "delivery_alert"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    way: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)


class DeliveryAlarm(Identified, Base):
    """An alarm in a message to a named person: once when it is raised, then in reminders until there is a receipt."""

    __tablename__ = "delivery_alarm"
    __table_args__ = (UniqueConstraint("alarm_id", "user_id", "number"),)

    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    number: Mapped[int] = mapped_column(Integer)
    """0 for the first message, then counted up."""
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=utc_now)


# -- the queue --------------------------------------------------------------------------------------------------


class QueueEntry(Base):
    """A listing that was ever raised, or drawn: its place in the queue and all that the queue is filtered by.

    It follows from the other tables as an index does: triggers note whose entry is stale, and every transaction brings
    those up to date before it commits (`storage.queue_upkeep`).
    """

    __tablename__ = "queue_entry"
    __table_args__ = (
        Index(
            "ix_queue_entry_order", "waiting", "drawn", "rank_before_hour", "rank_after_hour", "minus_score",
            "listing_id", "ends_at", "object_id",
            # What most filters ask for: the entries are then told apart without reading their rows.
            "changed", "market", "language", "band", "priority", "country", "currency", "price", "verdict", "assignee",
            "first_seen_at",
        ),
        Index("ix_queue_entry_ends_at", "waiting", "drawn", "ends_at", "rank_before_hour"),
        Index("ix_queue_entry_entered_at", "waiting", "entered_at"),
        Index("ix_queue_entry_seller_id_counted", "seller_id", "counted"),
        # Of the few that are offered more than once: so that the database does not take the column for a poor choice.
        Index(
            "ix_queue_entry_object_id_waiting", "object_id", "waiting",
            sqlite_where=text("object_id IS NOT NULL"), postgresql_where=text("object_id IS NOT NULL"),
        ),
    )  # fmt: skip

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True, autoincrement=False)
    assessment_id: Mapped[int] = mapped_column(BigId)
    """The one that brings it here: the newest if that raises it, else the last that ever did."""
    told_id: Mapped[int] = mapped_column(BigId)
    """The observation that this assessment was of."""
    waiting: Mapped[bool] = mapped_column(Boolean)
    """Without a decision, or changed since."""
    changed: Mapped[bool] = mapped_column(Boolean)
    drawn: Mapped[str]
    """audit or explore where nothing raised it; empty for all others."""
    rank_before_hour: Mapped[int]
    """What counts before the hours that are left (`storage.queue_ranks`)."""
    rank_after_hour: Mapped[int]
    minus_score: Mapped[float]
    """The score with its sign turned round, so that an index has the best first."""
    ends_at: Mapped[datetime | None]
    conflict_zone: Mapped[bool] = mapped_column(Boolean)
    followed_seller: Mapped[bool] = mapped_column(Boolean)
    busy_seller: Mapped[bool] = mapped_column(Boolean)
    must_be_seen: Mapped[bool] = mapped_column(Boolean)
    counted: Mapped[bool] = mapped_column(Boolean)
    """Flagged now, on a market that lets its sellers be counted."""
    object_id: Mapped[int | None] = mapped_column(BigId)
    entered_at: Mapped[datetime]
    """Since when it waits, or waited."""
    market: Mapped[str]
    language: Mapped[str | None]
    band: Mapped[str]
    priority: Mapped[str | None]
    verdict: Mapped[str | None]
    """Of the decision that stands."""
    assignee: Mapped[str | None]
    seller_id: Mapped[int | None] = mapped_column(BigId)
    seller_name: Mapped[str | None]
    country: Mapped[str | None] = mapped_column(String(2))
    """That its place names (`storage.dispatch`)."""
    from_source_or_transit: Mapped[bool] = mapped_column(Boolean)
    price: Mapped[Decimal | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    longest_mm: Mapped[Decimal | None]
    weight_grams: Mapped[Decimal | None]
    first_seen_at: Mapped[datetime]
    said: Mapped[str]
    """The folded text of what the page says now and of what it said when it was raised; its search index is
    `queue_text`, which each database keeps in its own way."""


class QueueFacet(Base):
    """One of the several types, cultures or Red Lists that the answers name for an entry of the queue."""

    __tablename__ = "queue_facet"

    kind: Mapped[str] = mapped_column(primary_key=True)
    """type, culture, red_list."""
    value: Mapped[str] = mapped_column(primary_key=True)
    """Its id; of a Red List also LIST/CATEGORY."""
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True, index=True)


class QueueStale(Identified, Base):
    """A listing whose entry has to be made anew before the transaction ends; empty between transactions."""

    __tablename__ = "queue_stale"

    listing_id: Mapped[int] = mapped_column(BigId)
    """No foreign key: the listing may be gone by then."""


class ListingAssignment(Identified, Base):
    """Who is to look at a listing from then on; the newest row holds."""

    __tablename__ = "listing_assignment"

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    """Null: nobody."""
    assigned_by: Mapped[str]
    assigned_at: Mapped[datetime] = mapped_column(default=utc_now)


class ListingNote(Identified, Base):
    """A signed paragraph about a listing; only ever added."""

    __tablename__ = "listing_note"

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    text: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(default=utc_now)


# -- retention --------------------------------------------------------------------------------------------------


class RetentionPeriod(Base):
    """How long one kind of data stays. A kind without a row has the period that the program ships with."""

    __tablename__ = "retention_period"

    kind: Mapped[str] = mapped_column(primary_key=True)
    """One of `storage.retention.KINDS`."""
    days: Mapped[int]
    reason: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[datetime] = mapped_column(default=utc_now)


class CaseSchedule(Base):
    """Until when a case and what is in it are kept. A case without a row is kept."""

    __tablename__ = "case_schedule"

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True)
    keep_until: Mapped[datetime]
    reason: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[datetime] = mapped_column(default=utc_now)


class LegalHold(Identified, Base):
    """Nothing of this listing, case or seller is deleted while the hold stands, whatever its time."""

    __tablename__ = "legal_hold"
    __table_args__ = (Index("ix_legal_hold_object_kind_object_id", "object_kind", "object_id"),)

    object_kind: Mapped[str]
    """listing, case, seller."""
    object_id: Mapped[int] = mapped_column(BigId)
    reason: Mapped[str]
    placed_by: Mapped[str]
    placed_at: Mapped[datetime] = mapped_column(default=utc_now)
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    lift_reason: Mapped[str | None]


# -- the first hour and practice ----------------------------------------------------------------------------------


class SetUpStep(Base):
    """A step of the installation's set-up, done or skipped; one that has no row is still open."""

    __tablename__ = "set_up_step"

    step: Mapped[str] = mapped_column(primary_key=True)
    """One of `storage.set_up.STEPS`."""
    state: Mapped[str]
    """done, skipped."""
    said_by: Mapped[str]
    said_at: Mapped[datetime] = mapped_column(default=utc_now)


class SourceReading(Identified, Base):
    """Terms of use and robots.txt of a market as the desk read them, for a person to read before approving it."""

    __tablename__ = "source_reading"

    market: Mapped[str] = mapped_column(index=True)
    terms_url: Mapped[str | None]
    terms_sha256: Mapped[str | None]
    """The copy in the home's files; none where the page could not be had."""
    robots_sha256: Mapped[str | None]
    """An empty file where the site has none."""
    problem: Mapped[str | None]
    """Why something could not be had, in a sentence."""
    read_for: Mapped[str]
    """The user who asked for it."""
    read_at: Mapped[datetime] = mapped_column(default=utc_now)


class PracticeRound(Identified, Base):
    """One person's way through the practice queue. It names no listing, and nothing else reads it."""

    __tablename__ = "practice_round"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]


class PracticeAnswer(Identified, Base):
    """What was said of one make-believe item: no decision, taught to no model."""

    __tablename__ = "practice_answer"
    __table_args__ = (UniqueConstraint("round_id", "item"),)

    round_id: Mapped[int] = mapped_column(ForeignKey("practice_round.id"))
    item: Mapped[str]
    verdict: Mapped[str]
    next_step: Mapped[str]
    reason: Mapped[str | None]
    answered_at: Mapped[datetime] = mapped_column(default=utc_now)


class Tombstone(Identified, Base):
    """What was deleted: its digest stays, its content does not. Append-only."""

    __tablename__ = "tombstone"
    __table_args__ = (Index("ix_tombstone_kind_object_id", "kind", "object_id"),)

    kind: Mapped[str]
    """listing, personal_fields, segment, file, export, case, seller, log, orphan."""
    object_id: Mapped[str]
    """The row's number or the file's name; never a person's name."""
    listing_id: Mapped[int | None] = mapped_column(BigId)
    """Of which listing it was. No foreign key: that row may be gone too."""
    sha256: Mapped[str | None] = mapped_column(String(64))
    """Of the file, or over what the rows held; null where the file was gone already."""
    size: Mapped[int] = mapped_column(BigId, default=0)
    rule: Mapped[str]
    """The kind of period that was over, or `request`."""
    reason: Mapped[str]
    erased_by: Mapped[str]
    erased_at: Mapped[datetime] = mapped_column(default=utc_now)


class PendingUnlink(Identified, Base):
    """A file that its tombstone says is gone and that may still be there: a kill came between commit and unlink."""

    __tablename__ = "pending_unlink"

    store: Mapped[str]
    """The directory of the home: transit, evidence, files, exports, logs."""
    name: Mapped[str]
    tombstone_id: Mapped[int] = mapped_column(ForeignKey("tombstone.id"))


class AuditEvent(Identified, Base):
    """The one append-only log. Custody is its entries about an exhibit; one hash chain a writing process."""

    __tablename__ = "audit_event"
    __table_args__ = (
        UniqueConstraint("chain", "sequence"),
        Index("ix_audit_event_object_kind_object_id", "object_kind", "object_id"),
    )

    chain: Mapped[str] = mapped_column(String(36))
    sequence: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[str]
    """A user's name, or 'job 12'."""
    action: Mapped[str]
    object_kind: Mapped[str]
    """listing, capture, case, export, market, user, decision, watch."""
    object_id: Mapped[str]
    details: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
