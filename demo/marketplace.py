"""The marketplace: an empty page, a script, and the JSON that the script draws from."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from demo.catalogue import Listing
from demo.search import find
from demo.shop import TEMPLATES, Shop, page_number, page_of, picture_sources, shop_of


def _summary(listing: Listing, shop: Shop) -> dict[str, Any]:
    return {
        "id": listing.key,
        "href": quote(listing.path),
        "title": listing.title,
        "price": shop.price_text(listing),
        "location": listing.location,
        "language": listing.language,
        "direction": listing.direction,
        "picture": picture_sources(listing, 1),
    }


def _shell(status: int = 200) -> HTMLResponse:
    return HTMLResponse(TEMPLATES.get_template("marketplace.html").render(), status_code=status)


def _item_key(request: Request) -> str:
    return str(request.path_params["item"]).partition("-")[0]


def _item(request: Request) -> Listing | None:
    listing = shop_of(request).offer(_item_key(request))
    return listing if listing and listing.sale is None else None


async def shell(request: Request) -> Response:
    return _shell()


async def item_shell(request: Request) -> Response:
    return _shell(200 if _item(request) else 404)


async def search(request: Request) -> Response:
    """JSON: count, items, page, next (a number or null), and seller where only one seller's items were asked for."""
    shop, page = shop_of(request), page_number(request)
    found = find(shop.offers(auction=False), request.query_params.get("q", ""))
    seller_text, seller = request.query_params.get("seller", ""), None
    if seller_text.isascii() and seller_text.isdecimal():
        seller = shop.seller_name(int(seller_text))
        found = [listing for listing in found if listing.seller == seller]
    return JSONResponse(
        {
            "count": len(found),
            "page": page,
            "next": page + 1 if page_of(found, page + 1) else None,
            "seller": seller,
            "items": [_summary(listing, shop) for listing in page_of(found, page)],
        }
    )


async def item(request: Request) -> Response:
    listing, shop = _item(request), shop_of(request)
    if listing is None:
        return JSONResponse({"error": "This item is no longer offered."}, status_code=404)
    return JSONResponse(
        {
            **_summary(listing, shop),
            "description": listing.description,
            "amount": listing.price_in(shop.generation),
            "currency": listing.currency,
            "seller": listing.seller,
            "seller_href": f"/marketplace/seller/{shop.seller_number(listing.seller)}",
            "pictures": [picture_sources(listing, view) for view in range(1, listing.picture_count + 1)],
        }
    )


async def terms(request: Request) -> Response:
    page = TEMPLATES.get_template("terms.html").render(market="DEMO marketplace", home="/marketplace/")
    return HTMLResponse(page)


ROUTES = [
    Route("/marketplace/", shell),
    Route("/marketplace/search", shell),
    Route("/marketplace/terms", terms),
    Route("/marketplace/seller/{number:int}", shell),
    Route("/marketplace/item/{item}", item_shell),
    Route("/marketplace/api/search", search),
    Route("/marketplace/api/item/{item}", item),
]
