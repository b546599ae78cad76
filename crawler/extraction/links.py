"""The links of a search page that lead to listings, found by how they repeat; navigation and adverts are left out.

Links are grouped by the form of their address and their place in the tree; the group whose blocks look most like
listings (price, picture, wordy link, id in the address) is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from crawler.extraction.document import Document
from crawler.extraction.rules import PageRules, match_listing
from crawler.extraction.selectors import select

MAX_LINKS = 20_000
MAX_LISTINGS = 2_000
"""Of one page; who asks for them must say that there may be more."""
_SAMPLE = 12
_BLOCKS_KEPT = 400
_BLOCK_LEVELS = 9
"""How far above its link a listing's block may begin."""

_ZONE_TAGS = frozenset({"nav", "header", "footer", "aside"})
_ZONE = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|submenu|megamenu|footer|header|breadcrumbs?|sidebar"
    r"|topbar|pagination|pager|filters?|facets?"
    r"|similar|related|recommend\w*|recently|also|upsell|crosssell|cross-sell|sponsored|advert\w*"
    r"|promo\w*|newsletter|cookie\w*|social|tags?|lang\w*)(?:$|[\s_-])",
    re.I,
)
_SOFT_ZONE = re.compile(
    r"(?:^|[\s_-])(?:similar|related|recommend\w*|recently|also|sponsored|promo\w*|tags?)(?:$|[\s_-])", re.I
)
"""Zones whose names some sites give to the results themselves; believed as long as there is anything else."""
# Between the last digit and the currency no digit stands: with digits there too, a run of them is read again from each.
_PRICE = re.compile(
    r"(?:[$€£¥￥₩₪₺₽₴₹₸]|(?:EUR|USD|GBP|CHF|AED|SAR|QAR|KWD|EGP|MAD|TND|DZD|JPY|Kč|zł|lei|kr|Ft|TL|DH"
    r"|Rs|сум|so.m|DA|DT|JOD|LYD|QR|SR|BHD|OMR|ر\.[سقعي]|د\.[إتجكمبألع]|ج\.م|ل\.[سل]|درهم|دينار|جنيه|ريال|تومان)(?!\w))"
    r"\s?[\d٠-٩]|[\d٠-٩][.,'  ٫٬]*\s?(?:[$€£¥円元원₪₺₽₴₸]|(?:EUR|USD|GBP|CHF|AED|SAR|HKD|MAD|TND"
    r"|DZD|EGP|SAR|QAR|KWD|JOD|JPY|SEK|NOK|DKK|PLN|CAD|AUD|Kč|zł|lei|kr|Ft|TL|DH|DA|DT|Rs|руб|тг|сум|so.m|грн)\b|,-"
    r"|ر\.[سقعي]|د\.[إتجكمبألع]|ج\.م|ل\.[سل]|درهم|دينار|جنيه"
    r"|ريال|تومان)"
)
_ACTION = re.compile(
    r"(?:^|[/?&=_.-])(?:add|watchlist\w*|wish-?list|login|log-?in|signin|sign-?in|register|cart"
    r"|basket|compare|favou?rites?|favoris|share|print|mailto|report|feedback"
    r"|help|faq|terms|privacy|contact|about)(?:$|[/?&=_.-])",
    re.I,
)
_ADDRESS_ATTRIBUTES = ("data-href", "data-url", "data-link", "data-target-url", "data-product-url", "data-item-url")
_GOES_TO = re.compile(r"""(?:location(?:\.href)?\s*=|location\.assign\(|window\.open\()\s*["']([^"'\s]{2,500})["']""")
_ID_PARAMETERS = frozenset({"id", "lot", "lotid", "lot_id", "lotno", "item", "itemid", "item_id", "lid", "pid", "los"})
"""Query parameters that hold an id though it be of one digit."""
_QUERY_ID = re.compile(r"\d{2,}|[0-9a-f]{8,}", re.I)


