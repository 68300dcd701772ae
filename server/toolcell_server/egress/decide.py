"""
The decisions about one connection, in the order in which the relay meets them: its name, its first
words, each request, the addresses of its name.  Pure.

Deny speaks first.  Whatever is not well-formed is denied, so that no decision raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.egress.names import NotAName, normalised
from toolcell_server.egress.request_paths import path_allowed
from toolcell_server.egress.verdicts import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.egress.names import Pattern
    from toolcell_server.egress.rules import Rule


def decide_name(name: str, port: int, rules: Sequence[Rule], denied: Sequence[Pattern]) -> Verdict:
    """
    Whether a cell may reach a name at a port.  Of several rules the most specific one speaks: an
    exact name before a wildcard, a longer wildcard before a shorter; of equals the first.
    """
    try:
        host = normalised(name)
    except NotAName:
        return Verdict.denied(Reason.NOT_A_NAME)
    if any(pattern.matches(host) for pattern in denied):
        return Verdict.denied(Reason.HOST_DENIED)
    of_host = [rule for rule in rules if rule.pattern.matches(host)]
    if not of_host:
        return Verdict.denied(Reason.HOST_NOT_GRANTED)
    of_port = [rule for rule in of_host if rule.port == port]
    if not of_port:
        return Verdict.denied(Reason.PORT_NOT_GRANTED)
    return Verdict(True, Reason.HOST_GRANTED, max(of_port, key=specificity))


def specificity(rule: Rule) -> tuple[bool, int]:
    """
    Greater for a rule that stands for fewer names, among rules that all stand for one name.
    """
    return not rule.pattern.wildcard, len(rule.pattern.name)


def decide_hello(rule: Rule, name: str, sni: str | None, *, encrypted: bool) -> Verdict:
    """
    Whether a ClientHello says the name that it was let through for.  Where the rule grants an
    encrypted one (RFC 9849), the name outside is the provider's and says nothing, so it may be any.

    The name must be there letter by letter: RFC 6066 3 knows neither a dot at its end nor anything
    but ASCII, and what the origin makes of such a name is not known here.
    """
    if encrypted and not rule.encrypted_hello:
        return Verdict.denied(Reason.ENCRYPTED_HELLO)
    if sni is None and not (encrypted or rule.without_sni):
        return Verdict.denied(Reason.SNI_MISSING)
    if sni is not None and not encrypted and not _same(sni, name):
        return Verdict.denied(Reason.SNI_MISMATCH)
    return Verdict(True, Reason.HELLO_GRANTED, rule)


def decide_host(rule: Rule, name: str, host_header: str | None) -> Verdict:
    """
    Whether a request's Host is the name and port that it was let through for.  Without a port it
    means port 80 (RFC 9110 7.2, 4.2.1).
    """
    if host_header is None:
        return Verdict.denied(Reason.HOST_MISSING)
    written = [f"{name}:{rule.port}", *([name] if rule.port == 80 else [])]
    if not any(_same(host_header, each) for each in written):
        return Verdict.denied(Reason.HOST_MISMATCH)
    return Verdict(True, Reason.HOST_MATCHES, rule)


def decide_request(rule: Rule, method: str, target: str) -> Verdict:
    """
    Whether the rule grants a method, letter by letter, and a target in origin form.
    """
    if rule.methods and method not in rule.methods:
        return Verdict.denied(Reason.METHOD_NOT_GRANTED)
    if not path_allowed(rule.path_prefixes, target):
        return Verdict.denied(Reason.PATH_NOT_GRANTED)
    return Verdict(True, Reason.REQUEST_GRANTED, rule)


def _same(said: str, name: str) -> bool:
    """
    Whether a peer said a normalised name.  ASCII first: the Kelvin sign in lower case is a k.
    """
    return said.isascii() and said.lower() == name
