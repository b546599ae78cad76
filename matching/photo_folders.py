"""`relicwatch photos match`: a folder of photos asked against another, with neither network nor database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import cv2
import faiss

from crawler.errors import RelicwatchError
from matching.links import Link
from matching.photo_matching import PhotoCollection
from matching.photo_reading import PhotoReader, PhotoUnreadable, read_photos


class PhotoFault(RelicwatchError):
    """A file of the two folders cannot be read as a photo; the others are matched all the same."""


def match_folders(
    query: Path, against: Path, tell: Callable[[PhotoFault], None], processes: int = 2
) -> Iterator[dict[str, Any]]:
    """A record for each file of `query` (a folder or one file), in the order of their names.

    `file`, `candidates` (best first: `file`, `score`, `reason`, `linked`, `parts`), `linked`: the files that are linked
    without a person, and `error` where the file cannot be read. Names are paths below the folders. A file that is in
    both is not its own candidate. What cannot be read is passed to `tell`.
    """
    cv2.setNumThreads(1)
    faiss.omp_set_num_threads(1)
    names, photos = [], []
    for path, found in read_photos(photo_paths(against), processes):
        if isinstance(found, PhotoUnreadable):
            tell(PhotoFault(f"{path} is not looked at: {found}."))
        else:
            names.append(path.relative_to(against).as_posix())
            photos.append(found)
    collection = PhotoCollection(names, photos)
    own = {os.path.realpath(against / name): name for name in names}
    base = query if query.is_dir() else query.parent
    readers: SimpleQueue[PhotoReader] = SimpleQueue()
    opened = [PhotoReader() for _ in range(processes)]
    for reader in opened:
        readers.put(reader)

    def ask(path: Path) -> tuple[dict[str, Any], PhotoFault | None]:
        reader = readers.get()
        name = path.relative_to(base).as_posix()
        itself = own.get(os.path.realpath(path))
        try:
            photo = reader.query_of(path)
            leave_out = frozenset([itself] if itself else [])
            links = collection.find(photo, lambda: reader.closer_look(path), leave_out)
        except PhotoUnreadable as error:
            fault = PhotoFault(f"{path} is not matched: {error}.")
            return {"file": name, "candidates": [], "linked": [], "error": str(error)}, fault
        finally:
            readers.put(reader)
        return as_record(name, links), None

    try:
        with ThreadPoolExecutor(processes) as threads:
            for record, fault in threads.map(ask, photo_paths(query)):
                if fault is not None:
                    tell(fault)
                yield record
    finally:
        for reader in opened:
            reader.close()


def photo_paths(place: Path) -> list[Path]:
    """The files below a folder in the order of their names, hidden ones left out; a file stands for itself.

    A link that leads nowhere is one too: it gets its line.
    """
    if not place.is_dir():
        return [place]
    return sorted(
        path
        for path in place.rglob("*")
        if (path.is_file() or (path.is_symlink() and not path.exists()))
        and not any(part.startswith(".") for part in path.relative_to(place).parts)
    )


def as_record(name: str, links: list[Link]) -> dict[str, Any]:
    """What the command prints about one query."""
    return {
        "file": name,
        "candidates": [
            {
                "file": link.other,
                "score": link.score,
                "linked": link.links,
                "reason": "; ".join(link.reasons),
                "parts": dict(link.parts),
            }
            for link in links
        ],
        "linked": [link.other for link in links if link.links],
    }
