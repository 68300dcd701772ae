"""
Which names one execution may reach: manifest ∩ policy ∩ arguments ∩ request.  Pure.

What policy denies by a pattern is denied again by the egress, name by name: a wildcard may hold
names that policy denies and others that it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.egress.narrowing import Wider, narrowed
from toolcell_server.egress.templates import DomainTemplate
from toolcell_server.refusals import ArgumentsInvalid, DomainNotAllowed, GrantTooWide, InvalidField
from toolcell_server.refusals.base import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from toolcell_server.egress.rules import Rule
    from toolcell_server.policy import Policy
    from toolcell_server.tool import Tool

MAXIMUM_PORTS: Final = 32  # as many listeners as a cell opens (walls/network.py)
MAXIMUM_RULES: Final = 256  # arbitrary; each name that is asked for is compared with all
NAMES_PORT: Final = 53  # where cells ask for names


def compile_domains(
    tool: Tool, policy: Policy, arguments: Mapping[str, Any], requested: Sequence[str]
) -> tuple[Rule, ...]:
    """
    The rules of one call.

    Raises:
        ArgumentsInvalid: an argument that names a host is malformed.
        DomainNotAllowed: policy denies a host, or a port cannot be granted.
        GrantTooWide: the request names more than the tool would get.
        InvalidField: the request names what is no domain, or there are too many.
    """
    rules = list(dict.fromkeys(_of_tool(tool, arguments)))
    if requested:
        rules = [_narrowed(index, text, rules) for index, text in enumerate(requested)]
    if len(rules) > MAXIMUM_RULES or len({rule.port for rule in rules}) > MAXIMUM_PORTS:
        allowed = f"at most {MAXIMUM_RULES} hosts at {MAXIMUM_PORTS} ports"
        raise InvalidField("arguments_json", f"names too many hosts; name {allowed}")
    for rule in rules:
        _check(rule, policy)
    return tuple(rules)


def _of_tool(tool: Tool, arguments: Mapping[str, Any]) -> Iterator[Rule]:
    for entry in tool.domains:
        template = DomainTemplate.parse(entry)
        try:
            yield from template.expand(arguments)
        except (TypeError, ValueError) as exc:
            field_name = f"arguments_json/{template.argument}"
            raise ArgumentsInvalid([(field_name, str(exc))]) from None


def _narrowed(index: int, text: str, own: Sequence[Rule]) -> Rule:
    try:
        return narrowed(text, own)
    except Wider:
        raise GrantTooWide(f"connecting to {shown(text)}") from None
    except ValueError as exc:
        raise InvalidField(f"grants.domains[{index}]", str(exc)) from None


def _check(rule: Rule, policy: Policy) -> None:
    if any(pattern.covers(rule.pattern) for pattern in policy.denied_domains):
        raise DomainNotAllowed(rule.text, "it is denied by the operator", "use another host")
    if rule.port == NAMES_PORT:
        why = "at its port cells ask for names"
        raise DomainNotAllowed(rule.text, why, "use DNS over HTTPS, or another port")
