"""
Attacks on files by their paths: to read, list, measure and overwrite them.
"""

from __future__ import annotations

import importlib.machinery
import mmap
import os
import sys
from pathlib import Path
from typing import Any

from toolcell_worker.battery.trying import LIBC, every, in_turn

READ_BYTES = 4096


def read(path: str) -> dict[str, Any]:
    """
    Read a file in every way that leads from a path to bytes.
    """
    return every(
        plainly=lambda: Path(path).read_bytes(),
        by_descriptor=lambda: _by_descriptor(path, os.O_RDONLY),
        without_time=lambda: _by_descriptor(path, os.O_RDONLY | os.O_NOATIME),
        for_writing=lambda: _by_descriptor(path, os.O_RDWR),
        by_copying=lambda: _copied(path),
        by_mapping=lambda: _mapped(path),
        by_the_loader=lambda: importlib.machinery.SourcelessFileLoader("m", path).get_data(path),
        by_the_library=lambda: _by_the_library(path),
        through_its_folder=lambda: _through_folder(path),
    )


def read_a_file_that_anybody_may_read(plan: dict[str, Any]) -> Any:
    """
    Its path is known, and its mode says yes.
    """
    return read(plan["path"])


def read_a_private_file_of_the_service(plan: dict[str, Any]) -> Any:
    """
    Its owner is the service.
    """
    return read(plan["path"])


def read_a_file_beside_a_granted_one(plan: dict[str, Any]) -> Any:
    """
    The granted file is read; its neighbour is, too.
    """
    return [read(plan["granted"]), read(plan["path"])]


def list_a_folder_of_the_host(plan: dict[str, Any]) -> Any:
    """
    Names are secrets as well.
    """
    folder = plan["folder"]
    return every(
        listing=lambda: os.listdir(folder),
        walking=lambda: [str(path) for path in Path(folder).parent.rglob("*")],
        changing=lambda: in_turn(lambda: os.chdir(folder), lambda: os.listdir(".")),
        opening=lambda: os.listdir(os.open(folder, os.O_RDONLY | os.O_DIRECTORY)),
    )


def measure_a_file_beside_a_granted_one(plan: dict[str, Any]) -> Any:
    """
    Its size and its attributes, without opening it.
    """
    path = plan["path"]
    return every(
        status=lambda: os.stat(path).st_size,
        link_status=lambda: os.lstat(path).st_size,
        by_a_bare_descriptor=lambda: os.fstat(os.open(path, os.O_PATH)).st_size,
        from_its_folder=lambda: {e.name: e.stat().st_size for e in os.scandir(Path(path).parent)},
        attributes=lambda: os.listxattr(path),
    )


def read_settings_beside_the_interpreter(plan: dict[str, Any]) -> Any:
    """
    A virtual environment is a folder, in which people keep pip.conf and .env.
    """
    del plan
    small = (path for path in Path(sys.prefix).iterdir() if path.is_file())
    return every(
        by_name=lambda: [path.read_text() for path in small],
        listing=lambda: os.listdir(sys.prefix),
    )


def overwrite_a_file_of_the_host(plan: dict[str, Any]) -> Any:
    """
    Write, append, replace, remove.
    """
    path, text = Path(plan["path"]), plan["text"]
    beside = f"{path}.new"
    return every(
        writing=lambda: path.write_text(text),
        appending=lambda: os.write(os.open(path, os.O_WRONLY | os.O_APPEND), text.encode()),
        replacing=lambda: in_turn(
            lambda: Path(beside).write_text(text), lambda: os.replace(beside, path)
        ),
        removing=path.unlink,
    )


def overwrite_a_granted_file_that_is_for_reading(plan: dict[str, Any]) -> Any:
    """
    The grant says read.
    """
    return overwrite_a_file_of_the_host(plan)


def write_into_the_system(plan: dict[str, Any]) -> Any:
    """
    New files where programs, libraries, settings and our own code lie.
    """
    return every(**{path: lambda p=path: Path(p).write_text("planted") for path in plan["paths"]})


def leave_the_scratch_by_dotdot(plan: dict[str, Any]) -> Any:
    """
    Up as far as it goes, then down again.
    """
    up, path = "../" * 40, plan["path"]
    return every(
        relative=lambda: read(f"{up}{path.lstrip('/')}"),
        from_a_folder=lambda: in_turn(
            lambda: os.makedirs("a/b", exist_ok=True), lambda: read(f"a/b/{up}{path}")
        ),
        by_steps=lambda: in_turn(*[lambda: os.chdir("..")] * 40, lambda: read(path.lstrip("/"))),
        slashes=lambda: read("//" + path.replace("/", "/./")),
    )


def leave_a_granted_folder_by_dotdot(plan: dict[str, Any]) -> Any:
    """
    The neighbour lies beside the granted folder.
    """
    folder, name = plan["folder"], plan["name"]
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    return every(
        by_path=lambda: read(f"{folder}/../{name}"),
        from_its_descriptor=lambda: _text(os.open(f"../{name}", os.O_RDONLY, dir_fd=opened)),
        from_within=lambda: in_turn(lambda: os.fchdir(opened), lambda: read(f"../{name}")),
    )


def _text(descriptor: int) -> bytes:
    return os.read(descriptor, READ_BYTES)


def _by_descriptor(path: str, flags: int) -> bytes:
    return _text(os.open(path, flags))


def _copied(path: str) -> bytes:
    source = os.open(path, os.O_RDONLY)
    target = os.open("copy", os.O_RDWR | os.O_CREAT, 0o600)
    os.sendfile(target, source, 0, READ_BYTES)
    return os.pread(target, READ_BYTES, 0)


def _mapped(path: str) -> bytes:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return view[:READ_BYTES]


def _by_the_library(path: str) -> bytes:
    descriptor = LIBC.open(path.encode(), os.O_RDONLY)
    return _text(descriptor)


def _through_folder(path: str) -> bytes:
    folder = os.open(str(Path(path).parent), os.O_PATH | os.O_DIRECTORY)
    return _text(os.open(Path(path).name, os.O_RDONLY, dir_fd=folder))
