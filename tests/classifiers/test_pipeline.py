"""The item pipeline, as Scrapy calls it."""

import asyncio
from datetime import UTC, datetime

import pytest
from scrapy import Spider
from scrapy.pipelines import ItemPipelineManager
from scrapy.utils.test import get_crawler

from classifiers.pipeline import MOST_WAITING, AssessmentPipeline
from crawler.items import ExtractedPage, ListingItem, PageProblem


def listing(title):
    page = ExtractedPage(url="https://market.example/1", kind="listing", title=title)
    return ListingItem("m", "m", "1", page.url, page, datetime(2026, 11, 23, tzinfo=UTC))


def process(pipeline, *items):
    """The items in the order in which they come out."""
    out = []

    async def one(item):
        out.append(await pipeline.process_item(item))

    async def all_at_once():
        await asyncio.gather(*(one(item) for item in items))

    asyncio.run(all_at_once())
    return out


def test_a_listing_gets_its_assessment(classifier):
    [item] = process(AssessmentPipeline(classifier), listing("Roman denarius of Hadrian"))
    assert item.assessment is not None
    assert item.assessment.flagged


def test_a_listing_without_text_is_assessed_as_nothing(classifier):
    [item] = process(AssessmentPipeline(classifier), listing(None))
    assert not item.assessment.flagged


def test_other_items_pass_unchanged(classifier):
    problem = PageProblem("https://market.example/2", "no listing")
    assert process(AssessmentPipeline(classifier), problem) == [problem]


def test_items_come_out_in_the_order_they_came_in(classifier):
    problem = PageProblem("https://market.example/2", "no listing")
    items = [listing(f"Roman coin {number}") for number in range(MOST_WAITING + 3)]
    items.insert(1, problem)
    items.append(problem)
    out = process(AssessmentPipeline(classifier), *items)
    assert [id(item) for item in out] == [id(item) for item in items]
    assert all(item.assessment for item in out if isinstance(item, ListingItem))


def test_a_failing_classifier_fails_the_item_and_does_not_hang():
    class Broken:
        def assess_offers(self, listings):
            raise MemoryError("no room")

    with pytest.raises(MemoryError):
        process(AssessmentPipeline(Broken()), listing("Roman coin"))


def test_a_listing_that_cannot_be_assessed_takes_no_other_with_it(classifier):
    class Fragile:
        def assess_offers(self, offers):
            offers = list(offers)
            if any(title == "unreadable" for (title, _), _ in offers):
                raise ValueError("unreadable")
            return classifier.assess_offers(offers)

    pipeline = AssessmentPipeline(Fragile())
    good, bad, other = listing("Roman coin"), listing("unreadable"), PageProblem("https://market.example/2", "none")

    async def all_at_once():
        return await asyncio.gather(*map(pipeline.process_item, (good, bad, other)), return_exceptions=True)

    first, second, third = asyncio.run(all_at_once())
    assert first.assessment is not None
    assert isinstance(second, ValueError)
    assert third is other


def test_an_item_cancelled_while_it_waits_holds_up_no_other(classifier):
    pipeline = AssessmentPipeline(classifier)

    async def one_cancelled():
        tasks = [asyncio.ensure_future(pipeline.process_item(listing(f"Roman coin {n}"))) for n in range(2)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    cancelled, other = asyncio.run(one_cancelled())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert other.assessment is not None


def test_scrapy_loads_it_by_name_without_a_warning():
    crawler = get_crawler(Spider, {"ITEM_PIPELINES": {"classifiers.pipeline.AssessmentPipeline": 300}})
    manager = ItemPipelineManager.from_crawler(crawler)
    assert isinstance(manager.middlewares[0], AssessmentPipeline)
