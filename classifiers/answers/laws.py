"""Which dates of which laws are relevant to a listing, and what the listing claims of the time before each.

A date is relevant or not; nothing here says that anything was lawful before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from classifiers.answers.facts import Currencies, read_facts
from classifiers.answers.offer import Offer
from classifiers.answers.provenance import Claims
from crawler.items import Finding, LegalDate, Years

GENERAL = ("international", "eu", "uk", "us")
Claimed = Literal["none", "undated", "later", "earlier_without_paper", "earlier_with_paper"]


def find_legal_dates(
    types: Sequence[Finding], origins: Sequence[Finding], years: Years | None, claims: Claims, offer: Offer,
    money: Currencies, *, from_the_sea: bool = False,
) -> tuple[LegalDate, ...]:  # fmt: skip
    """The relevant dates: the general ones, then each likely country's own laws, all of them, oldest first."""
    countries = [origin.id for origin in origins]
    dates = [*_general(countries, claims, from_the_sea), *_import_rules(types, countries, years, claims, offer, money)]
    for country in countries:
        dates += _national(country, claims)
    return tuple(dates)


def vesting_year(country: str) -> int | None:
    """Since when finds of a country belong to its state, or its earliest strong law; None where none is known."""
    facts = read_facts("laws")["national"].get(country)
    return int(facts["vests"]) if facts else None


def law_ids() -> list[str]:
    """The id of every law that can be shown."""
    facts = read_facts("laws")
    ids = [name for section in GENERAL for name in facts[section]]
    ids += [us_law(country) for country in facts["us_first_restrictions"]]
    ids += [national_law(country, law["date"]) for country, entry in facts["national"].items() for law in entry["laws"]]
    return ids


def us_law(country: str) -> str:
    return f"us_cpia:{country}"


def national_law(country: str, day: object) -> str:
    return f"{country}:{day}"


def _general(countries: Sequence[str], claims: Claims, from_the_sea: bool) -> Iterator[LegalDate]:
    facts = read_facts("laws")
    for section in GENERAL:
        for name, law in facts[section].items():
            country = next((one for one in countries if one in law.get("countries", ())), None)
            if law.get("always") or country or (from_the_sea and law.get("from_the_sea")):
                yield _dated(name, law, country, claims)


def _national(country: str, claims: Claims) -> Iterator[LegalDate]:
    facts = read_facts("laws")
    for law in facts["national"].get(country, {}).get("laws", ()):
        yield _dated(national_law(country, law["date"]), law, country, claims)
    if country in facts["us_first_restrictions"]:
        yield _dated(us_law(country), facts["us_first_restrictions"][country], country, claims)


def _dated(
    name: str, law: Mapping[str, Any], country: str | None, claims: Claims, note: str | None = None
) -> LegalDate:
    day = str(law["date"])
    return LegalDate(name, day, country, bool(law.get("confirmed")), _claimed(int(day[:4]), claims), note)


def _claimed(year: int, claims: Claims) -> Claimed:
    if claims.earliest_year is None:
        return "undated" if claims.findings else "none"
    if claims.earliest_year >= year:
        return "later"
    return "earlier_with_paper" if claims.papers else "earlier_without_paper"


def _import_rules(
    types: Sequence[Finding], countries: Sequence[str], years: Years | None, claims: Claims, offer: Offer,
    money: Currencies,
) -> Iterator[LegalDate]:  # fmt: skip
    """Parts B and C of Regulation (EU) 2019/880, for goods created or discovered outside the Union."""
    rule = read_facts("laws")["eu_2019_880"]
    if not types or (countries and set(countries) <= _member_states()):
        return
    laws = read_facts("laws")["eu"]
    kinds = {type_.id for type_ in types[:1]}
    now = (offer.seen_at or datetime.now(UTC)).year
    unsure = "age_unknown" if years is None else None if countries else "origin_unknown"
    age = None if years is None else now - years.last
    if not kinds <= set(rule["not_from_the_ground"]) and (age is None or age > rule["b_older_than_years"]):
        note = "if_excavated" if kinds & {"ancient_coin", "coin_hoard_lot"} else unsure
        yield _dated("eu_2019_880_b", laws["eu_2019_880_b"], None, claims, note)
    if kinds & set(rule["c_types"]) and (age is None or age > rule["c_older_than_years"]):
        value = money.in_euro(offer.price, offer.currency)
        if value is None:
            yield _dated("eu_2019_880_c", laws["eu_2019_880_c"], None, claims, "value_unknown")
        elif value >= rule["c_value_eur"] * (1 - money.near):
            near = value < rule["c_value_eur"] * (1 + money.near)
            yield _dated("eu_2019_880_c", laws["eu_2019_880_c"], None, claims, "value_near" if near else unsure)


@cache
def _member_states() -> frozenset[str]:
    return frozenset(read_facts("laws")["eu_2019_880"]["member_states"])
