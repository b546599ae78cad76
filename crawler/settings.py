"""The wiring diagram: every component that Scrapy loads, by dotted name, with the reason for its place.

Only facts that hold for every market stand here; `spiders.base` takes rate and concurrency from the definition.
"""

from crawler.program import user_agent

BOT_NAME = "relicwatch"
SPIDER_MODULES = ["spiders"]
NEWSPIDER_MODULE = "spiders"
USER_AGENT = user_agent()

# -- the loop: asyncio for aiohttp and Playwright, uvloop because it halves the cost of a socket event
TWISTED_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
ASYNCIO_EVENT_LOOP = "uvloop.Loop"

# -- fetching: one handler for http and https; every other scheme is off
DOWNLOAD_HANDLERS = {
    "http": "crawler.fetcher.FetcherHandler",
    "https": "crawler.fetcher.FetcherHandler",
    "file": None,
    "ftp": None,
    "s3": None,
    "data": None,
}
RELICWATCH_BROWSER_HANDLER = "crawler.browser.BrowserHandler"
RELICWATCH_RECORDER = "evidence.transit.TransitRecorder"
RELICWATCH_PACE = "storage.pace.MarketPace"  # the market's pause, shared by crawls, captures and restarts
RELICWATCH_MOST_BODY_BYTES = 16 * 1024 * 1024  # as received; a longer body is cut, and its record says so
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024  # of the decoded body: bounds what a compressed page may swell to
DOWNLOAD_WARNSIZE = 0
RANDOMIZE_DOWNLOAD_DELAY = False  # the definition's delay is a least pause; half of it would break the promise
DOWNLOAD_TIMEOUT = 30  # for the whole exchange, not only for idle time
CONCURRENT_REQUESTS = 16

# -- lawful and quiet
ROBOTSTXT_OBEY = True
ROBOTSTXT_PARSER = "crawler.robots.RobotsRules"
COOKIES_ENABLED = False
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False  # no listening socket beside the crawl
REFERRER_POLICY = "no-referrer"
REFERER_ENABLED = False  # with that policy Scrapy's middleware does nothing, for every request of every page
DEFAULT_REQUEST_HEADERS = {"Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"}

# -- the frontier is rows of the database, not Scrapy's JOBDIR
SCHEDULER = "storage.frontier.FrontierScheduler"
SCHEDULER_DEBUG = False

DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "crawler.json_walk.JsonSourceMiddleware": 40,  # outermost: a page's answer and its rendering pass all below anew
    "crawler.bounds.MarketBoundsMiddleware": 50,  # where Scrapy's stood: before robots.txt of another host is fetched
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "crawler.robots.Rfc9309Middleware": 100,  # where Scrapy's stood
    "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,  # a page's own redirects are listings' text
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,  # no spider has a password
    "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": None,  # the fetcher reads the setting
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": None,  # the fetcher goes through no proxy
    "scrapy.downloadermiddlewares.stats.DownloaderStats": None,  # it writes each exchange out to know its length
    "crawler.retry.PoliteRetryMiddleware": 550,  # where Scrapy's stood
    "crawler.api_access.ApiAccessMiddleware": 580,  # late: a key is nowhere before the request leaves
    "crawler.blocks.BlockMiddleware": 585,  # sees bodies decoded (590) and redirects followed (600), before the retries
    "storage.api_quota.ApiQuotaMiddleware": 590,  # after all that may refuse a request: only what leaves is counted
}
REDIRECT_MAX_TIMES = 10
RETRY_TIMES = 2

SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,  # depth is the search page's number, kept in the row
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,  # the frontier keeps META_KEPT and no more
    "storage.visits.VisitMiddleware": 10,  # outermost: sees all that a page gives
}
URLLENGTH_LIMIT = 2083

# -- when a crawl stops by itself, and what a later one reads again
RELICWATCH_MOST_BARREN_PAGES = 3  # search pages in a row without a listing not met yet: the market repeats itself
RELICWATCH_LONGEST_CRAWL_SECONDS = 12 * 3600  # 4,000 pages at the usual pause of 10 s; the next crawl must have a turn
RELICWATCH_READ_AGAIN_AFTER_DAYS = 6  # a daily crawl then reads each listing's page at least every 7 days
RELICWATCH_ENDS_SOON_HOURS = 48  # two daily crawls before an end: one that fails is not the last

SCRAPER_SLOT_MAX_ACTIVE_SIZE = 16 * 1024 * 1024  # pages whose listings wait to be assessed together hold up no request
CONCURRENT_ITEMS = 1  # a page's end must follow its items through the pipelines (storage.visits)
ITEM_PIPELINES = {
    "classifiers.pipeline.AssessmentPipeline": 100,
    "evidence.thumbnails.ThumbnailPipeline": 200,
    "storage.visits.VisitPipeline": 900,  # last: what it sees is complete
}

EXTENSIONS = {
    "scrapy.extensions.telnet.TelnetConsole": None,
    "storage.group_commit.GroupCommit": 100,
    "storage.json_sources.KeptJsonSources": 150,
    "crawler.collection.CalmCollection": 200,
}

WARN_ON_GENERATOR_RETURN_VALUE = False  # it parses a callback's source again for most pages

# -- the browser (crawler.browser_limits has its other limits)
RELICWATCH_BROWSER_TABS = 6  # two beyond what a market may be asked at once: tabs are cleaned meanwhile
RELICWATCH_NAVIGATION_SECONDS = 30

LOG_LEVEL = "INFO"
LOG_FORMATTER = "crawler.quiet_log.QuietLog"
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LOG_DATEFORMAT = "%Y-%m-%dT%H:%M:%S%z"
