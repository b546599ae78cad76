"""The signature over the tag manifest, and the certificate that it was made with."""

from __future__ import annotations

import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.utils import CryptographyDeprecationWarning

from evidence.bag import CERTIFICATE, INSTRUCTIONS, SIGNATURE, TAG_MANIFEST
from evidence.bundle_files import LARGEST_NOTE, BundleFiles, as_text
from evidence.faults import Fault
from evidence.signing import SignatureInvalid, certificate_fingerprint, verify_detached
from evidence.verification import Check, Verification


def check_signature(files: BundleFiles, result: Verification) -> None:
    parts = (CERTIFICATE, SIGNATURE, TAG_MANIFEST)
    too_long = [name for name in parts if files.sizes.get(name, 0) > LARGEST_NOTE]
    if too_long:
        result.note(
            "signature", (Fault("signature.form", "it is longer than that of any bundle", n) for n in too_long), ""
        )
        return
    certificate_data, signature, signed = (files.read(name) for name in parts)
    if certificate_data is None or signature is None or signed is None:
        result.checks.append(Check("signature", False, "a part is missing"))
        return
    certificate = _read_certificate(certificate_data, result)
    if certificate is None:
        return
    try:
        claimed = verify_detached(signature, signed, certificate)
    except SignatureInvalid as error:
        result.note("signature", [error.fault(SIGNATURE)], "")
        return
    result.signed_at = claimed.isoformat()
    faults = []
    if not certificate.not_valid_before_utc <= claimed <= certificate.not_valid_after_utc:
        faults.append(Fault("signature.time", f"signed outside the time that {CERTIFICATE} is valid for", SIGNATURE))
    result.note("signature", faults, f"over {TAG_MANIFEST} by {result.signer}, fingerprint {result.fingerprint}")


def _read_certificate(data: bytes, result: Verification) -> x509.Certificate | None:
    """The signer's certificate, its name and fingerprint noted in `result`; None, with a fault, where it is none."""
    try:
        with warnings.catch_warnings():
            # A serial number that no certificate may have is a warning to the library, and damage to us.
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            certificate = x509.load_pem_x509_certificate(data)
        # The library decodes these only when they are asked for, so damage to them shows no earlier than here.
        signer = certificate.subject.rfc4514_string()
        _ = certificate.public_key(), certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm, CryptographyDeprecationWarning):
        result.note(
            "signature",
            [Fault("signature.certificate", "it is no certificate in PEM form, or a damaged one", CERTIFICATE)],
            "",
        )
        return None
    result.signer, result.fingerprint = signer, certificate_fingerprint(certificate)
    if certificate.public_bytes(serialization.Encoding.PEM) != data:
        result.note(
            "certificate",
            [Fault("signature.certificate", "it is not one certificate in plain PEM form", CERTIFICATE)],
            "",
        )
    return certificate


def check_signer_named(files: BundleFiles, result: Verification) -> None:
    """The fingerprint that the bundle's own texts tell must be that of its certificate."""
    if result.fingerprint is None:
        return
    places = {"bag-info.txt": f"Relicwatch-Signer-SHA256: {result.fingerprint}\n", INSTRUCTIONS: result.fingerprint}
    faults = [
        Fault("signature.named", f"it names another signer than {CERTIFICATE}", name)
        for name, words in places.items()
        if words not in (as_text(files.read(name, LARGEST_NOTE) or b"") or "")
    ]
    result.note("signer as told", faults, "the bundle's own texts name the certificate that signed")
