"""
What a set of tools offers, in which order, and what it makes of calls.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from toolcell_client.formats import (
    Answer,
    OfferedTool,
    Problem,
    RawCall,
    Stop,
    Toolset,
    WireTurn,
    format_of,
)

OBJECT: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}


def tool(name: str, **fields: Any) -> OfferedTool:
    return OfferedTool(name=name, **{"parameters": OBJECT, **fields})


TOOLS = Toolset([tool("write"), tool("read"), tool("files.list")], {"write": "save"})


def names(definitions: list[dict[str, Any]]) -> list[str]:
    return [each["function"]["name"] for each in definitions]


def raw(name: str, call_id: str = "1", arguments: Any = "{}") -> RawCall:
    return RawCall(call_id=call_id, name=name, arguments=arguments)


def test_definitions_come_in_the_order_of_names_whatever_order_the_tools_came_in() -> None:
    """
    A provider that caches the beginning of a prompt finds it again.
    """
    tools = [tool(each) for each in "cab"]

    assert ["a", "b", "c"] == names(Toolset(tools).definitions("openai"))
    assert Toolset(tools).definitions("gemini") == Toolset(tools[::-1]).definitions("gemini")


def test_only_some_are_defined_by_the_names_that_they_have_among_all() -> None:
    assert ["files_list", "save"] == names(
        TOOLS.definitions("openai", only=["write", "files.list"])
    )
    assert ["save"] == names(TOOLS.definitions("openai", only={"save"}))
    assert [] == TOOLS.definitions("openai", only=[])


@pytest.mark.parametrize(
    ("mode", "only", "expected"),
    [
        ("auto", None, {"tool_choice": "auto"}),
        ("required", None, {"tool_choice": "required"}),
        (
            "write",
            None,
            {"tool_choice": {"type": "function", "function": {"name": "save"}}},
        ),
        (
            "write",
            ["save", "read"],
            {"tool_choice": {"type": "function", "function": {"name": "save"}}},
        ),
        (
            "required",
            ["write"],
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "required",
                        "tools": [{"type": "function", "function": {"name": "save"}}],
                    },
                }
            },
        ),
    ],
    ids=["auto", "required", "one", "one of some", "required of some"],
)
def test_a_choice_is_in_the_words_of_the_provider(
    mode: str, only: list[str] | None, expected: dict[str, Any]
) -> None:
    assert expected == TOOLS.choice("openai", mode, only=only)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (lambda: Toolset([tool("a"), tool("a")]), "two tools are called 'a'; offer one of them"),
        (lambda: TOOLS.with_tools([tool("read")]), "two tools are called 'read'"),
        (lambda: TOOLS.without("rede"), "no tool here is called 'rede'"),
        (lambda: TOOLS.definitions("openai", only=["rede"]), "no tool here is called 'rede'"),
        (
            lambda: TOOLS.definitions("openai", only="read"),
            "only='read' is one name; write ['read']",
        ),
        (lambda: TOOLS.definitions("nobody"), "no provider is called 'nobody'; there are openai"),
        (lambda: TOOLS.definitions("openai", strict="yes"), "strict is True, False or"),  # type: ignore[arg-type]
        (lambda: TOOLS.definitions("gemini", strict=True), "gemini has no strict mode; leave"),
        (lambda: TOOLS.choice("openai", "rede"), "mode is one of auto, none, required, or a tool"),
        (lambda: TOOLS.choice("openai", "read", only=["write"]), "`only` leaves it out; add it"),
        (lambda: TOOLS.choice("openai", "required", only=[]), "a call is required, and no tool"),
        (lambda: TOOLS.call(raw("read"), ["rede"]), "no tool here is called 'rede'"),
        (lambda: Toolset([tool("a", parameters={"type": "string"})]), "JSON Schema of an object"),
        (
            lambda: Toolset([tool("a", parameters={"properties": {"b": {"enum": 5}}})]),
            "the parameters of a: /properties/b/enum must be a list, not 5",
        ),
        (lambda: Toolset([tool("a", returns={"type": "text"})]), "what a returns: /type must be"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused_with_what_to_do(action: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        action()


def test_a_call_by_alias_or_by_the_tools_own_name_is_of_that_tool() -> None:
    """
    A model may have read the name elsewhere.
    """
    assert ["write", "write", "files.list"] == [
        TOOLS.call(raw(each)).tool for each in ("save", "write", "files_list")
    ]


def test_a_call_outside_of_what_was_offered_is_answered_with_what_is() -> None:
    unknown, outside = TOOLS.call(raw("rede")), TOOLS.call(raw("save"), ["read"])

    assert (Problem.UNKNOWN_TOOL, "") == (unknown.problem, unknown.tool)
    assert "There are: files_list, read, save." in unknown.detail
    assert (Problem.NOT_OFFERED, "write") == (outside.problem, outside.tool)
    assert "save is not offered for this response; nothing ran. There are: read." == outside.detail


def test_of_two_calls_with_one_id_the_second_is_not_executed() -> None:
    """
    Some gateways send a call twice; ids are empty where a provider has none.
    """
    wire = WireTurn(calls=(raw("read"), raw("write"), raw("read", ""), raw("read", "")))

    turn = TOOLS.read("openai", wire)

    assert [None, Problem.REPEATED, None, None] == [each.problem for each in turn.calls]
    assert Problem.REPEATED == TOOLS.call(raw("read", "9"), answered={"9"}).problem
    assert None is TOOLS.call(raw("read", ""), answered={""}).problem


@pytest.mark.parametrize(
    ("provider", "count"), [("openai", 1), ("openai-responses", 1), ("anthropic", 1), ("gemini", 2)]
)
def test_a_repeated_id_has_one_result_unless_results_are_counted(provider: str, count: int) -> None:
    """
    Anthropic refuses two results of one id; Gemini refuses fewer results than calls.
    """
    calls = TOOLS.read(provider, WireTurn(calls=(raw("read"), raw("read")))).calls

    made = str(TOOLS.results(provider, [Answer(call=each, value="done") for each in calls]))

    assert count == made.count("done"), made


def test_what_is_derived_keeps_the_aliases_that_a_history_has() -> None:
    """
    A tool that joins later is the one that is called otherwise.
    """
    more = TOOLS.with_tools(
        [tool("files_list", schema_only=True), tool("answer")], {"answer": "say"}
    )
    less = more.without("read", "say")

    assert {"files.list": "files_list", "write": "save", "answer": "say", "read": "read"} == {
        name: alias for name, alias in more.aliases.items() if name != "files_list"
    }
    assert re.fullmatch(r"files_list_[0-9a-f]{6}", more.aliases["files_list"])
    assert more.tools["files_list"].schema_only
    assert ["files.list", "files_list", "write"] == list(less.tools)
    assert more.aliases["files_list"] == less.aliases["files_list"]
    assert ["files.list", "read", "write"] == list(TOOLS.tools)


def test_a_description_is_cut_where_the_provider_refuses_more() -> None:
    tools = Toolset([tool("a", description="x" * 2000)])

    [cut] = tools.definitions("openai")
    [note] = tools.explain("openai", strict=False)

    assert ("x" * 1023) + "…" == cut["function"]["description"]
    assert ("a", "description") == (note.tool, note.keyword)
    assert [] == tools.explain("anthropic", strict=False)


def test_a_turn_that_ends_with_calls_waits_for_them() -> None:
    """
    Some gateways say "stop" with calls.
    """
    turn = TOOLS.read("openai", WireTurn(calls=(raw("read"),), stop=Stop.END))

    assert Stop.CALLS == turn.stop
    assert "openai" == format_of(turn.provider).provider
