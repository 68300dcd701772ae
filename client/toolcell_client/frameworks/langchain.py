"""
The tools of a toolcell server as LangChain tools, for LangGraph and whatever else takes them.

    from toolcell_client.frameworks.langchain import tools
    agent = create_react_agent(model, tools(client, "read_file", "calculate"))

Theory of operation.  *Arguments* reach `_run` as one mapping, not as keywords: a tool's own names
may be anything, "self" and "config" among them.  Nothing is validated here; the server does it, and
what it says helps the model to repair its call.

*What does not work* is a `ToolException` with the text for the model; its cause is the error.

*Approval.*  Inside a graph that keeps checkpoints, the tool interrupts the graph with the question
(no token is in it), and the graph is resumed with True, False, or {"approve": …, "reason": …}.  The
node begins again then, and the call finds its question: see `asked`.  A call that has run before is
replayed by the server if its id is unique, as providers' are.  Elsewhere give `approve=`; without
it the model is told that the call waits.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from toolcell_client.frameworks.asked import Asked
from toolcell_client.frameworks.missing import missing
from toolcell_client.frameworks.offering import Offering, Options, async_offering, offering
from toolcell_client.loops.approving import Approve, Decision, Deny
from toolcell_client.plain import event_to_plain

try:
    from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event
    from langchain_core.runnables.config import ensure_config
    from langchain_core.tools import BaseTool, ToolException
except ImportError as exc:
    raise missing("langchain", "langchain", exc) from exc

if TYPE_CHECKING:
    from typing import Unpack

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.client import Client
    from toolcell_client.frameworks.offering import ToolOptions
    from toolcell_client.frameworks.one_call import OneCall
    from toolcell_client.loops.events import ExecutionEvent
    from toolcell_client.result import Result

    Told = tuple[str, Result | None]

# Keys of LangGraph's configuration, which it has no public names for: who keeps checkpoints, and
# what a node that may be interrupted has.
CHECKPOINTS, INTERRUPTIBLE = "__pregel_checkpointer", "__pregel_scratchpad"
DISPATCHED = frozenset({"progress", "log", "output", "partial", "denied", "retrying"})


def tools(client: Client, *names: str, **options: Unpack[ToolOptions]) -> list[BaseTool]:
    """
    All tools that can be called, or those of that name; they work in synchronous programs and, with
    a thread for each call, in asynchronous ones.  See `ToolOptions`.

    Raises:
        NoSuchTools: a name cannot be offered.
        ToolcellError: the server does not list its tools.
        TypeError: an option is unknown, or of the wrong type.
    """
    return _made(offering(client, names, Options.of(options), Asked()))


async def async_tools(
    client: AsyncClient, *names: str, **options: Unpack[ToolOptions]
) -> list[BaseTool]:
    """
    The same for asynchronous programs.
    """
    return _made(await async_offering(client, names, Options.of(options), Asked()))


class ToolcellTool(BaseTool):
    """
    One tool.  `metadata` has its `effects`, whether it is `idempotent`, and its `version`; the
    artifact of a call is its `Result`.
    """

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True
    offering: Any = None  # an Offering

    def _parse_input(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> dict[str, Any]:
        return {"arguments": tool_input, "call_id": tool_call_id or ""}

    def _run(self, arguments: Any, call_id: str = "") -> Told:
        offering: Offering = self.offering
        call = _call(offering, self.name, arguments, call_id)

        def heard(event: ExecutionEvent) -> None:
            offering.options.hear(event)
            if event.kind in DISPATCHED:
                dispatch_custom_event(f"toolcell.{event.kind}", event_to_plain(event.event))

        offering.carrier.carry(call, heard)
        while call.question is not None and _interruptible():
            offering.carrier.decide(call, _interrupted(offering, call))
            offering.carrier.carry(call, heard)
        return _told(offering, call)

    async def _arun(self, arguments: Any, call_id: str = "") -> Told:
        offering: Offering = self.offering
        call = _call(offering, self.name, arguments, call_id)

        async def heard(event: ExecutionEvent) -> None:
            answered = offering.options.hear(event)
            if answered is not None:
                await answered
            if event.kind in DISPATCHED:
                await adispatch_custom_event(f"toolcell.{event.kind}", event_to_plain(event.event))

        await offering.carrier.carry_on(call, heard)
        while call.question is not None and _interruptible():
            await offering.carrier.decide_on(call, _interrupted(offering, call))
            await offering.carrier.carry_on(call, heard)
        return _told(offering, call)


def _made(offering: Offering) -> list[BaseTool]:
    shown = offering.shown
    return [
        ToolcellTool(
            name=shown.aliases[each.name],
            description=each.description,
            # LangChain reads `properties` of every schema.
            args_schema={"properties": {}, **each.parameters},
            metadata={
                "effects": each.effects,
                "idempotent": each.idempotent,
                "version": each.version,
            },
            offering=offering,
        )
        for each in shown.tools.values()
    ]


def _call(offering: Offering, name: str, arguments: Any, call_id: str) -> OneCall:
    # Somebody may have said yes at the server, and the person at the graph no: that counts first.
    begin = offering.found if _interruptible() else offering.call
    return begin(name, arguments, call_id)


def _told(offering: Offering, call: OneCall) -> Told:
    if not call.failed:
        return call.text, call.result
    offering.left(call)
    error = call.outcome if isinstance(call.outcome, Exception) else None
    raise ToolException(call.text) from error


def _interruptible() -> bool:
    # Inside a graph LangGraph has been loaded; who has only LangChain has no graph.
    if "langgraph" not in sys.modules:
        return False
    settings = ensure_config().get("configurable", {})
    return bool(settings.get(CHECKPOINTS)) and INTERRUPTIBLE in settings


def _interrupted(offering: Offering, call: OneCall) -> Decision:
    """
    Raises:
        GraphInterrupt: nobody has decided yet.
        TypeError: the graph was resumed with what is no decision; nothing ran.
    """
    from langgraph.types import interrupt

    assert call.question is not None
    question = asdict(call.question)
    question["call"] = {
        "tool": call.planned.call.tool,
        "arguments": call.planned.call.arguments,
        "call_id": call.planned.call.call_id,
    }
    offering.asked.keep(call)
    said = interrupt(question)
    offering.asked.drop(call)
    return _decision(said)


def _decision(said: object) -> Decision:
    reason = said.get("reason", "") if isinstance(said, dict) else ""
    yes = said.get("approve") if isinstance(said, dict) else said
    if not isinstance(yes, bool) or not isinstance(reason, str):
        raise TypeError(
            'resume the graph with True, False or {"approve": False, "reason": "…"},'
            f" not {said!r:.80}"
        )
    return Approve() if yes else Deny(reason)
