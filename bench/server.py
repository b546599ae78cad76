"""`python bench/server.py LOTS`: serves the benchmark's pages on loopback, in a process whose time is not counted.

It speaks just enough HTTP/1.1 for the crawlers. The first line on stdout is its address; it ends when stdin closes.
"""

from __future__ import annotations

import asyncio
import sys

from pages import drawn_item_data, drawn_item_page, drawn_search_page, lot_page, search_page

ROBOTS = b"User-agent: *\nAllow: /\n"
LONGEST_HEAD = 64 * 1024


class Site:
    """The answers, made as they are asked for; lots are remembered, so that later runs wait for none."""

    def __init__(self, lots: int) -> None:
        self._lots = lots
        self._made: dict[str, bytes] = {}

    def answer(self, target: str) -> tuple[int, str, bytes]:
        path, _, query = target.partition("?")
        values = dict(pair.partition("=")[::2] for pair in query.split("&"))
        match path.strip("/").split("/"):
            case ["robots.txt"]:
                return 200, "text/plain", ROBOTS
            case ["search"]:
                lots = min(self._lots, int(values["q"]) if values["q"].isdigit() else self._lots)
                return 200, "text/html; charset=utf-8", search_page(int(values["page"]), lots)
            case ["sale", _, "lot", number] if number.isdigit():
                if path not in self._made:
                    self._made[path] = lot_page(int(number))
                return 200, "text/html; charset=utf-8", self._made[path]
            case ["drawn", "search"]:
                return 200, "text/html; charset=utf-8", drawn_search_page(int(values["q"]))
            case ["drawn", "item", number]:
                return 200, "text/html; charset=utf-8", drawn_item_page(int(number))
            case ["drawn", "data", number]:
                return 200, "application/json", drawn_item_data(int(number))
        return 404, "text/plain", b"There is no such page."

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                status, media_type, body = self.answer(head.split(b" ", 2)[1].decode("ascii"))
                writer.write(
                    f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not Found'}\r\nServer: bench\r\n"
                    f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
                    "Cache-Control: no-store\r\nVary: Accept-Encoding\r\n\r\n".encode()
                )
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # the crawler has what it wanted


async def serve(lots: int) -> None:
    server = await asyncio.start_server(Site(lots).serve, "127.0.0.1", 0, limit=LONGEST_HEAD)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
