"""Which layer the processor's time goes to: a sample of the stack every few milliseconds of CPU, named by its file.

A sample belongs to the innermost frame whose file tells a layer; libraries that serve several layers (SQLAlchemy,
lxml, the standard library) tell none and count for whoever called them.
"""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY_SECONDS = 0.002
ROOT = Path(__file__).resolve().parent.parent
OURS = (
    ("crawler/extraction/", "extraction"),
    ("spiders/", "extraction"),
    ("markets/", "extraction"),
    ("classifiers/", "classification"),
    ("evidence/", "record, hash, gzip"),
    ("storage/frontier.py", "frontier"),
    ("storage/", "storage"),
    ("crawler/", "fetch"),
)
THEIRS = (
    ("/aiohttp/", "fetch"),
    ("/yarl/", "fetch"),
    ("/asyncio/", "fetch"),
    ("/scrapy/", "Scrapy and Twisted"),
    ("/twisted/", "Scrapy and Twisted"),
)
LAYERS = (*dict.fromkeys(name for _, name in (*OURS, *THEIRS)), "start and other")


class LayerSampler:
    """Counts samples in the main thread between `start` and `stop`."""

    def __init__(self) -> None:
        self.samples: Counter[str] = Counter()
        self._layers: dict[str, str | None] = {}

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)

    def stop(self) -> dict[str, float]:
        """Each layer's share of all samples."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        total = sum(self.samples.values()) or 1
        return {layer: self.samples[layer] / total for layer in LAYERS}

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        while frame is not None:
            path = frame.f_code.co_filename
            if path not in self._layers:
                self._layers[path] = layer_of(path)
            if (layer := self._layers[path]) is not None:
                self.samples[layer] += 1
                return
            frame = frame.f_back
        self.samples["start and other"] += 1


def layer_of(path: str) -> str | None:
    """The layer that a source file stands for, None where it serves several."""
    if path.startswith(str(ROOT)) and "site-packages" not in path:
        inside = path.removeprefix(f"{ROOT}/")
        return next((layer for start, layer in OURS if inside.startswith(start)), None)
    return next((layer for part, layer in THEIRS if part in path), None)
