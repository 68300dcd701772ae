"""
N1, N2, N3, N10 and N13: past the egress, straight to the host.

Canaries listen at every address of this host that an attacker would try.  Nothing further away is
tried, so that the control sends nothing out of the host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery import addresses
from toolcell_server.battery.addresses import LOOPBACK, LOOPBACK_6
from toolcell_server.battery.attacks.abroad import abroad, attack, got_out
from toolcell_server.battery.attacks.kernel import let_through

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Traces
    from toolcell_server.battery.ground import Ground

ANY: Final = "0.0.0.0"  # noqa: S104  # to a client it is this host
NOTATIONS: Final = ("2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.1", "0", ANY)
NOTATIONS_6: Final = ("::1%lo", "0:0:0:0:0:0:0:1", "::")


def _canaries(ground: Ground) -> dict[str, Any]:
    """
    At each address, over TCP and UDP.
    """
    reachable = addresses.reachable()
    tcp = [[address, ground.listeners.tcp(address)] for address in reachable]
    return {
        "tcp": [*tcp, [ANY, tcp[0][1]]],
        "udp": [[address, ground.listeners.udp(address)] for address in reachable],
    }


def _granted(ground: Ground) -> dict[str, Any]:
    return abroad(ground, **_canaries(ground))


def _notations(ground: Ground) -> dict[str, Any]:
    port = ground.listeners.tcp()
    notations: list[list[Any]] = [[text, port] for text in (*NOTATIONS, f"::ffff:{LOOPBACK}")]
    if LOOPBACK_6 in addresses.reachable():
        port = ground.listeners.tcp(LOOPBACK_6)
        notations += [[text, port] for text in NOTATIONS_6]
    return abroad(ground, notations=notations)


def _named(ground: Ground) -> dict[str, Any]:
    return abroad(ground, name=f"{ground.marker}.unlisted.test")


def _other_kinds(ground: Ground, traces: Traces) -> list[str]:
    return [*got_out(ground, traces), *let_through(ground, traces)]


ATTACKS: Final = (
    attack(
        "N1",
        "direct.reach_the_host_by_address",
        "a cell with a network reaches no address of the host, over TCP or UDP",
        plan=_granted,
    ),
    attack(
        "N1",
        "direct.open_sockets_of_other_kinds",
        "a cell with a network has no sockets but plain TCP and UDP",
        harm=_other_kinds,
    ),
    attack(
        "N2",
        "direct.ask_a_name_server_itself",
        "no name server is asked but the one in the cell",
        plan=_named,
    ),
    attack(
        "N3",
        "direct.reach_the_host_by_every_notation",
        "no way to write an address reaches the host",
        plan=_notations,
    ),
    attack(
        "N10",
        "direct.reach_the_host_without_a_grant",
        "what was granted no host reaches none",
        plan=_canaries,
    ),
    attack(
        "N13",
        "direct.reach_the_host_by_a_bare_program",
        "there is no proxy to forget: a program that was told nothing gets no further",
        plan=_granted,
        programs=True,
    ),
)
