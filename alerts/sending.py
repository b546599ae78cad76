"""How a message can fail to be sent: for now, for good, or so that nobody knows."""

from __future__ import annotations

from crawler.errors import RelicwatchError


class NotSent(RelicwatchError):
    """The other side does not have it; trying later may help."""


class Refused(RelicwatchError):
    """The other side does not take it, and will not later."""


class AnswerLost(RelicwatchError):
    """It was handed over, and no answer came: the other side may have it or not."""
