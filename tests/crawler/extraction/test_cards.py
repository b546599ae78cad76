"""A card's fingerprint changes with price, title and state, and with nothing that is not the offer's."""

import re
import time

import pytest

from crawler.extraction.cards import card_key, says_over
from crawler.extraction.page import extract_page
from crawler.extraction.rules import PageRules

URL = "https://a.example/search?q=lamp"
LOTS = [f"https://a.example/lot/{n}" for n in range(1, 4)]


RULES = PageRules(listing_url=re.compile(r"/lot/\d+"))


def cards(*bodies: str, around: str = "") -> dict[str, str]:
    items = "".join(
        f'<li class="card"><a href="/lot/{n}#top"><img src="/{n}.jpg"></a>{body}</li>'
        for n, body in enumerate(bodies, 1)
    )
    html = f"<html><body><p>{around}</p><ul>{items}</ul></body></html>"
    return extract_page(
        html.encode(), URL, content_type="text/html; charset=utf-8", rules=RULES, expected="search"
    ).cards


PLAIN = ("<h3>Lamp</h3><b>£120</b>", "<h3>Lamp</h3><b>£80</b>", "<h3>مصباح</h3><b>٩٠ ر.س</b>")


def test_each_listing_has_the_card_around_its_own_link() -> None:
    found = cards(*PLAIN)
    assert list(found) == LOTS
    assert len(set(found.values())) == 3


def test_what_stands_around_the_cards_and_how_they_are_spaced_changes_nothing() -> None:
    assert cards(*PLAIN, around="200 found") == cards(*(body.replace("<b>", " \n <b>") for body in PLAIN))


def test_price_title_and_state_change_the_card_of_that_listing_alone() -> None:
    before = cards(*PLAIN)
    for changed in ("<h3>Lamp</h3><b>£110</b>", "<h3>Oil lamp</h3><b>£120</b>", PLAIN[0] + "<i>Sold</i>"):
        after = cards(changed, *PLAIN[1:])
        assert [url for url in LOTS if after[url] != before[url]] == LOTS[:1]


def test_a_state_that_only_a_class_shows_changes_the_card() -> None:
    assert cards('<h3 class="x">Lamp</h3>£120')[LOTS[0]] != cards('<h3 class="x is-sold">Lamp</h3>£120')[LOTS[0]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '<img src="/s.png" alt="SOLD">'),
        ("", '<img src="/badges/sold.png?v=2">'),
        ("", '<i title="Lot passed"></i>'),
        ('<i aria-label="For sale"></i>', '<i aria-label="Vendu"></i>'),
        ('<i data-status="for-sale"></i>', '<i data-status="sold"></i>'),
        ('<i data-sold="false"></i>', '<i data-sold="true"></i>'),
    ],
)
def test_a_state_that_only_a_picture_or_an_attribute_shows_changes_the_card(before: str, after: str) -> None:
    assert cards(f"<h3>Lamp</h3>£120{before}")[LOTS[0]] != cards(f"<h3>Lamp</h3>£120{after}")[LOTS[0]]


def test_attributes_that_say_no_state_or_differ_every_time_change_nothing() -> None:
    one, other = (
        f'<h3 title="Lamp {n}">Lamp</h3>£120<i data-record=\'{{"sold":0,"views":{n}}}\' data-ended-in="{n}"></i>'
        for n in (1, 2)
    )
    assert cards(one) == cards(other)


@pytest.mark.parametrize(
    ("body", "over"),
    [
        ("<i>Sold</i>", True),
        ("<i>Vendu le 3 mai</i>", True),
        ("<i>تم البيع</i>", True),
        ('<img src="/s.png" alt="SOLD">', True),
        ("", False),
        ("<p>12 sold</p>", False),
        ("<i>Sold by Ann</i>", False),
        ('<i class="sold-by"></i>', False),
    ],
)
def test_a_card_tells_whether_it_says_that_its_offer_is_over(body: str, over: bool) -> None:
    card = cards(f"<h3>Lamp</h3>£120{body}")[LOTS[0]]
    assert says_over(card) is over
    key = card_key(card, "1")
    assert says_over(key) is over
    assert len(key) == 64  # what its column holds


def test_time_that_runs_down_changes_nothing() -> None:
    one, other = (cards(f"<h3>Lamp</h3>£120 <i>{left}</i>")[LOTS[0]] for left in ("2d 3h left", "1 day 22 hours left"))
    assert cards("<h3>Lamp</h3>£120 <i>Ends in 01:22:33</i>") == cards("<h3>Lamp</h3>£120 <i>Ends in 00:10:01</i>")
    assert one == other


def test_a_card_without_a_price_says_nothing() -> None:
    assert cards("<h3>Lamp</h3>", PLAIN[1]).keys() == {LOTS[1]}


def test_with_another_reading_every_card_is_new() -> None:
    (card, *_) = cards(*PLAIN).values()
    assert card_key(card, "1") == card_key(card, "1") != card_key(card, "2")


def test_hostile_bytes_give_no_cards() -> None:
    for body in (b"", b"\xff\xfe\x00", b"<" * 5000, b"<div>" * 5000 + b'<a href="/lot/1">GBP 5</a>'):
        assert isinstance(extract_page(body, URL, rules=RULES, expected="search").cards, dict)


def test_cards_of_nothing_but_digits_are_read_in_one_go() -> None:
    begun = time.process_time()
    assert len(cards(*["9" * 3_900 + " €"] * 30)) == 30
    assert time.process_time() - begun < 3


def test_no_countdown_of_any_length_changes_a_card() -> None:
    for left, later in (("2 days", "13 hours"), ("1234567890123456789012345 s", "1 s"), ("٣ أيام", "١٢ ساعة")):
        assert cards(f"<b>£120</b> {left}") == cards(f"<b>£120</b> {later}")
