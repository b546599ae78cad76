"""Careful readings of the visible page, for what no structured source gave: heading, price near it, labelled rows, photos.

Each reading needs a sign of its own (a label, a place near the heading, a button); without one the field stays empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from crawler.extraction.document import Document, is_hidden, visible_text
from crawler.extraction.findings import Findings
from crawler.extraction.images import element_address, is_photo
from crawler.extraction.prices import parse_price
from crawler.extraction.text import clean, folded
from crawler.extraction.titles import place_in

MAX_TEXTS = 30_000
MAX_LABEL = 60
MAX_VALUE = 300

_LABELS: dict[str, str] = {
    "lot_number": r"lot(?: (?:number|no|nr|#|id))?\.?|numéro (?:de|du) lot|lot n°|n° (?:de |du )?lot|losnummer|los[- ]nr\.?|los|lote|lotto|رقم القطعة|رقم اللوت|القطعة رقم",
    "seller": r"seller|sold by|seller name|seller information|about the seller|vendor|dealer|auction house|auctioneer|offered by|posted by|listed by|vendeur|vendu par|annonceur|maison de vente|proposé par|détails sur le vendeur|verkäufer|verkauft von|anbieter|auktionshaus|venditore|venduto da|vendedor|vendido por|verkoper|sprzedawca|prodejce|продавец|satıcı|البائع|المعلن|اسم البائع|دار المزاد|المتجر|販売者|出品者|卖家|판매자",
    "location": r"(?:item |object |lot )?location|located in|item located in|ships from|lieu(?: où se trouve l.objet)?|localisation|ville|emplacement|où se trouve l.objet|artikelstandort|standort|ort|luogo(?: in cui si trova l.oggetto)?|ubicación(?: del artículo)?|localidad|ubicazione|lokalizacja|местоположение|город|الموقع|المدينة|مكان القطعة|المكان|発送元の地域|地域",
    "ends_at": r"(?:auction |lot |sale |bidding )?(?:ends?|closes?|closing)(?: (?:at|on|time|date|in))?|end (?:time|date)|closing (?:time|date)|auction (?:date|end(?:s|ed)?)|fin(?: de (?:la |l.)?(?:vente|enchère))?|se termine(?: le)?|date de fin|clôture|date de la vente|endet(?: am)?|auktionsende|enddatum|termina(?: el)?|scade|ينتهي(?: في)?|تاريخ الانتهاء|نهاية المزاد|ينتهي المزاد(?: في)?|終了日時",
    "price": r"(?:current |starting |opening |high(?:est)? |winning |sale |asking |our |buy.it.now )?(?:bid|price)|current bid amount|prix(?: actuel| de départ| de vente)?|enchère(?: actuelle| en cours)?|mise à prix|preis|kaufpreis|aktuelles gebot|startpreis|precio(?: actual)?|prezzo|offerta attuale|cena|цена|السعر|سعر|المزايدة الحالية|السعر الحالي|السعر الابتدائي|أعلى مزايدة|価格|現在価格|가격|售价|價格|直購價",
    "estimate": r"estimate[ds]?|est\.?|estimated value|estimation|schätzpreis|schätzung|estimación|stima|التقدير|القيمة التقديرية",
}  # fmt: skip
_LABEL = re.compile(
    r"\A\W*(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern in _LABELS.items()) + r")\s*(?:[:：﹕]|\Z)\s*",
    re.I,
)
_LOT_INLINE = re.compile(
    r"(?<!\w)(?:lot|los|lote|lotto|القطعة رقم|القطعة)\s*(?:n°|no\.?|nr\.?|number|#|№)?\s*[:#]?\s*([0-9٠-٩]{1,6}[A-Za-z]?)(?!\w)",
    re.I,
)
_LOT_VALUE = re.compile(r"\A\W*([0-9٠-٩]{1,9}[A-Za-z]?)\W*\Z")
_SELLER_SEGMENTS = frozenset(
    {"usr", "user", "users", "seller", "sellers", "profile", "profiles", "member", "members", "store", "stores", "shop", "shops", "vendor", "dealer",
     "dealers", "auctioneer", "auctioneers", "auction-house", "auction-houses", "u", "vendeur", "vendeurs", "verkaeufer", "boutique", "merchant"}
)  # fmt: skip
_PRICE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:price|prices|preis|prix|prezzo|precio|cena|prc|amount|bid|kosten|cost|std_price|saleprice|price\w*|\w+price)(?:$|[\s_-])|[a-z]Price|price[A-Z_]|Preis",
    re.M,
)
_OLD_PRICE = re.compile(
    r"old|was|strike|crossed|regular|list-?price|msrp|rrp|before|origin|discount|saving|ship|deliver|tax|vat|per-?unit|unit-?price|install|month|coupon|convert|conv|point|reward|filter|range|min|max",
    re.I,
)
_SIMILAR = re.compile(
    r"similar|related|recommend|carousel|slider|swiper|also|upsell|cross|recent|viewed|bestsell|sponsor|advert|accessor|footer|header|nav|menu|basket|minicart|mini-cart|cart-|rtm|mfe|sidebar|teaser|suggest|other|more-|bundle|compare",
    re.I,
)
_STILL_OFFERED = re.compile(
    r"\A\W*(?:add to (?:cart|basket|bag)|buy (?:it )?now|place (?:a )?bid|bid now|make (?:an )?offer|contact (?:the )?(?:seller|advertiser)|reply|reply to this post|send (?:a )?message"
    r"|ajouter au panier|acheter|achat immédiat|enchérir|contacter(?: le vendeur| l.annonceur)?|faire une offre|in den (?:warenkorb|einkaufswagen)|sofort-kaufen|jetzt kaufen|bieten|nachricht (?:senden|schreiben)|anbieter kontaktieren|kontaktieren"
    r"|añadir (?:al carrito|a la cesta)|comprar(?: ahora| ya)?|agregar al carrito|aggiungi al carrello|compralo subito|acquista|adicionar ao carrinho|dodaj do koszyka|do koszyka|kup teraz|do košíku|přidat do košíku|pridať do košíka|do košíka|dodaj v košarico|v košarico|dodaj u košaricu|adaugă în coș|adauga in cos|kosárba|lisa (?:ostu)?korvi|osta|lägg i varukorgen|köp|kjøp|læg i kurv|in winkelwagen|sepete ekle|hemen al"
    r"|в корзину|купить(?: сейчас| в 1 клик)?|добавить в корзину|написать|أضف إلى (?:السلة|عربة التسوق|سلة التسوق|الحقيبة)|اشتر الآن|اشتري الآن|شراء|زايد الآن|قدم عرض|تواصل مع البائع|اتصل بالبائع|購入手続きへ|カートに入れる|かごに追加|加入購物車|加入购物车|立即購買|直接購買|放入購物車|장바구니|구매하기|바로구매|선물하기)\W*\Z",
    re.I,
)
_GONE = re.compile(
    r"\A\W*(?:sold out|out of stock|sold|item sold|no longer available|this (?:listing|item|lot|auction) (?:has|was) (?:ended|sold)|bidding (?:has )?ended|auction ended|épuisé|rupture de stock|vendu|adjugé|vente terminée|enchère terminée|ausverkauft|verkauft|nicht (?:mehr )?verfügbar|agotado|vendido|esaurito|venduto|vyprodáno|vypredané|wyprzedane|нет в наличии|продано|نفدت الكمية|غير متوفر|تم البيع|مباع|انتهى المزاد|売り切れ(?:ました)?|売切れ|已售完|품절)\W*\Z",
    re.I,
)
_IN_STOCK = re.compile(
    r"\A\W*(?:in stock|available|en stock|disponible|auf lager|lieferbar|sofort lieferbar|disponibile|em stock|skladem|na sklade|na zalogi|na stanju|raktáron|laos|på lager|i lager|op voorraad|stokta|в наличии|есть в наличии|متوفر|متاح|متوفر في المخزون|在庫あり|有現貨|有货)\W*\Z",
    re.I,
)


def heading(document: Document) -> Any:
    """The main heading: the h1 that agrees with the title tag, else the only h1, else an h2 that agrees."""
    heads = folded(f"{document.title_tag or ''} {document.meta.get('og:title', '')}")
    lone: Any = None
    for level in ("h1", "h2", "h3"):
        found = []
        for number, element in enumerate(document.root.iter(level)):
            if number > 60:
                break
            text = folded(visible_text(element, limit=600))
            if not text:
                continue
            found.append(element)
            if heads and len(text) >= 3 and (text in heads or _shares_start(text, heads)):
                return element
        if level == "h1" and len(found) == 1:
            lone = found[0]
    return lone


def _shares_start(text: str, heads: str) -> bool:
    """Whether a heading carries the page's title with something hung on it ("Vase - $40 (Tunis)")."""
    title = re.split(r"\s[|–—-]\s", heads)[0].strip()
    return len(title) >= 5 and (title in text or (len(text) > 12 and text[: max(12, len(text) // 2)] in heads))


def fill_title(document: Document, main: Any, findings: Findings) -> None:
    if main is not None:
        text = visible_text(main, limit=1_000)
        findings.add_title(text, f"visible:{main.tag}")
        findings.add("location", place_in(text) if findings.lacks("location") else None, f"visible:{main.tag}")
    findings.add_title(document.title_tag, "visible:title")


def fill_rows(document: Document, findings: Findings) -> None:
    """Labelled rows: "Seller: x", a label cell and its neighbour, dt and dd."""
    wanted = [
        name
        for name in ("lot_number", "seller", "location", "ends_at", "price", "estimate")
        if findings.lacks(_FIELD.get(name, name))
    ]
    if not wanted:
        return
    for number, (text, element, is_tail) in enumerate(_texts(document.root)):
        if number > MAX_TEXTS:
            findings.problem(
                f"The page has more than {MAX_TEXTS} pieces of text: the rest was not searched for labels."
            )
            return
        if len(text) > MAX_VALUE:
            continue
        match = _LABEL.match(text)
        if match is None or match.lastgroup not in wanted or _unseen(element):
            continue
        inline = text[match.end() :].strip()
        value = inline or _next_value(element, is_tail)
        if value:
            _take(str(match.lastgroup), value, element, document, findings)


_FIELD = {"estimate": "estimate_low"}


def _texts(root: Any) -> Iterator[tuple[str, Any, bool]]:
    for element in root.iter():
        tag = element.tag
        if not isinstance(tag, str) or tag in (
            "script",
            "style",
            "noscript",
            "option",
            "head",
            "title",
            "meta",
            "link",
        ):
            tail = element.tail
            if tail and not tail.isspace():
                yield tail.strip(), element, True
            continue
        text = element.text
        if text and not text.isspace():
            yield text.strip(), element, False
        tail = element.tail
        if tail and not tail.isspace():
            yield tail.strip(), element, True


def _unseen(element: Any) -> bool:
    """Whether the element stands in something hidden, or in a form, a list of other offers or a site's frame."""
    node = element
    for _ in range(25):
        if node is None or node.tag == "body":
            return False
        if is_hidden(node) or node.tag in ("nav", "footer", "select", "template", "noscript"):
            return True
        node = node.getparent()
    return False


def _next_value(element: Any, is_tail: bool) -> str | None:
    """The text after a label: the next element that shows any, up to three levels out."""
    if not is_tail and element.tag not in ("dt", "th", "td") and len(element):
        inner = clean(" ".join(t for child in element for t in (visible_text(child, limit=400), child.tail or "")))
        if inner and len(inner) <= MAX_VALUE:
            return inner
    node = element
    for _ in range(3):
        if node is None or node.tag in ("body", "tr", "table", "ul", "dl", "form"):
            return None
        if node.tail and node.tail.strip() and not is_tail:
            return clean(node.tail)
        following = node.getnext()
        for _ in range(3):
            if following is None:
                break
            text = visible_text(following, limit=600)
            if text:
                return text if len(text) <= MAX_VALUE else None
            if following.tail and following.tail.strip():
                return clean(following.tail)
            following = following.getnext()
        is_tail = False
        node = node.getparent()
    return None


def _take(name: str, value: str, element: Any, document: Document, findings: Findings) -> None:
    source = f"visible:label {name}"
    if name == "lot_number":
        match = _LOT_VALUE.match(value)
        findings.add_text("lot_number", match.group(1) if match else None, source)
    elif name == "seller":
        _take_seller(value, element, document, findings, source)
    elif name == "location":
        if 2 <= len(value) <= 100 and any(c.isalpha() for c in value) and "?" not in value:
            findings.add_text("location", value, source)
    elif name == "ends_at":
        if len(value) <= 60 and any(c.isdigit() for c in value):
            stamp = next((e.get("datetime") for e in _near(element) if e.tag == "time" and e.get("datetime")), None)
            findings.add_moment("ends_at", stamp or value, source)
    elif name == "price":
        money = parse_price(value, hint=findings.rules.currency, country=findings.country) if len(value) <= 60 else None
        if money and money.currency and money.amount > 0:
            findings.add_price(money.amount, money.currency, source)
    elif name == "estimate":
        take_estimate(value, findings, source)


def take_estimate(value: str, findings: Findings, source: str) -> None:
    """A range of money, "£1,000 - 1,500", as the two estimates."""
    parts = re.split(r"\s*(?:[-–—]|\bto\b|\bà\b|\bbis\b|إلى)\s*", value, maxsplit=1)
    if len(parts) != 2 or len(value) > 80:
        return
    low, high = (parse_price(p, hint=findings.rules.currency, country=findings.country) for p in parts)
    if low and high and low.amount <= high.amount:
        findings.add("estimate_low", low.amount, source)
        findings.add("estimate_high", high.amount, source)
        findings.add("currency", high.currency or low.currency, source)


def _near(element: Any) -> Iterator[Any]:
    parent = element.getparent()
    yield from (parent if parent is not None else element).iter()


def _take_seller(value: str, element: Any, document: Document, findings: Findings, source: str) -> None:
    """The label's text, or the first seller link within the label's surroundings."""
    node = element
    for _ in range(4):
        if node is None or node.tag in ("body", "html"):
            break
        for anchor in node.iter("a"):
            if is_seller_link(anchor.get("href") or ""):
                name = visible_text(anchor, limit=200)
                if _is_name(name):
                    findings.add_text("seller", name, source)
                    findings.add("seller_url", document.absolute(anchor.get("href")), source)
                    return
        node = node.getparent()
    if _is_name(value) and len(value) <= 60:
        findings.add_text("seller", value, source)


def _is_name(text: str) -> bool:
    return 2 <= len(text) <= 100 and any(c.isalpha() for c in text) and not text.endswith(("?", "...", "…"))


def is_seller_link(href: str) -> bool:
    try:
        segments = [s.lower() for s in urlsplit(href).path.split("/") if s]
    except ValueError:
        return False
    return len(segments) >= 2 and any(s in _SELLER_SEGMENTS for s in segments[:-1])


def fill_price(document: Document, main: Any, findings: Findings) -> None:
    """The price in the heading, else the nearest element after it whose class says price and that is no old or foreign price."""
    if not findings.lacks("price"):
        return
    hint, country = findings.rules.currency, findings.country
    if main is not None:
        money = parse_price(_money_part(visible_text(main, limit=600)), hint=hint, country=country)
        if money and money.currency and money.amount > 0:
            findings.add_price(money.amount, money.currency, f"visible:{main.tag}")
            return
    for element in _price_elements(document, main):
        text = visible_text(element, limit=200)
        if not text or len(text) > 60 or not any(c.isdigit() for c in text):
            continue
        money = parse_price(text, hint=hint, country=country)
        if money and money.amount > 0:
            findings.add_price(money.amount, money.currency or findings.country_money, "visible:price near heading")
            return


def _money_part(text: str) -> str | None:
    match = re.search(r"(?:[$€£¥₪₺₽]\s?\d[\d.,]*|\d[\d.,]*\s?[€₪₺₽])", text)
    return match.group() if match else None


def _price_elements(document: Document, main: Any) -> Iterator[Any]:
    """Elements with a price in their class or id: those after the main heading first, then those before it."""
    after = main is None
    earlier = []
    for element in document.root.iter():
        if element is main:
            after = True
        if not isinstance(element.tag, str) or element.tag in (
            "script",
            "style",
            "input",
            "body",
            "html",
            "form",
            "select",
        ):
            continue
        marks = f"{element.get('class') or ''} {element.get('id') or ''}"
        if len(marks) < 4 or not _PRICE_CLASS.search(marks) or _OLD_PRICE.search(marks) or _foreign(element):
            continue
        if after:
            yield element
        elif len(earlier) < 20:
            earlier.append(element)
    yield from earlier


def _foreign(element: Any) -> bool:
    """Whether an element stands among other offers, in a frame of the site, or is hidden."""
    node = element
    for _ in range(14):
        if node is None or node.tag in ("body", "html", "main"):
            return False
        if is_hidden(node) or node.tag in ("nav", "footer", "del", "s", "aside"):
            return True
        if node is not element and _SIMILAR.search(f"{node.get('class') or ''} {node.get('id') or ''}"):
            return True
        node = node.getparent()
    return False


def fill_availability(document: Document, findings: Findings) -> None:
    """A button that still takes orders, bids or questions, or words that say it is over."""
    if not findings.lacks("availability"):
        return
    for text, element, _ in _texts(document.root):
        if len(text) > 60:
            continue
        if _GONE.match(text) and not _foreign(element):
            findings.add(
                "availability",
                "SoldOut" if not re.search(r"stock|lager|stoc|نفد|متوفر|наличии", text, re.I) else "OutOfStock",
                "visible:words",
            )
            return
        if (_STILL_OFFERED.match(text) or _IN_STOCK.match(text)) and not _foreign(element):
            findings.add("availability", "InStock", "visible:button")
            return
    for control in document.root.iter("input", "button", "a"):
        label = control.get("value") or control.get("title") or control.get("aria-label") or control.get("alt") or ""
        if label and _STILL_OFFERED.match(label) and not _foreign(control):
            findings.add("availability", "InStock", "visible:button")
            return


def fill_lot_number(document: Document, main: Any, findings: Findings) -> None:
    """ "Lot 12" in or just before the heading, or in the title tag."""
    if not findings.lacks("lot_number"):
        return
    texts = [document.title_tag or ""]
    if main is not None:
        texts.insert(0, visible_text(main, limit=300))
        previous = main.getprevious()
        if previous is not None:
            texts.insert(1, visible_text(previous, limit=200))
    for text in texts:
        match = _LOT_INLINE.search(text)
        if match:
            findings.add_text("lot_number", match.group(1), "visible:heading")
            return


def fill_images(document: Document, main: Any, findings: Findings) -> None:
    """Photos in the part of the page around the heading, in page order."""
    if not findings.lacks("images"):
        return
    node = main
    while node is not None and node.tag not in ("body", "html"):
        urls = [u for u in _photos(node, document)]
        if urls:
            findings.add_images(urls, "visible:img")
            return
        node = node.getparent()
    findings.add_images(_photos(document.root, document), "visible:img")


def _photos(root: Any, document: Document) -> Iterator[str]:
    for number, image in enumerate(root.iter("img")):
        if number > 400:
            return
        if _small(image) or _foreign(image):
            continue
        url = element_address(image, document.absolute)
        if url and is_photo(url):
            yield url


def _small(image: Any) -> bool:
    sizes = [image.get(name) for name in ("width", "height")]
    return any(s is not None and s.isdigit() and int(s) < 60 for s in sizes)


def fill_description(document: Document, main: Any, findings: Findings) -> None:
    """The block whose name says description, else the longest paragraph block near the heading."""
    if not findings.lacks("description"):
        return
    for element in document.root.iter("div", "section", "p", "article", "td"):
        marks = f"{element.get('class') or ''} {element.get('id') or ''} {element.get('itemprop') or ''}"
        if (
            len(marks) > 5
            and re.search(r"descri|beschreib|postingbody|userbody|opis|lot-details|item-details|body-text", marks, re.I)
            and not _foreign(element)
        ):
            text = visible_text(element, limit=20_000)
            if len(text) >= 20:
                findings.add_text("description", text, "visible:description block")
                return
