"""Judging an RFC 3161 answer before it is believed; needs no network.

Only what an answer proves is kept as proof: it is over these bytes, it answers this request (nonce), it was signed by a
certificate for time stamping that leads up to a trusted root, under the wanted policy. A time that is far from the own
clock is kept and flagged: one of the two clocks is wrong, and that must be seen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from asn1crypto import tsp
from cryptography import x509
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from evidence.faults import RuleBroken

State = Literal["granted", "flagged"]
MOST_SKEW = timedelta(minutes=10)
"""Between the authority's time and the own clock; beyond it the token is flagged. # EV-22"""


class StampRefused(RuleBroken):
    """An answer proves nothing of these bytes: wrong imprint, nonce or policy, a signature that does not hold."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A token that holds."""

    authority: str
    answer: bytes
    """The TimeStampResp in DER, as `openssl ts -verify -in` takes it."""
    gen_time: datetime
    serial: str
    policy: str
    signer: str
    """Subject of the certificate that signed."""
    signer_until: datetime
    """When that certificate ends: before it, the token is to be stamped again. # EV-41"""
    own_time: datetime
    state: State
    problem: str | None
    """What a reader must know of a flagged one."""


def check_stamp(
    answer: bytes,
    data: bytes,
    roots: tuple[x509.Certificate, ...],
    *,
    name: str,
    policy: str | None = None,
    nonce: int | None = None,
    own_time: datetime | None = None,
) -> Stamp:
    """Judge an answer over `data`. `nonce` is known only where it was just asked for. Raises StampRefused."""
    own_time = own_time or datetime.now(UTC)
    try:
        response = decode_timestamp_response(answer)
        if response.as_bytes() != answer:
            raise StampRefused("stamp.form", f"{name}: the answer holds more than a time stamp.")
        if response.status not in (0, 1):
            said = "; ".join(response.status_string) or f"status {response.status}"
            raise StampRefused("stamp.form", f"{name} refused the request: {said}.")
        info = response.tst_info
        if info.message_imprint.message != hashlib.sha256(data).digest():
            raise StampRefused("stamp.imprint", f"{name}: the token is over other bytes than these.")
        if nonce is not None and info.nonce != nonce:
            raise StampRefused("stamp.form", f"{name}: the token answers another request (nonce).")
        if policy is not None and info.policy.dotted_string != policy:
            raise StampRefused(
                "stamp.form", f"{name}: the token is under policy {info.policy.dotted_string}, not {policy}."
            )
        verifier = VerifierBuilder(roots=list(roots)).build()
        verifier.verify(response, hashlib.sha256(data).digest())
    except VerificationError as error:
        raise StampRefused("stamp.chain", f"{name}: the token's signature does not hold ({error}).") from error
    except (ValueError, TypeError) as error:
        raise StampRefused("stamp.form", f"{name}: the answer cannot be read as a time stamp ({error}).") from error
    signer = _signer(answer)
    gen_time = info.gen_time.astimezone(UTC) if info.gen_time.tzinfo else info.gen_time.replace(tzinfo=UTC)
    skew = gen_time - own_time
    far = abs(skew) > MOST_SKEW
    return Stamp(
        authority=name,
        answer=answer,
        gen_time=gen_time,
        serial=f"{info.serial_number:x}",
        policy=info.policy.dotted_string,
        signer=signer.subject.rfc4514_string(),
        signer_until=signer.not_valid_after_utc,
        own_time=own_time,
        state="flagged" if far else "granted",
        problem=(
            f"the authority's time and this computer's clock differ by {abs(skew).total_seconds() / 60:.0f} minutes"
            if far
            else None
        ),
    )


def certificates_in(answer: bytes) -> list[x509.Certificate]:
    """Those that the token carries, the signer's among them."""
    signed = tsp.TimeStampResp.load(answer)["time_stamp_token"]["content"]
    return [x509.load_der_x509_certificate(one.chosen.dump()) for one in signed["certificates"]]


def _signer(answer: bytes) -> x509.Certificate:
    signed = tsp.TimeStampResp.load(answer)["time_stamp_token"]["content"]
    serial = signed["signer_infos"][0]["sid"].chosen["serial_number"].native
    return next(one for one in certificates_in(answer) if one.serial_number == serial)
