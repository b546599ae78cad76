"""The keys by which a decision is made, the same on every page that takes one."""

from __future__ import annotations

from storage.decisions import DISMISSAL_REASONS, NEXT_STEPS, VERDICTS

VERDICT_KEYS = dict(zip(VERDICTS, "arou", strict=True))
STEP_KEYS = dict(zip(NEXT_STEPS, "fexd", strict=True))
REASON_KEYS = {reason: str(number) for number, reason in enumerate(DISMISSAL_REASONS, start=1)}
