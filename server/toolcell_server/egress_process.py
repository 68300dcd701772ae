"""
The server's handle of the egress process: starts it, hands cells' listeners over, hears of them.

It is started when the first cell needs it, and again when it has died.  Cells whose egress has died
are without a network from then on: what it had counted for them is gone with it, and a budget that
begins anew is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import NUMBER, Frame, PeerClosed, ProtocolError

from toolcell_server.egress_spawning import spawn

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence

    from toolcell_server.channel import Channel
    from toolcell_server.egress.rules import Rule
    from toolcell_server.egress_seen import EgressSeen
    from toolcell_server.grants import Grant

START_SECONDS: Final = 20.0  # imports, on a loaded host
DETACH_SECONDS: Final = 5.0  # arbitrary; closing connections takes milliseconds
_log = logging.getLogger(__name__)


class EgressFailed(Exception):  # noqa: N818  # names what happened
    """
    Raised when the egress cannot be started, or died over a request.
    """


@dataclass(slots=True, eq=False)
class Attachment:
    """
    One cell that the egress serves.  `denied` takes what it denies, `spent` is called with
    the limit that is.
    """

    number: int
    denied: Callable[[pb.Denied], None]
    spent: Callable[[str], None]
    fields: Mapping[str, str]  # of the canonical lines
    contacts: asyncio.Future[list[pb.HostContact]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Egress:
    """
    Starts the egress when it is first needed, and again when it has died.
    """

    def __init__(self, instructions: dict[str, Any], seen: EgressSeen) -> None:
        self._instructions = instructions
        self._seen = seen
        self._starting = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._listener: asyncio.Task[None] | None = None
        self._attached: dict[int, Attachment] = {}
        self._numbers = 0

    async def attach(
        self,
        grant: Grant,
        descriptors: Sequence[int],
        *,
        denied: Callable[[pb.Denied], None],
        spent: Callable[[str], None],
        fields: Mapping[str, str],
        token: str = "",
    ) -> Attachment:
        """
        Hand over a cell's listeners in the order of its grant's ports, or its proxy's with a token.
        They stay the caller's to close.

        Raises:
            EgressFailed: nobody is there to take them.
        """
        channel = await self._running()
        self._numbers += 1
        attachment = Attachment(self._numbers, denied, spent, fields)
        told = {
            "number": attachment.number,
            "rules": [rule.entry for rule in grant.domains],
            "ports": grant.ports,
            "connections": grant.limits.connections,
            "bytes": grant.limits.network_bytes,
            "credentials": self._credentials(grant.domains),
            "report_only": grant.report_only,
            "proxy": token,
        }
        self._attached[attachment.number] = attachment
        try:
            await channel.send(Frame.ATTACH, json.dumps(told).encode(), descriptors)
        except OSError as exc:
            self._attached.pop(attachment.number, None)
            raise EgressFailed("the egress died") from exc
        return attachment

    async def detach(self, attachment: Attachment) -> list[pb.HostContact]:
        """
        End every connection of a cell; the hosts that it reached, as far as they are known.
        """
        try:
            # Sending, too: a stuck process takes nothing, and everybody waits for room.
            async with asyncio.timeout(DETACH_SECONDS):
                if self._channel is not None and attachment.number in self._attached:
                    with contextlib.suppress(OSError):
                        await self._channel.send(Frame.DETACH, NUMBER.pack(attachment.number))
                return await asyncio.shield(attachment.contacts)
        except TimeoutError:
            _log.error("the egress did not detach a cell, and is ended")
            self._end()
            if not attachment.contacts.done():
                attachment.contacts.set_result([])  # who asks again must not end the next process
            return []
        finally:
            self._attached.pop(attachment.number, None)

    async def aclose(self) -> None:
        """
        End the process and every connection.
        """
        self._end()
        if self._listener is not None:
            await asyncio.gather(self._listener, return_exceptions=True)

    def _credentials(self, rules: Sequence[Rule]) -> dict[str, Any]:
        """
        Those that rules name, and the operator has; requests that need another one are denied.
        """
        named, all_of_them = {rule.credential for rule in rules}, self._instructions["credentials"]
        return {name: all_of_them[name] for name in sorted(named & all_of_them.keys())}

    async def _running(self) -> Channel:
        async with self._starting:
            if self._channel is None:
                await self._start()
            assert self._channel is not None
            return self._channel

    async def _start(self) -> None:
        try:
            self._process, channel = spawn()
        except OSError as exc:
            raise EgressFailed(f"the egress cannot be started: {exc}") from exc
        told = {k: v for k, v in self._instructions.items() if k != "credentials"}
        try:
            await channel.send(Frame.START, json.dumps(told).encode())
            async with asyncio.timeout(START_SECONDS):
                await channel.receive()
        except (OSError, TimeoutError, PeerClosed, ProtocolError) as exc:
            channel.close()
            self._process.kill()
            code = await asyncio.to_thread(self._process.wait)
            raise EgressFailed(f"the egress did not start: it exited with {code}") from exc
        self._channel = channel
        self._listener = asyncio.create_task(self._listen(channel, self._process))

    async def _listen(self, channel: Channel, process: subprocess.Popen[bytes]) -> None:
        try:
            while True:
                message = await channel.receive()
                self._take(message.kind, message.json())
        except (PeerClosed, ProtocolError, OSError):
            pass
        finally:
            self._bury(channel)
            process.kill()
            await asyncio.to_thread(process.wait)

    def _take(self, kind: int, said: dict[str, Any]) -> None:
        attachment = self._attached.get(said["number"])
        if attachment is None:
            return
        if kind == Frame.DETACHED:
            contacts = [pb.HostContact(**contact) for contact in said["contacts"]]
            if not attachment.contacts.done():
                attachment.contacts.set_result(contacts)
        elif "denied" in said:
            attachment.denied(_denied(**said["denied"]))
            if said["denied"]["operation"] == "resolve":  # no connection will tell of it
                self._seen.name(said["denied"], attachment.fields)
        elif "connection" in said:
            self._seen.connection(said["connection"], attachment.fields)
        elif "spent" in said:
            attachment.spent(said["spent"])

    def _bury(self, channel: Channel) -> None:
        """
        Tell everybody; nothing may be left that only looks alive.
        """
        channel.close()
        if self._channel is channel:
            self._channel = None
        for attachment in self._attached.values():
            attachment.denied(_denied("connect", "", "egress_died"))
            if not attachment.contacts.done():
                attachment.contacts.set_result([])
        if self._attached:
            self._seen.died()
        self._attached.clear()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()


def _denied(operation: str, target: str, reason: str, *, reported_only: bool = False) -> pb.Denied:
    return pb.Denied(
        wall=pb.WALL_NETWORK,
        operation=operation,
        target=target,
        reason=reason,
        evidence=pb.EVIDENCE_OBSERVED,
        reported_only=reported_only,
    )