@dataclass(slots=True)
class Group:
    """Links of one form in one kind of place."""

    links: list[tuple[int, Any, str]] = field(default_factory=list)
    """(position in the page, element, absolute address)"""
    shapes: Counter[str] = field(default_factory=Counter)
    score: float = 0.0
    priced: float = 0.0
    pictured: float = 0.0
    identified: float = 0.0
    """Share of the addresses with a number or a slug."""
    distinct: int = 0
    blocks: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FoundListings:
    urls: list[str]
    score: float
    priced: float
    """Share of the links whose block shows a price."""
    pictured: float
    shapes: frozenset[str] = frozenset()
    """The forms of the links' addresses."""
    blocks: frozenset[Any] = frozenset()
    """The elements that each hold one of the listings, as far as it was looked for them."""
    few: list[str] = field(default_factory=list)
    """Where nothing repeats: one or two links whose blocks have a price and a picture or id, as few results have."""


def listings_by_rule(document: Document, rules: PageRules) -> list[str]:
    """Listing links by the definition's selector (links, or blocks that hold them), kept to `listing_url` if given."""
    found: dict[tuple[str, ...], str] = {}
    for url in _selected(document, rules):
        if rules.listing_url is None or match_listing(url, rules):
            found.setdefault(_native_key(url, rules), url.split("#", 1)[0])
        if len(found) >= MAX_LISTINGS:
            break
    return list(found.values())


def passed_over(document: Document, rules: PageRules) -> list[str]:
    """Links that the selector of the definition finds and its `listing_url` does not match, each once."""
    if rules.listings is None or rules.listing_url is None:
        return []
    found = dict.fromkeys(url for url in _selected(document, rules) if not match_listing(url, rules))
    return list(islice(found, MAX_LISTINGS))


def _selected(document: Document, rules: PageRules) -> Iterator[str]:
    """The addresses that the selector finds; without a selector those of all links."""
    for element in select(rules.listings, document) if rules.listings else document.root.iter("a"):
        if isinstance(element, str):
            url = document.absolute(str(element))
        else:
            link = element if element.tag == "a" else next((a for a in element.iter("a") if a.get("href")), None)
            url = document.absolute(link.get("href")) if link is not None else None
        if url:
            yield url


def _native_key(url: str, rules: PageRules) -> tuple[str, ...]:
    """One address a native id: the same listing is often linked with several query strings."""
    match = match_listing(url, rules) if rules.listing_url is not None and rules.listing_url.groupindex else None
    return tuple(str(value) for value in match.groupdict().values()) if match else (url.split("#", 1)[0],)


def listings_by_shape(document: Document, *, anywhere: bool = False) -> FoundListings:
    """The best group of repeated links with its score; empty where nothing on the page repeats as listings do.

    `anywhere` looks among what calls itself similar or recommended too.
    """
    groups = _groups(document, anywhere)
    best: Group | None = None
    for group in groups.values():
        _weigh(group)
        if best is None or group.score > best.score:
            best = group
    if best is None or best.distinct < 3:
        few = [url for group in groups.values() if _looks_like_result(group) for _, _, url in group.links]
        return FoundListings([], 0.0, 0.0, 0.0, few=_distinct(few)[:4])
    shapes = {shape for shape, count in best.shapes.items() if count >= 3 or count * 10 >= len(best.links)}
    shapes |= _alike(best, groups)
    links = sorted(
        (link for group in groups.values() for link in group.links if shape_of(link[2]) in shapes or group is best),
        key=lambda link: link[0],
    )
    links = _once_a_block(links, best)
    return FoundListings(
        _distinct([url for _, _, url in links])[:MAX_LISTINGS],
        best.score,
        best.priced,
        best.pictured,
        frozenset(shapes),
        frozenset(best.blocks) if best.priced else frozenset(),
    )


