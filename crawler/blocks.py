"""Pages with which a market keeps a crawler out: challenges, refusals, log-in walls. A crawl that meets one stops.

A listing may be titled like a challenge or kept for members: there it takes several in a row. Nothing here helps to
get past one. The signs are those of common protection products and common wording, never of a market; a page is judged
by several of them together, because listings quote anything.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from parsel import Selector
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response, TextResponse

from crawler.retry import pauses_of
from crawler.shared import shared

logger = logging.getLogger(__name__)

BlockCode = Literal["challenge", "login_wall", "refusals"]
MOST_REFUSALS_IN_A_ROW = 5
"""So many search or listing pages refused one after the other (401, 403, 429, 503) are a refusal of the crawl."""
CLOSED = "blocked"
"""Scrapy's reason for the end of a crawl that was stopped here."""

SIGNS = {"header": "the header {}", "product": "a challenge of {}", "title": "the title {!r}", "captcha": "a CAPTCHA"}
"""By what a challenge is known, and how a sentence names it."""

_REFUSING_STATUSES = (401, 403, 429, 503)
_MOST_LOOKED_AT_BYTES = 512 * 1024
_TELLING_BYTES = 16 * 1024
"""Of a page that is more than a challenge: its links are as many before these end."""
_MOST_WORDS = 180
"""A challenge or a log-in page says little; one with more words has something to offer."""
_FEW_WORDS = 60
_PAGE_KINDS = ("search", "listing")

