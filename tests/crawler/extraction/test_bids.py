"""Bids, first and present bid and estimates, kept apart; seller, lot and end from texts without a colon."""

import json
from decimal import Decimal

import pytest

from crawler.extraction.page import extract_page
from crawler.extraction.rules import PageRules
from crawler.items import ExtractedPage


def page(body: str, head: str = "") -> ExtractedPage:
    html = f"<html lang=en><head>{head}</head><body><h1>Roman oil lamp</h1>{body}</body></html>"
    return extract_page(html.encode(), "https://auction.example/lot/88123", rules=PageRules(timezone="Europe/London"))


def test_the_amounts_of_an_auction_are_kept_apart() -> None:
    read = page(
        "<dl><dt>Estimate</dt><dd>£300 - £500</dd><dt>Starting bid</dt><dd>£150</dd>"
        "<dt>Current bid</dt><dd>£200</dd></dl><p>7 bids</p>"
    )
    assert (read.estimate_low, read.estimate_high) == (300, 500)
    assert (read.starting_bid, read.current_bid, read.price, read.bids) == (150, 200, 200, 7)


@pytest.mark.parametrize(
    ("texts", "start", "current"),
    [
        (("Mise à prix : 150 €", "Enchère actuelle : 200 €"), 150, 200),
        (("Mise à prix 150 €", "Enchère en cours 200 €"), 150, 200),
        (("Startpreis 150 EUR", "Aktuelles Gebot 200 EUR"), 150, 200),
        (("السعر الابتدائي: ١٥٠ يورو", "المزايدة الحالية: ٢٠٠ يورو"), 150, 200),
    ],
)
def test_first_and_present_bid_are_known_by_their_labels(texts: tuple[str, ...], start: int, current: int) -> None:
    read = page("".join(f"<p>{text}</p>" for text in reversed(texts)))
    assert (read.starting_bid, read.current_bid, read.price, read.currency) == (start, current, current, "EUR")


def test_before_the_first_bid_the_price_is_what_is_asked_for() -> None:
    read = page(
        "<p>Similar: </p><p>£34.00</p><p><span>Starting bid:</span> <b>£115.00 Reserve not met</b></p><p>0 bids</p>"
    )
    assert (read.starting_bid, read.current_bid, read.price, read.bids) == (115, None, 115, 0)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("3 bids", 3),
        ("(1 bid, reserve met)", 1),
        ("[ 33 Gebote ]", 33),
        ("12 enchères", 12),
        ("٥ مزايدات", 5),
        ("<b>4</b> <i>bids</i>", 4),
        ("Number of bids: 9", 9),
        ("عدد المزايدات: ٩", 9),
    ],
)
def test_bids_are_counted(text: str, count: int) -> None:
    assert page(f"<p>£40</p><p>{text}</p>").bids == count


@pytest.mark.parametrize("text", ["3 offerte speciali", "12 عرض", "Bids: £40", "3 bidets", "2000000 bids"])
def test_what_only_looks_like_a_count_is_none(text: str) -> None:
    assert page(f"<p>£40</p><p>{text}</p>").bids is None


def test_embedded_state_gives_all_of_it() -> None:
    lot = {
        "lotTitle": "Roman oil lamp", "lotId": 88123, "currency": "GBP", "startPrice": 150, "leadingBid": 200,
        "bidCount": 4, "heightCm": 3, "weight": "120 g", "dimensions": "12 x 8 cm",
        "description": "A lamp of terracotta, intact.", "lowEstimate": 300, "highEstimate": 500,
    }  # fmt: skip
    read = page(
        "", f'<script id="__NEXT_DATA__" type="application/json">{json.dumps({"props": {"lot": lot}})}</script>'
    )
    assert (read.starting_bid, read.current_bid, read.bids) == (150, 200, 4)
    assert read.weight_grams == 120 and [one.millimetres for one in read.dimensions] == [120, 80]
    assert read.sources["bids"].startswith("state:")


def test_an_amount_in_another_currency_is_not_taken_for_a_bid() -> None:
    read = page("<p>Current bid: £200</p><p>Starting bid: 150 USD</p>")
    assert (read.price, read.starting_bid) == (Decimal(200), None)


@pytest.mark.parametrize(
    ("text", "range_"),
    [("Estimate £300 - £500", (300, 500)), ("Estimation 300 - 500 €", (300, 500)), ("Est. $300-500", (300, 500))],
)
def test_an_estimate_in_one_text_is_read(text: str, range_: tuple[int, int]) -> None:
    read = page(f"<p>{text}</p>")
    assert (read.estimate_low, read.estimate_high) == range_


def test_seller_lot_and_end_are_read_where_the_text_leaves_no_doubt() -> None:
    read = page(
        "<p>£40</p><p>Lot 0414</p><p>Sold by Galerie Example</p><p>Auction ends on 6 December 2026 at 20:00</p>"
    )
    assert (read.lot_number, read.seller) == ("0414", "Galerie Example")
    assert read.ends_at is not None and read.ends_at.isoformat().startswith("2026-12-06T20:00")


def test_two_lots_on_a_page_leave_doubt() -> None:
    read = page("<p>£40</p><p>Lot 414</p><p>Lot 415</p><p>Ends in 3 days</p><p>Sold by weight?</p>")
    assert (read.lot_number, read.ends_at, read.seller) == (None, None, None)
