"""
Looks at results, and at the values that a tool yields, for what acts on whoever shows them.

Theory of operation.  A tool's result is as hostile as a caller's arguments: it goes to a model, and
from there to a browser or a terminal.  It stands around the executor of the cell, after the check
against `returns`; a result that was stripped may therefore miss a pattern of that schema.  A hit is
told as a `denied` event with `reported_only`, unless the result is withheld: then the execution has
failed.  What the tool did is done, staged files included: a screen looks at what is told of it.

A megabyte of small texts takes a quarter of a second: what is larger than 64 KiB is looked at in a
thread, so that the loop, and every other call, goes on meanwhile.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings
from toolcell_server.executor import closing
from toolcell_server.screens import results as result_screens
from toolcell_server.settings.arguments import RESULT_ACTIONS, ResultSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.tool import Tool

AT_ONCE: Final = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class ScreenedExecutor:
    """
    Screens what the executor underneath tells, as operator and tool ask for it; `counted` as of
    `Screening`.  For a tool of which nobody asks it, this layer is not there.
    """

    base: Executor
    settings: ResultSettings
    counted: Callable[[str, str], None] = lambda _kind, _action: None

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        kinds = self._kinds(execution.tool)
        if not kinds:
            return self.base.execute(execution)
        return self._screened(execution, kinds)

    async def _screened(
        self, execution: Execution, kinds: tuple[str, ...]
    ) -> AsyncIterator[pb.ExecuteResponse]:
        looking = _Looking(kinds, self._action(execution.tool), self.counted)
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                if event.HasField("partial"):
                    passed = await looking.partial(event.partial)
                elif event.HasField("finished"):
                    passed = await looking.finished(event.finished)
                else:
                    passed = True
                for denied in looking.reports():
                    yield pb.ExecuteResponse(denied=denied)
                if passed:
                    yield event

    def _kinds(self, tool: Tool) -> tuple[str, ...]:
        if not tool.result_screens:
            return self.settings.screens
        return tuple(dict.fromkeys([*tool.result_screens, *self.settings.screens]))

    def _action(self, tool: Tool) -> str:
        actions = [tool.result_action] if tool.result_screens else []
        actions += [self.settings.action] if self.settings.screens else []
        return max(actions, key=RESULT_ACTIONS.index)


class _Looking:
    """
    At the values of one execution.
    """

    def __init__(
        self, kinds: tuple[str, ...], action: str, counted: Callable[[str, str], None]
    ) -> None:
        self._kinds = kinds
        self._action = action
        self._counted = counted
        self._withheld = ""
        self._reports: list[pb.Denied] = []

    async def partial(self, partial: pb.Partial) -> bool:
        """
        Whether it may pass, stripped perhaps.
        """
        partial.value_json = await self._look(partial.value_json, "partial")
        return not self._withheld

    async def finished(self, finished: pb.Finished) -> bool:
        """
        True: an ending is always told, if as another one.
        """
        if finished.outcome.HasField("completed"):
            finished.result_json = await self._look(finished.result_json, "result")
            if self._withheld:
                finished.outcome.CopyFrom(endings.screened_result(self._withheld))
                finished.result_json = b""
                finished.result_bytes = 0
        return True

    def reports(self) -> Iterator[pb.Denied]:
        """
        What is to be told now, once.
        """
        told, self._reports = self._reports, []
        yield from told

    async def _look(self, data: bytes, what: str) -> bytes:
        if len(data) <= AT_ONCE:
            looked = result_screens.look(data, self._kinds)
        else:
            looked = await asyncio.to_thread(result_screens.look, data, self._kinds)
        for at, kind in looked.hits:
            self._counted(kind, f"result_{self._action}")
            if self._action == "refuse":
                self._withheld = self._withheld or kind
            else:
                self._reports.append(_denied(f"{what}{at}", kind))
        return looked.stripped if self._action == "strip" else data


def _denied(target: str, kind: str) -> pb.Denied:
    return pb.Denied(
        operation="screen_result",
        target=target,
        reason=kind,
        evidence=pb.EVIDENCE_OBSERVED,
        reported_only=True,
    )
