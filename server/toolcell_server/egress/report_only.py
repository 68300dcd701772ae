"""
What is let through, and reported, where policy only reports what an allowlist would deny.  Pure.

Theory of operation.  Whoever writes an allowlist for tools that already run wants to see what it
would deny before it does (`policy.domains_report_only`).  Every decision is made as ever
(`decide`); here a denial for one of a few reasons becomes a verdict that allows, keeps the reason
and is marked as reported.  Every other denial stands.

What may be relaxed is what only the allowlist says, where the tool gains no more than a rule for
another public name would give it:

    name, port    a well-formed name that policy does not deny, at a port that the cell listens to:
                  its own, 443 and 80
    SNI           none, or another name: the bytes still go to the name that was looked up
    ECH           only where policy denies no names: the name inside could be one of those
    Host          another name: as SNI, the bytes go where they went
    method, path  of a request to a host that was decided about already

What is never relaxed is what protects others than the tool's data:

    denied names    the operator's own word.  Whatever name is seen is held against it: the one that
                    is dialled, an SNI, a Host; one that is no name cannot be, so its denial stands
    addresses       a name that nobody approved is the tool's to choose, and its owner says where it
                    leads; a report must not open the host, its network or a cloud's metadata.  What
                    the operator must name by itself was named for a granted name and is not
                    reached by any other (`decide_addresses`)
    credentials     under a rule that adds one nothing is relaxed, and a lent rule has none: what
                    would have been denied never gets a secret, nor is it sent without
    malformed input what is no name, no TLS, no ClientHello or no strict request could be read
                    otherwise by others; so could tunnels, traces and upgrades.  No allowlist ever
                    grants them, so that there is nothing to try out
    budgets         they bound what a call costs others

A rule that is lent says how the connection is read.  443 and 80 are what they usually are; at
another port others listen because a rule names it, and the strictest reading of those is taken, so
that what shows a name is held against the denied ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server.egress.names import NotAName, Pattern, normalised
from toolcell_server.egress.rules import Protocol, Rule, usual_protocol
from toolcell_server.egress.verdicts import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

USUAL_PORTS: Final = (443, 80)  # of what no rule names; where room is short the first come in
_OF_NAMES: Final = (Reason.HOST_NOT_GRANTED, Reason.PORT_NOT_GRANTED)
_OF_HELLOS: Final = (Reason.SNI_MISSING, Reason.SNI_MISMATCH, Reason.ENCRYPTED_HELLO)
_OF_REQUESTS: Final = (Reason.METHOD_NOT_GRANTED, Reason.PATH_NOT_GRANTED)


def lent(name: str, port: int, rules: Sequence[Rule]) -> Rule:
    """
    The rule under which a normalised name is reached that has none.
    """
    protocol = usual_protocol(port)
    if protocol is Protocol.TCP:
        others = {rule.protocol for rule in rules if rule.port == port}
        protocol = next((each for each in Protocol if each in others), protocol)
    return Rule(Pattern(name), port, protocol)


def ports(rules: Sequence[Rule]) -> set[int]:
    """
    Where names are reached that have no rule: as far as a cell can listen there at all, also by
    whoever asks a proxy.
    """
    return {rule.port for rule in rules}.union(USUAL_PORTS)


def relax_name(verdict: Verdict, rule: Rule | None) -> Verdict:
    """
    Of `decide_name`, with the rule that would be lent; None for a question to a name server.
    """
    return Verdict.let_through(verdict.reason, rule) if verdict.reason in _OF_NAMES else verdict


def relax_hello(
    verdict: Verdict, rule: Rule, sni: str | None, denied: Sequence[Pattern]
) -> Verdict:
    """
    Of `decide_hello`.
    """
    if verdict.reason not in _OF_HELLOS or (verdict.reason is Reason.ENCRYPTED_HELLO and denied):
        return verdict
    if sni is None:
        return Verdict.let_through(verdict.reason, rule)
    return _said(verdict, rule, sni, denied)


def relax_host(verdict: Verdict, rule: Rule, host: str, denied: Sequence[Pattern]) -> Verdict:
    """
    Of `decide_host`; `host` is without its port.
    """
    if verdict.reason is not Reason.HOST_MISMATCH or rule.credential:
        return verdict
    return _said(verdict, rule, host, denied)


def relax_request(verdict: Verdict, rule: Rule) -> Verdict:
    """
    Of `decide_request`.
    """
    if verdict.reason not in _OF_REQUESTS or rule.credential:
        return verdict
    return Verdict.let_through(verdict.reason, rule)


def _said(verdict: Verdict, rule: Rule, name: str, denied: Sequence[Pattern]) -> Verdict:
    """
    Let a peer through that says another name than it dialled, unless it is none or a denied one.
    """
    try:
        host = normalised(name)
    except NotAName:
        return verdict
    if any(pattern.matches(host) for pattern in denied):
        return Verdict.denied(Reason.HOST_DENIED)
    return Verdict.let_through(verdict.reason, rule)
