from __future__ import annotations

from urllib.parse import unquote

from demo.catalogue import load_listings

ITEMS = [one for one in load_listings() if one.sale is None]


def all_summaries(client):
    page, items = 1, []
    while page:
        found = client.get("/marketplace/api/search", params={"q": "", "page": page}).json()
        items += found["items"]
        page = found["next"]
    return items


def test_every_item_is_in_the_searchs_json_once(client):
    items = all_summaries(client)
    assert len(items) == 100
    assert {item["id"] for item in items} == {one.key for one in ITEMS}


def test_the_raw_pages_hold_nothing_of_any_offer(client):
    pages = [client.get("/marketplace/search?q=&page=1").text]
    pages += [client.get(item["href"]).text for item in all_summaries(client)]
    assert len(set(pages)) == 1
    assert '<div id="app"></div>' in pages[0]
    for one in ITEMS:
        assert one.title not in pages[0]
        assert one.seller not in pages[0]
    script = client.get("/static/marketplace.js").text
    assert not any(one.title in script or one.seller in script for one in ITEMS)


def test_an_items_json_says_what_the_page_will_show_and_not_what_it_is(client):
    for one in ITEMS:
        data = client.get(f"/marketplace/api/item/{one.key}").json()
        assert (data["title"], data["description"]) == (one.title, one.description)
        assert (data["amount"], data["currency"]) == (one.price, one.currency)
        assert (data["seller"], data["location"]) == (one.seller, one.location)
        assert data["direction"] == ("rtl" if one.language == "ar" else "ltr")
        assert len(data["pictures"]) == one.picture_count
        assert "kind" not in data


def test_an_address_holds_the_number_and_the_words_of_the_title(client):
    item = next(one for one in all_summaries(client) if one["language"] == "ar")
    assert item["href"].isascii()
    assert unquote(item["href"]).startswith(f"/marketplace/item/{item['id']}-")
    assert client.get(item["href"]).status_code == 200


def test_an_item_that_is_not_there_answers_404_in_page_and_json(client):
    assert client.get("/marketplace/item/1-nothing").status_code == 404
    assert client.get("/marketplace/api/item/1-nothing").status_code == 404
    assert client.get("/marketplace/api/item/4101-1").status_code == 404


def test_a_sellers_items_can_be_asked_for(client):
    data = client.get(f"/marketplace/api/item/{ITEMS[0].key}").json()
    number = data["seller_href"].rpartition("/")[2]
    found = client.get("/marketplace/api/search", params={"seller": number}).json()
    assert found["seller"] == ITEMS[0].seller
    assert ITEMS[0].key in [item["id"] for item in found["items"]]
    assert found["count"] == sum(one.seller == ITEMS[0].seller for one in ITEMS)
