"""What the sources say about one page, field by field: the first source to fill a field keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from typing import Any

from crawler.extraction.date_words import names_no_hour
from crawler.extraction.moments import parse_loose_moment, parse_moment
from crawler.extraction.prices import country_currency, currency_code, is_plain_amount, parse_amount, parse_price
from crawler.extraction.rules import PageRules
from crawler.extraction.text import clean, clean_block
from crawler.extraction.zones import zone_of
from crawler.items import PageKind

MAX_IMAGES = 200
MAX_PROBLEMS = 20
MAX_TITLE = 2_000

_AVAILABILITY = {
    name.casefold(): name
    for name in (
        "InStock",
        "OutOfStock",
        "SoldOut",
        "PreOrder",
        "PreSale",
        "BackOrder",
        "Discontinued",
        "InStoreOnly",
        "OnlineOnly",
        "LimitedAvailability",
        "MadeToOrder",
        "Reserved",
    )
} | {
    "instock": "InStock",
    "available": "InStock",
    "availablefororder": "BackOrder",
    "onsale": "InStock",
    "forsale": "InStock",
    "oos": "OutOfStock",
    "unavailable": "OutOfStock",
    "notavailable": "OutOfStock",
    "sold": "SoldOut",
    "pending": "Reserved",
}


def availability_name(value: object) -> str | None:
    """The schema.org short name for what a page calls its availability ("http://schema.org/InStock", "in stock")."""
    if isinstance(value, bool):
        return "InStock" if value else "OutOfStock"
    if not isinstance(value, str):
        return None
    short = value.strip().rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1]
    return _AVAILABILITY.get("".join(c for c in short.casefold() if c.isalnum()))


@dataclass(slots=True)
class Findings:
    """Values found so far with their sources. Each `add_*` method checks its value and ignores what it cannot use."""

    rules: PageRules
    country: str | None = None
    """ISO 3166 country that the page names or lives in: it reads signs that several currencies share."""
    language: str | None = None
    """ISO 639-1 language that the page declares."""
    expected: PageKind | None = None
    """The kind of page that the caller asked the market for, where it knows."""
    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    titles: list[tuple[str, str]] = field(default_factory=list)
    """All titles offered, with their sources: they contradict each other so often that they are weighed at the end."""
    problems: list[str] = field(default_factory=list)

    def lacks(self, *names: str) -> bool:
        for name in names:  # noqa: SIM110 - asked dozens of times a page, and any() takes four times as long
            if name not in self.values:
                return True
        return False

    def add(self, name: str, value: Any, source: str) -> None:
        if value is None or value == "" or value == [] or name in self.values:
            return
        self.values[name] = value
        self.sources[name] = source

    def add_text(self, name: str, value: object, source: str) -> None:
        if name in self.values:
            return
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        self.add(name, clean_block(value) if name == "description" else clean(value), source)

    def add_title(self, value: object, source: str) -> None:
        title = clean(value)
        if title and len(title) <= MAX_TITLE and any(c.isalnum() for c in title):
            self.titles.append((title, source))

    def add_price(self, amount: object, currency: object, source: str) -> None:
        """A price and its currency together, so that one source's amount does not get another's currency unasked."""
        if "price" in self.values:
            return
        code = currency_code(currency, hint=self.rules.currency, country=self.country)
        value: Decimal | None
        if isinstance(amount, str) and not is_plain_amount(amount):
            money = parse_price(amount, hint=code or self.rules.currency, country=self.country)
            plain = parse_amount(amount, code)
            value = plain if money is None or money.currency is None else money.amount
            code = code or (money.currency if money else None)
        else:
            value = parse_amount(amount, code)
        if value is None:
            return
        self.add("price", value, source)
        if code is None and source.startswith("rule") and self.rules.currency:
            code, source = self.rules.currency, "rule:currency"
        if code and self.values.get("currency") != code:
            self.values.pop("currency", None)
            self.add("currency", code, source)

    def add_currency(self, value: object, source: str) -> None:
        self.add("currency", currency_code(value, hint=self.rules.currency, country=self.country), source)

    def add_moment(self, name: str, value: object, source: str) -> None:
        if name in self.values:
            return
        zone = self.rules.timezone or zone_of(self.country, self.values.get("currency"), self.language)
        languages = self.rules.languages or ((self.language,) if self.language else ())
        moment = parse_moment(value, timezone=zone, languages=languages)
        loose = parse_loose_moment(value, languages=languages) if moment is None else None
        if loose is not None and isinstance(value, str) and names_no_hour(value):
            moment, source = loose.replace(tzinfo=UTC), f"{source} (the day alone)"
        elif loose is not None:
            self.problem(
                f"The time {str(value)[:60]!r} ({source}) names no zone: set timezone in the market's definition."
            )
        self.add(name, moment, source)

    def add_availability(self, value: object, source: str) -> None:
        self.add("availability", availability_name(value), source)

    def add_images(self, urls: Iterable[str], source: str) -> None:
        """Images of one source; those of a later source do not mix in."""
        if "images" not in self.values:
            self.add("images", list(dict.fromkeys(urls))[:MAX_IMAGES], source)

    def add_preview_image(self, url: str, source: str) -> None:
        """The picture shown when the page is shared: one of the listing's, at times one that no other source has."""
        images = self.values.get("images")
        if images is None:
            self.add("images", [url], source)
        elif url not in images and len(images) < MAX_IMAGES and not self.sources["images"].startswith("rule"):
            images.append(url)

    def problem(self, sentence: str) -> None:
        if len(self.problems) < MAX_PROBLEMS and sentence not in self.problems:
            self.problems.append(sentence)

    @property
    def country_money(self) -> str | None:
        return self.rules.currency or country_currency(self.country)
