"""
`toolcell export` against a real server.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_client import Client
from toolcell_client.formats.providers import PROVIDERS

if TYPE_CHECKING:
    from running_server import Server


def exported(server: Server, *flags: str) -> tuple[int, Any, str]:
    """
    The exit code, the definitions, and what was said beside them.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "toolcell_client.cli", "export", "--target", server.target, *flags],
        capture_output=True,
        timeout=60,
        check=False,
        text=True,
    )
    return ended.returncode, json.loads(ended.stdout or "null"), ended.stderr


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_exported_is_what_the_client_makes(running_server: Server, provider: str) -> None:
    """
    So that a program in another language sends the same.
    """
    code, value, said = exported(running_server, "--provider", provider, "--where-possible")

    with Client(running_server.target) as client:
        tools = client.toolset()
        made = client.tools_for(provider, strict="where_possible", read_result=False)
    assert (0, made) == (code, value)
    assert made == tools.definitions(provider, strict="where_possible")
    assert len(tools.explain(provider)) == len(said.splitlines())


def test_a_tool_that_is_not_there_is_a_usage_error_with_what_is_close(
    running_server: Server,
) -> None:
    code, value, said = exported(running_server, "--provider", "openai", "read_fil")

    assert (2, None) == (code, value)
    assert "close: read_file" in said
