import contextlib
import os
import shutil
import socket
import subprocess
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import sync_playwright

from crawler import chromium
from crawler.chromium import ChromiumMissing, ChromiumRefused, find_chromium, launch_options
from tests.conftest import eventually
from tests.needs import SANDBOX
from tests.processes import below, command_of


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "browser"
    program.write_bytes(b"#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("RELICWATCH_CHROMIUM", str(program))
    monkeypatch.delenv("RELICWATCH_CHROMIUM_NO_SANDBOX", raising=False)
    return program


def test_root_is_refused_without_the_explicit_setting(
    installed: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)  # SEC-7
    with pytest.raises(ChromiumRefused, match="RELICWATCH_CHROMIUM_NO_SANDBOX=1"):
        launch_options()
    monkeypatch.setenv("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
    assert launch_options()["chromium_sandbox"] is False
    assert "without its sandbox" in caplog.text


def test_another_account_keeps_the_sandbox(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 1000)
    options = launch_options("http://127.0.0.1:4444")
    assert options["chromium_sandbox"] is True
    assert options["executable_path"] == str(installed)
    assert {"--proxy-server=http://127.0.0.1:4444", "--proxy-bypass-list=<-loopback>", "--disable-quic"} <= set(
        options["args"]
    )
    assert "--no-sandbox" not in options["args"]


def test_a_setting_that_names_no_program_is_an_error_and_never_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELICWATCH_CHROMIUM", "/no/such/browser")
    with pytest.raises(ChromiumMissing, match="/no/such/browser"):
        find_chromium()


def test_where_there_is_none_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RELICWATCH_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert find_chromium() is None
    with pytest.raises(ChromiumMissing, match="playwright install"):
        launch_options()


# -- a Chromium that is here and does not start -------------------------------------------------------------------

LOADER = "error while loading shared libraries: libnss3.so: cannot open shared object file: No such file or directory"
MISSING_LIBRARY = f'#!/bin/sh\necho "$0: {LOADER}" >&2\nexit 127\n'
NO_NAMESPACES = """#!/bin/sh
echo "[7:7:0101/101010.1:ERROR:dbus/bus.cc:405] Failed to connect to the bus" >&2
echo "[7:7:0101/101010.2:FATAL:content/zygote_host_impl_linux.cc:128] No usable sandbox! Update your kernel" >&2
kill -ABRT $$
"""
SNAP = '#!/bin/sh\necho "Command $0 requires the chromium snap to be installed." >&2\nexit 1\n'
HANGS = "#!/bin/sh\necho $$ > {pid}\nsleep 1000 &\nwait\n"
SHOWS_A_PAGE = "#!/bin/sh\necho '<html></html>'\n"


def program(path: Path, script: str) -> Path:
    path.write_text(script)
    path.chmod(0o755)
    return path


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
    return monkeypatch


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (MISSING_LIBRARY, LOADER),
        (NO_NAMESPACES, "No usable sandbox! Update your kernel"),
        (SNAP, "requires the chromium snap to be installed"),
        ("#!/bin/sh\nexit 3\n", "it ended with status 3 and said nothing"),
        ("#!/bin/sh\n", "it showed no page"),
        ("#!/no/such/shell\n", "it cannot be run (No such file or directory)"),
    ],
    ids=["library", "namespaces", "snap", "silent", "no page", "no interpreter"],
)
def test_a_chromium_that_does_not_start_is_told_with_its_own_reason(
    script: str, reason: str, tmp_path: Path, allowed: pytest.MonkeyPatch
) -> None:
    broken = program(tmp_path / "chromium", script)
    allowed.setenv("RELICWATCH_CHROMIUM", str(broken))
    fault = chromium.chromium_fault()
    assert fault is not None and "\n" not in fault
    assert fault.startswith(f"Chromium ({broken}) does not start: ")
    assert fault.endswith(reason)


def test_a_chromium_that_hangs_is_ended_with_all_it_started(tmp_path: Path, allowed: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"
    allowed.setenv("RELICWATCH_CHROMIUM", str(program(tmp_path / "chromium", HANGS.format(pid=pid))))
    allowed.setattr(chromium, "LAUNCH_SECONDS", 1.0)
    fault = chromium.chromium_fault()
    assert fault is not None and fault.endswith("does not start: it showed no empty page within 1 s")
    group = int(pid.read_text())
    eventually(lambda: not [one for one in psutil.process_iter() if getpgid(one.pid) == group])


def getpgid(pid: int) -> int | None:
    """The group of a process that is more than a dead one nobody has reaped."""
    try:
        return None if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE else os.getpgid(pid)
    except (ProcessLookupError, psutil.NoSuchProcess):
        return None


def test_a_chromium_is_tried_once_a_process(tmp_path: Path, allowed: pytest.MonkeyPatch) -> None:
    script = f"#!/bin/sh\necho x >> {tmp_path / 'starts'}\necho '<html></html>'\n"
    allowed.setenv("RELICWATCH_CHROMIUM", str(program(tmp_path / "chromium", script)))
    assert [chromium.chromium_fault() for _ in range(3)] == [None] * 3
    launch_options()
    assert (tmp_path / "starts").read_text() == "x\n"


def test_of_two_the_one_that_starts_is_used(tmp_path: Path, allowed: pytest.MonkeyPatch) -> None:
    allowed.delenv("RELICWATCH_CHROMIUM", raising=False)
    allowed.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    allowed.setattr(chromium, "NAMES_ON_PATH", ("broken-chromium",))
    allowed.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    broken = program(tmp_path / "broken-chromium", MISSING_LIBRARY)
    assert find_chromium() == broken  # the only one: its reason is worth more than "there is none"
    (tmp_path / "chromium-1" / "chrome-linux").mkdir(parents=True)
    own = program(tmp_path / "chromium-1" / "chrome-linux" / "chrome", SHOWS_A_PAGE)
    assert find_chromium() == own
    assert chromium.chromium_fault() is None


def test_root_starts_none_to_see_which_works_where_that_is_not_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RELICWATCH_CHROMIUM", "RELICWATCH_CHROMIUM_NO_SANDBOX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "NAMES_ON_PATH", ("one", "two"))
    started = f"#!/bin/sh\necho > {tmp_path / 'started'}\n"
    first, _ = program(tmp_path / "one", started), program(tmp_path / "two", started)
    assert find_chromium() == first
    fault = chromium.chromium_fault()
    assert fault is not None and "cannot keep its sandbox as root" in fault  # SEC-7
    assert not (tmp_path / "started").exists()


