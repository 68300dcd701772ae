"""
A service whose tools are answered from a cache, tried again, stood in for and left alone.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waiting import wait_until

if TYPE_CHECKING:
    from running_server import Server
    from toolcell_client import Client, Result

BUNDLE = Path(__file__).parent / "contract" / "bundles" / "repeating"
SETTINGS = """
[policy]
roots = [{{path = "{root}", access = "write"}}]
tools_disabled = ["switched_off"]

[[bundles]]
name = "repeating"
path = "{bundle}"

[builtin]
enabled = false

[breaker]
failures = 3
open_seconds = 0.5
{more}
"""
SETTLED_SECONDS = 2.6  # after a change, until the cache trusts a file


def settings(root: Path, more: str = "") -> str:
    return SETTINGS.format(root=root, bundle=BUNDLE, more=more)


def say(file: Path, what: str) -> None:
    """
    In place: the file stays the one that was granted.
    """
    file.write_text(what)
    file.chmod(0o666)


def settle(file: Path) -> None:
    """
    Wait until the file was not changed just now, which the cache would not trust.
    """
    wait_until(lambda: time.time() - os.stat(file).st_ctime > SETTLED_SECONDS, 10)


def numbers(client: Client, tool: str, *arguments: dict[str, Any], **options: Any) -> list[str]:
    return [
        client.run(tool, each, **options).raise_for_outcome().value["number"] for each in arguments
    ]


def kinds(client: Client, tool: str, arguments: dict[str, Any]) -> tuple[list[str], Result]:
    stream = client.execute(tool, arguments)
    ignored = {"usage", "heartbeat"}
    told = [str(event.WhichOneof("event")) for event in stream]
    return [kind for kind in told if kind not in ignored], stream.result()


def metrics(server: Server) -> dict[str, float]:
    lines = server.scrape().splitlines()
    pairs = [line.rpartition(" ") for line in lines if line.startswith("toolcell_")]
    return {name: float(value) for name, _, value in pairs}
