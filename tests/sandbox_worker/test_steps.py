"""
Steps: system calls that were prepared, made in their order, up to the first that fails.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING

import pytest
from toolcell_worker.steps import Steps, Value
from toolcell_worker.walls.failure import SetupFailed
from walled import run

if TYPE_CHECKING:
    from pathlib import Path

AT_FDCWD = -100


def steps() -> Steps:
    begun = Steps()
    begun.wall("mounts")
    return begun


def write_into(given: Steps, path: Path, text: bytes) -> None:
    """
    Three steps, of which two need what the first returns.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    file = given.call("openat", AT_FDCWD, os.fsencode(path), flags, 0o600, what="a file")
    given.call("write", file, text, len(text))
    given.call("close", file)


def test_what_a_call_returns_can_be_an_argument_of_later_ones(tmp_path: Path) -> None:
    """
    Each run of the list has results of its own.
    """
    given = steps()
    write_into(given, tmp_path / "file", b"text")
    given.seal()
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        (tmp_path / "file").unlink(missing_ok=True)
        given.run()

        assert "text" == (tmp_path / "file").read_text()
    assert len(before) == len(os.listdir("/proc/self/fd"))


def test_the_first_failure_names_its_wall_and_nothing_follows(tmp_path: Path) -> None:
    given = steps()
    given.wall("landlock")
    missing = os.fsencode(tmp_path / "no" / "such")
    given.call("openat", AT_FDCWD, missing, os.O_RDONLY, 0, what="a place")
    given.wall("rlimits")
    write_into(given, tmp_path / "file", b"text")

    with pytest.raises(SetupFailed) as failed:
        given.run()
    assert ("landlock", errno.ENOENT) == (failed.value.wall, failed.value.errno)
    assert "openat: a place" in failed.value.detail
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize(("differs", "passes"), [(False, (7,)), (True, (1, 2**40))])
def test_a_number_that_is_not_as_expected_is_a_failure(
    sealed: bool,
    differs: bool,
    passes: tuple[int, ...],
) -> None:
    """
    Fail closed: it is compared when the list is run, not when it is written.
    """
    found = ctypes.c_uint64(0)
    given = steps()
    given.expect(found, ctypes.c_uint64(7), "it is not as it should be", differs=differs)
    if sealed:
        given.seal()
    for number in (1, 7, 2**40):
        found.value = number
        if number in passes:
            given.run()
            continue
        with pytest.raises(SetupFailed, match="it is not as it should be") as failed:
            given.run()
        assert ("mounts", errno.EPERM) == (failed.value.wall, failed.value.errno)


def test_a_result_that_is_expected_is_kept_and_looked_at() -> None:
    """
    Sealing forgets what nobody asks for, and nothing else.
    """
    given = steps()
    pid = given.call("getpid")
    parent = given.call("getppid")
    given.expect(pid, Value(os.getpid()), "another process")
    given.seal()
    given.run()

    assert os.getpid() == pid.value
    assert -1 == parent.value
    again = steps()
    again.expect(again.call("getpid"), Value(os.getppid()), "another process")
    again.seal()
    with pytest.raises(SetupFailed):
        again.run()


def test_a_result_that_somebody_asks_for_is_kept() -> None:
    given = steps()
    pid = given.call("getpid")
    given.ask_for(pid)
    given.seal()
    given.run()

    assert os.getpid() == pid.value


def test_a_result_is_put_where_a_structure_has_it() -> None:
    """
    A rule of Landlock's names a descriptor that is not there before the child runs.
    """
    structure = ctypes.create_string_buffer(16)
    target = ctypes.c_int32.from_buffer(structure, 4)
    given = steps()
    given.copy(given.call("getpid"), target)
    given.seal()
    given.run()

    assert os.getpid().to_bytes(4, "little") == structure.raw[4:8]
    assert bytes(4) == structure.raw[:4] == structure.raw[8:12]


def test_a_value_that_is_filled_in_later_is_used() -> None:
    """
    A slot is known when a cell is forked, long after its walls were written down.
    """
    late = Value(-1)
    given = steps()
    given.call("close", late, what="late")
    given.seal()
    with pytest.raises(SetupFailed):
        given.run()
    reading, writing = os.pipe()
    late.value = writing
    given.run()

    assert b"" == os.read(reading, 1)
    os.close(reading)


def test_a_call_that_this_machine_does_not_have_is_refused_when_it_is_written_down() -> None:
    """
    A wall of which a part has no number is never begun.
    """
    with pytest.raises(OSError, match="no_such_call") as refused:
        steps().call("no_such_call")
    assert errno.ENOSYS == refused.value.errno


def test_a_call_that_a_signal_interrupted_is_made_again() -> None:
    """
    Whoever takes EINTR for an answer has skipped a step, or ended a cell for nothing.
    """
    found = run(
        """
        from toolcell_worker.steps import Steps
        reading, writing = os.pipe()
        signal.signal(signal.SIGALRM, lambda *_: os.write(writing, b"x"))
        signal.siginterrupt(signal.SIGALRM, True)
        steps = Steps()
        steps.wall("mounts")
        count = steps.call("read", reading, ctypes.create_string_buffer(1), 1)
        steps.ask_for(count)
        steps.seal()
        reader = os.getpid()
        if os.fork() == 0:
            while Path(f"/proc/{reader}/stat").read_text().rpartition(")")[2].split()[0] != "S":
                pass
            os.kill(reader, signal.SIGALRM)
            os._exit(0)
        steps.run()
        found = count.value
        """
    )
    assert 1 == found
