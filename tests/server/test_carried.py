"""
What carries registered tools.
"""

from __future__ import annotations

import json

import pytest
from toolcell_server.carried import MAXIMUM_PAYLOAD, Carried


class TestCarried:
    def test_a_carrier_is_told_of_its_tool_and_of_the_arguments(self) -> None:
        carried = Carried(carrier="run_command", payload={"argv": ["/bin/true"]})

        told = json.loads(carried.arguments(b'{"text": "\xc3\xa9"}'))

        assert told == {"carried": {"argv": ["/bin/true"]}, "arguments": {"text": "é"}}

    def test_a_call_without_arguments_has_none(self) -> None:
        assert json.loads(Carried(carrier="any").arguments(b""))["arguments"] == {}

    def test_more_than_a_cell_takes_is_refused_when_it_is_made(self) -> None:
        with pytest.raises(ValueError, match="at most 131072"):
            Carried(carrier="any", payload={"text": "x" * MAXIMUM_PAYLOAD})
