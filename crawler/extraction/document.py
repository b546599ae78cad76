"""One parsed HTML page, shared by all sources: the tree is built once and every bound on it is set here."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree

from crawler.extraction.text import clean

MAX_HTML_CHARACTERS = 6_000_000
"""Of one page; what lies beyond is not read, and the page's problems say so."""
MAX_URL = 4_000
INDEXED_TAGS = ("base", "link", "meta", "title", "script", "h1", "h2", "h3", "h4")
"""What every reading of a page asks for, and so is looked up in one walk through the tree."""
MAX_TEXTS = 40_000
"""Pieces of text that are searched for labels and words."""
MAX_TEXT_PIECE = 400
MAX_CLASSES = 40_000
"""Elements with a class that are indexed; on a page with more, selectors are searched for one by one."""

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_PLAIN_ADDRESS = re.compile(
    r"https?://[a-zA-Z0-9.-]+(?::[0-9]{1,5})?(?:/[\w./~!$&'()*+,=:@%-]*(?:\?[\w./~!$&'()*+,=:@%?-]+)?)?", re.A
)
"""An address in which there is nothing to resolve and nothing to escape, as most are."""
_UNSAFE_URL = re.compile(r"[\x00-\x20\x7f]+")
_NO_ADDRESS = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Characters that no address has: nothing can ask for it, and a lone surrogate or U+0000 cannot even be stored."""
_SKIPPED = frozenset(
    {"script", "style", "noscript", "template", "svg", "select", "option", "textarea", "iframe", "head", "button"}
)
_STRUCK = frozenset({"s", "del", "strike"})
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_HIDDEN_CLASS = re.compile(
    r"(?:^|[\s_-])(?:sr-only|visually-?hidden|screen-?reader(?:-text)?|clipped|hdn|offscreen|a11y-hidden)(?:$|[\s_-])",
    re.I,
)


class Document:
    """The tree of a page with its address; also built from a tree that the caller has parsed already."""

    def __init__(self, root: Any, url: str, source: bytes | None = None) -> None:
        self.root = root
        self.url = url
        self._looked_up = 0
        self._source = source.lower() if source is not None else None
        self._is_short = source is not None and len(source) < _SHORT

    def may_hold(self, *marks: bytes) -> bool:
        """Whether one of the lower-case `marks` stands anywhere in the page's source: a search of bytes that spares
        most pages a walk through the tree. True where the source is not known."""
        return self._source is None or any(mark in self._source for mark in marks)

    @classmethod
    def parse(cls, text: str, url: str, source: bytes | None = None) -> tuple[Document | None, str | None]:
        """The document, or None where there is no element in the text; and a problem where it had to be cut.

        `source` is the text in UTF-8, where the caller has it.
        """
        problem, whole = None, text
        if len(text) > MAX_HTML_CHARACTERS:
            problem = f"The page is longer than {MAX_HTML_CHARACTERS} characters: the rest was not read."
            text = text[:MAX_HTML_CHARACTERS]
        if "\x00" in text:
            text = text.replace("\x00", "")
        text, cut = _with_sane_tags(text)
        problem = problem or cut
        if not text or text.isspace():
            return None, "The page is empty."
        try:
            if source is None or text is not whole:
                source = text.encode("utf-8", "replace")
            root = etree.fromstring(source, _PARSER)
        except (etree.LxmlError, ValueError, AssertionError) as error:
            return None, f"The page could not be read as HTML: {error}."
        if root is None:
            return None, "The page holds no HTML."
        return cls(root, url, source), problem

    def of_tag(self, tag: str) -> list[Any]:
        """All elements of one of INDEXED_TAGS, in page order."""
        return self._by_tag[tag]

    @cached_property
    def _by_tag(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {tag: [] for tag in INDEXED_TAGS}
        for element in self.root.iter(*INDEXED_TAGS):
            found[element.tag].append(element)
        return found

    @property
    def has_all_classes(self) -> bool:
        """Whether `of_class` knows every element that has a class."""
        return len(self._classes) <= MAX_CLASSES

    def of_class(self, name: str) -> list[Any]:
        """The elements of a class, in page order."""
        places = [
            place
            for value, own in self._by_class.items()
            if name in value and name in _GAP.split(value)
            for place in own
        ]
        return [self._classes[place].getparent() for place in sorted(places)]

    @cached_property
    def _classes(self) -> list[Any]:
        found: list[Any] = (_CLASSES_OF_SHORT if self._is_short else _CLASSES)(self.root)
        return found

    @cached_property
    def _by_class(self) -> dict[str, list[int]]:
        """Places in `_classes` by the whole value: a page has hundreds of class attributes, and few that differ."""
        found: dict[str, list[int]] = defaultdict(list)
        for place, value in enumerate(self._classes):
            found[value].append(place)
        return found

    @cached_property
    def base_url(self) -> str:
        for element in self.of_tag("base"):
            href = element.get("href")
            if href:
                return self._joined(self.url, href) or self.url
        return self.url or self._named_address or ""

    @cached_property
    def _named_address(self) -> str | None:
        """A page saved without its address may still name it."""
        for link in self.of_tag("link"):
            if (link.get("rel") or "").lower() == "canonical" and (link.get("href") or "").startswith("http"):
                return str(link.get("href"))
        address = self.meta.get("og:url", "")
        return address if address.startswith("http") else None

    def absolute(self, href: object) -> str | None:
        """The absolute http(s) address of a link, or None. Without any base address a relative one stays relative."""
        if not isinstance(href, str):
            return None
        if _PLAIN_ADDRESS.fullmatch(href) and len(href) <= MAX_URL:
            return href
        href = _UNSAFE_URL.sub("", href.strip()) if "\n" in href or "\t" in href else href.strip().replace(" ", "%20")
        if not href or len(href) > MAX_URL or href.startswith("#") or _NO_ADDRESS.search(href):
            return None
        if _SCHEME.match(href) and not href[:6].lower().startswith(("http:", "https:")):
            return None
        joined = self._joined(self.base_url, href)
        return joined if joined and (joined.startswith(("http://", "https://")) or not self.base_url) else None

    @staticmethod
    def _joined(base: str, href: str) -> str | None:
        try:
            joined = urljoin(base, href)
            urlsplit(joined)
        except ValueError:
            return None
        return joined

    @cached_property
    def host(self) -> str:
        try:
            return urlsplit(self.base_url).hostname or ""
        except ValueError:
            return ""

    @cached_property
    def meta(self) -> dict[str, str]:
        """Meta tags by lower-case property or name; the first of a name counts."""
        found: dict[str, str] = {}
        for element in self.of_tag("meta"):
            name = element.get("property") or element.get("name")
            content = element.get("content")
            if name and content and content.strip():
                found.setdefault(name.strip().lower(), content)
        return found

    @cached_property
    def meta_images(self) -> list[str]:
        names = ("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")
        return [
            element.get("content")
            for element in self.of_tag("meta")
            if (element.get("property") or element.get("name") or "").strip().lower() in names
            and element.get("content")
        ]

    @cached_property
    def language(self) -> str | None:
        """ISO 639-1 code that the page declares."""
        declared = self.root.get("lang") or self.root.get("{http://www.w3.org/XML/1998/namespace}lang")
        declared = declared or self.meta.get("content-language") or self.meta.get("og:locale") or ""
        match = re.match(r"\s*([A-Za-z]{2})(?:$|[-_\s,])", declared)
        return match.group(1).lower() if match else None

    @cached_property
    def country(self) -> str | None:
        """The country in the page's region tags (geo.region, og:locale, lang) or in the ending of its host."""
        ending = self.host.rsplit(".", 1)[-1].upper()
        by_host = None if ending in _GENERIC_ENDINGS or len(ending) != 2 else "GB" if ending == "UK" else ending
        by_host = by_host or self._edition
        geo = re.match(r"([A-Za-z]{2})\b", self.meta.get("geo.region", ""))
        if geo:
            return geo.group(1).upper()
        if by_host:
            return by_host
        for declared in (self.root.get("lang") or "", self.meta.get("og:locale", "")):
            match = re.match(r"[A-Za-z]{2}[-_]([A-Za-z]{2})\b", declared)
            if match and not declared.lower().replace("_", "-").startswith("en-us"):
                return match.group(1).upper()
        return _COUNTRY_OF_LANGUAGE.get(self.language or "")

    @property
    def _edition(self) -> str | None:
        """The country of an international site's edition: by its first name ("jo.") or its first folder ("/sa-ar/")."""
        first = _EDITION_HOST.match(self.host)
        if first:
            return first[1].upper()
        path = _EDITION_PATH.match(self.base_url)
        codes = (path["a"] or path["c"], path["b"] or path["d"]) if path else ()
        return next((code.upper() for code in codes if code in _EDITIONS), None)

    @cached_property
    def title_tag(self) -> str | None:
        for element in self.of_tag("title"):
            parent = element.getparent()
            if parent is None or parent.tag != "svg":
                return clean("".join(element.itertext()))
        return None

    @cached_property
    def texts(self) -> list[tuple[str, int]]:
        """Short pieces of text in page order, each with its number, by which `place_of` tells where it stands."""
        nodes = enumerate(self.bare_texts)
        return [(t, n) for n, node in nodes if len(node) < MAX_TEXT_PIECE and (t := node.strip())][:MAX_TEXTS]

    @cached_property
    def bare_texts(self) -> list[str]:
        """All pieces of text as they stand in the page, blank and long ones too: their places are their numbers."""
        found: list[str] = (_TEXTS_OF_SHORT if self._is_short else _TEXTS)(self.root)
        return found

    def place_of(self, number: int) -> tuple[Any, bool]:
        """The element of a text of `texts`, and whether the text follows it (its tail) or stands in it.

        The element is None for a text that no reader sees: of a script, a style, a menu of options.
        """
        self._looked_up += 1
        if self._looked_up <= _FEW_LOOKUPS:
            (node,) = _text_node(number)(self.root)
        else:
            node = self._text_nodes[number]
        element = node.getparent()
        if node.is_tail:
            return element, True
        return (None if element.tag in _TEXTLESS else element), False

    @cached_property
    def _text_nodes(self) -> list[Any]:
        """Texts that know their places cost twice as much as bare ones, and most pages ask for the place of a few."""
        found: list[Any] = _TEXT_NODES(self.root)
        return found

    @cached_property
    def canonical(self) -> str | None:
        for link in self.of_tag("link"):
            if "canonical" in (link.get("rel") or "").lower().split():
                return self.absolute(link.get("href"))
        return None


