"""
What happens to approvals, written into the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from toolcell_server.principal import Principal

if TYPE_CHECKING:
    from toolcell_server.approvals.happenings import Happening

_DECISIONS = frozenset({"approved", "denied"})


class Log(Protocol):
    """
    Where it is written.
    """

    def approval(
        self, event: str, approval_id: str, caller: Principal, decider: Principal | None = None,
        **about: str | float | bool,
    ) -> None: ...  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    A `Recorder` that writes a record of each happening.
    """

    log: Log

    def __call__(self, happening: Happening, /) -> None:
        about = happening.approval
        self.log.approval(
            happening.what,
            about.approval_id,
            Principal(name=about.principal, session=about.session),
            Principal(name=happening.by) if happening.what in _DECISIONS else None,
            kind=about.kind,
            tool=about.tool,
            version=about.version,
            arguments_digest=about.digest,
            reason=happening.reason,
            execution_id=happening.execution_id,
        )
