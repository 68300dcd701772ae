"""
Attacks on the server by the files that a tool leaves for it, and by the paths that it asks for.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from toolcell_worker.battery.files import read
from toolcell_worker.battery.trying import await_path, every, in_turn

SIZES = (2**50, 2**43, 2**40, 2**36, 2**33)
FILES, DEPTH = 1000, 200


def write_where_the_folder_has_become_a_link(plan: dict[str, Any]) -> Any:
    """
    Between admission and commit somebody replaces the folder by a link.
    """
    print("ready", flush=True)  # noqa: T201  # whoever waits for it replaces the folder now
    await_path(plan["go"])
    return Path(plan["path"]).write_text(plan["text"])


def read_where_the_folder_has_become_a_link(plan: dict[str, Any]) -> Any:
    """
    The granted folder is replaced by a link while the tool runs.
    """
    print("ready", flush=True)  # noqa: T201  # as above
    await_path(plan["go"])
    return read(plan["path"])


def ask_for_a_path_that_begins_like_a_root(plan: dict[str, Any]) -> Any:
    """
    /data-evil is not in /data.
    """
    return read(plan["path"])


def ask_for_a_path_with_dotdot(plan: dict[str, Any]) -> Any:
    """
    In the root by its text, outside by what it means.
    """
    return read(plan["path"])


def ask_for_a_path_that_ends_early(plan: dict[str, Any]) -> Any:
    """
    The kernel's texts end at the first NUL, others do not.
    """
    return read(plan["path"].partition("\0")[0])


def read_a_name_in_another_case(plan: dict[str, Any]) -> Any:
    """
    Two names that some file systems take for one.
    """
    return [read(path) for path in plan["paths"]]


def read_a_name_in_another_form_of_unicode(plan: dict[str, Any]) -> Any:
    """
    Two names that look the same.
    """
    return [read(path) for path in plan["paths"]]


def stage_a_file_full_of_holes(plan: dict[str, Any]) -> Any:
    """
    It takes no room here, and all of it in a copy.
    """
    with Path(plan["path"]).open("wb") as file:
        sizes = {str(size): lambda size=size: file.truncate(size) for size in SIZES}
        return every(
            **sizes, end=lambda: in_turn(lambda: file.seek(SIZES[-1]), lambda: file.write(b"x"))
        )


def stage_many_files_beside(plan: dict[str, Any]) -> Any:
    """
    One file is to be staged; a thousand lie beside it, and a tree that is two hundred deep.
    """
    path = Path(plan["path"])
    path.write_text("staged")
    for number in range(FILES):
        path.with_name(f"beside-{number}").touch()
    return os.makedirs(path.parent / "/".join(["deep"] * DEPTH))


def stage_a_link_to_a_secret(plan: dict[str, Any]) -> Any:
    """
    Whoever copies what is staged reads what it names.
    """
    os.symlink(plan["secret"], plan["path"])


def stage_a_link_to_itself(plan: dict[str, Any]) -> Any:
    """
    Whoever follows it never arrives.
    """
    os.symlink(plan["path"], plan["path"])


def stage_a_folder(plan: dict[str, Any]) -> Any:
    """
    A folder where a file is expected.
    """
    os.makedirs(f"{plan['path']}/inside")


def stage_a_fifo(plan: dict[str, Any]) -> Any:
    """
    Whoever opens it for reading waits for ever.
    """
    os.mkfifo(plan["path"])


def stage_a_socket(plan: dict[str, Any]) -> Any:
    """
    It cannot be opened at all.
    """
    listener = socket.socket(socket.AF_UNIX)
    os.chdir(os.path.dirname(plan["path"]))
    listener.bind(os.path.basename(plan["path"]))


def stage_a_program_that_runs_as_its_owner(plan: dict[str, Any]) -> Any:
    """
    The set-user-id bit on a file that will be the service's.
    """
    Path(plan["path"]).write_text("#!/bin/sh\nid\n")
    return every(mode=lambda: os.chmod(plan["path"], 0o6777))
