"""Whether the entries of custody.json match their hashes, and these follow from one another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from evidence.faults import Fault
from evidence.item_check import moment_of, number_of

_FIRST = "0" * 64
"""What the first entry of a chain has for its previous hash."""


def custody_faults(events: list[dict[str, Any]], links: list[dict[str, Any]]) -> Iterator[Fault]:
    hashes: dict[tuple[str, int], tuple[Any, Any]] = {}
    previous: dict[str, tuple[int, Any]] = {}
    ends: dict[str, tuple[int, int]] = {}
    for link in links:
        chain, sequence = str(link.get("chain")), number_of(link.get("sequence"))
        if sequence < 1 or (sequence == 1) is not (link.get("previous_hash") == _FIRST):
            yield Fault(
                "custody.chain",
                f"the link to entry {sequence} of chain {chain} is no first one, or is one in its place",
            )
        ends[chain] = (min(sequence, ends.get(chain, (sequence,))[0]), sequence)
        if chain in previous and (sequence - 1, link.get("previous_hash")) != previous[chain]:
            yield Fault(
                "custody.chain", f"the link to entry {sequence} of chain {chain} does not follow from the one before"
            )
        previous[chain] = (sequence, link.get("hash"))
        hashes[chain, sequence] = (link.get("previous_hash"), link.get("hash"))
    shown: set[tuple[str, int]] = set()
    times: list[datetime] = []
    for event in events:
        entry = {key: value for key, value in event.items() if key != "hash"}
        place = str(event.get("chain")), number_of(event.get("sequence"))
        where = f"entry {place[1]} of chain {place[0]}"
        if _hash_of(entry) != event.get("hash"):
            yield Fault("custody.hash", f"{where} does not match its hash")
        if hashes.get(place) != (event.get("previous_hash"), event.get("hash")):
            yield Fault("custody.chain", f"{where} has no place in its chain")
        if place in shown:
            yield Fault("custody.form", f"{where} stands there twice")
        shown.add(place)
        times += [moment] if (moment := moment_of(event.get("at"))) else []
    if len(times) != len(events) or times != sorted(times):
        yield Fault("custody.form", "its entries are not in order of time")
    for chain, limits in ends.items():
        for sequence in sorted({*limits}):
            if (chain, sequence) not in shown:
                yield Fault("custody.chain", f"entry {sequence} of chain {chain}, an end of the links, is not shown")


def _hash_of(entry: dict[str, Any]) -> str | None:
    """As the log computes it; None for what no log can have written."""
    try:
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
    except (ValueError, RecursionError):
        return None
