"""
Paths that cannot be granted are refused by name, before anything runs.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from neighbouring import NEIGHBOUR, Operator, plant
from toolcell_client import CallRefused, Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def client(operator: Operator) -> Client:
    return operator.client


@pytest.fixture
def around(operator: Operator, root: Path) -> Iterator[Path]:
    """
    What lies beside and in the root, all of it readable by anybody.
    """
    for folder in (
        operator.place / "root-private",
        operator.place / "roo",
        root / "denied",
        root / "denied-not",
    ):
        folder.mkdir()
        plant(folder)
    (root / "link.txt").symlink_to(root / "granted.txt")
    (root / "out.txt").symlink_to(operator.place / "root-private" / "neighbour.txt")
    (root / "linked").symlink_to(operator.place / "root-private")
    (root / "linked-inside").symlink_to(root / "denied-not")
    os.mkfifo(root / "fifo")
    yield operator.place
    shutil.rmtree(operator.place / "root-private")
    shutil.rmtree(operator.place / "roo")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        pytest.param("root-private/neighbour.txt", "none of the folders", id="a similar prefix"),
        pytest.param("roo/neighbour.txt", "none of the folders", id="a shorter name"),
        pytest.param("root/../root-private/neighbour.txt", "..", id="dot dot out of the root"),
        pytest.param("root/denied/../neighbour.txt", "..", id="dot dot within the root"),
        pytest.param("root/denied/neighbour.txt", "denied by the operator", id="denied"),
        pytest.param("root/denied", "denied by the operator", id="a denied folder itself"),
        pytest.param("root", "contains a path that the operator denies", id="a folder around it"),
        pytest.param("root/link.txt", "symbolic link", id="a symlink within the root"),
        pytest.param("root/out.txt", "symbolic link", id="a symlink out of the root"),
        pytest.param("root/linked/neighbour.txt", "symbolic link", id="a symlinked parent"),
        pytest.param(
            "root/linked-inside/neighbour.txt",
            "symbolic link",
            id="a parent linked within the root",
        ),
        pytest.param("root/fifo", "neither a file nor a directory", id="a fifo"),
        pytest.param("root/granted.txt/x", "not a directory", id="a file as folder"),
    ],
)
def test_a_path_that_cannot_be_granted_is_refused_by_name(
    client: Client, around: Path, path: str, says: str
) -> None:
    """
    Nothing runs, and the caller is told which path and why.
    """
    with pytest.raises(CallRefused) as refused:
        client.run("reread", {"path": f"{around}/{path}", "seconds": 0})

    assert says in str(refused.value)
    named = "arguments_json/path" if says == ".." else f"{around}/{path}"
    assert named in str(refused.value)


def test_a_folder_whose_name_only_begins_like_a_denied_one_is_granted(
    client: Client, around: Path
) -> None:
    """
    Names are compared by whole components, in both directions.
    """
    path = str(around / "root/denied-not/neighbour.txt")
    result = client.run("reread", {"path": path, "seconds": 0})

    assert [NEIGHBOUR] == result.raise_for_outcome().value["found"]
