from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.errors import UsageError
from markets.definition import Definition, load_definition, parse_definition
from markets.faults import DefinitionError
from tests.markets.samples import AUCTION, changed, sample, write

FILE = Path("definitions/example_auction.yaml")
LOCAL = changed(
    "search", '{url: "http://127.0.0.1:8099/{query}/?page={page}"}', changed("domains", '["127.0.0.1:8099"]')
)


def parsed(text: str) -> Definition:
    return parse_definition(FILE, text.encode())


def faults(text: str | bytes) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        parse_definition(FILE, text if isinstance(text, bytes) else text.encode())
    return str(caught.value).splitlines()


def line_of(key: str, text: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(f"{key}:"))


def test_the_definition_of_the_design_is_read_whole(tmp_path: Path) -> None:
    definition = sample(tmp_path)
    assert definition.domains == ("auction.example",)
    assert definition.rate.delay == 10.0
    assert definition.expect.listings_per_query == (5, 400)
    assert definition.verified == date(2026, 11, 20)
    assert not definition.is_draft
    assert not definition.demo
    assert definition.digest == hashlib.sha256(AUCTION.encode()).hexdigest()


def test_a_short_definition_gets_the_lawful_defaults() -> None:
    text = AUCTION
    for key in ("id_space", "country", "timezone", "currency", "languages", "fields", "rate", "access", "expect"):
        text = changed(key, None, text)
    definition = parsed(changed("verified", None, text))
    assert definition.id_space == "example_auction"
    assert (definition.rate.delay, definition.rate.concurrency) == (10.0, 1)
    assert not definition.rate.needs_permission
    assert definition.is_draft


def test_norway_is_a_country_and_not_a_boolean() -> None:
    assert parsed(changed("country", "NO")).country == "NO"


