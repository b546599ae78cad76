"""Lists of faults that a crafted bundle cannot make as long as it likes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MOST_FAULTS = 100
LONGEST_FAULT = 2000
"""Characters of a sentence; a name or number out of a bundle can be millions of them."""


class Faults:
    """Sentences on what is wrong: the first hundred in words, the rest as a number."""

    def __init__(self, sentences: Iterable[str] = ()) -> None:
        self._kept: list[str] = []
        self.count = 0
        self.extend(sentences)

    def append(self, sentence: str) -> None:
        self.count += 1
        if len(self._kept) < MOST_FAULTS:
            self._kept.append(_shortened(sentence))

    def extend(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            self.append(sentence)

    def __iadd__(self, sentences: Iterable[str]) -> Faults:
        self.extend(sentences)
        return self

    def __iter__(self) -> Iterator[str]:
        yield from self._kept
        if self.count > MOST_FAULTS:
            yield f"and {self.count - MOST_FAULTS} more faults of this check"

    def __bool__(self) -> bool:
        return self.count > 0


def _shortened(sentence: str) -> str:
    if len(sentence) <= LONGEST_FAULT:
        return sentence
    half = LONGEST_FAULT // 2
    return f"{sentence[:half]}[...]{sentence[-half:]}"
