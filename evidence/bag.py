"""The BagIt 1.0 bag (RFC 8493) that a bundle is, written straight into its zip.

The order of trust: payload manifest -> tag manifest (over every tag file, the certificates included) -> CMS signature
over the tag manifest's bytes -> time stamps over the signature. Signature and stamps are therefore the files that no
manifest lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from evidence.plain_zip import PlainZipWriter
from evidence.signing import SigningKey, sign_detached

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
INDEX = "index.html"
SIGNATURE = "signatures/tagmanifest-sha256.txt.p7s"
CERTIFICATE = "signatures/signer.crt"
AUTHORITIES = "signatures/authorities/"
"""What the authorities asked are trusted by: NAME.pem each."""
STAMP_SUFFIX = ".tsr"
LISTING = "listing.html"
"""Within an item's directory, where a bundle has too many listings for one page: the report on this one."""
INSTRUCTIONS = "VERIFY.txt"
WACZ = "capture/001.wacz"
"""Within an item's directory: all its sealed records, with index and page list."""
BUNDLE_NAME = "Relicwatch-Bundle-Name"
"""Label of bag-info.txt: the name of the bag's directory."""
TAG_FILES = ("bagit.txt", "bag-info.txt", MANIFEST, INDEX, CERTIFICATE, INSTRUCTIONS)
"""All that the tag manifest lists, besides the authorities' certificates."""

AskStamps = Callable[[bytes], Mapping[str, bytes]]
"""Gets the signature file's bytes; gives the answers had at once, by authority."""


def stamp_name(authority: str) -> str:
    """Of an authority's answer over the signature."""
    return f"{SIGNATURE}.{authority}{STAMP_SUFFIX}"


class BagWriter:
    """Adds payload files, then seals the bag with its manifests and the signature."""

    def __init__(self, package: PlainZipWriter, name: str) -> None:
        self._package = package
        self._name = name
        self._payload: dict[str, str] = {}
        self._bytes = 0

    def add_bytes(self, path: str, data: bytes) -> str:
        """Add `data/<path>`; returns the SHA-256."""
        self._bytes += len(data)
        return self._note(path, self._package.add_bytes(f"{self._name}/data/{path}", data))

    def add_file(self, path: str, source: Path) -> str:
        """Add a file's bytes as `data/<path>`; returns the SHA-256 of what was packed."""
        self._bytes += source.stat().st_size
        return self._note(path, self._package.add_file(f"{self._name}/data/{path}", source))

    def add_stream(self, path: str, size: int, chunks: Iterable[bytes]) -> str:
        """Add `size` bytes that come in pieces as `data/<path>`; returns their SHA-256."""
        self._bytes += size
        return self._note(path, self._package.add_stream(f"{self._name}/data/{path}", size, chunks))

    def _note(self, path: str, sha256: str) -> str:
        self._payload[f"data/{path}"] = sha256
        return sha256

    def seal(
        self,
        info: Mapping[str, str],
        index: bytes,
        instructions: bytes,
        key: SigningKey,
        authorities: Mapping[str, bytes],
        ask: AskStamps,
    ) -> None:
        """Write tag files, signature and stamps. The bag's own name is told too, for the signature to cover it.

        `authorities`: the trusted certificates of each, in PEM.
        """
        info = {**info, BUNDLE_NAME: self._name, "Payload-Oxum": f"{self._bytes}.{len(self._payload)}"}
        tags = {
            "bagit.txt": DECLARATION,
            "bag-info.txt": "".join(f"{label}: {one_line(value)}\n" for label, value in info.items()).encode(),
            MANIFEST: manifest_lines(self._payload),
            INDEX: index,
            CERTIFICATE: key.certificate_pem,
            INSTRUCTIONS: instructions,
            **{f"{AUTHORITIES}{name}.pem": pem for name, pem in authorities.items()},
        }
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in tags.items()}
        tags[TAG_MANIFEST] = manifest_lines(digests)
        tags[SIGNATURE] = sign_detached(key, tags[TAG_MANIFEST]).pem
        tags |= {stamp_name(name): answer for name, answer in ask(tags[SIGNATURE]).items()}
        for name, data in tags.items():
            self._package.add_bytes(f"{self._name}/{name}", data)


def manifest_lines(digests: Mapping[str, str]) -> bytes:
    """As sha256sum writes and reads them, in order of path."""
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()


def one_line(text: str) -> str:
    """Text fit for a value in bag-info.txt."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