REFUSALS = [
    ("titel", None, "titel: Example", "the key 'titel' is unknown (did you mean title?)"),
    ("title", "7", None, "a text is needed, not 7"),
    ("title", "", None, "a text is needed, not nothing"),
    ("name", "Example", None, "is no name"),
    ("name", "another", None, "differs from the file's"),
    ("country", "UK2", None, "is no ISO 3166 country code"),
    ("timezone", "Europe/Londn", None, "is no time zone (did you mean Europe/London?)"),
    ("currency", "gbp", None, "is no ISO 4217 currency (did you mean GBP?)"),
    ("currency", "£", None, "is no ISO 4217 currency"),
    ("languages[1]", "[en, xxq]", None, "is no ISO 639 language code"),
    ("languages", "en", None, "a list like [a, b] is needed, not 'en'"),
    ("kind", "auctions", None, "is not known here (did you mean auction?)"),
    ("spider", "catalog", None, "there is no spider 'catalog' (did you mean catalogue?)"),
    (
        "source",
        None,
        "source: {url: https://auction.example/x}",
        "walks `search` and reads no source: take `source` out",
    ),
    ("spider", "../x", None, "there is no spider"),
    ("domains", "auction.example", None, "a list like [a, b] is needed"),
    ("domains", "[]", None, "at least 1 item"),
    ("domains[0]", '["https://auction.example/"]', None, "is no host name"),
    ("domains[0]", "[auction.example/path]", None, "is no host name"),
    ("domains[1]", "[auction.example, example]", None, "is no host name"),
    ("domains[1]", '[auction.example, "*.example.org"]', None, "is no host name"),
    ("domains[1]", '[auction.example, "auction.example:8080"]', None, "names a port"),
    ("domains[1]", "[auction.example, 10.0.0.1]", None, "is an IP address"),
    ("domains[1]", "[auction.example, 169.254.169.254]", None, "is an IP address"),
    ("domains[1]", "[auction.example, 300.1.1.1]", None, "is no host name"),
    ("listing_url", '"/lot/(\\\\d+"', None, "is no regular expression"),
    ("listing_url", '"/lot/(\\\\d+)"', None, "needs at least one named group"),
    ("listing_url", '"/(?P<id>(a+)+)$"', None, "an open-ended repeat inside another repeat"),
    ("listing_url", '"/(?P<id>(a|aa)*)$"', None, "a choice (|) inside an open-ended repeat"),
    ("listing_url", '".*x.*(?P<id>y)"', None, "more than one .*"),
    ("listing_url", '"(?P<id>\\\\d+)\\\\w+[0-9]+x"', None, "more than two open-ended repeats"),
    ("listing_url", '"(?P<id>a)(?P=id)"', None, "back-reference"),
    ("listing_url", '"(?P<id>[0-9]*)"', None, "matches an empty text"),
    ("listing_url", '"(?P<id>' + "a" * 600 + ')"', None, "may have 500"),
    ("search.url", '{url: "https://auction.example/search?page={page}"}', None, "needs {query}"),
    ("search.url", '{url: "https://auction.example/search?q={q}"}', None, "{q} is unknown here"),
    ("search.url", '{url: "https://auction.example/{query.__class__}"}', None, "is unknown here"),
    ("search.url", '{url: "https://auction.example/{query}{page:>99999999}"}', None, "is unknown here"),
    ("search.url", '{url: "https://auction.example/{query"}', None, "is no address"),
    ("search.url", '{url: "https://{query}.auction.example/"}', None, "a host is fixed"),
    ("search.url", '{url: "/search?q={query}"}', None, "is no address"),
    ("search.url", '{url: "ftp://auction.example/{query}"}', None, "is no address"),
    ("search.url", '{url: "https://elsewhere.example/{query}"}', None, "is not among the domains"),
    ("search.url", "{listings: a.lot}", None, "this field is missing"),
    ("search.listings", '{url: "https://auction.example/{query}", listings: "a..lot"}', None, "is no CSS selector"),
    ("search.max_pages", '{url: "https://auction.example/{query}", max_pages: 0}', None, "greater than or equal to 1"),
    ("search.pages", '{url: "https://auction.example/{query}", pages: 3}', None, "did you mean max_pages?"),
    ("spider", "catalogue\nsearch: null", "drop search", "walks a search: add `search`"),
    ("fields.selller", '{selller: ".x"}', None, "is no field of a listing (did you mean seller?)"),
    ("fields.price", '{price: "a[["}', None, "is no CSS selector"),
    ("fields.price", '{price: "$..x"}', None, "is no path into embedded JSON"),
    ("rate.delay", "{delay: -1}", None, "greater than or equal to 0, not -1"),
    ("rate.delay", "{delay: fast}", None, "a number is needed, not 'fast'"),
    ("rate.delay", '{delay: "10"}', None, "a number is needed, not '10'"),
    ("rate.concurrency", "{concurrency: 0}", None, "greater than or equal to 1, not 0"),
    ("rate.concurrency", "{concurrency: 1.5}", None, "a whole number is needed"),
    ("access.login", "{login: maybe}", None, "is not known here"),
    ("expect.listings_per_query", "{listings_per_query: [9, 3]}", None, "is no range"),
    ("expect.listings_per_query[1]", "{listings_per_query: [9]}", None, "missing at place 2"),
    ("expect.filled.title", "{filled: {title: 1.5}}", None, "less than or equal to 1"),
    ("expect.filled.titel", "{filled: {titel: 1.0}}", None, "did you mean title?"),
    ("verified", "2099-01-01", None, "lies in the future"),
    ("verified", "2026-02-30", None, "no day of the calendar"),
    ("verified", "yesterday", None, "a day like 2026-11-20 is needed"),
]


@pytest.mark.parametrize(
    ("field", "value", "special", "reason"), REFUSALS, ids=[f"{row[0]}: {str(row[1])[:40]}" for row in REFUSALS]
)
def test_each_refusal_names_file_line_field_and_reason(
    field: str, value: str | None, special: str | None, reason: str
) -> None:
    key = re.split(r"[.\[]", field)[0]
    if special == "drop search":
        assert value is not None
        text = changed("spider", value, changed("search"))
    elif special:
        text = AUCTION + special + "\n"
    else:
        assert value is not None
        text = changed(key, value)
    found = faults(text)
    assert len(found) == 1
    assert found[0].startswith(f"{FILE}:{line_of(key, text)}: {field}: "), found[0]
    assert reason in found[0]
    assert found[0].endswith(".")


def test_a_missing_field_is_named() -> None:
    assert faults(changed("listing_url")) == [
        f"{FILE}:1: listing_url: this field is missing: every definition of this kind has it."
    ]


