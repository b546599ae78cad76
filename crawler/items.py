"""The records that travel between the rooms: plain data, no behaviour beyond what the data itself implies."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

TOMAN = "IRT"
"""Ten rials (IRR), in which prices in Iran are quoted: the code that shops' software has for it."""

PageKind = Literal["listing", "search", "other"]
ListingState = Literal["live", "sold", "ended", "gone"]
DimensionKind = Literal["height", "width", "length", "depth", "diameter", "thickness"]
Band = Literal["strong", "medium", "weak"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """One length of a thing; `kind` is None where the page does not say which."""

    kind: DimensionKind | None
    millimetres: Decimal


@dataclass(slots=True)
class ExtractedPage:
    """What a page says, value by value, each with where it came from. A value not found is None, never a guess.

    `sources` maps a field's name to its source: "rule", "json-ld", "microdata", "state", "opengraph" or "visible",
    followed by a colon and the exact place where that helps a reader ("json-ld:offers.price").
    """

    url: str
    kind: PageKind = "other"
    title: str | None = None
    description: str | None = None
    price: Decimal | None = None
    """The price asked now: fixed price, or the current or starting bid of an auction."""
    currency: str | None = None
    """ISO 4217, or IRT for tomans: `price` is in the unit in which it is offered."""
    estimate_low: Decimal | None = None
    estimate_high: Decimal | None = None
    starting_bid: Decimal | None = None
    """In `currency`, like the estimates; `price` holds it too while there is no bid."""
    current_bid: Decimal | None = None
    bids: int | None = None
    """How many bids there are; 0 where the page says so."""
    size: str | None = None
    """The words in which the page gives it."""
    dimensions: list[Dimension] = field(default_factory=list)
    """`size` in millimetres, in the order of the words."""
    weight_grams: Decimal | None = None
    seller: str | None = None
    seller_url: str | None = None
    images: list[str] = field(default_factory=list)
    """Absolute URLs, best size first offered by the page, in the page's order."""
    location: str | None = None
    ends_at: datetime | None = None
    """Aware; in UTC once it is stored."""
    lot_number: str | None = None
    native_id: str | None = None
    availability: str | None = None
    """schema.org short name: InStock, SoldOut, ..."""
    canonical_url: str | None = None
    language: str | None = None
    """What the page declares (ISO 639-1), not what a detector thinks."""
    listing_urls: list[str] = field(default_factory=list)
    """On a search page: the absolute addresses of its listings, in page order, without repeats."""
    passed_over: list[str] = field(default_factory=list)
    """On a search page: links that the definition's selector finds and its `listing_url` does not match."""
    next_url: str | None = None
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """What was not understood, one sentence each, for the person who mends the definition."""
    cards: dict[str, str] = field(default_factory=dict)
    """On a search page: listing address -> fingerprint of its card, where that shows a price."""

    def state_at(self, moment: datetime) -> ListingState:
        """Live, sold or ended, from what the page says; `gone` is never read off a page that answers."""
        if self.availability in ("SoldOut", "OutOfStock", "Discontinued"):
            return "sold" if self.availability == "SoldOut" else "ended"
        return "ended" if self.ends_at is not None and self.ends_at <= moment else "live"


@dataclass(frozen=True, slots=True)
class CertificateChain:
    """The DER certificates a server showed, leaf first."""

    der: tuple[bytes, ...]


@dataclass(slots=True)
class Exchange:
    """One HTTP exchange as it went over the wire.

    `request_head` and `response_head` are the raw bytes from the first line to the empty line; `body` is the body as
    received, content coding kept. For a page fetched by the browser `decoded_by_browser` is true: the body is what the
    browser decoded, and the head is rebuilt from what it reports.
    """

    url: str
    method: str
    started_at: datetime
    request_head: bytes
    response_head: bytes
    request_body: bytes = b""
    body: bytes = b""
    status: int = 0
    server_ip: str | None = None
    certificates: CertificateChain | None = None
    truncated: Literal["length", "time", "disconnect", "unspecified"] | None = None
    """WARC-Truncated's reason where the transfer was cut."""
    decoded_by_browser: bool = False


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where the response record of an exchange lies, and the digest of its payload as received."""

    segment: str
    """The segment's name: its path below the store, e.g. `example_auction/2026-11-23-0001.warc.gz`."""
    offset: int
    """Of the response record's gzip member; its request record follows it directly."""
    length: int
    """Bytes of the response and request members together."""
    sha256: str
    url: str
    method: str
    status: int
    captured_at: datetime
    media_type: str | None
    server_ip: str | None
    truncated: str | None
    decoded_by_browser: bool
    payload_bytes: int = 0
    refers_to_offset: int | None = None
    """For a revisit: the offset in the same segment of the record that holds the payload."""
    record_id: str = ""
    """WARC-Record-ID of the response record."""
    kind: Literal["exchange", "dom"] = "exchange"
    """`dom`: a page as the browser rendered it, a resource record without a request."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of an assessment: a span of the listing's own text and what it counts for."""

    field: Literal["title", "description"]
    start: int
    """Offsets into that field's text as stored, in Unicode code points: text[start:end] are the quoted words."""
    end: int
    text: str
    weight: float
    """Signed, in log-odds: above zero speaks for an antiquity."""
    rule: str
    """Lexicon group, date rule or learned words, e.g. `object:shabti`, `replica:museum_copy`, `words`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an answer says of a listing, by its id, with the words that say so."""

    id: str
    """A lexicon group, law, country or list: its name and meaning stand in the classifiers' data, by this id."""
    weight: float
    """Signed points of its own answer; weights of different answers are never added."""
    reasons: tuple[Reason, ...] = ()
    basis: str = "words"
    """What it rests on: `words` of the text, its `culture`, its `type`, what is `unsaid`, the `location` or `price`."""


@dataclass(frozen=True, slots=True)
class Years:
    """When the object is said to be from. Years before our era are negative."""

    first: int
    last: int
    basis: Literal["text", "period"]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class RedListEntry:
    """A category of an ICOM Red List that the likely origin and the type point to. A list names types, not objects."""

    list: str
    category: str
    country: str
    emergency: bool
    basis: Literal["words", "culture"]
    """Whether the country is named in the text, or only the culture points there."""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class LegalDate:
    """A date of a law that is relevant to the listing, and what the listing claims of the time before it.

    It never says that anything was lawful.
    """

    law: str
    date: str
    """ISO 8601, as exact as it is known: a day or a year."""
    country: str | None
    confirmed: bool
    """False: nobody has checked the law at its source yet, so it is shown as to be confirmed."""
    claim: Literal["none", "undated", "later", "earlier_without_paper", "earlier_with_paper"]
    note: str | None = None
    """An id of a note: why the law is relevant, or what is left open (`value_unknown`, ...)."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the seller claims of the object's past, and the legal dates that this leaves open."""

    claims: tuple[Finding, ...] = ()
    earliest_year: int | None = None
    """The earliest year in which somebody is said to have had it."""
    papers: bool = False
    """Whether an invoice, catalogue, publication, photograph or licence is claimed."""
    dates: tuple[LegalDate, ...] = ()


@dataclass(frozen=True, slots=True)
class Priority:
    """Where a hit belongs in the queue. The lower, the sooner; value only decides among equals."""

    level: int
    why: str
    """The id of the rule of the order that put it there."""
    must_be_seen: bool = False
    """Whether a rule sends it to a person whatever its score."""
    value_eur: float | None = None


@dataclass(slots=True)
class Answers:
    """Separate answers on one listing, each with its reasons; none of them is a verdict."""

    replica: list[Finding] = field(default_factory=list)
    replica_band: Band | Literal["none"] = "none"
    types: list[Finding] = field(default_factory=list)
    """Object types, likeliest first."""
    materials: list[Finding] = field(default_factory=list)
    periods: list[Finding] = field(default_factory=list)
    years: Years | None = None
    origins: list[Finding] = field(default_factory=list)
    """Countries of today it is likely from (ISO 3166-1 alpha-2), likeliest first."""
    red_list: list[RedListEntry] = field(default_factory=list)
    provenance: Provenance | None = None
    """None, as with `priority`: not asked, since the text names no antiquity."""
    red_flags: list[Finding] = field(default_factory=list)
    reassurance: list[Finding] = field(default_factory=list)
    points: float = 0.0
    """Of the red flags, less the reassurance; it orders hits and hides none."""
    priority: Priority | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """A sign of danger to a person in a listing's text: it leaves the queue and goes to the police at once."""

    kind: str
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class Assessment:
    """What a model thinks of one listing's text. A score is not a verdict."""

    model: str
    """Name, version and weights digest of the model: `text-1:3f9a...`."""
    score: float
    """Calibrated probability, 0 to 1."""
    flagged: bool
    band: Band
    language: str | None
    labels: list[str] = field(default_factory=list)
    """Ids of object types, periods and replica groups found."""
    reasons: list[Reason] = field(default_factory=list)
    """Strongest first."""
    answers: Answers | None = None
    alarms: list[Alarm] = field(default_factory=list)


@dataclass(slots=True)
class ListingItem:
    """A listing as one crawl saw it: what the spider yields and the pipelines complete."""

    market: str
    id_space: str
    native_id: str
    url: str
    page: ExtractedPage
    observed_at: datetime
    state: ListingState = "live"
    also_known_as: tuple[str, ...] = ()
    """Other native ids by which this crawl reached it: the address asked for, before a redirect."""
    assessment: Assessment | None = None
    card: str | None = None
    """Fingerprint of the search page's card that led here, where it shows a price."""
    validators: dict[str, str] = field(default_factory=dict)
    """What a later request for the page can be made conditional with: `url`, `etag`, `last_modified`, `read_with`."""


@dataclass(slots=True)
class ListingUnchanged:
    """A listing that is as it was: its card on the search page is the same, or the market answered 304 to a
    conditional request for its page."""

    id_space: str
    native_id: str
    url: str
    observed_at: datetime
    card: str | None = None
    answered: bool = False
    """Whether the market said so of the page itself (304), which counts as having read it."""


@dataclass(slots=True)
class ListingGone:
    """Proof that a listing is no longer offered: the market answered 404 or 410 at its address."""

    market: str
    id_space: str
    native_id: str
    url: str
    status: int
    observed_at: datetime


@dataclass(slots=True)
class ListingPhoto:
    """The first photograph of a listing as received, for its thumbnail."""

    id_space: str
    native_id: str
    url: str
    body: bytes
    received_at: datetime
    thumbnail_sha256: str | None = None
    thumbnail_bytes: int = 0
    problem: str | None = None
    """Why there is no thumbnail of it, where that is so."""


@dataclass(slots=True)
class PageProblem:
    """A page that gave no listing where one was expected, with the reason that a person will read."""

    url: str
    reason: str
    details: dict[str, Any] = field(default_factory=dict)
