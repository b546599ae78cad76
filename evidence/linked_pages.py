"""Which pages a listing's page leads to that evidence needs: the seller's, and the terms that the sale is under.

Found by the link's own words or `rel`, in the languages that markets speak, within the market's own site.
"""

from __future__ import annotations

import re
from urllib.parse import urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup

MOST_LINKS = 4_000
_TERMS = re.compile(
    r"terms (?:of|and|&)|conditions of (?:sale|use)|terms\b|user agreement|conditions g[ée]n[ée]rales|conditions d['’]"
    r"(?:utilisation|vente)|\bCG[UV]\b|mentions l[ée]gales|الشروط|شروط|الأحكام|اتفاقية|\bAGB\b|Nutzungsbedingungen"
    r"|Versteigerungsbedingungen|Impressum|t[ée]rminos|condiciones|aviso legal|termini|condizioni|note legali"
    r"|kullanım (?:koşulları|şartları)|şartlar|sözleşme",
    re.I,
)
_NOT_HERE = re.compile(r"privacy|cookie|confidentialit|خصوصية|datenschutz|privacidad|gizlilik", re.I)


def terms_pages(html: str, url: str, most: int = 2) -> list[str]:
    """Addresses of the site's terms, the likeliest first: those whose whole text is about terms before others."""
    found: dict[str, int] = {}
    home = _site(url)
    for link in BeautifulSoup(html, "lxml").find_all("a", href=True, limit=MOST_LINKS):
        text = " ".join(link.get_text(" ").split())[:120]
        rel = link.get("rel") or []
        named = "terms-of-service" in rel or "license" in rel
        if not named and (not _TERMS.search(text) or _NOT_HERE.search(text)):
            continue
        try:
            target = urldefrag(urljoin(url, str(link["href"]))).url
        except ValueError:
            continue
        if _site(target) == home and target != urldefrag(url).url:
            found.setdefault(target, 0 if named else len(text))
    return sorted(found, key=lambda target: found[target])[:most]


def on_same_site(one: str, other: str) -> bool:
    return _site(one) is not None and _site(one) == _site(other)


def _site(url: str) -> str | None:
    """The host without a leading www."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return parts.netloc.lower().removeprefix("www.")