def _alike(best: Group, groups: dict[tuple[str, str], Group]) -> set[str]:
    """The address forms of groups that stand in the same kind of place under the same class and show prices too.

    A shop's addresses may differ: /oils/4711.html beside /4712.html. Their endings are the same all the same.
    """
    place = next((signature for (signature, _), group in groups.items() if group is best), "")
    if not best.priced or not place or place.startswith(">"):
        return set()
    endings = {shape.rpartition(".")[2] for shape in best.shapes if "." in shape.rpartition("/")[2]}
    found: set[str] = set()
    for (signature, form), group in groups.items():
        if signature == place and group is not best and form.rpartition(".")[2] in endings:
            _measure(group, {_listing_key(url) for _, _, url in group.links})
            if group.priced >= 0.5 and group.pictured >= 0.5:
                found.update(group.shapes)
    return found


def _once_a_block(links: list[tuple[int, Any, str]], best: Group) -> list[tuple[int, Any, str]]:
    """Where picture and title of one offer lead by two addresses to it: the best group's alone.

    It is so where nearly every block of that group holds a second address of the same form.
    """
    own = {url for _, _, url in best.links}
    blocks = set(best.blocks)
    second = [
        (link, block)
        for link in links
        if link[2] not in own
        and (block := next((b for b in islice(link[1].iterancestors(), 12) if b in blocks), None)) is not None
    ]
    if len({block for _, block in second}) < 0.8 * len(blocks) or len(blocks) < 3:
        return links
    dropped = {id(link) for link, _ in second}
    return [link for link in links if id(link) not in dropped]


def _groups(document: Document, anywhere: bool) -> dict[tuple[str, str], Group]:
    groups: dict[tuple[str, str], Group] = {}
    zones: dict[Any, bool] = {}
    own_page = document.base_url.split("?", 1)[0]
    for position, (anchor, href) in enumerate(_pressed(document) if anywhere else _anchors(document)):
        if position > MAX_LINKS:
            break
        if not href or len(href) < 2 or _in_zone(anchor, zones, anywhere):
            continue
        url = document.absolute(href)
        if url is None:
            continue
        url = url.split("#", 1)[0]
        shape = shape_of(url)
        if not shape or _ACTION.search(href.split("?", 1)[0]) or (url.split("?", 1)[0] == own_page and "?" not in url):
            continue
        key = (_signature(anchor), generic(shape))
        group = groups.setdefault(key, Group())
        group.links.append((position, anchor, url))
        group.shapes[shape] += 1
    return groups


def _anchors(document: Document) -> Iterator[tuple[Any, str]]:
    for anchor in document.root.iter("a"):
        yield anchor, anchor.get("href") or ""


def _pressed(document: Document) -> Iterator[tuple[Any, str]]:
    """Links, and what is pressed in their place: cards and buttons whose address stands in an attribute or a script."""
    for element in document.root.iter("a", "div", "li", "tr", "article", "section", "button", "span"):
        href = element.get("href") or "" if element.tag == "a" else ""
        if not href or href[0] == "#" or href.startswith("javascript:"):
            script = _GOES_TO.search(element.get("onclick") or "")
            href = next((v for v in map(element.get, _ADDRESS_ATTRIBUTES) if v), script[1] if script else href)
        if href and not href.startswith("javascript:"):
            yield element, href


def _in_zone(element: Any, zones: dict[Any, bool], anywhere: bool) -> bool:
    chain = []
    node = element
    answer = False
    while node is not None:
        if node in zones:
            answer = zones[node]
            break
        chain.append(node)
        tag = node.tag
        if tag in ("body", "html", "main"):
            break
        marks = f"{node.get('class') or ''} {node.get('id') or ''}"
        if tag in _ZONE_TAGS or _ZONE.search(_SOFT_ZONE.sub(" ", marks) if anywhere else marks):
            answer = True
            break
        node = node.getparent()
    for one in chain:
        zones[one] = answer
    return answer


