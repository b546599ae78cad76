"""A market definition: facts about one market, read from YAML and refused whole where anything in it is wrong.

Steps and conditions do not belong here but into a spider of the market's own.
"""

from __future__ import annotations

import hashlib
import re
import string
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from crawler.errors import UsageError
from crawler.extraction.rules import RULE_FIELDS, PageRules, check_selector, native_id
from markets import vocabulary
from markets.addresses import domain_fault, inside, is_loopback, split_domain
from markets.faults import DefinitionError, Fault
from markets.located_yaml import MAX_BYTES, FieldPath, LocatedYaml, read_yaml
from markets.patterns import pattern_fault

DEFAULT_DELAY_SECONDS = 10.0
"""Requests more often than this, or several at once, need a recorded permission to be approved."""
MAX_URL_LENGTH = 4_000
MAX_NATIVE_ID = 500
"""Characters of a native id: far more than any market needs, and few enough for a database's index."""
"""A longer address is no listing's: it is not given to the pattern."""

EVERYTHING = "*"
"""The query for all that a source offers; a market's own search may make anything of it, so there it is refused."""

_NAME = re.compile(r"[a-z][a-z0-9_]{1,62}\Z")
_PLACEHOLDERS = ("query", "page")


def _refusing(fault: Any) -> AfterValidator:
    """A validator from a function that says what is wrong with a value, or None."""

    def validate(value: Any) -> Any:
        reason = fault(value)
        if reason is not None:
            raise PydanticCustomError("fault", "{reason}", {"reason": reason})
        return value

    return AfterValidator(validate)


def name_fault(name: str) -> str | None:
    if _NAME.match(name):
        return None
    return f"{name!r} is no name: use small Latin letters, digits and _, a letter first."


def _search_url_fault(url: str) -> str | None:
    try:
        split = urlsplit(url)
        fields = [part[1:] for part in string.Formatter().parse(url) if part[1] is not None]
    except ValueError as error:
        return f"{url!r} is no address ({error})."
    if split.scheme not in ("http", "https") or not split.netloc or re.search(r"[\s\\]", url):
        return f"{url!r} is no address: it starts with https:// (or http://) and a host and holds no blanks."
    for name, form, conversion in fields:
        if name not in _PLACEHOLDERS or form or conversion:
            return f"{{{name}}} is unknown here: only {{query}} and {{page}}, as they stand, are filled in."
    if "query" not in [name for name, _, _ in fields]:
        return "the address needs {query} where the search words go."
    if "{" in split.netloc:
        return "a host is fixed: {query} and {page} may stand only after it."
    return None


def _source_url_fault(url: str) -> str | None:
    try:
        split = urlsplit(url)
    except ValueError as error:
        return f"{url!r} is no address ({error})."
    if split.scheme not in ("http", "https") or not split.netloc or re.search(r"[\s\\]", url):
        return f"{url!r} is no address: it starts with https:// (or http://) and a host and holds no blanks."
    if "{" in url:
        return "nothing is filled in here: give the address as it stands, without {query} and {page}."
    return None


def _rule_name_fault(name: str) -> str | None:
    if name in RULE_FIELDS:
        return None
    return (
        f"{name!r} is no field of a listing{vocabulary.near(name, RULE_FIELDS)}: use one of {', '.join(RULE_FIELDS)}."
    )


def _range_fault(bounds: tuple[int, int]) -> str | None:
    if 0 <= bounds[0] <= bounds[1] and bounds[1] > 0:
        return None
    return f"[{bounds[0]}, {bounds[1]}] is no range: write the fewest and the most listings, like [5, 400]."


def _verified_fault(day: date) -> str | None:
    # The day may have begun already somewhere east of here.
    if day <= (datetime.now(UTC) + timedelta(hours=14)).date():
        return None
    return f"{day} lies in the future: give the day on which real pages last passed, or leave it out in a draft."


