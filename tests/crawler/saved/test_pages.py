"""Where a saved page says it was saved from."""

import pytest

from crawler.saved.pages import read_page

URL = "https://shop.example/lot/7?a=1"


@pytest.mark.parametrize(
    "head",
    [
        f"<!-- saved from url=(0030){URL} -->",
        f"<!DOCTYPE html>\n<html><!--\n Page saved with SingleFile \n url: {URL} \n saved date: Fri -->",
        f"<html><!-- Page saved with SingleFile url: {URL} --><!-- saved from url=(0014)http://a.example/ -->",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_browsers_note_is_found_in_every_form_and_encoding(head: str, encoding: str) -> None:
    assert read_page(f"{head}<h1>لوحة</h1>".encode(encoding)).url == URL


@pytest.mark.parametrize(
    "head",
    [
        f'<link rel="canonical" href="{URL}">',
        f"<link href='{URL}' rel=canonical>",
        f'<meta property="og:url" content="{URL}"/>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_a_page_says_of_itself_is_not_where_it_was_saved_from(head: str, encoding: str) -> None:
    page = read_page(f"{head}<h1>لوحة</h1>".encode(encoding))
    assert (page.url, page.own_url) == (None, URL)


@pytest.mark.parametrize("url", ["about:internet", "file:///C:/lot.html", "javascript:alert(1)", "http://[", "/lot/7"])
def test_an_address_that_is_none_of_the_web_is_not_taken(url: str) -> None:
    assert read_page(f"<!-- saved from url=(0014){url} --><h1>Lamp</h1>".encode()).url is None
