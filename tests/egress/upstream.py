"""
What else is at the other end of what leaves cells: pages of many kinds, and ports that count.
"""

from __future__ import annotations

import contextlib
import http
import socketserver
import threading
from typing import TYPE_CHECKING

from toolcell_server.battery.addresses import LOOPBACK
from toolcell_server.battery.name_server import running
from toolcell_server.battery.sites import Page, Site
from waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOGETHER_SECONDS = 40 * PATIENCE
PAGES: dict[str, tuple[bytes, str, int]] = {
    "/json": (b'{"answer": [42, null]}', "application/json", 200),
    "/binary": (b"\x89PNG\0\xff", "image/png", 200),
    "/latin": ("Größe".encode("latin-1"), "text/plain; charset=iso-8859-1", 200),
    "/quotes": (b"\1" * 2**21, "text/plain", 200),
    "/missing": (b"nothing here", "text/plain", 404),
}


class _Page(Page):
    """
    Pages of other kinds, too, and files.  A request for /together waits for the others.
    """

    server: PagedSite

    def do_GET(self) -> None:  # noqa: N802  # a name of http.server
        if self.path == "/together":
            self.server.together.wait(TOGETHER_SECONDS)
        if self.path in PAGES:
            self.read()
            self.answer(*PAGES[self.path])
        elif self.path.startswith("/files/"):
            self.read()
            self._answer_file(self.path.removeprefix("/files/").partition("?")[0])
        else:
            super().do_GET()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815  # names of http.server

    def _answer_file(self, path: str) -> None:
        file = self.server.files / path if self.server.files else None
        if file and file.is_file():
            self.answer(file.read_bytes())
        else:
            self.answer(b"", status=http.HTTPStatus.NOT_FOUND)


class PagedSite(Site):
    """
    `files` is what lies below /files/; `together`: how many requests for /together are answered at
    once.
    """

    def __init__(self) -> None:
        super().__init__(_Page)
        self.files: Path | None = None
        self.together = threading.Barrier(1)


@contextlib.contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """
    A TCP port that nobody may reach, and what was said to it.
    """
    said: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            said.append(b"")
            with contextlib.suppress(OSError):
                said.append(self.request.recv(4096))

    with socketserver.ThreadingTCPServer((LOOPBACK, 0), Handler) as server, running(server):
        yield int(server.server_address[1]), said
