"""
Who calls.

Theory of operation.  An interceptor finds out who a caller is before any handler runs, and puts it
where the handlers of that call find it: in a context variable, which a task of gRPC does not share
with another.  Where nobody is asked who he is, everybody is `ANYBODY`.

Scopes are what counts: whoever knows roles has turned them into scopes by then.  Those that the
server itself asks for begin with `toolcell:`; tools ask for others by their manifest.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Sees, watches and ends the executions of others.
OTHERS: Final = "toolcell:executions"
# Decides about calls of others that wait for an approval.
APPROVE: Final = "toolcell:approve"
# Registers and hosts tools for everybody, changes any that was registered, loads bundles again.
TOOLS: Final = "toolcell:tools"
# Registers and hosts tools for itself or its session, and changes those.
OWN_TOOLS: Final = "toolcell:own_tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """
    An authenticated caller.  `name` is empty for who was not asked; `session` is the caller's own
    word for what belongs together, empty if there is none; `origin` is where the call came from,
    as the transport says it.
    """

    name: str = ""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    session: str = ""
    origin: str = ""

    def may_see(self, owner: str) -> bool:
        """
        Whether executions of that principal are this one's to see and to end.
        """
        return self.name == owner or OTHERS in self.scopes


ANYBODY: Final = Principal()
_current: ContextVar[Principal] = ContextVar("principal", default=ANYBODY)


def current() -> Principal:
    """
    Who makes the call that this task serves.
    """
    return _current.get()


def adopt(principal: Principal) -> None:
    """
    Serve a call of this principal for the rest of this task: gRPC makes one for each call.
    """
    _current.set(principal)


@contextlib.contextmanager
def calling(principal: Principal) -> Iterator[None]:
    """
    Serve a call of this principal for as long as the context lasts.
    """
    token = _current.set(principal)
    try:
        yield
    finally:
        _current.reset(token)
