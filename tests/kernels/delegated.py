"""
The control group that was delegated to the tests, where one was.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from toolcell_server.control_groups import SERVICE, NotDelegated, check, own_directory


def delegated() -> Path:
    """
    The group that servers of ours divide.

    Raises:
        pytest.skip.Exception: there is none.
    """
    membership, mounts = Path("/proc/self/cgroup"), Path("/proc/self/mountinfo")
    try:
        own = own_directory(membership.read_text(), mounts.read_text())
        own = own.parent if own.name == SERVICE else own
        check(own)
    except (NotDelegated, OSError) as exc:
        pytest.skip(f"needs a delegated control group (make test-kernels has one): {exc}")
    return own


def cells(group: Path, server: int) -> list[Path]:
    """
    The groups of a server's cells, spares among them.
    """
    return sorted(group.glob(f"toolcell-{server}/*/cell-*"))
