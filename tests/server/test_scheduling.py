"""
Whether the service comes before its tools where sessions share the processors.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from processes import named
from running_server import LOCAL, start
from toolcell_server import scheduling
from toolcell_server.scheduling import AUTOGROUP, NICENESS

THERE = Path(AUTOGROUP.format("self")).exists()


@pytest.mark.parametrize("file", ["missing", "."])
def test_whoever_cannot_raise_a_session_serves_nevertheless(tmp_path: Path, file: str) -> None:
    """
    There is no such file; it cannot be written.
    """
    assert not scheduling.come_first("self", str(tmp_path / file))


@pytest.mark.skipif(not THERE, reason="sessions have no share of their own here")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may come before others")
def test_the_sessions_of_a_service_weigh_more_than_those_of_its_cells(tmp_path: Path) -> None:
    """
    Whoever runs this may have no session; a service that an init starts has one.
    """
    file = tmp_path / "settings.toml"
    file.write_text(f"[server]\n{LOCAL}")
    program = ["setsid", sys.executable, "-m", "toolcell_server", "--settings", str(file)]
    with start(program, tmp_path / "log") as server:
        pid = server.process.pid
        ours = [pid, *named(pid, "zygote"), *named(pid, "keeper")]
        found = [Path(AUTOGROUP.format(each)).read_text().split()[-1] for each in ours]

    assert len(ours) >= 3
    assert {str(NICENESS)} == set(found)
