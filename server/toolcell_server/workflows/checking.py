"""
Checks a definition whole, before anything of it runs: its form, its graph, its tools as the caller
may call them, and of their arguments what can be known before templates are filled in.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import principal
from toolcell_server.effects import READ_ONLY
from toolcell_server.refusals import ArgumentsInvalid, CallRefused, WorkflowInvalid
from toolcell_server.sessions.tools import in_session
from toolcell_server.tool import Tool
from toolcell_server.workflows import definition as definitions
from toolcell_server.workflows import plan, templates, values
from toolcell_server.workflows.aside import aside
from toolcell_server.workflows.problems import NotFilled, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_server.admission_needs import Tools
    from toolcell_server.settings.workflows import WorkflowSettings
    from toolcell_server.validation import Validation
    from toolcell_server.workflows.definition import Call, Definition

_ARGUMENTS: Final = "arguments_json"
_AT_ONCE: Final = 16  # calls that are checked before others have their turn


class Checking:
    """
    Checks definitions for whoever `principal.current()` is.
    """

    def __init__(self, tools: Tools, validation: Validation, bounds: WorkflowSettings) -> None:
        self._tools = tools
        self._validation = validation
        self._bounds = bounds

    async def check(self, data: bytes) -> tuple[Definition | None, list[Problem]]:
        """
        The definition, if it has the form of one, and all that is wrong with it.
        """
        found, problems = await aside(definitions.read, data, self._bounds)
        if found is None or problems:
            return found, problems
        problems = await aside(_graph, found, self._bounds)
        if len(found.steps) <= self._bounds.steps:
            problems += await self._calls(found)
        return found, problems

    async def checked(self, data: bytes) -> Definition:
        """
        Raises:
            WorkflowInvalid: something is wrong with it.
        """
        found, problems = await self.check(data)
        if found is None or problems:
            raise WorkflowInvalid(
                [(each.path, f"{each.code}: {each.message}") for each in problems]
            )
        return found

    async def inputs(self, schema: Mapping[str, Any] | None, inputs: dict[str, Any]) -> None:
        """
        Check the inputs of a run.

        Raises:
            ArgumentsInvalid: they violate the schema.
        """
        if schema is not None:
            # No tool has a blank in its name, so nothing that is kept of one is touched.
            form = Tool(name="inputs of a workflow", bundle="", parameters=schema)
            await self._validation.check(form, inputs, values.encoded(inputs))

    def repeatable(self, call: Call, session_id: str = "") -> bool:
        """
        Whether a call, in that session if there is one, may be made twice, as the records of
        executions see it.
        """
        try:
            tool = self._tools.find_callable(call.tool, call.version, principal.current())
        except CallRefused:
            return False
        tool = in_session(tool) if session_id else tool
        return (tool.idempotent and not tool.fallback) or tool.effects == READ_ONLY

    def version(self, call: Call) -> str:
        """
        The version that would be called now; empty if none can be.
        """
        try:
            return self._tools.find_callable(call.tool, call.version, principal.current()).version
        except CallRefused:
            return ""

    async def _calls(self, found: Definition) -> list[Problem]:
        problems: list[Problem] = []
        for number, call in enumerate(_every(found)):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            problems += await self._call(call)
        return problems

    async def _call(self, call: Call) -> list[Problem]:
        try:
            tool = self._tools.find_callable(call.tool, call.version, principal.current())
        except CallRefused as exc:
            return [Problem(f"{call.path}/tool", exc.reason, exc.message)]
        if next(templates.found(call.arguments, ""), None):
            return list(_keys(call, tool))
        return await self._arguments(call, tool)

    async def _arguments(self, call: Call, tool: Tool) -> list[Problem]:
        """
        Arguments without templates are what the tool will get.
        """
        path = f"{call.path}/arguments"
        if tool.transforms or tool.fill_defaults or tool.drop_nulls:
            return []  # they are prepared first, by admission
        try:
            data = values.encoded(call.arguments)
            await self._validation.check(tool, dict(call.arguments), data)
        except ArgumentsInvalid as exc:
            return [
                Problem(f"{path}{field.removeprefix(_ARGUMENTS)}", exc.reason, description)
                for field, description in exc.violations
            ]
        except (CallRefused, NotFilled) as exc:
            return [Problem(path, "ARGUMENTS_INVALID", exc.message)]
        return []


def _graph(found: Definition, bounds: WorkflowSettings) -> list[Problem]:
    return list(plan.problems(found, bounds))


def _every(found: Definition) -> Iterator[Call]:
    for step in found.steps:
        yield from filter(None, (step.call, step.fallback, step.compensate))


def _keys(call: Call, tool: Tool) -> Iterator[Problem]:
    """
    Of arguments with templates it is known which there are.
    """
    path = f"{call.path}/arguments"
    known = tool.parameters.get("properties", {})
    required = tool.parameters.get("required", ())
    for name in required if isinstance(required, list) else ():
        filled_in = tool.fill_defaults and "default" in known.get(name, {})
        if name not in call.arguments and not filled_in:
            yield Problem(path, "ARGUMENTS_INVALID", f"{name} is required by {tool.name}")
    if tool.parameters.get("additionalProperties") is False:
        patterns = tool.parameters.get("patternProperties")
        for name in call.arguments:
            if name not in known and not patterns:
                message = f"{tool.name} has no parameter {name!r:.80}"
                yield Problem(path, "ARGUMENTS_INVALID", message)
