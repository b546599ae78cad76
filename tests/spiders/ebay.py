"""A stand-in for eBay's Browse API on loopback, written from its public documentation."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.market_server import Asked, MarketServer, Reply
from tests.spiders.shops import answer

CLIENT_ID, SECRET, TOKEN = "an-application-id", "a-client-secret", "v^1.1#i^1#a-token-that-nobody-may-keep"
KEY = {"RELICWATCH_EBAY_CLIENT_ID": CLIENT_ID, "RELICWATCH_EBAY_CLIENT_SECRET": SECRET}


def summary(server: MarketServer, number: int, title: str, **changes: Any) -> dict[str, Any]:
    return {
        "itemId": f"v1|{number}|0",
        "legacyItemId": str(number),
        "title": title,
        "price": {"value": "130.10", "currency": "USD", "convertedFromValue": "100.00", "convertedFromCurrency": "GBP"},
        "seller": {"username": "old_things", "feedbackPercentage": "99.1", "feedbackScore": 1200},
        "itemLocation": {"country": "GB", "postalCode": "SW1***"},
        "image": {"imageUrl": f"https://img.example/{number}/s-l225.jpg"},
        "buyingOptions": ["FIXED_PRICE"],
        "itemWebUrl": server.url(f"/itm/{number}?hash=item3f:g:{title[:3]}&amdata=enc"),
        "itemCreationDate": "2026-11-20T10:00:00.000Z",
        **changes,
    }


@dataclass
class Ebay:
    """What is on offer, by number; `faults` answer a path instead."""

    server: MarketServer
    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    listed: list[int] = field(default_factory=list)
    page_size: int = 200
    tokens: int = 0
    faults: dict[str, Reply] = field(default_factory=dict)
    seen_headers: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.routes["/identity/v1/oauth2/token"] = self._token
        self.server.routes["/buy/browse/v1/item_summary/search"] = self._search
        self.server.routes["/buy/browse/v1/item/get_item_by_legacy_id"] = self._legacy

    def offer(self, number: int, title: str, **changes: Any) -> None:
        self.items[number] = summary(self.server, number, title, **changes)
        self.listed.insert(0, number)
        self.server.routes[f"/buy/browse/v1/item/v1%7C{number}%7C0"] = self._item

    def calls(self) -> list[str]:
        """What was asked of the API after the token, in short."""
        return [unquote(one).removeprefix("/buy/browse/v1/") for one in self.server.targets() if "/browse/" in one]

    def _token(self, asked: Asked) -> Reply:
        given = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode())
        if b"Basic " + given not in asked.head:
            told = {"error": "invalid_client", "error_description": "client authentication failed"}
            return answer(told, status="401 Unauthorized")
        self.tokens += 1
        return answer({"access_token": TOKEN, "expires_in": 7200, "token_type": "Application Access Token"})

    def _refused(self, asked: Asked) -> Reply | None:
        if f"Bearer {TOKEN}".encode() not in asked.head:
            return answer({"errors": [{"errorId": 1001, "message": "Invalid access token"}]}, status="401 Unauthorized")
        return next((fault for path, fault in self.faults.items() if path in asked.target), None)

    def _search(self, asked: Asked) -> Reply:
        if refused := self._refused(asked):
            return refused
        self.seen_headers.append(asked.head)
        wanted = {name: values[0] for name, values in parse_qs(urlsplit(asked.target).query).items()}
        offset = int(wanted["offset"]) // int(wanted["limit"]) * self.page_size
        found = [one for one in self.listed if wanted["q"] in self.items[one]["title"].lower()]
        given: dict[str, Any] = {"href": self.server.url(asked.target), "total": len(found), "limit": 200}
        if found[offset : offset + self.page_size]:
            given["itemSummaries"] = [self.items[one] for one in found[offset : offset + self.page_size]]
        if found[offset + self.page_size :]:
            given["next"] = self.server.url("/buy/browse/v1/item_summary/search?offset=more")
        return answer(given)

    def _item(self, asked: Asked) -> Reply:
        return self._refused(asked) or self._details(int(unquote(asked.target).split("|")[1]))

    def _legacy(self, asked: Asked) -> Reply:
        return self._refused(asked) or self._details(int(asked.target.rpartition("=")[2]))

    def _details(self, number: int) -> Reply:
        if number not in self.items:
            told = {"errors": [{"errorId": 11001, "message": "The specified item Id was not found."}]}
            return answer(told, status="404 Not Found")
        item = json.loads(json.dumps(self.items[number]))
        item["description"] = f"<div><script>track()</script><p>{item['title']}, as found.</p></div>"
        item["image"] = {"imageUrl": f"https://img.example/{number}/s-l1600.jpg"}
        item["additionalImages"] = [{"imageUrl": f"https://img.example/{number}b/s-l1600.jpg"}]
        item["localizedAspects"] = [
            {"type": "STRING", "name": "Provenance", "value": "Ownership History Not Available"}
        ]
        item["estimatedAvailabilities"] = [{"estimatedAvailabilityStatus": "IN_STOCK"}]
        return answer(item)
