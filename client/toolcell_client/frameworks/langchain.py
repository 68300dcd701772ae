"""
The tools of a toolcell server as LangChain tools, for LangGraph and whatever else takes them.

    from toolcell_client.frameworks.langchain import tools
    agent = create_react_agent(model, tools(client, "read_file", "calculate"))

Theory of operation.  *Arguments* reach `_run` as one mapping, not as keywords: a tool's own names
may be anything, "self" and "config" among them.  Nothing is validated here; the server does it, and
what it says helps the model to repair its call.

*What does not work* is a `ToolException` with the text for the model; its cause is the error.

*Approval.*  Inside a graph that keeps checkpoints, the tool interrupts the graph with the question
(no token is in it), and the graph is resumed with answers by call id: see `langgraph_interrupts`.
Elsewhere give `approve=`; without it the model is told that the call waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from toolcell_client.frameworks.asked import Asked
from toolcell_client.frameworks.langgraph_interrupts import Answers, task_name
from toolcell_client.frameworks.missing import missing
from toolcell_client.frameworks.offering import Offering, Options, async_offering, offering
from toolcell_client.plain import event_to_plain, to_plain

try:
    from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event
    from langchain_core.tools import BaseTool, ToolException
except ImportError as exc:
    raise missing("langchain", "langchain", exc) from exc

if TYPE_CHECKING:
    from typing import Unpack

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.client import Client
    from toolcell_client.frameworks.offering import ToolOptions
    from toolcell_client.frameworks.one_call import OneCall
    from toolcell_client.loops.approving import Decision
    from toolcell_client.loops.events import ExecutionEvent
    from toolcell_client.result import Result

    Told = tuple[str, dict[str, Any] | None]

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
    return _made(offering(client, names, Options.of(options), Asked()), Answers())


async def async_tools(
    client: AsyncClient, *names: str, **options: Unpack[ToolOptions]
) -> list[BaseTool]:
    """
    The same for asynchronous programs.
    """
    return _made(await async_offering(client, names, Options.of(options), Asked()), Answers())


class ToolcellTool(BaseTool):
    """
    One tool.  `metadata` has its `effects`, whether it is `idempotent`, and its `version`; the
    artifact of a call is `plain_result` of how it ended.
    """

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True
    offering: Any = None  # an Offering
    answers: Any = None  # Answers, which the tools of one list share

    def _parse_input(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> dict[str, Any]:
        return {"arguments": tool_input, "call_id": tool_call_id or ""}

    def _run(self, arguments: Any, call_id: str = "") -> Told:
        offering: Offering = self.offering
        task = task_name()
        call = _call(offering, self.name, arguments, call_id, task)

        def heard(event: ExecutionEvent) -> None:
            offering.options.hear(event)
            if event.kind in DISPATCHED:
                dispatch_custom_event(f"toolcell.{event.kind}", event_to_plain(event.event))

        offering.carrier.carry(call, heard)
        while call.question is not None and task:
            offering.carrier.decide(call, self._answer(call, task))
            offering.carrier.carry(call, heard)
        return _told(offering, call)

    async def _arun(self, arguments: Any, call_id: str = "") -> Told:
        offering: Offering = self.offering
        task = task_name()
        call = _call(offering, self.name, arguments, call_id, task)

        async def heard(event: ExecutionEvent) -> None:
            answered = offering.options.hear(event)
            if answered is not None:
                await answered
            if event.kind in DISPATCHED:
                await adispatch_custom_event(f"toolcell.{event.kind}", event_to_plain(event.event))

        await offering.carrier.carry_on(call, heard)
        while call.question is not None and task:
            await offering.carrier.decide_on(call, self._answer(call, task))
            await offering.carrier.carry_on(call, heard)
        return _told(offering, call)

    def _answer(self, call: OneCall, task: str) -> Decision:
        self.offering.asked.keep(call)  # the next line may leave
        decision: Decision = self.answers.to(call, task)
        self.offering.asked.drop(call)
        return decision


def plain_result(result: Result) -> dict[str, Any]:
    """
    What programs want of a result: the whole value among it, of which the model may have seen a
    part.  Plain, because LangGraph writes it into checkpoints.
    """
    return {
        "execution_id": result.execution_id,
        "label": result.label,
        "value": None if result.result_left_out else result.value,
        "committed_paths": list(result.committed_paths),
        "usage": to_plain(result.usage),
        "cached": result.cached,
        "replayed": result.replayed,
    }


def _made(offering: Offering, answers: Answers) -> list[BaseTool]:
    shown = offering.toolset
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
            answers=answers,
        )
        for each in shown.tools.values()
    ]


def _call(offering: Offering, name: str, arguments: Any, call_id: str, task: str) -> OneCall:
    # Somebody may have said yes at the server, and the person at the graph no: that counts first.
    if task:
        return offering.found(name, arguments, call_id, task)
    return offering.call(name, arguments, call_id)


def _told(offering: Offering, call: OneCall) -> Told:
    if not call.failed:
        return call.text, None if call.result is None else plain_result(call.result)
    offering.left(call)
    error = call.outcome if isinstance(call.outcome, Exception) else None
    raise ToolException(call.text) from error
