"""
One cell and the egress: its listeners are handed over, and at its end its contacts are asked for.

A cell with a network of its own opens them itself, while its walls are built; the one listener of
a proxy the server has opened already.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings
from toolcell_server.egress_process import EgressFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.egress_process import Attachment, Egress
    from toolcell_server.execution import Execution
    from toolcell_server.proxies import Proxy


@dataclass(slots=True, eq=False)
class Connecting:
    """
    `denied` takes what the egress denies, `end` ends the cell for a cause.  `proxy` is that of a
    cell without a network of its own.
    """

    egress: Egress
    execution: Execution
    denied: Callable[[pb.Denied], None]
    end: Callable[[pb.Outcome], None]
    proxy: Proxy | None = None
    attachment: Attachment | None = None

    async def connect_proxy(self) -> None:
        """
        Let the egress answer at the cell's proxy, if it has one.
        """
        if self.proxy is not None:
            await self.connect(self.proxy.hand_over(), self.proxy.token)

    async def connect(self, descriptors: tuple[int, ...], token: str = "") -> None:
        """
        Let the egress answer in the cell's own network.
        """
        execution = self.execution
        try:
            self.attachment = await self.egress.attach(
                execution.grant,
                descriptors,
                denied=self.denied,
                spent=self._spent,
                fields={"execution_id": execution.execution_id, "tool": execution.tool.name},
                token=token,
            )
        except EgressFailed as exc:
            self.end(endings.lost(pb.LOST_REASON_WALL_NOT_BUILT, str(exc), "network"))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    async def disconnect(self) -> list[pb.HostContact]:
        """
        End its connections; the hosts that it reached.
        """
        return [] if self.attachment is None else await self.egress.detach(self.attachment)

    def _spent(self, limit: str) -> None:
        self.end(endings.exceeded(limit, self.execution.grant.limits))
