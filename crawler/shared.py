"""Objects of which a crawl has one, shared by components that Scrapy makes apart from each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from scrapy.crawler import Crawler

T = TypeVar("T")

_of_crawl: WeakKeyDictionary[Crawler, dict[str, Any]] = WeakKeyDictionary()


def shared(crawler: Crawler, name: str, make: Callable[[], T]) -> T:
    """The crawl's one object of that name, made on first use."""
    objects = _of_crawl.setdefault(crawler, {})
    if name not in objects:
        objects[name] = make()
    made: T = objects[name]
    return made
