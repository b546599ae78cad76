"""Which Chromium is started and how: sandbox on, no service of its own, nothing out but through the guard's proxy.

Used by the capture job and by the browser spider alike, so that both are held by the same rules.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from crawler.errors import RelicwatchError
from crawler.home import unsandboxed_chromium_allowed

logger = logging.getLogger(__name__)

NAMES_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHED_OFF = "off"
"""As RELICWATCH_CHROMIUM: do without a browser, whatever is installed."""
LAUNCH_SECONDS = 60.0
"""Most that a start may take: it takes about one, and many on a machine that is cold and busy."""
NOBODY_LISTENS = "http://127.0.0.1:9"
"""The proxy of a start that fetches nothing: what Chromium might ask for by itself ends there."""
MOST_REASON_LETTERS = 300

_TELLING = re.compile(
    r"error while loading shared libraries|cannot open shared object|No usable sandbox|--no-sandbox|snap|namespace"
    r"|Exec format error|Permission denied|No such file|not found|:FATAL:"
)
_SAID_BY = re.compile(r"^(?:\[pid=\d+\]\[err\] |\[[\d:/.]+:(?:FATAL|ERROR):[^\]]*\] |- )+")

_FEATURES_OFF = (
    # What Playwright switches off too: of two switches of this name Chromium heeds the last alone, and that is ours.
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "LensOverlay", "MediaRouter"),
    *("HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "PaintHolding"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "PreconnectToSearch"),
    *("AimEnabled", "Translate", "AutofillServerCommunication", "InterestFeedContentSuggestions"),
    # These would start a process for nearly every page of the same market: sites stay apart without them.
    *("ProactivelySwapBrowsingInstance", "SpareRendererForSitePerProcess", "BackForwardCache"),
    # A frame, a widget and a compositor made anew for each page, a quarter of all that a page costs.
    "RenderDocument",
    # Pages of the address bar's own, a process for each tab of ours, drawn anew at each page though nobody looks.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
)

_ARGUMENTS = (
    "--animation-duration-scale=0",  # of the window's own signs, as the one that turns while a page loads
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
    f"--disable-features={','.join(_FEATURES_OFF)}",
    "--disable-quic",  # UDP would pass by the proxy
    "--dns-prefetch-disable",
    "--force-color-profile=srgb",
    # Two names of one switch: Chromium's headless shell knows the first alone, Chromium itself the second alone.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
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

    Of several that are here it is the first that starts. Raises ChromiumMissing where RELICWATCH_CHROMIUM names no
    program: a wrong setting is never passed over.
    """
    wanted = os.environ.get("RELICWATCH_CHROMIUM")
    if wanted == SWITCHED_OFF:
        return None
    if wanted:
        path = Path(wanted)
        if not os.access(path, os.X_OK) or not path.is_file():
            raise ChromiumMissing(f"RELICWATCH_CHROMIUM names {wanted}, which is no program: correct or unset it.")
        return path
    on_path = [Path(found) for name in NAMES_ON_PATH if (found := shutil.which(name))]
    candidates = [path for path in on_path if not _is_snap_stub(path)]
    own = _playwrights_own()
    if own is not None:
        candidates.append(own)
    if len(candidates) < 2 or (os.geteuid() == 0 and not unsandboxed_chromium_allowed()):
        return candidates[0] if candidates else None  # nothing to choose, or nothing that may be started
    working = (path for path in candidates if launch_fault(path, sandbox=not unsandboxed_chromium_allowed()) is None)
    return next(working, candidates[0])


def chromium_fault() -> str | None:
    """Why no page can be rendered here, in one sentence; None where Chromium starts. It is started once a process."""
    try:
        executable = _executable()
        sandbox = sandbox_wanted()
    except (ChromiumMissing, ChromiumRefused) as error:
        return str(error)
    reason = launch_fault(executable, sandbox=sandbox)
    return None if reason is None else f"Chromium ({executable}) does not start: {reason}"


@functools.cache
def launch_fault(executable: Path, *, sandbox: bool) -> str | None:
    """Start this Chromium as the crawler does, on an empty page: None where it shows it, else why it does not."""
    command = [str(executable), "--headless", *chromium_arguments(NOBODY_LISTENS)]
    if not sandbox:
        command.append("--no-sandbox")
    # Files, not pipes: whatever outlives the browser would hold a pipe open.
    with (
        tempfile.TemporaryDirectory(prefix="relicwatch-chromium-", ignore_cleanup_errors=True) as profile,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        command += [f"--user-data-dir={profile}", "--dump-dom", "about:blank"]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            return f"it cannot be run ({error.strerror})"
        try:
            status = process.wait(LAUNCH_SECONDS)
        except subprocess.TimeoutExpired:
            return f"it showed no empty page within {LAUNCH_SECONDS:g} s"
        finally:
            _end_session(process)
        out.seek(0)
        if status == 0 and b"<html" in out.read():
            return None
        err.seek(0)
        said = telling_line(err.read().decode("utf-8", "replace")).removeprefix(f"{executable}: ")
        return said or (f"it ended with status {status} and said nothing" if status else "it showed no page")


def telling_line(text: str) -> str:
    """The line of a browser's many that says why it did not start; the first where none is known, "" of nothing."""
    lines = [_SAID_BY.sub("", line.strip()) for line in text.splitlines() if line.strip()]
    # What Playwright prints above the browser's own words is its command, full of our switches.
    telling = [line for line in lines if _TELLING.search(line) and not line.startswith(("<launching>", "<launched>"))]
    return next(iter(telling or lines), "")[:MOST_REASON_LETTERS].rstrip(". ")


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
    executable, sandbox = _executable(), sandbox_wanted()
    if not sandbox:
        logger.warning("Chromium runs without its sandbox, as RELICWATCH_CHROMIUM_NO_SANDBOX=1 allows.")
    return {
        "executable_path": str(executable),
        "args": chromium_arguments(proxy_address),
        "headless": True,
        "timeout": LAUNCH_SECONDS * 1000,
        "chromium_sandbox": sandbox,
        "handle_sigint": False,  # the process that owns the browser ends it, and keeps what it has first
        "handle_sigterm": False,
        "handle_sighup": False,
    }


def sandbox_wanted() -> bool:
    """Whether Chromium starts with its sandbox. Raises ChromiumRefused as root without the explicit setting."""
    if unsandboxed_chromium_allowed():
        return False
    if os.geteuid() == 0:
        raise ChromiumRefused(
            "Chromium cannot keep its sandbox as root: run relicwatch under another account, "
            "or set RELICWATCH_CHROMIUM_NO_SANDBOX=1 in a container that you trust."
        )
    return True


def _executable() -> Path:
    executable = find_chromium()
    if executable is not None:
        return executable
    if os.environ.get("RELICWATCH_CHROMIUM") == SWITCHED_OFF:
        raise ChromiumMissing(f"Chromium is switched off (RELICWATCH_CHROMIUM={SWITCHED_OFF}).")
    raise ChromiumMissing(
        "There is no Chromium on this machine: install one (Debian: `apt install chromium`) "
        "or run `playwright install --with-deps chromium`."
    )


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """Kill the browser and what it started, and reap it; its number stays its own until then."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


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
    fault = chromium_fault()
    print(fault or find_chromium())  # noqa: T201 - for scripts/setup
    sys.exit(1 if fault else 0)
