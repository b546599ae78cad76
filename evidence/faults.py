"""Faults by rule, in lists that a crafted bundle cannot make as long as it likes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from crawler.errors import RelicwatchError

MOST_FAULTS = 100
LONGEST_FAULT = 2000
"""Characters of a sentence; a name or number out of a bundle can be millions of them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One departure from a rule."""

    rule: str
    """A name of `evidence.rules.RULES`."""
    sentence: str
    file: str = ""
    """Path in the bundle, or the bundle's own name; empty until the place is known."""

    def __str__(self) -> str:
        return f"{self.file}: {self.rule}: {self.sentence}" if self.file else f"{self.rule}: {self.sentence}"


class RuleBroken(RelicwatchError):
    """What cannot be read any further, and the rule that it breaks."""

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(sentence)
        self.rule = rule

    def fault(self, file: str = "") -> Fault:
        return Fault(self.rule, str(self), file)


class Faults:
    """What is wrong: the first hundred in words, the rest as a number."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._kept: list[Fault] = []
        self._last: Fault | None = None
        self.count = 0
        self.extend(faults)

    def append(self, rule: str, sentence: str, file: str = "") -> None:
        self._add(Fault(rule, sentence, file))

    def extend(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self._add(fault)

    def __iadd__(self, faults: Iterable[Fault]) -> Faults:
        self.extend(faults)
        return self

    def __iter__(self) -> Iterator[Fault]:
        yield from self._kept
        if self.count > MOST_FAULTS and self._last is not None:
            yield replace(self._last, sentence=f"and {self.count - MOST_FAULTS} more faults of this check")

    def __bool__(self) -> bool:
        return self.count > 0

    def _add(self, fault: Fault) -> None:
        self.count += 1
        short = replace(fault, sentence=_shortened(fault.sentence), file=_shortened(fault.file))
        if len(self._kept) < MOST_FAULTS:
            self._kept.append(short)
        self._last = short


def in_file(file: str, faults: Iterable[Fault]) -> Iterator[Fault]:
    """The same, in this file; a fault of a file within it tells that file in its sentence."""
    for fault in faults:
        inner = f"{fault.file}: {fault.sentence}" if fault.file else fault.sentence
        yield Fault(fault.rule, inner, file)


def _shortened(text: str) -> str:
    """Of bounded length, and fit for UTF-8: JSON can name half a character."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) <= LONGEST_FAULT:
        return text
    half = LONGEST_FAULT // 2
    return f"{text[:half]}[...]{text[-half:]}"
