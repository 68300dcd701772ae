"""
A provider server for each test, and one for tests that only see their requests refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell_client.testing.providers import ProviderServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def provider() -> Iterator[ProviderServer]:
    with ProviderServer() as server:
        yield server


@pytest.fixture(scope="module")
def refusing() -> Iterator[ProviderServer]:
    """
    Has no script: a request that is not refused for what it is fails the test by the words.
    """
    with ProviderServer(models={"known"}, api_key="key", max_body_bytes=100_000) as server:
        yield server
