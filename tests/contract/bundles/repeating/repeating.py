"""
Tools that say by a number of their own whether they ran, and fail when a file tells them to.
"""

import os
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_worker import ToolError, reads, stages, tool

if TYPE_CHECKING:
    from collections.abc import Callable

RETRY = {"attempts": 3, "initial_seconds": 1.0, "maximum_seconds": 1.0, "jitter": 0.0}


@tool(effects="read_only", cache_ttl_seconds=600)
def numbered(value: Any = None) -> dict[str, Any]:
    """
    Give back a value and a number that no other run has.
    """
    return {"value": value, "number": secrets.token_hex(8)}


@tool(effects="read_only", cache_ttl_seconds=600, cache_scope="public")
def numbered_for_all(value: Any = None) -> dict[str, Any]:
    """
    Give back a value and a number that no other run has.
    """
    return {"value": value, "number": secrets.token_hex(8)}


@tool(effects="read_only", cache_ttl_seconds=600, paths=[reads("{path}")])
def read_numbered(path: str) -> dict[str, Any]:
    """
    Read a file, or list a folder, and give a number that no other run has.
    """
    found = Path(path)
    content = found.read_text() if found.is_file() else sorted(p.name for p in found.iterdir())
    return {"content": content, "number": secrets.token_hex(8)}


@tool(effects="read_only", cache_ttl_seconds=600)
def denied_numbered() -> dict[str, Any]:
    """
    Try what is denied, and give a number that no other run has.
    """
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    except OSError as exc:
        return {"denied": exc.errno, "number": secrets.token_hex(8)}
    return {"denied": 0, "number": secrets.token_hex(8)}


def _trouble(path: str) -> str:
    said = Path(path).read_text()
    if said == "down":
        raise ToolError("the other side is down", category="temporary", retryable=True)
    if said == "wrong":
        raise ToolError("that was wrong", category="user")
    return said


@tool(effects="read_only", retry=RETRY, paths=[reads("{path}")])
def patient(path: str) -> str:
    """
    Tell what a file says; fail for now while it says `down`.
    """
    return _trouble(path)


@tool(effects="read_only", paths=[reads("{path}")])
def troubled(path: str) -> str:
    """
    Tell what a file says; fail for now while it says `down`.
    """
    return _trouble(path)


@tool(effects="writes", idempotent=True, retry=RETRY, paths=[stages("{out}"), reads("{path}")])
def staging(out: str, path: str) -> str:
    """
    Write a file, and fail for now while another one says `down`.
    """
    said = Path(path).read_text()
    Path(out).write_text(f"written while it said {said}")
    return _trouble(path)


@tool(effects="read_only", fallback="stand_in", paths=[reads("{path}")])
def leading(path: str) -> str:
    """
    Tell what a file says; fail for now while it says `down`.
    """
    return _trouble(path)


@tool(effects="read_only", paths=[reads("{path}")])
def stand_in(path: str) -> str:
    """
    Tell that a file is there.
    """
    return f"stood in: {Path(path).exists()}"


@tool(effects="read_only", fallback="stand_in@1", paths=[reads("{path}")])
def switched_off(path: str) -> str:
    """
    Tell what a file says, if the operator lets it.
    """
    return _trouble(path)


@tool(effects="read_only", fallback="writing_stand_in", paths=[reads("{path}")])
def careless(path: str) -> str:
    """
    Tell what a file says; its fallback would write.
    """
    return _trouble(path)


@tool(effects="writes", paths=[stages("{path}")])
def writing_stand_in(path: str) -> str:
    """
    Write what nobody asked for.
    """
    return str(Path(path).write_text("written"))


@tool(effects="read_only", redact_keys=["pin"])
def keyed(pin: str) -> dict[str, str]:
    """
    Give back what nobody else is to read.
    """
    return {"pin": pin}


@tool(effects="writes", paths=[stages("{path}")], preview=True)
def previewed(path: str) -> str:
    """
    Write what can be shown before.
    """
    return str(Path(path).write_text("after"))


@tool(effects="read_only", paths=[reads("{path}")])
def meddling(path: str) -> dict[str, str]:
    """
    Try to change a file that may be read, and to reach anybody.
    """
    attempts: dict[str, Callable[[], object]] = {
        "write": lambda: Path(path).write_text("meddled"),
        "truncate": lambda: os.truncate(path, 0),
        "unlink": lambda: Path(path).unlink(),
        "chmod": lambda: Path(path).chmod(0o777),
        "neighbour": lambda: Path(path).with_name("new").write_text("x"),
        "socket": lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
        "scratch": lambda: Path("/tmp/scratch").write_text("mine"),
    }
    found = {}
    for name, attempt in attempts.items():
        try:
            attempt()
            found[name] = "done"
        except OSError as exc:
            found[name] = type(exc).__name__
    return found


@tool(effects="read_only", profile="net", paths=[reads("{folder}")])
def meddling_below(folder: str) -> dict[str, str]:
    """
    Try to talk to whoever listens in a folder that may be read.
    """
    found = {}
    for name, attempt in (("fifo", _through_fifo), ("socket", _through_socket)):
        try:
            attempt(Path(folder))
            found[name] = "done"
        except OSError as exc:
            found[name] = type(exc).__name__
    return found


def _through_fifo(folder: Path) -> None:
    os.write(os.open(folder / "fifo", os.O_WRONLY | os.O_NONBLOCK), b"meddled")


def _through_socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(folder / "socket"))
