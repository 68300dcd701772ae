"""
Attacks on files by other names that the kernel has for them: F8 to F11.
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any

from toolcell_server.battery.attack import Attack
from toolcell_server.battery.attacks.planting import for_reading
from toolcell_server.battery.running import NotHere

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground

HANDLE_BYTES = 128


def _with_sibling(ground: Ground) -> dict[str, Any]:
    return {"path": ground.plant("public.txt"), "pid": ground.sibling.pid}


def _descriptor_of_sibling(ground: Ground) -> dict[str, Any]:
    return {"pid": ground.sibling.pid, "descriptor": ground.sibling.descriptor}


def _handle(ground: Ground) -> dict[str, Any]:
    """
    The handle of a secret file (name_to_handle_at(2)), and a granted folder on its file system.
    """
    path = ground.plant("public.txt")
    ground.plant_inside("folder/granted.txt", "nothing secret")
    ground.reads.append(f"{ground.root}/folder")
    buffer = ctypes.create_string_buffer(HANDLE_BYTES.to_bytes(4, "little"), HANDLE_BYTES + 8)
    library = ctypes.CDLL(None, use_errno=True)
    if library.name_to_handle_at(-100, path.encode(), buffer, ctypes.byref(ctypes.c_int()), 0):
        raise NotHere(f"no handles here: {os.strerror(ctypes.get_errno())}")
    length = int.from_bytes(buffer.raw[:4], "little")
    return {
        "handle": list(buffer.raw[8 : 8 + length]),
        "kind": int.from_bytes(buffer.raw[4:8], "little", signed=True),
        "granted": f"{ground.root}/folder",
    }


def _left_open(ground: Ground) -> dict[str, Any]:
    name = f"{ground.marker}.txt"
    return {"path": ground.plant(name), "name": name}


ATTACKS: tuple[Attack, ...] = (
    Attack(
        id="F8",
        name="read_through_the_root_of_a_process",
        module="files_detours",
        promise="no process lends its view of the host's files",
        plan=_with_sibling,
    ),
    Attack(
        id="F8",
        name="read_through_the_folder_of_a_process",
        module="files_detours",
        promise="no process lends the folder that it works in",
        plan=_with_sibling,
    ),
    Attack(
        id="F9",
        name="read_the_descriptors_of_a_process",
        module="files_detours",
        promise="what another process has open cannot be opened through it",
        plan=_descriptor_of_sibling,
    ),
    Attack(
        id="F9",
        name="reopen_a_descriptor_with_more_rights",
        module="files_detours",
        promise="a descriptor cannot be opened again with more rights than its grant",
        plan=for_reading,
    ),
    Attack(
        id="F10",
        name="open_a_file_by_its_handle",
        module="files_detours",
        promise="a file cannot be opened by its number, past all folders",
        plan=_handle,
        needs_root=True,
    ),
    Attack(
        id="F11",
        name="use_a_folder_that_was_left_open",
        module="files_detours",
        promise="no descriptor of the service leads from a cell to the host's files",
        plan=_left_open,
    ),
)
