"""
What attacks on the network are told and granted, and the oracle that most of them share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery.attack import Attack, Traces, generic_harm
from toolcell_server.battery.internet import BELOW, GRANTED, OTHER
from toolcell_server.battery.oracles import ran_in_a_cell

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground

COMPLETED: Final = frozenset({"completed"})


def abroad(ground: Ground, **further: Any) -> dict[str, Any]:
    """
    Where the name server and the granted host are; that host is granted.
    """
    internet = ground.session.internet
    ground.domains.append(internet.url())
    ground.hosts.add(GRANTED)
    host, _, port = internet.resolver.rpartition(":")
    return {
        "marker": ground.marker,
        "resolver": [host, int(port)],
        "granted": [GRANTED, internet.plain.port],
        "other": [OTHER, internet.plain.port],
        **further,
    }


def below(ground: Ground, **further: Any) -> dict[str, Any]:
    """
    The same for a tool whose manifest grants what is below a name.
    """
    told = abroad(ground, **further)
    ground.hosts = {BELOW}
    return {**told, "granted": [BELOW, ground.session.internet.plain.port]}


def name_of(ground: Ground, number: int, *addresses: str) -> str:
    """
    A name of this run's own that leads to these addresses, and may be asked for and reached.
    """
    name = f"n{number}-{ground.marker}.{GRANTED}"
    ground.session.internet.names.zone[name] = addresses
    ground.hosts.add(name)
    return name


def got_out(ground: Ground, traces: Traces) -> list[str]:
    """
    What was asked for, reached or told outside without a grant; and in a cell, that not even the
    granted host was reached, which would prove nothing.
    """
    internet = ground.session.internet
    harm = [*generic_harm(ground, traces), *internet.strangers(ground.hosts)]
    harm += ground.leaks(internet.heard())
    if ran_in_a_cell(traces) and ground.domains and not internet.visited():
        harm.append("it did not reach the host that it was granted")
    return harm


def attack(catalogue_id: str, function: str, promise: str, **further: Any) -> Attack:
    """
    An attack on the network, by "module.function".
    """
    module, _, name = function.rpartition(".")
    fields = {"plan": abroad, "harm": got_out, "endings": COMPLETED, **further}
    return Attack(id=catalogue_id, name=name, module=f"network_{module}", promise=promise, **fields)
