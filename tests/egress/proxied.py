"""
A service on a host without namespaces, whose cells reach hosts through a proxy.

The host is made poorer for real (`hosts.poorer`).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from egress.bed import Bed, made

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from toolcell_client import Result

KEY = "the-key-that-nobody-in-a-cell-has"
CREDENTIALS = """
[[egress.credentials]]
name = "key"
header = "X-Key"
file = "{file}"
hosts = ["api.example.test"]
"""
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
    file.write_text(KEY)
    with made(folder, CREDENTIALS.format(file=file), host=f"{user}no_namespaces") as one:
        yield one


def run_code(proxied: Bed, code: str, *urls: str, **options: Any) -> Result:
    """
    Run code that may reach the hosts of these URLs, or of both sites.
    """
    domains = list(urls) or [proxied.url(), proxied.plain_url()]
    return proxied.client.run("run_code", {"code": code, "domains": domains}, **options)