_PARSER = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
_LONG_TAG = re.compile(r"<[a-zA-Z][^<>]{6000,}")
_UNSUSPICIOUS = 100_000
"""Characters of a page that is too small to hold enough attributes to matter."""
_LONG_TAG_KEPT = 6_000
_MOST_ATTRIBUTES = 1_500


def _with_sane_tags(text: str) -> tuple[str, str | None]:
    """Cut tags with thousands of attributes, on which the parser takes quadratic time; one long attribute may stay."""
    if len(text) < _UNSUSPICIOUS:
        return text, None
    cut = 0

    def shorten(match: re.Match[str]) -> str:
        nonlocal cut
        tag = match.group()
        if tag.count("=") + tag.count(" ") + tag.count("\n") <= _MOST_ATTRIBUTES * 2:
            return tag
        cut += 1
        return tag[:_LONG_TAG_KEPT]

    text = _LONG_TAG.sub(shorten, text)
    return text, f"{cut} tags had thousands of attributes and were cut." if cut else None


# Both are cut before anything of them reaches Python, where each node costs a hundred times its place in the tree.
_CLASSES = etree.XPath(f"(descendant-or-self::*/@class)[position() <= {MAX_CLASSES + 1}]")
_FIRST_TEXTS = f"(descendant::text())[position() <= {2 * MAX_TEXTS}]"  # blank ones among them
_TEXTS = etree.XPath(_FIRST_TEXTS, smart_strings=False)
_TEXT_NODES = etree.XPath(_FIRST_TEXTS)
_SHORT = 4 * MAX_CLASSES
"""Bytes: a shorter page has fewer classes and texts than are kept (a letter and a tag make four). Not to count them
saves a third of the search."""
_CLASSES_OF_SHORT = etree.XPath("descendant-or-self::*/@class")
_TEXTS_OF_SHORT = etree.XPath("descendant::text()", smart_strings=False)
_FEW_LOOKUPS = 3
_GAP = re.compile(r"[ \t\r\n]+")
_TEXTLESS = frozenset({"script", "style", "noscript", "option", "head", "title", "template"})
_EDITIONS = {
    "ae", "bh", "dz", "eg", "iq", "jo", "kw", "lb", "ly", "ma", "om", "qa", "sa", "sd", "sy", "tn", "ye", "il", "pk",
    "gb", "us", "ca", "au", "nz", "sg", "za", "ng", "ke",
}  # fmt: skip
"""Countries with editions of their own whose codes are no codes of languages that sites write."""
_COUNTRY_OF_LANGUAGE = {"sv": "SE", "da": "DK", "nb": "NO", "nn": "NO", "no": "NO", "is": "IS"}
"""Languages of one country whose money they all call "kr"."""
_EDITION_HOST = re.compile(rf"({'|'.join(sorted(_EDITIONS - {'ma', 'om', 'ca', 'ae'}))})\.[^.]+\.[^.]+\Z")
_EDITION_PATH = re.compile(
    r"https?://[^/]+/(?:(?P<a>[a-z]{2})[-_](?P<b>[a-z]{2})|(?P<c>[a-z]{2})/(?P<d>ar|en|fr))(?:/|\Z)", re.I
)
_GENERIC_ENDINGS = frozenset({"IO", "CO", "TV", "ME", "AI", "TO", "LY", "FM", "CC", "WS", "GG", "EU", "SH", "GL", "IM"})


