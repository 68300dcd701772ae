"""
N10, N11, N12 and N15: connections beyond their end and their budget, from cell to cell, and with
what the operator adds.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any, Final

import psutil

from toolcell_server.battery.addresses import LOOPBACK, free_port
from toolcell_server.battery.attacks.abroad import abroad, attack, got_out, name_of
from toolcell_server.battery.egresses import egresses
from toolcell_server.battery.ground import Call
from toolcell_server.battery.internet import HEADER, KEYED, MISPLACED
from toolcell_server.battery.oracles import ran_in_a_cell
from toolcell_server.battery.running import NotHere

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Traces
    from toolcell_server.battery.ground import Ground

SPENT: Final = frozenset({"exceeded:network"})
BYTES: Final = 100_000
CONNECTIONS: Final = 20
TIMES: Final = 3  # as much is tried
DEATH_SECONDS: Final = 5.0  # arbitrary; who is killed is dead within milliseconds
TELLING_SECONDS: Final = 0.5  # arbitrary; a neighbour that was reached tells within milliseconds


def _orphaned(ground: Ground) -> dict[str, Any]:
    def end() -> None:
        for pid in egresses():
            os.kill(pid, signal.SIGKILL)
            _await_death(pid)
        ground.session.internet.plain.missing.add("/still")

    ground.when_ready = end
    return abroad(ground)


def _await_death(pid: int) -> None:
    """
    Whoever has started it waits for it; here it is only looked at.
    """
    deadline = time.monotonic() + DEATH_SECONDS
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the process {pid} does not end")
        time.sleep(0.001)


def _leaving(ground: Ground) -> dict[str, Any]:
    name, port = name_of(ground, 0, LOOPBACK), ground.listeners.leaving()
    told = abroad(ground, secure=[name, port], seconds=30)
    ground.domains.append(f"https://{name}:{port}/")
    return told


def _long(ground: Ground) -> dict[str, Any]:
    return abroad(ground, bytes=BYTES * TIMES)


def _too_long(ground: Ground, traces: Traces) -> list[str]:
    received = ground.session.internet.plain.received_bytes
    return [*got_out(ground, traces), *[f"{received} bytes went out"] * (received > BYTES)]


def _often(ground: Ground) -> dict[str, Any]:
    return abroad(ground, times=CONNECTIONS * TIMES)


def _too_often(ground: Ground, traces: Traces) -> list[str]:
    count = ground.session.internet.plain.connections
    return [*got_out(ground, traces), *[f"{count} connections went out"] * (count > CONNECTIONS)]


def _neighbours(ground: Ground) -> dict[str, Any]:
    told = abroad(ground, at=free_port(), seconds=TELLING_SECONDS)
    ground.beside = Call("network_endings.listen_for_a_neighbour", told)
    return told


def _listened(ground: Ground, traces: Traces) -> list[str]:
    """
    A neighbour that was not there could not be reached.
    """
    absent = ran_in_a_cell(traces) and not ground.session.internet.visited("/neighbour")
    return [*got_out(ground, traces), *["the neighbour was not there"] * absent]


def _keyed(ground: Ground) -> dict[str, Any]:
    internet = ground.session.internet
    if internet.secure is None:
        raise NotHere("there is no program openssl, to make a certificate with")
    port = internet.plain.port
    return abroad(ground, keyed=[KEYED, port], misplaced=[MISPLACED, port])


def _taken(ground: Ground, traces: Traces) -> list[str]:
    """
    The secret is known to somebody else than the host that it is for, or that was told another.
    """
    internet = ground.session.internet
    ground.hosts.add(KEYED)
    assert internet.secure is not None
    keys = [
        value
        for _, _, headers in internet.secure.seen
        for name, value in headers.items()
        if name.lower().replace("_", "-") == HEADER.lower()
    ]
    wrong = [f"the site was told: {key}" for key in keys if key != ground.session.secret]
    hosts = [headers.get("Host", "") for _, _, headers in internet.plain.seen]
    wrong += [f"was reached without TLS: {host}" for host in hosts if host.startswith(KEYED)][:1]
    return [
        *got_out(ground, traces),
        *wrong,
        *["the host that it is for was not told"] * (ran_in_a_cell(traces) and not keys),
    ]


ATTACKS: Final = (
    attack(
        "N10",
        "endings.reach_out_after_the_egress",
        "when whoever decides has ended, nothing gets out",
        plan=_orphaned,
    ),
    attack(
        "N11",
        "endings.leave_a_connection_behind",
        "no connection outlives its call, whoever holds it",
        plan=_leaving,
        programs=True,
    ),
    attack(
        "N11",
        "endings.send_more_than_it_may",
        "bytes beyond the limit end the call, and do not go out",
        plan=_long,
        harm=_too_long,
        endings=SPENT,
        limits={"network_bytes": BYTES},
    ),
    attack(
        "N11",
        "endings.connect_more_often_than_it_may",
        "connections beyond the limit end the call, and are not made",
        plan=_often,
        harm=_too_often,
        endings=SPENT,
        limits={"connections": CONNECTIONS},
    ),
    attack(
        "N12",
        "endings.reach_a_neighbour",
        "no cell reaches what another listens on, though both bear the same addresses",
        plan=_neighbours,
        harm=_listened,
    ),
    attack(
        "N15",
        "endings.take_the_credential",
        "a credential is known to the host that it is for, and to nobody in the cell",
        plan=_keyed,
        harm=_taken,
        tool="attempt_with_credential",
    ),
    attack(
        "N15",
        "endings.send_the_credential_elsewhere",
        "no manifest sends a credential where the operator did not",
        plan=_keyed,
        tool="attempt_with_credential",
    ),
)
