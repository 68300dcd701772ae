"""
What a bundle finds while it is loaded, before there is a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from running_server import start_server
from toolcell_client import Client

from compatibility.running import settings
from compatibility.workload import Bundle

if TYPE_CHECKING:
    from pathlib import Path

CACHING = '''
import os
import pathlib
import tempfile

from toolcell_worker import tool

CACHE = pathlib.Path(tempfile.mkdtemp(), "cache")
CACHE.write_text("as matplotlib does when it is imported")
PROGRAM = CACHE.with_name("program")
PROGRAM.write_text("#!/bin/sh")
PROGRAM.chmod(0o700)
RUNNABLE = os.access(PROGRAM, os.X_OK)


@tool(effects="read_only")
def cached() -> list[bool]:
    """
    What is left of the cache in a cell.
    """
    return [CACHE.exists(), CACHE.parent.name in os.listdir("/tmp"), RUNNABLE]
'''


def test_a_library_that_writes_a_cache_when_it_is_imported_loads_and_no_cell_sees_the_cache(
    tmp_path: Path,
) -> None:
    """
    One cell could leave something there for the next, if any had it in reach.
    """
    folder = tmp_path / "caching"
    folder.mkdir()
    (folder / "caching.py").write_text(CACHING)
    with (
        start_server(tmp_path, settings([Bundle("caching", folder)])) as server,
        Client(server.target) as client,
    ):
        found = client.run("cached")

    assert [False, False, False] == found.value
