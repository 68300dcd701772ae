"""
A file that is swapped after its admission: the call keeps what was granted, or finds nothing.
"""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest
from neighbouring import GRANTED, Operator, plant
from toolcell_client import CallRefused, Client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def client(operator: Operator) -> Client:
    return operator.client


def swap_by_renaming(granted: Path, neighbour: Path) -> None:
    neighbour.rename(granted)


def swap_for_a_symlink(granted: Path, neighbour: Path) -> None:
    link = granted.with_name("link")
    link.symlink_to(neighbour)
    link.rename(granted)


def swap_for_a_hard_link(granted: Path, neighbour: Path) -> None:
    link = granted.with_name("link")
    os.link(neighbour, link)
    link.rename(granted)


def swap_for_a_folder(granted: Path, neighbour: Path) -> None:
    granted.unlink()
    granted.mkdir()
    shutil.copy(neighbour, granted)


def swap_the_parent(granted: Path, neighbour: Path) -> None:
    """
    The folder itself becomes another one, in which the granted name is the neighbour's.
    """
    other = granted.parent.with_name("other")
    other.mkdir()
    shutil.copy(neighbour, other / granted.name)
    granted.parent.rename(granted.parent.with_name("moved"))
    other.rename(granted.parent)


def unlink(granted: Path, neighbour: Path) -> None:
    granted.unlink()


SWAPS = [
    pytest.param(swap_by_renaming, id="renamed over"),
    pytest.param(swap_for_a_symlink, id="a symbolic link"),
    pytest.param(swap_for_a_hard_link, id="a hard link"),
    pytest.param(swap_for_a_folder, id="a folder"),
    pytest.param(swap_the_parent, id="the parent folder"),
    pytest.param(unlink, id="unlinked"),
]


@pytest.fixture
def inner(root: Path) -> Path:
    """
    A folder within the root, so that a parent can be swapped too.
    """
    (root / "inner").mkdir()
    plant(root / "inner")
    return root / "inner"


@pytest.mark.parametrize("swap", SWAPS)
def test_a_file_that_is_swapped_while_the_tool_reads_stays_what_was_granted(
    client: Client, inner: Path, swap: Callable[[Path, Path], None]
) -> None:
    """
    The path is only a name; the grant is the file that it named at admission.
    """
    granted, neighbour = inner / "granted.txt", inner / "neighbour.txt"
    stream = client.execute("reread", {"path": str(granted), "seconds": 0.3})
    next(event for event in stream if event.HasField("progress"))
    swap(granted, neighbour)
    swapped = time.monotonic()
    value = stream.result().raise_for_outcome().value

    assert value["last"] > swapped
    assert GRANTED in value["found"]
    assert {GRANTED, "FileNotFoundError"} >= set(value["found"])


@pytest.mark.parametrize("swap", SWAPS)
def test_a_file_that_is_swapped_between_admission_and_cell_is_never_the_neighbours(
    client: Client, inner: Path, swap: Callable[[Path, Path], None]
) -> None:
    """
    A call may wait for its turn long after its paths were checked.
    """
    granted, neighbour = inner / "granted.txt", inner / "neighbour.txt"
    (inner / "long.txt").write_text("")
    first = client.execute("reread", {"path": str(inner / "long.txt"), "seconds": 0.5})
    next(event for event in first if event.HasField("progress"))
    second = client.execute("reread", {"path": str(granted), "seconds": 0.01})
    next(event for event in second if event.HasField("accepted"))
    swap(granted, neighbour)
    queued = [e.state for e in client.list_executions(state="queued")]
    first.result()
    found = second.result().raise_for_outcome().value["found"]

    assert 1 == len(queued)
    assert found in ([GRANTED], ["FileNotFoundError"])


def test_a_file_that_is_swapped_all_the_time_is_never_the_neighbours(
    client: Client, root: Path
) -> None:
    """
    Between any two looks of ours there is a moment; no call may find it.
    """
    granted, other = root / "granted.txt", root / "neighbour.txt"
    enough, chosen = threading.Event(), random.Random(7)

    def swap_on() -> None:
        link, kept = root / "link", root / "kept"
        os.link(granted, kept)
        while not enough.wait(chosen.random() / 100):
            link.symlink_to(other)
            link.rename(granted)
            os.link(kept, link)
            link.rename(granted)

    swapping = threading.Thread(target=swap_on)
    swapping.start()
    found: set[str] = set()
    try:
        for _ in range(60):
            try:
                result = client.run("reread", {"path": str(granted), "seconds": 0.005})
                found |= set(result.raise_for_outcome().value["found"])
            except CallRefused as exc:
                found.add(exc.reason)
    finally:
        enough.set()
        swapping.join()

    assert GRANTED in found
    assert {GRANTED, "FileNotFoundError", "PATH_NOT_ALLOWED"} >= found
