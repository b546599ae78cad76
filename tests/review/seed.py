"""Make-believe listings with everything the desk shows of them."""

from __future__ import annotations

import hashlib
import io
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy.orm import Session

from crawler.home import Home
from storage.folding import fold
from storage.tables import Assessment, Capture, Listing, Observation, Seller

NOW = datetime.now(UTC)
_numbers = itertools.count(1)


@dataclass
class Offer:
    """What a test says of a listing; the rest is ordinary."""

    title: str = "Terracotta oil lamp, Roman, excavated in the north"
    description: str | None = "Found in an old tomb. With soil traces. Not a museum copy."
    marked: dict[str, tuple[float, str]] = field(
        default_factory=lambda: {
            "oil lamp": (1.4, "object:oil_lamp"),
            "Roman": (0.8, "period:roman"),
            "excavated": (1.1, "find:excavation"),
            "tomb": (0.7, "find:treasure"),
            "museum copy": (-1.9, "replica:museum_copy"),
        }
    )
    labels: list[str] = field(default_factory=lambda: ["object:oil_lamp", "period:roman"])
    score: float = 0.86
    band: str = "strong"
    language: str = "en"
    flagged: bool = True
    market: str = "example_auction"
    seller: str = "Old Things"
    price: Decimal | None = Decimal("240")
    currency: str | None = "EUR"
    ends_in: timedelta | None = None
    location: str | None = "Lyon, France"
    lot_number: str | None = "14"
    url: str = "https://auction.example/sale/3/lot/14"
    color: str = "#b5793f"


def add_listing(session: Session, home: Home, offer: Offer) -> Listing:
    """The listing with a seller, an observation, an assessment and captures; its pictures lie in the home."""
    number = next(_numbers)
    seller = _seller(session, offer)
    seen = NOW - timedelta(days=2, minutes=number)
    listing = Listing(
        market=offer.market,
        id_space=offer.market,
        native_id=f"3/{number}",
        url=offer.url,
        first_seen_at=seen,
        last_seen_at=NOW - timedelta(minutes=5),
    )
    session.add(listing)
    session.flush()
    observation = add_observation(session, listing, offer, seller, seen)
    listing.current_assessment_id = add_assessment(session, listing, observation, offer).id
    _captures(session, home, listing, offer, seen)
    session.flush()
    return listing


def add_observation(
    session: Session, listing: Listing, offer: Offer, seller: Seller | None, at: datetime
) -> Observation:
    observation = Observation(
        listing_id=listing.id,
        observed_at=at,
        digest=hashlib.sha256(repr((offer, at)).encode()).hexdigest(),
        title=offer.title,
        description=offer.description,
        price=offer.price,
        currency=offer.currency,
        estimate_low=Decimal("200"),
        estimate_high=Decimal("300"),
        starting_bid=Decimal("90"),
        current_bid=Decimal("120"),
        bids=4,
        size="H. 12 cm",
        dimensions=[{"kind": "height", "mm": "120"}],
        weight_grams=Decimal("340.5"),
        seller_id=seller.id if seller else None,
        seller_name=offer.seller,
        location=offer.location,
        lot_number=offer.lot_number,
        ends_at=NOW + offer.ends_in if offer.ends_in is not None else None,
        state="live",
        images=["https://auction.example/photos/1.jpg"],
        folded_text=fold(f"{offer.title} {offer.description or ''}"),
    )
    session.add(observation)
    session.flush()
    listing.current_observation_id = observation.id
    return observation


def add_assessment(
    session: Session, listing: Listing, observation: Observation, offer: Offer, model: str = "text-1:test"
) -> Assessment:
    assessment = Assessment(
        listing_id=listing.id,
        observation_id=observation.id,
        model=model,
        score=offer.score,
        flagged=offer.flagged,
        band=offer.band,
        language=offer.language,
        labels=offer.labels,
        reasons=_reasons(offer),
        assessed_at=observation.observed_at,
    )
    session.add(assessment)
    session.flush()
    return assessment


def png(color: str, size: tuple[int, int] = (200, 200)) -> bytes:
    picture = Image.new("RGB", size, "#e8e2d2")
    draw = ImageDraw.Draw(picture)
    width, height = size
    draw.ellipse((width * 0.2, height * 0.3, width * 0.8, height * 0.8), fill=color)
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


def keep_file(home: Home, content: bytes) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    path = home.file_path(sha256)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return sha256


def _reasons(offer: Offer) -> list[dict[str, Any]]:
    found = []
    for words, (weight, rule) in offer.marked.items():
        for name in ("title", "description"):
            at = (getattr(offer, name) or "").find(words)
            if at >= 0:
                found.append(
                    {
                        "field": name,
                        "start": at,
                        "end": at + len(words),
                        "text": words,
                        "weight": weight,
                        "rule": rule,
                    }
                )
                break
    return sorted(found, key=lambda reason: -abs(reason["weight"]))


def _seller(session: Session, offer: Offer) -> Seller:
    there = session.query(Seller).filter_by(id_space=offer.market, native_id=offer.seller).one_or_none()
    if there is not None:
        return there
    seller = Seller(
        id_space=offer.market, native_id=offer.seller, name=offer.seller, first_seen_at=NOW, last_seen_at=NOW
    )
    session.add(seller)
    session.flush()
    return seller


def _captures(session: Session, home: Home, listing: Listing, offer: Offer, at: datetime) -> None:
    page = Capture(
        kind="exchange",
        listing_id=listing.id,
        url=offer.url,
        status=200,
        captured_at=at,
        media_type="text/html",
        sha256=hashlib.sha256((offer.description or "").encode()).hexdigest(),
        payload_bytes=len(offer.description or ""),
    )
    session.add(page)
    session.flush()
    for kind, size in (("thumbnail", (200, 200)), ("screenshot", (640, 900))):
        session.add(
            Capture(
                kind=kind,
                listing_id=listing.id,
                source_id=page.id,
                url=offer.url,
                captured_at=at,
                media_type="image/png",
                sha256=keep_file(home, png(offer.color, size)),
            )
        )
