"""
The proxy that a cell without a network of its own asks for a host.

The service names it in the environment; where a cell has a network of its own there is none.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

VARIABLE = "HTTP_PROXY"
USER = "cell"  # as the service names it; another proxy is somebody else's


@dataclass(frozen=True, slots=True)
class Proxy:
    """
    Where it listens, and the header that it wants to see.
    """

    host: str
    port: int
    authorization: str = field(repr=False)

    @classmethod
    def found(cls) -> Self | None:
        """
        That of this cell, if it has one.
        """
        parts = urlsplit(os.environ.get(VARIABLE, ""))
        if parts.username != USER or parts.hostname is None or parts.port is None:
            return None
        user = f"{USER}:{parts.password or ''}"
        return cls(parts.hostname, parts.port, "Basic " + base64.b64encode(user.encode()).decode())

    @property
    def headers(self) -> dict[str, str]:
        return {"Proxy-Authorization": self.authorization}
