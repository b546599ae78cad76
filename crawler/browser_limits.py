"""How long the browser may take for what, and how much of it: nothing that a page does may hold a crawl up."""

from __future__ import annotations

LONGEST_SETTLE_SECONDS = 10.0
QUIET_MILLISECONDS = 150
LONGEST_ANSWER_SECONDS = 5.0
"""For a page at rest to give its bodies and its DOM; a page whose script never ends gives nothing any more."""
LONGEST_PAGE_SECONDS = 120.0
"""For a page as a whole, its navigation and its waits included: what hangs beyond all of these is left."""
MOST_NAVIGATIONS = 10
"""Documents that one page may show in its main frame before it counts as redirecting on and on."""

MOST_ROUNDS_OF_MORE = 12
"""How often a results page is scrolled to its end or asked for more."""
LONGEST_MORE_SECONDS = 30.0
MOST_LINKS = 5000
"""A page with more links than this is asked for no more."""

PAGES_OF_A_TAB = 50
"""Pages that a tab shows before a fresh one takes its place: what a browser keeps of pages grows with them."""
PAGES_OF_A_BROWSER = 250
"""Pages of all tabs before another browser takes over: Playwright's driver grows by about .1 MB a page."""
LONGEST_RESET_SECONDS = 5.0
MOST_BYTES_OF_A_CRAWL = 64 * 1024**3
"""That may come in through the browser's proxy in one crawl."""
