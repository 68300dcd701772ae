"""
Fixtures 7 and 8 of the reference, for every provider, from a definition to the call that follows.
"""

from __future__ import annotations

from typing import Any

import pytest
from calling_responses import RESPONSES, response_of
from outgoing_types import DEFINITIONS
from toolcell_client.formats import OfferedTool, Toolset

TEXT = {"type": "string"}
OPTIONAL = {
    "type": "object",
    "properties": {"city": TEXT, "unit": TEXT, "zone": {"type": ["string", "null"]}},
    "required": ["city"],
}
DOTTED = Toolset([OfferedTool(name="weather.get", parameters=OPTIONAL)])


def names(value: Any) -> list[str]:
    """
    Every name that is told, in any definition.
    """
    if isinstance(value, list):
        return [found for each in value for found in names(each)]
    if not isinstance(value, dict):
        return []
    told = [value["name"]] if isinstance(value.get("name"), str) else []
    return [*told, *names([*value.values()])]


@pytest.mark.parametrize("provider", RESPONSES)
def test_a_name_with_a_dot_has_an_alias_that_leads_back(provider: str) -> None:
    """
    One dotted name makes some providers refuse the whole request.
    """
    made = DOTTED.definitions(provider)
    turn = DOTTED.turn(provider, response_of(provider, ("call_1", "weather_get", {"city": "Oslo"})))

    assert ["weather_get"] == names(made)
    assert [] == DEFINITIONS[provider](made)
    assert [("weather.get", None)] == [(each.tool, each.problem) for each in turn.calls]


@pytest.mark.parametrize("provider", RESPONSES)
def test_a_null_for_what_is_optional_does_not_reach_the_tool(provider: str) -> None:
    """
    Strict mode makes a model write it; where the schema admits null, it stays.
    """
    written = {"city": "Oslo", "unit": None, "zone": None}
    turn = DOTTED.turn(provider, response_of(provider, ("call_1", "weather_get", written)))

    assert [{"city": "Oslo", "zone": None}] == [each.arguments for each in turn.calls]
