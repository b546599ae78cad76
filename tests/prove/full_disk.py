"""A disk that is full at one place: the crawl says so and exits 1, and nothing is lost once there is space again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.prove.trial import Ground, Site, compare, examine, segment_of, tracing, wal_of

PLACES: dict[str, tuple[str, str, Callable[[Site], Path] | None]] = {
    "the segment, from its 4th record on": ("write", "4+", segment_of),
    "the segment, for one record": ("write", "5", segment_of),
    "the segment's fsync": ("fsync", "2+", segment_of),
    "a thumbnail's fsync and all after it": ("fsync", "2+", None),
    "the database, in the middle": ("pwrite64", "60+", wal_of),
    "the database's fsync": ("fdatasync", "9+", wal_of),
}
"""What is refused: the system call, from which number on (or only at which), and the file it counts for."""


def full_disk(ground: Ground, place: str) -> str:
    """Refuse with ENOSPC there, look at what is said, make space, crawl again, compare."""
    call, when, file = PLACES[place]
    site = ground.first.copy_to(ground.directory / f"full-{call}-{when.rstrip('+')}-{file.__name__ if file else 'all'}")
    ground.market.begin(1)
    log = site.home.root.with_suffix(".strace")
    paths = [file(site)] if file else []
    ended = site.crawl(tracing(log, f"{call}:error=ENOSPC:when={when}", calls=call, paths=paths))
    refused = log.read_text("utf-8", "replace").count("INJECTED")
    said = ended.err.strip()
    assert refused > 0, f"full disk, {place}: nothing was refused"
    assert ended.status == 1, (place, ended)
    assert said.startswith("relicwatch: ") and len(said.splitlines()) == 1, (place, said)
    assert "space" in said or "disk" in said, (place, said)
    again = site.crawl()
    assert again.status == 0, (place, again)
    found = examine(site)
    compare(found, ground.expected)
    shutil.rmtree(site.home.root)
    log.unlink()
    short = said.removeprefix("relicwatch: ").replace(str(site.home.root), "HOME")
    return f"full disk, {place}: refused {refused} times, exit 1, {short!r}; after space was made: same"
