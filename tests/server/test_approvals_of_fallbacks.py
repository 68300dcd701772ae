"""
A tool whose fallback needs an approval: nobody is asked what nobody could answer to.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from admitting import WALLS, admission
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.approvals.approval import PENDING
from toolcell_server.approvals.desk import Desk
from toolcell_server.approvals.gate import ApprovalGate
from toolcell_server.approvals.kinds import Demands
from toolcell_server.database import Database
from toolcell_server.fallbacks.falling_back import FallingBack
from toolcell_server.granting import Granting
from toolcell_server.limits import Limits
from toolcell_server.policy import Policy
from toolcell_server.principal import Principal
from toolcell_server.refusals import ApprovalRequired, CallRefused, SwitchedOff
from toolcell_server.registry import Registry
from toolcell_server.settings.approval import ApprovalSettings

if TYPE_CHECKING:
    from pathlib import Path

ALICE = Principal(name="alice")


def manifest(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "description": "A tool.", "parameters": {"type": "object"}, **fields}


TOOLS = [manifest("off", fallback="second"), manifest("second", approval="approve")]


@pytest.mark.parametrize(
    ("tool", "refusal", "waiting"),
    [
        pytest.param("off", SwitchedOff, 0, id="as a fallback"),
        pytest.param("second", ApprovalRequired, 1, id="by itself, the control"),
    ],
)
def test_nobody_is_asked_to_approve_a_fallback(
    tmp_path: Path, tool: str, refusal: type[CallRefused], waiting: int
) -> None:
    """
    The caller hears of the first tool only, so no answer could ever be used.
    """
    registry = Registry(Limits(), Limits(), frozenset({"off"}))
    registry.replace("mine", {"tools": TOOLS})
    granting = Granting(policy=Policy(), isolation=lambda _: WALLS)

    async def scenario(database: Database) -> int:
        desk = Desk(ApprovalSettings(), database, clock=lambda: 1000.0)
        gate = ApprovalGate(Demands(), granting.grant, desk)
        base = admission(tmp_path, tools=registry, gates=(gate,))
        with pytest.raises(refusal):
            await FallingBack(base, registry).admit(pb.RunRequest(tool=tool), None, ALICE)
        await base.validation.aclose()
        return desk.store.unexpired("alice", PENDING, 1000.0)

    with contextlib.closing(Database.opened("")) as database:
        assert waiting == asyncio.run(scenario(database))
