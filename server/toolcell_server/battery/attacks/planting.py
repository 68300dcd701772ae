"""
What many attacks are after, and what they are granted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground

TEXT = "overwritten by an attacker"


def outside(ground: Ground) -> dict[str, Any]:
    """
    A file that anybody may read, outside of every grant.
    """
    return {"path": ground.plant("public.txt"), "text": TEXT}


def for_reading(ground: Ground) -> dict[str, Any]:
    """
    A file that is granted for reading.
    """
    path = ground.plant_inside("reads/granted.txt", "nothing secret")
    ground.reads.append(path)
    return {"path": path, "text": TEXT}


def two_folders(ground: Ground) -> dict[str, Any]:
    """
    A folder that is granted for reading, with a file in it, and one for writing.
    """
    folder = ground.make_folder_inside("writes")
    path = ground.plant_inside("reads/granted.txt", "nothing secret")
    ground.reads.append(str(Path(path).parent))
    ground.writes.append(folder)
    return {"path": path, "folder": folder, "text": TEXT}


def for_writing(ground: Ground) -> dict[str, Any]:
    """
    A folder that is granted for writing, and a secret elsewhere.
    """
    folder = ground.make_folder_inside("writes")
    ground.writes.append(folder)
    return {"folder": folder, "path": ground.plant("public.txt")}