def _signature(anchor: Any) -> str:
    parts = [re.sub(r"[\d_-].*", "", (anchor.get("class") or "").split(" ")[0])]
    node = anchor.getparent()
    for _ in range(3):
        if node is None or node.tag in ("body", "html"):
            break
        parts.append(str(node.tag))
        node = node.getparent()
    return ">".join(parts)


@lru_cache(maxsize=8_192)
def shape_of(url: str) -> str:
    """The form of an address: words stay, numbers and slugs become N, X and S; "" for a site's front page."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = ".".join((parts.hostname or "").split(".")[-2:])
    segments = [_segment(s) for s in parts.path.split("/") if s]
    query = sorted(f"{k}={'N' if _is_id(k, v) else '*'}" for k, v in parse_qsl(parts.query)[:20])
    ids = [q for q in query if q.endswith("=N")]
    if not segments and not ids:
        return ""
    tail = "?" + "&".join(ids) if ids and not any(s[0] in "NXS" for s in segments) else ""
    return f"{host}/{'/'.join(segments)}{tail}"


def _is_id(key: str, value: str) -> bool:
    return bool(_QUERY_ID.fullmatch(value)) or (value.isdigit() and key.lower() in _ID_PARAMETERS)


def _segment(segment: str) -> str:
    stem, dot, ending = segment.rpartition(".")
    if not dot or len(ending) > 5 or not ending.isalnum() or ending.isdigit():
        stem, ending = segment, ""
    kind = (
        "N"
        if stem.isdigit()
        else "S"
        if ("-" in stem or "_" in stem or len(stem) > 20 or "%" in stem)
        else "X"
        if any(c.isdigit() for c in stem)
        else ""
    )
    return (kind or f"w:{stem.lower()}") + (f".{ending}" if ending else "")


def generic(shape: str) -> str:
    return re.sub(r"w:[^/?.]+", "w", shape)


def _weigh(group: Group) -> None:
    urls = {_listing_key(url) for _, _, url in group.links}
    group.distinct = len(urls)
    if group.distinct >= 3:
        _measure(group, urls)


def _measure(group: Group, urls: set[str]) -> None:
    counts: dict[Any, set[str]] = {}
    for _, anchor, url in group.links[:_BLOCKS_KEPT]:
        node = anchor
        for _ in range(_BLOCK_LEVELS + 1):
            if node is None:
                break
            counts.setdefault(node, set()).add(_listing_key(url))
            node = node.getparent()
    group.blocks = [_block(anchor, counts) for _, anchor, _ in group.links[:_BLOCKS_KEPT]]
    step = max(1, len(group.links) // _SAMPLE)
    sample = group.links[::step][:_SAMPLE]
    priced = pictured = wordy = 0
    for _, anchor, _url in sample:
        block = _block(anchor, counts)
        text = _short_text(block)
        priced += bool(_PRICE.search(text))
        pictured += next(block.iter("img", "picture"), None) is not None
        wordy += len(_short_text(anchor)) >= 12 or len(text) >= 40
    size = len(sample)
    group.priced, group.pictured = priced / size, pictured / size
    group.identified = sum(
        1 for url in urls if re.search(r"\d{4,}|[-_/][^/]{15,}", urlsplit(url).path + "?" + urlsplit(url).query)
    ) / len(urls)
    quality = 0.1 + 1.2 * group.priced + 0.5 * group.pictured + 0.5 * group.identified + 0.4 * wordy / size
    if not group.priced and not group.pictured:
        quality *= 0.5
    texts = {_short_text(anchor) for _, anchor, _ in sample} - {""}
    if len(texts) == 1 and size >= 3:  # "Watch", "Details": the same words on every link
        quality *= 0.3 if not group.priced else 0.7
    group.score = min(group.distinct, 60) * quality


def _looks_like_result(group: Group) -> bool:
    _measure(group, {_listing_key(url) for _, _, url in group.links})
    return group.priced == 1.0 and (group.pictured == 1.0 or group.identified == 1.0)


def _listing_key(url: str) -> str:
    """What tells listings apart in an address: its path, or all of it where only the query string has an id."""
    return url if "?" in shape_of(url) else url.split("?", 1)[0]


def _block(anchor: Any, counts: dict[Any, set[str]]) -> Any:
    """The largest element around a link that holds no other link of its group."""
    block = anchor
    for _ in range(_BLOCK_LEVELS):
        parent = block.getparent()
        if parent is None or parent.tag in ("body", "html") or len(counts.get(parent, ())) != 1:
            break
        block = parent
    return block


def _short_text(element: Any) -> str:
    parts: list[str] = []
    length = 0
    for piece in element.itertext():
        piece = piece.strip()
        if piece:
            parts.append(piece)
            length += len(piece)
            if length > 600:
                break
    return " ".join(parts)


def _distinct(urls: list[str]) -> list[str]:
    """Each listing once: by path where paths tell listings apart, else by the whole address."""
    whole = list(dict.fromkeys(urls))
    paths: dict[str, str] = {}
    for url in whole:
        paths.setdefault(url.split("?", 1)[0], url)
    return list(paths.values()) if len(paths) * 2 >= len(whole) or len(paths) >= 10 else whole


_NEXT_WORDS = re.compile(
    r"\A\W*(?:next(?: page| \d+ \w+)?|suivante?s?|page suivante|weiter|nächste(?: seite)?|siguiente"
    r"|avanti|successiv[ao]|próxim[ao]|seguinte|volgende|nästa"
    r"|dalej|następna|další|далее|следующая|вперед|التالي|الصفحة التالية|次へ|次のページ|下一页|下一頁|다음|sonraki"
    r"|keyingi|>>?|»|›|→)\W*\Z",
    re.I,
)


_PAGE_NUMBER = re.compile(
    r"(?:[?&](?:p|pg|pn|page|pagina|seite|paged|_pgn|pagenumber|page_no|o)=|/page[/-]?|/p(?=\d)|[/-]seite[:-]?"
    r"|-page-)(\d{1,4})(?!\d)",
    re.I,
)
"""A page's number in an address."""
_NEXT_CLASS = re.compile(r"pag\w{0,30}[-_]{1,5}next|next[-_]+pag|pager?[-_]next", re.I)


