"""
Attacks on files by links and renames.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from toolcell_worker.battery.files import overwrite_a_file_of_the_host, read
from toolcell_worker.battery.trying import call, every, in_turn

AT_FDCWD = -100
AT_SYMLINK_FOLLOW = 0x400
RENAME_EXCHANGE = 2


def read_through_a_link_in_scratch(plan: dict[str, Any]) -> Any:
    """
    A link to the file, and one to its folder, behind another link.
    """
    path = Path(plan["path"])
    os.symlink(path, "link")
    os.symlink(path.parent, "folder")
    os.symlink("folder", "again")
    return [read("link"), read(f"folder/{path.name}"), read(f"again/{path.name}")]


def write_through_a_link_in_scratch(plan: dict[str, Any]) -> Any:
    """
    The same, to change it.
    """
    os.symlink(plan["path"], "link")
    os.symlink(plan["new"], "dangling")
    return every(
        through=lambda: Path("link").write_text(plan["text"]),
        creating=lambda: Path("dangling").write_text(plan["text"]),
    )


def plant_a_link_in_a_granted_folder(plan: dict[str, Any]) -> Any:
    """
    Whoever reads the folder later, with more rights, follows it.
    """
    folder, path = plan["folder"], plan["path"]
    return every(
        there=lambda: os.symlink(path, f"{folder}/link"),
        moved=lambda: in_turn(
            lambda: os.symlink(path, "link"), lambda: os.rename("link", f"{folder}/moved")
        ),
        loop=lambda: os.symlink("loop", f"{folder}/loop"),
        reading=lambda: read(f"{folder}/link"),
    )


def follow_a_link_that_lies_in_a_granted_folder(plan: dict[str, Any]) -> Any:
    """
    The operator's folder has links that lead out of it.
    """
    return [read(plan["link"]), read(f"{plan['folder_link']}/{plan['name']}")]


def name_a_link_as_the_path(plan: dict[str, Any]) -> Any:
    """
    The argument itself names a link that leads out.
    """
    return read(plan["path"])


def link_a_file_of_the_host_into_scratch(plan: dict[str, Any]) -> Any:
    """
    A second name for the same file.
    """
    path = plan["path"]
    return every(
        linking=lambda: in_turn(lambda: os.link(path, "name"), lambda: read("name")),
        by_descriptor=lambda: _link_descriptor(path),
    )


def link_a_file_for_reading_into_a_folder_for_writing(plan: dict[str, Any]) -> Any:
    """
    The file is for reading, the folder for writing: a name of the one in the other.
    """
    path, name = plan["path"], f"{plan['folder']}/name"
    tried = every(linking=lambda: os.link(path, name), by_descriptor=lambda: _link_to(path, name))
    return [tried, overwrite_a_file_of_the_host({"path": name, "text": plan["text"]})]


def rename_over_a_file_for_reading(plan: dict[str, Any]) -> Any:
    """
    Across the border of two grants, in both directions.
    """
    path, folder = plan["path"], plan["folder"]
    Path(f"{folder}/evil").write_text(plan["text"])
    return every(
        out=lambda: os.rename(path, f"{folder}/taken"),
        over=lambda: os.rename(f"{folder}/evil", path),
        beside=lambda: os.rename(f"{folder}/evil", f"{path}.new"),
    )


def exchange_with_a_file_for_reading(plan: dict[str, Any]) -> Any:
    """
    The two change places at once.
    """
    path, evil = plan["path"], f"{plan['folder']}/evil"
    Path(evil).write_text(plan["text"])
    first, second = os.fsencode(path), os.fsencode(evil)
    return every(
        files=lambda: call("renameat2", AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE),
        folders=lambda: call(
            "renameat2",
            *(AT_FDCWD, os.path.dirname(first), AT_FDCWD, os.path.dirname(second)),
            RENAME_EXCHANGE,
        ),
    )


def _link_descriptor(path: str) -> Any:
    descriptor = os.open(path, os.O_PATH)
    call("linkat", descriptor, b"", AT_FDCWD, b"by-descriptor", 0x1000)
    return read("by-descriptor")


def _link_to(path: str, name: str) -> int:
    descriptor = os.open(path, os.O_RDONLY)
    source = f"/proc/self/fd/{descriptor}".encode()
    return call("linkat", AT_FDCWD, source, AT_FDCWD, os.fsencode(name), AT_SYMLINK_FOLLOW)
