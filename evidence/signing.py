"""The installation's signing key, and detached CMS signatures made and checked with it.

The certificate is self-made: it shows that two bundles come from one installation, and nothing more, until its
fingerprint is compared with what that installation says of itself.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import cms, pem
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from crawler.errors import RelicwatchError
from crawler.home import DEMO_MARK, Home
from crawler.program import host_name
from evidence.faults import RuleBroken

KEY_FILE = "signing.pem"
CERTIFICATE_YEARS = 10
_SIGNATURE_BLOCK = "CMS"


class SigningError(RelicwatchError):
    """The signing key is missing, unreadable or open to others."""


class SignatureInvalid(RuleBroken):
    """A signature does not belong to these bytes and this certificate; the sentence says why."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    private_key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def secret(self) -> bytes:
        """Known to who holds the key alone: what salts are made with (evidence/redaction.py)."""
        der = self.private_key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return hashlib.sha256(b"relicwatch salt\0" + der).digest()

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        return certificate_fingerprint(self.certificate)


@dataclass(frozen=True, slots=True)
class Signature:
    """Detached CMS SignedData, the same structure in two spellings."""

    der: bytes
    pem: bytes


def ensure_signing_key(home: Home) -> SigningKey:
    """The key of this home, made if there is none: P-256 with a self-made certificate, one file, mode 0600.

    Called at set-up; DEMO stands in the certificate's name in a demo home. Raises SigningError.
    """
    path = home.keys / KEY_FILE
    if not path.exists():
        _make_key(path, demo=home.is_demo)
    return load_signing_key(home)


