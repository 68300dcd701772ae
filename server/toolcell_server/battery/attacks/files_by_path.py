"""
Attacks on files by their paths, to read, list, measure and overwrite them: F1 to F3.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server.battery.attack import Attack
from toolcell_server.battery.attacks.planting import for_reading, outside
from toolcell_server.battery.running import NotHere

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground


def _neighbour(ground: Ground) -> dict[str, Any]:
    granted = ground.plant_inside("granted.txt", "nothing secret")
    ground.reads.append(granted)
    return {"granted": granted, "path": ground.plant_inside("neighbour.txt")}


def _measured(ground: Ground) -> dict[str, Any]:
    size = 1_000_000 + secrets.randbelow(2**40)
    told = _neighbour(ground)
    with Path(told["path"]).open("ab") as file:
        file.truncate(size)
    ground.secrets.append(str(size))
    return told


def _beside_the_interpreter(ground: Ground) -> dict[str, Any]:
    try:
        ground.plant_at(f"{sys.prefix}/.{ground.marker}.env")
    except OSError as exc:
        raise NotHere(f"nothing can be planted in {sys.prefix}: {exc.strerror}") from exc
    return {}


def _system(ground: Ground) -> dict[str, Any]:
    own = str(Path(__file__).parents[2])
    folders = ("/usr", "/usr/bin", "/usr/lib", "/etc", "/", sys.prefix, own)
    paths = [ground.claim(f"{folder}/{ground.marker}") for folder in folders]
    return {"paths": paths}


def _dotdot(ground: Ground) -> dict[str, Any]:
    ground.plant_inside("folder/granted.txt", "nothing secret")
    ground.reads.append(f"{ground.root}/folder")
    ground.plant_inside("neighbour.txt")
    return {"folder": f"{ground.root}/folder", "name": "neighbour.txt"}


ATTACKS: tuple[Attack, ...] = (
    Attack(
        id="F1",
        name="read_a_file_that_anybody_may_read",
        module="files",
        promise="a file of the host that was not granted cannot be read, whatever its mode says",
        plan=outside,
    ),
    Attack(
        id="F1",
        name="read_a_private_file_of_the_service",
        module="files",
        promise="a file of the service's own cannot be read",
        plan=lambda ground: {"path": ground.plant("private.txt", mode=0o600)},
    ),
    Attack(
        id="F1",
        name="read_a_file_beside_a_granted_one",
        module="files",
        promise="a grant for one file does not grant its neighbour",
        plan=_neighbour,
    ),
    Attack(
        id="F1",
        name="list_a_folder_of_the_host",
        module="files",
        promise="the names of files that were not granted cannot be learned",
        plan=lambda ground: {"folder": str(Path(ground.plant(f"names/{ground.token}")).parent)},
    ),
    Attack(
        id="F1",
        name="measure_a_file_beside_a_granted_one",
        module="files",
        promise="not even the size of a granted file's neighbour can be learned",
        plan=_measured,
    ),
    Attack(
        id="F1",
        name="read_settings_beside_the_interpreter",
        module="files",
        promise="of a virtual environment only what runs can be read, not the settings in it",
        plan=_beside_the_interpreter,
        needs_root=True,
    ),
    Attack(
        id="F2",
        name="overwrite_a_file_of_the_host",
        module="files",
        promise="a file of the host that was not granted cannot be changed",
        plan=outside,
    ),
    Attack(
        id="F2",
        name="overwrite_a_granted_file_that_is_for_reading",
        module="files",
        promise="what was granted for reading cannot be changed",
        plan=for_reading,
    ),
    Attack(
        id="F2",
        name="write_into_the_system",
        module="files",
        promise="programs, libraries, settings and our own code cannot be added to",
        plan=_system,
        needs_root=True,
    ),
    Attack(
        id="F3",
        name="leave_the_scratch_by_dotdot",
        module="files",
        promise="no number of .. leads out of the cell",
        plan=outside,
    ),
    Attack(
        id="F3",
        name="leave_a_granted_folder_by_dotdot",
        module="files",
        promise="no .. leads from a granted folder to its neighbour",
        plan=_dotdot,
    ),
)
