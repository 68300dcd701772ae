"""
What may be done in the folders that are a cell's own, beside what it was granted.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from cells import cell_grant
from toolcell_worker.walls import landlock_rules
from toolcell_worker.walls.landlock import SCRATCH, WRITE
from toolcell_worker.wire import Access, Mount

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("granted", "access", "expected"),
    [
        pytest.param("beside", Access.WRITE, SCRATCH, id="what may be written lies beside it"),
        pytest.param("own/inner", Access.WRITE, WRITE, id="what may be written lies in it"),
        pytest.param("", Access.WRITE, WRITE, id="it lies in what may be written"),
        pytest.param("", Access.READ, SCRATCH, id="it lies in what may be read"),
    ],
)
def test_no_link_can_be_left_where_a_granted_folder_may_be_written(
    tmp_path: Path, granted: str, access: Access, expected: int
) -> None:
    """
    Rights add up along a path, in both directions: a link in a folder of the host leads whoever
    comes there next.
    """
    own = tmp_path / "own"
    own.mkdir()
    mount = Mount(access, str(tmp_path / granted), str(tmp_path), directory=True, given=True)
    grant = dataclasses.replace(cell_grant(), mounts=(mount,))

    assert expected == landlock_rules._scratch(str(own), grant)
