"""Careful readings of the visible page for what no structured source gave: heading, buttons, lot number, text.

Each reading needs a sign of its own (a place near the heading, a button, a class name); without one the field stays
empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from crawler.extraction.document import Document, marks_of, visible_text
from crawler.extraction.findings import Findings
from crawler.extraction.openings import openings
from crawler.extraction.scope import Scope
from crawler.extraction.text import clean, folded
from crawler.extraction.titles import place_in
from crawler.extraction.visible_words import DESCRIPTION_HEADING, GONE, IN_STOCK, LABEL, STILL_OFFERED, STOCK_WORDS

_LOT_INLINE = re.compile(
    r"(?<!\w)(?:lot|los|lote|lotto|kavel|лот|לוט|القطعة رقم|القطعة)\s*(?:n°|no\.?|nr\.?|number|#"
    r"|№)?\s*[:#]?\s*([0-9٠-٩]{1,6}[A-Za-z]?)(?!\w)",
    re.I,
)
_TAKES_ORDERS = re.compile(
    r"add[-_]?(?:item[-_]?)?to[-_]?(?:cart|basket|bag|trolley)|button[-_]?cart|buy[-_]?(?:now|btn|button|box)"
    r"|(?:btn|button)[-_]?(?:buy|cart|order)|cart[-_]?(?:btn|button|add)|place[-_]?bid|cart/add|basket/add|add[-_]cart"
    r"|(?:ajout|add)\w{0,20}[-_]?panier|in[-_]?(?:den[-_]?)?warenkorb|add[-_]?carrito|do[-_]?(?:koszyka|kosika|kosiku)"
    r"|sepete[-_]?ekle|addcart|purchase[-_]?(?:btn|button)|\bbuybtn\b|\bcomprar\b",
    re.I,
)
_DESCRIPTION_CLASS = re.compile(
    r"(?:^|[\s_-])desc(?:$|[\s_-])|descri|beschreib|postingbody|userbody|postbody|post_message|bbwrapper|opis"
    r"|lot-?details|item-?details|body-?text|الوصف|وصف",
    re.I,
)
_BADGE = re.compile(r"(?:^|[\s_-])(?:label|badge|prefix|tag)(?:$|[\s_-])", re.I)
_OPENINGS = openings(GONE, STILL_OFFERED, IN_STOCK)
_COLON = re.compile("[:：]")
_LEAST_DESCRIPTION = 20
"""Signs."""
_LEAST_HEADED = 20
_LEAST_RUNNING = 40
_LEVELS_OF_TEXT = 8
_MOST_BLOCKS = 400
_MOST_HEADED = 20_000
_LONGEST_HEADING = 40
_HEADINGS = ("h1", "h2", "h3", "h4")


def fill_title(scope: Scope, findings: Findings) -> None:
    main = scope.heading
    if main is not None:
        text = _without_label(main, visible_text(main, limit=1_000))
        findings.add_title(text, f"visible:{main.tag}")
        findings.add("location", place_in(text), f"visible:{main.tag}")
    findings.add_title(scope.document.title_tag, "visible:title")


def _without_label(heading: Any, text: str) -> str:
    """A heading's text without the badge before it ("For Sale", "New"), which is an element that calls itself one."""
    for element in heading:
        label = (
            visible_text(element, limit=80) if isinstance(element.tag, str) and _BADGE.search(marks_of(element)) else ""
        )
        if label and text.startswith(label) and len(text) >= len(label) + 5:
            return text[len(label) :].strip(" :-–—|")
        if visible_text(element, limit=80):
            break
    return text