def test_a_missing_name_is_told_once() -> None:
    assert len(faults(changed("name", None, changed("id_space")))) == 1


def test_every_fault_is_listed_in_the_order_of_the_lines() -> None:
    text = changed(
        "kind", "shop", changed("currency", "POUND", changed("timezone", "London", changed("name", "other")))
    )
    found = faults(text)
    assert [line.split(": ")[1] for line in found] == ["name", "timezone", "currency", "kind"]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", None, "the file is empty"),
        (b"\n  \n", None, "the file is empty"),
        (b"# only a comment\n", 1, "and this is none"),
        (b"- a\n- b\n", 1, "and this is none"),
        (b"just words\n", 1, "and this is none"),
        (AUCTION.encode() + b"note: caf\xe9\n", 18, "byte 0xE9 is not UTF-8"),
        (AUCTION.encode("utf-16"), 1, "is not UTF-8"),
        (AUCTION.encode() + b"#" * 64_000, None, "this is some other file"),
        (b"name: x\nrate:\n\tdelay: 1\n", 3, "a tab stands where YAML wants spaces"),
        (b'name: "x\ntitle: y\n', 3, "broken YAML"),
        (b'name: x\nlisting_url: "/lot/\\d+"\n', 2, "in double quotes a backslash is written twice, like \\\\d."),
        (b"name: [a, b\ntitle: y\n", 2, "broken YAML"),
        (b"name: x\n---\nname: y\n", 2, "broken YAML"),
        (b"name: !!python/object/apply:os.system [id]\n", 1, "YAML tags"),
        (b"name: !thing x\n", 1, "YAML tags"),
        (b"name: &a x\ntitle: *a\n", 1, "anchors and aliases"),
        (b"domains: " + b"[" * 20_000 + b"\n", 1, "nested deeper than 8 levels"),
        (b"name: x\ntitle: a\x00b\n", 2, "U+0000 may not stand in YAML"),
    ],
)
def test_what_is_no_definition_at_all_is_refused_in_one_sentence(content: bytes, line: int | None, reason: str) -> None:
    found = faults(content)
    assert len(found) == 1
    assert found[0].startswith(f"{FILE}:{line}: " if line else f"{FILE}: ")
    assert reason in found[0]


def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    text = AUCTION + "title: Another\n"
    assert faults(text) == [f"{FILE}:18: title: this key stands twice (first on line 2): remove one of the two."]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"missing\.yaml: the file cannot be read \(No such file"):
        load_definition(tmp_path / "missing.yaml")


def test_a_directory_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "example_auction.yaml").mkdir()
    with pytest.raises(DefinitionError, match="cannot be read"):
        load_definition(tmp_path / "example_auction.yaml")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_definition(path).name == "example_auction"


def test_today_counts_as_verified_wherever_the_person_sits() -> None:
    tomorrow = (datetime.now(UTC) + timedelta(hours=13)).date()
    assert parsed(changed("verified", str(tomorrow))).verified == tomorrow


@pytest.mark.parametrize("domain", ["127.0.0.1", "127.0.0.1:8099", "localhost:80", "[::1]:8099", "127.8.9.10"])
def test_loopback_is_legal_in_a_definition(domain: str) -> None:
    search = f'{{url: "http://{domain}/{{query}}"}}'
    definition = parsed(changed("search", search, changed("domains", f'["{domain}"]')))
    assert definition.is_local
    assert definition.in_domains(f"http://{domain}/x")


def test_ports_and_addresses_are_legal_in_a_demo() -> None:
    text = changed("domains", '["auction.example:8443", 192.0.2.7, auction.example]') + "demo: true\n"
    assert parsed(text).demo


@pytest.mark.parametrize(
    ("url", "within"),
    [
        ("https://auction.example/x", True),
        ("http://auction.example", True),
        ("https://AUCTION.example./x", True),
        ("https://www.auction.example/x", True),
        ("https://auction.example:8443/x", True),
        ("https://user@auction.example/x", True),
        ("https://notauction.example/x", False),
        ("https://auction.example.evil.example/x", False),
        ("https://auction.example@evil.example/x", False),
        ("https://evil.example\\@auction.example/x", False),
        ("https://evil.example/auction.example", False),
        ("ftp://auction.example/x", False),
        ("javascript:alert(1)//auction.example", False),
        ("//auction.example/x", False),
        ("https://auction.example:99999/x", False),
        ("https://[auction.example/x", False),
        ("https://auction.ex\u0430mple/x", False),
        ("https://auction.example/a b", False),
        ("", False),
    ],
)
def test_only_addresses_at_or_below_the_domains_are_inside(url: str, within: bool) -> None:
    assert parsed(AUCTION).in_domains(url) is within


