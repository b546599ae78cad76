"""Which layer the processor's time goes to: a sample of the stack every few milliseconds of CPU, named by its file.

A sample belongs to the innermost frame whose file tells a layer; libraries that serve several layers (SQLAlchemy,
lxml, the standard library) tell none and count for whoever called them. Only samples of the running loop are shared
out: what is read and made before it, and put away after it, is no page's cost, as in the ratio.
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
    ("spiders/", "walk"),
    ("markets/", "walk"),
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
LAYERS = (*dict.fromkeys(name for _, name in (*OURS, *THEIRS)), "other")
LOOP = "/twisted/internet/asyncioreactor.py"
"""Its `run` lies beneath every callback of a running crawl."""


class LayerSampler:
    """Counts samples in the main thread between `start` and `stop`."""

    def __init__(self) -> None:
        self.samples: Counter[str] = Counter()
        self._layers: dict[str, str | None] = {}

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)

    def stop(self) -> dict[str, float]:
        """Each layer's share of the samples of the running loop."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        total = sum(self.samples.values()) or 1
        return {layer: self.samples[layer] / total for layer in LAYERS}

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        found: str | None = None
        while frame is not None:
            code = frame.f_code
            if code.co_name == "run" and code.co_filename.endswith(LOOP):
                self.samples[found or "other"] += 1
                return
            if found is None:
                path = code.co_filename
                if path not in self._layers:
                    self._layers[path] = layer_of(path)
                found = self._layers[path]
            frame = frame.f_back


def layer_of(path: str) -> str | None:
    """The layer that a source file stands for, None where it serves several."""
    if path.startswith(str(ROOT)) and "site-packages" not in path:
        inside = path.removeprefix(f"{ROOT}/")
        return next((layer for start, layer in OURS if inside.startswith(start)), None)
    return next((layer for part, layer in THEIRS if part in path), None)
