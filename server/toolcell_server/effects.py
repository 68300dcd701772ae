"""
What a tool with `effects = "read_only"` may be granted, so that its word is a wall.  Pure.

Theory of operation.  Only what changes nothing may be answered from a cache, tried again by us or
raced by a client.  A manifest's word for it is no proof, so the grant is its limit: no path but
for reading, and no network but requests that are safe by RFC 9110 9.2.1 and that somebody outside
of the cell reads, one by one.  That is a domain of protocol `http` whose methods are GET and HEAD
(the egress passes no others, no upgrades and no tunnels on such a connection); within TLS nobody
sees a method, so no such domain is safe, but for one with a `credential`, whose TLS is the relay's.

A server may change something because of a GET all the same, and a query carries data away.  So the
operator names the hosts that he trusts to mean GET by GET: `policy.safe_domains`.  Without it a
tool that only reads reaches no network.  A policy that only reports what allowlists deny lets such
a tool off nothing.

The manifest is judged when it is loaded, the grant of each call before it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.egress.rules import Protocol
from toolcell_server.egress.templates import DomainTemplate
from toolcell_server.refusals import DomainNotAllowed, PathNotAllowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_server.egress.rules import Rule
    from toolcell_server.grants import PathGrant
    from toolcell_server.policy import Policy
    from toolcell_server.tool import Tool

READ_ONLY: Final = "read_only"
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
# Who has an effect on the right may stand in for who has one on its left or the same.
_RANKS: Final = {"destructive": 2, "writes": 1, READ_ONLY: 0}


def exceed(effects: str, others: str) -> bool:
    """
    Whether the first effects are more than the second.
    """
    return _RANKS[effects] > _RANKS[others]


def is_safe(rule: Rule) -> bool:
    """
    Whether the egress lets nothing through by this rule but safe requests.
    """
    return rule.protocol is Protocol.HTTP and bool(rule.methods) and rule.methods <= SAFE_METHODS


def fault(manifest: Mapping[str, Any]) -> str:
    """
    Why a manifest contradicts its own effects; empty if it does not.  For the registry: such a
    tool is broken.

    Raises:
        ValueError: an entry of its domains is none.
    """
    if manifest.get("effects") != READ_ONLY:
        return ""
    for entry in manifest.get("paths", ()):
        if entry.get("access") != "read":
            return f"read_only, and yet it asks for {entry.get('access')} of {entry.get('path')}"
    for entry in manifest.get("domains", ()):
        template = DomainTemplate.parse(entry)
        if template.rule is None or not is_safe(template.rule):
            return (
                f"read_only, and yet it asks for {template.text}, where requests that change"
                ' something cannot be told apart; write {domain = "http://…", methods = ["GET"]}'
            )
    return ""


def check_grant(
    tool: Tool, policy: Policy, paths: Sequence[PathGrant], rules: Sequence[Rule]
) -> None:
    """
    Check that what a call would get is no more than its tool's effects.

    Raises:
        DomainNotAllowed: a tool that only reads would reach what nobody called safe.
        PathNotAllowed: a tool that only reads would write.
    """
    if tool.effects != READ_ONLY:
        return
    for path in paths:
        if path.access != pb.PATH_ACCESS_READ:
            why = "the tool only reads, and would write it"
            raise PathNotAllowed(path.path, why, "use a tool that writes")
    for rule in rules:
        if not is_safe(rule):
            why = "the tool only reads, and what it asks this host for cannot be seen"
            raise DomainNotAllowed(rule.text, why, "use a tool whose effects are writes")
        if not any(pattern.covers(rule.pattern) for pattern in policy.safe_domains):
            why = "the tool only reads, and policy.safe_domains does not name this host"
            raise DomainNotAllowed(rule.text, why, "use another host, or ask the operator")
