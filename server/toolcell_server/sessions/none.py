"""
What a server has in place of sessions that are switched off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from toolcell_server.refusals import SwitchedOff

if TYPE_CHECKING:
    from toolcell_server.execution import Stop
    from toolcell_server.principal import Principal
    from toolcell_server.sessions.session import Session

WHAT = "the use of sessions (sessions.enabled)"


class NoSessions:
    """
    Refuses every call that names one.
    """

    def find(self, _session_id: str, _caller: Principal) -> NoReturn:
        """
        Raises:
            SwitchedOff: always.
        """
        raise SwitchedOff(WHAT)

    def using(self, _session: Session, _stop: Stop | None = None) -> NoReturn:
        raise SwitchedOff(WHAT)

    async def room(self, _session: Session) -> NoReturn:
        raise SwitchedOff(WHAT)
