"""
Attacks on what files are, beside their contents: length, kind, mode, owner, times, attributes.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from pathlib import Path
from typing import Any

from toolcell_worker.battery.trying import call, every, in_turn

HERE = -100
CAPABILITY = "security.capability"
EVERY_CAPABILITY = struct.pack("<5I", 0x0200_0001, 0xFFFF_FFFF, 0, 0xFFFF_FFFF, 0)


def truncate_a_file_for_reading(plan: dict[str, Any]) -> Any:
    """
    By its path, without opening it.
    """
    path = plan["path"]
    return every(
        by_path=lambda: os.truncate(path, 0),
        by_descriptor=lambda: os.ftruncate(os.open(path, os.O_RDONLY), 0),
        by_a_bare_descriptor=lambda: os.ftruncate(os.open(path, os.O_PATH), 0),
    )


def truncate_a_file_by_opening_it_for_reading(plan: dict[str, Any]) -> Any:
    """
    O_TRUNC needs no O_WRONLY.
    """
    path = plan["path"]
    return every(
        reading=lambda: os.open(path, os.O_RDONLY | os.O_TRUNC),
        creating=lambda: os.open(path, os.O_RDONLY | os.O_TRUNC | os.O_CREAT, 0o600),
    )


def make_a_device(plan: dict[str, Any]) -> Any:
    """
    The host's memory, as a file; in the scratch and where it stays.
    """
    zero = os.makedev(1, 5)
    kinds = {"character": stat.S_IFCHR, "block": stat.S_IFBLK}
    return every(
        **{
            f"{kind} {folder}": lambda k=k, f=f: os.mknod(f"{f}/device-{k}", k | 0o666, zero)
            for kind, k in kinds.items()
            for folder in (plan["folder"], ".")
            for f in [folder]
        }
    )


def make_a_fifo_in_a_granted_folder(plan: dict[str, Any]) -> Any:
    """
    Whoever opens it waits for ever.
    """
    folder = plan["folder"]
    return every(
        made=lambda: os.mkfifo(f"{folder}/fifo"),
        moved=lambda: in_turn(
            lambda: os.mkfifo("fifo"), lambda: os.rename("fifo", f"{folder}/moved")
        ),
    )


def make_a_socket_in_a_granted_folder(plan: dict[str, Any]) -> Any:
    """
    Whoever connects to it talks to the tool.
    """
    name = f"{plan['folder']}/socket"
    return every(
        bound=lambda: socket.socket(socket.AF_UNIX).bind(name),
        made=lambda: os.mknod(f"{name}-node", stat.S_IFSOCK | 0o600),
    )


def leave_a_program_that_runs_as_its_owner(plan: dict[str, Any]) -> Any:
    """
    The set-user-id bit, by every call that takes a mode.
    """
    folder = plan["folder"]
    for name in ("a", "b", "c"):
        Path(folder, name).write_text("#!/bin/sh\nid\n")
    opened = os.open(f"{folder}/b", os.O_RDONLY)
    return every(
        by_path=lambda: os.chmod(f"{folder}/a", 0o4755),
        by_descriptor=lambda: os.fchmod(opened, 0o4755),
        by_the_newer_call=lambda: call("syscall", 452, HERE, os.fsencode(f"{folder}/c"), 0o4755, 0),
        on_opening=lambda: os.open(f"{folder}/d", os.O_CREAT | os.O_WRONLY, 0o4755),
        on_making=lambda: os.mknod(f"{folder}/e", stat.S_IFREG | 0o4755),
        on_a_folder=lambda: os.mkdir(f"{folder}/f", 0o4755),
        moved=lambda: _moved("g", f"{folder}/g"),
        shared=lambda: os.chmod(folder, 0o2777),
    )


def leave_a_program_with_capabilities(plan: dict[str, Any]) -> Any:
    """
    An attribute of the file that gives whoever runs it root's powers.
    """
    path = f"{plan['folder']}/program"
    Path(path).write_bytes(b"\x7fELF")
    return every(
        by_path=lambda: os.setxattr(path, CAPABILITY, EVERY_CAPABILITY),
        by_descriptor=lambda: os.setxattr(os.open(path, os.O_RDONLY), CAPABILITY, EVERY_CAPABILITY),
    )


def change_the_mode_of_a_file_for_reading(plan: dict[str, Any]) -> Any:
    """
    It may look like the cell's own.
    """
    path = plan["path"]
    return every(
        by_path=lambda: os.chmod(path, 0o777),
        by_descriptor=lambda: os.fchmod(os.open(path, os.O_RDONLY), 0o666),
        by_the_newer_call=lambda: call("syscall", 452, HERE, os.fsencode(path), 0o777, 0),
        its_folder=lambda: os.chmod(os.path.dirname(path), 0o777),
    )


def change_the_owner_of_a_file_for_reading(plan: dict[str, Any]) -> Any:
    """
    To nobody, and to the cell.
    """
    path = plan["path"]
    return every(
        nobody=lambda: os.chown(path, 65534, 65534),
        own=lambda: os.lchown(path, os.getuid() or 12345, os.getgid() or 12345),
        group=lambda: os.fchown(os.open(path, os.O_RDONLY), -1, 12345),
    )


def change_the_times_of_a_file_for_reading(plan: dict[str, Any]) -> Any:
    """
    To hide when it was changed.
    """
    path = plan["path"]
    return every(
        by_path=lambda: os.utime(path, (1, 1)),
        by_descriptor=lambda: os.utime(os.open(path, os.O_RDONLY), (2, 2)),
        of_a_link=lambda: os.utime(path, (3, 3), follow_symlinks=False),
    )


def change_the_attributes_of_a_file_for_reading(plan: dict[str, Any]) -> Any:
    """
    Extended attributes, access lists among them.
    """
    path = plan["path"]
    return every(
        set=lambda: os.setxattr(path, "user.planted", b"planted"),
        by_descriptor=lambda: os.setxattr(os.open(path, os.O_RDONLY), "user.planted2", b"planted"),
        removed=lambda: os.removexattr(path, "user.canary"),
    )


def _moved(name: str, target: str) -> None:
    Path(name).write_text("#!/bin/sh\n")
    os.chmod(name, 0o6755)
    os.rename(name, target)
