"""One token for many captures: a tree of their hashes is stamped, and each keeps its path to the root.

As RFC 9162 section 2.1 has it: a leaf is SHA-256 of 0x00 and the bytes, a node SHA-256 of 0x01 and its two children, so
that no node can be passed off as a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """The neighbour on the way up, and the side it stands on."""

    side: str
    """left or right."""
    sha256: str


def leaf_hash(sha256: str) -> str:
    """Of a capture's SHA-256 in hexadecimal."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(sha256)).hexdigest()


def _node(left: str, right: str) -> str:
    return hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def root_and_paths(digests: Sequence[str]) -> tuple[str, list[list[Step]]]:
    """The root over these SHA-256 (one at least, in their order) and each one's path up."""
    if not digests:
        raise ValueError("a tree needs a leaf")
    level = [leaf_hash(one) for one in digests]
    places = list(range(len(digests)))
    paths: list[list[Step]] = [[] for _ in digests]
    while len(level) > 1:
        for leaf, place in enumerate(places):
            neighbour = place ^ 1
            if neighbour < len(level):
                paths[leaf].append(Step("right" if neighbour > place else "left", level[neighbour]))
            places[leaf] = place // 2
        level = [
            _node(level[place], level[place + 1]) if place + 1 < len(level) else level[place]
            for place in range(0, len(level), 2)
        ]
    return level[0], paths


def root_of(sha256: str, path: Sequence[Step]) -> str:
    """The root that a capture's SHA-256 leads up to by its path."""
    found = leaf_hash(sha256)
    for step in path:
        found = _node(step.sha256, found) if step.side == "left" else _node(found, step.sha256)
    return found
