"""
Attacks on files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.battery.attacks import (
    files_by_path,
    files_by_subject,
    files_detours,
    files_leavings,
    files_links,
    files_mounts,
    files_results,
)

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Attack

ATTACKS: tuple[Attack, ...] = (
    *files_by_path.ATTACKS,
    *files_links.ATTACKS,
    *files_detours.ATTACKS,
    *files_mounts.ATTACKS,
    *files_by_subject.ATTACKS,
    *files_results.ATTACKS,
    *files_leavings.ATTACKS,
)
