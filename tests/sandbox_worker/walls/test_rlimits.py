"""
The rlimits wall on the real kernel.
"""

from __future__ import annotations

import os
import signal

import pytest
from walled import run, start, users

MEBIBYTE = 2**20
SIZE = """
def address_space():
    return int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
"""
WALL = """
given = grant({limits})
rlimits.set_for(given, {baseline})
rlimits.set_open_files(given.open_files)
"""


def wall(limits: str = "", baseline: str = "2**40") -> str:
    return WALL.format(limits=limits, baseline=baseline)


@pytest.mark.parametrize("user", users())
def test_every_limit_is_hard_and_soft_alike(user: str) -> None:
    """
    A soft limit alone is a suggestion: its process may raise it.
    """
    names = "CORE MEMLOCK MSGQUEUE RTPRIO NICE SIGPENDING STACK FSIZE AS CPU NPROC NOFILE"
    found = run(
        wall("cpu_seconds=2.5, processes=4, open_files=50, file_size_bytes=1000"),
        f"""
        found = {{name: resource.getrlimit(getattr(resource, "RLIMIT_" + name))
                  for name in "{names}".split()}}
        """,
        user=user,
    )

    assert [] == [name for name, (soft, hard) in found.items() if soft != hard]
    values = {name: soft for name, (soft, _) in found.items()}
    assert {0} == {values[name] for name in ("CORE", "MEMLOCK", "MSGQUEUE", "RTPRIO", "NICE")}
    assert (1000, 4, 50) == (values["FSIZE"], values["CPU"], values["NOFILE"])
    assert (260, 2**40 + 2**29) == (values["NPROC"], values["AS"])


def test_a_limit_of_the_service_s_own_is_never_raised() -> None:
    """
    An ordinary user's service could not, and the cell would be lost.
    """
    found = run(
        "resource.setrlimit(resource.RLIMIT_NOFILE, (30, 40))",
        wall("open_files=256"),
        "found = resource.getrlimit(resource.RLIMIT_NOFILE)",
        user=users()[-1],
    )

    assert [40, 40] == found


def test_memory_is_what_may_be_added_to_the_baseline() -> None:
    """
    A zygote with large libraries must not leave its cells less memory than granted.
    """
    probe = f"""
        def take(mebibytes):
            try:
                bytearray(mebibytes * {MEBIBYTE})
            except MemoryError:
                return "refused"
            return "given"
        found = [take(64), take(192)]
        """

    assert run(probe) == ["given", "given"]
    limits = wall(f"memory_bytes=128 * {MEBIBYTE}", "address_space()")
    assert run(SIZE, limits, probe) == ["given", "refused"]


def test_a_file_grows_no_larger_than_its_limit() -> None:
    """
    As an error and not a signal: Python ignores SIGXFSZ, and a tool can say what it tried.
    """
    probe = """
        with tempfile.TemporaryFile(buffering=0) as file:
            found = [attempt(lambda: file.write(bytes(100))), attempt(lambda: file.write(b"x"))]
        """

    assert run(probe) == ["allowed", "allowed"]
    assert run(wall("file_size_bytes=100"), probe) == ["allowed", "EFBIG"]


def test_descriptors_are_counted() -> None:
    """
    A leak ends as the tool's own error, before the host runs out.
    """
    probe = """
        def leak():
            for _ in range(100):
                os.open("/dev/null", os.O_RDONLY)
        found = attempt(leak)
        """

    assert run(probe) == "allowed"
    assert run(wall("open_files=50"), probe) == "EMFILE"


@pytest.mark.skipif(os.geteuid() != 0, reason="an id that runs nothing else is needed")
def test_processes_are_counted_for_an_ordinary_id() -> None:
    """
    Not for root, whose processes the kernel does not count: no cell may have that id.
    """
    probe = """
        def bomb(count):
            children = []
            try:
                for _ in range(count):
                    child = os.fork()
                    if child == 0:
                        signal.pause()
                    children.append(child)
            finally:
                for child in children:
                    os.kill(child, signal.SIGKILL), os.waitpid(child, 0)
        found = attempt(lambda: bomb(20))
        """
    few = "rlimits.THREADS_BESIDE_PROCESSES = 0\n" + wall("processes=10")
    own_id = "become(1_000_001)\n"  # no other process of the host has it

    assert run(own_id, probe) == "allowed"
    assert run(few, own_id, probe) == "EAGAIN"
    assert run(few, probe) == "allowed"


def test_burning_processors_ends_at_the_backstop() -> None:
    """
    Should the watchdog fail, the kernel still ends an endless loop.
    """
    ended = start(wall("cpu_seconds=0.1"), "while True: pass")

    assert ended.returncode == -signal.SIGKILL


def test_a_crash_leaves_no_core() -> None:
    """
    A core holds the memory of the zygote, and of the call.
    """
    body = """
        child = os.fork()
        if child == 0:
            os.abort()
        found = os.WCOREDUMP(os.waitpid(child, 0)[1])
        """

    assert run(wall(), body) is False
