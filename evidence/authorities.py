"""Which timestamp authorities are asked, as the operator wrote them into `authorities.yaml` in the home.

    authorities:
      - name: example_tsa              # stands in file names: a-z, 0-9 and _
        url: https://tsa.example/tsr
        roots: roots/example_tsa.pem   # beside this file: the certificates that an answer must lead up to
        policy: 1.2.3.4.1              # optional: the only policy under which an answer counts

Without the file nobody is asked, and what is made says so ("no trusted time").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from crawler.errors import RelicwatchError
from crawler.home import Home

FILE = "authorities.yaml"
_NAME = re.compile(r"[a-z0-9_]{1,40}")
_OID = re.compile(r"[0-2](?:\.\d+)+")
_FIELDS = frozenset({"name", "url", "roots", "policy"})


class AuthoritiesError(RelicwatchError):
    """`authorities.yaml` is not as it should be; the sentence names file, entry and field."""


@dataclass(frozen=True, slots=True)
class Authority:
    name: str
    url: str
    roots: tuple[x509.Certificate, ...]
    """Certificates that the operator trusts for it: roots, and intermediates where its answers lack them."""
    policy: str | None = None
    """OID in dotted form."""


def load_authorities(home: Home) -> list[Authority]:
    """In the order of the file; none where there is no file. Raises AuthoritiesError."""
    path = home.root / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise AuthoritiesError(f"{path} cannot be read ({error}).") from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise AuthoritiesError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    entries = content.get("authorities") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise AuthoritiesError(f"{path}: should hold a list under 'authorities'.")
    found = [_authority(path, number, entry) for number, entry in enumerate(entries, start=1)]
    names = [one.name for one in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise AuthoritiesError(f"{path}: two authorities are named {twice}: name one anew.")
    return found


def roots_pem(authority: Authority) -> bytes:
    """The authority's trusted certificates as a file, for `openssl ts -verify -CAfile`."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in authority.roots)


def _authority(path: Path, number: int, entry: Any) -> Authority:
    def wrong(field: str, why: str) -> AuthoritiesError:
        return AuthoritiesError(f"{path}, authority {number}, {field}: {why}")

    if not isinstance(entry, dict):
        raise wrong("entry", "should have name, url and roots.")
    if unknown := sorted(set(map(str, entry)) - _FIELDS):
        raise wrong(unknown[0], f"is not known; known are {', '.join(sorted(_FIELDS))}.")
    name, url, roots, policy = (entry.get(field) for field in ("name", "url", "roots", "policy"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise wrong("name", "should be 1 to 40 of a-z, 0-9 and _.")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise wrong("url", "should be the authority's http or https address.")
    if policy is not None and not _OID.fullmatch(str(policy)):
        raise wrong("policy", "should be an OID such as 1.2.3.4.1.")
    if not isinstance(roots, str):
        raise wrong("roots", "should name a PEM file beside this one.")
    try:
        certificates = x509.load_pem_x509_certificates((path.parent / roots).read_bytes())
    except (OSError, ValueError) as error:
        raise wrong("roots", f"{roots} cannot be read as PEM certificates ({error}).") from error
    return Authority(name, url, tuple(certificates), str(policy) if policy is not None else None)
