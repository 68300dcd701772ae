"""
What a model may write by an exported schema, and what a tool takes: by schemas that nobody chose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from exampling import few
from hypothesis import assume, event, given
from hypothesis import strategies as st
from schemas_of_tools import TOOLS, Values, valid
from toolcell_client.formats import OfferedTool, RawCall, Toolset
from toolcell_client.formats.aliases import property_aliases
from toolcell_client.formats.properties import declared_names, renamed

if TYPE_CHECKING:
    from toolcell_client.formats.loosened import Strictness

Schema = dict[str, Any]


def offered(schema: Schema, provider: str, strict: Strictness) -> tuple[Toolset, Any, list[Any]]:
    """
    A set of one tool, what a provider is told of it, and the notes.
    """
    toolset = Toolset([OfferedTool(name="tool", parameters=schema)])
    offers, notes = toolset._offers.made(list(toolset.tools.values()), provider, strict)
    return toolset, offers[0], notes


def read(toolset: Toolset, arguments: Any) -> Any:
    call = toolset.call(RawCall(call_id="1", name="tool", arguments=arguments))
    assert call.problem is None
    return call.arguments


def as_strict(value: Any, own: Schema, exported: Schema, root: Schema) -> Any:
    """
    The strict form of a value, found by trying: null for what is left out, aliases as exported.
    """
    if "$ref" in exported:
        return as_strict(value, own, named(exported["$ref"], root), root)
    if "anyOf" in exported:
        forms = [as_strict(value, own, each, root) for each in exported["anyOf"]]
        fitting = (f for f, e in zip(forms, exported["anyOf"], strict=True) if fits(f, e, root))
        return next(fitting, value)
    if isinstance(value, list):
        return [as_strict(each, own, exported.get("items", {}), root) for each in value]
    if not isinstance(value, dict):
        return value
    declared = exported.get("properties", {})
    made = {each: None for each in exported.get("required", ()) if each not in value}
    for name, each in value.items():
        made[name] = as_strict(each, own, declared.get(name, {}), root)
    return made


def named(reference: str, root: Schema) -> Any:
    found: Any = root
    for part in reference.split("/")[1:]:
        found = found[part]
    return found


def fits(value: Any, schema: Schema, root: Schema) -> bool:
    return valid(value, {**schema, "$defs": root.get("$defs", {})})


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@few
@given(data=st.data())
def test_what_a_strict_schema_allows_is_what_the_tool_takes(
    provider: str, data: st.DataObject
) -> None:
    """
    Unless a note says that something is only told in words.
    """
    schema = data.draw(TOOLS)
    toolset, offer, notes = offered(schema, provider, "where_possible")
    assume(offer.strict and not notes)
    written = Values(offer.parameters, data.draw).of(offer.parameters)
    assume(valid(written, offer.parameters))
    event("checked")

    arguments = read(toolset, written)

    assert valid(arguments, schema), (written, arguments, offer.parameters)


@pytest.mark.parametrize("provider", ["openai"])
@few
@given(data=st.data())
def test_what_a_tool_takes_has_a_strict_form_that_leads_back(
    provider: str, data: st.DataObject
) -> None:
    """
    As long as it has declared properties only; a null that is valid may stand for its absence.
    """
    schema = data.draw(TOOLS)
    toolset, offer, notes = offered(schema, provider, "where_possible")
    assume(offer.strict)
    wanted = Values(schema, data.draw).of(schema)
    assume(valid(wanted, schema))
    event("checked")

    written = as_strict(wanted, schema, offer.parameters, offer.parameters)

    assert valid(written, offer.parameters), (wanted, written, offer.parameters)
    assert notes or valid(read(toolset, written), schema), (wanted, written)


@pytest.mark.parametrize("provider", ["openai", "gemini", "anthropic"])
@few
@given(data=st.data())
def test_a_schema_that_is_not_strict_excludes_nothing(provider: str, data: st.DataObject) -> None:
    """
    And what was written by it is read back as it was meant.
    """
    schema = data.draw(TOOLS)
    toolset, offer, _ = offered(schema, provider, strict=False)
    wanted = Values(schema, data.draw).of(schema)
    assume(valid(wanted, schema))
    aliases = property_aliases(declared_names(schema))
    told = renamed(offer.parameters, {alias: name for name, alias in aliases.items()})

    assert valid(wanted, told), (wanted, offer.parameters)
    assert valid(read(toolset, wanted), schema)
