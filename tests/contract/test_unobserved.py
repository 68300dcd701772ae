"""
A service under an outer sandbox that has the listener: the walls hold, and nobody watches.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running_server import LOCAL, start
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import CallRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server
    from toolcell_client import Client

WATCHED = Path(__file__).parent / "bundles" / "watched"
SETTINGS = f'[server]\n{LOCAL}\n[[bundles]]\nname = "watched"\npath = "{WATCHED}"\n'
# The kernel gives one listener to all filters of a process: the server inherits that this one is
# taken, for as long as it is open.
OUTER = """
import os, sys
from toolcell_worker import syscalls
from toolcell_worker.walls import listening
syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
os.set_inheritable(listening.load(listening._asking_about("acct")), True)
os.execv(sys.executable, [sys.executable, "-m", "toolcell_server", "--settings", sys.argv[1]])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    settings = folder / "settings.toml"
    settings.write_text(SETTINGS)
    with start([sys.executable, "-c", OUTER, str(settings)], folder / "log") as one:
        yield one


def test_what_is_refused_is_refused_all_the_same(client: Client) -> None:
    """
    Nobody sees it, and the tool keeps it to itself.
    """
    result = client.run("swallow")

    assert ("completed", 1) == (result.label, result.value)  # EPERM
    assert () == result.denials


def test_what_the_tool_reports_is_called_a_report(client: Client) -> None:
    """
    There is nothing better.
    """
    result = client.run("deny_it")

    assert {pb.EVIDENCE_REPORTED_BY_TOOL} == {denied.evidence for denied in result.denials}
    assert {"socket", "open"} == {denied.operation for denied in result.denials}


@pytest.mark.parametrize(
    ("tool", "limits"),
    [
        pytest.param("make_files", {"file_operations": 5}, id="by the call"),
        pytest.param("make_few_files", {}, id="by the tool"),
    ],
)
def test_a_budget_that_nobody_could_count_is_refused(
    client: Client, tool: str, limits: dict[str, int]
) -> None:
    """
    A limit that is ignored is worse than one that is refused.
    """
    with pytest.raises(CallRefused, match="listener") as refused:
        client.run(tool, {"count": 1}, limits=limits)

    assert "FIELD_NOT_SUPPORTED" in str(refused.value.reason)
    assert "completed" == client.run("make_files", {"count": 1}).label
