"""Pages on disk to records: the core of `relicwatch extract --batch`, with no network and no database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from crawler.errors import RelicwatchError
from crawler.extraction.page import extract_page
from crawler.items import ExtractedPage


class ManifestError(RelicwatchError):
    """The manifest is missing or one of its lines is not what it must be."""


def extract_batch(manifest: Path) -> Iterator[dict[str, Any]]:
    """One record for every line of the manifest, in its order; an unreadable page gives {"error": ...}.

    A line is a JSON object {"path", "url", "charset"}; relative paths start at the manifest's directory. Raises
    ManifestError, naming file and line, before the first page is read.
    """
    for path, url, charset in _entries(manifest):
        try:
            body = path.read_bytes()
        except OSError as error:
            yield {"path": str(path), "url": url, "error": f"{path} cannot be read: {error.strerror}."}
            continue
        yield page_as_json(extract_page(body, url, charset=charset))


def _entries(manifest: Path) -> list[tuple[Path, str, str | None]]:
    try:
        lines = manifest.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(
            f"The manifest {manifest} cannot be read ({error}): name a UTF-8 file, one JSON object a line."
        ) from error
    return [_entry(manifest, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _entry(manifest: Path, number: int, line: str) -> tuple[Path, str, str | None]:
    place = f"{manifest}, line {number}"
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise ManifestError(
            f'{place}: no JSON ({error}); write {{"path": ..., "url": ..., "charset": ...}}.'
        ) from error
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str) or not entry["path"]:
        raise ManifestError(
            f'{place}: "path" is missing or no text; write {{"path": ..., "url": ..., "charset": ...}}.'
        )
    for name in ("url", "charset"):
        if entry.get(name) is not None and not isinstance(entry[name], str):
            raise ManifestError(f'{place}: "{name}" is no text.')
    return manifest.parent / entry["path"], entry.get("url") or "", entry.get("charset") or None


def page_as_json(page: ExtractedPage) -> dict[str, Any]:
    """The page as plain JSON values: money as text in full precision, times in ISO 8601."""
    return {
        "url": page.url,
        "kind": page.kind,
        "title": page.title,
        "description": page.description,
        "price": _amount(page.price),
        "currency": page.currency,
        "estimate_low": _amount(page.estimate_low),
        "estimate_high": _amount(page.estimate_high),
        "starting_bid": _amount(page.starting_bid),
        "current_bid": _amount(page.current_bid),
        "bids": page.bids,
        "size": page.size,
        "dimensions": [{"kind": one.kind, "mm": _amount(one.millimetres)} for one in page.dimensions],
        "weight_grams": _amount(page.weight_grams),
        "seller": page.seller,
        "seller_url": page.seller_url,
        "images": page.images,
        "location": page.location,
        "ends_at": page.ends_at.isoformat() if page.ends_at else None,
        "lot_number": page.lot_number,
        "native_id": page.native_id,
        "availability": page.availability,
        "canonical_url": page.canonical_url,
        "language": page.language,
        "listing_urls": page.listing_urls,
        "next_url": page.next_url,
        "sources": page.sources,
        "problems": page.problems,
    }


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
