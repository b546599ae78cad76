"""robots.txt as RFC 9309 reads it, line by line; that crawls obey it is tested with the spiders."""

from __future__ import annotations

import pytest

from crawler.robots import MOST_PARSED_BYTES, RobotsRules

ALLOWED = {
    "an empty file": ("", "/a"),
    "no rule but a sitemap": ("Sitemap: https://m.example/s.xml", "/a"),
    "an empty Disallow": ("User-agent: *\nDisallow:", "/a"),
    "rules before any group": ("Disallow: /\nUser-agent: *\nDisallow: /b", "/a"),
    "a group of another": ("User-agent: other\nDisallow: /", "/a"),
    "a name that ours begins with": ("User-agent: relic\nDisallow: /", "/a"),
    "a name that begins with ours": ("User-agent: relicwatchers\nDisallow: /", "/a"),
    "a word of our contact address": ("User-agent: crawler\nDisallow: /", "/a"),
    "our own group before the one for all": (
        "User-agent: *\nDisallow: /\n\nUser-agent: relicwatch\nDisallow: /b",
        "/a",
    ),
    "the longer Allow": ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c"),
    "an Allow as long as the Disallow": ("User-agent: *\nDisallow: /a\nAllow: /a", "/a"),
    "a longer Allow with a wildcard": ("User-agent: *\nDisallow: /a/\nAllow: /a/*/open", "/a/b/open"),
    "an end that does not fit": ("User-agent: *\nDisallow: /a$", "/ab"),
    "an end with a query behind": ("User-agent: *\nDisallow: /*.php$", "/a.php?x=1"),
    "another case of the path": ("User-agent: *\nDisallow: /A", "/a"),
    "robots.txt itself": ("User-agent: *\nDisallow: /", "/robots.txt"),
    "a comment": ("User-agent: *\n# Disallow: /", "/a"),
    "an unknown line": ("User-agent: *\nNoindex: /a", "/a"),
    "binary rubbish": ("\x00\x01\ufffd: \x02", "/a"),
    "a page for people": ("<!doctype html><title>Not here</title><p>Disallow is a word", "/a"),
}
FORBIDDEN = {
    "all": ("User-agent: *\nDisallow: /", "/a"),
    "ours in capitals": ("User-agent: RELICWATCH\nDisallow: /a", "/a"),
    "ours with a version": ("User-agent: relicwatch/2.0\nDisallow: /a", "/a"),
    "ours with a comment behind": ("User-agent: relicwatch # that one\nDisallow: /a", "/a"),
    "directives in any case": ("uSER-aGENT: *\ndISALLOW: /a", "/a"),
    "blanks about": ("  User-agent :  *  \n\t Disallow :  /a  ", "/a"),
    "a byte order mark": ("\ufeffUser-agent: *\nDisallow: /a", "/a"),
    "CRLF": ("User-agent: *\r\nDisallow: /a\r\n", "/a"),
    "CR alone": ("User-agent: *\rDisallow: /a\r", "/a"),
    "several agents to a group": ("User-agent: other\nUser-agent: relicwatch\nDisallow: /a", "/a"),
    "groups of one name put together": (
        "User-agent: relicwatch\nDisallow: /b\n\nUser-agent: x\nDisallow: /c\n\nUser-agent: relicwatch\nDisallow: /a",
        "/a",
    ),
    "groups for all put together": ("User-agent: *\nDisallow: /b\nUser-agent: *\nDisallow: /a", "/a"),
    "an empty line within a group": ("User-agent: *\n\nDisallow: /a", "/a"),
    "a Crawl-delay within a group": ("User-agent: *\nCrawl-delay: 5\nDisallow: /a", "/a"),
    "a Sitemap within a group": ("User-agent: *\nSitemap: https://m.example/s\nDisallow: /a", "/a"),
    "a beginning": ("User-agent: *\nDisallow: /a", "/abc/d?e=f"),
    "a wildcard": ("User-agent: *\nDisallow: /*/print", "/lot/12/print"),
    "a wildcard in the query": ("User-agent: *\nDisallow: /*?*sort=", "/lots?page=2&sort=price"),
    "an end": ("User-agent: *\nDisallow: /*.php$", "/a/b.php"),
    "the longer Disallow": ("User-agent: *\nAllow: /a\nDisallow: /a/b", "/a/b"),
    "escapes on the one side": ("User-agent: *\nDisallow: /caf%C3%A9", "/café"),
    "escapes on the other side": ("User-agent: *\nDisallow: /café", "/caf%C3%A9"),
    "escapes in small letters": ("User-agent: *\nDisallow: /%e2%82%ac", "/%E2%82%AC"),
    "escapes of letters": ("User-agent: *\nDisallow: /a%62c", "/abc"),
    "Arabic": ("User-agent: *\nDisallow: /مزاد", "/مزاد/1"),
    "a line that Python alone would break": ("User-agent: *\nDisallow: /a\x0cb\nDisallow: /c", "/c"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_the_rfc_lets_us_read_is_read(name: str) -> None:  # RL-22
    text, path = ALLOWED[name]
    assert RobotsRules(text.encode()).allowed(f"https://m.example{path}")


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_the_rfc_forbids_us_is_left(name: str) -> None:  # RL-22
    text, path = FORBIDDEN[name]
    assert not RobotsRules(text.encode()).allowed(f"https://m.example{path}")


def test_rules_behind_500_kib_count_and_a_line_that_is_cut_does_not() -> None:
    filler = b"# filler\n" * (520 * 1024 // 9)
    assert not RobotsRules(b"User-agent: *\n" + filler + b"Disallow: /a\n").allowed("https://m.example/a")
    start = b"User-agent: *\n"
    cut = start + b"#" * (MOST_PARSED_BYTES - len(start) - 1 - len(b"Disallow: /")) + b"\nDisallow: /private\n"
    assert RobotsRules(cut).allowed("https://m.example/a")


@pytest.mark.parametrize(("line", "seconds"), [("7", 7.0), ("0.5", 0.5), ("soon", None), ("-1", None), ("inf", None)])
def test_a_crawl_delay_is_read_where_it_is_a_number_of_seconds(line: str, seconds: float | None) -> None:
    assert RobotsRules(f"User-agent: *\nCrawl-delay: {line}\n".encode()).crawl_delay() == seconds
    assert RobotsRules(f"User-agent: other\nCrawl-delay: {line}\n".encode()).crawl_delay() is None
