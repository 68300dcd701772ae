"""
Many tools that were registered while the server runs, kept in its database.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from toolcell_client import Client

from bench import servers
from bench.bed import LOW_LOAD_PAUSE_SECONDS, in_turns, ratio
from bench.quantities import Row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running_server import Server

    from bench.bed import Bed, Found
    from bench.quantities import Measured

TOOLS = 10_000
BATCH = 100  # as many as one request takes
SETTINGS = "[registry]\nenabled = true\n"


def registered_at_run_time(bed: Bed, found: Found) -> None:
    """
    A server that has read them from its database at start, beside one that has none, in turns.
    """
    few, many = "registered at run time: none", f"registered at run time: {TOOLS:,}"
    with _server(bed.folder, "registering") as server:
        began = time.monotonic()
        _register(server.target)
        registering = time.monotonic() - began
    without = _seconds_to_start(bed.folder, "registering-none")
    began = time.monotonic()
    with _server(bed.folder, "registering") as full:
        starting = time.monotonic() - began
        with Client(full.target) as client:
            missing = TOOLS - sum(tool.name.startswith("made_") for tool in client.list_tools())
        if missing:
            bed.load.failures.append(f"{missing} of {TOOLS} tools are not there after the restart")
        with _server(bed.folder, "registering-none") as empty:
            paused = partial(bed.load.calls, pause=LOW_LOAD_PAUSE_SECONDS)
            subjects: dict[str, Callable[[float], Measured]] = {
                few: partial(paused, empty.target, "run", 1),
                many: partial(paused, full.target, "run", 1),
            }
            rounds = in_turns(subjects, bed.plan.rounds(8, 0.8))
    for name, each in rounds.items():
        found.number(f"Run, {name}", 1, each)
    what = "Run p50 with 10,000 tools registered at run time / with none"
    found.rows.append(Row(what=what, measured=ratio(rounds, many, few), aim=1.2))
    found.facts += [
        ("registering 10,000 tools, a hundred in each request", f"{registering:.1f} s"),
        (
            "until a server with none of them listens, and with all",
            f"{without:.1f} and {starting:.1f} s",
        ),
    ]


def _server(folder: Path, name: str) -> Server:
    state = folder / f"{name}-state"
    state.mkdir(mode=0o700, exist_ok=True)
    flags = ("--set", f"state_dir={state}", "--set", "audit.enabled=false")
    return servers.toolcell(folder, name, SETTINGS, flags=flags)


def _seconds_to_start(folder: Path, name: str) -> float:
    began = time.monotonic()
    with _server(folder, name):
        return time.monotonic() - began


def _register(target: str) -> None:
    with Client(target) as client:
        for first in range(0, TOOLS, BATCH):
            client.registry.register([_definition(each) for each in range(first, first + BATCH)])


def _definition(number: int) -> dict[str, Any]:
    text = {"type": "string", "description": f"What the {number}th of many repeats."}
    return {
        "name": f"made_{number}",
        "description": f"Repeats a text; the {number}th of many.",
        "effects": "read_only",
        "argv": ["/usr/bin/printf", "%s", "{text}"],
        "result": "text",
        "parameters": {"type": "object", "required": ["text"], "properties": {"text": text}},
    }
