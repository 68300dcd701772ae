"""
Attacks on files by other names that the kernel has for them: /proc, handles, descriptors.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

from toolcell_worker.battery.files import read
from toolcell_worker.battery.trying import call, every

DESCRIPTORS = 1024
PROC_SUPER_MAGIC = 0x9FA0


def read_through_the_root_of_a_process(plan: dict[str, Any]) -> Any:
    """
    /proc/PID/root is that process's view of all files.
    """
    pids = ["self", "thread-self", f"self/task/{os.getpid()}", "1", os.getppid(), plan["pid"]]
    return {str(pid): read(f"/proc/{pid}/root{plan['path']}") for pid in pids}


def read_through_the_folder_of_a_process(plan: dict[str, Any]) -> Any:
    """
    /proc/PID/cwd is where it works; from there up and down.
    """
    way = "../" * 40 + plan["path"].lstrip("/")
    pids = ["self", "1", os.getppid(), plan["pid"]]
    return {str(pid): read(f"/proc/{pid}/cwd/{way}") for pid in pids}


def read_the_descriptors_of_a_process(plan: dict[str, Any]) -> Any:
    """
    /proc/PID/fd/N opens what it has open.
    """
    pids = ["1", os.getppid(), plan["pid"]]
    return {str(pid): read(f"/proc/{pid}/fd/{plan['descriptor']}") for pid in pids}


def reopen_a_descriptor_with_more_rights(plan: dict[str, Any]) -> Any:
    """
    What was opened for reading, or for nothing, is opened again for writing.
    """
    ways = {}
    for flags in (os.O_RDONLY, os.O_PATH):
        descriptor = os.open(plan["path"], flags)
        for folder in ("/proc/self/fd", "/dev/fd", "/proc/thread-self/fd"):
            name = f"{folder}/{descriptor}"
            ways[f"{name} {flags}"] = lambda name=name: _overwrite(name, plan["text"])
    standard = [f"/dev/{name}" for name in ("stdin", "stdout", "stderr")]
    ways |= {name: lambda name=name: os.open(name, os.O_RDWR) for name in standard}
    return every(**ways)


def open_a_file_by_its_handle(plan: dict[str, Any]) -> Any:
    """
    A handle names a file by its number, past every folder.  The handle is a gift.
    """
    data = bytes(plan["handle"])
    handle = ctypes.create_string_buffer(
        len(data).to_bytes(4, "little") + plan["kind"].to_bytes(4, "little", signed=True) + data
    )
    mounts = ["/", "/usr", "/tmp", plan["granted"], "."]  # of the cell
    return every(**{path: lambda path=path: _by_handle(path, handle) for path in mounts})


def use_a_folder_that_was_left_open(plan: dict[str, Any]) -> Any:
    """
    From any open descriptor upwards, and down to the file.
    """
    found: dict[str, Any] = {}
    way = "../" * 40 + plan["path"].lstrip("/")
    for number in range(DESCRIPTORS):
        found |= every(**{f"from {number}": lambda n=number: _from_descriptor(n, way)})
        found |= every(**{f"inside {number}": lambda n=number: _inside(n, plan["name"])})
    return {key: value for key, value in found.items() if not str(value).startswith("OSError")}


def _overwrite(name: str, text: str) -> int:
    descriptor = os.open(name, os.O_WRONLY | os.O_TRUNC)
    return os.write(descriptor, text.encode())


def _by_handle(mount: str, handle: Any) -> bytes:
    descriptor = os.open(mount, os.O_RDONLY | os.O_DIRECTORY)
    opened = call("open_by_handle_at", descriptor, handle, os.O_RDONLY)
    return os.read(opened, 4096)


def _from_descriptor(number: int, way: str) -> bytes:
    return os.read(os.open(way, os.O_RDONLY, dir_fd=number), 4096)


def _inside(number: int, name: str) -> Any:
    os.fchdir(number)
    return [path.read_text() for path in Path().rglob(name)]