@lru_cache(maxsize=1024)
def _text_node(number: int) -> Any:
    """The search for a single text: it ends where the text is found."""
    return etree.XPath(f"descendant::text()[{number + 1}]")


_MARK_ATTRIBUTES = frozenset(
    [
        "class",
        "id",
        "data-testid",
        "data-test-id",
        "data-test",
        "data-q",
        "data-qa",
        "data-qa-id",
        "data-aut-id",
        "data-auto",
        "data-automation-id",
        "data-automation",
        "data-hook",
        "data-role",
        "data-cy",
        "data-e2e",
        "data-element",
        "data-component",
        "data-name",
        "data-field",
        "data-marker",
        "data-at",
        "data-locator",
        "data-tid",
        "data-ui",
        "data-type",
        "data-block",
    ]
)
"""Attributes in which pages name what an element is; the names for tests stay readable where classes are generated."""

_MOST_MARKS = 1_000
"""Characters; what is longer is no name and costs time to search."""


def marks_of(element: Any) -> str:
    """What an element calls itself: class, id and the names that tests know it by."""
    return " ".join(
        [v for name, v in element.items() if name in _MARK_ATTRIBUTES and (name in ("class", "id") or " " not in v)]
    )[:_MOST_MARKS]


def is_hidden(element: Any) -> bool:
    """Whether the element's own attributes hide it from the eye."""
    if element.get("hidden") is not None or _HIDDEN_STYLE.search(element.get("style") or ""):
        return True
    classes = element.get("class")
    return classes is not None and _says_hidden(classes)


