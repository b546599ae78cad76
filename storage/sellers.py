"""Sellers: what each offers where that may be counted, who is followed, and what people said of two that may be one.

eBay's licence bars statistics on particular users without its consent, so that its sellers are counted only once a
person has recorded that consent. Rows that say something of a seller are only added.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.tables import (
    Assessment,
    Listing,
    Observation,
    Seller,
    SellerConsent,
    SellerFollow,
    SellerVerdict,
    utc_now,
)

BARRED = frozenset({"ebay"})
"""Id spaces whose licence bars per-user statistics without the market's written consent."""
GAP_DAYS = 180
"""Between two offers of one name, after which it counts as taken up again."""
Verdict = Literal["same", "other", "unsure"]


class SellerRefusal(RelicwatchError):
    """There is no such seller, or what is asked of it lacks something."""


def get_seller(session: Session, seller_id: int) -> Seller:
    """Raises SellerRefusal."""
    seller = session.get(Seller, seller_id)
    if seller is None:
        raise SellerRefusal(f"There is no seller {seller_id}: `relicwatch sellers list` shows their numbers.")
    return seller


def may_count(session: Session, id_space: str) -> bool:
    """Whether volumes and shares of this id space's sellers may be computed."""
    if id_space not in BARRED:
        return True
    newest = session.scalars(
        select(SellerConsent).where(SellerConsent.id_space == id_space).order_by(SellerConsent.id.desc()).limit(1)
    ).first()
    return newest is not None and newest.given


def uncountable(session: Session) -> frozenset[str]:
    """The id spaces whose sellers may not be counted now."""
    return frozenset(space for space in BARRED if not may_count(session, space))


def record_consent(
    session: Session,
    chain: AuditChain,
    id_space: str,
    *,
    given: bool,
    given_by: str,
    given_on: str,
    licence: str,
    actor: str,
) -> SellerConsent:
    """Note a market's leave to count its sellers, or that it ended. Raises SellerRefusal where something lacks."""
    if not (given_by.strip() and licence.strip()):
        raise SellerRefusal("A consent names who gave it and where it stands: neither may be empty.")
    try:
        day = date.fromisoformat(given_on)
    except ValueError:
        raise SellerRefusal(f"{given_on!r} is no day as 2026-11-27.") from None
    if day > utc_now().date():
        raise SellerRefusal(f"{given_on} is still to come: a consent counts once it is given.")
    row = SellerConsent(
        id_space=id_space,
        given=given,
        given_by=given_by.strip(),
        given_on=day.isoformat(),
        licence=licence.strip(),
        recorded_by=actor,
    )
    session.add(row)
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="seller statistics allowed" if given else "seller statistics barred",
        object_kind="seller consent",
        object_id=row.id,
        details={"id_space": id_space, "given_on": row.given_on, "licence": row.licence},
    )
    return row


def followed(session: Session) -> set[int]:
    """The sellers whose newest row says that they are followed."""
    newest = select(func.max(SellerFollow.id)).group_by(SellerFollow.seller_id)
    return set(
        session.scalars(select(SellerFollow.seller_id).where(SellerFollow.id.in_(newest), SellerFollow.following))
    )


def follow(
    session: Session, chain: AuditChain, seller_id: int, *, following: bool, actor: str, note: str | None = None
) -> None:
    """Follow a seller from now on, or no longer. Raises SellerRefusal."""
    get_seller(session, seller_id)
    session.add(SellerFollow(seller_id=seller_id, following=following, note=note, said_by=actor))
    chain.record(
        session,
        actor=actor,
        action="seller followed" if following else "seller no longer followed",
        object_kind="seller",
        object_id=seller_id,
        details={},
    )


def judge(
    session: Session,
    chain: AuditChain,
    one: int,
    other: int,
    verdict: Verdict,
    *,
    why: Sequence[Mapping[str, Any]],
    actor: str,
    note: str | None = None,
) -> SellerVerdict:
    """Keep what a person says of two sellers, with the reasons that stood before them. Raises SellerRefusal."""
    if one == other:
        raise SellerRefusal("A seller is the same as itself: name two.")
    low, high = sorted((one, other))
    for seller_id in (low, high):
        get_seller(session, seller_id)
    row = SellerVerdict(
        seller_id=low, other_id=high, verdict=verdict, note=note, why=[dict(reason) for reason in why], said_by=actor
    )
    session.add(row)
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="sellers judged",
        object_kind="seller",
        object_id=low,
        details={"other": high, "verdict": verdict},
    )
    return row


