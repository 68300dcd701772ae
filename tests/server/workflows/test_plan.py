from __future__ import annotations

import json
from typing import Any

import pytest
from toolcell_server.settings.workflows import WorkflowSettings
from toolcell_server.workflows import definition, plan

BOUNDS = WorkflowSettings(steps=5)


def step(name: str, *needs: str, value: Any = 1, **more: Any) -> dict[str, Any]:
    return {"name": name, "tool": "t", "needs": list(needs), "arguments": {"v": value}, **more}


def codes(value: Any) -> list[tuple[str, str]]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    found, problems = definition.read(data, BOUNDS)
    if found is not None and not problems:
        problems = list(plan.problems(found, BOUNDS))
    return [(each.path, each.code) for each in problems]


GOOD = {
    "one step": [step("a")],
    "a diamond": [step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")],
    "in any order": [step("b", "a", value="{{a}}"), step("a")],
    "what is needed by others": [step("a"), step("b", "a"), step("c", "b", value="{{a.x}}")],
    "a loop": [step("a", for_each="{{inputs.list}}", value="{{item}} {{index}}")],
    "a condition": [step("a"), step("b", "a", when="states.a == 'completed'")],
    "a compensation with its own result": [
        step("a", compensate={"tool": "t", "arguments": {"v": "{{a.id}}"}})
    ],
    "all the values": [step("a", value="{{@}}")],
}

BAD: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "no json": (b"{", [("", "NOT_JSON")]),
    "a key twice": (b'{"steps": [], "steps": []}', [("", "NOT_JSON")]),
    "too large": (b" " * 2**20, [("", "NOT_JSON")]),
    "too many templates": (
        {"steps": [step("a", value=["{{inputs.x}}"] * 2001)]},
        [("", "TOO_MANY_TEMPLATES")],
    ),
    "no steps": ({"steps": []}, [("/steps", "SHAPE")]),
    "an unknown key": ({"steps": [step("a")], "stepz": 1}, [("/stepz", "SHAPE")]),
    "an unknown key of a step": ({"steps": [step("a", tools=1)]}, [("/steps/0/tools", "SHAPE")]),
    "a name that is none": ({"steps": [step("A-b")]}, [("/steps/0/name", "SHAPE")]),
    "a timeout of nothing": ({"steps": [step("a", timeout=0)]}, [("/steps/0/timeout", "SHAPE")]),
    "a word for on_failure": (
        {"steps": [step("a", on_failure="panic")]},
        [("/steps/0/on_failure", "SHAPE")],
    ),
    "too many attempts": (
        {"steps": [step("a", retry={"attempts": 99})]},
        [("/steps/0/retry/attempts", "SHAPE")],
    ),
    "inputs of no schema": (
        {"steps": [step("a")], "inputs": {"type": "array"}},
        [("/inputs", "SCHEMA")],
    ),
    "a malformed template": (
        {"steps": [step("a", value=["{{a"])]},
        [("/steps/0/arguments/v/0", "TEMPLATE_MALFORMED")],
    ),
    "a malformed condition": (
        {"steps": [step("a", when="a ==")]},
        [("/steps/0/when", "EXPRESSION_MALFORMED")],
    ),
    "too many steps": (
        {"steps": [step(f"s{n}") for n in range(6)]},
        [("/steps", "TOO_MANY_STEPS")],
    ),
    "a reserved name": ({"steps": [step("inputs")]}, [("/steps/0/name", "RESERVED_NAME")]),
    "a name twice": ({"steps": [step("a"), step("a")]}, [("/steps/1/name", "DUPLICATE_STEP")]),
    "an unknown step": ({"steps": [step("a", "b")]}, [("/steps/0/needs", "UNKNOWN_STEP")]),
    "itself": ({"steps": [step("a", "a")]}, [("/steps/0/needs", "CYCLE")]),
    "a cycle": (
        {"steps": [step("a", "c"), step("b", "a"), step("c", "b"), step("d", "c")]},
        [(f"/steps/{n}/needs", "CYCLE") for n in range(3)],
    ),
    "a step that is not needed": (
        {"steps": [step("a"), step("b", value="{{a.x}}")]},
        [("/steps/1/arguments/v", "NOT_NEEDED")],
    ),
    "a condition on a step that is not needed": (
        {"steps": [step("a"), step("b", when="a")]},
        [("/steps/1/when", "NOT_NEEDED")],
    ),
    "its own result": (
        {"steps": [step("a", value="{{a}}")]},
        [("/steps/0/arguments/v", "NOT_NEEDED")],
    ),
    "a name that nothing has": (
        {"steps": [step("a", value="{{input.x}}")]},
        [("/steps/0/arguments/v", "UNKNOWN_NAME")],
    ),
    "an item without a loop": (
        {"steps": [step("a", value="{{item}}")]},
        [("/steps/0/arguments/v", "NO_LOOP")],
    ),
    "a fallback that asks for what is not there": (
        {"steps": [step("a", fallback={"tool": "t", "arguments": {"v": "{{b}}"}}), step("b")]},
        [("/steps/0/fallback/arguments/v", "NOT_NEEDED")],
    ),
    "outputs of no step": (
        {"steps": [step("a")], "outputs": {"x": "{{b}}"}},
        [("/outputs/x", "UNKNOWN_NAME")],
    ),
    "several at once": (
        {"steps": [step("a", "x"), step("a", "y")]},
        [
            ("/steps/1/name", "DUPLICATE_STEP"),
            ("/steps/0/needs", "UNKNOWN_STEP"),
            ("/steps/1/needs", "UNKNOWN_STEP"),
        ],
    ),
}


@pytest.mark.parametrize("steps", GOOD.values(), ids=GOOD.keys())
def test_good(steps: list[dict[str, Any]]) -> None:
    assert [] == codes({"steps": steps})


@pytest.mark.parametrize(("value", "expected"), BAD.values(), ids=BAD.keys())
def test_bad(value: Any, expected: list[tuple[str, str]]) -> None:
    assert expected == codes(value)


def test_steps_come_after_what_they_need() -> None:
    steps = [step("c", "b"), step("d"), step("b", "a"), step("a")]
    found, _ = definition.read(json.dumps({"steps": steps}).encode(), BOUNDS)
    assert found

    assert ["d", "a", "b", "c"] == [each.name for each in plan.ordered(found)]
