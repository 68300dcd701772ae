"""
An attack, and what came of running it once.  Pure values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_server.battery.ground import Ground

ORDINARY: Final = frozenset({"completed", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """
    What came out of one run.  `outcome` is "completed", "failed", "exceeded:memory",
    "violated:seccomp", "cancelled", "lost:internal" or "refused:PATH_NOT_ALLOWED" for a cell,
    "exit:0" or "signal:9" for the control.  `earlier` are the results of the calls that went
    before.
    """

    outcome: str
    result: Any = None
    stdout: str = ""
    stderr: str = ""
    message: str = ""
    denials: tuple[str, ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    earlier: tuple[Any, ...] = ()

    @property
    def text(self) -> str:
        """
        Everything that the attacker, or whoever reads his output, gets to see.
        """
        result = json.dumps(self.result, ensure_ascii=False)
        return "\n".join((result, self.stdout, self.stderr, self.message, *self.denials))


def generic_harm(ground: Ground, traces: Traces) -> list[str]:
    """
    Secrets that got out, canaries that were touched, listeners that were reached, processes that
    were killed or left behind.
    """
    return [*ground.leaks(traces.text), *ground.damage()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """
    One attack of the catalogue.

    The hostile code is `toolcell_worker.battery.<module>:<name>`, a function of the plan.  `plan`
    plants what it is after, asks for grants and earlier calls, and returns what the hostile code
    is told.  `harm` looks from outside at what was touched or got out; nothing means held.
    `programs`: it needs to fork or to start programs.  `limits` are narrower ones for its call.
    `endings` are the outcomes that are no fault of ours.  `forks`: the control runs each call in
    a fork of one warm process.  `needs_root`: only root can do it outside, so that for an
    ordinary user there is no control, and the attack is void.  `tool`: it runs in this tool, whose
    grants are its manifest's.  `known`: why its harm is not prevented; it is then reported, and
    counted apart, as a risk that is left.
    """

    id: str
    name: str
    module: str
    promise: str
    plan: Callable[[Ground], dict[str, Any]]
    harm: Callable[[Ground, Traces], list[str]] = generic_harm
    programs: bool = False
    limits: Mapping[str, float] = field(default_factory=dict)
    endings: frozenset[str] = ORDINARY
    forks: bool = False
    needs_root: bool = False
    tool: str = ""
    known: str = ""

    @property
    def function(self) -> str:
        return f"{self.module}.{self.name}"
