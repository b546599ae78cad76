import asyncio
import socket

import aiohttp
import pytest

from crawler.egress import ConnectProxy, EgressRefused, Guard, Refusal, refusal_in
from tests.evidence.web import serving

REFUSED_URLS = [  # SEC-1, SEC-2, SEC-5
    "file:///etc/passwd",
    "ftp://example.org/a",
    "data:text/html,x",
    "gopher://example.org/",
    "javascript:alert(1)",
    "blob:https://example.org/1",
    "view-source:https://example.org/",
    "chrome://version",
    "s3://bucket/key",
    "//example.org/",
    "",
    "https://",
    "https:///path",
    "http://user@example.org/",
    "http://user:word@example.org/",
    "http://example.org@127.0.0.1/",
    "http://example.org\\@127.0.0.1/",
    "http://exa mple.org/",
    "http://example.org/\r\nHost: inner",
    "http://example.org:22/",
    "http://example.org:5432/",
    "http://example.org:99999/",
    "http://example.org:0/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://a.localhost/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://127\u30020\u30020\u30021/",
    "http://127%2e0%2e0%2e1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::]/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1%25eth0]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
]
REFUSED_ADDRESSES = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "10.1.2.3": "private",
    "172.31.0.1": "private",
    "192.168.1.1": "private",
    "fd12::1": "private",
    "169.254.1.1": "link-local",
    "fe80::1": "link-local",
    "fe80::1%lo": "link-local",
    "100.64.0.1": "cgnat",
    "224.0.0.1": "multicast",
    "ff02::1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "192.0.2.1": "reserved",
    "2001:db8::1": "reserved",
    "4000::1": "reserved",
    "169.254.169.254": "metadata",
    "168.63.129.16": "metadata",
    "100.100.100.200": "metadata",
    "::ffff:8.8.8.8": "ipv4-mapped",
    "::8.8.8.8": "ipv4-mapped",
    "2002:808:808::1": "6to4",
    "192.88.99.1": "6to4",
    "64:ff9b::808:808": "nat64",
    "2001:0:4136:e378::1": "teredo",
    "0.0.0.0": "unspecified",
    "::": "unspecified",
    "not an address": "not an address",
}


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_leads_inside_or_off_the_web_is_refused(url: str) -> None:
    with pytest.raises(EgressRefused):
        Guard().check_url(url)


@pytest.mark.parametrize(("address", "rule"), REFUSED_ADDRESSES.items())
def test_an_inner_address_is_refused_by_its_rule(address: str, rule: str) -> None:
    with pytest.raises(EgressRefused) as refused:
        Guard().check_address(address)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    "url", ["http://example.org/a?b=c#d", "https://example.org:8443/", "https://\u0622\u062b\u0627\u0631.example/"]
)
def test_an_ordinary_address_of_the_web_passes(url: str) -> None:
    Guard().check_url(url)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_a_public_address_passes(address: str) -> None:
    Guard().check_address(address)


def test_loopback_passes_only_where_the_process_allows_it_and_then_on_any_port() -> None:
    guard = Guard(allow_loopback=True)
    guard.check_url("http://127.0.0.1:54321/")
    guard.check_url("http://localhost:54321/")
    guard.check_address("::1")
    with pytest.raises(EgressRefused):
        guard.check_address("::ffff:127.0.0.1")
    with pytest.raises(EgressRefused):
        guard.check_address("10.0.0.1")


def test_a_name_that_resolves_to_loopback_is_refused_as_it_is_dialled() -> None:  # SEC-4
    class Rebound(aiohttp.abc.AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[dict]:
            return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            pass

    async def ask(port: int) -> EgressRefused | None:
        connector = aiohttp.TCPConnector(socket_factory=Guard().socket_for, resolver=Rebound())
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as failed:
                await session.get(f"http://rebound.example:{port}/")
        return refusal_in(failed.value)

    with serving() as web:
        refused = asyncio.run(ask(web.port))
        assert refused is not None
        assert refused.rule == "loopback"
        assert web.asked == []


async def through_proxy(guard: Guard, head: bytes) -> tuple[bytes, ConnectProxy]:
    async with ConnectProxy(guard) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.address.rsplit(":", 1)[1]))
        writer.write(head)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
        return answer, proxy


def test_the_proxy_passes_a_page_on_and_remembers_the_address_it_dialled() -> None:
    with serving() as web:
        web.add("/page?a=1", b"the page")
        head = f"GET {web.url('/page?a=1')} HTTP/1.1\r\nHost: x\r\nProxy-Connection: keep-alive\r\n\r\n".encode()
        answer, proxy = asyncio.run(through_proxy(Guard(allow_loopback=True), head))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"the page")
    assert proxy.peers == {("127.0.0.1", web.port): "127.0.0.1"}


def test_the_proxy_dials_nothing_that_the_guard_refuses_and_lists_it() -> None:
    with serving() as web:
        tunnel = f"CONNECT 127.0.0.1:{web.port} HTTP/1.1\r\n\r\n".encode()
        answer, proxy = asyncio.run(through_proxy(Guard(), tunnel))
        assert answer.startswith(b"HTTP/1.1 403")
        assert proxy.refused == [Refusal(f"127.0.0.1:{web.port}", "loopback")]
        plain = f"GET {web.url('/')} HTTP/1.1\r\n\r\n".encode()
        answer, proxy = asyncio.run(through_proxy(Guard(), plain))
        assert answer.startswith(b"HTTP/1.1 403")
        assert proxy.refused == [Refusal(web.url("/"), "loopback")]
        assert web.asked == []


@pytest.mark.parametrize(
    "head", [b"nonsense\r\n\r\n", b"POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n"]
)
def test_the_proxy_answers_what_it_cannot_pass_on_with_400(head: bytes) -> None:
    assert asyncio.run(through_proxy(Guard(), head))[0].startswith(b"HTTP/1.1 400")
