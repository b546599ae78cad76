"""Where the desk listens and under what names it answers: plain HTTP on loopback alone, anything else is encrypted."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from crawler.errors import RelicwatchError

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
LOOPBACK = "127.0.0.1"


class BindingRefused(RelicwatchError):
    """The desk will not listen like this: what is sent could be read on the way, or nobody could reach it."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Address, certificate and names of a desk. Raises BindingRefused when it is made of what does not go together."""

    address: str = LOOPBACK
    names: tuple[str, ...] = ()
    """Host names that browsers ask for, besides those of this machine itself."""
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False
    """A proxy in front speaks HTTPS with the browsers, and says so and for whom by X-Forwarded-Proto and -For."""

    def __post_init__(self) -> None:
        try:
            ipaddress.ip_address(self.address)
        except ValueError:
            raise BindingRefused(f"{self.address!r} is no address to listen on: give one in digits.") from None
        if (self.certificate is None) != (self.key is None):
            raise BindingRefused("A certificate and its key belong together: give --certificate and --key.")
        if self.certificate and self.behind_proxy:
            raise BindingRefused("Either the desk has a certificate or it stands behind a proxy: choose one.")
        for file in (self.certificate, self.key):
            if file is not None and not file.is_file():
                raise BindingRefused(f"There is no file {file}.")
        if not self.is_loopback and not self.certificate and not self.behind_proxy:
            raise BindingRefused(
                f"Plain HTTP is served on loopback alone, and {self.address} is not: give --certificate and --key, or "
                "--behind-proxy where a proxy in front speaks HTTPS."
            )
        if not self.is_loopback and not self.names:
            raise BindingRefused("Say with --name under which host name browsers will ask for the desk.")

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.address).is_loopback

    @property
    def all_names(self) -> frozenset[str]:
        """Every host name that is answered to, in lower case."""
        return LOOPBACK_NAMES | {name.lower() for name in self.names}

    @property
    def scheme(self) -> str:
        return "https" if self.certificate else "http"


ON_LOOPBACK = Binding()
