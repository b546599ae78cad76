"""What a walker makes of one answer, without a crawl."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scrapy import Request
from scrapy.http import Response

from crawler.api_access import Api, KeyHeader
from crawler.items import PageProblem
from markets.definition import Definition
from spiders.base import MarketSpider


def walker(kind: type[MarketSpider], definition: Definition, *queries: str) -> Any:
    """The walker as a crawl makes it, with an API that nobody answers for where it asks one."""
    spider: Any = kind(definition.name, definition, list(queries or ("lamp",)), None)
    spider.crawler = None
    spider.api = Api(
        getattr(kind, "name", "").partition("_")[0].replace("ebay", "eBay").replace("etsy", "Etsy"),
        "http://127.0.0.1:9",
        KeyHeader("x-api-key", "k", ("KEY",)),
    )
    return spider


def outputs(
    kind: type[MarketSpider],
    definition: Definition,
    url: str,
    body: str | bytes,
    *queries: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
    page: int = 1,
) -> list[Any]:
    request = Request(url, meta={"query": (queries or ("lamp",))[0], "page": page})
    content = body.encode() if isinstance(body, str) else body
    response = Response(url, status=status, headers=headers, body=content, request=request)
    return list(walker(kind, definition, *queries).parse_search(response))


def told(given: Iterable[Any]) -> str:
    """The reasons of all problems."""
    return " | ".join(one.reason for one in given if isinstance(one, PageProblem))


def asked(given: Iterable[Any]) -> list[str]:
    """The addresses of all requests."""
    return [one.url for one in given if isinstance(one, Request)]
