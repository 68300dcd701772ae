"""
Hosts that come and go, as the audit log is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from toolcell_server.audit import values

if TYPE_CHECKING:
    from toolcell_server.audit.auditing import Auditing
    from toolcell_server.hosts.host import Host
    from toolcell_server.principal import Principal

CONNECTED: Final = "connected"


class Recorder(Protocol):
    """
    Is told that a host is about to be "connected", or was "disconnected", and why.  What it raises
    refuses the host.
    """

    def __call__(self, what: str, host: Host, caller: Principal, why: str = "", /) -> None: ...


def unrecorded(_what: str, _host: Host, _caller: Principal, _why: str = "", /) -> None:
    """
    Nobody takes note.
    """


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    A `Recorder` that writes a record of each.
    """

    log: Auditing

    def __call__(self, what: str, host: Host, caller: Principal, why: str = "", /) -> None:
        scope = host.owner.scope
        data = {
            "host_id": values.bounded(host.host_id),
            "scope": {"kind": scope.kind, "principal": scope.principal, "session": scope.session},
            "tools": [
                {"name": tool.name, "version": tool.version, "definition": tool.hosted}
                for tool in host.tools[: values.LISTED]
            ],
        }
        if what == CONNECTED:
            self.log.changed(f"host.{what}", caller, data, host.host_id)
        else:
            data |= {"principal": values.who(caller), "reason": why}
            self.log.record(f"host.{what}", data, host.host_id)
