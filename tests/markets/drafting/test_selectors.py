import re

import pytest

from crawler.extraction.document import Document
from markets.drafting.selectors import listings_selector, next_selector

URL = "https://shop.example/search?q=lamp"
NEXT = URL + "&page=2"


def document(html: str) -> Document:
    parsed, problem = Document.parse(f"<html><body>{html}</body></html>", URL)
    assert parsed is not None and problem is None
    return parsed


@pytest.mark.parametrize(
    ("html", "css"),
    [
        (f'<a rel="next" href="{NEXT}">2</a>', 'a[rel~="next"]'),
        (f'<ul><li class="pager-next"><a href="{NEXT}">more</a></li></ul>', "li.pager-next > a"),
        (f'<a class="go" aria-label="Page 2" href="{NEXT}">2</a><a aria-label="Next Page" href="{NEXT}">›</a>',
         'a[aria-label="Next Page"]'),
        (f'<a class="page-link" href="{NEXT}">2</a>', None),
        (f'<a aria-label="Page 2" href="{NEXT}">2</a>', None),
    ],
)  # fmt: skip
def test_the_next_page_s_selector_holds_on_later_pages_too(html: str, css: str | None) -> None:
    assert next_selector(document(html), NEXT) == css


def test_listings_are_told_from_similar_items_by_a_class_of_theirs() -> None:
    hits = "".join(f'<li class="hit"><a href="/lot/{n}">Lamp</a></li>' for n in (1, 2, 3))
    page = document(f'<ul>{hits}</ul><div class="similar"><a href="/lot/9">Lamp</a></div>')
    urls = [f"https://shop.example/lot/{n}" for n in (1, 2, 3)]
    assert listings_selector(page, urls, re.compile(r"/lot/(?P<lot>\d+)")) == "li.hit a"


def test_without_a_class_of_their_own_there_is_no_selector() -> None:
    page = document("".join(f'<a href="/lot/{n}">Lamp</a>' for n in (1, 2, 3)))
    urls = [f"https://shop.example/lot/{n}" for n in (1, 2, 3)]
    assert listings_selector(page, urls, re.compile(r"/lot/(?P<lot>\d+)")) is None
