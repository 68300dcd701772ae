"""
Whether the service comes before its tools where sessions share the processors.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from running_server import start_server
from toolcell_server import scheduling
from toolcell_server.scheduling import AUTOGROUP, NICENESS


def test_where_sessions_have_no_share_nothing_is_raised(tmp_path: Path) -> None:
    assert not scheduling.come_first(tmp_path / "missing")


def test_whoever_may_not_raise_it_serves_nevertheless(tmp_path: Path) -> None:
    assert not scheduling.come_first(tmp_path)  # a folder cannot be written to


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="sessions have no share of their own here")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may come before others")
def test_the_session_of_a_service_weighs_more_than_that_of_a_cell(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        found = Path(f"/proc/{server.process.pid}/autogroup").read_text()

    assert found.split()[-1] == str(NICENESS)