def next_page(document: Document, rules: PageRules) -> str | None:
    """The address of the next search page: by rule, rel=next, or a link that says so or that is the next number."""
    if rules.next:
        for element in select(rules.next, document):
            href = element if isinstance(element, str) else element.get("href")
            url = document.absolute(str(href)) if href else None
            if url:
                return url
        return None
    for element in document.root.iter("link", "a"):
        if "next" in (element.get("rel") or "").lower().split() and element.get("href"):
            return document.absolute(element.get("href"))
    own = _PAGE_NUMBER.search(document.url)
    behind = str(int(own[1]) + 1 if own else 2)
    numbered = None
    for anchor in document.root.iter("a"):
        href = anchor.get("href")
        if not href or href.startswith("#"):
            continue
        label = anchor.get("aria-label") or ""
        text = " ".join("".join(anchor.itertext()).split())
        if (len(text) < 40 and _NEXT_WORDS.match(text)) or (label and _NEXT_WORDS.match(label)):
            url = document.absolute(href)
            if url and url != document.url:
                return url
        if text == behind and numbered is None and (page := _PAGE_NUMBER.search(href)) and page[1] == behind:
            numbered = href
    if numbered:
        return document.absolute(numbered)
    for anchor in document.root.iter("a"):
        if _NEXT_CLASS.search(anchor.get("class") or "") and re.search(r"\d|page|offset", anchor.get("href") or ""):
            return document.absolute(anchor.get("href"))
    return None


def shows_price(text: str) -> bool:
    """Whether a text holds an amount with a currency."""
    return _PRICE.search(text) is not None
