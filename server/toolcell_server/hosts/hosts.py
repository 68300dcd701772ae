"""
Every host that is connected, and the tools that they offer.

Theory of operation.  Hosts are told apart by owner and by the id that they chose; a newer stream
with both takes the place of the older one, which is gone at that moment.  An offer is taken whole
or not at all, and all of it in one turn of the loop: nobody sees half of one, and a host that comes
back takes over from itself before anybody hears that it was away.

A tool is in the registry as long as somebody offers it, in a bundle of its owner's own.  Names are
the registry's business; what is asked here, before anything is taken, is that nobody else has them.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING

from toolcell_server.hosts import offers
from toolcell_server.hosts.group import Group
from toolcell_server.hosts.host import Host
from toolcell_server.hosts.looking import Looking
from toolcell_server.hosts.recorded import unrecorded
from toolcell_server.principal import Principal
from toolcell_server.refusals import (
    Draining,
    HostedNameTaken,
    HostedToolDiffers,
    HostSuperseded,
    TooManyHosts,
    UnknownTool,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from toolcell.v1 import host_pb2

    from toolcell_server.hosts.owner import Owner
    from toolcell_server.hosts.recorded import Recorder
    from toolcell_server.hosts.stall import Stall
    from toolcell_server.limits import Limits
    from toolcell_server.settings.hosts import HostsSettings
    from toolcell_server.tool import Tool

_log = logging.getLogger(__name__)


class Hosts:
    """
    Connects hosts and finds them for calls.  Lives on one event loop.  `check_offered` refuses a
    tool that is not a caller's to offer; `record` is told who comes and who goes.
    """

    def __init__(
        self,
        settings: HostsSettings,
        stall: Stall,
        defaults: Limits,
        ceilings: Limits,
        check_offered: Callable[[Tool, Principal], None],
        *,
        record: Recorder = unrecorded,
    ) -> None:
        self.settings = settings
        self._check_offered = check_offered
        self._record = record
        self._stall = stall
        self._looking = Looking(defaults, ceilings)
        self._hosts: dict[tuple[str, str], Host] = {}  # by bundle and id
        self._groups: dict[tuple[str, str, str], Group] = {}  # bundle, name, version
        self._draining = False

    @property
    def connected(self) -> int:
        """
        How many hosts there are.
        """
        return len(self._hosts)

    @property
    def running(self) -> int:
        """
        How many calls run at hosts.
        """
        return sum(host.running for host in self._hosts.values())

    def of(self, tool: Tool) -> Group | None:
        """
        The hosts of exactly this tool; None: there are none any more, or it is not hosted.
        """
        group = self._groups.get((tool.bundle, tool.name, tool.version))
        return group if group is not None and group.tool.hosted == tool.hosted else None

    def places(self, tool: Tool) -> Group:
        """
        Where calls of it can run.

        Raises:
            UnknownTool: its last host has gone since it was looked up.
        """
        if (group := self.of(tool)) is None:
            raise UnknownTool(tool.name)
        return group

    async def connect(self, owner: Owner, offer: host_pb2.HostOffer, caller: Principal) -> Host:
        """
        Take an offer: its tools can be called.

        Raises:
            CallRefused: one of its kinds; nothing has changed.
        """
        if self._draining:
            raise Draining
        offers.check(offer, self.settings)
        self._check_room(owner, self._hosts.get((owner.bundle, offer.host_id)))
        tools = await self._looking.tools(owner, offer)
        before = self._hosts.get((owner.bundle, offer.host_id))
        self._check_room(owner, before)
        for tool in tools:
            self._check_offered(tool, caller)
            self._check_tool(tool, before)
        host = Host(
            owner,
            offer.host_id,
            tools,
            min(max(1, offer.concurrency), self.settings.concurrency),
            self.settings,
            freed=self._freed,
            left=self._left,
        )
        self._record("connected", host, caller)
        self._take(host, before)
        fields = {"bundle": owner.bundle, "tools": ", ".join(tool.name for tool in tools)}
        _log.info("host connected", extra={"fields": fields})
        return host

    def disconnect(self, host: Host) -> None:
        """
        Its stream is over.
        """
        host.end()
        key = host.owner.bundle, host.host_id
        if self._hosts.get(key) is host:
            del self._hosts[key]
        self._left(host)
        why = host.refusal.reason if host.refusal else ""
        self._record("disconnected", host, Principal(name=host.owner.principal), why)
        _log.info("host disconnected", extra={"fields": {"bundle": key[0], "reason": why}})

    def drain(self) -> None:
        """
        Take no further hosts, and tell those that are here.
        """
        self._draining = True
        for host in self._hosts.values():
            host.drain()

    def close(self) -> None:
        """
        End every stream.
        """
        for host in list(self._hosts.values()):
            host.end(Draining())

    def registered(self, host: Host) -> list[Tool]:
        """
        The tools of a host as they are now.
        """
        return [_counted(self._groups[_key(tool)]) for tool in host.tools]

    def _check_room(self, owner: Owner, before: Host | None) -> None:
        """
        Raises:
            TooManyHosts: there is no room for one that takes nobody's place.
        """
        if before is not None and not self._looking.coming(owner.principal):
            return
        at = self.settings
        staying = [host for host in self._hosts.values() if not host.followed]
        if len(staying) >= at.most:
            raise TooManyHosts(f"{at.most} may be connected (hosts.most)")
        own = sum(host.owner.principal == owner.principal for host in staying)
        own += self._looking.coming(owner.principal)
        if own >= at.most_per_principal:
            raise TooManyHosts(f"{own} of this principal (hosts.most_per_principal)")

    def _check_tool(self, tool: Tool, before: Host | None) -> None:
        if self._stall.is_taken(tool.name, tool.scope, tool.bundle):
            raise HostedNameTaken(tool.name)
        group = self._groups.get(_key(tool))
        if group and group.tool.hosted != tool.hosted and not group.is_only(before):
            raise HostedToolDiffers(tool.name, tool.version)

    def _take(self, host: Host, before: Host | None) -> None:
        self._hosts[host.owner.bundle, host.host_id] = host
        for tool in host.tools:
            group = self._groups.get(_key(tool))
            if group is None or group.tool.hosted != tool.hosted:
                if group is not None:
                    group.abandon()
                group = self._groups[_key(tool)] = Group(tool, self.settings.queue)
            group.add(host)
        if before is not None:
            before.end(HostSuperseded())
            before.leave()
        self._settle(host.owner, host.tools)

    def _freed(self, host: Host) -> None:
        """
        A place is free: for whichever of its tools is waited for, in turn.
        """
        for tool in host.in_turn():
            if (group := self.of(tool)) is not None:
                group.serve()

    def _left(self, host: Host) -> None:
        for tool in host.tools:
            if (group := self.of(tool)) is not None:
                group.remove(host)
        self._settle(host.owner, host.tools)

    def _settle(self, owner: Owner, tools: Iterable[Tool]) -> None:
        """
        Serve those that wait for these, forget what nobody offers, and let the registry know.
        """
        for tool in tools:
            group = self._groups.get(_key(tool))
            if group is not None and len(group):
                group.serve()
            elif group is not None:
                group.abandon()
                del self._groups[_key(tool)]
        offered = [one for key, one in self._groups.items() if key[0] == owner.bundle]
        self._stall.offer(owner, [_counted(group) for group in offered])


def _counted(group: Group) -> Tool:
    return dataclasses.replace(group.tool, hosts=len(group))


def _key(tool: Tool) -> tuple[str, str, str]:
    return tool.bundle, tool.name, tool.version
