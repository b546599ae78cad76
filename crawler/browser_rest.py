"""Waiting until a page has drawn what it has, and asking a results page for the rest of its list.

Only scrolling and buttons that say "more" in so many words: no form is filled in, no link followed, no wall passed.
"""

from __future__ import annotations

import asyncio
import logging

from scrapy.exceptions import DownloadFailedError

from crawler import browser_limits as limits
from crawler.browser_load import Load
from crawler.browser_world import DocumentReplaced

logger = logging.getLogger(__name__)

_QUIET = """quiet => new Promise(done => {
    let timer = setTimeout(done, quiet);
    new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(done, quiet); })
        .observe(document, {childList: true, subtree: true, characterData: true});
})"""

MORE_WORDS = """
    load more|show more|view more|see more|more results|more items|more lots|more listings|next results
    |charger plus|afficher plus|voir plus|plus de résultats|plus d'annonces|plus de lots|afficher la suite
    |mehr laden|mehr anzeigen|weitere laden|weitere anzeigen|mehr ergebnisse|weitere ergebnisse|weitere angebote
    |cargar más|ver más|mostrar más|más resultados|más anuncios
    |carica altri|mostra altri|mostra di più|vedi altri|altri risultati|altri annunci
    |daha fazla|daha fazla göster|daha fazla yükle|daha fazla sonuç
    |المزيد|تحميل المزيد|عرض المزيد|اظهار المزيد|إظهار المزيد|مشاهدة المزيد|نتائج أكثر
"""
"""What stands on a button that adds to a list, in the languages of the markets."""
_WORDS = [word.strip() for word in MORE_WORDS.replace("\n", " ").split("|")]

_ASK_FOR_MORE = """words => {
    window.scrollTo(0, document.documentElement.scrollHeight);
    const told = text => text.toLowerCase().replace(/[\\s\\u2026.+>»↓▼]+/g, ' ').trim();
    const says_more = text => words.some(word => text === word || (text.startsWith(word + ' ') && text.length < 40));
    const stays = one => one.tagName !== 'A' || /^(#|javascript:|$)/i.test(one.getAttribute('href') || '');
    const buttons = [...document.querySelectorAll('button, [role=button], a, input[type=button]')]
        .filter(one => stays(one) && !one.disabled && one.getAttribute('aria-disabled') !== 'true')
        .filter(one => !one.closest('nav, header, footer, details'))
        .filter(one => !(one.form && one.type === 'submit' && one.form.querySelector('input:not([type=hidden])')))
        .filter(one => one.getClientRects().length > 0)
        .filter(one => says_more(told(one.innerText || one.value || '')));
    const last = buttons.pop();
    if (last) last.click();
    return Boolean(last);
}"""
_LINKS = "() => new Set([...document.links].map(link => link.href)).size"


async def come_to_rest(load: Load) -> None:
    """Wait until the page neither changes nor waits for data, at most LONGEST_SETTLE_SECONDS.

    Raises DownloadFailedError where it redirects itself on and on.
    """
    try:
        async with asyncio.timeout(limits.LONGEST_SETTLE_SECONDS):
            while True:
                if load.navigations > limits.MOST_NAVIGATIONS:
                    break
                if await _is_quiet(load) and not load.waiting:
                    return
    except TimeoutError:
        page, most = load.page, limits.LONGEST_SETTLE_SECONDS
        logger.info("%s did not come to rest within %s s; it is read as it stands.", page.url, most)
    if load.navigations > limits.MOST_NAVIGATIONS:
        raise DownloadFailedError(f"it led on to {load.navigations} pages one after the other: not followed further")


async def draw_more(load: Load) -> None:
    """Scroll a results page to its end and press its "more" button, until that brings no new link.

    Bounded in rounds, time and links. The page is then at rest; what was drawn before stays drawn where the page keeps
    it. Raises what `come_to_rest` raises.
    """
    world = load.world
    try:
        async with asyncio.timeout(limits.LONGEST_MORE_SECONDS):
            before = await world.run(_LINKS)
            for _ in range(limits.MOST_ROUNDS_OF_MORE):
                if before > limits.MOST_LINKS:
                    return
                await world.run(_ASK_FOR_MORE, _WORDS)
                await come_to_rest(load)
                after = await world.run(_LINKS)
                if after <= before:
                    return
                before = after
    except TimeoutError:
        logger.info(
            "%s went on giving more for %s s; it is read as it stands.", load.page.url, limits.LONGEST_MORE_SECONDS
        )


async def _is_quiet(load: Load) -> bool:
    try:
        await load.world.run(_QUIET, limits.QUIET_MILLISECONDS)
    except DocumentReplaced:
        return False
    return True
