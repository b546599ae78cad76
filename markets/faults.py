"""What is wrong with a market definition: one sentence a fault, each with file, line and field."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crawler.errors import RelicwatchError


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a definition. `field` is dotted (`search.url`); empty where the fault is the file's as a whole."""

    file: Path
    line: int | None
    field: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{where}: {self.field}: {self.reason}" if self.field else f"{where}: {self.reason}"


class DefinitionError(RelicwatchError):
    """A market definition is wrong; `faults` holds every fault found in it, and the text lists them line by line."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.line or 0, fault.field)))
        super().__init__("\n".join(str(fault) for fault in self.faults))
