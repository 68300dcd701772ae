"""
Looks at what is offered, before anything of it is taken.

Theory of operation.  To check schemas takes milliseconds for each, and the loop is everybody's: it
is done in a thread, for one offer at a time.  How many offers of a principal wait for that counts
as hosts of it do.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from toolcell_server.hosts import offers
from toolcell_server.threads import in_thread

if TYPE_CHECKING:
    from toolcell.v1 import host_pb2

    from toolcell_server.hosts.owner import Owner
    from toolcell_server.limits import Limits
    from toolcell_server.tool import Tool


class Looking:
    """
    Makes tools of offers, with these limits.
    """

    def __init__(self, defaults: Limits, ceilings: Limits) -> None:
        self._limits = {"defaults": defaults, "ceilings": ceilings}
        self._coming: Counter[str] = Counter()
        self._one = asyncio.Lock()

    def coming(self, principal: str) -> int:
        """
        How many offers of a principal are looked at, or wait for that.
        """
        return self._coming[principal]

    async def tools(self, owner: Owner, offer: host_pb2.HostOffer) -> tuple[Tool, ...]:
        """
        Raises:
            HostOfferInvalid: one of them is no tool that can be hosted.
        """
        self._coming[owner.principal] += 1
        try:
            async with self._one:
                return await in_thread(partial(offers.tools_of, offer, owner, **self._limits))
        finally:
            self._coming[owner.principal] -= 1
            self._coming += Counter()  # without those that are at zero
