"""
How results are carried in each era.
"""

from __future__ import annotations

from typing import Any

import jsonschema
import mcp_types as types
import pytest
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import methods
from toolcell.v1 import registry_pb2
from toolcell_client.mcp_server.describing import described
from toolcell_client.mcp_server.shapes import shape_of

OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}}
LIST = {"type": "array", "items": {"$ref": "#/$defs/Row"}, "$defs": {"Row": OBJECT}}
MAYBE = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
TREE = {"type": "array", "items": {"$ref": "#"}}


@pytest.mark.parametrize(
    ("returns", "value"),
    [
        (OBJECT, {"a": 1}),
        (LIST, [{"a": 1}]),
        (MAYBE, 3),
        (MAYBE, None),
        ({"type": ["string", "null"]}, None),
        ({"type": "null"}, None),
        ({"type": "string"}, "x"),
        (TREE, [[], [[]]]),
        ({**LIST, "$id": "urn:x"}, [{"a": 1}]),
        (None, [1]),
        ({}, {"a": 1}),
        (True, 5),
    ],
)
@pytest.mark.parametrize("modern", [True, False], ids=["modern", "legacy"])
def test_the_value_fits_the_schema_and_the_era(returns: Any, value: Any, modern: bool) -> None:
    """
    Where a schema is told, its value is there and conforms; before 2026 it is an object.
    """
    shape = shape_of(returns, modern=modern)
    carried = shape.carried(value)
    if shape.schema is not None:
        jsonschema.Draft202012Validator(shape.schema).validate(carried)
        assert carried is not None
    if not modern:
        assert isinstance(carried, dict)
        assert shape.schema is None or shape.schema["type"] == "object"


def test_what_refers_to_its_own_root_is_not_told() -> None:
    """
    One level deeper it would mean something else.
    """
    assert shape_of(TREE, modern=False).schema is None
    assert TREE == shape_of(TREE, modern=True).schema


_scalars = st.sampled_from(["string", "integer", "null", "array", "object", "boolean"])
_schemas = st.recursive(
    st.fixed_dictionaries({"type": _scalars}) | st.just({}),
    lambda inner: (
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.text(max_size=5), inner)}
        )
    ),
    max_leaves=8,
)


@few
@given(returns=_schemas, modern=st.booleans())
def test_any_schema_makes_a_listing_that_the_sdk_sends(returns: Any, modern: bool) -> None:
    """
    One tool that could not be described would hide all others.
    """
    tool = registry_pb2.Tool(name="a", parameters_json=b'{"type":"object","properties":{"x":true}}')
    tool.returns_json = types.Result().model_dump_json().encode() and _bytes(returns)
    listed = types.ListToolsResult(tools=[described(tool, modern=modern)], ttl_ms=1)
    dumped = listed.model_dump(by_alias=True, mode="json", exclude_none=True)
    version = "2026-07-28" if modern else "2025-06-18"

    sent = methods.serialize_server_result("tools/list", version, dumped)

    assert sent["tools"][0]["inputSchema"]["properties"] == {"x": True}


def _bytes(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()
