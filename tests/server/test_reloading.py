"""
Secrets by reference, and what is made of them: read again when they change, kept when they break.
"""

from __future__ import annotations

import copy
import logging
import os
import pickle
from typing import TYPE_CHECKING

import pytest
from clocks import Clock
from toolcell_server.reloading import LOOK_SECONDS, Reloaded
from toolcell_server.secret_sources import (
    MAXIMUM_BYTES,
    FromEnvironment,
    FromFile,
    Reference,
    SecretUnavailable,
    SecretValue,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path


class Vault:
    """
    A provider of somebody else's, which counts how often it is asked.
    """

    def __init__(self, value: str) -> None:
        self.value = value
        self.looks = 0

    def version(self, name: str) -> Hashable:
        self.looks += 1
        return self.value

    def read(self, name: str) -> SecretValue:
        return SecretValue(self.value.encode())


def parsed(data: bytes) -> int:
    if not data.strip().isdigit():
        raise ValueError("is no number")
    return int(data)


def reloaded(path: Path, clock: Clock, told: Callable[[bool], None]) -> Reloaded[int]:
    reference = Reference("file", str(path))
    return Reloaded("number", [reference], parsed, failing=told, clock=clock)


def test_a_secret_is_in_no_text_and_in_no_copy() -> None:
    """
    Tracebacks, logs and crash dumps show reprs.
    """
    secret = SecretValue(b"hunter2")

    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(secret)


def test_what_changes_is_read_again_a_second_later_at_most(tmp_path: Path) -> None:
    """
    However a file is changed: written over, replaced, or by a link that is switched.
    """
    path, clock, told = tmp_path / "number", Clock(), list[bool]()
    path.write_text("1")
    number = reloaded(path, clock, told.append)
    path.write_text("22")
    assert number.current() == 1
    clock.now += LOOK_SECONDS
    assert number.current() == 22
    (tmp_path / "new").write_text("33")
    (tmp_path / "new").replace(path)
    clock.now += LOOK_SECONDS
    assert number.current() == 33
    (tmp_path / "target").write_text("44")
    path.unlink()
    path.symlink_to(tmp_path / "target")
    clock.now += LOOK_SECONDS
    assert number.current() == 44


@pytest.mark.parametrize("broken", ["x", "", None])
def test_what_breaks_keeps_the_last_good_value_and_says_so_once(
    broken: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Half a file must not lock everybody out; the log tells it once, a metric as long as it lasts.
    """
    path, clock, told = tmp_path / "number", Clock(), list[bool]()
    path.write_text("1")
    number = reloaded(path, clock, told.append)
    if broken is None:
        path.rename(tmp_path / "away")
    else:
        path.write_text(broken)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            clock.now += LOOK_SECONDS
            assert number.current() == 1
    assert ["kept the last good number"] == [record.message for record in caplog.records]
    assert [False, True, True, True] == told
    if broken is None:
        (tmp_path / "away").rename(path)  # the same file, of the same time
    else:
        path.write_text("2")
    clock.now += LOOK_SECONDS

    assert number.current() == (1 if broken is None else 2)
    assert told[-1] is False


def test_at_start_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """
    There is no last good value yet.
    """
    with pytest.raises(SecretUnavailable, match="cannot be read: No such file"):
        reloaded(tmp_path / "none", Clock(), lambda _: None)


def test_another_provider_is_asked_once_a_second() -> None:
    """
    Whoever adds one must know how often it will be asked.
    """
    vault, clock = Vault("1"), Clock()
    number = Reloaded(
        "number",
        [Reference("vault", "a/b")],
        parsed,
        providers={"vault": vault},
        clock=clock,
    )
    for _ in range(1000):
        number.current()
    assert vault.looks == 1
    vault.value = "2"
    clock.now += LOOK_SECONDS

    assert number.current() == 2


def test_files_that_are_none_and_variables_that_are_not_set_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A FIFO would keep the server waiting, a device would fill its memory.
    """
    (tmp_path / "large").write_bytes(b"a" * (MAXIMUM_BYTES + 1))
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.delenv("NOT_SET", raising=False)
    monkeypatch.setenv("SET", "value")

    for name in (tmp_path / "large", tmp_path / "fifo", tmp_path, "/dev/zero", "a\0b"):
        with pytest.raises(SecretUnavailable):
            FromFile().read(str(name))
    with pytest.raises(SecretUnavailable, match="NOT_SET is not set"):
        FromEnvironment().read("NOT_SET")
    assert FromEnvironment().read("SET").reveal() == b"value"