def test_a_domain_with_a_port_is_that_port_alone() -> None:
    definition = parsed(
        changed("search", '{url: "http://127.0.0.1:8099/{query}"}', changed("domains", '["127.0.0.1:8099"]'))
    )
    assert definition.in_domains("http://127.0.0.1:8099/x")
    assert not definition.in_domains("http://127.0.0.1:8098/x")
    assert not definition.in_domains("http://127.0.0.1/x")


def test_a_name_in_another_script_is_the_same_in_punycode() -> None:
    definition = parsed(changed("domains", "[auction.example, متجر.example]"))
    assert definition.in_domains("https://متجر.example/x")
    assert definition.in_domains(f"https://{'متجر'.encode('idna').decode()}.example/x")


def test_the_native_id_is_made_of_all_named_groups() -> None:
    # RL-28: lot numbers restart in every sale.
    definition = parsed(AUCTION)
    assert definition.native_id("https://auction.example/sale/12/lot/7?utm_source=x#photos") == "12/7"
    assert definition.native_id("https://auction.example/sale/13/lot/7") == "13/7"


@pytest.mark.parametrize(
    "url",
    [
        "https://auction.example/sale/12",
        "https://elsewhere.example/sale/12/lot/7",
        "https://auction.example/sale/12/lot/7?" + "x" * 5_000,
        "",
    ],
)
def test_what_is_no_listing_of_the_market_has_no_native_id(url: str) -> None:
    assert parsed(AUCTION).native_id(url) is None


part = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z"), exclude_characters="?#\\;"), max_size=12)


@given(first=st.tuples(part, part), second=st.tuples(part, part))
def test_different_groups_never_make_the_same_native_id(first: tuple[str, str], second: tuple[str, str]) -> None:
    # RL-28: the groups here may hold slashes and percent signs, which also join and escape them.
    definition = parsed(changed("listing_url", '"/s:(?P<sale>[^;]*);l:(?P<lot>[^;]*);"'))
    ids = [definition.native_id(f"https://auction.example/s:{sale};l:{lot};") for sale, lot in (first, second)]
    assert (ids[0] == ids[1]) is (first == second)


@given(st.integers(min_value=0), st.integers(min_value=0))
def test_an_optional_group_keeps_its_place(sale: int, lot: int) -> None:
    definition = parsed(changed("listing_url", '"/(?:sale/(?P<sale>[0-9]+))?/?(?:lot/(?P<lot>[0-9]+))?$"'))
    whole, sale_only, lot_only = (
        definition.native_id(f"https://auction.example/{path}")
        for path in (f"sale/{sale}/lot/{lot}", f"sale/{sale}", f"lot/{lot}")
    )
    assert len({whole, sale_only, lot_only}) == 3


words = st.text(min_size=1, max_size=40).filter(lambda text: any(sign.isalnum() for sign in text))


@given(st.lists(words, max_size=4), st.integers(1, 10))
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_a_query_comes_back_from_the_search_address_as_it_went_in(queries: list[str], page: int) -> None:
    definition = parsed(AUCTION)
    urls = definition.search_urls(queries, page)
    for query, url in zip(queries, urls, strict=True):
        assert definition.in_domains(url)
        assert url.isascii()
        asked = parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
        assert asked == {"q": [unicodedata.normalize("NFC", query).strip()], "page": [str(page)]}


@given(words)
def test_a_query_in_the_path_stays_one_segment(query: str) -> None:
    text = changed(
        "search", '{url: "http://127.0.0.1:8099/{query}/?page={page}"}', changed("domains", '["127.0.0.1:8099"]')
    )
    (url,) = parsed(text).search_urls([query])
    assert [unquote(segment) for segment in urlsplit(url).path.split("/")] == [
        "",
        unicodedata.normalize("NFC", query).strip(),
        "",
    ]


