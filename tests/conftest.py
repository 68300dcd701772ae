from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from waiting import NeverHappened, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before anything imports gRPC: tests fork, and its fork handlers would speak and could deadlock.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

LAST_WORDS_SECONDS = 5.0  # arbitrary; what was told to end may take a moment
ROOM = str(Path(__file__).parent.parent / "sandbox_worker")  # stands in every program's command


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """
    Whatever the tests start, they end: a leaked server or cell is a fault of the test or of us.
    """
    before = orphans()
    yield
    children = psutil.Process().children(recursive=True)
    _, left = psutil.wait_procs(children, timeout=LAST_WORDS_SECONDS)
    assert [] == [_described(process) for process in left]
    with contextlib.suppress(NeverHappened):
        wait_until(lambda: orphans().keys() <= before.keys(), LAST_WORDS_SECONDS)
    assert [] == [said for pid, said in orphans().items() if pid not in before]


def orphans() -> dict[int, str]:
    """
    Zygotes, keepers and cells of this tree whose server is gone: nobody's children any more.
    """
    found = {}
    for process in psutil.process_iter(["ppid", "cmdline", "create_time", "status"]):
        if process.info["ppid"] == 1 and ROOM in (process.info["cmdline"] or ()):
            said = [str(process.info[name]) for name in ("create_time", "status")]
            found[process.pid] = " ".join([*said, *process.info["cmdline"][-3:]])
    return found


def _described(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        where = Path(f"/proc/{process.pid}/wchan").read_text()
        said = (process.status(), where, process.ppid(), *process.cmdline())
        return f"{process.pid} {' '.join(map(str, said))}"
    return f"{process.pid}"
