"""What a verification found, and how it is told to people and machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from evidence.faults import Fault, Faults

Status = Literal["valid", "invalid", "incomplete"]
EXIT_STATUS: dict[Status, int] = {"valid": 0, "invalid": 1, "incomplete": 3}
NOT_CHECKED = (
    "The times are those of the computer that captured: no trusted time stamp is included.",
    "That signer.crt belongs to the installation you think: anyone can make a whole bundle and sign it with a key of "
    "their own. Compare the fingerprint with the one that the operator tells you by another way (letter, telephone).",
    "Whether the holder of the key left entries out of the custody log: entries after the last one shown, or entries "
    "of which only the hash is shown.",
    "Whether index.html and custody.html say what item.json and custody.json say, and item.json what the page says: "
    "they are covered by the signature, not compared.",
    "What stands in one place alone and is the signer's word: when a listing was first seen, its number at the market, "
    "who collected it, the definition's hash, the moment of a decision, and what bag-info.txt tells of its stamps.",
    "Whether the server told the truth, and whether the object is what it is said to be.",
)
COPY_NOT_CHECKED = (
    "Whether the parts that are here stand so in the original: compare with --against ORIGINAL, or ask its holder to."
)
NOT_FROM_THE_SITE = (
    "Whether a saved file is what the site or the chat showed: a person handed it over, and it is kept as they did."
)
AUTHORITIES_NOT_CHECKED = (
    "Whether the timestamp authorities are ones that you trust: their certificates in signatures/authorities are this "
    "installation's choice. Compare them with what the authority publishes, or give your own with --trust."
)


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str


@dataclass(slots=True)
class Verification:
    """What was checked, what is wrong (file, rule, sentence) and what no check of this kind can show."""

    path: Path
    checks: list[Check] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    missing: list[Fault] = field(default_factory=list)
    """Parts without which nothing can be judged; they make a bundle incomplete where nothing else is wrong."""
    signer: str | None = None
    """Subject of signer.crt."""
    fingerprint: str | None = None
    stamped_at: list[str] = field(default_factory=list)
    """Trusted times of the bundle: when, and by whom."""
    signed_at: str | None = None
    """As the signer's own clock says."""
    demo: bool = False
    name: str | None = None
    """Of the bundle, as bag-info.txt says; the name of its file is anybody's choice."""
    unread: str | None = None
    """Why nothing was checked at all, in one sentence with what to do."""
    files: int = 0
    listings: int = 0
    records: int = 0
    copy_of: str | None = None
    """Where this is a copy with parts left out: id of the original and the SHA-256 of its tag manifest."""
    left_out: list[str] = field(default_factory=list)
    """Files of the original that the copy has not."""
    not_checked: tuple[str, ...] = NOT_CHECKED

    @property
    def status(self) -> Status:
        if self.faults:
            return "invalid"
        return "incomplete" if self.missing else "valid"

    @property
    def exit_status(self) -> int:
        return EXIT_STATUS[self.status]

    def note(self, name: str, faults: Iterable[Fault], detail: str) -> None:
        """Record one check with its faults: the first hundred in words, the rest as a number."""
        found = list(faults if isinstance(faults, Faults) else Faults(faults))
        self.faults += found
        self.checks.append(Check(name, not found, detail if not found else "; ".join(map(str, found))))

    def give_up(self, rule: str, sentence: str) -> None:
        """Record that the bundle cannot be read, and what to do."""
        self.missing.append(Fault(rule, sentence, self.path.name))
        self.checks.append(Check("package", False, sentence))


def report_lines(result: Verification) -> Iterator[str]:
    """The result as a person reads it. What a bundle says of itself cannot steer the terminal or start a line."""
    yield from map(_printable, _report(result))


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def _report(result: Verification) -> Iterator[str]:
    if result.unread:
        yield f"{result.status.upper()} {result.unread} ({result.missing[-1].rule})."
        return
    if result.copy_of:
        yield f"COPY with parts left out, of {result.copy_of}"
        for name in result.left_out:
            yield f"LEFT OUT {name}"
    if result.demo:
        yield "DEMO: make-believe listings; this bundle is evidence of nothing."
    for check in result.checks:
        yield f"{'ok  ' if check.ok else 'FAIL'} {check.name}" + (f": {check.detail}" if check.ok else "")
    for fault in [*result.faults, *result.missing]:
        yield f"FAULT {fault}"
    for sentence in result.not_checked:
        yield f"NOT CHECKED {sentence}"
    if result.fingerprint and result.status == "valid":
        yield f"COMPARE {result.fingerprint}"
        yield f"{result.name}: VALID, if this fingerprint is the one that the operator told you by another way"
    else:
        yield f"{result.path.name}: {result.status.upper()}"


def as_record(result: Verification) -> dict[str, Any]:
    """The result for machines: status, checks, each fault with file, rule and sentence."""
    return {"status": result.status, **asdict(result), "path": str(result.path)}
