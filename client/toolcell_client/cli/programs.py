"""
`toolcell serve`, `toolcell doctor`, `toolcell audit`, `toolcell tools validate`: other programs of
toolcell, under one name.

They are started, never imported: the server and the walls have dependencies and privileges that a
client must not need.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import NoReturn

from toolcell_client.cli.exits import UsageError

SERVE = ("toolcell_server",)
DOCTOR = ("toolcell_server", "doctor")
AUDIT = ("toolcell_server", "audit")
VALIDATE = ("toolcell_server", "validate")
NEEDED = {
    "toolcell_server": (
        "toolcell_server",
        "toolcell_worker",
        "h11",
        "psutil",
        "jsonschema",
        "msgspec",
        "prometheus_client",
        "grpc_health",
        "jwt",
        "cryptography",
    ),
}


def become(program: tuple[str, ...], arguments: list[str]) -> NoReturn:
    """
    Become that program; its exit code is ours.

    Raises:
        UsageError: it is not installed; says how to install it.
    """
    missing = [name for name in NEEDED[program[0]] if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{missing[0]} is not installed here; install the server with:"
            " pip install 'toolcell[server]'"
        )
    # -P: a folder that happens to be current must not lend its modules to the server.
    command = [sys.executable, "-P", "-m", *program, *arguments]
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606  # no shell is wanted
