"""The kinds of value that the API takes and gives, and pages of long lists with a cursor to the next."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from review.api.problems import Refusal

Item = TypeVar("Item")
GREATEST_ID = 2**63 - 1
MOST_ITEMS = 200
MOST_CURSOR = 2000


def _whole(text: str) -> str:
    if any(0xD800 <= ord(one) <= 0xDFFF for one in text):
        raise PydanticCustomError("half_a_character", "The text holds half of a character.")
    return text


PlainText = Annotated[str, Field(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"), AfterValidator(_whole)]
"""Text that every database can keep: no NUL and other control characters, no halves of characters."""
Line = Annotated[PlainText, Field(max_length=200)]
RowId = Annotated[int, Field(ge=1, le=GREATEST_ID)]
Reference = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9-]+$")]
"""Of a case."""
Key = Annotated[str, Field(min_length=8, max_length=100, pattern=r"^[\x21-\x7e]+$")]
"""Made by the caller, new for each act: sent twice, the act is done once."""
Cursor = Annotated[str, Field(max_length=MOST_CURSOR, description="`next_cursor` of the page before.")]
Limit = Annotated[int, Field(ge=1, le=MOST_ITEMS, description="At most so many items.")]


class Asked(BaseModel):
    """Query parameters: what is not among them is refused, never overlooked."""

    model_config = ConfigDict(extra="forbid")


class PageAsked(Asked):
    """Which page of a long list."""

    cursor: Cursor | None = None
    limit: Limit = 50


class Sent(BaseModel):
    """A body in JSON: no unknown members, no number for a text."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Shown(BaseModel):
    """A record as the API gives it, read off a row or a record of a storage function."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Item]):
    """Some items of a long list. What comes in while you read on neither repeats an item nor hides one."""

    items: list[Item]
    next_cursor: str | None = Field(None, description="Ask for the next page with it; null: this is the last.")


def page_of(rows: Sequence[Any], limit: int, place: Callable[[Any], tuple[Any, ...]]) -> dict[str, Any]:
    """A page out of `limit` + 1 rows that were asked for; `place(last row)` is what its cursor remembers."""
    shown = list(rows[:limit])
    return {"items": shown, "next_cursor": to_cursor(*place(shown[-1])) if len(rows) > limit else None}


def to_cursor(*values: Any) -> str:
    """What a list needs to go on, opaque to the caller."""
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def from_cursor(cursor: str | None, *kinds: type[Any] | tuple[type[Any], ...]) -> list[Any] | None:
    """The values of a cursor, None without one. Raises Refusal for what is no cursor of this list."""
    if cursor is None:
        return None
    try:
        values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Refusal(400, "cursor") from error
    fits = isinstance(values, list) and len(values) == len(kinds)
    if not fits or not all(_is(value, kind) for value, kind in zip(values, kinds, strict=True)):
        raise Refusal(400, "cursor")
    return list(values)


def _is(value: Any, kind: type[Any] | tuple[type[Any], ...]) -> bool:
    """JSON has no way to say more than 64 bits to a database; nor is `true` a number here."""
    if isinstance(value, bool) or not isinstance(value, kind):
        return False
    return not isinstance(value, int) or 0 <= value <= GREATEST_ID
