import pytest

from crawler.errors import UsageError
from markets.drafting.search_address import search_template, searched_words, with_page


@pytest.mark.parametrize(
    ("url", "words", "template"),
    [
        ("https://a.example/search?q=oil+lamp&utm_source=x", None, "https://a.example/search?q={query}"),
        ("https://a.example/s?cat=7&thing=oil%20lamp", "oil lamp", "https://a.example/s?cat=7&thing={query}"),
        ("https://a.example/search/oil-lamp/", "oil lamp", "https://a.example/search/{query}/"),
        ("https://a.example/%D8%A8?k=%D9%82#top", None, "https://a.example/%D8%A8?k={query}"),
        ("https://a.example/a{b}?q=x&o={c}", None, "https://a.example/a%7Bb%7D?q={query}&o=%7Bc%7D"),
    ],
)
def test_the_words_become_the_query(url: str, words: str | None, template: str) -> None:
    assert search_template(url, words) == template
    assert "lamp" not in template.format(query="x", page=1)


@pytest.mark.parametrize(
    ("url", "words", "searched"),
    [
        ("https://a.example/search?q=oil+lamp&page=1", None, "oil lamp"),
        ("https://a.example/search/oil-lamp/?q=x", "oil lamp", "oil lamp"),
        ("https://a.example/lamps", None, ""),
    ],
)
def test_the_words_searched_for_are_those_given_or_the_address_s_own(
    url: str, words: str | None, searched: str
) -> None:
    assert searched_words(url, words) == searched


@pytest.mark.parametrize(("url", "words"), [("https://a.example/lamps", None), ("https://a.example/?q=coin", "lamp")])
def test_an_address_without_the_words_is_wrong_use(url: str, words: str | None) -> None:
    with pytest.raises(UsageError, match="search"):
        search_template(url, words)


def test_the_page_is_what_is_number_two_in_the_next_address() -> None:
    template = "https://a.example/s?q={query}&page=1&n=2"
    assert with_page(template, "https://a.example/s?q=x&page=2&n=2") == "https://a.example/s?q={query}&n=2&page={page}"


@pytest.mark.parametrize("next_url", [None, "https://a.example/s?q=x&offset=24", "https://a.example/s?q=x&n=2"])
def test_without_such_a_number_the_template_stays(next_url: str | None) -> None:
    template = "https://a.example/s?q={query}&n=2"
    assert with_page(template, next_url) == template
