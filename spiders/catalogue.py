"""The plain walker: search pages and listings that the server renders, over HTTP."""

from spiders.base import MarketSpider


class CatalogueSpider(MarketSpider):
    """Use it when a listing's text stands in the HTML that the server sends. Nothing to set beyond the definition."""

    name = "catalogue"
