"""
What reaches the tool of a route is what would have reached it by itself.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from admitting import WALLS, FileOpener, request
from ruling import rights, rule
from toolcell_server.admission import Admission
from toolcell_server.capacity import Capacity
from toolcell_server.granting import Granting
from toolcell_server.limits import Limits
from toolcell_server.permitted import PermittedTools
from toolcell_server.policy import Policy
from toolcell_server.principal import Principal
from toolcell_server.registry import Registry
from toolcell_server.rights_gate import RightsGate
from toolcell_server.validation import Validation

TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "at": {"type": "string", "default": "home"}},
}
MANIFESTS = [
    {"name": "say", "description": "Says.", "parameters": TEXT},
    {
        "name": "print_out",
        "description": "Prints.",
        "parameters": TEXT,
        "transforms": {"/text": ["strip_control"]},
        "fill_defaults": True,
    },
]
ALICE = Principal(name="alice", roles=frozenset({"all"}))


def arguments_of(tool: str) -> tuple[str, object]:
    """
    The tool that a call of this one leads to, and what it would get.
    """
    found = rights(
        {"all": ["say", "print_out"]}, rule("route", tools=["say"], otherwise="print_out")
    )
    registry, validation = Registry(Limits(), Limits()), Validation()
    registry.replace("mine", {"tools": MANIFESTS})
    tools = PermittedTools(registry, found)
    to = Admission(
        tools=tools,
        validation=validation,
        granting=Granting(policy=Policy(), isolation=lambda _: WALLS),
        capacity=Capacity(running=2, queue=0),
        opener=FileOpener(),
        gates=(RightsGate(found, tools, validation),),
    )

    async def whole() -> tuple[str, object]:
        asked = request(Path("/"), tool=tool, arguments={"text": "a\x1b[2Jb"})
        execution = await to.admit(asked, None, ALICE)
        await validation.aclose()
        execution.close()
        return execution.tool.name, json.loads(execution.arguments)

    return asyncio.run(whole())


def test_a_route_is_no_way_around_the_transforms_of_its_tool() -> None:
    directly = arguments_of("print_out")

    assert ("print_out", {"text": "a[2Jb", "at": "home"}) == directly
    assert directly == arguments_of("say")
