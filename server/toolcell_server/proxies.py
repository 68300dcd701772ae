"""
The proxy of one execution whose cell has no network of its own: its port, its token, and what a
tool finds of them in its environment.

The listener is opened here, because the cell's walls name its port and the egress may not yet run,
and handed to the egress; what connects meanwhile waits.  Tools of the host reach that port too: the
token, new for each execution, is the cell's alone, and is in no event and no log.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from toolcell_server.egress.proxy_requests import USER

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK: Final = "127.0.0.1"
WAITING: Final = 128  # connections that nobody has accepted yet; arbitrary, as walls/network.py
TOKEN_BYTES: Final = 16
VARIABLES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
BYPASS: Final = "NO_PROXY"


@dataclass(frozen=True, slots=True)
class Proxy:
    """
    A listener on loopback, and who may use it.
    """

    listener: socket.socket
    token: str = field(repr=False)

    @classmethod
    @contextlib.contextmanager
    def opened(cls) -> Iterator[Self]:
        """
        Raises:
            OSError: the host has no port left.
        """
        with socket.create_server((LOOPBACK, 0), backlog=WAITING) as listener:
            yield cls(listener, secrets.token_hex(TOKEN_BYTES))

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def hand_over(self) -> tuple[int, ...]:
        """
        The listener's descriptor, which is the caller's to close.
        """
        return (self.listener.detach(),)

    def environment(self, declared: dict[str, str]) -> dict[str, str]:
        """
        What a tool declares, with the variables that lead clients here, in both spellings.  What
        was to go past a proxy would go nowhere.
        """
        url = f"http://{USER}:{self.token}@{LOOPBACK}:{self.port}"
        kept = {name: value for name, value in declared.items() if name.upper() != BYPASS}
        return {**kept, **dict.fromkeys((*VARIABLES, *map(str.lower, VARIABLES)), url)}