_CHALLENGE_HEADERS = {b"cf-mitigated": (b"challenge",), b"x-amzn-waf-action": (b"captcha", b"challenge")}
_CHALLENGE_MARKERS = {
    b"_cf_chl_opt": "Cloudflare",
    b"cf-challenge": "Cloudflare",
    b"captcha-delivery.com": "DataDome",
    b"px-captcha": "HUMAN",
    b"incapsula incident id": "Imperva",
    b"_incapsula_resource": "Imperva",
    b"errors.edgesuite.net": "Akamai",
    b"sec-if-cpt-container": "Akamai",
    b"distil_r_captcha": "Distil",
    b"sucuri_cloudproxy_js": "Sucuri",
    b"sucuri website firewall": "Sucuri",
    b"awswafcookiedomainlist": "AWS WAF",
    b"token.awswaf.com": "AWS WAF",
    b"kpsdk": "Kasada",
    b"anubis_challenge": "Anubis",
    b"ddos-guard": "DDoS-Guard",
    b"geetest_": "GeeTest",
}
"""What the products put into the pages with which they stop a visitor; some put the same script into ordinary pages."""
_CAPTCHA_WIDGETS = (b"g-recaptcha", b"h-captcha", b"cf-turnstile", b"recaptcha/api.js", b"hcaptcha.com/1/api.js")
_CHALLENGE_TITLE = re.compile(
    r"just a moment|attention required|access (?:to this page has been )?denied|verify(?:ing)? (?:that )?you are "
    r"(?:a )?human|(?:are|sure) you(?:'re| are)? (?:not )?(?:a )?(?:human|robot)|robot check|"
    r"security (?:check|verification)|human verification|"
    r"bot verification|pardon our interruption|checking your browser|ddos protection|"
    r"\bcaptcha\b|request unsuccessful|unusual traffic|one more step|"
    r"un instant|acc[eè]s (?:refus[eé]|interdit)|v[eé]rification de s[eé]curit[eé]|[eê]tes[- ]vous un (?:robot|humain)|"
    r"v[eé]rifi(?:ez|cation) que vous [eê]tes (?:un )?humain|contr[oô]le de s[eé]curit[eé]|"
    r"einen moment|zugriff verweigert|sicherheits(?:überprüfung|prüfung|check)|sind sie ein (?:mensch|roboter)|"
    r"un momento|acceso denegado|(?:verificaci[oó]n|comprobaci[oó]n) de seguridad|eres (?:un )?(?:robot|humano)|"
    r"un attimo|accesso negato|(?:verifica|controllo) di sicurezza|sei un (?:robot|umano)|"
    r"bir dakika|erişim engellendi|güvenlik (?:doğrulaması|kontrolü)|robot (?:musunuz|değilim)|"
    r"insan olduğunuzu doğrulayın|"
    r"لحظة|(?:تم رفض|رفض) الوصول|الوصول مرفوض|هل أنت (?:روبوت|إنسان)|تحقق من أنك|التحقق من أنك|"
    r"(?:فحص|التحقق من) الأم[اا]ن|التحقق الأمني",
    re.IGNORECASE,
)
_CHALLENGE_TEXT = re.compile(
    r"\brobots?\b|\bhuman\b|\bautomated\b|unusual (?:traffic|activity)|enable (?:javascript|cookies)|"
    r"javascript and cookies|security service|your (?:ip|browser)|ray id|reference (?:#|id|number)|"
    r"\bhumain\b|automatis[eé]|activer? (?:javascript|les cookies)|votre (?:navigateur|adresse ip)|"
    r"roboter|\bmensch\b|ihr(?:en)? browser|javascript aktivieren|"
    r"\bhumano\b|su navegador|tu navegador|habilit[ae] javascript|"
    r"\bumano\b|il tuo browser|abilita javascript|"
    r"\binsan\b|tarayıcınız|javascript'i etkinleştir|"
    r"روبوت|إنسان|متصفحك|جافا ?سكريبت|ملفات تعريف الارتباط",
    re.IGNORECASE,
)
_LOGIN_TITLE = re.compile(
    r"\blog[ -]?in\b|\bsign[ -]?in\b|\bconnexion\b|se connecter|connectez[- ]vous|s['’]identifier|identifiez[- ]vous|"
    r"\banmeld(?:en|ung)\b|\beinloggen\b|inici(?:ar|a|o de) sesi[oó]n|\bacced[ei]\b|\baccesso\b|\bgiriş\b|oturum aç|"
    r"تسجيل الدخول|سج[ّ]?ل الدخول",
    re.IGNORECASE,
)
_LOGIN_PATH = re.compile(
    r"/(?:(?:user|customer|account|member|my|wp)[-_])?(?:log[-_]?in|sign[-_]?in|logon|signon|connexion|se-connecter|identification|anmelden|anmeldung|"
    r"einloggen|iniciar-sesion|acceder|accedi|giris|uye-girisi|authorize|authenticate)(?:[/.?;]|$)|"
    r"/(?:session|sessions)/new(?:[/?]|$)|/(?:oauth2?|sso|saml2?)/",
    re.IGNORECASE,
)
_LOGIN_HOST = re.compile(r"^(?:log-?in|sign-?in|accounts?|auth|sso|idp?|identity)\.", re.IGNORECASE)
_PRODUCT = re.compile(
    rb"""schema\.org/(?:Product|Offer)|"@type"\s*+:\s*+(?:\[\s*+)?"(?:Product|Offer)|og:type["'][^>]{0,200}product"""
)
_TITLE = re.compile(rb"<title[^<>]*+>([^<]*+(?:<(?!/?title)[^<]*+)*+)</title", re.IGNORECASE)
"""Holds no other title: where one begins again and again and never ends, each is read as far as the next one."""
_PASSWORD = re.compile(rb"""type\s*=\s*["']?password""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Block:
    """How the market keeps us out, and by which sign that was known."""

    code: BlockCode
    sentence: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """What the sentence names, for a reader of another language."""
    sure: bool = True
    """Whether a single listing with it tells of the market; any search page does."""


class MarketBlocks(IgnoreRequest):
    """The market keeps crawlers out with this page: the crawl ends here."""

    def __init__(self, block: Block) -> None:
        super().__init__(block.sentence)
        self.block = block


class MembersOnly(IgnoreRequest):
    """A log-in stands before this listing: it fails, and the crawl goes on."""


@dataclass(slots=True)
class _Refusals:
    """What the crawl has met since the last page that was given."""

    in_a_row: int = 0

    def are_too_many(self) -> bool:
        """Count one more."""
        self.in_a_row += 1
        return self.in_a_row >= MOST_REFUSALS_IN_A_ROW


def find_challenge(status: int, headers: Mapping[bytes, Iterable[bytes]], body: bytes) -> Block | None:
    """A page that wants proof of a human, or refuses machines, whatever its status. `body` is decoded HTML or JSON."""
    for name, values in _CHALLENGE_HEADERS.items():
        sent = b" ".join(headers.get(name) or ()).lower()
        if any(value in sent for value in values):
            return _challenge(status, "header", name.decode())
    seen = body[:_MOST_LOOKED_AT_BYTES]
    refusing = status in _REFUSING_STATUSES
    title = _title(seen)
    titled = title is not None and _CHALLENGE_TITLE.search(title) is not None
    plain = not (refusing or titled)
    if plain and not _is_bare(seen[:_TELLING_BYTES].lower()):  # nearly every page: markers are not even looked for
        return None
    lowered = seen.lower()
    if plain and not _is_bare(lowered):
        return None
    product = next((maker for marker, maker in _CHALLENGE_MARKERS.items() if marker in lowered), None)
    if refusing:
        if product:
            return _challenge(status, "product", product)
        if titled:
            return _challenge(status, "title", title)
        return _challenge(status, "captcha") if b"captcha" in lowered or b"cf-turnstile" in lowered else None
    if not (product or titled) or _PRODUCT.search(seen):
        return None
    words = visible_words(seen)
    if product and len(words) <= _FEW_WORDS and (titled or _is_bare(lowered)):
        return _challenge(status, "product", product)
    if titled and len(words) <= _MOST_WORDS and (product or _says_challenge(lowered, words)):
        return _challenge(status, "title", title, sure=bool(product))
    return None


def find_login_wall(asked: str, url: str, status: int, body: bytes) -> Block | None:
    """A log-in page where a search or listing page was asked for. `url` is where the answer came from."""
    if status == 401:
        return _login(url)
    if url != asked and is_login_address(url) and not is_login_address(asked):
        return _login(url)
    seen = body[:_MOST_LOOKED_AT_BYTES]
    if status >= 400 or b"assword" not in seen or not _PASSWORD.search(seen) or _PRODUCT.search(seen):
        return None
    title = _title(seen)
    if title and _LOGIN_TITLE.search(title) and len(visible_words(seen)) <= _MOST_WORDS:
        return _login(url)
    return None


def is_login_address(url: str) -> bool:
    """Whether an address is that of a log-in page, by the words that such addresses are made of."""
    parts = urlsplit(url)
    return bool(_LOGIN_PATH.search(parts.path) or _LOGIN_HOST.match(parts.hostname or ""))


def visible_words(body: bytes) -> list[str]:
    """The words that a reader of the page sees, scripts and styles left out."""
    page = Selector(body.decode("utf-8", "replace"), type="html")
    text = " ".join(
        page.xpath("//body//text()[not(ancestor::script or ancestor::style or ancestor::template)]").getall()
    )
    return text.split()


class BlockMiddleware:
    """Downloader middleware: stops the crawl at the first page that surely keeps crawlers out, or at some in a row.

    It stands where bodies are decoded and redirects followed already, and before the retries: such a page is never
    asked for again.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._refusals = _refusals_of(crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BlockMiddleware:
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        block = self._find(request, response)
        if block is None:
            return response
        if _tells_of_market(request, block) or self._refusals.are_too_many():
            stop_crawl(self._crawler, block)
            raise MarketBlocks(block)
        if block.code == "login_wall" and "json_for" not in request.meta:  # such an answer's page may still be rendered
            raise _members_only(response.url)
        return response

    def _find(self, request: Request, response: Response) -> Block | None:
        api = getattr(self._crawler.spider, "api", None)
        if api is not None and api.serves(request.url):  # what an official API refuses is the key's affair
            return None
        kind = page_kind(request)
        text = response.body if isinstance(response, TextResponse) else b""
        challenge = find_challenge(response.status, _lists(response), text)
        if challenge is not None or kind not in _PAGE_KINDS:
            return challenge
        asked = request.meta.get("redirect_urls", [request.url])[0]
        wall = find_login_wall(asked, response.url, response.status, text)
        if wall is not None:
            return wall
        if response.status in _REFUSING_STATUSES:
            return _refused(self._refusals.in_a_row + 1, response.status)
        self._refusals.in_a_row = 0
        return None


def stop_at_login(crawler: Crawler, request: Request) -> None:
    """Stop before a log-in page is even asked for: a redirect leads there. Raises MarketBlocks, MembersOnly."""
    led_from = request.meta.get("redirect_urls")
    if not led_from or page_kind(request) not in _PAGE_KINDS:
        return
    if is_login_address(request.url) and not is_login_address(led_from[0]):
        block = _login(request.url)
        if not (_tells_of_market(request, block) or _refusals_of(crawler).are_too_many()):
            raise _members_only(request.url)
        stop_crawl(crawler, block)
        raise MarketBlocks(block)


def stop_crawl(crawler: Crawler, block: Block) -> None:
    """Send nothing more, and end the crawl once what is under way has been kept."""
    pauses = pauses_of(crawler)
    if pauses.stopped is not None:
        return
    pauses.stopped = block.sentence
    shared(crawler, CLOSED, lambda: block)
    logger.error("%s", block.sentence)
    if crawler.engine is not None:
        asyncio.ensure_future(crawler.engine.close_spider_async(reason=CLOSED))  # noqa: RUF006


def block_of(crawler: Crawler) -> Block | None:
    """What stopped this crawl, None where nothing did."""
    return shared(crawler, CLOSED, lambda: None) if pauses_of(crawler).stopped is not None else None


def page_kind(request: Request) -> str | None:
    """search, listing, photo; None for robots.txt."""
    visit = request.meta.get("visit")
    return visit.entry.kind if visit is not None else None


def _refusals_of(crawler: Crawler) -> _Refusals:
    return shared(crawler, "refusals", _Refusals)


def _tells_of_market(request: Request, block: Block) -> bool:
    """Whether the crawl ends with this page alone. A plain refusal ends it nowhere, a doubtful sign on no listing."""
    return block.code != "refusals" and (block.sure or page_kind(request) != "listing")


def _refused(pages: int, status: int) -> Block:
    return Block(
        "refusals",
        f"The market refused {pages} pages in a row (the last with HTTP {status}), so the crawl was "
        "stopped: look at the market's terms, ask it for leave, or crawl it less often.",
        {"pages": pages, "status": status},
    )


def _challenge(status: int, sign: str, named: str | None = "", *, sure: bool = True) -> Block:
    return Block(
        "challenge",
        f"The market answered with a page that keeps crawlers out (HTTP {status}, {SIGNS[sign].format(named)}), so the "
        "crawl was stopped: ask the market for leave, or use its API.",
        {"status": status, "sign": sign, "named": named or ""},
        sure,
    )


def _login(url: str) -> Block:
    parts = urlsplit(url)
    where = f"{parts.netloc}{parts.path}"
    return Block(
        "login_wall",
        f"The market wants a log-in ({where}) where listings were asked for, so the crawl was stopped: relicwatch "
        "enters no log-in; see whether the market has an API, or import pages that an officer saved.",
        {"where": where},
        sure=False,
    )


def _members_only(url: str) -> MembersOnly:
    parts = urlsplit(url)
    return MembersOnly(
        f"the market shows this listing only after a log-in ({parts.netloc}{parts.path}), and relicwatch enters none: "
        "import the page if an officer has saved it"
    )


def _title(body: bytes) -> str | None:
    found = _TITLE.search(body, max(0, body.find(b"<title")))
    return " ".join(found.group(1).decode("utf-8", "replace").split())[:120] if found else None


def _is_bare(lowered: bytes) -> bool:
    """Whether the page has nothing but a challenge: no picture, no link to speak of, as an app's shell has scripts."""
    return (
        lowered.count(b"<a ") <= 5 and lowered.count(b"<script") <= 6 and lowered.count(b'<link rel="stylesheet') <= 3
    )


def _says_challenge(lowered: bytes, words: list[str]) -> bool:
    return bool(_CHALLENGE_TEXT.search(" ".join(words))) or any(widget in lowered for widget in _CAPTCHA_WIDGETS)


def _lists(response: Response) -> Mapping[bytes, list[bytes]]:
    return {name.lower(): values for name, values in response.headers.items()}
