import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from asn1crypto import cms, pem
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from crawler.home import Home
from evidence.signing import (
    KEY_FILE,
    SignatureInvalid,
    SigningError,
    ensure_signing_key,
    load_signing_key,
    sign_detached,
    verify_detached,
)

DATA = b"abc  index.html\nnot the end\r\n"


def test_a_key_is_made_once_private_and_named(home: Home) -> None:  # SEC-32
    key = ensure_signing_key(home)
    path = home.keys / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_signing_key(home).fingerprint == key.fingerprint
    assert os.listdir(home.keys) == [KEY_FILE]
    assert "relicwatch on" in key.certificate.subject.rfc4514_string()
    assert "DEMO" not in key.certificate.subject.rfc4514_string()


def test_a_demo_key_says_demo(tmp_path: Path) -> None:
    home = Home(tmp_path / "demo")
    home.create(demo=True)
    assert "DEMO" in ensure_signing_key(home).certificate.subject.rfc4514_string()


def test_set_ups_that_race_end_with_one_key(home: Home) -> None:
    prints: list[str] = []
    threads = [threading.Thread(target=lambda: prints.append(ensure_signing_key(home).fingerprint)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(prints) == 6 and len(set(prints)) == 1


def test_openssl_accepts_the_signature_in_both_spellings(home: Home, tmp_path: Path) -> None:  # EV-23
    key = ensure_signing_key(home)
    signature = sign_detached(key, DATA)
    for name, content in (("d", DATA), ("pem", signature.pem), ("der", signature.der), ("crt", key.certificate_pem)):
        (tmp_path / name).write_bytes(content)

    def accepts(form: str, content: str) -> bool:
        command = ["openssl", "cms", "-verify", "-binary", "-inform", form.upper(), "-in", form, "-content", content]
        command += ["-CAfile", "crt", "-purpose", "any", "-out", os.devnull]
        return subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0

    (tmp_path / "other").write_bytes(DATA + b"x")
    assert accepts("pem", "d") and accepts("der", "d")
    assert not accepts("pem", "other")


def test_our_check_agrees_and_gives_the_time_claimed(home: Home) -> None:
    key = ensure_signing_key(home)
    claimed = verify_detached(sign_detached(key, DATA).pem, DATA, key.certificate)
    assert claimed.tzinfo is not None
    assert key.certificate.not_valid_before_utc <= claimed <= key.certificate.not_valid_after_utc


def test_every_single_changed_byte_of_a_signature_is_refused(home: Home) -> None:
    key = ensure_signing_key(home)
    whole = sign_detached(key, DATA).pem
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        with pytest.raises(SignatureInvalid):
            verify_detached(bytes(changed), DATA, key.certificate)
    for changed in (whole + b"\n", b"\n" + whole, whole[:-1], whole.replace(b"\n", b"\r\n"), b""):
        with pytest.raises(SignatureInvalid):
            verify_detached(changed, DATA, key.certificate)


def test_other_bytes_and_another_certificate_are_refused(home: Home, tmp_path: Path) -> None:
    key = ensure_signing_key(home)
    other_home = Home(tmp_path / "other")
    other_home.create()
    signature = sign_detached(key, DATA).pem
    with pytest.raises(SignatureInvalid, match="not that of these bytes"):
        verify_detached(signature, DATA[:-1], key.certificate)
    with pytest.raises(SignatureInvalid, match=r"signer\.crt"):
        verify_detached(signature, DATA, ensure_signing_key(other_home).certificate)


def test_a_key_that_is_missing_damaged_or_open_is_refused_with_its_path(home: Home) -> None:  # EV-24, SEC-32
    path = home.keys / KEY_FILE
    with pytest.raises(SigningError, match="no signing key"):
        load_signing_key(home)
    ensure_signing_key(home)
    path.chmod(0o640)
    with pytest.raises(SigningError, match="0600"):
        load_signing_key(home)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SigningError, match=str(path)):
        ensure_signing_key(home)


def test_the_twin_of_a_signature_passes_and_signs_nothing_else(home: Home) -> None:
    """What the docstring of `verify_detached` admits: (r, n-s) is as good as (r, s), over the same bytes alone."""
    home.create()
    key = ensure_signing_key(home)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    content = cms.ContentInfo.load(sign_detached(key, DATA).der)
    signer = content["content"]["signer_infos"][0]
    r, s = decode_dss_signature(signer["signature"].native)
    signer["signature"] = encode_dss_signature(r, order - s)
    twin = pem.armor("CMS", content.dump(force=True)).replace(b"\r\n", b"\n")
    verify_detached(twin, DATA, key.certificate)
    with pytest.raises(SignatureInvalid):
        verify_detached(twin, DATA + b"x", key.certificate)
