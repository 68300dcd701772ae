from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before anything imports gRPC: tests fork, and its fork handlers would speak and could deadlock.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

LAST_WORDS_SECONDS = 5  # arbitrary; what was told to end may take a moment


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """
    Whatever the tests start, they end: a leaked server or cell is a fault of the test or of us.
    """
    yield
    children = psutil.Process().children(recursive=True)
    _, left = psutil.wait_procs(children, timeout=LAST_WORDS_SECONDS)
    assert [] == [f"{process.pid} {' '.join(process.cmdline())}" for process in left]
