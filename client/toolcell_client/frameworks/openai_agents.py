"""
The tools of a toolcell server as function tools of the OpenAI Agents SDK.

    from toolcell_client.frameworks.openai_agents import tools
    agent = Agent(name="helper", tools=tools(client, "read_file", "calculate"))

Theory of operation.  *Schemas* are strict where OpenAI's subset can hold them, and say so tool by
tool; the rest goes out as it is.

*Approval.*  The SDK asks before a tool runs, so this asks the server: `validate_only` runs nothing
and says whether the call needs a yes.  If it does, the call is sent, the server refuses it with a
question, and the run is interrupted.  `state.approve(item)` lets it run, with the token, which is
in no state: see `asked`.  `state.reject(item)` is the SDK's own affair; the question expires.
Nobody is asked about a tool that only reads: give `approve=` where one needs a yes all the same.
With arguments that are no JSON the SDK itself asks a person about the tools that are.

*Failures* are text for the model, never exceptions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.errors import ApprovalRequired, ToolcellError
from toolcell_client.frameworks.asked import Asked
from toolcell_client.frameworks.missing import missing
from toolcell_client.frameworks.offering import Offering, Options, async_offering, offering
from toolcell_client.loops.approving import Approve
from toolcell_client.loops.turn_state import Run

try:
    from agents import FunctionTool
except ImportError as exc:
    raise missing("openai_agents", "openai-agents", exc) from exc

if TYPE_CHECKING:
    from typing import Unpack

    from agents import RunContextWrapper
    from agents.tool_context import ToolContext

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.client import Client
    from toolcell_client.frameworks.offering import ToolOptions
    from toolcell_client.frameworks.one_call import OneCall

    Tools = list[Any]  # what Agent(tools=…) takes is a list of a union


def tools(client: Client, *names: str, **options: Unpack[ToolOptions]) -> Tools:
    """
    `FunctionTool`s of all tools that can be called, or of those of that name; each call has a
    thread.  See `ToolOptions`.

    Raises:
        NoSuchTools: a name cannot be offered.
        ToolcellError: the server does not list its tools.
        TypeError: an option is unknown, or of the wrong type.
    """
    return _made(offering(client, names, Options.of(options), Asked()))


async def async_tools(client: AsyncClient, *names: str, **options: Unpack[ToolOptions]) -> Tools:
    """
    The same with an `AsyncClient`, without threads.
    """
    return _made(await async_offering(client, names, Options.of(options), Asked()))


def _made(offering: Offering) -> Tools:
    shown = offering.toolset
    effects = {shown.aliases[name]: each.effects for name, each in shown.tools.items()}
    asks = offering.options.settings.approve is None
    made = []
    for definition in shown.definitions("openai-responses", strict="where_possible"):
        name = definition["name"]
        tool = _Tool(offering, name)
        made.append(
            FunctionTool(
                name=name,
                description=definition["description"],
                params_json_schema=definition["parameters"],
                strict_json_schema=bool(definition.get("strict")),
                on_invoke_tool=tool.invoke,
                needs_approval=tool.needs_approval
                if asks and effects[name] != "read_only"
                else False,
            )
        )
    return made


@dataclass(frozen=True, slots=True)
class _Tool:
    offering: Offering
    name: str

    async def invoke(self, context: ToolContext[Any], arguments: str) -> str:
        call = self.offering.call(self.name, arguments, context.tool_call_id)
        carrier, hear = self.offering.carrier, self.offering.options.hear
        await carrier.carry_on(call, hear)
        if call.confirmable and context.is_tool_approved(self.name, context.tool_call_id):
            await carrier.decide_on(call, Approve())
            await carrier.carry_on(call, hear)
        self.offering.left(call)
        return call.text

    async def needs_approval(
        self, _context: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str
    ) -> bool:
        offering = self.offering
        call = offering.found(self.name, json.dumps(arguments), call_id)
        if isinstance(call.step, Run):
            if not await _asks(offering, call):
                return False
            await offering.carrier.carry_on(call, offering.options.hear)
        # It is kept if it has run, too: somebody changed the rules between the two.
        offering.asked.keep(call)
        return call.question is not None


async def _asks(offering: Offering, call: OneCall) -> bool:
    try:
        await offering.carrier.ask_on(call)
    except ApprovalRequired:
        return True
    except ToolcellError:
        return False  # the model is told when it is called
    return False
