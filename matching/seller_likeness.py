"""Sellers who may be one person under several names or markets: candidates with reasons, for a person to judge.

A name is never a reason. A candidate needs a shared contact, sentence or photograph; place and time only add to one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from matching.seller_signs import Sign, read_signs, sign_digest
from storage.database import Database
from storage.sellers import verdicts
from storage.tables import Capture, Listing, Observation, Seller, SellerReading, SellerSign

WEIGHTS = {"phone": 5.0, "email": 5.0, "messenger": 4.0, "photo": 2.0, "sentence": 1.5, "place": 0.5}
"""What one shared sign of each kind adds, before it is divided among those who share it."""
MOST = {"sentence": 4.0, "photo": 4.0}
"""What all shared signs of a kind add at most: one set of terms copied is one habit."""
CARRYING = frozenset({"phone", "email", "messenger", "sentence", "photo"})
"""Kinds that make a candidate; the others only add."""
SHARED_BY_MOST = 5
"""Sellers who show a sign: more, and it is the market's own wording, picture or switchboard."""
TAKEN_OVER = timedelta(days=60)
TIMING_WEIGHT = 0.5
LEAST = 1.5
_AGAIN = 1000
"""Observations read once more: on PostgreSQL a commit with lower numbers may have come after the last reading."""
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Reason:
    """`kind` of sign, how many of it both show, what that weighs, and a listing of each to look at."""

    kind: str
    shared: int
    weight: float
    listings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Alike:
    """Two sellers, the lower number first, who may be one. `score` is the sum of the reasons' weights."""

    seller: int
    other: int
    score: float
    reasons: tuple[Reason, ...]
    verdict: str | None

    def record(self) -> dict[str, Any]:
        return asdict(self) | {"reasons": [asdict(one) for one in self.reasons]}


def read_new_signs(database: Database, secret: bytes, listings: Collection[int] = ()) -> int:
    """Keep the signs of observations not read yet, and anew those of listings whose pictures came later.

    How many observations were read for the first time. Each chunk is a transaction of its own: what is interrupted goes
    on there, and nobody who writes waits long.
    """
    with database.reading() as session:
        last = session.scalar(select(func.max(SellerReading.observation_id))) or 0
        newest = session.scalar(select(func.max(Observation.id))) or 0
    again = _AGAIN if database.engine.dialect.name == "postgresql" else 0
    done, after = 0, max(last - again, 0)
    while after < newest:
        with database.transaction() as session:
            rows = session.scalars(
                select(Observation)
                .where(Observation.id > after, Observation.id <= newest, Observation.seller_id.is_not(None))
                .order_by(Observation.id)
                .limit(_CHUNK)
            ).all()
            _keep(session, secret, rows)
            after = rows[-1].id if len(rows) == _CHUNK else newest
            done += sum(row.id > last for row in rows)
            if after > last:
                session.add(SellerReading(observation_id=after))
    if listings:
        with database.transaction() as session:
            shown = Observation.listing_id.in_(listings), Observation.seller_id.is_not(None)
            _keep(session, secret, session.scalars(select(Observation).where(*shown)).all())
    return done


def _keep(session: Session, secret: bytes, rows: Iterable[Observation]) -> None:
    listings = {row.listing_id for row in rows}
    pictures: defaultdict[int | None, set[str]] = defaultdict(set)
    for listing_id, sha256 in session.execute(
        select(Capture.listing_id, Capture.sha256).where(Capture.listing_id.in_(listings), Capture.kind == "thumbnail")
    ):
        pictures[listing_id].add(sha256)
    found = {
        (row.seller_id, row.listing_id, sign.kind, sign_digest(secret, sign))
        for row in rows
        for sign in read_signs(row.title, row.description, row.location)
        | {Sign("photo", sha256) for sha256 in pictures[row.listing_id]}
    }
    known = {
        tuple(one)
        for one in session.execute(
            select(SellerSign.seller_id, SellerSign.listing_id, SellerSign.kind, SellerSign.digest).where(
                SellerSign.listing_id.in_(listings)
            )
        )
    }
    names = ("seller_id", "listing_id", "kind", "digest")
    if fresh := sorted(found - known, key=str):
        session.execute(insert(SellerSign), [dict(zip(names, one, strict=True)) for one in fresh])


def find_alike(session: Session, seller_id: int | None = None) -> list[Alike]:
    """Pairs of sellers who may be one, strongest first; of one seller alone where it is named."""
    shared = _shared_signs(session, seller_id)
    pairs: defaultdict[tuple[int, int], dict[str, list[tuple[float, tuple[int, int]]]]] = defaultdict(dict)
    for kind, sellers in shared:
        numbers = sorted(sellers)
        for place, low in enumerate(numbers):
            for high in numbers[place + 1 :]:
                if seller_id in (None, low, high):
                    weight = WEIGHTS[kind] / (len(numbers) - 1)
                    pairs[low, high].setdefault(kind, []).append((weight, (sellers[low], sellers[high])))
    said = verdicts(session)
    people = {
        one.id: one for one in session.scalars(select(Seller).where(Seller.id.in_({n for pair in pairs for n in pair})))
    }
    found = []
    for (low, high), kinds in pairs.items():
        if not CARRYING & kinds.keys():
            continue
        reasons = [
            Reason(
                kind,
                len(signs),
                round(min(sum(weight for weight, _ in signs), MOST.get(kind, 10.0)), 2),
                tuple(dict.fromkeys(signs[0][1])),
            )
            for kind, signs in kinds.items()
        ]
        if _one_took_over(people[low], people[high]):
            reasons.append(Reason("timing", 1, TIMING_WEIGHT))
        score = round(sum(one.weight for one in reasons), 2)
        if score >= LEAST:
            ordered = tuple(sorted(reasons, key=lambda one: (-one.weight, one.kind)))
            found.append(Alike(low, high, score, ordered, said.get((low, high))))
    return sorted(found, key=lambda one: (-one.score, one.seller, one.other))


def _shared_signs(session: Session, seller_id: int | None) -> list[tuple[str, dict[int, int]]]:
    """Each sign that some sellers share: its kind, and seller -> a listing that shows it."""
    several = (
        select(SellerSign.kind, SellerSign.digest)
        .group_by(SellerSign.kind, SellerSign.digest)
        .having(func.count(SellerSign.seller_id.distinct()).between(2, SHARED_BY_MOST))
    )
    if seller_id is not None:
        own = select(SellerSign.digest).where(SellerSign.seller_id == seller_id)
        several = several.where(SellerSign.digest.in_(own))
    wanted = several.subquery()
    rows = session.execute(
        select(SellerSign.kind, SellerSign.digest, SellerSign.seller_id, func.min(SellerSign.listing_id))
        .join(wanted, (wanted.c.kind == SellerSign.kind) & (wanted.c.digest == SellerSign.digest))
        .join(Listing, Listing.id == SellerSign.listing_id)
        .group_by(SellerSign.kind, SellerSign.digest, SellerSign.seller_id)
    )
    signs: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for kind, digest, seller, listing in rows:
        signs[kind, digest][seller] = listing
    return [(kind, sellers) for (kind, _), sellers in sorted(signs.items())]


def _one_took_over(one: Seller, other: Seller) -> bool:
    """Whether one was first seen soon after the other was seen last."""
    first, then = sorted((one, other), key=lambda seller: seller.first_seen_at)
    return timedelta(0) <= then.first_seen_at - first.last_seen_at <= TAKEN_OVER
