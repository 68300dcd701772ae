"""
Addresses to listen on: `host:port`, `[::1]:port`.  Pure.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import re
from dataclasses import dataclass
from typing import Final, Self

_SHAPE: Final = re.compile(
    r"(?:\[(?P<six>[0-9a-fA-F:]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>[0-9]{1,5})"
)
_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """
    Where a socket listens.  Port 0: the kernel chooses.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Raises:
            ValueError: it is no `host:port`.
        """
        found = _SHAPE.fullmatch(text)
        if not found or int(found["port"]) > _HIGHEST_PORT:
            raise ValueError("is not host:port, as in 127.0.0.1:50051 or [::1]:50051")
        return cls(found["six"] or found["host"], int(found["port"]))

    @property
    def is_loopback(self) -> bool:
        """
        Whether nobody but this host can reach it.
        """
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class AddressTaken(Exception):  # noqa: N818  # names what happened
    """
    Raised when an address cannot be listened on; `key` is the setting that names it, and `number`
    the errno.
    """

    def __init__(self, address: Address, key: str, number: int = errno.EADDRINUSE) -> None:
        why = (
            "is in use" if number == errno.EADDRINUSE else f"cannot be had ({os.strerror(number)})"
        )
        flag = f"--{key.removeprefix('server.').replace('_', '-')}"
        super().__init__(f"{address} {why}; choose another with {flag} or {key}")
