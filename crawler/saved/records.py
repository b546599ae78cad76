"""What the readers of saved files hand on: pages, chat messages and pictures, each with its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crawler.errors import RelicwatchError

LARGEST_PICTURE = 40 << 20
"""Bytes of one photograph; a larger one is not taken out of its file."""


class SavedFault(RelicwatchError):
    """A saved file, or a part of it, cannot be read; the sentence names the part and says what to do."""


@dataclass(slots=True)
class SavedPage:
    """A page or a JSON answer, with the pictures that were saved with it."""

    url: str | None
    """Where it was saved from, as the browser noted in the file; None where it did not."""
    body: bytes
    content_type: str | None = None
    charset: str | None = None
    place: str = ""
    """Where in the file it stands; empty where it is the file."""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """By address."""
    is_main: bool = True
    """False for a page of an archive of many: it counts only where it looks like an offer."""
    own_url: str | None = None
    """Where the page says of itself that it stands; told as its word alone."""


@dataclass(slots=True)
class SavedMessage:
    """One message of a chat, or several of one sender that make one offer."""

    key: str
    """The same in every export of the same chat."""
    place: str
    sender: str
    shown_time: str
    """As the export writes it."""
    sent_at: datetime | None
    """Aware where the export says the zone; naive (the exporting phone's time) where it does not."""
    text: str
    pictures: list[str] = field(default_factory=list)
    """Names in the export of the photographs sent with it."""
    sender_id: str | None = None
    """The service's own id of the sender, where the export has one."""
    missing: list[str] = field(default_factory=list)
    """What was sent and is not in the export: file names, or the export's own words for it."""


@dataclass(slots=True)
class SavedChat:
    """A chat export: its messages in order, and how to get at a photograph named in them."""

    kind: str
    """whatsapp or telegram."""
    messages: list[SavedMessage]
    picture: Callable[[str], bytes]
    """Raises SavedFault for one that is not there or too large."""
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SavedScreenshot:
    """A picture of a screen, or a photograph, that is the whole file."""

    body: bytes
    suffix: str


Saved = list[SavedPage] | SavedChat | SavedScreenshot
