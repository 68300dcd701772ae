"""
Which host ids cells may have.
"""

from __future__ import annotations

import os

import pytest
from toolcell_server import host_ids
from toolcell_server.host_ids import NoSpareIds, choose

ALL = [(0, 2**32 - 1)]


@pytest.mark.parametrize(
    ("users", "groups", "expected"),
    [
        pytest.param(ALL, ALL, (100_000, 65_536), id="a plain host"),
        pytest.param([(0, 65_536)], [(0, 65_536)], (1000, 64_536), id="a container of 65536 ids"),
        pytest.param(ALL, [(0, 65_536)], (1000, 64_536), id="fewer groups than users"),
        pytest.param([(0, 110_000)], ALL, (100_000, 10_000), id="the preferred range is cut off"),
        pytest.param([(0, 100_100)], ALL, (1000, 65_536), id="too little is left above 100000"),
        pytest.param(
            [(0, 1), (1, 65_536)], [(0, 1), (1, 65_536)], (1000, 64_537), id="rootless podman"
        ),
        pytest.param([(0, 2024)], ALL, (1000, 1024), id="just enough"),
    ],
)
def test_a_range_is_chosen_that_exists_for_users_and_groups(
    users: list[tuple[int, int]], groups: list[tuple[int, int]], expected: tuple[int, int]
) -> None:
    """
    An id that does not exist cannot be given to a cell.
    """
    assert expected == choose(users, groups)


@pytest.mark.parametrize(
    ("users", "groups"),
    [
        pytest.param([(0, 1)], [(0, 1)], id="a namespace of one id"),
        pytest.param([], [], id="no map at all"),
        pytest.param([(0, 2023)], ALL, id="one id too few"),
        pytest.param(ALL, [(0, 1)], id="users but no groups"),
        pytest.param([(0, 1500), (1500, 600)], ALL, id="enough, but in two pieces"),
    ],
)
def test_too_few_ids_are_refused_with_a_remedy(
    users: list[tuple[int, int]], groups: list[tuple[int, int]]
) -> None:
    """
    Running cells as root instead would be worse than not running.
    """
    with pytest.raises(NoSpareIds, match="start as an ordinary user"):
        choose(users, groups)


def test_root_gets_ids_that_are_not_roots_and_others_get_none() -> None:
    """
    RLIMIT_NPROC is not enforced for the host's root.
    """
    if os.geteuid() != 0:
        assert host_ids.spare_ids() is None
        return
    found = host_ids.spare_ids()

    assert found is not None
    first, count = found
    assert first >= 1000
    assert count >= 1024
