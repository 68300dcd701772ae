"""
A grant is one file: its neighbour is not read, not seen and not changed, whatever the tool does.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any

import pytest
from neighbouring import GRANTED, HOSTILE, NEIGHBOUR, Operator, picture, plant

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_client import Client

READINGS = {
    "by path", "by symlink", "by folder symlink", "by hard link", "by dot dot", "by descriptor",
    "by own root", "by own folder", "by changing folder",
}  # fmt: skip
LOOKINGS = {"by stat", "by lstat", "by access", "by listing", "by a path descriptor"}
CHANGES = {
    "chmod", "utime", "truncate", "writing", "appending", "moving", "exchanging", "making beside",
    "making a folder", "linking beside", "unlinking",
}  # fmt: skip


@pytest.fixture
def client(operator: Operator) -> Client:
    return operator.client


def hostile_module() -> Any:
    """
    The hostile bundle's own code, in this process.
    """
    spec = importlib.util.spec_from_file_location("neighbour", HOSTILE / "neighbour.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_outside_of_a_cell_the_same_code_reads_sees_and_changes_the_neighbour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The positive control: without it, a misspelt path would pass for a wall.
    """
    plant(tmp_path)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    monkeypatch.chdir("/")
    inherited = os.open(tmp_path, os.O_RDONLY)
    try:
        found = hostile_module().pry(str(tmp_path / "granted.txt"), str(tmp_path / "neighbour.txt"))
    finally:
        os.close(inherited)

    got = {how for how, what in found.items() if what.startswith("got: ")}
    assert READINGS == {how for how, what in found.items() if what == f"got: {NEIGHBOUR}"}
    assert READINGS | LOOKINGS | CHANGES | {"granted"} <= got
    assert found["by creating it"] == "got: there"


@pytest.mark.parametrize("tool", ["pry", "pry_with_write"])
def test_in_a_cell_nothing_of_the_neighbour_is_read_seen_or_changed(
    client: Client, root: Path, tool: str
) -> None:
    """
    This is what a grant compiled from the call's arguments is worth.
    """
    before = picture(root)
    result = client.run(
        tool, {"path": str(root / "granted.txt"), "neighbour": str(root / "neighbour.txt")}
    )
    found = result.raise_for_outcome().value
    refused = {how for how, what in found.items() if what.startswith("refused: ")}

    assert f"got: {GRANTED}" == found.pop("granted")
    assert set(found) == refused
    assert READINGS | LOOKINGS | CHANGES <= refused
    assert NEIGHBOUR not in str(result)
    assert before == picture(root)


def test_a_neighbour_that_is_there_looks_like_one_that_is_not(client: Client, root: Path) -> None:
    """
    An error that differs tells which names exist.
    """

    def refusals(name: str) -> dict[str, str]:
        arguments = {"path": str(root / "granted.txt"), "neighbour": str(root / name)}
        found = client.run("pry", arguments).raise_for_outcome().value
        return dict(found)

    assert refusals("missing.txt") == refusals("neighbour.txt")


def test_a_read_grant_cannot_be_written_and_a_write_grant_can(client: Client, root: Path) -> None:
    """
    The neighbour test for a path and itself.
    """
    granted = str(root / "granted.txt")
    before = picture(root)
    for tool, changed in (("pry", False), ("pry_with_write", True)):
        found = client.run(tool, {"path": granted, "neighbour": granted}).value
        assert f"got: {GRANTED}" == found["by path"]
        assert found["writing"].startswith("got: " if changed else "refused: ")
        assert changed == (before != picture(root))
