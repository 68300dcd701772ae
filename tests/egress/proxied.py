"""
A service on a host without namespaces, whose cells reach hosts through a proxy.

The host is made poorer for real (`hosts.poorer`).
"""

from __future__ import annotations

import contextlib
import socket
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from egress.bed import Bed, made
from egress.credentials import CREDENTIALS, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from toolcell_client import Result

# Defines `proxy`, where the cell's own is, and `ask(line)`: the status of its answer.
ASK = """
import base64, os, urllib.parse
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
def ask(line, token=proxy.password):
    with socket.create_connection((proxy.hostname, proxy.port), 5) as one:
        basic = base64.b64encode(f"cell:{token}".encode()).decode()
        head = f"{line} HTTP/1.0\\r\\n" + f"Proxy-Authorization: Basic {basic}\\r\\n\\r\\n"
        one.sendall(head.encode())
        return one.makefile("rb").readline().decode().split(" ")[1]
"""


@contextlib.contextmanager
def serving(folder: Path, user: str) -> Iterator[Bed]:
    """
    `user` is one of `living.users()`.
    """
    file = folder / "key"
    file.write_text(SECRET)
    source = f'file = "{file}"'
    with made(folder, CREDENTIALS.format(source=source), host=f"{user}no_namespaces") as one:
        yield one


def run_code(proxied: Bed, code: str, *urls: str, **options: Any) -> Result:
    """
    Run code that may reach the hosts of these URLs, or of both sites.
    """
    domains = list(urls) or [proxied.url(), proxied.plain_url()]
    return proxied.client.run("run_code", {"code": code, "domains": domains}, **options)


@dataclass
class Living:
    """
    The proxy of a cell that waits: its port and its token, by which anybody may ask it.
    """

    port: int
    token: str

    @property
    def url(self) -> str:
        return f"http://cell:{self.token}@127.0.0.1:{self.port}"

    def ask(self, line: str, token: str | None) -> str:
        """
        The status that somebody outside of any cell hears.
        """
        head = f"{line} HTTP/1.0\r\n"
        if token is not None:
            basic = b64encode(f"cell:{token}".encode()).decode()
            head += f"Proxy-Authorization: Basic {basic}\r\n"
        with socket.create_connection(("127.0.0.1", self.port), 20) as one:
            one.sendall(f"{head}\r\n".encode())
            return one.makefile("rb").readline().decode().split(" ")[1]


@contextlib.contextmanager
def living(proxied: Bed, ended: list[Result]) -> Iterator[Living]:
    """
    A cell that tells of its proxy and waits until it is cancelled.
    """
    code = f"{ASK}\nimport time\nprint(proxy.port, proxy.password, flush=True)\ntime.sleep(50)"
    arguments = {"code": code, "domains": [proxied.url(), proxied.plain_url()]}
    stream = proxied.client.execute("run_code", arguments)
    said = b""
    for event in stream:
        said += event.output.data
        if said.endswith(b"\n"):
            break
    port, token = said.split()
    try:
        yield Living(int(port), token.decode())
    finally:
        proxied.client.cancel(event.execution_id)
        ended.append(stream.result())
