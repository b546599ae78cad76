"""Who a bundle is for: what each recipient gets, what is left out of their copy, and what the cover says. # EV-42

Who gets what follows the working rules of referrals: pictures and text for an expert, no intelligence for a platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from crawler.errors import UsageError
from evidence.redaction import Part

RecipientName = Literal["police", "customs", "ministry", "platform", "expert", "unit"]
UNIT: RecipientName = "unit"
"""Another installation of relicwatch, which goes on with the case: it is told of objects too."""
REDACTED: frozenset[Part] = frozenset(("seller", "captures", "custody"))
"""What `--redact` leaves out for whomever; contacts within texts are blacked out too. The log quotes people's words on
sellers, and each entry stands by its hash: no word can be taken out of it."""
REQUEST_FORMAT = "relicwatch-request-1"
MOST_WORDS = 4000
"""Characters of what a sender writes on the cover."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One kind of recipient; the words by language."""

    key: RecipientName
    withheld: frozenset[Part]
    name: Mapping[str, str]
    gets: Mapping[str, str]
    """One sentence on what they are given."""
    ask: Mapping[str, str]
    """What is asked of them where the sender says nothing else."""
    note: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Request:
    """What the sender puts on the cover. Raises UsageError for words that no cover holds."""

    recipient: RecipientName | None = None
    reference: str | None = None
    asked: str | None = None
    handling: str | None = None
    """Handling mark, as the sender's rules name it."""
    redact: bool = False

    def __post_init__(self) -> None:
        for label, text in (("--reference", self.reference), ("--asked", self.asked), ("--handling", self.handling)):
            if text is not None and not 0 < len(text.strip()) <= MOST_WORDS:
                raise UsageError(f"{label} has to hold words, {MOST_WORDS} characters at most.")
        if self.recipient is not None and self.recipient not in recipients():
            raise UsageError(f"{self.recipient!r} is no recipient: name one of {', '.join(recipients())}.")

    @property
    def withheld(self) -> frozenset[Part]:
        """What is left out of the copy that is handed over; nothing: the bundle itself is handed over."""
        own = recipients()[self.recipient].withheld if self.recipient else frozenset[Part]()
        return own | (REDACTED if self.redact else frozenset())

    def as_record(self, sender: str) -> dict[str, Any]:
        """The content of `data/request.json`."""
        return {"format": REQUEST_FORMAT, "sender": sender, **asdict(self)}


@cache
def recipients() -> dict[str, Recipient]:
    """Every kind of recipient, by its name in the command."""
    told = yaml.safe_load((Path(__file__).parent / "recipients.yaml").read_text("utf-8"))
    return {
        key: Recipient(
            cast(RecipientName, key),
            frozenset(one["withheld"]),
            one["name"],
            one["gets"],
            one["ask"],
            one["note"],
        )
        for key, one in told.items()
    }
