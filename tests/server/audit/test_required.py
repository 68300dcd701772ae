"""
The key `audit` of a manifest, from where a tool is written to where it counts.
"""

from __future__ import annotations

import pytest
from toolcell_server.limits import Limits
from toolcell_server.tool import Tool
from toolcell_worker import tool
from toolcell_worker.authoring import definition_of
from toolcell_worker.errors import DefinitionError


def test_a_tool_may_demand_a_record() -> None:
    @tool(audit="required")
    def pay(amount: int) -> int:
        """
        Pays.
        """
        return amount

    definition = definition_of(pay)
    assert definition is not None
    read = Tool.from_manifest(
        definition.manifest, bundle="mine", defaults=Limits(), ceilings=Limits()
    )
    assert read.audit == "required"


def test_another_word_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(DefinitionError, match="audit is 'please'; it must be one of required"):

        @tool(audit="please")
        def pay(amount: int) -> int:
            """
            Pays.
            """
            return amount
