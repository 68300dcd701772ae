"""
The built-in tools behind real walls: what works elsewhere may need a system call, a file of /proc
or an import that a cell does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cells
import pytest
from toolcell_server import host_ids
from toolcell_worker import wire
from toolcell_worker.wire import Frame, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

MEBIBYTE = 2**20


class Builtin(cells.ZygoteAlone):
    """
    A zygote of the built-in bundle, with the shell.
    """

    def __init__(self) -> None:
        ids = host_ids.spare_ids()
        self.identity = {"first": ids[0], "count": ids[1]} if ids else None
        self.instructions = {
            "bundle": "builtin",
            "package": "toolcell_worker.tools",
            "options": {"run_shell": True},
            "identity": self.identity,
        }
        self.process, self.control = cells.start("zygote", self.instructions)
        self.catalogue = wire.receive(self.control)
        self._numbers = 0


@pytest.fixture(scope="module")
def zygote() -> Iterator[Builtin]:
    alone = Builtin()
    yield alone
    alone.close()


def call(zygote: Builtin, tool: str, arguments: dict[str, Any], **grant: Any) -> Any:
    ended = zygote.call(tool, arguments, **grant)
    assert ended.payload(Frame.RESULT) is not None, ended
    return ended.payload(Frame.RESULT)


def python(zygote: Builtin, code: str, **grant: Any) -> cells.Ended:
    return zygote.call("run_python", {"code": code}, **grant)


def test_nothing_of_the_bundle_is_broken_behind_the_walls(zygote: Builtin) -> None:
    """
    It is imported in the template root, not on the host.
    """
    assert zygote.catalogue.json()["broken"] == []


SIMPLE: dict[str, tuple[str, dict[str, Any], str, Any]] = {
    "calculate": ("calculate", {"expression": "6 * 7"}, "value", 42),
    "current_time": ("current_time", {"timezone": "Asia/Tokyo"}, "utc_offset", "+09:00"),
    "system_info": ("system_info", {}, "temporary_directory", "/tmp"),
    "run_python": ("run_python", {"code": "print(2 ** 10)"}, "stdout", "1024\n"),
    "run_python with input": (
        "run_python",
        {"code": "print(input())", "stdin": "in"},
        "stdout",
        "in\n",
    ),
    "run_python with files": (
        "run_python",
        {
            "code": "open('b', 'w').write(open('a').read() * 2)",
            "files": {"a": "x"},
            "collect": ["b"],
        },
        "files",
        {"b": "xx"},
    ),
    "run_python with asyncio": (
        "run_python",
        {"code": "import asyncio\nasync def f(): return 5\nprint(asyncio.run(f()))"},
        "stdout",
        "5\n",
    ),
    "run_python with a thread": (
        "run_python",
        {"code": "import threading\nthreading.Thread(target=print, args=('t',)).start()"},
        "stdout",
        "t\n",
    ),
}


@pytest.mark.parametrize(("tool", "arguments", "key", "value"), SIMPLE.values(), ids=SIMPLE)
def test_a_tool_works_in_a_cell(
    zygote: Builtin, tool: str, arguments: dict[str, Any], key: str, value: Any
) -> None:
    """
    With the profile that it declares, and nothing more.
    """
    assert call(zygote, tool, arguments)[key] == value


def test_the_system_of_a_cell_is_the_cells(zygote: Builtin) -> None:
    """
    Its disk is the private one, and its limits are those of the call.
    """
    found = call(zygote, "system_info", {}, disk_bytes=8 * MEBIBYTE)

    assert found["disk_total_bytes"] == 8 * MEBIBYTE
    assert found["limits"]["disk_bytes"] == 8 * MEBIBYTE


COMMANDS: dict[str, tuple[str, dict[str, Any], str, Any]] = {
    "text_stats": ("text_stats", {"text": "a b\n"}, "words", 2),
    "run_shell": ("run_shell", {"command": "echo $((6 * 7)) | cat"}, "stdout", "42\n"),
}


@pytest.mark.parametrize(("tool", "arguments", "key", "value"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_works_in_a_cell(
    zygote: Builtin, tool: str, arguments: dict[str, Any], key: str, value: Any
) -> None:
    """
    It needs forks, pipes and programs, which the profile subprocess allows.
    """
    found = call(zygote, tool, arguments, profile=Profile.SUBPROCESS, processes=16)

    assert found[key] == value


DENIED: dict[str, tuple[str, dict[str, str]]] = {
    "a file of the host": (
        "open('/etc/shadow')",
        {
            "wall": "mounts",
            "operation": "open",
            "target": "/etc/shadow",
            "reason": "not_granted",
        },
    ),
    "the runtime, to write": (
        "open('/usr/evil', 'w')",
        {"wall": "mounts", "operation": "open", "target": "/usr/evil", "reason": "read_only"},
    ),
    "the environment of another process": (
        "open('/proc/1/environ')",
        {
            "wall": "mounts",
            "operation": "open",
            "target": "/proc/1/environ",
            "reason": "not_granted",
        },
    ),
    "a socket": (
        "import socket; socket.socket()",
        {
            "wall": "seccomp",
            "operation": "socket",
            "target": "AF_INET",
            "reason": "no_network",
        },
    ),
    "a web page": (
        "import urllib.request; urllib.request.urlopen('http://example.com/')",
        {
            "wall": "network",
            "operation": "resolve",
            "target": "example.com:80",
            "reason": "no_network",
        },
    ),
    "a fork": (
        "import os; os.fork()",
        {"wall": "seccomp", "operation": "fork", "target": "", "reason": "not_allowed"},
    ),
    "a program": (
        "import subprocess; subprocess.run(['/bin/ls'])",
        {
            "wall": "seccomp",
            "operation": "fork",
            "target": "/bin/ls",
            "reason": "not_allowed",
        },
    ),
    "another program in place of this one": (
        "import os; os.execv('/bin/ls', ['ls'])",
        {
            "wall": "seccomp",
            "operation": "exec",
            "target": "/bin/ls",
            "reason": "not_allowed",
        },
    ),
}


@pytest.mark.parametrize(("code", "denial"), DENIED.values(), ids=DENIED)
def test_an_access_that_a_wall_denied_is_named(
    zygote: Builtin, code: str, denial: dict[str, str]
) -> None:
    """
    The kernel says "Operation not permitted"; a caller has to know what, and why.
    """
    ended = python(zygote, code)

    assert ended.payload(Frame.DENIED) == denial
    assert ended.payload(Frame.RESULT)["exit_code"] == 1


LIMITS: dict[str, tuple[str, str]] = {
    "memory": ("kept = []\nwhile True: kept.append(bytearray(1_000_000))", "memory"),
    "one large allocation": ("bytearray(10**10)", "memory"),
    "a file that grows": ("open('x', 'wb').write(b'x' * 9_000_000)", "file_size"),
    "a full disk": (
        "for n in range(5): open(f'x{n}', 'wb').write(b'x' * 4_000_000)",
        "disk",
    ),
    "open files": ("kept = [open('/dev/null') for _ in range(99)]", "open_files"),
}


@pytest.mark.parametrize(("code", "limit"), LIMITS.values(), ids=LIMITS)
def test_a_limit_that_the_kernel_enforced_is_named(zygote: Builtin, code: str, limit: str) -> None:
    """
    Each reaches the code as an exception of its own.
    """
    raised = python(zygote, code).payload(Frame.RAISED)

    assert raised["limit"] == limit
    assert raised["hint"]


def test_too_many_processes_are_named(zygote: Builtin) -> None:
    """
    EAGAIN alone could mean anything.
    """
    code = """
import os, time
while True:
    if os.fork() == 0:
        time.sleep(60)
"""
    raised = python(zygote, code, profile=Profile.SUBPROCESS).payload(Frame.RAISED)

    assert raised["limit"] == "processes"


def test_threads_that_no_longer_fit_into_the_memory_are_named(zygote: Builtin) -> None:
    """
    "can't start new thread" means memory or processes; here the stacks fill the memory.
    """
    code = """
import threading
gate = threading.Event()
for _ in range(99):
    threading.Thread(target=gate.wait, daemon=True).start()
"""
    raised = python(zygote, code, memory_bytes=64 * MEBIBYTE).payload(Frame.RAISED)

    assert raised["limit"] == "memory"
