"""
Ends a server whose dependencies are not installed, in one line; to be imported before all of ours.

The base install is the client's: it has the server's code, and nothing of what that needs.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

NEEDED = (
    *("psutil", "ddsketch", "jsonschema", "msgspec", "docstring_parser", "prometheus_client"),
    *("grpc_health", "grpc_reflection", "h11", "idna", "dns", "uvloop"),
    *("jwt", "cryptography", "jmespath", "rapidfuzz", "snowballstemmer", "limits", "yaml"),
)


def require() -> None:
    """
    Raises:
        SystemExit: something is not installed; standard error says what, and how to install it.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        remedy = f"{missing[0]} is not installed; pip install 'toolcell[server]'"
        print(f"toolcell_server: {remedy}", file=sys.stderr)  # noqa: T201  # before there is a log
        sys.exit(2)


require()
