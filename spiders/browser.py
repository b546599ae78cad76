"""The walker for markets that only a browser renders."""

from __future__ import annotations

from typing import Any

from spiders.base import MarketSpider


class BrowserSpider(MarketSpider):
    """Use it when the HTML that the server sends holds no listing. Photographs still come over plain HTTP.

    It costs a hundred times a plain request: look first whether `catalogue` with embedded data does.
    """

    name = "browser"

    def page_meta(self) -> dict[str, Any]:
        return {"playwright": True}