def load_signing_key(home: Home) -> SigningKey:
    """The key of this home. Raises SigningError where it is missing, unreadable or readable by other accounts."""
    path = home.keys / KEY_FILE
    try:
        if path.stat().st_mode & 0o077:
            raise SigningError(f"The signing key {path} can be read by other accounts: set its mode to 0600.")
        data = path.read_bytes()
        key = serialization.load_pem_private_key(data, password=None)
        certificate = x509.load_pem_x509_certificate(data[data.index(b"-----BEGIN CERTIFICATE") :])
    except FileNotFoundError as error:
        raise SigningError(
            f"There is no signing key at {path}: set the installation up, or restore the key from a backup."
        ) from error
    except OSError as error:
        raise SigningError(
            f"The signing key {path} cannot be read ({error.strerror}): see to its permissions."
        ) from error
    except (ValueError, TypeError) as error:
        raise SigningError(f"The signing key {path} is damaged: restore it from a backup.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise SigningError(f"The signing key {path} does not belong to its certificate: restore it from a backup.")
    return SigningKey(key, certificate)


def sign_detached(key: SigningKey, data: bytes) -> Signature:
    """A detached CMS signature (SHA-256, signed attributes, certificate included) over exactly these bytes."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(key.certificate, key.private_key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities]
    der = builder.sign(serialization.Encoding.DER, options)
    return Signature(der, pem.armor(_SIGNATURE_BLOCK, der).replace(b"\r\n", b"\n"))


def verify_detached(signature_pem: bytes, data: bytes, certificate: x509.Certificate) -> datetime:
    """Check a signature strictly; returns the signing time it claims (a claim of the signer's own clock).

    Raises SignatureInvalid with the reason. What is not in the form that `sign_detached` writes is refused. One freedom
    is left, which lies in ECDSA: to each signature (r, s) anyone can compute (r, n-s), which is as good over these same
    bytes and by this same key.
    """
    der = _unwrap(signature_pem)
    try:
        return _verify_der(der, data, certificate)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise SignatureInvalid("signature.form", f"the signature cannot be read as CMS SignedData ({error})") from error


def certificate_fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate in DER, as openssl prints it: pairs of upper-case digits with colons."""
    text = certificate.fingerprint(hashes.SHA256()).hex().upper()
    return ":".join(text[i : i + 2] for i in range(0, len(text), 2))


def _unwrap(signature_pem: bytes) -> bytes:
    try:
        name, _, der = pem.unarmor(signature_pem)
    except ValueError as error:
        raise SignatureInvalid("signature.form", "the signature is not in PEM form") from error
    if pem.armor(_SIGNATURE_BLOCK, der).replace(b"\r\n", b"\n") != signature_pem or name != _SIGNATURE_BLOCK:
        raise SignatureInvalid("signature.form", "the signature's PEM form was altered")
    return bytes(der)


def _verify_der(der: bytes, data: bytes, certificate: x509.Certificate) -> datetime:
    content = cms.ContentInfo.load(der, strict=True)
    if content["content_type"].native != "signed_data":
        raise SignatureInvalid("signature.form", "the signature file holds no CMS SignedData")
    signed = content["content"]
    own_der = certificate.public_bytes(serialization.Encoding.DER)
    algorithms = [a.dump() for a in signed["digest_algorithms"]]
    certificates = [c.dump() for c in signed["certificates"]]
    if len(signed["signer_infos"]) != 1 or len(certificates) != 1 or len(algorithms) != 1:
        raise SignatureInvalid(
            "signature.form", "the signature must have one signer, one certificate and one digest algorithm"
        )
    if certificates[0] != own_der:
        raise SignatureInvalid("signature.signer", "the certificate inside the signature is not signer.crt")
    if signed["encap_content_info"]["content_type"].native != "data" or signed["encap_content_info"]["content"].native:
        raise SignatureInvalid("signature.form", "the signature is not detached")
    signer = signed["signer_infos"][0]
    if signer["digest_algorithm"]["algorithm"].native != "sha256":
        raise SignatureInvalid("signature.algorithm", "the signature does not use SHA-256")
    if signer["signature_algorithm"]["algorithm"].native != "sha256_ecdsa":
        raise SignatureInvalid("signature.algorithm", "the signature is not ECDSA with SHA-256")
    identity = signer["sid"].chosen
    if identity["serial_number"].native != certificate.serial_number:
        raise SignatureInvalid("signature.signer", "the signature names another certificate than signer.crt")
    attributes = {a["type"].native: a["values"] for a in signer["signed_attrs"]}
    if attributes["message_digest"][0].native != hashlib.sha256(data).digest():
        raise SignatureInvalid("signature.digest", "the signed digest is not that of these bytes")
    if attributes["content_type"][0].native != "data":
        raise SignatureInvalid("signature.form", "the signature is over another kind of content")
    public_key = certificate.public_key()
    if not isinstance(public_key, ec.EllipticCurvePublicKey):
        raise SignatureInvalid("signature.certificate", "signer.crt does not hold an elliptic curve key")
    try:
        public_key.verify(signer["signature"].native, signer["signed_attrs"].untag().dump(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise SignatureInvalid("signature.value", "the signature was not made by the key of signer.crt") from error
    claimed: datetime = attributes["signing_time"][0].native
    if der != _rebuilt(certificate, signer["signed_attrs"].untag().dump(), signer["signature"].native):
        raise SignatureInvalid(
            "signature.form", "the signature file holds more or other bytes than the signature needs"
        )
    return claimed


def _rebuilt(certificate: x509.Certificate, signed_attributes: bytes, signature: bytes) -> bytes:
    """The one spelling of a SignedData with these parts, the signature's own value among them."""
    sha256 = cms.DigestAlgorithm({"algorithm": "sha256"})
    own = cms.CertificateChoices.load(certificate.public_bytes(serialization.Encoding.DER))
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            {
                "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                    {"issuer": own.chosen.issuer, "serial_number": own.chosen.serial_number}
                )
            }
        ),
        "digest_algorithm": sha256,
        "signed_attrs": cms.CMSAttributes.load(signed_attributes),
        "signature_algorithm": cms.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
        "signature": signature,
    }
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [sha256],
            "encap_content_info": {"content_type": "data"},
            "certificates": [own],
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump(force=True))


def _make_key(path: Path, *, demo: bool) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    data = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + _make_certificate(key, demo=demo).public_bytes(serialization.Encoding.PEM)
    temporary = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return  # another process made the key in the meantime; its key is the one
        finally:
            temporary.unlink()
    except OSError as error:
        raise SigningError(f"The signing key {path} cannot be written ({error.strerror}).") from error


def _make_certificate(key: ec.EllipticCurvePrivateKey, *, demo: bool) -> x509.Certificate:
    common_name = f"{DEMO_MARK + ' ' if demo else ''}relicwatch on {host_name()}"[:64]
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "relicwatch installation"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    now = datetime.now(UTC).replace(microsecond=0)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365 * CERTIFICATE_YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