RuleName = Annotated[str, _refusing(_rule_name_fault)]
Selector = Annotated[str, _refusing(check_selector)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Search(_Facts):
    """How a market's own search is asked."""

    url: Annotated[str, _refusing(_search_url_fault)]
    listings: Selector | None = None
    next: Selector | None = None
    max_pages: Annotated[int, Field(ge=1, le=1000)] = 10


class Source(_Facts):
    """What a walker of a site's software or of an official API reads, where there is no search page to walk."""

    url: Annotated[str, _refusing(_source_url_fault)] | None = None
    """The shop, a collection in it, a sitemap or a feed; None for an official API, whose address the walker knows."""
    max_pages: Annotated[int, Field(ge=1, le=1000)] = 100
    """Answers read in one crawl (for each query, where the site itself searches)."""
    parameters: dict[str, str] = Field(default_factory=dict)
    """What the walker tells the API beside the query; `vocabulary.SOURCE_PARAMETERS` names what each one knows."""


class Rate(_Facts):
    """How often the market is asked: seconds between requests, requests at once."""

    delay: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = DEFAULT_DELAY_SECONDS
    concurrency: Annotated[int, Field(ge=1, le=16)] = 1

    @property
    def needs_permission(self) -> bool:
        return self.delay < DEFAULT_DELAY_SECONDS or self.concurrency > 1


class Access(_Facts):
    api: str | None = None
    login: Literal["none", "partial", "required"] = "none"
    terms_note: str | None = None


class Expect(_Facts):
    """What a good crawl yields, set from real runs and well below them; empty in a draft."""

    listings_per_query: Annotated[tuple[int, int], _refusing(_range_fault)] | None = None
    filled: dict[RuleName, Share] = Field(default_factory=dict)


class Definition(_Facts):
    """One market as its file describes it. Made by `load_definition`, which also checks what lies outside a field."""

    name: Annotated[str, _refusing(name_fault)]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    domains: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
    id_space: Annotated[str, _refusing(name_fault)]
    """Where its listings' ids are unique; the market's own name unless the file says otherwise."""
    country: Annotated[str, _refusing(vocabulary.country_fault)] | None = None
    timezone: Annotated[str, _refusing(vocabulary.time_zone_fault)] | None = None
    currency: Annotated[str, _refusing(vocabulary.currency_fault)] | None = None
    languages: tuple[Annotated[str, _refusing(vocabulary.language_fault)], ...] = ()
    kind: Literal["auction", "marketplace", "classifieds", "dealer", "aggregator"]
    spider: Annotated[str, _refusing(vocabulary.spider_fault)]
    search: Search | None = None
    source: Source | None = None
    listing_url: Annotated[str, _refusing(pattern_fault)]
    fields: dict[RuleName, Selector] = Field(default_factory=dict)
    rate: Rate = Rate()
    access: Access = Access()
    expect: Expect = Expect()
    verified: Annotated[date, _refusing(_verified_fault)] | None = None
    demo: bool = False

    _path: Path = PrivateAttr(default=Path())
    _source: bytes = PrivateAttr(default=b"")

    @property
    def path(self) -> Path:
        return self._path

    @property
    def file_content(self) -> bytes:
        """The file as it was read."""
        return self._source

    @property
    def digest(self) -> str:
        """SHA-256 of the file as it was read."""
        return hashlib.sha256(self._source).hexdigest()

    @property
    def is_draft(self) -> bool:
        return self.verified is None

    @property
    def is_local(self) -> bool:
        """Whether the market lives on this machine alone: a demo, a test, pages served from disk."""
        hosts = [split_domain(domain) for domain in self.domains]
        return all(host is not None and is_loopback(host[0]) for host in hosts)

    def in_domains(self, url: str) -> bool:
        """Whether `url` is http(s) at one of the market's domains or below it."""
        return inside(url, self.domains)

    def native_id(self, url: str) -> str | None:
        """The listing's id in the market's id space, as `crawler.extraction.rules.native_id` makes it.

        None where the address is not a listing of this market.
        """
        if len(url) > MAX_URL_LENGTH or not self.in_domains(url):
            return None
        found = native_id(url, self._rules)
        return found if found is None or len(found) <= MAX_NATIVE_ID else None

    def search_urls(self, queries: Iterable[str], page: int = 1) -> tuple[str, ...]:
        """The addresses of page `page` of the search for each query, in order.

        Empty where the market has no search, or where `page` is beyond `max_pages` or beyond the first of a search
        without {page}. Raises UsageError for a query without a letter or digit; `*` (everything) is one where there is
        no search.
        """
        search = self.search
        if search is None:
            for query in queries:
                if query.strip() != EVERYTHING:
                    _encoded(query)
            return ()
        words = [_encoded(query) for query in queries]
        if not 1 <= page <= search.max_pages or (page > 1 and "{page}" not in search.url):
            return ()
        return tuple(search.url.format(query=word, page=page) for word in words)

    def page_rules(self) -> PageRules:
        """What page extraction needs of this definition."""
        return self._rules

    @cached_property
    def _rules(self) -> PageRules:
        return PageRules(
            listing_url=re.compile(self.listing_url),
            listings=self.search.listings if self.search else None,
            next=self.search.next if self.search else None,
            fields=self.fields,
            currency=self.currency,
            timezone=self.timezone,
            languages=self.languages,
            domains=self.domains,
        )


def load_definition(path: Path) -> Definition:
    """Read and check one definition. Raises DefinitionError with every fault found: file, line, field, reason."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DefinitionError([Fault(path, None, "", f"the file cannot be read ({error.strerror}).")]) from error
    return parse_definition(path, content)


def parse_definition(path: Path, content: bytes) -> Definition:
    """Check a definition's content as if it stood at `path`. Raises DefinitionError as `load_definition` does."""
    read = read_yaml(path, content)
    definition: Definition | None = None
    try:
        definition = Definition.model_validate({"id_space": read.values.get("name"), **read.values})
    except ValidationError as error:
        for details in error.errors(include_url=False):
            if details["loc"][0] in read.values or details["loc"][0] != "id_space":
                read.fault(*_explained(details))
    _check_across(read)
    if read.faults or definition is None:
        raise DefinitionError(read.faults)
    definition._path = path
    definition._source = content
    return definition


def _encoded(query: str) -> str:
    text = unicodedata.normalize("NFC", query).strip()
    if not any(sign.isalnum() for sign in text):
        # Dots alone would also climb out of a path: {query}/ with ".." is the directory above.
        raise UsageError(f"The query {query!r} has no letter or digit: give words to search for.")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError as error:
        raise UsageError(f"The query {query!r} holds half a character: type it again.") from error


def _check_across(read: LocatedYaml) -> None:
    """What no field can know alone. Works on the raw values, so that it is reported beside other faults."""
    values = read.values
    name, domains, spider, search = (values.get(key) for key in ("name", "domains", "spider", "search"))
    if isinstance(name, str) and name != read.file.stem and name_fault(name) is None:
        read.fault(
            ("name",), f"the name {name!r} differs from the file's: name the file {name}.yaml or change the name."
        )
    if spider in vocabulary.SEARCH_WALKERS and search is None:
        read.fault(("spider",), f"the spider {spider!r} walks a search: add `search` with url and listings.")
    _check_source(read)
    known: list[str] = []
    for number, domain in enumerate(domains if isinstance(domains, tuple) else ()):
        fault = domain_fault(domain, demo=values.get("demo") is True) if isinstance(domain, str) else None
        if fault is not None:
            read.fault(("domains", number), fault)
        elif isinstance(domain, str):
            known.append(domain)
    url = search.get("url") if isinstance(search, dict) else None
    if isinstance(url, str) and known and _search_url_fault(url) is None and not _search_inside(url, known):
        read.fault(("search", "url"), f"{urlsplit(url).netloc} is not among the domains: search inside them or add it.")


def _check_source(read: LocatedYaml) -> None:
    """Whether `source` is what the walker reads, and nothing is stated that it would pass over in silence."""
    values = read.values
    spider, source, domains = values.get("spider"), values.get("source"), values.get("domains")
    url = source.get("url") if isinstance(source, dict) else None
    inside_domains = (
        tuple(domain for domain in domains if isinstance(domain, str)) if isinstance(domains, tuple) else ()
    )
    if isinstance(url, str) and inside_domains and _source_url_fault(url) is None and not inside(url, inside_domains):
        read.fault(("source", "url"), f"{urlsplit(url).netloc} is not among the domains: read inside them or add it.")
    if spider in vocabulary.SEARCH_WALKERS and source is not None:
        read.fault(("source",), f"the spider {spider!r} walks `search` and reads no source: take `source` out.")
    if not isinstance(spider, str) or spider not in vocabulary.SOURCE_PARAMETERS:
        return
    if spider in vocabulary.SOURCE_WALKERS and url is None:
        read.fault(("spider",), f"the spider {spider!r} reads a source: add `source` with url.")
    if spider in vocabulary.API_WALKERS and url is not None:
        read.fault(("source", "url"), f"the spider {spider!r} knows the address of its API: take `url` out.")
    if values.get("search") is not None:
        read.fault(("search",), f"the spider {spider!r} walks no search page: take `search` out.")
    if spider not in ("sitemap", "feed") and values.get("fields"):
        read.fault(("fields",), f"the spider {spider!r} takes what the API's answer names: take `fields` out.")
    known = vocabulary.SOURCE_PARAMETERS[spider]
    given = source.get("parameters") if isinstance(source, dict) else None
    for name in given if isinstance(given, dict) else ():
        if name not in known:
            choice = f"use {', '.join(known)}" if known else "it takes none"
            read.fault(
                ("source", "parameters", name),
                f"{name!r} is no parameter of {spider}{vocabulary.near(str(name), known)}: {choice}.",
            )
    if spider == "ebay_browse" and not (isinstance(given, dict) and given.get("marketplace")):
        read.fault(("spider",), "eBay is asked site by site: add `source: {parameters: {marketplace: EBAY_GB}}`.")


def _search_inside(url: str, domains: list[str]) -> bool:
    return inside(url.format(query="x", page=1), tuple(domains))


_TYPES = {
    "string_type": "a text is needed",
    "int_type": "a whole number is needed",
    "float_type": "a number is needed",
    "bool_type": "true or false is needed",
    "date_type": "a day like 2026-11-20 is needed",
    "tuple_type": "a list like [a, b] is needed",
    "dict_type": "a block of `key: value` lines is needed",
    "model_type": "a block of `key: value` lines is needed",
}


def _explained(details: ErrorDetails) -> tuple[FieldPath, str]:
    """pydantic's finding as (field, reason) in our words."""
    path = tuple(part for part in details["loc"] if part != "[key]")
    found, context, kind = details["input"], details.get("ctx", {}), details["type"]
    if kind == "fault":
        reason = str(context["reason"])
    elif kind == "extra_forbidden":
        word = str(path[-1])
        known = _known_keys(path[:-1])
        reason = f"the key {word!r} is unknown{vocabulary.near(word, known)}: use one of {', '.join(known)}."
    elif kind == "missing":
        reason = _missing(path)
    elif kind == "literal_error":
        reason = (
            f"{found!r} is not known here{vocabulary.near(str(found), _choices(context))}: use {context['expected']}."
        )
    elif kind in _TYPES:
        reason = f"{_TYPES[kind]}, not {_shown(found)}."
    else:
        reason = f"{details['msg'][:1].lower()}{details['msg'][1:]}, not {_shown(found)}."
    return path, reason


def _missing(path: FieldPath) -> str:
    if path and isinstance(path[-1], int):
        return f"a value is missing at place {path[-1] + 1} of the list."
    return "this field is missing: every definition of this kind has it."


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "a list"
    if isinstance(value, dict):
        return "a block of keys"
    return repr(str(value)) if isinstance(value, date) else repr(value)[:80]


def _choices(context: Mapping[str, Any]) -> list[str]:
    return re.findall(r"'([^']+)'", str(context.get("expected", "")))


def _known_keys(path: FieldPath) -> list[str]:
    blocks: dict[FieldPath, type[_Facts]] = {
        ("search",): Search,
        ("source",): Source,
        ("rate",): Rate,
        ("access",): Access,
        ("expect",): Expect,
    }
    return list(blocks.get(path, Definition).model_fields)