def fill_availability(scope: Scope, findings: Findings) -> None:
    """Words that say it is over, or a button that still takes orders, bids or questions."""
    if not findings.lacks("availability"):
        return
    offered = False
    for text, number in scope.texts_opening(_OPENINGS):
        if len(text) > 60:
            continue
        gone = GONE.match(text)
        if not gone and (offered or not (STILL_OFFERED.match(text) or IN_STOCK.match(text))):
            continue
        element, _ = scope.document.place_of(number)
        if element is None or scope.foreign(element):
            continue
        if gone:
            state = "OutOfStock" if STOCK_WORDS.search(_COLON.split(text)[-1]) else "SoldOut"
            findings.add("availability", state, "visible:words")
            return
        if not offered:
            findings.add("availability", "InStock", "visible:button")
            return
    for control in scope.document.root.iter("input", "button", "a"):
        label = control.get("value") or control.get("title") or control.get("aria-label") or control.get("alt") or ""
        if label and STILL_OFFERED.match(label) and not scope.foreign(control):
            findings.add("availability", "InStock", "visible:button")
            return
    _cart_form(scope, findings)


def _cart_form(scope: Scope, findings: Findings) -> None:
    """A control that by its id, name or class puts the thing into a cart, whatever its words."""
    for control in scope.document.root.iter("button", "input", "a", "form"):
        marks = f"{marks_of(control)} {control.get('name') or ''} {(control.get('onclick') or '')[:80]}"
        if control.tag == "form":
            marks += f" {(control.get('action') or '')[:200]}"
        if _TAKES_ORDERS.search(marks) and control.get("disabled") is None and not scope.foreign(control):
            findings.add("availability", "InStock", "visible:button")
            return


def says_lot(document: Document, heading: Any) -> bool:
    """Whether the page's title or its heading names one lot by its number."""
    heads = [document.title_tag or "", document.meta.get("og:title", "")]
    heads += [visible_text(heading, limit=300)] if heading is not None else []
    return any(_LOT_INLINE.search(text) for text in heads)


def fill_lot_number(scope: Scope, findings: Findings) -> None:
    """A lot number in the heading, just before it, or in the title tag."""
    if not findings.lacks("lot_number"):
        return
    texts = []
    if scope.heading is not None:
        texts.append(visible_text(scope.heading, limit=300))
        previous = scope.heading.getprevious()
        texts += [visible_text(previous, limit=200)] if previous is not None else []
    for text in (*texts, scope.document.title_tag or "", scope.document.meta.get("og:title", "")):
        match = _LOT_INLINE.search(text)
        if match:
            findings.add_text("lot_number", match.group(1), "visible:heading")
            return


def fill_description(scope: Scope, findings: Findings) -> None:
    """The block whose name or heading says description: without any other text, or where meta tags had but a digest.

    On a page whose values all come from what the eye sees, the paragraphs that follow the heading otherwise.
    """
    digest = findings.values.get("description", "")
    if digest and not findings.sources["description"].startswith("opengraph"):
        return
    headed = _headed_text(scope)
    if len(headed) > max(len(digest), _LEAST_DESCRIPTION):
        findings.values.pop("description", None)
        findings.add_text("description", headed, "visible:description heading")
        return
    for element in scope.document.root.iter("div", "section", "p", "article", "td", "pre"):
        marks = f"{element.get('class') or ''} {element.get('id') or ''}"
        if (
            (len(marks) > 4 and _DESCRIPTION_CLASS.search(marks))
            or element.get("itemprop") == "description"
            or _data_says_description(element)
        ) and not scope.foreign(element):
            text = visible_text(element)
            if len(text) >= _LEAST_DESCRIPTION and (not digest or _is_digest(digest, text)):
                findings.values.pop("description", None)
                findings.add_text("description", text, "visible:description block")
                return
    if not digest and findings.sources.get("price", "visible").startswith("visible"):
        text = "\n".join(_paragraphs_beside(scope.heading, scope)) or _longest_near(scope)
        if len(text) >= _LEAST_DESCRIPTION:
            findings.add_text("description", text, "visible:paragraphs beside heading")


