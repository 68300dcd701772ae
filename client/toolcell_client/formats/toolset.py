"""
Tools that are offered to a model: definitions for any provider, and the way back to calls.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.arguments import MalformedArguments, read_arguments
from toolcell_client.formats.offered import Offer, OfferedTool
from toolcell_client.formats.providers import format_of
from toolcell_client.formats.turns import ModelTurn, Problem, Stop, ToolCall

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from toolcell_client.formats.turns import Answer, RawCall, WireTurn

NOT_EXECUTED = {
    Problem.TRUNCATED: "Your response was cut off before the call was whole; nothing ran."
    " Send the call again, with shorter arguments.",
    Problem.CANCELLED: "The response was interrupted; nothing ran.",
    Problem.REPEATED: "A call with this id has been answered already; nothing ran.",
}


class Toolset:
    """
    Some tools, by name.
    """

    def __init__(self, tools: Iterable[OfferedTool]) -> None:
        self.tools = {each.name: each for each in tools}

    def definitions(self, provider: str) -> list[dict[str, Any]]:
        """
        The value of `tools` in a request to that provider.

        Raises:
            ValueError: there is no such provider.
        """
        return format_of(provider).definitions([_offer(each) for each in self.tools.values()])

    def turn(self, provider: str, response: Any, only: Collection[str] | None = None) -> ModelTurn:
        """
        Read a whole response; calls of tools that are not in `only` have a problem.

        Raises:
            ValueError: it is no response of that provider.
        """
        return self.read(provider, format_of(provider).turn(response), only)

    def read(self, provider: str, wire: WireTurn, only: Collection[str] | None = None) -> ModelTurn:
        """
        The same of what a format or an accumulator has read.
        """
        return ModelTurn(
            provider=provider,
            text=wire.text,
            calls=tuple(self.call(each, only) for each in wire.calls),
            stop=Stop.CALLS if wire.calls and wire.stop is Stop.END else wire.stop,
            messages=wire.messages,
            tokens=wire.tokens,
            model=wire.model,
            reason=wire.reason,
        )

    def call(self, raw: RawCall, only: Collection[str] | None = None) -> ToolCall:
        """
        Read one call.
        """
        if raw.problem is not None:
            detail = raw.detail or NOT_EXECUTED.get(raw.problem, "The call is not whole.")
            return ToolCall(raw=raw, tool=raw.name, problem=raw.problem, detail=detail)
        tool = self.tools.get(raw.name)
        if tool is None:
            known = ", ".join(list(self.tools)[:20])
            detail = f"No tool is called {raw.name[:64]!r}; nothing ran. There are: {known}."
            return ToolCall(raw=raw, problem=Problem.UNKNOWN_TOOL, detail=detail)
        if only is not None and tool.name not in only:
            detail = f"{tool.name} is not offered for this response; nothing ran."
            return ToolCall(raw=raw, tool=tool.name, problem=Problem.NOT_OFFERED, detail=detail)
        try:
            return ToolCall(raw=raw, tool=tool.name, arguments=read_arguments(raw.arguments))
        except MalformedArguments as exc:
            return ToolCall(raw=raw, tool=tool.name, problem=Problem.MALFORMED, detail=str(exc))

    def results(self, provider: str, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        """
        Messages that answer all calls of a turn.
        """
        return format_of(provider).results(answers)


def _offer(tool: OfferedTool) -> Offer:
    return Offer(
        name=tool.name,
        description=tool.description,
        parameters=tool.parameters,
        returns=tool.returns,
    )
