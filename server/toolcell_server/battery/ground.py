"""
The ground of one run: what an attacker is after, and what he did to it.

Theory of operation.  Every run, of the control and of the cell, has a ground of its own with a
token that nobody could guess.  An attack's `plan` plants here; then `begin` notes how everything
is, and after the run `leaks` and `damage` say what changed.  Nothing is decided by the word of the
hostile code: the token is not in its plan, so it can only name it by having read it.

`folder` lies outside of every grant, `root` is this run's folder in the operator's root, `scratch`
is where the control works, as a cell does in its private /tmp.  What is granted is named in
`reads`, `writes` and `stages`; inside `writes`, and at `stages`, changes are the tool's right.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server.battery import canaries, processes
from toolcell_server.battery.gauge import Gauge
from toolcell_server.battery.listeners import Listeners
from toolcell_server.battery.processes import Sibling

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.battery.session import Session

MARKER_BYTES = 6  # the name of a process has room for 15 characters


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call of hostile code: "module.function", and its plan.  `domains` are asked for instead of
    the ground's.
    """

    function: str
    plan: dict[str, Any]
    domains: tuple[str, ...] = ()


@dataclass
class Ground:
    """
    `earlier` are calls that go before, one after the other; `beside` runs from before the attack
    to its end, `crowd` at the same time as it.  `when_ready` is called when the attack has printed
    something for the first time.  `domains` are URLs that are granted, `hosts` names that may be
    asked for and reached.  `secrets` are what must not get out; `names` are secrets that may be
    ordinary words, and count as whole words only.  `notes` are what an oracle wants to remember
    of before.
    """

    session: Session
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    marker: str = field(default_factory=lambda: f"tcb{secrets.token_hex(MARKER_BYTES)}")
    listeners: Listeners = field(default_factory=Listeners)
    names: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    earlier: list[Call] = field(default_factory=list)
    beside: Call | None = None
    crowd: list[Call] = field(default_factory=list)
    when_ready: Callable[[], object] | None = None
    notes: dict[str, int] = field(default_factory=dict)
    _since: int = field(default_factory=processes.now)
    _claims: list[str] = field(default_factory=list)
    _watched: list[str] = field(default_factory=list)
    _before: dict[str, canaries.Facts] = field(default_factory=dict)
    _sibling: Sibling | None = None
    _gauge: Gauge | None = None

    def __post_init__(self) -> None:
        self.secrets = [self.token, self.session.secret]
        self.session.internet.forget()
        run = f"{self.session.folder}/{self.marker}"
        self.folder, self.scratch = f"{run}/outside", f"{run}/scratch"
        self.root = f"{self.session.root}/{self.marker}"
        self._runs = [run, self.root]
        for path in (self.folder, self.scratch, self.root):
            Path(path).mkdir(parents=True)
        self._watched += [self.folder, self.root]

    def plant(self, name: str, text: str | None = None, mode: int = 0o644) -> str:
        """
        A file outside of every grant, with the token in it unless `text` is given; its path.
        """
        return self.plant_at(f"{self.folder}/{name}", text, mode)

    def plant_inside(self, name: str, text: str | None = None, mode: int = 0o644) -> str:
        """
        The same in this run's folder of the operator's root.
        """
        return self.plant_at(f"{self.root}/{name}", text, mode)

    def plant_at(self, path: str, text: str | None = None, mode: int = 0o644) -> str:
        """
        The same anywhere; it is watched, and removed in the end.
        """
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{self.token}\n" if text is None else text)
        file.chmod(mode)
        if not path.startswith((f"{self.folder}/", f"{self.root}/")):
            self._watched.append(path)
            self._claims.append(path)
        return path

    def make_folder_inside(self, name: str) -> str:
        """
        A folder in this run's folder of the operator's root; its path.
        """
        path = f"{self.root}/{name}"
        Path(path).mkdir(parents=True)
        return path

    def claim(self, path: str) -> str:
        """
        A path that must not come to be; what comes to be there is removed in the end.
        """
        self._watched.append(path)
        self._claims.append(path)
        return path

    @property
    def sibling(self) -> Sibling:
        """
        A process of the service's user, with the token in its environment and its arguments, and
        the session's secret file open.
        """
        if self._sibling is None:
            self._sibling = Sibling(self.token, self.session.inherited[1])
        return self._sibling

    @property
    def gauge(self) -> Gauge:
        """
        What the run uses at its peak; it measures from when a plan asks for it.
        """
        if self._gauge is None:
            self._gauge = Gauge(self.marker)
        return self._gauge

    def begin(self) -> None:
        """
        Note how everything is.
        """
        self._before = self._look()

    def leaks(self, text: str) -> list[str]:
        """
        The secrets that a text holds, in any case of letters.
        """
        lowered = text.lower()
        found = [secret for secret in self.secrets if secret.lower() in lowered]
        # A host may be called "machine": /etc/machine-id in an error does not tell that.
        found += [name for name in self.names if _stands_alone(name, text)]
        return [f"a secret got out: {secret}" for secret in found]

    def damage(self) -> list[str]:
        """
        What was changed outside of the grants, reached, ended, or left running.
        """
        changes = canaries.differences(self._before, self._look())
        harm = [said for said in changes if not self._allowed(said)]
        harm += self.listeners.hits()
        harm += self._sibling.harm() if self._sibling else []
        return harm + [
            f"left a process: {pid}" for pid in processes.left_of(self.marker, self._since)
        ]

    def close(self) -> None:
        """
        End and remove everything of this run.
        """
        processes.end(self.marker, self._since)
        self.listeners.close()
        if self._sibling:
            self._sibling.close()
        if self._gauge:
            self._gauge.close()
        for path in [*self._claims, *self._runs]:
            _remove(path)

    def _look(self) -> dict[str, canaries.Facts]:
        found: dict[str, canaries.Facts] = {}
        for path in self._watched:
            found.update(canaries.look(path))
        return found

    def _allowed(self, said: str) -> bool:
        path = said.partition(": ")[2].partition(" (")[0]
        return path in self.stages or any(
            path == folder or path.startswith(f"{folder}/") for folder in self.writes
        )


def _stands_alone(word: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text, re.IGNORECASE) is not None


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if Path(path).is_dir() and not Path(path).is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            Path(path).unlink()