@lru_cache(maxsize=8192)
def _says_hidden(classes: str) -> bool:
    return _HIDDEN_CLASS.search(classes) is not None


def visible_text(element: Any, *, limit: int = 20_000, struck: bool = True) -> str:
    """The text of an element as the eye reads it: no scripts, no hidden parts, block ends as spaces.

    Without `struck`, crossed-out text (an old price) is left out.
    """
    if len(element) == 0:
        return clean(element.text) or ""
    parts: list[str] = []
    length = 0
    for piece in visible_pieces(element, _SKIPPED if struck else _SKIPPED | _STRUCK):
        parts.append(piece)
        length += len(piece)
        if length > limit:
            break
    return clean("".join(parts)) or ""


_BLOCKS = frozenset(
    {
        "p",
        "div",
        "li",
        "tr",
        "td",
        "th",
        "br",
        "dt",
        "dd",
        "h1",
        "h2",
        "h3",
        "h4",
        "section",
        "article",
        "ul",
        "ol",
        "table",
    }
)


def visible_pieces(element: Any, skipped: frozenset[str] = _SKIPPED | _STRUCK) -> Iterator[str]:
    """The pieces that `visible_text` is made of, crossed-out ones left out unless asked for."""
    skip: Any = None
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if not isinstance(node.tag, str):
            continue
        if event == "start":
            if skip is None and node is not element and (node.tag in skipped or is_hidden(node)):
                skip = node
            if skip is None:
                if node.tag in _BLOCKS:
                    yield " "
                if node.text:
                    yield node.text
        else:
            if skip is node:
                skip = None
            if skip is None and node is not element:
                if node.tag in _BLOCKS:
                    yield " "
                if node.tail:
                    yield node.tail
