"""
N7, N8, N9 and the headers of N15: what is said to a granted host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery.addresses import LOOPBACK
from toolcell_server.battery.attacks.abroad import abroad, attack, got_out, name_of

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Traces
    from toolcell_server.battery.ground import Ground

HOP_BY_HOP: Final = ("Proxy-Authorization", "Proxy-Connection", "Keep-Alive", "TE", "X-One-Hop")


def _secure(ground: Ground) -> dict[str, Any]:
    """
    A host over TLS that nobody who says another name may reach.
    """
    name, port = name_of(ground, 0, LOOPBACK), ground.listeners.tcp()
    told = abroad(ground, secure=[name, port])
    ground.domains.append(f"https://{name}:{port}/")
    return told


def _slow(ground: Ground) -> dict[str, Any]:
    """
    A host without TLS that nobody may reach who has not said what he wants.
    """
    name, port = name_of(ground, 0, LOOPBACK), ground.listeners.tcp()
    told = abroad(ground, slow=[name, port])
    ground.domains.append(ground.session.internet.url(host=name, port=port))
    return told


def _ports(ground: Ground) -> dict[str, Any]:
    return abroad(ground, port=ground.listeners.tcp())


def _hops(ground: Ground, traces: Traces) -> list[str]:
    """
    Headers that the site was told, and that were for somebody before it.
    """
    told = {
        name
        for _, path, headers in ground.session.internet.plain.seen
        for name in HOP_BY_HOP
        if path == "/hops" and name in headers
    }
    return [*got_out(ground, traces), *(f"the site was told: {name}" for name in sorted(told))]


ATTACKS: Final = (
    attack(
        "N7",
        "speech.say_another_name_in_tls",
        "whoever does not say the granted name, in plain sight, reaches nobody",
        plan=_secure,
    ),
    attack(
        "N8",
        "speech.smuggle_requests",
        "what two readers read in two ways reaches nobody",
    ),
    attack(
        "N8",
        "speech.never_end_a_request",
        "nobody is dialled before a request was read to the end of its head",
        plan=_slow,
    ),
    attack(
        "N9",
        "speech.reach_others_over_plain_http",
        "plain HTTP reaches no other host and no other port either",
        plan=_ports,
    ),
    attack(
        "N15",
        "speech.tell_the_site_of_a_proxy",
        "what is between a client and its proxy is told to no site",
        harm=_hops,
    ),
)
