"""
The graph of a definition: an order of its steps, and what is wrong with it.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server.workflows import templates
from toolcell_server.workflows.expressions import EVERYTHING
from toolcell_server.workflows.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_server.settings.workflows import WorkflowSettings
    from toolcell_server.workflows.definition import Definition, Step
    from toolcell_server.workflows.expressions import Expression

INPUTS: Final = "inputs"
STATES: Final = "states"
ITEM: Final = "item"
INDEX: Final = "index"
RESERVED: Final = frozenset({INPUTS, STATES, ITEM, INDEX})
_ALWAYS: Final = frozenset({INPUTS, STATES, EVERYTHING})


def problems(definition: Definition, bounds: WorkflowSettings) -> Iterator[Problem]:
    """
    What is wrong with the graph.
    """
    if len(definition.steps) > bounds.steps:
        yield Problem("/steps", "TOO_MANY_STEPS", f"has more than {bounds.steps} steps")
        return
    found = [*_names(definition), *_needs(definition)]
    yield from found
    if not found:
        yield from _cycles(definition)
        yield from _references(definition)


def ordered(definition: Definition) -> list[Step]:
    """
    The steps, each after those that it needs, else as they are written.
    """
    left, names = list(definition.steps), set[str]()
    steps = []
    while left:
        step = next(step for step in left if names.issuperset(step.needs))
        left.remove(step)
        names.add(step.name)
        steps.append(step)
    return steps


def roots(step: Step) -> frozenset[str]:
    """
    The names that the expressions of a step ask for.
    """
    return frozenset[str]().union(*(each.roots for _, each in _expressions(step)))


def needed(definition: Definition) -> Mapping[str, frozenset[str]]:
    """
    Of each step all that it needs, directly or not.
    """
    direct = {step.name: step.needs for step in definition.steps}
    return {name: frozenset(_reached(name, direct)) for name in direct}


def _reached(name: str, direct: Mapping[str, tuple[str, ...]]) -> set[str]:
    reached: set[str] = set()
    left = list(direct[name])
    while left:
        each = left.pop()
        if each not in reached:
            reached.add(each)
            left += direct.get(each, ())
    return reached


def _names(definition: Definition) -> Iterator[Problem]:
    seen: set[str] = set()
    for step in definition.steps:
        if step.name in RESERVED:
            message = f"{step.name} is a word of templates; name the step otherwise"
            yield Problem(f"{step.path}/name", "RESERVED_NAME", message)
        if step.name in seen:
            message = f"another step is named {step.name}"
            yield Problem(f"{step.path}/name", "DUPLICATE_STEP", message)
        seen.add(step.name)


def _needs(definition: Definition) -> Iterator[Problem]:
    known = {step.name for step in definition.steps}
    for step in definition.steps:
        for need in step.needs:
            if need not in known:
                yield Problem(
                    f"{step.path}/needs", "UNKNOWN_STEP", f"no step is named {need!r:.80}"
                )


def _cycles(definition: Definition) -> Iterator[Problem]:
    reach = needed(definition)
    for step in definition.steps:
        if step.name in reach[step.name]:
            message = f"{step.name} needs itself, if only by others"
            yield Problem(f"{step.path}/needs", "CYCLE", message)


def _references(definition: Definition) -> Iterator[Problem]:
    known = frozenset(step.name for step in definition.steps)
    reach = needed(definition)
    for step in definition.steps:
        before = reach[step.name] | _ALWAYS
        within = before | {ITEM, INDEX} if step.for_each is not None else before
        after = within | {step.name}
        for path, expression in _expressions(step):
            compensating = path.startswith(f"{step.path}/compensate")
            outside = path.startswith((f"{step.path}/when", f"{step.path}/for_each"))
            allowed = after if compensating else before if outside else within
            yield from _unknown(path, expression, allowed, known)
    for path, expression in templates.found(definition.outputs, "/outputs"):
        yield from _unknown(path, expression, known | _ALWAYS, known)


def _expressions(step: Step) -> Iterator[tuple[str, Expression]]:
    if step.when is not None:
        yield f"{step.path}/when", step.when
    yield from templates.found(step.for_each, f"{step.path}/for_each")
    for call in (step.call, step.fallback, step.compensate):
        if call is not None:
            yield from templates.found(call.arguments, f"{call.path}/arguments")


def _unknown(
    path: str, expression: Expression, allowed: frozenset[str], known: frozenset[str]
) -> Iterator[Problem]:
    for name in sorted(expression.roots - allowed):
        if name in known:
            message = f"{name} is not among what the step needs; add it to needs"
            yield Problem(path, "NOT_NEEDED", message)
        elif name in (ITEM, INDEX):
            yield Problem(path, "NO_LOOP", f"{name} is known within a step with for_each only")
        else:
            message = f"no step is named {name!r:.80}; inputs are {INPUTS}.NAME"
            yield Problem(path, "UNKNOWN_NAME", message)
