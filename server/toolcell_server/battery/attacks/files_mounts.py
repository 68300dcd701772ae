"""
Attacks on files by changing what is mounted where: F12.
"""

from __future__ import annotations

from toolcell_server.battery.attack import Attack
from toolcell_server.battery.attacks.planting import for_reading, outside

ATTACKS: tuple[Attack, ...] = (
    Attack(
        id="F12",
        name="bind_over_a_file_for_reading",
        module="files_mounts",
        promise="a file for reading cannot be mounted a second time, for writing",
        plan=for_reading,
    ),
    Attack(
        id="F12",
        name="remount_a_file_for_reading",
        module="files_mounts",
        promise="a mount that is read-only stays so",
        plan=for_reading,
    ),
    Attack(
        id="F12",
        name="read_through_a_cloned_tree",
        module="files_mounts",
        promise="no tree of the host can be cloned",
        plan=outside,
    ),
    Attack(
        id="F12",
        name="read_through_a_moved_tree",
        module="files_mounts",
        promise="no tree of the host can be attached where the cell may look",
        plan=outside,
    ),
    Attack(
        id="F12",
        name="read_through_an_overlay",
        module="files_mounts",
        promise="no file system can be made that shows the host's folders",
        plan=outside,
    ),
    Attack(
        id="F12",
        name="climb_out_of_a_changed_root",
        module="files_mounts",
        promise="the root cannot be changed to climb out of it",
        plan=outside,
    ),
    Attack(
        id="F12",
        name="exchange_the_root",
        module="files_mounts",
        promise="the root cannot be exchanged for another",
        plan=outside,
    ),
    Attack(
        id="F12",
        name="unmount_what_lies_over_the_host",
        module="files_mounts",
        promise="nothing can be unmounted to see what it covers",
        plan=outside,
    ),
)
