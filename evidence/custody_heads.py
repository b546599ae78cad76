"""Heads of the audit log, kept outside the database: what stood last in every chain, signed and stamped each day.

The log's hash chains show a change to whoever can compare them with something older. A head is that: whoever later
cuts entries off a chain's end, or rewrites it, no longer agrees with a signed and stamped file on another disk.
Each head names the one before by its SHA-256, so that none can be taken out of their row. # EV-33
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from crawler.errors import RelicwatchError
from crawler.home import Home
from evidence.authorities import load_authorities, roots_pem
from evidence.signing import (
    SignatureInvalid,
    keep_certificate,
    load_signing_key,
    own_certificates,
    sign_detached,
    verify_detached,
)
from evidence.stamp_token import StampRefused, certificates_in, check_stamp
from evidence.thumbnails import sync_directory
from storage.audit import AuditChain
from storage.audit_chains import CUSTODY_HEAD, chain_ends, hashes_at, log_faults
from storage.database import Database
from storage.stamps import references, stamps_of, want_stamps
from storage.tables import utc_now

FORMAT = "relicwatch-custody-head-1"
COPIES = "RELICWATCH_CUSTODY_HEADS"
"""Environment: a second directory for the heads, best on another machine."""
_SIGNATURE = ".p7s"
_STAMP = ".tsr"
_ROOTS = ".pem"


class HeadsDamaged(RelicwatchError):
    """A head cannot be made after the ones that are there; the sentence says what to look at."""


@dataclass(frozen=True, slots=True)
class Head:
    path: Path
    sha256: str
    content: Mapping[str, Any]


@dataclass(slots=True)
class CustodyReport:
    entries: int = 0
    chains: int = 0
    heads: int = 0
    stamped: int = 0
    """Heads with a token that holds."""
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a reader must know of what holds."""


