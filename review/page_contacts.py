"""Whether a captured page tells how to reach somebody: then its screenshot shows that too.

Read is the page as the browser had rendered it, what is hidden left out. What stands only in a picture is not known.
"""

from __future__ import annotations

from lxml import etree
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.blackening import tells_contact
from crawler.extraction.document import visible_pieces
from evidence.store import EvidenceStore
from review.pictures import read_capture
from storage.tables import Capture

MOST_BYTES = 3_000_000
"""Of a page that is read while somebody waits; a larger one counts as telling."""
MOST_PAGES = 20
"""Of one listing, the newest."""
_MOST_KNOWN = 20_000
_UNSEEN = frozenset({"script", "style", "noscript", "template", "head", "svg"})
_known: dict[str, bool] = {}
"""Digest of a page -> whether it tells: a page is read once."""


def pages_tell_contact(session: Session, store: EvidenceStore, listing_id: int) -> bool:
    """Whether a page of this listing tells an e-mail address or a telephone number, as far as its captures are here."""
    of_it = select(Capture).where(Capture.listing_id == listing_id, Capture.kind == "dom")
    pages = session.scalars(of_it.order_by(Capture.id.desc()).limit(MOST_PAGES)).all()
    return any(_tells(session, store, page) for page in pages)


def _tells(session: Session, store: EvidenceStore, page: Capture) -> bool:
    if page.sha256 not in _known:
        if page.payload_bytes > MOST_BYTES:
            return True
        body = read_capture(session, store, page)
        if body is None:
            return False
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[page.sha256] = html_tells_contact(body)
    return _known[page.sha256]


def html_tells_contact(body: bytes) -> bool:
    """Whether the visible text of a page, in UTF-8 as the browser gives it, tells a contact."""
    try:
        root = etree.fromstring(body, etree.HTMLParser(encoding="utf-8"))
    except etree.XMLSyntaxError:  # nothing that a browser would show
        return False
    return root is not None and tells_contact("".join(visible_pieces(root, _UNSEEN)))
