"""
What a host offers, before anything of it is taken.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server.hosts import definitions
from toolcell_server.refusals import HostOfferInvalid, TooManyHosts

if TYPE_CHECKING:
    from toolcell.v1 import host_pb2

    from toolcell_server.hosts.owner import Owner
    from toolcell_server.limits import Limits
    from toolcell_server.settings.hosts import HostsSettings
    from toolcell_server.tool import Tool

MAXIMUM_OFFER: Final = 2 * 2**20  # bytes; clients receive 4 MiB by default, and it is sent back


def check(offer: host_pb2.HostOffer, settings: HostsSettings) -> None:
    """
    Raises:
        HostOfferInvalid: it has no id that can be used, or offers nothing.
        TooManyHosts: it offers too much.
    """
    identity = offer.host_id
    if not (16 <= len(identity) <= 128 and identity.isascii() and identity.isprintable()):
        raise HostOfferInvalid(
            [("offer/host_id", "must have 16 to 128 printable ASCII characters; make up a UUID")]
        )
    if not offer.tools:
        raise HostOfferInvalid([("offer/tools", "must hold at least one tool")])
    if sum(len(tool.manifest_json) for tool in offer.tools) > MAXIMUM_OFFER:
        raise HostOfferInvalid(
            [("offer/tools", f"hold more than {MAXIMUM_OFFER} bytes; offer some in another stream")]
        )
    if len(offer.tools) > settings.tools:
        raise TooManyHosts(f"a host may offer {settings.tools} tools (hosts.tools)")


def tools_of(
    offer: host_pb2.HostOffer, owner: Owner, *, defaults: Limits, ceilings: Limits
) -> tuple[Tool, ...]:
    """
    Raises:
        HostOfferInvalid: one of them is no tool that can be hosted; says all that is wrong.
    """
    found: dict[tuple[str, str], Tool] = {}
    faults: list[tuple[str, str]] = []
    for index, offered in enumerate(offer.tools):
        at = f"offer/tools/{index}/manifest_json"
        try:
            tool = definitions.tool_of(
                offered.manifest_json,
                bundle=owner.bundle,
                scope=owner.scope,
                defaults=defaults,
                ceilings=ceilings,
            )
        except definitions.BadDefinition as exc:
            faults.append((at, str(exc)))
            continue
        if (tool.name, tool.version) in found:
            faults.append((at, f"{tool.name} {tool.version} is offered twice; leave one out"))
        found[tool.name, tool.version] = tool
    if faults:
        raise HostOfferInvalid(faults)
    return tuple(found.values())
