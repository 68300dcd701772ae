"""
System calls of a zygote's own set-up fail in turn: it says which wall it could not build and
serves nobody, or its cells are the same as ever.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from toolcell_worker import wire
from toolcell_worker.wire import Frame

from faults.made import ERRORS, Made, faults_in
from faults.set_up import Foundry
from faults.tracing import Tracer

if TYPE_CHECKING:
    from pathlib import Path

OUTER, INNER = "outer", "inner"
# What a zygote is made of.  The rest is an interpreter that imports modules, which may fail too,
# but takes no wall along.
BUILDING = {
    *("unshare", "setns", "clone", "setresuid", "setresgid", "setgroups", "prctl", "capset"),
    *("open_tree", "move_mount", "mount_setattr", "fsopen", "fsconfig", "fsmount", "pivot_root"),
    *("umount2", "fchdir", "chdir", "mkdir", "symlink", "write", "socket", "seccomp", "pipe2"),
    *("landlock_create_ruleset", "landlock_restrict_self", "statfs", "capget", "setsid"),
}
EVERY = "EVERY_FAULT" in os.environ


@dataclass
class Birth:
    """
    Watches a zygote from its START to its first word.  A fault is a role, a call, which one of
    that name, and an error.
    """

    outer: int
    fault: tuple[str, str, int, int] | None = None
    calls: list[tuple[str, str]] = field(default_factory=list)
    roles: dict[int, str] = field(default_factory=dict)
    met: bool = False

    def born(self, tracer: Tracer, pid: int, parent: int) -> bool:
        if parent == self.outer:
            # The mapper ends before the inner process is forked.
            self.roles[pid] = INNER if self._mapped() else "mapper"
        else:
            self.roles[pid] = f"child of {self.roles[parent]}"
        return True

    def _mapped(self) -> bool:
        return os.geteuid() != 0 or "mapper" in self.roles.values()

    def ended(self, tracer: Tracer, pid: int) -> None:
        tracer.over = tracer.over or self.roles.get(pid, OUTER) in (OUTER, INNER)

    def entered(self, tracer: Tracer, pid: int, name: str, arguments: tuple[int, ...]) -> int:
        call = (self.roles.get(pid, OUTER), name)
        self.calls.append(call)
        if name == "sendmsg":  # CATALOGUE or FAILED
            tracer.over = True
            tracer.release(pid)
        if self.fault is None or call != self.fault[:2]:
            return 0
        if self.calls.count(call) != self.fault[2]:
            return 0
        self.met = True
        return self.fault[3]


def start(folder: Path, fault: tuple[str, str, int, int] | None) -> tuple[Birth, str, Made | None]:
    """
    A zygote for which this fails; the wall that it names, "died", or a cell that it made.
    """
    folder.mkdir(mode=0o755)
    foundry = Foundry(folder)
    birth = Birth(foundry.process.pid, fault)
    try:
        said = foundry.start(Tracer(birth))
        if said.kind == Frame.CATALOGUE:
            return birth, "serves", foundry.make()
        return birth, said.json()["wall"] or said.json()["detail"], None
    except (wire.PeerClosed, ConnectionResetError):
        return birth, "died", None
    finally:
        foundry.close()
        for pid in birth.roles:  # who stands where we stopped him is not ended by anybody's end
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder)


def faults_of(birth: Birth, error: int) -> list[tuple[str, str, int, int]]:
    """
    The first and the last call of each name in each process, failing alone.
    """
    counted = sorted(Counter(birth.calls).items())
    return [
        (role, name, number, error)
        for (role, name), times in counted
        if name in BUILDING
        for number in (range(1, times + 1) if EVERY else sorted({1, times}))
    ]


@pytest.mark.slow
@pytest.mark.timeout(1800 if EVERY else 300)
@pytest.mark.parametrize("error", ERRORS if EVERY else ERRORS[:1], ids=errno.errorcode.__getitem__)
def test_a_zygote_whose_set_up_fails_names_the_wall_and_serves_nobody(
    tmp_path: Path, error: int
) -> None:
    """
    Cells inherit what the zygote built: what is missing there is missing in each of them.
    """
    tmp_path.chmod(0o755)
    sound, said, cell = start(tmp_path / "zygote", None)
    assert "serves" == said
    assert cell
    assert {"unshare", "pivot_root", "mount_setattr"} <= {name for _, name in sound.calls}
    wrong, served = [], 0
    for fault in faults_of(sound, error):
        birth, said, made = start(tmp_path / "zygote", fault)
        print(f"{fault[0]:15} {fault[1]:20} {fault[2]:3} {errno.errorcode[error]:7} {said}")
        served += made is not None
        if made is not None and made.ending == "ready" and (less := faults_in(cell, made)):
            wrong.append((fault, less))
        if not birth.met:
            wrong.append((fault, ["it was never met"]))

    assert [] == wrong
    assert served < len(faults_of(sound, error)) / 2
