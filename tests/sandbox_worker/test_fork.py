"""
A fork without the interpreter's repairs: what a child must be told all the same.
"""

from __future__ import annotations

import pytest
from walled import run

IN_A_CHILD = """
def in_a_child(look):
    reading, writing = os.pipe()
    pid = syscalls.fork()
    if pid == 0:
        try:
            said = look()
        except BaseException as exc:
            said = repr(exc)
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    os.close(writing)
    said = json.loads(os.read(reading, 65536))
    os.close(reading)
    assert os.waitpid(pid, 0) == (pid, 0)
    return said, pid
"""


def test_a_child_knows_its_own_ids() -> None:
    """
    Who takes the ids of its parent for its own would signal, or wait for, somebody else.
    """
    found = run(
        IN_A_CHILD,
        """
        (pid, parent, thread), born = in_a_child(
            lambda: (os.getpid(), os.getppid(), threading.get_native_id())
        )
        found = [pid == born == thread, parent == os.getpid()]
        """,
    )
    assert [True, True] == found


@pytest.mark.parametrize(
    "work",
    [
        "(t := threading.Thread(target=got.append, args=(1,))).start(), t.join()",
        "got.append(subprocess.run(['true']).returncode + 1)",
        "got.append(os.waitpid(p, 0)[1] + 1) if (p := os.fork()) else os._exit(0)",
        "concurrent.futures.thread.ThreadPoolExecutor(1).submit(got.append, 1).result()",
        "got.append(asyncio.run(asyncio.sleep(0, 1)))",
        "__import__('tempfile').TemporaryFile().close() or got.append(1)",
    ],
)
def test_a_child_can_do_what_any_process_can(work: str) -> None:
    """
    Nothing was left locked: a zygote has one thread.
    """
    found = run(IN_A_CHILD, f"found = in_a_child(lambda: (got := []) or [{work}] and got)[0]")

    assert [1] == found


def test_hooks_that_libraries_registered_run_once_in_their_order() -> None:
    """
    They seed generators and forget what is the parent's.  Those of threading only repair what one
    thread cannot have broken.
    """
    found = run(
        IN_A_CHILD,
        """
        called = []
        os.register_at_fork(after_in_child=lambda: called.append("before it was noted"))
        syscalls.note_hooks()
        os.register_at_fork(after_in_child=lambda: called.append("first"))
        os.register_at_fork(before=lambda: called.append("a parent's"))
        threadings = lambda: called.append("of threading")
        threadings.__module__ = "threading"
        os.register_at_fork(after_in_child=threadings)
        os.register_at_fork(after_in_child=lambda: called.append("last"))
        def look():
            syscalls.run_hooks()
            return called
        found = in_a_child(look)[0]
        """,
    )
    assert ["first", "last"] == found


def test_hooks_are_registered_for_ordinary_forks_too() -> None:
    """
    A tool of a cell may fork by the interpreter.
    """
    found = run(
        """
        syscalls.note_hooks()
        reading, writing = os.pipe()
        os.register_at_fork(after_in_child=lambda: os.write(writing, b"x"))
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        found = os.read(reading, 9).decode()
        """
    )
    assert "x" == found


def test_a_fork_that_fails_says_why() -> None:
    """
    A host that is full is no bug, and no child.
    """
    found = run(
        """
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        if os.geteuid() == 0:
            become(65534)
        found = attempt(syscalls.fork)
        """
    )
    assert "EAGAIN" == found
