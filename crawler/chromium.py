"""Which Chromium is started and how: sandbox on, no service of its own, nothing out but through the guard's proxy.

Used by the capture job and by the browser spider alike, so that both are held by the same rules.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from crawler.errors import RelicwatchError
from crawler.home import unsandboxed_chromium_allowed

logger = logging.getLogger(__name__)

NAMES_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers give /dev/shm 64 MB, and a full one crashes the page
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,InterestFeedContentSuggestions",
    "--disable-quic",  # UDP would pass by the proxy
    "--dns-prefetch-disable",
    "--force-color-profile=srgb",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
)


class ChromiumMissing(RelicwatchError):
    """There is no Chromium on this machine, so nothing can be rendered."""


class ChromiumRefused(RelicwatchError):
    """Chromium would run without its sandbox, and nobody has allowed that."""


def find_chromium() -> Path | None:
    """The Chromium to use: RELICWATCH_CHROMIUM, one that is installed, else Playwright's own; None where none is.

    Raises ChromiumMissing where RELICWATCH_CHROMIUM names no program: a wrong setting is never passed over.
    """
    wanted = os.environ.get("RELICWATCH_CHROMIUM")
    if wanted:
        path = Path(wanted)
        if not os.access(path, os.X_OK) or not path.is_file():
            raise ChromiumMissing(f"RELICWATCH_CHROMIUM names {wanted}, which is no program: correct or unset it.")
        return path
    for name in NAMES_ON_PATH:
        found = shutil.which(name)
        if found and not _is_snap_stub(Path(found)):
            return Path(found)
    return _playwrights_own()


def chromium_arguments(proxy_address: str | None = None) -> list[str]:
    """Chromium's switches; with `proxy_address` (`http://127.0.0.1:PORT`) all it asks for goes there, loopback too."""
    arguments = list(_ARGUMENTS)
    if proxy_address is not None:
        arguments += [
            f"--proxy-server={proxy_address}",
            "--proxy-bypass-list=<-loopback>",
            # The proxy resolves; whatever would ask the resolver by itself finds nothing.
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        ]
    return arguments


def launch_options(proxy_address: str | None = None) -> dict[str, Any]:
    """The options of Playwright's `chromium.launch(**options)`.

    Raises ChromiumMissing where there is none, ChromiumRefused where the sandbox cannot be kept and nobody allowed
    to go without it (SEC-7).
    """
    executable = find_chromium()
    if executable is None:
        raise ChromiumMissing(
            "There is no Chromium on this machine: install one (Debian: `apt install chromium`) "
            "or run `playwright install --with-deps chromium`."
        )
    return {
        "executable_path": str(executable),
        "args": chromium_arguments(proxy_address),
        "headless": True,
        "chromium_sandbox": sandbox_wanted(),
        "handle_sigint": False,  # the process that owns the browser ends it, and keeps what it has first
        "handle_sigterm": False,
        "handle_sighup": False,
    }


def sandbox_wanted() -> bool:
    """Whether Chromium starts with its sandbox. Raises ChromiumRefused as root without the explicit setting."""
    if unsandboxed_chromium_allowed():
        logger.warning("Chromium runs without its sandbox, as RELICWATCH_CHROMIUM_NO_SANDBOX=1 allows.")
        return False
    if os.geteuid() == 0:
        raise ChromiumRefused(
            "Chromium cannot keep its sandbox as root: run relicwatch under another account, "
            "or set RELICWATCH_CHROMIUM_NO_SANDBOX=1 in a container that you trust."
        )
    return True


def _is_snap_stub(path: Path) -> bool:
    """Ubuntu's chromium-browser is a script that only tells its reader to install a snap."""
    with path.open("rb") as file:
        start = file.read(8192)
    return start.startswith(b"#!") and b"/snap/bin/chromium" in start and not Path("/snap/bin/chromium").exists()


def _playwrights_own() -> Path | None:
    root = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    found = [path for path in root.glob("chromium-*/chrome-linux*/chrome") if os.access(path, os.X_OK)]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


if __name__ == "__main__":
    found = find_chromium()
    sys.exit(0 if found else 1)
