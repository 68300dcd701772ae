"""
The pytest plugin: `toolcell_cell` runs a tool in a real cell.

    def test_my_tool_adds(toolcell_cell):
        assert toolcell_cell.run("path/to/bundle", "add", {"a": 1, "b": 2}).value == 3
"""

from __future__ import annotations

import pytest

from toolcell_client.cell import Cell


@pytest.fixture(scope="session")
def toolcell_cell() -> Cell:
    """
    Runs tools in real cells, without a server.  Needs `toolcell[server]` beside the tests.
    """
    return Cell()
