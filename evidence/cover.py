"""The cover sheet of a bundle that is handed over: for whom, from whom, what is asked, how urgent, what was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from evidence.item import utc
from evidence.recipients import Recipient, Request, recipients
from storage.registers import list_matches, list_registers


@dataclass(frozen=True, slots=True)
class Checks:
    """What was looked up in missing-object registers. "No match" is not clearance."""

    registers: Sequence[dict[str, Any]]
    """The lists compared with: source, version, date."""
    candidates: dict[int, int]
    """Listing -> how many entries may be the same object, by the machine's comparison."""
    confirmed: dict[int, int]
    """Listing -> how many of those a person called the same."""


@dataclass(frozen=True, slots=True)
class Cover:
    request: Request
    sender: str
    """Who answers for the installation, with a contact."""
    made_at: datetime
    checks: Checks | None
    numbers: Mapping[str, int]
    """Number of an item in the bundle ("001") -> its listing."""
    case: Mapping[str, str] | None = None
    """Reference and title, told to a unit that carries the case on."""

    @property
    def recipient(self) -> Recipient | None:
        return recipients()[self.request.recipient] if self.request.recipient else None

    @property
    def record(self) -> dict[str, Any]:
        """The content of `data/request.json`."""
        record = self.request.as_record(self.sender) | {"made_at": utc(self.made_at)}
        return record | {"case": dict(self.case)} if self.case else record

    def local(self, moment: str) -> str:
        """A stored time (UTC) in the time of the computer that made the bundle, with its distance from UTC."""
        there = datetime.fromisoformat(moment).astimezone()
        return f"{there:%Y-%m-%d %H:%M} (UTC{there:%z})"


def look_up_checks(session: Session, listings: Sequence[int]) -> Checks:
    """What the registers gave for these listings."""
    candidates: dict[int, int] = {}
    confirmed: dict[int, int] = {}
    for listing in listings:
        found = list_matches(session, listing_id=listing)
        candidates[listing] = len(found)
        confirmed[listing] = sum(one["verdict"] == "same" for one in found)
    return Checks(list_registers(session), candidates, confirmed)
