"""
The doors to system calls, on the real kernel.
"""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from toolcell_worker import syscalls
from toolcell_worker.syscalls import make_tables, tables
from toolcell_worker.syscalls.door import call
from walled import run, users

if TYPE_CHECKING:
    from pathlib import Path


def open_beneath(folder: Path, path: str, resolve: int = 0) -> int:
    directory = os.open(folder, os.O_PATH)
    try:
        rules = syscalls.RESOLVE_BENEATH | resolve
        return syscalls.openat2(directory, path, os.O_RDONLY | os.O_CLOEXEC, 0, rules)
    finally:
        os.close(directory)


def test_openat2_opens_what_lies_beneath(tmp_path: Path) -> None:
    """
    The positive control of the refusals below.
    """
    (tmp_path / "file").write_text("text")

    descriptor = open_beneath(tmp_path, "file")

    with os.fdopen(descriptor) as file:
        assert file.read() == "text"
        assert not os.get_inheritable(descriptor)


def test_openat2_does_not_leave_its_folder(tmp_path: Path) -> None:
    """
    The keeper's whole promise rests on this.
    """
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "link").symlink_to("../file")
    (tmp_path / "file").write_text("text")

    for path in ("../file", str(tmp_path / "file"), "link"):
        with pytest.raises(OSError, match="Invalid cross-device link") as caught:
            open_beneath(tmp_path / "inner", path)
        assert (errno.EXDEV, path) == (caught.value.errno, caught.value.filename)


def test_openat2_follows_no_link_when_told(tmp_path: Path) -> None:
    """
    A link inside a root may be swapped for another while it is checked.
    """
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")

    os.close(open_beneath(tmp_path, "link"))
    with pytest.raises(OSError, match="symbolic links"):
        open_beneath(tmp_path, "link", syscalls.RESOLVE_NO_SYMLINKS)


def test_a_failure_has_the_class_that_python_s_own_calls_raise(tmp_path: Path) -> None:
    """
    Callers catch FileNotFoundError, not a number.
    """
    with pytest.raises(FileNotFoundError) as caught:
        open_beneath(tmp_path, "missing")

    assert caught.value.filename == "missing"


def test_a_failure_names_the_call() -> None:
    """
    "Invalid argument" alone tells an operator nothing.
    """
    with pytest.raises(OSError, match="unshare: Invalid argument"):
        syscalls.unshare(1)
    with pytest.raises(OSError, match="setns: Bad file descriptor"):
        syscalls.setns(-1, 0)


def test_a_call_that_this_machine_lacks_is_an_error() -> None:
    """
    Never the call that happens to have some other number.
    """
    with pytest.raises(OSError, match="no number is known") as caught:
        call("no_such_call")

    assert caught.value.errno == errno.ENOSYS


def test_a_call_begins_again_when_a_signal_interrupts_it() -> None:
    """
    As Python's own calls do (PEP 475); nobody expects InterruptedError.
    """
    found = run(
        """
        seen, (read, write) = [], os.pipe()
        def third_time(number, frame):
            seen.append(number)
            if len(seen) == 3:
                signal.setitimer(signal.ITIMER_REAL, 0)
                os.write(write, b"x")
        signal.signal(signal.SIGALRM, third_time)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        buffer = ctypes.create_string_buffer(1)
        found = [call("read", read, buffer, 1), buffer.raw.decode(), len(seen)]
        """
    )

    assert [1, "x", 3] == found


def test_a_tmpfs_has_its_size_and_its_attributes() -> None:
    """
    The disk limit of a cell is the size of its tmpfs.
    """
    found = run(
        """
        user, group = os.getuid(), os.getgid()
        syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        syscalls.make_private("/")
        options = {"size": str(2**20), "nr_inodes": "8", "mode": "0711"}
        tree = syscalls.make_tmpfs(options, syscalls.MOUNT_ATTR_NOEXEC | syscalls.MOUNT_ATTR_NOSUID)
        folder = tempfile.mkdtemp()
        syscalls.move_mount(tree, "", syscalls.AT_FDCWD, folder, syscalls.MOVE_MOUNT_F_EMPTY_PATH)
        status = os.statvfs(folder)
        flags = status.f_flag & (os.ST_NOEXEC | os.ST_NOSUID | os.ST_RDONLY)
        syscalls.reconfigure(folder, {"size": str(2**19)})
        smaller = os.statvfs(folder)
        clone = syscalls.open_tree(
            syscalls.AT_FDCWD, folder, syscalls.OPEN_TREE_CLONE | syscalls.OPEN_TREE_CLOEXEC
        )
        syscalls.mount_setattr(clone, "", syscalls.AT_EMPTY_PATH, syscalls.MOUNT_ATTR_RDONLY)
        found = [
            status.f_blocks * status.f_frsize, status.f_files, os.stat(folder).st_mode & 0o777,
            flags == os.ST_NOEXEC | os.ST_NOSUID, smaller.f_blocks * smaller.f_frsize,
            attempt(lambda: Path(folder, "new").touch()),
            attempt(lambda: os.open("new", os.O_CREAT | os.O_WRONLY, dir_fd=clone)),
            attempt(lambda: syscalls.make_tmpfs({"size": "much"})),
        ]
        syscalls.umount2(folder, syscalls.MNT_DETACH)
        os.rmdir(folder)
        """
    )

    assert [2**20, 8, 0o711, True, 2**19, "allowed", "EROFS", "EINVAL"] == found


def test_a_process_with_threads_cannot_enter_a_user_namespace() -> None:
    """
    Why the zygote imports nothing that starts one; the kernel is our assertion.
    """
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with pytest.raises(OSError, match="Invalid argument"):
            syscalls.unshare(syscalls.CLONE_NEWUSER)
    finally:
        stop.set()
        thread.join()


def test_capabilities_are_what_the_kernel_says() -> None:
    """
    The privileges wall judges itself by this.
    """
    body = """
        lines = Path("/proc/self/status").read_text().splitlines()
        fields = dict(line.split(":\\t", 1) for line in lines)
        said = [int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapInh")]
        found = said == list(syscalls.capabilities())
        """

    assert [run(body, user=user) for user in users()] == [True] * len(users())


def test_the_tables_hold_what_the_headers_define() -> None:
    """
    Who edits a generated table by hand moves a wall; newer headers may only add.
    """
    try:
        read = {name: make_tables.read(*each) for name, each in make_tables.SOURCES.items()}
    except (OSError, subprocess.CalledProcessError) as exc:
        pytest.skip(f"no compiler, or no headers of the kernel: {exc}")

    for name, found in read.items():
        table: dict[str, int] = getattr(tables, name)
        common = table.keys() & found.keys()
        assert {each: table[each] for each in common} == {each: found[each] for each in common}
        assert len(common) > 280


def test_the_numbers_are_those_of_the_running_kernel() -> None:
    """
    The table of this machine, tried on it.
    """
    assert call("getpid") == os.getpid()
    assert call("getppid") == os.getppid()
    assert call("gettid") == threading.get_native_id()
