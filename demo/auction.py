"""The auction: pages rendered on the server, structured data in each lot, and the odd manners of real sites."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from demo.catalogue import FORMER_SALE_NUMBER, Listing, load_sales, lot_ends_at
from demo.money import price_text
from demo.search import asks_for_all, find
from demo.shop import TEMPLATES, Shop, page_number, page_of, picture_sources, shop_of

_LABELS = {
    "en": {"bid": "Current bid", "estimate": "Estimate", "ends": "Bidding ends", "closed": "Bidding closed",
           "house": "Offered by", "where": "Location", "sale": "Sale", "lot": "Lot", "about": "Description"},
    "fr": {"bid": "Enchère actuelle", "estimate": "Estimation", "ends": "Fin des enchères",
           "closed": "Enchères closes", "house": "Proposé par", "where": "Lieu", "sale": "Vente", "lot": "Lot",
           "about": "Description"},
    "ar": {"bid": "المزايدة الحالية", "estimate": "التقدير", "ends": "تنتهي المزايدة", "closed": "انتهت المزايدة",
           "house": "يعرضه", "where": "المكان", "sale": "المزاد", "lot": "القطعة رقم", "about": "الوصف"},
}  # fmt: skip


def _page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(TEMPLATES.get_template(template).render(**values), status_code=status)


def _not_found(what: str) -> HTMLResponse:
    return _page("auction_missing.html", 404, what=what)


def _card(listing: Listing, shop: Shop) -> dict[str, Any]:
    sale, lot = load_sales()[listing.sale or 0], listing.lot or 0
    href = listing.path
    if listing.behaviour == "redirect":
        href = f"/auction/sale/{FORMER_SALE_NUMBER}/lot/{lot}"
    return {
        "href": href,
        "listing": listing,
        "price": shop.price_text(listing),
        "ends": _clock_text(lot_ends_at(sale, lot, shop.started_at)),
        "picture": picture_sources(listing, 1),
    }


def _clock_text(moment: datetime) -> str:
    """Date and time for a reader; a zone without a name shows as UTC+04."""
    zone = moment.strftime("%Z")
    return f"{moment:%Y-%m-%d %H:%M} {zone if zone.isalpha() else 'UTC' + zone}"


def _results(heading: str, found: Sequence[Listing], request: Request, query: str, path: str) -> HTMLResponse:
    shop, page = shop_of(request), page_number(request)
    shown = page_of(found, page)
    more = page_of(found, page + 1)
    asked = {"q": query} if query else {}
    return _page(
        "auction_results.html",
        heading=heading,
        query=query,
        count=len(found),
        cards=[_card(listing, shop) for listing in shown],
        page=page,
        next_href=f"{path}?{urlencode({**asked, 'page': page + 1})}" if more else None,
        previous_href=f"{path}?{urlencode({**asked, 'page': page - 1})}" if page > 1 else None,
    )


async def home(request: Request) -> Response:
    offers = shop_of(request).offers(auction=True)
    sales = [(sale, sum(one.sale == sale.number for one in offers)) for sale in load_sales().values()]
    return _page("auction_home.html", sales=sales)


async def search(request: Request) -> Response:
    query = request.query_params.get("q", "").strip()
    found = find(shop_of(request).offers(auction=True), query)
    heading = f"Lots for “{query}”" if not asks_for_all(query) else "All lots"
    return _results(heading, found, request, query, "/auction/search")


async def sale_page(request: Request) -> Response:
    sale = load_sales().get(request.path_params["sale"])
    if sale is None:
        return _not_found("This sale")
    found = [one for one in shop_of(request).offers(auction=True) if one.sale == sale.number]
    return _results(f"Sale {sale.number} · {sale.title}", found, request, "", f"/auction/sale/{sale.number}")


async def house_page(request: Request) -> Response:
    shop, number = shop_of(request), request.path_params["number"]
    name = shop.seller_name(number)
    found = [one for one in shop.offers(auction=True) if one.seller == name]
    if not found:
        return _not_found("This house")
    return _results(f"{name} (make-believe)", found, request, "", f"/auction/house/{number}")


async def lot_page(request: Request) -> Response:
    shop, sale, lot = shop_of(request), request.path_params["sale"], request.path_params["lot"]
    if sale == FORMER_SALE_NUMBER:
        moved = next((one for one in shop.offers(auction=True) if one.behaviour == "redirect"), None)
        if moved and moved.lot == lot:
            return RedirectResponse(moved.path, status_code=301)
    listing = shop.offer(f"{sale}-{lot}")
    if listing is None:
        return _not_found("This lot")
    if listing.behaviour == "busy_once" and listing.key not in shop.refused:
        shop.refused.add(listing.key)
        busy = _page("auction_busy.html", 503)
        busy.headers["Retry-After"] = "1"
        return busy
    page = _lot(listing, shop, str(request.base_url).rstrip("/"))
    if listing.behaviour == "gzip":
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(gzip.compress(page.encode(), mtime=0), media_type="text/html", headers=headers)
    return HTMLResponse(page)


def _lot(listing: Listing, shop: Shop, base: str) -> str:
    sale = load_sales()[listing.sale or 0]
    ends_at = lot_ends_at(sale, listing.lot or 0, shop.started_at)
    is_open = shop.clock() < ends_at
    house_path = f"/auction/house/{shop.seller_number(listing.seller)}"
    pictures = [picture_sources(listing, view) for view in range(1, listing.picture_count + 1)]
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": listing.title,
        "description": listing.description,
        "sku": listing.key,
        "url": base + listing.path,
        "image": [base + picture["large"] for picture in pictures],
        "offers": {
            "@type": "Offer",
            "url": base + listing.path,
            "price": str(listing.price_in(shop.generation)),
            "priceCurrency": listing.currency,
            "availability": f"https://schema.org/{'InStock' if is_open else 'SoldOut'}",
            "seller": {"@type": "Organization", "name": listing.seller, "url": base + house_path},
        },
    }
    estimate = [price_text(part, listing.currency, listing.language) for part in listing.estimate or ()]
    return TEMPLATES.get_template("auction_lot.html").render(
        listing=listing,
        sale=sale,
        labels=_LABELS[listing.language],
        price=shop.price_text(listing),
        estimate=" – ".join(estimate),
        ends_at=ends_at.isoformat(),
        ends=_clock_text(ends_at),
        is_open=is_open,
        house_path=house_path,
        pictures=pictures,
        base=base,
        # A closing tag inside a text must not end the script element.
        data=json.dumps(data, ensure_ascii=False, indent=1).replace("<", "\\u003c"),
    )


async def terms(request: Request) -> Response:
    return _page("terms.html", market="DEMO auction", home="/auction/")


ROUTES = [
    Route("/auction/", home),
    Route("/auction/search", search),
    Route("/auction/terms", terms),
    Route("/auction/house/{number:int}", house_page),
    Route("/auction/sale/{sale:int}", sale_page),
    Route("/auction/sale/{sale:int}/lot/{lot:int}", lot_page),
]
