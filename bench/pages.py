"""The pages that the benchmark crawls: auction lots of about 60 kB, each different, made up here from a seed.

Each has what a real one has: structured data, the lot's text, a bidding history, other lots, terms of sale, inline
scripts and styles. Three in five are in English, one in five each in French and Arabic. Their pictures lie on another
host, so that pages alone are fetched.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from html import escape
from typing import Any

PAGE_BYTES = 60_000
LOTS_A_SEARCH_PAGE = 100
PICTURES = "https://pictures.bench.example"

WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "things": ["terracotta oil lamp", "oak chest of drawers", "bronze figure", "silver teapot", "marble head",
                   "porcelain vase", "gilt mirror", "glass flask", "brass telescope", "ivory-coloured wool carpet"],
        "kinds": ["Roman", "Victorian", "Egyptian", "Georgian", "Greek", "Art Deco", "Byzantine", "Regency"],
        "sentences": ["The surface shows wear that fits its age.", "It comes from a private collection in Kent.",
                      "A small chip to the rim, otherwise sound.", "Height 14.5 cm, width 9 cm.",
                      "Acquired on the London market in the 1980s.", "The stand is not included.",
                      "Please ask for a condition report before you bid.", "Old repairs to the foot and one side.",
                      "Compare a similar piece sold in these rooms last spring.", "Circa 1st to 2nd century AD."],
        "labels": ("Current bid", "Estimate", "Other lots", "Terms of sale", "Bidding history", "Lot"),
    },
    "fr": {
        "things": ["lampe à huile en terre cuite", "commode en chêne", "figurine en bronze", "théière en argent",
                   "tête en marbre", "vase en porcelaine", "miroir doré", "flacon en verre"],
        "kinds": ["romaine", "d'époque Louis XV", "égyptienne", "grecque", "Art déco", "byzantine", "Empire"],
        "sentences": ["La surface présente une usure conforme à son âge.", "Provient d'une collection privée à Lyon.",
                      "Petit éclat au bord, bon état par ailleurs.", "Hauteur 14,5 cm, largeur 9 cm.",
                      "Acquis sur le marché parisien dans les années 1980.", "Le socle n'est pas compris.",
                      "Rapport d'état sur demande avant la vente.", "Restaurations anciennes au pied.",
                      "Ier-IIe siècle après J.-C."],
        "labels": ("Enchère actuelle", "Estimation", "Autres lots", "Conditions de vente", "Historique", "Lot"),
    },
    "ar": {
        "things": ["سراج من الطين المحروق", "خزانة من خشب البلوط", "تمثال صغير من البرونز", "إبريق شاي من الفضة",
                   "رأس من الرخام", "مزهرية من الخزف", "مرآة مذهبة", "قارورة زجاجية"],
        "kinds": ["روماني", "من العصر الفيكتوري", "مصري", "يوناني", "بيزنطي", "عثماني", "أندلسي"],
        "sentences": ["يظهر على السطح بلى يناسب عمره.", "من مجموعة خاصة.", "كسر صغير في الحافة وما عدا ذلك سليم.",
                      "الارتفاع ١٤ سم والعرض ٩ سم.", "اقتني من السوق في ثمانينيات القرن الماضي.",
                      "القاعدة غير مشمولة.", "يرجى طلب تقرير الحالة قبل المزايدة.", "ترميم قديم في القدم.",
                      "القرن الأول إلى الثاني الميلادي."],
        "labels": ("المزايدة الحالية", "التقدير", "قطع أخرى", "شروط البيع", "سجل المزايدات", "قطعة"),
    },
}  # fmt: skip
CURRENCIES = {"en": "GBP", "fr": "EUR", "ar": "AED"}


@dataclass(frozen=True, slots=True)
class Lot:
    """What a page says, and so what must be read from it."""

    number: int
    language: str
    title: str
    description: str
    price: int
    seller: str

    @property
    def currency(self) -> str:
        return CURRENCIES[self.language]


def make_lot(number: int) -> Lot:
    rng = random.Random(number)
    language = ("en", "en", "en", "fr", "ar")[number % 5]
    words = WORDS[language]
    thing, kind = rng.choice(words["things"]), rng.choice(words["kinds"])
    title = f"{kind} {thing}" if language == "en" else f"{thing} {kind}"
    title = f"{title[0].upper()}{title[1:]}, no. {number}" if language != "ar" else f"{title} رقم {number}"
    description = " ".join(rng.choices(words["sentences"], k=14))
    return Lot(number, language, title, description, rng.randrange(20, 9000), f"Bench Rooms {rng.randrange(40)}")


def lot_page(number: int) -> bytes:
    """The page of a lot as its server sends it: UTF-8, `PAGE_BYTES` long give or take a paragraph."""
    lot = make_lot(number)
    rng = random.Random(-number)
    words = WORDS[lot.language]
    bid, estimate, others, terms, history, label = words["labels"]
    direction = "rtl" if lot.language == "ar" else "ltr"
    pictures = [f"{PICTURES}/{number}/{view}.jpg" for view in range(1, 6)]
    thumbs = "".join(
        f'<li class="thumb"><a href="{url}"><img src="{url}?w=160" width="160" height="120" alt="{view}"></a></li>'
        for view, url in enumerate(pictures, 1)
    )
    bids = "".join(
        f'<tr><td class="who">bidder {rng.randrange(100, 999)}</td><td class="sum">{lot.price - step * 5}</td>'
        f'<td class="when">2026-11-{20 - step % 9:02} {rng.randrange(24):02}:{rng.randrange(60):02}</td></tr>'
        for step in range(1, 13)
    )
    cards = "".join(_card(rng.randrange(100_000), label) for _ in range(12))
    menu = "".join(f'<li class="menu-item"><a href="/department/{n}"><span>Dept {n}</span></a></li>' for n in range(40))
    head = (
        f'<!doctype html><html lang="{lot.language}" dir="{direction}"><head><meta charset="utf-8">'
        f"<title>{escape(lot.title)} | Bench Auctions</title>"
        f'<meta name="description" content="{escape(lot.description[:150])}">'
        f'<meta property="og:title" content="{escape(lot.title)}"><meta property="og:type" content="product">'
        f'<meta property="og:image" content="{pictures[0]}"><meta name="viewport" content="width=device-width">'
        f'<style>{_style(rng)}</style><script type="application/ld+json">{_linked_data(lot, pictures)}</script>'
        f"<script>{_settings(rng)}</script></head>"
    )
    body = (
        f'<body class="page lot"><header class="top"><a class="brand" href="/">Bench Auctions</a><nav><ul>{menu}</ul>'
        f'</nav></header><main><article class="lot-page"><ul class="gallery">{thumbs}</ul><h1>{escape(lot.title)}</h1>'
        f'<p class="lot-number">{label} {number}</p><dl class="facts"><dt>{bid}</dt>'
        f'<dd class="bid"><span class="price" data-amount="{lot.price}">{lot.price}</span> {lot.currency}</dd>'
        f"<dt>{estimate}</dt><dd>{lot.price} - {lot.price * 2} {lot.currency}</dd></dl>"
        f'<time class="end" datetime="2099-01-0{1 + number % 9}T18:00:00Z">1</time><p class="where">London</p>'
        f'<div class="description"><p>{escape(lot.description)}</p></div></article>'
        f'<section class="history"><h2>{history}</h2><table>{bids}</table></section>'
        f'<section class="others"><h2>{others}</h2><div class="grid">{cards}</div></section>'
        f'<section class="terms"><h2>{terms}</h2>'
    )
    tail = (
        '</section></main><footer><ul class="foot">'
        + "".join(f'<li><a href="/help/{n}">Help {n}</a></li>' for n in range(30))
        + f"</ul></footer><script>{_settings(rng)}</script></body></html>"
    )
    room = PAGE_BYTES - len((head + body + tail).encode())
    return (head + body + _paragraphs(rng, words["sentences"], room) + tail).encode()


def search_page(number: int, lots: int) -> bytes:
    """A page of results: `LOTS_A_SEARCH_PAGE` links to lots and the way to the next page."""
    first = (number - 1) * LOTS_A_SEARCH_PAGE + 1
    last = min(lots, first + LOTS_A_SEARCH_PAGE - 1)
    links = "".join(
        f'<li><a class="lot" href="/sale/7/lot/{lot}">{escape(make_lot(lot).title)}</a></li>'
        for lot in range(first, last + 1)
    )
    more = f'<a rel="next" href="/search?q=all&amp;page={number + 1}">next</a>' if last < lots else ""
    return f"<!doctype html><html lang=en><title>Search results</title><ul>{links}</ul>{more}</html>".encode()


def drawn_search_page(lots: int) -> bytes:
    """The shell of a results page whose links only a browser draws."""
    script = (
        "const list = document.querySelector('ul');"
        f"for (let n = 1; n <= {lots}; n++) {{ const a = document.createElement('a'); a.className = 'card';"
        " a.href = '/drawn/item/' + n; a.textContent = 'Item ' + n;"
        " const li = document.createElement('li'); li.append(a); list.append(li); }"
    )
    return f"<!doctype html><html lang=en><title>Results</title><ul></ul><script>{script}</script></html>".encode()


def drawn_item_page(number: int) -> bytes:
    """The shell of an item: title and price come by a second request and are drawn by script."""
    script = (
        f"fetch('/drawn/data/{number}').then(r => r.json()).then(d => {{ const main = document.querySelector('main');"
        " for (const [tag, name, text] of d) { const e = document.createElement(tag); e.className = name;"
        " e.textContent = text; main.append(e); } });"
    )
    return f"<!doctype html><html lang=en><title>Item</title><main></main><script>{script}</script></html>".encode()


def drawn_item_data(number: int) -> bytes:
    lot = make_lot(number)
    rows = [["h1", "title", lot.title], ["p", "price", f"{lot.price} {lot.currency}"]]
    return json.dumps([*rows, ["p", "description", lot.description]]).encode()


def _card(number: int, label: str) -> str:
    lot = make_lot(number)
    url = f"/sale/6/lot/{number}"
    return (
        f'<div class="tile"><a href="{url}">'
        f'<img src="{PICTURES}/{number}/1.jpg?w=240" width="240" height="180" alt=""></a>'
        f'<div class="tile-text"><span class="nr">{label} {number}</span><h3><a href="{url}">{escape(lot.title)}</a>'
        f'</h3><span class="tile-price">{lot.price} {lot.currency}</span></div></div>'
    )


def _linked_data(lot: Lot, pictures: list[str]) -> str:
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": lot.title,
        "description": lot.description,
        "image": pictures,
        "sku": str(lot.number),
        "offers": {
            "@type": "Offer",
            "price": f"{lot.price}.00",
            "priceCurrency": lot.currency,
            "availability": "https://schema.org/InStock",
            "seller": {"@type": "Organization", "name": lot.seller},
        },
    }
    return json.dumps(data, ensure_ascii=False).replace("</", "<\\/")


def _style(rng: random.Random) -> str:
    return "".join(
        f".c{n}{{margin:{rng.randrange(40)}px;padding:{rng.randrange(20)}px;color:#{rng.randrange(1 << 24):06x}}}"
        for n in range(120)
    )


def _settings(rng: random.Random) -> str:
    keys = ("feature", "colour", "limit", "endpoint", "variant")
    entries = {f"{rng.choice(keys)}{n}": rng.randrange(1 << 30) for n in range(160)}
    return f"window.siteSettings = {json.dumps(entries)}; document.documentElement.className += ' js';"


def _paragraphs(rng: random.Random, sentences: list[str], room: int) -> str:
    made: list[str] = []
    while room > 0:
        text = " ".join(rng.choices(sentences, k=5))
        made.append(f'<p class="term"><strong>{rng.randrange(1, 99)}.</strong> {escape(text)}</p>')
        room -= len(made[-1].encode())
    return "".join(made)
