"""
A definition as values, and its way there from JSON.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import schema_check, strict_json, violations
from toolcell_server.workflows import expressions, shape, templates
from toolcell_server.workflows.problems import NotFilled, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.settings.workflows import WorkflowSettings
    from toolcell_server.workflows.expressions import Expression

STOP: Final = "stop"
CONTINUE: Final = "continue"
COMPENSATE: Final = "compensate"
MAXIMUM_TEMPLATES: Final = 2000  # arbitrary; some tenths of a second to read


@dataclass(frozen=True, slots=True)
class Call:
    """
    A call as it is written: `arguments` have templates in them.  `path` is where it is written.
    """

    tool: str
    version: str
    arguments: Mapping[str, Any]
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    One step; `for_each` None: it is no loop.  `attempts` counts the first.  Times in seconds.
    """

    name: str
    path: str
    call: Call
    needs: tuple[str, ...] = ()
    when: Expression | None = None
    for_each: Any = None
    parallel: int = 0  # 0: as many as the run
    attempts: int = 1
    delay: float = 1.0
    backoff: float = 2.0
    fallback: Call | None = None
    timeout: float | None = None
    on_failure: str = STOP
    compensate: Call | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """
    A workflow, in the order in which it is written.
    """

    steps: tuple[Step, ...]
    name: str = ""
    description: str = ""
    inputs: Mapping[str, Any] | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    parallel: int = 0

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


def read(data: bytes, bounds: WorkflowSettings) -> tuple[Definition | None, list[Problem]]:
    """
    The definition, and what is wrong with it as far as it can be told from it alone but for its
    graph; None: it has not the form of one.
    """
    try:
        value = strict_json.parse(data, bounds.definition_bytes)
    except strict_json.NotStrictJson as exc:
        return None, [Problem(exc.pointer, "NOT_JSON", str(exc))]
    if data.count(b"{{") > MAXIMUM_TEMPLATES:
        message = f"has more than {MAXIMUM_TEMPLATES} templates"
        return None, [Problem("", "TOO_MANY_TEMPLATES", message)]
    if found := violations.find(shape.VALIDATOR, value):
        return None, [Problem(path, "SHAPE", message) for path, message in found]
    problems: list[Problem] = []
    definition = Definition(
        name=value.get("name", ""),
        description=value.get("description", ""),
        inputs=_inputs(value.get("inputs"), problems),
        steps=tuple(_step(each, f"/steps/{n}", problems) for n, each in enumerate(value["steps"])),
        outputs=templates.parsed(value.get("outputs", {}), "/outputs", problems),
        timeout=value.get("timeout"),
        parallel=value.get("parallel", 0),
    )
    return definition, problems


def _inputs(schema: Any, problems: list[Problem]) -> Any:
    if schema is not None:
        try:
            schema_check.check_parameters(schema)
        except schema_check.SchemaRefused as exc:
            problems.append(Problem("/inputs", "SCHEMA", str(exc)))
    return schema


def _step(value: dict[str, Any], path: str, problems: list[Problem]) -> Step:
    retry = value.get("retry", {})
    return Step(
        name=value["name"],
        path=path,
        call=_call(value, path, problems),
        needs=tuple(dict.fromkeys(value.get("needs", ()))),
        when=_condition(value.get("when"), f"{path}/when", problems),
        for_each=templates.parsed(value.get("for_each"), f"{path}/for_each", problems),
        parallel=value.get("parallel", 0),
        attempts=retry.get("attempts", 1),
        delay=retry.get("delay", 1.0),
        backoff=retry.get("backoff", 2.0),
        fallback=_other(value, "fallback", path, problems),
        timeout=value.get("timeout"),
        on_failure=value.get("on_failure", STOP),
        compensate=_other(value, "compensate", path, problems),
    )


def _other(value: dict[str, Any], key: str, path: str, problems: list[Problem]) -> Call | None:
    return _call(value[key], f"{path}/{key}", problems) if key in value else None


def _call(value: dict[str, Any], path: str, problems: list[Problem]) -> Call:
    arguments = templates.parsed(value.get("arguments", {}), f"{path}/arguments", problems)
    return Call(value["tool"], value.get("version", ""), arguments, path)


def _condition(text: str | None, path: str, problems: list[Problem]) -> Expression | None:
    if text is None:
        return None
    try:
        return expressions.parsed(text)
    except NotFilled as exc:
        problems.append(Problem(path, exc.code, exc.message))
        return None
