"""
The tools of a toolcell server as a toolset of Pydantic AI.

    from toolcell_client.frameworks.pydantic_ai import ToolcellToolset
    agent = Agent(model, toolsets=[ToolcellToolset(client, "read_file", "calculate")])

Theory of operation.  The tools are listed anew in each step of a run, so that the model sees what
was registered meanwhile; a call goes to the version that was listed.

*What does not work.*  Arguments that do not fit are a `ModelRetry`, with what helps to repair them,
at most `max_retries` times in a row: then the framework ends the run.  Everything else is a
`ToolFailed` (text, in versions that have none), which costs no retry.

*Approval.*  A call that needs a yes is deferred with the framework's `ApprovalRequired`, whose
metadata is the question; the agent needs `DeferredToolRequests` among its output types.  Approved,
it is sent again, with the token, which is in no message: see `asked`.  With `approve=` nothing is
deferred.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from toolcell_client.client import Client
from toolcell_client.frameworks.asked import Asked
from toolcell_client.frameworks.carrying import in_thread
from toolcell_client.frameworks.missing import missing
from toolcell_client.frameworks.offering import Offering, Options, async_offering, offering
from toolcell_client.loops.approving import Approve

try:
    from pydantic_ai import exceptions
    from pydantic_ai.tools import RunContext, ToolDefinition
    from pydantic_ai.toolsets import AbstractToolset, ToolsetTool
    from pydantic_core import SchemaValidator, core_schema
except ImportError as exc:
    raise missing("pydantic_ai", "pydantic-ai", exc) from exc

if TYPE_CHECKING:
    from typing import Unpack

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.formats.offered import OfferedTool
    from toolcell_client.frameworks.offering import ToolOptions
    from toolcell_client.frameworks.one_call import OneCall

Deps = TypeVar("Deps")
# The server checks arguments against the schema; here they only have to be an object.
OBJECT = SchemaValidator(
    core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema())
)


@dataclass(kw_only=True)
class ToolcellTool(ToolsetTool[Deps]):
    """
    A tool as it was listed for one step.
    """

    offering: Offering


class ToolcellToolset(AbstractToolset[Deps]):
    """
    All tools that can be called, or those of that name, with a `Client` (each call has a thread)
    or an `AsyncClient`.  `strict` is as in Pydantic AI's `ToolDefinition`; for the other options
    see `ToolOptions`.

    Raises:
        TypeError: an option is unknown, or of the wrong type.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        *names: str,
        toolset_id: str | None = None,
        max_retries: int = 3,
        strict: bool | None = None,
        **options: Unpack[ToolOptions],
    ) -> None:
        self._client, self._names, self._id = client, names, toolset_id
        self._max_retries, self._strict = max_retries, strict
        self._options, self._asked = Options.of(options), Asked()

    @property
    def id(self) -> str | None:
        return self._id

    async def get_tools(
        self,
        ctx: RunContext[Deps],  # noqa: ARG002  # the framework's
    ) -> dict[str, ToolsetTool[Deps]]:
        """
        Raises:
            NoSuchTools: a name cannot be offered.
            ToolcellError: the server does not list its tools.
        """
        offered = await self._offering()
        shown = offered.toolset
        return {
            shown.aliases[each.name]: ToolcellTool(
                toolset=self,
                tool_def=self._definition(shown.aliases[each.name], each),
                max_retries=self._max_retries,
                args_validator=OBJECT,
                offering=offered,
            )
            for each in shown.tools.values()
        }

    async def call_tool(
        self,
        name: str,  # noqa: ARG002  # a wrapper may have renamed it
        tool_args: dict[str, Any],
        ctx: RunContext[Deps],
        tool: ToolsetTool[Deps],
    ) -> Any:
        """
        Raises:
            ModelRetry: the arguments do not fit.
            ToolFailed: it did not work.
            ApprovalRequired: somebody has to say yes.
        """
        assert isinstance(tool, ToolcellTool), "get_tools makes no others"
        offered, carrier, hear = tool.offering, tool.offering.carrier, self._options.hear
        call = offered.call(tool.tool_def.name, tool_args, ctx.tool_call_id or "")
        await carrier.carry_on(call, hear)
        if call.confirmable and ctx.tool_call_approved:
            await carrier.decide_on(call, Approve())
            await carrier.carry_on(call, hear)
        if call.question is not None and self._options.settings.approve is None:
            self._asked.keep(call)
            raise exceptions.ApprovalRequired(metadata=_question(call))
        offered.left(call)
        if not call.failed:
            assert call.answer is not None
            return call.answer.value
        return _failed(call)

    async def _offering(self) -> Offering:
        if isinstance(self._client, Client):
            found: Offering = await in_thread(
                offering, self._client, self._names, self._options, self._asked
            )
            return found
        return await async_offering(self._client, self._names, self._options, self._asked)

    def _definition(self, alias: str, tool: OfferedTool) -> ToolDefinition:
        return ToolDefinition(
            name=alias,
            description=tool.description,
            parameters_json_schema=dict(tool.parameters),
            strict=self._strict,
            metadata={
                "effects": tool.effects,
                "idempotent": tool.idempotent,
                "version": tool.version,
            },
        )


def _failed(call: OneCall) -> Any:
    if call.repairable:
        raise exceptions.ModelRetry(call.text)
    failed = getattr(exceptions, "ToolFailed", None)
    if failed is None:
        return call.told
    raise failed(call.text)


def _question(call: OneCall) -> dict[str, Any]:
    assert call.question is not None
    question = asdict(call.question)
    del question["call"]  # the framework has it
    return question
