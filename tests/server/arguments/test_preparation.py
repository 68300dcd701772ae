"""
What is done to arguments before they are checked: nulls, texts, defaults.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from toolcell_server.arguments.preparing import Preparing
from toolcell_server.limits import Limits
from toolcell_server.refusals import ArgumentsNotJson, ArgumentsTooLarge
from toolcell_server.settings.arguments import ArgumentSettings
from toolcell_server.tool import Tool

NESTED = {
    "type": "object",
    "properties": {
        "q": {"type": "string"},
        "limit": {"type": "integer", "default": 10},
        "sort": {"enum": ["up", "down"]},
        "note": {"type": ["string", "null"], "default": None},
        "any": {},
        "filter": {
            "type": "object",
            "properties": {
                "tag": {"type": "string", "default": "all"},
                "most": {"type": "integer"},
            },
            "default": {"most": 1},
        },
        "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}},
        "maybe": {"anyOf": [{"$ref": "#/$defs/row"}, {"type": "null"}]},
        "tree": {"$ref": "#/$defs/node"},
    },
    "required": ["q"],
    "$defs": {
        "row": {"type": "object", "properties": {"n": {"type": "integer", "default": 0}}},
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "default": "leaf"},
                "below": {"$ref": "#/$defs/node"},
            },
        },
    },
}


def tool(**fields: Any) -> Tool:
    manifest = {"name": "t", "description": "It.", "parameters": NESTED, **fields}
    return Tool.from_manifest(manifest, bundle="b", defaults=Limits(), ceilings=Limits())


def prepared(of: Tool, arguments: Any, settings: ArgumentSettings | None = None) -> Any:
    data = arguments if isinstance(arguments, bytes) else json.dumps(arguments).encode()
    found, written = Preparing(settings or ArgumentSettings()).prepared(of, data, 1000)
    assert found == json.loads(written), "both say the same"
    return found


DROPPED: dict[str, tuple[Any, Any]] = {
    "a null that would be refused": ({"q": "a", "limit": None}, {"q": "a"}),
    "one that an enumeration does not name": ({"q": "a", "sort": None}, {"q": "a"}),
    "one that the schema takes": ({"q": "a", "note": None}, {"q": "a", "note": None}),
    "one where anything goes": ({"q": "a", "any": None}, {"q": "a", "any": None}),
    "one of a choice with null": ({"q": "a", "maybe": None}, {"q": "a", "maybe": None}),
    "one that is required": ({"q": None}, {"q": None}),
    "one that nobody declares": ({"q": "a", "x": None}, {"q": "a", "x": None}),
    "one below": ({"q": "a", "filter": {"most": None}}, {"q": "a", "filter": {}}),
    "one in a list": ({"q": "a", "rows": [{"n": None}, None]}, {"q": "a", "rows": [{}, None]}),
    "one below a choice": ({"q": "a", "maybe": {"n": None}}, {"q": "a", "maybe": {}}),
    "one in a tree": (
        {"q": "a", "tree": {"below": {"below": {"name": None}, "name": "x"}}},
        {"q": "a", "tree": {"below": {"below": {}, "name": "x"}}},
    ),
}


@pytest.mark.parametrize(("given", "left"), DROPPED.values(), ids=DROPPED)
def test_a_null_is_dropped_only_where_it_would_be_refused(given: Any, left: Any) -> None:
    """
    Strict-mode models send null for what they mean to leave out.
    """
    assert left == prepared(tool(drop_nulls=True), given)
    assert given == prepared(tool(), given)


def test_defaults_are_filled_at_the_top_and_in_objects_that_are_there() -> None:
    """
    A default that was filled in is whole.
    """
    filled = prepared(
        tool(fill_defaults=True),
        {"q": "a", "rows": [{}, {"n": 5}], "maybe": {}, "tree": {"below": {}}},
    )

    assert {
        "q": "a",
        "rows": [{"n": 0}, {"n": 5}],
        "maybe": {"n": 0},
        "tree": {"below": {"name": "leaf"}, "name": "leaf"},
        "limit": 10,
        "note": None,
        "filter": {"most": 1},
    } == filled
    assert {"tag": "x"} == prepared(tool(fill_defaults=True), {"filter": {"tag": "x"}})["filter"]


def test_two_calls_never_share_a_default() -> None:
    of, preparing = tool(fill_defaults=True), Preparing()
    first, _ = preparing.prepared(of, b"{}", 1000)
    first["filter"]["most"] = 99
    second, _ = preparing.prepared(of, b"{}", 1000)

    assert {"most": 1} == second["filter"]


def test_a_null_that_was_dropped_gets_its_default() -> None:
    both = tool(fill_defaults=True, drop_nulls=True)

    assert 10 == prepared(both, {"q": "a", "limit": None})["limit"]


def test_the_operator_may_ask_for_all_tools() -> None:
    settings = ArgumentSettings(fill_defaults=True, drop_nulls=True)

    assert 10 == prepared(tool(), {"q": "a", "limit": None}, settings)["limit"]


def test_a_default_that_would_be_refused_is_not_filled_in() -> None:
    """
    For all tools, that is; one that asks for it itself is broken.
    """
    part = {"type": "string", "default": None}
    of = tool(parameters={"type": "object", "properties": {"a": part}})

    assert {} == prepared(of, {}, ArgumentSettings(fill_defaults=True))


TRANSFORMED: dict[str, tuple[dict[str, list[str]], Any, Any]] = {
    "trimmed and made small": ({"/q": ["trim", "lower"]}, {"q": "  ABC "}, {"q": "abc"}),
    "in their order": ({"/q": ["max_length:3", "trim"]}, {"q": "  ABC "}, {"q": "A"}),
    "without control characters": (
        {"/q": ["strip_control"]},
        {"q": "a\0b\x1b[1m\u202ec\td\n"},
        {"q": "ab[1mc\td\n"},
    ),
    "composed": ({"/q": ["nfc"]}, {"q": "e\u0301"}, {"q": "é"}),
    "each in a list": (
        {"/rows/*": ["trim"]},
        {"rows": [" a ", 1, [" b "]]},
        {"rows": ["a", 1, [" b "]]},
    ),
    "one of a list": ({"/rows/1": ["trim"]}, {"rows": [" a ", " b "]}, {"rows": [" a ", "b"]}),
    "every argument": ({"/*": ["trim"]}, {"q": " a ", "sort": " up "}, {"q": "a", "sort": "up"}),
    "below": ({"/filter/tag": ["trim"]}, {"filter": {"tag": " x "}}, {"filter": {"tag": "x"}}),
    "what is not there": ({"/filter/tag": ["trim"]}, {"q": " a "}, {"q": " a "}),
    "what is no text": ({"/q": ["trim"]}, {"q": 5}, {"q": 5}),
}


@pytest.mark.parametrize(("table", "given", "left"), TRANSFORMED.values(), ids=TRANSFORMED)
def test_texts_are_transformed(table: Any, given: Any, left: Any) -> None:
    assert left == prepared(tool(transforms=table), given)


def test_bytes_stay_as_they_were_sent_unless_something_changed() -> None:
    """
    Blanks, order and the spelling of numbers included.
    """
    of = tool(transforms={"/q": ["trim"]}, fill_defaults=False, drop_nulls=True)
    sent = b'{ "limit": 1.0, "q":"a" }'

    assert sent is Preparing().prepared(of, sent, 1000)[1]
    assert (
        b'{"limit":1.0,"q":"a"}' == Preparing().prepared(of, sent.replace(b'"a"', b'"a "'), 1000)[1]
    )


def test_what_defaults_make_too_large_is_refused() -> None:
    """
    The limit is of what the tool gets.
    """
    with pytest.raises(ArgumentsTooLarge):
        Preparing().prepared(tool(fill_defaults=True), b"{}", 40)
    with pytest.raises(ArgumentsTooLarge):
        Preparing().prepared(tool(), b'{"q": "' + b"a" * 100 + b'"}', 40)
    with pytest.raises(ArgumentsNotJson):
        Preparing().prepared(tool(fill_defaults=True), b'{"q": NaN}', 40)


def test_defaults_are_not_multiplied_without_end() -> None:
    """
    A small call cannot make the server fill memory: it is refused before.
    """
    row = {"type": "object", "properties": {"a": {"type": "string", "default": "x" * 10_000}}}
    rows = {"type": "array", "items": row}
    of = tool(fill_defaults=True, parameters={"type": "object", "properties": {"rows": rows}})
    data = json.dumps({"rows": [{}] * 200_000}).encode()
    begun = time.process_time()
    with pytest.raises(ArgumentsTooLarge):
        Preparing().prepared(of, data, len(data))

    assert time.process_time() - begun < 5


def test_a_tool_that_was_reloaded_is_prepared_anew() -> None:
    preparing = Preparing()
    preparing.prepared(tool(), b"{}", 1000)

    assert 10 == preparing.prepared(tool(fill_defaults=True), b"{}", 1000)[0]["limit"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a transform that is none": ({"transforms": {"/q": ["shout"]}}, "'shout' is not known"),
    "a cut to nothing": ({"transforms": {"/q": ["max_length:0"]}}, "max_length:0"),
    "a place that is no pointer": ({"transforms": {"q": ["trim"]}}, "'q' is no place"),
    "everything at once": ({"transforms": {"": ["trim"]}}, 'written as "/\\*"'),
    "a parameter that it has not": ({"transforms": {"/x": ["trim"]}}, "/x names no parameter"),
    "a screen for what it has not": ({"screens": {"/x": ["sql"]}}, "/x names no parameter"),
    "a screen that is none": ({"screens": {"/q": ["xss"]}}, "'xss' is not known"),
    "a screen for nothing": ({"screens": {"/q": []}}, "names no kind"),
    "an action that is none": ({"screen_action": "ignore"}, "screen_action"),
    "an empty key": ({"redact_keys": [""]}, "empty name"),
    "a default that is not of its schema": (
        {
            "fill_defaults": True,
            "parameters": {"type": "object", "properties": {"a": {"type": "string", "default": 1}}},
        },
        "default at /properties/a",
    ),
}


@pytest.mark.parametrize(("fields", "says"), REFUSED.values(), ids=REFUSED)
def test_what_a_manifest_may_not_ask_for(fields: dict[str, Any], says: str) -> None:
    """
    Such a tool is broken, with the reason.
    """
    with pytest.raises(ValueError, match=says):
        tool(**fields)
