from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from turning import BOTH, Turn

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer


@pytest.fixture(params=sorted(BOTH))
def turn(request: pytest.FixtureRequest, server: FakeServer) -> Turn:
    """
    `run_tool_calls(response, provider="openai", **options)` of either client.
    """
    return BOTH[request.param](server.target)
