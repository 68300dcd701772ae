"""
Attacks on what files are, beside their contents: F13, F14, F20.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from toolcell_server.battery.attack import Attack
from toolcell_server.battery.attacks.planting import for_reading, for_writing
from toolcell_server.battery.running import NotHere
from toolcell_server.battery.traps import trap_harm

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground


def _with_attribute(ground: Ground) -> dict[str, Any]:
    told = for_reading(ground)
    try:
        os.setxattr(told["path"], "user.canary", b"canary")
    except OSError as exc:
        raise NotHere(f"no attributes here: {exc.strerror}") from exc
    return told


ATTACKS: tuple[Attack, ...] = (
    Attack(
        id="F13",
        name="truncate_a_file_for_reading",
        module="files_special",
        promise="a file for reading cannot be cut short by its path or its descriptor",
        plan=for_reading,
    ),
    Attack(
        id="F13",
        name="truncate_a_file_by_opening_it_for_reading",
        module="files_special",
        promise="a file for reading cannot be cut short by the way it is opened",
        plan=for_reading,
    ),
    Attack(
        id="F14",
        name="make_a_device",
        module="files_special",
        promise="no device can be made, in the scratch or where it stays",
        plan=for_writing,
        harm=trap_harm,
        needs_root=True,
    ),
    Attack(
        id="F14",
        name="make_a_fifo_in_a_granted_folder",
        module="files_special",
        promise="no fifo can be left for others to hang on",
        plan=for_writing,
        harm=trap_harm,
    ),
    Attack(
        id="F14",
        name="make_a_socket_in_a_granted_folder",
        module="files_special",
        promise="no socket can be left for others to connect to",
        plan=for_writing,
        harm=trap_harm,
    ),
    Attack(
        id="F14",
        name="leave_a_program_that_runs_as_its_owner",
        module="files_special",
        promise="no set-user-id program can be left in a granted folder",
        plan=for_writing,
        harm=trap_harm,
    ),
    Attack(
        id="F14",
        name="leave_a_program_with_capabilities",
        module="files_special",
        promise="no program with capabilities can be left in a granted folder",
        plan=for_writing,
        harm=trap_harm,
        needs_root=True,
    ),
    Attack(
        id="F20",
        name="change_the_mode_of_a_file_for_reading",
        module="files_special",
        promise="the mode of a file for reading stays, though it looks like the cell's own",
        plan=for_reading,
    ),
    Attack(
        id="F20",
        name="change_the_owner_of_a_file_for_reading",
        module="files_special",
        promise="the owner of a file for reading stays",
        plan=for_reading,
        needs_root=True,
    ),
    Attack(
        id="F20",
        name="change_the_times_of_a_file_for_reading",
        module="files_special",
        promise="the times of a file for reading stay",
        plan=for_reading,
    ),
    Attack(
        id="F20",
        name="change_the_attributes_of_a_file_for_reading",
        module="files_special",
        promise="the extended attributes of a file for reading stay",
        plan=_with_attribute,
    ),
)
