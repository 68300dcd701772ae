"""
N3, N4, N5, N6 and N14: names that are addresses, that look like others, that lead inside, that
carry something out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery import addresses
from toolcell_server.battery.addresses import LOOPBACK, LOOPBACK_6
from toolcell_server.battery.attacks.abroad import abroad, attack, below, got_out, name_of
from toolcell_server.battery.egresses import egresses
from toolcell_server.battery.ground import Call
from toolcell_server.battery.internet import BELOW, DENIED, DOMAIN, GRANTED, OTHER
from toolcell_server.battery.oracles import is_control
from toolcell_server.battery.spellings import ADDRESSES, AMBIGUOUS, look_alikes, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.battery.attack import Traces
    from toolcell_server.battery.ground import Ground

REFUSED: Final = frozenset(
    f"refused:{reason}" for reason in ("ARGUMENTS_INVALID", "DOMAIN_NOT_ALLOWED")
)
ELSEWHERE: Final = "127.0.0.2"  # loopback, but not what policy names
ASKING: Final = "names.reach_what_was_asked_for"


def _asking(
    ground: Ground, urls: Sequence[str], host: str, port: int, function: str
) -> dict[str, Any]:
    """
    A call for each URL; the last is the attack's own.
    """
    told = abroad(ground, host=host, port=port)
    module = f"network_{function}"
    ground.earlier += [Call(module, told, (url,)) for url in urls[:-1]]
    ground.domains[:] = urls[-1:]
    return told


def _addresses(ground: Ground) -> dict[str, Any]:
    port = ground.listeners.tcp()
    urls = [f"http://{address}:{port}/" for address in ADDRESSES]
    return _asking(ground, urls, LOOPBACK, port, ASKING)


def _ambiguous(ground: Ground) -> dict[str, Any]:
    port = ground.session.internet.plain.port
    urls = [written(template, GRANTED, OTHER, port) for template in AMBIGUOUS.values()]
    return _asking(ground, urls, GRANTED, port, "names.reach_a_doubtful_host")


def _admitted(ground: Ground, traces: Traces) -> list[str]:
    """
    Calls that ran at all: each was to be refused.
    """
    ran = sum(result is not None for result in (*traces.earlier, traces.result))
    return [*got_out(ground, traces), *[f"{ran} calls ran"] * (ran > 0)]


def _inside(ground: Ground) -> dict[str, Any]:
    """
    Names that lead to this host, each to where a canary listens.
    """
    leads: dict[str, tuple[str, ...]] = {
        ELSEWHERE: (ELSEWHERE,),
        addresses.own(): (addresses.own(),),
        LOOPBACK_6: (LOOPBACK_6,),
        LOOPBACK: ("0.0.0.0",),  # noqa: S104  # to a client it is this host
    }
    reachable = {ELSEWHERE, *addresses.reachable()}
    places: list[tuple[str, tuple[str, ...]]] = [(to, leads[to]) for to in leads if to in reachable]
    places += [(LOOPBACK, (f"::ffff:{LOOPBACK}",)), (LOOPBACK, (LOOPBACK, ELSEWHERE))]
    inside = [
        (name_of(ground, number, *answer), ground.listeners.tcp(to))
        for number, (to, answer) in enumerate(places)
    ]
    told = abroad(ground, inside=inside)
    internet = ground.session.internet
    ground.domains += [internet.url(host=name, port=port) for name, port in inside]
    return told


def _rebound(ground: Ground) -> dict[str, Any]:
    internet = ground.session.internet
    port = internet.plain.port
    ground.listeners.tcp(ELSEWHERE, port)
    name = name_of(ground, 0, LOOPBACK)
    internet.names.later[name] = (ELSEWHERE,)
    told = abroad(ground, rebound=[name, port])
    ground.domains.append(internet.url(host=name))
    return told


def _look_alikes(ground: Ground) -> dict[str, Any]:
    return abroad(ground, names=_known(ground, look_alikes(GRANTED)))


def _beside(ground: Ground) -> dict[str, Any]:
    apex = BELOW.partition(".")[2]
    return below(ground, names=_known(ground, (apex, DENIED, f"evil{apex}", DOMAIN, "test")))


def _known(ground: Ground, names: Sequence[str]) -> list[str]:
    """
    Names that the name server knows: whoever may ask for them, reaches somebody.
    """
    ground.session.internet.names.zone |= dict.fromkeys(names, (LOOPBACK,))
    return list(names)


def _malformed(ground: Ground) -> dict[str, Any]:
    ground.notes["egress"] = hash(frozenset(egresses()))
    return abroad(ground)


def _confused(ground: Ground, traces: Traces) -> list[str]:
    """
    Whoever answers has ended, or what nobody can read was passed on.
    """
    ended = not is_control(traces) and ground.notes["egress"] != hash(frozenset(egresses()))
    return [*got_out(ground, traces), *["whoever answers was ended"] * ended]


ATTACKS: Final = (
    attack(
        "N3",
        ASKING,
        "an address is no name that could be granted, however it is written",
        plan=_addresses,
        harm=_admitted,
        endings=REFUSED,
    ),
    attack(
        "N4",
        "names.reach_inside_by_granted_names",
        "a granted name that leads to this host is not dialled",
        plan=_inside,
    ),
    attack(
        "N4",
        "names.reach_inside_by_a_name_that_changes",
        "the address that was decided about is the one that is dialled, each time",
        plan=_rebound,
    ),
    attack(
        "N5",
        "names.reach_a_doubtful_host",
        "what could be read as two hosts is granted as none",
        plan=_ambiguous,
        harm=_admitted,
        endings=REFUSED,
    ),
    attack(
        "N5",
        "names.reach_names_that_look_alike",
        "a name that looks like a granted one is another",
        plan=_look_alikes,
    ),
    attack(
        "N5",
        "names.reach_beside_a_wildcard",
        "a wildcard is neither its apex, nor its neighbour, nor what policy denies",
        plan=_beside,
        tool="attempt_below",
    ),
    attack(
        "N6",
        "names.follow_a_redirect",
        "a redirect leads nowhere that was not granted",
    ),
    attack(
        "N14",
        "names.carry_words_out_in_names",
        "a name that was not granted is never sent to a name server",
    ),
    attack(
        "N14",
        "names.confuse_whoever_answers",
        "what no name server can read ends nobody, and is not passed on",
        plan=_malformed,
        harm=_confused,
    ),
)
