import pytest
from scrapy.settings import Settings
from scrapy.utils.misc import load_object
from scrapy.utils.project import get_project_settings

import crawler.settings as wiring


@pytest.fixture(scope="module")
def settings() -> Settings:
    """What a crawl really gets: Scrapy's defaults under ours."""
    return get_project_settings()


def dotted_names() -> list[str]:
    tables = [value for key, value in vars(wiring).items() if key.isupper() and isinstance(value, dict)]
    names = {key for table in tables for key in table if isinstance(key, str) and "." in key}
    names |= {value for value in wiring.DOWNLOAD_HANDLERS.values() if value}
    return sorted(
        names
        | {
            wiring.TWISTED_REACTOR,
            wiring.ASYNCIO_EVENT_LOOP,
            wiring.SCHEDULER,
            wiring.RELICWATCH_BROWSER_HANDLER,
            wiring.RELICWATCH_RECORDER,
        }
    )


def test_nothing_listens_beside_the_crawl(settings: Settings) -> None:  # SEC-6
    assert settings.getbool("TELNETCONSOLE_ENABLED") is False
    assert settings.getbool("REMOTE_CONTROL_ENABLED") is False
    assert settings.getwithbase("EXTENSIONS")["scrapy.extensions.telnet.TelnetConsole"] is None


def test_only_http_and_https_have_a_handler(settings: Settings) -> None:  # SEC-1
    handlers = settings.getwithbase("DOWNLOAD_HANDLERS")
    assert {scheme for scheme, handler in handlers.items() if handler} == {"http", "https"}
    assert set(handlers) >= {"file", "ftp", "s3", "data"}


def test_crawls_are_lawful_by_default(settings: Settings) -> None:
    assert settings.getbool("ROBOTSTXT_OBEY") is True
    assert settings.getbool("COOKIES_ENABLED") is False
    assert settings["USER_AGENT"].startswith("relicwatch/")
    assert settings["REFERRER_POLICY"] == "no-referrer"
    assert (
        settings.getwithbase("DOWNLOADER_MIDDLEWARES")["scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware"]
        is None
    )


def test_sizes_and_times_are_bounded(settings: Settings) -> None:
    assert 0 < settings.getint("RELICWATCH_MOST_BODY_BYTES") <= settings.getint("DOWNLOAD_MAXSIZE")
    assert 0 < settings.getfloat("DOWNLOAD_TIMEOUT") <= 60
    assert 0 < settings.getint("REDIRECT_MAX_TIMES") <= 20


def test_the_end_of_a_page_follows_its_items(settings: Settings) -> None:
    """storage.visits closes a page when its VisitEnd has passed the pipelines, so items must pass one by one."""
    assert settings.getint("CONCURRENT_ITEMS") == 1
    order = settings.getwithbase("ITEM_PIPELINES")
    assert max(order, key=order.get) == "storage.visits.VisitPipeline"


@pytest.mark.parametrize("name", dotted_names())
def test_every_dotted_name_loads(name: str) -> None:
    assert callable(load_object(name))