def test_switched_off_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELICWATCH_CHROMIUM", "off")
    assert find_chromium() is None
    with pytest.raises(ChromiumMissing, match="switched off"):
        launch_options()


def test_the_telling_line_is_found_in_what_playwright_says() -> None:
    said = (
        "BrowserType.launch: Target page, context or browser has been closed\nBrowser logs:\n\n"
        "<launching> /opt/chromium --no-sandbox --user-data-dir=/tmp/x\n<launched> pid=42\n"
        f"[pid=42][err] /opt/chromium: {LOADER}\nCall log:\n  - <launching> /opt/chromium --no-sandbox\n"
        f"  - [pid=42][err] /opt/chromium: {LOADER}\n"
    )
    assert chromium.telling_line(said) == f"/opt/chromium: {LOADER}"
    assert chromium.telling_line("Page.goto: net::ERR_FAILED\nCall log:\n") == "Page.goto: net::ERR_FAILED"
    assert chromium.telling_line("") == ""


@pytest.mark.needs_chromium
def test_the_chromium_of_this_machine_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SANDBOX.items():
        monkeypatch.setenv(name, value)
    assert chromium.chromium_fault() is None


# -- with its sandbox ---------------------------------------------------------------------------------------------

NOBODY = 65534
AS_NOBODY = """#!/bin/sh
# The browser's profile was made by root's Playwright; the browser must be able to write there.
for one in "$@"; do
    case "$one" in --user-data-dir=*) chown -R {nobody}:{nobody} "${{one#*=}}" ;; esac
done
exec setpriv --reuid={nobody} --regid={nobody} --clear-groups env HOME=/nonexistent {chromium} "$@"
"""


@pytest.mark.needs_chromium
def test_chromium_keeps_its_sandbox_under_an_account_without_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SEC-7: as root the browser alone runs as nobody; everything else is what a user's own account would do.
    monkeypatch.delenv("RELICWATCH_CHROMIUM_NO_SANDBOX", raising=False)
    drop: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("there is no setpriv here to leave root's account with")
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        with monkeypatch.context() as allowed:
            allowed.setenv("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
            found = find_chromium()
        script = AS_NOBODY.format(nobody=NOBODY, chromium=found)
        monkeypatch.setenv("RELICWATCH_CHROMIUM", str(program(tmp_path / "chromium", script)))
        monkeypatch.setattr(chromium.os, "geteuid", lambda: NOBODY)
        if subprocess.run([*drop, "test", "-x", str(found)]).returncode != 0:
            pytest.skip(f"an account without rights may not run {found}")
    namespaces = [*drop, "unshare", "--user", "--map-root-user", "--net", "true"]
    if shutil.which("unshare") is None or subprocess.run(namespaces, capture_output=True).returncode != 0:
        pytest.skip("an account without rights gets no namespaces here, which the sandbox is made of")
    assert chromium.chromium_fault() is None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        try:
            page = browser.new_page()
            page.goto("chrome://sandbox")
            assert "You are adequately sandboxed." in page.inner_text("body")
            processes = below(os.getpid())
            commands = [command_of(one) for one in processes]
            drawing = [one for one in processes if "--type=renderer" in command_of(one)]
            accounts = {one.uids().effective for one in drawing}
        finally:
            browser.close()
    assert accounts and 0 not in accounts
    assert not [command for command in commands if "--no-sandbox" in command]


CALL = """stun => {
    const call = new RTCPeerConnection({iceServers: [{urls: stun}]});
    call.createDataChannel('a');
    call.createOffer().then(offer => call.setLocalDescription(offer));
}"""


def packets_of_a_call(arguments: list[str]) -> int:
    """How many UDP packets a page's call sends to a server of its choice on this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, sync_playwright() as playwright:
        server.bind(("127.0.0.1", 0))
        options = launch_options("http://127.0.0.1:9")
        browser = playwright.chromium.launch(**{**options, "args": arguments})
        page = browser.new_page()
        page.evaluate(CALL, f"stun:127.0.0.1:{server.getsockname()[1]}")
        page.wait_for_timeout(1000)  # nothing tells of a packet that is not sent
        browser.close()
        server.setblocking(False)
        packets = 0
        with contextlib.suppress(BlockingIOError):
            while server.recv(2048):
                packets += 1
        return packets


@pytest.mark.needs_chromium
def test_a_call_of_a_page_sends_no_packet_past_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:  # SEC-3
    for name, value in SANDBOX.items():
        monkeypatch.setenv(name, value)
    arguments = chromium.chromium_arguments("http://127.0.0.1:9")
    if not packets_of_a_call([one for one in arguments if "webrtc" not in one]):
        pytest.skip("the browser makes no call here at all: it finds no interface beside loopback")
    assert packets_of_a_call(arguments) == 0
