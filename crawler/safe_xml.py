"""XML that strangers wrote (sitemaps, feeds), read without DTDs, entities and network, and bounded in size. # SEC-24

Elements are looked up by local name, since feeds mix namespaces and get them wrong.
"""

from __future__ import annotations

import re
import zlib

from lxml import etree

MOST_BYTES = 52_428_800
"""What the sitemap protocol allows a file to hold uncompressed."""

_GZIP = b"\x1f\x8b"
_BEFORE_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.I)
"""Looked for before the root element alone: XML knows none behind, and an entry may quote one of HTML in its CDATA."""
_DECLARES = "it declares a document type or entities, which are not read"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")


class UnsafeXml(ValueError):
    """The document is no XML that is read here; the text says why in a clause without a full stop."""


def read_xml(body: bytes) -> etree._Element:
    """The root of an XML document, a gzipped one too. Raises UnsafeXml."""
    if body.startswith(_GZIP):
        body = _unzipped(body)
    if len(body) > MOST_BYTES:
        raise UnsafeXml(f"it is longer than {MOST_BYTES} bytes")
    if body.startswith(_UTF_16):  # the look for a DTD below reads single bytes
        try:
            text = body.decode(
                "utf-16" if body[:2] in _UTF_16[:2] else "utf-16-le" if body[:1] == b"<" else "utf-16-be"
            )
        except UnicodeDecodeError as error:
            raise UnsafeXml(f"it is no XML ({error})") from error
        body = re.sub(r"^\s*<\?xml[^>]*\?>", "", text).encode()
    prolog = _BEFORE_ROOT.match(body)
    assert prolog is not None, "it matches the empty string too"
    if _DECLARATION.match(body, prolog.end()):
        raise UnsafeXml(_DECLARES)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body.lstrip(), parser)
    except etree.XMLSyntaxError as error:
        raise UnsafeXml(f"it is no XML ({str(error)[:150]})") from error
    if root is None:
        raise UnsafeXml("it is empty")
    if root.getroottree().docinfo.internalDTD is not None:  # written so that the look before did not see it
        raise UnsafeXml(_DECLARES)
    return root


def local_name(element: etree._Element) -> str:
    """The name without its namespace; empty for what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def children(element: etree._Element, *names: str) -> list[etree._Element]:
    return [child for child in element if local_name(child) in names]


def child_text(element: etree._Element, *names: str) -> str | None:
    """The text of the first child of one of these names that has any, in the order of the names."""
    for name in names:
        for child in children(element, name):
            text = "".join(child.itertext()).strip()
            if text:
                return text
    return None


def _unzipped(body: bytes) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    try:
        data = reader.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise UnsafeXml(f"it is broken gzip ({error})") from error
    if len(data) > MOST_BYTES:
        raise UnsafeXml(f"it unpacks to more than {MOST_BYTES} bytes")
    if not reader.eof:
        raise UnsafeXml("its gzip is cut off")
    return data
