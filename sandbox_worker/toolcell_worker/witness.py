"""
What the tool tried last, so that an error that names nothing can be explained.

`socket()` fails with a bare "Operation not permitted": no name, no address.  CPython's audit
events (PEP 578) tell what was about to be done.  This explains, it does not protect: hostile code
can write here what it likes, and the walls do not depend on it.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED = 32  # arbitrary; handling an exception may import a few modules before we look

PROCESS = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
    }
)
NETWORK = frozenset(
    {
        "socket.__new__",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
    }
)
CHANGE = frozenset(
    {
        "os.chflags",
        "os.chmod",
        "os.chown",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.removexattr",
        "os.rename",
        "os.rmdir",
        "os.setxattr",
        "os.symlink",
        "os.truncate",
        "os.utime",
        "shutil.move",
        "shutil.rmtree",
    }
)
SENSITIVE = PROCESS | NETWORK | CHANGE | {"open", "os.kill", "os.listdir", "os.scandir"}

Event = tuple[str, tuple[Any, ...]]

_events: deque[Event] = deque(maxlen=REMEMBERED)
_watching = [False]  # a list: the hook needs it when module names are gone


def install() -> None:
    """
    In the zygote: be there in every cell.  A hook cannot be taken out again: there is one.
    """
    sys.addaudithook(_note)


def watch() -> None:
    """
    Begin to remember, with nothing remembered.
    """
    _events.clear()
    _watching[0] = True


def latest(names: frozenset[str]) -> Event | None:
    """
    The last event of one of these names, if it is still remembered.
    """
    return next((event for event in reversed(tuple(_events)) if event[0] in names), None)


def opened(path: str) -> Event | None:
    """
    The last attempt to open or change exactly this path.
    """
    names = CHANGE | {"open"}
    for event in reversed(tuple(_events)):
        if event[0] in names and any(_is_path(value, path) for value in event[1][:2]):
            return event
    return None


def _is_path(value: object, path: str) -> bool:
    return value == path or (isinstance(value, bytes) and value == path.encode())


def _note(
    event: str,
    arguments: tuple[Any, ...],
    sensitive: frozenset[str] = SENSITIVE,  # bound: module names are gone when Python ends
    append: Callable[[Event], None] = _events.append,
    watching: list[bool] = _watching,
) -> None:
    if watching[0] and event in sensitive:
        if arguments and not isinstance(arguments[0], str | bytes | int):
            arguments = (None, *arguments[1:])  # a socket would be kept open
        append((event, arguments))