def _longest_near(scope: Scope) -> str:
    """On a page without classes, the longest running text of the smallest part around the heading that holds any."""
    node = scope.heading
    for _ in range(_LEVELS_OF_TEXT):
        node = node.getparent() if node is not None else None
        if node is None or node.tag in ("body", "html"):
            return ""
        found = ""
        for element in islice(node.iter("p", "td", "div", "font", "dd", "li"), _MOST_BLOCKS):
            own = sum(len(piece or "") for piece in (element.text, *(child.tail for child in element)))
            if own >= _LEAST_RUNNING and own > len(found) and not scope.foreign(element):
                text = visible_text(element)
                if not LABEL.match(text) and element is not scope.heading:
                    found = text
        if found:
            return found
    return ""


def _data_says_description(element: Any) -> bool:
    """Whether a data attribute calls the element the description (`data-testid="ad-description"`)."""
    return any(
        key.startswith("data-")
        and ((len(value) < 40 and _DESCRIPTION_CLASS.search(value)) or "description-text" in key)
        for key, value in element.attrib.items()
    )


def _headed_text(scope: Scope) -> str:
    """The text under the first heading, tab or button that calls it the description, up to the next heading."""
    for text, number in scope.document.texts:
        if len(text) > _LONGEST_HEADING or not DESCRIPTION_HEADING.match(text):
            continue
        element, is_tail = scope.document.place_of(number)
        if element is None or is_tail or element.tag in ("option", "label"):
            continue
        panel = _panel_of(element, scope.document)
        if scope.foreign(element if panel is None else panel) or (panel is None and _in_link(element)):
            continue
        found = visible_text(panel, limit=_MOST_HEADED) if panel is not None else _text_behind(element)
        if len(found) >= _LEAST_HEADED:
            return found
    return ""


def _in_link(element: Any) -> bool:
    return element.tag == "a" or any(one.tag == "a" for one in islice(element.iterancestors(), 3))


def _panel_of(element: Any, document: Document) -> Any:
    """What a tab opens: the element that its link, or its button's attributes, name."""
    for one in (element, *islice(element.iterancestors(), 3)):
        href = one.get("href") or ""
        target = one.get("aria-controls") or one.get("data-bs-target") or one.get("data-target") or href
        name = target.removeprefix("#") if target is not href or href.startswith("#") else ""
        if name and not re.search(r"[\s'\"]", name):
            found = document.root.xpath("//*[@id=$name]", name=name)
            return found[0] if found else None
    return None


def _text_behind(element: Any) -> str:
    """What follows a heading beside it, or beside what holds nothing else than it."""
    node = element
    for _ in range(4):
        parts: list[str] = [clean(node.tail) or ""] if node.tail else []
        for following in node.itersiblings():
            if following.tag in _HEADINGS or (parts and next(following.iter(*_HEADINGS), None) is not None):
                break
            parts += [visible_text(following, limit=_MOST_HEADED), clean(following.tail) or ""]
            if sum(map(len, parts)) > _MOST_HEADED:
                break
        found = "\n".join(part for part in parts if part)
        if len(found) >= _LEAST_HEADED:
            return found
        parent = node.getparent()
        if parent is None or parent.tag in ("body", "main", "article") or found:
            return ""
        node = parent
    return ""


def _paragraphs_beside(heading: Any, scope: Scope) -> Iterator[str]:
    """The paragraphs between the heading and the next one, those left out that name another value ("Price: 5 €")."""
    for element in heading.itersiblings() if heading is not None else ():
        if element.tag in _HEADINGS:
            return
        text = visible_text(element) if element.tag == "p" and not scope.foreign(element) else ""
        if text and not LABEL.match(text):
            yield text


def _is_digest(digest: str, text: str) -> bool:
    """Whether a meta description is the beginning of a longer text on the page, or cut off."""
    return len(text) > len(digest) and (folded(digest)[:40] in folded(text[:4_000]) or digest.endswith(("...", "…")))


def heading_text(document: Document, limit: int = 3) -> str:
    """The texts of the first h1 headings."""
    return " ".join(visible_text(h, limit=300) for _, h in zip(range(limit), document.of_tag("h1"), strict=False))
