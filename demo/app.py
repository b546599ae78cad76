"""The demo market as an ASGI app: an auction, a marketplace, their pictures, and a control for tests.

`POST /control/next-generation` moves on to the state of the next crawl (see `Shop.generation`); the answer is the new
number. Nothing else changes what the pages say, except that one lot answers 503 to its first request and that bidding
closes with the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from demo import auction, marketplace
from demo.pictures import WIDTHS, draw_picture
from demo.shop import TEMPLATES, Shop, shop_of, utc_now


def create_app(*, generation: int = 0, clock: Callable[[], datetime] = utc_now) -> Starlette:
    """A new demo market. `generation` is where it begins; `clock` gives aware times, and the first is its start."""
    app = Starlette(
        routes=[
            Route("/", home),
            Route("/robots.txt", robots),
            Route("/favicon.ico", no_icon),
            Route("/pictures/{key}/{view:int}-{width:int}.jpg", picture),
            Route("/control/generation", show_generation),
            Route("/control/next-generation", next_generation, methods=["POST"]),
            *auction.ROUTES,
            *marketplace.ROUTES,
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ]
    )
    app.state.shop = Shop(generation=generation, clock=clock)
    return app


async def home(request: Request) -> Response:
    return HTMLResponse(TEMPLATES.get_template("home.html").render())


async def robots(request: Request) -> Response:
    return PlainTextResponse("User-agent: *\nAllow: /\n")


async def no_icon(request: Request) -> Response:
    return Response(status_code=204)


def picture(request: Request) -> Response:
    """Not async: drawing takes a tenth of a second and belongs into a worker thread."""
    listing = shop_of(request).offer(request.path_params["key"])
    view, width = request.path_params["view"], request.path_params["width"]
    if listing is None or width not in WIDTHS or not 1 <= view <= listing.picture_count:
        return PlainTextResponse("There is no such picture.", status_code=404)
    content = draw_picture(listing.figure, listing.key, view, width)
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "max-age=3600"})


async def show_generation(request: Request) -> Response:
    return JSONResponse({"generation": shop_of(request).generation})


async def next_generation(request: Request) -> Response:
    shop = shop_of(request)
    shop.generation += 1
    return JSONResponse({"generation": shop.generation})
