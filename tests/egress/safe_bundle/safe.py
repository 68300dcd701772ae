"""
Tools that only read, over the network too.
"""

import os
import socket
import urllib.error
import urllib.request

from toolcell_worker import tool

HOST, PORT = "plain.example.test", int(os.environ["PLAIN_PORT"])
SAFE = {"domain": f"http://{HOST}:{PORT}", "methods": ["GET", "HEAD"]}


@tool(effects="read_only", domains=[SAFE], cache_ttl_seconds=600)
def look_up(path: str) -> str:
    """
    Fetch a page.
    """
    with urllib.request.urlopen(f"http://{HOST}:{PORT}{path}", timeout=10) as answer:
        return str(answer.read().decode())


@tool(effects="read_only", domains=[SAFE])
def order(method: str) -> int:
    """
    Send a request with a body, and tell its status.
    """
    request = urllib.request.Request(f"http://{HOST}:{PORT}/order", b"one", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        return exc.code


@tool(effects="read_only", domains=[SAFE])
def speak(text: str) -> str:
    """
    Say something over a raw connection, and tell what is answered first.
    """
    with socket.create_connection((HOST, PORT), timeout=10) as connection:
        connection.sendall(text.encode("latin-1"))
        return connection.recv(4096).decode("latin-1").partition("\r\n")[0]


@tool(effects="read_only", domains=[f"{HOST}:443"])
def cannot_be_seen() -> None:
    """
    Claim to read only where nobody could tell.
    """
