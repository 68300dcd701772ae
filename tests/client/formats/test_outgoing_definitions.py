"""
Definitions, choices and what was said are what the installed SDKs take; and the check can fail.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from calling_responses import response_of
from outgoing_types import CHOICES, DEFINITIONS, MESSAGES
from toolcell_client.formats import OfferedTool, Toolset, format_of
from toolcell_client.formats.turns import Answer

PROVIDERS = sorted(MESSAGES)
STRICT = {"openai", "openai-responses", "anthropic"}  # the others know no strict mode
TEXT = {"type": "string"}
PLACE = {
    "type": "object",
    "properties": {"city": TEXT, "unit": {"enum": ["C", "F"]}},
    "required": ["city"],
}
NESTED = {
    "type": "object",
    "properties": {
        "route": {"type": "array", "items": {"$ref": "#/$defs/stop"}, "minItems": 1},
        "limit": {"type": ["integer", "null"], "minimum": 1, "default": 3},
        "by": {"anyOf": [TEXT, {"$ref": "#/$defs/stop"}]},
    },
    "$defs": {"stop": {"type": "object", "properties": {"city": TEXT}, "required": ["city"]}},
}
FREE = {"type": "object", "additionalProperties": TEXT}
ODD = {"type": "object", "properties": {"at the sea": TEXT, "$top": {"type": "integer"}}}
# By kind: a tool's name, its parameters, and whether every provider can be held to them.
TOOLS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "no parameters": ("now", {"type": "object", "additionalProperties": False}, True),
    "an optional one": ("place", PLACE, True),
    "nested": ("route", NESTED, True),
    "any key": ("free", FREE, False),
    "a name and properties that need an alias": ("files.list/ä", ODD, True),
}
TOOLSET = Toolset(
    OfferedTool(name=name, description=f"About {kind}.", parameters=schema, returns=PLACE)
    for kind, (name, schema, _) in TOOLS.items()
)
MODES: list[tuple[str, list[str] | None]] = [
    *(("auto", None), ("none", None), ("required", None), ("files.list/ä", None)),
    *(("auto", ["now", "place"]), ("required", ["now", "place"]), ("required", ["now"])),
]


@pytest.mark.parametrize("strict", [False, True, "where_possible"])
@pytest.mark.parametrize("kind", TOOLS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_definition(provider: str, kind: str, strict: Any) -> None:
    name, _, can_be_strict = TOOLS[kind]
    if strict is True and not (can_be_strict and provider in STRICT):
        with pytest.raises(ValueError, match="strict"):
            TOOLSET.definitions(provider, strict=True, only=[name])
        return

    made = TOOLSET.definitions(provider, strict=strict, only=[name])

    assert 1 == len(made)
    assert [] == DEFINITIONS[provider](deepcopy(made))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_tools_and_all_tools(provider: str) -> None:
    assert [] == DEFINITIONS[provider](TOOLSET.definitions(provider, only=[]))
    assert [] == DEFINITIONS[provider](TOOLSET.definitions(provider, strict="where_possible"))


@pytest.mark.parametrize("parallel", [None, True, False])
@pytest.mark.parametrize(("mode", "only"), MODES)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_choice(provider: str, mode: str, only: list[str] | None, parallel: bool | None) -> None:
    """
    Of what a provider cannot be told, the refusal says what to do instead.
    """
    try:
        made = TOOLSET.choice(provider, mode, only=only, parallel=parallel)
    except ValueError as error:
        refused = str(error)
        assert provider in {"openai-functions", "openai-realtime", "anthropic", "gemini"}
        assert any(word in refused for word in ("use ", "send ", "max_concurrent_calls=1"))
        return

    assert [] == CHOICES[provider](made)


@pytest.mark.parametrize("text", ["Hello.", "blå 🌧", " ", "x" * 10_000])
@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_was_said(provider: str, role: str, text: str) -> None:
    assert [] == MESSAGES[provider]([format_of(provider).said(role, text)])


def keyed(value: Any) -> list[dict[str, Any]]:
    """
    Every object in a value whose keys are the provider's, not a model's, a tool's or a schema's.
    """
    if isinstance(value, list):
        return [found for each in value for found in keyed(each)]
    if not isinstance(value, dict):
        return []
    own = {"input", "args", "response", "parameters", "input_schema", "parametersJsonSchema"}
    inner = [each for name, each in value.items() if name not in {*own, "responseJsonSchema"}]
    return [value, *keyed(inner)]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_planted_key_is_found_wherever_it_is(provider: str) -> None:
    """
    In every object that goes out: a check that takes anything would say nothing above.
    """
    turn = TOOLSET.turn(provider, response_of(provider, ("call_1", "now", {})))
    told = TOOLSET.results(provider, [Answer(call=each, value=3) for each in turn.calls])
    outgoing: list[tuple[Any, Any]] = [
        (MESSAGES[provider], [*turn.messages, *told, format_of(provider).said("user", "Hello.")]),
        (DEFINITIONS[provider], TOOLSET.definitions(provider, only=["now"])),
        (CHOICES[provider], TOOLSET.choice(provider, "now")),
    ]
    for check, sent in outgoing:
        whole: Any = sent
        for place in range(len(keyed(whole))):
            planted = deepcopy(whole)
            keyed(planted)[place]["colour"] = "red"
            assert [] != check(planted), keyed(planted)[place]
        assert [] == check(whole)
