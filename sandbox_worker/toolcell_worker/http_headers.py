"""
Headers that a caller names: what may be sent, so that one request stays one.  Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from toolcell_worker.http_sending import fault

if TYPE_CHECKING:
    from collections.abc import Mapping

# Written by the client itself: where a message ends, and whose it is (RFC 9110, RFC 9112).
OWN = (
    *("connection", "content-length", "expect", "host", "keep-alive", "proxy-connection"),
    *("te", "trailer", "transfer-encoding", "upgrade"),
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def check(headers: Mapping[str, str]) -> None:
    """
    Raises:
        ToolError: a name or a value cannot be sent.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            message, hint = f"{name[:80]!a} is no header name", "Use letters, digits and hyphens."
            raise fault(message, "BAD_HEADER", hint)
        if not _VALUE.fullmatch(value):
            message = f"the header {name[:80]} has a line end or another character that it cannot"
            raise fault(message, "BAD_HEADER", "Write it in one line of Latin letters.")
        if name.lower() in OWN:
            message = f"the header {name} is written by this tool"
            raise fault(message, "BAD_HEADER", "Leave it out.")
