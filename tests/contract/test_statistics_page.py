"""
The page about statistics: its Python, its command and the fields that it lists.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plain_calls import TOOLCELL
from running_server import Server, start_server
from toolcell.v1 import statistics_pb2
from toolcell_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/registry/statistics.md").read_text()
PROGRAM, PRICED = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TOOL = f'''
from toolcell_worker import tool


{PRICED}def priced(number: int) -> int:
    """
    Count, for a price.
    """
    return number
'''


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    One whose tool `priced` has the price of the page, and was called.
    """
    folder = tmp_path_factory.mktemp("page")
    (folder / "tools").mkdir()
    (folder / "tools/priced.py").write_text(TOOL)
    with start_server(folder, f'[[bundles]]\nname = "mine"\npath = "{folder}/tools"\n') as one:
        with Client(one.target) as client:
            client.run("priced", {"number": 1})
        yield one


def test_the_program_and_the_command_tell_of_each_tool(server: Server) -> None:
    program = [sys.executable, "-c", PROGRAM.replace("127.0.0.1:50051", server.target)]
    told = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    environment = {**os.environ, "TOOLCELL_TARGET": server.target}
    command = [*TOOLCELL, "tools", "stats", "priced"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

    assert "priced 1 1 0.0%" in told.splitlines()
    assert '"calls": 1' in shown.stdout


def test_a_price_adds_up(server: Server) -> None:
    with Client(server.target) as client:
        [stats] = client.tool_stats("priced")
    assert 0.002 <= stats.cost


def test_every_field_is_on_the_page() -> None:
    table = PAGE.partition("| field |")[2].partition("\n\n")[0]
    listed = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row)}
    fields = set(statistics_pb2.ToolStats.DESCRIPTOR.fields_by_name)

    assert set() == fields - listed - {"tool", "version"}