def verdicts(session: Session) -> dict[tuple[int, int], str]:
    """Pair of sellers, the lower number first -> the newest verdict."""
    rows = session.execute(
        select(SellerVerdict.seller_id, SellerVerdict.other_id, SellerVerdict.verdict).order_by(SellerVerdict.id)
    )
    return {(low, high): verdict for low, high, verdict in rows}


def seller_ids(session: Session, *, after: int, most: int) -> list[int]:
    """Numbers of sellers from the one above `after`, lowest first."""
    return list(session.scalars(select(Seller.id).where(Seller.id > after).order_by(Seller.id).limit(most)))


def list_sellers(session: Session, *, ids: Collection[int] | None = None) -> list[dict[str, Any]]:
    """Sellers, those seen last first. Volumes, types and shares are null where the market has not allowed counting."""
    statement = select(Seller).order_by(Seller.last_seen_at.desc(), Seller.id)
    if ids is not None:
        statement = statement.where(Seller.id.in_(ids))
    sellers = session.scalars(statement).all()
    barred, watched = uncountable(session), followed(session)
    counted = _counts(session, [one.id for one in sellers] if ids is not None else None, barred)
    nothing: dict[str, Any] = {"listings": 0, "flagged": 0, "flagged_share": None, "types": {}, "silent_days": None}
    shown = []
    for one in sellers:
        figures = dict.fromkeys(nothing) if one.id_space in barred else counted.get(one.id, nothing)
        shown.append(
            {
                "seller": one.id,
                "id_space": one.id_space,
                "native_id": one.native_id,
                "name": one.name,
                "first_seen": one.first_seen_at,
                "last_seen": one.last_seen_at,
                **figures,
                "countable": one.id_space not in barred,
                "followed": one.id in watched,
            }
        )
    return shown


def reregistrations(session: Session, seller_id: int) -> list[dict[str, Any]]:
    """The same name under another id of the same id space: a hint to look at, never that the two are one person."""
    seller = get_seller(session, seller_id)
    rows = session.scalars(
        select(Seller).where(
            Seller.id_space == seller.id_space,
            func.lower(Seller.name) == seller.name.lower(),
            Seller.id != seller.id,
        )
    )
    return [
        {
            "seller": one.id,
            "first_seen": one.first_seen_at,
            "last_seen": one.last_seen_at,
            "after_the_other_ended": one.first_seen_at > seller.last_seen_at,
        }
        for one in rows
    ]


def _counts(session: Session, ids: Collection[int] | None, barred: Collection[str]) -> dict[int, dict[str, Any]]:
    """Of the sellers that may be counted, by their listings' current observations."""
    statement = (
        select(Observation.seller_id, Listing.first_seen_at, Assessment.flagged, Assessment.answers)
        .join(Listing, Listing.current_observation_id == Observation.id)
        .join(Seller, Seller.id == Observation.seller_id)
        .outerjoin(Assessment, Assessment.id == Listing.current_assessment_id)
    )
    if barred:
        statement = statement.where(Seller.id_space.not_in(barred))
    if ids is not None:
        statement = statement.where(Observation.seller_id.in_(ids))
    volume: Counter[int] = Counter()
    flagged: Counter[int] = Counter()
    types: defaultdict[int, Counter[str]] = defaultdict(Counter)
    seen: defaultdict[int, list[Any]] = defaultdict(list)
    for seller_id, first_seen, is_flagged, answers in session.execute(statement):
        volume[seller_id] += 1
        flagged[seller_id] += bool(is_flagged)
        seen[seller_id].append(first_seen)
        strongest = max((answers or {}).get("types") or (), key=lambda one: one["weight"], default=None)
        if strongest is not None and strongest["weight"] > 0:
            types[seller_id][strongest["id"]] += 1
    return {
        one: {
            "listings": number,
            "flagged": flagged[one],
            "flagged_share": round(flagged[one] / number, 3),
            "types": dict(types[one].most_common()),
            "silent_days": _longest_gap(seen[one]),
        }
        for one, number in volume.items()
    }


def _longest_gap(moments: Sequence[Any]) -> int | None:
    """Days between two offers in a row, where they are so many that the name counts as taken up again."""
    ordered = sorted(moments)
    longest = max(((after - before).days for before, after in pairwise(ordered)), default=0)
    return longest if longest >= GAP_DAYS else None
