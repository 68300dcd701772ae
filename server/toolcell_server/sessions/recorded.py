"""
What happens to sessions and their files, counted and written into the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from toolcell_server import principal
from toolcell_server.principal import Principal

if TYPE_CHECKING:
    from toolcell_server.sessions.metrics import SessionMetrics
    from toolcell_server.sessions.session import Session


class Log(Protocol):
    """
    Where it is written.
    """

    def session(
        self, event: str, session_id: str, caller: Principal, **about: str | float | bool
    ) -> None: ...


class Recorder(Protocol):
    """
    Is told of each thing that happens: "created", "deleted", "expired", "uploaded", …
    """

    def __call__(self, what: str, session: Session, /, **about: str | float | bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    A `Recorder`.
    """

    metrics: SessionMetrics
    log: Log | None = None

    def __call__(self, what: str, session: Session, /, **about: str | float | bool) -> None:
        self.metrics.happened.labels(what).inc()
        if self.log is None:
            return
        caller = Principal(name=session.owner, session=session.session_id)
        if what != "expired":
            caller = principal.current()
        self.log.session(what, session.session_id, caller, **about)