def make_head(database: Database, home: Home, *, chain: AuditChain, actor: str) -> Head:
    """Write the next head, signed; its stamp is asked for by the stamp job. Raises HeadsDamaged, SigningError.

    The file comes before its row: a kill between the two leaves a head that the next one names, never a row without
    its head.
    """
    key = load_signing_key(home)
    keep_certificate(home, key)
    directory = home.custody_heads
    before = read_heads(directory)
    told = _newest_told(before)
    with database.reading() as session:
        ends = [end for end in chain_ends(session) if told.get(end.chain) != (end.sequence, end.hash)]
    made_at = utc_now()
    content = {
        "format": FORMAT,
        "made_at": made_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "signer": key.fingerprint,
        "previous_head": before[-1].sha256 if before else None,
        "chains": [{"chain": end.chain, "sequence": end.sequence, "hash": end.hash} for end in ends],
    }
    data = (json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()
    name = f"{made_at:%Y%m%dT%H%M%S}{made_at.microsecond:06d}Z.json"
    signature = sign_detached(key, data).pem
    for place in _places(home):
        _write_once(place / (name + _SIGNATURE), signature)
        _write_once(place / name, data)
    head = Head(directory / name, hashlib.sha256(data).hexdigest(), content)
    authorities = [one.name for one in load_authorities(home)]
    with database.transaction() as session:
        rowless = [one for one in before if one.path.name not in references(session, CUSTODY_HEAD)]
        for one in [*rowless, head]:  # a kill may have left a head without its row
            want_stamps(
                session, kind=CUSTODY_HEAD, reference=one.path.name, data=one.path.read_bytes(), authorities=authorities
            )
        chain.record(
            session,
            actor=actor,
            action="custody head made",
            object_kind="custody_head",
            object_id=name,
            details={"sha256": head.sha256, "chains": len(ends)},
        )
    return head


def write_stamps(database: Database, home: Home) -> int:
    """Put the tokens that have come beside their heads, in every place; how many were new.

    With each lie the certificates it was judged by: the authority may be taken out of the configuration later.
    """
    written = 0
    roots = {one.name: roots_pem(one) for one in load_authorities(home)}
    with database.reading() as session:
        for head in read_heads(home.custody_heads):
            for _, stamps in stamps_of(session, kind=CUSTODY_HEAD, reference=head.path.name):
                for stamp in stamps:
                    if stamp.answer is None:
                        continue
                    for place in _places(home):
                        target = place / f"{head.path.name}.{stamp.authority}{_STAMP}"
                        if not target.exists():
                            _write_once(target, stamp.answer)
                            written += 1
                        kept = target.with_name(target.name + _ROOTS)
                        if stamp.authority in roots and not kept.exists():
                            _write_once(kept, roots[stamp.authority])
    return written


def read_heads(directory: Path) -> list[Head]:
    """Every head of a directory, oldest first. Raises HeadsDamaged where one cannot be read."""
    found = []
    for path in sorted(directory.glob("*.json")):
        data = path.read_bytes()
        try:
            content = json.loads(data)
            ends = [(str(one["chain"]), int(one["sequence"]), str(one["hash"])) for one in content["chains"]]
            if content["format"] != FORMAT or not all(ends):
                raise ValueError("another format")
        except (ValueError, KeyError, TypeError) as error:
            raise HeadsDamaged(f"{path} is no head of the audit log ({error}): bring it back from its copy.") from error
        found.append(Head(path, hashlib.sha256(data).hexdigest(), content))
    return found


def verify_custody(database: Database, home: Home, heads: Path | None = None) -> CustodyReport:
    """Recompute every chain, and compare the log with the heads in `heads` (else the home's). # EV-32, EV-33

    Edit, reorder and deletion show in the chains; entries cut off a chain's end, a chain taken out whole, and a history
    made anew from some point on show against the heads.
    """
    report = CustodyReport()
    directory = heads or home.custody_heads
    certificates = own_certificates(home)
    authorities = {one.name: one.roots for one in load_authorities(home)}
    try:
        there = read_heads(directory)
    except HeadsDamaged as error:
        report.faults.append(str(error))
        there = []
    report.heads = len(there)
    previous: str | None = None
    for head in there:
        report.faults += _head_faults(head, previous, certificates)
        previous = head.sha256
        # a list: each authority's stamp is looked at, also after one that holds
        report.stamped += any(list(_stamp_holds(head, authorities, report)))
    with database.reading() as session:
        report.faults += log_faults(session)
        ends = chain_ends(session)
        report.chains, report.entries = len(ends), sum(end.sequence for end in ends)
        told = [(head, one) for head in there for one in head.content["chains"]]
        standing = hashes_at(session, [(one["chain"], one["sequence"]) for _, one in told])
        known = references(session, CUSTODY_HEAD)
    for head, one in told:
        place = (one["chain"], one["sequence"])
        if place not in standing:
            report.faults.append(
                f"{head.path.name}: entry {one['sequence']} of chain {one['chain']} stood in the log on "
                f"{head.content['made_at']} and is gone: entries were cut off"
            )
        elif standing[place] != one["hash"]:
            report.faults.append(
                f"{head.path.name}: entry {one['sequence']} of chain {one['chain']} is another than on "
                f"{head.content['made_at']}: the log was rewritten"
            )
    if heads is None:
        gone = known - {head.path.name for head in there}
        report.faults += [f"{name}: the log tells of this head, and {directory} lacks it" for name in sorted(gone)]
    return report


def _head_faults(head: Head, previous: str | None, certificates: Mapping[str, x509.Certificate]) -> Iterator[str]:
    """`certificates`: of this installation, the former ones too; the head names the one it was signed with."""
    if head.content.get("previous_head") != previous:
        yield f"{head.path.name}: does not follow the head before it: a head was taken out or put in"
    signature = head.path.with_name(head.path.name + _SIGNATURE)
    certificate = certificates.get(signer := str(head.content.get("signer")))
    if certificate is None:
        yield (
            f"{head.path.name}: signed with the certificate {signer}, which is none of this installation's: if it was, "
            "put it back into keys/certificates"
        )
        return
    try:
        verify_detached(signature.read_bytes(), head.path.read_bytes(), certificate)
    except OSError:
        yield f"{signature.name}: the head's signature is missing"
    except SignatureInvalid as error:
        yield f"{head.path.name}: {error}"


def _stamp_holds(
    head: Head, authorities: Mapping[str, tuple[x509.Certificate, ...]], report: CustodyReport
) -> Iterator[bool]:
    made_at = datetime.fromisoformat(str(head.content["made_at"]))
    for path in sorted(head.path.parent.glob(f"{head.path.name}.*{_STAMP}")):
        name = path.name[len(head.path.name) + 1 : -len(_STAMP)]
        try:
            roots = authorities[name] if name in authorities else _roots_beside(path)
            stamp = check_stamp(path.read_bytes(), head.path.read_bytes(), roots, name=name, own_time=made_at)
        except (StampRefused, OSError, ValueError) as error:
            beside = path.name + _ROOTS
            unjudged = name not in authorities and not path.with_name(beside).exists()
            if unjudged and isinstance(error, StampRefused) and error.fault(path.name).rule == "stamp.chain":
                report.notes.append(
                    f"{path.name}: the authority {name} is no longer configured, and its stamp cannot be judged until "
                    f"its certificates lie beside it as {beside}"
                )
            else:
                report.faults.append(f"{path.name}: {error}")
            continue
        if name not in authorities:
            report.notes.append(
                f"{path.name}: the authority {name} is no longer configured; its stamp was judged by the certificates "
                "that lie beside it"
            )
        yield stamp.gen_time is not None


def _roots_beside(path: Path) -> tuple[x509.Certificate, ...]:
    """Those kept with a token. A token from before they were kept is judged by those it carries itself."""
    beside = path.with_name(path.name + _ROOTS)
    if beside.exists():
        return tuple(x509.load_pem_x509_certificates(beside.read_bytes()))
    return tuple(certificates_in(path.read_bytes()))


def _places(home: Home) -> list[Path]:
    copies = os.environ.get(COPIES)
    return [home.custody_heads, *([Path(copies)] if copies else [])]


def _newest_told(heads: Sequence[Head]) -> dict[str, tuple[int, str]]:
    return {one["chain"]: (one["sequence"], one["hash"]) for head in heads for one in head.content["chains"]}


def _write_once(path: Path, data: bytes) -> None:
    """On disk before it is returned, read-only, never over another."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_directory(path.parent)
    except OSError as error:
        raise HeadsDamaged(f"The head {path} cannot be written ({error.strerror}): see to its place.") from error
