"""
What admission asks of sessions, and what answers where they are switched off.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from toolcell_server.refusals import SwitchedOff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from toolcell_server.execution import Stop
    from toolcell_server.principal import Principal
    from toolcell_server.sessions.session import Session

OFF: Final = ("the use of sessions", "sessions.enabled = true in its settings")


class Station(Protocol):
    """
    Where sessions are found.
    """

    def find(self, session_id: str, caller: Principal, /) -> Session:
        """
        Raises:
            SwitchedOff: there are none on this server.
            UnknownSession: the caller has none of that id.
        """
        ...

    def using(
        self, session: Session, stop: Stop | None = None, /
    ) -> contextlib.AbstractContextManager[object]:
        """
        Use it until the context is left; it asks to `stop` if it ends before.
        """
        ...

    def room(self, session: Session, /) -> Awaitable[object]:
        """
        Raises:
            WorkspaceFull: nothing more may be written into its workspace.
        """
        ...


def caller_in(sessions: Station, session_id: str, caller: Principal) -> Principal:
    """
    A caller in a session of his own; without an id in that which his token names, if any.

    Raises:
        SwitchedOff, UnknownSession: as `Station.find`.
    """
    if not session_id:
        return caller
    return dataclasses.replace(caller, session=sessions.find(session_id, caller).session_id)


@contextlib.contextmanager
def used_by(sessions: Station, session_id: str, caller: Principal) -> Iterator[Principal]:
    """
    As `caller_in`, and the session is used until the context is left: one that ends waits for it.
    """
    with contextlib.ExitStack() as used:
        if session_id:
            used.enter_context(sessions.using(sessions.find(session_id, caller)))
        yield caller_in(sessions, session_id, caller)


class NoSessions:
    """
    Refuses every call that names one.
    """

    def find(self, _session_id: str, _caller: Principal) -> NoReturn:
        """
        Raises:
            SwitchedOff: always.
        """
        raise SwitchedOff(*OFF)

    def using(self, _session: Session, _stop: Stop | None = None) -> NoReturn:
        raise SwitchedOff(*OFF)

    async def room(self, _session: Session) -> NoReturn:
        raise SwitchedOff(*OFF)
