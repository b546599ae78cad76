"""The item pipeline, as Scrapy calls it."""

from datetime import UTC, datetime

from scrapy import Spider
from scrapy.pipelines import ItemPipelineManager
from scrapy.utils.test import get_crawler

from classifiers.pipeline import AssessmentPipeline
from crawler.items import ExtractedPage, ListingItem, PageProblem


def listing(title):
    page = ExtractedPage(url="https://market.example/1", kind="listing", title=title)
    return ListingItem("m", "m", "1", page.url, page, datetime(2026, 11, 23, tzinfo=UTC))


def test_a_listing_gets_its_assessment(classifier):
    item = AssessmentPipeline(classifier).process_item(listing("Roman denarius of Hadrian"))
    assert item.assessment is not None
    assert item.assessment.flagged


def test_a_listing_without_text_is_assessed_as_nothing(classifier):
    assert not AssessmentPipeline(classifier).process_item(listing(None)).assessment.flagged


def test_other_items_pass_unchanged(classifier):
    problem = PageProblem("https://market.example/2", "no listing")
    assert AssessmentPipeline(classifier).process_item(problem) is problem


def test_scrapy_loads_it_by_name_without_a_warning():
    crawler = get_crawler(Spider, {"ITEM_PIPELINES": {"classifiers.pipeline.AssessmentPipeline": 300}})
    manager = ItemPipelineManager.from_crawler(crawler)
    assert isinstance(manager.middlewares[0], AssessmentPipeline)