@pytest.mark.parametrize("query", ["", "  ", ".", "..", "/", "\ud800a"])
def test_a_query_without_words_is_refused(query: str) -> None:
    with pytest.raises(UsageError):
        parsed(AUCTION).search_urls([query])


def test_there_is_no_page_beyond_the_last() -> None:
    definition = parsed(AUCTION)
    assert definition.search_urls(["seal"], 11) == ()
    assert definition.search_urls(["seal"], 0) == ()
    assert parsed(changed("search", '{url: "https://auction.example/?q={query}"}')).search_urls(["seal"], 2) == ()


def test_page_extraction_gets_the_rules_of_the_definition() -> None:
    rules = parsed(AUCTION).page_rules()
    assert rules.listing_url is not None
    assert (rules.listings, rules.next) == ("a.lot", "a[rel=next]")
    assert rules.fields["seller"] == ".house a::text"
    assert (rules.currency, rules.timezone, rules.languages) == ("GBP", "Europe/London", ("en", "fr"))
    assert rules.domains == ("auction.example",)


@given(st.binary(max_size=300))
def test_no_bytes_end_in_anything_but_a_refusal(content: bytes) -> None:
    with pytest.raises(DefinitionError):
        parse_definition(FILE, content)


@given(
    st.sampled_from(AUCTION.splitlines()),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        max_leaves=5,
    ),
)
@settings(max_examples=200)
def test_any_value_anywhere_is_taken_or_refused_with_its_field(line: str, value: object) -> None:
    key = line.split(":")[0]
    text = changed(
        key, yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000).split("\n...")[0].rstrip()
    )
    try:
        parse_definition(FILE, text.encode())
    except DefinitionError as error:
        assert all(fault.file == FILE and fault.reason for fault in error.faults)
        assert len(error.faults) >= 1


SHOP = """name: example_auction
title: Example
domains: [shop.example]
kind: dealer
currency: GBP
spider: shopify
source: {url: https://shop.example/}
listing_url: "/products/(?P<handle>[^/?#]+)"
"""


@pytest.mark.parametrize(
    ("old", "new", "field", "reason"),
    [
        ("source: {url: https://shop.example/}\n", "", "spider", "reads a source: add `source` with url"),
        ("https://shop.example/", "https://other.example/", "source.url", "other.example is not among the domains"),
        ("https://shop.example/", '"https://shop.example/{query}"', "source.url", "nothing is filled in here"),
        ("https://shop.example/", "shop.example", "source.url", "is no address"),
        ("shop.example/}", "shop.example/, pages: 3}", "source.pages", "the key 'pages' is unknown"),
        ("kind: dealer", 'kind: dealer\nfields: {title: "h1"}', "fields", "take `fields` out"),
        (
            "kind: dealer",
            'kind: dealer\nsearch: {url: "https://shop.example/?q={query}"}',
            "search",
            "take `search` out",
        ),
        ("shopify\nsource: {url: https://shop.example/", "ebay_browse\nsource: {max_pages: 3", "spider", "EBAY_GB"),
        (
            "shopify\nsource: {url: https://shop.example/}",
            "etsy\nsource: {parameters: {taxonomy: '1'}}",
            "source.parameters.taxonomy",
            "did you mean taxonomy_id?",
        ),
        ("shopify", "etsy", "source.url", "knows the address of its API: take `url` out"),
    ],
)
def test_a_source_that_does_not_fit_its_walker_is_refused(old: str, new: str, field: str, reason: str) -> None:
    assert parsed(SHOP).source is not None
    (found,) = faults(SHOP.replace(old, new))
    assert re.match(rf"{re.escape(str(FILE))}:[0-9]+: {re.escape(field)}: ", found), found
    assert reason in found


def test_a_star_asks_a_source_for_everything_and_other_queries_still_need_words() -> None:
    definition = parsed(SHOP)
    assert definition.search_urls(["*", "lamp"]) == ()
    with pytest.raises(UsageError, match="has no letter or digit"):
        definition.search_urls([".."])
    with pytest.raises(UsageError, match="has no letter or digit"):
        parsed(AUCTION).search_urls(["*"])
