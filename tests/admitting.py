"""
Admission with its real parts; only the keeper is stood for.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb
from toolcell_server import refusals
from toolcell_server.admission import Admission
from toolcell_server.capacity import Capacity
from toolcell_server.granting import Granting
from toolcell_server.grants import Grant, OpenedMount
from toolcell_server.isolation import ALL_WALLS, Isolation
from toolcell_server.limits import Limits
from toolcell_server.policy import Policy, Root
from toolcell_server.principal import ANYBODY, Principal
from toolcell_server.registry import Registry
from toolcell_server.validation import Validation

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path

    from toolcell_server.execution import Execution

PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
READ_FILE = {
    "name": "read_file",
    "description": "Reads a file.",
    "parameters": {**PATH, "additionalProperties": False},
    "effects": "read_only",
    "paths": [{"path": "{path}", "access": "read"}],
    "limits": {"wall_seconds": 20.0, "arguments_bytes": 1000},
}
PICKY = {
    "name": "picky",
    "description": "Runs only where every wall is up.",
    "parameters": {"type": "object"},
    "minimum_isolation": "full",
}
WALLS = Isolation.from_reports(
    pb.WallReport(
        wall=wall,
        status=pb.WALL_STATUS_DEGRADED if wall == pb.WALL_RESOURCES else pb.WALL_STATUS_ACTIVE,
    )
    for wall in ALL_WALLS
)  # STRONG


class FileOpener:
    """
    Opens the named files themselves; the keeper's part, without the kernel's help.
    """

    def __init__(self) -> None:
        self.opened: list[int] = []

    async def __call__(
        self, grant: Grant, bundle: str, resources: contextlib.ExitStack
    ) -> tuple[OpenedMount, ...]:
        mounts = []
        for path in grant.paths:
            try:
                descriptor = os.open(path.path, os.O_PATH | os.O_CLOEXEC)
            except FileNotFoundError:
                raise refusals.PathNotAllowed(path.path, "does not exist", "go") from None
            resources.callback(os.close, descriptor)
            self.opened.append(descriptor)
            mounts.append(OpenedMount(path=path, directory=False, descriptor=descriptor))
        return tuple(mounts)


def admission(root: Path, **changes: Any) -> Admission:
    policy = changes.pop("policy", None) or Policy(roots=(Root.resolve(str(root)),))
    registry = Registry(Limits(), Limits(), frozenset({"forbidden"}))
    tools = [READ_FILE, PICKY, {**PICKY, "name": "forbidden"}]
    broken = [{"name": "bad", "file": "bad.py", "reason": "SyntaxError in line 1"}]
    registry.replace("mine", {"tools": tools, "broken": broken})
    parts: dict[str, Any] = {
        "tools": registry,
        "validation": Validation(),
        "granting": Granting(
            policy=policy, isolation=changes.pop("isolation", None) or (lambda _: WALLS)
        ),
        "capacity": Capacity(running=2, queue=0),
        "opener": FileOpener(),
    }
    return Admission(**{**parts, **changes})


def request(root: Path, **fields: Any) -> pb.ExecuteRequest:
    arguments = fields.pop("arguments", {"path": str(root / "a.txt")})
    data = arguments if isinstance(arguments, bytes) else json.dumps(arguments).encode()
    return pb.ExecuteRequest(**{"tool": "read_file", "arguments_json": data, **fields})


def admit(
    to: Admission, asked: Any, time_remaining: float | None = None, principal: Principal = ANYBODY
) -> Execution:
    async def whole() -> Execution:
        try:
            return await to.admit(asked, time_remaining, principal)
        finally:
            await to.validation.aclose()

    return asyncio.run(whole())
