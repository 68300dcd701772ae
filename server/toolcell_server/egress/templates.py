"""
Domains in a manifest: a rule, or a text with one `{argument}`.  Pure.

`{url}` alone takes a URL from the caller, and grants exactly its host, port and protocol.
`{host}:443`, or any text form of a rule with an argument in place of its host, takes a host name.
An argument that is absent or null grants nothing; a list grants each.  A template is never
interpreted twice: braces in an argument are plain text, and so is a star, which no name has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.egress import rule_entries, urls
from toolcell_server.egress.names import Pattern, normalised
from toolcell_server.egress.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHAPE: Final = re.compile(
    r"(?P<before>(?:[A-Za-z]+://)?)\{(?P<argument>[^{}]+)\}(?P<after>(?::[0-9]+)?)"
)
_PLACE: Final = "host.invalid"  # RFC 2606; stands for the argument while the rest is checked


@dataclass(frozen=True, slots=True)
class DomainTemplate:
    """
    One entry of a manifest's `domains`, as `text` and options.  `rule` is the whole of a literal
    one, and all but the host where the argument is a host; it is None where it is a URL.
    """

    text: str
    argument: str = ""
    rule: Rule | None = None

    @classmethod
    def parse(cls, entry: str | Mapping[str, Any]) -> Self:
        """
        Raises:
            ValueError: it is no such entry; names it, the fault and the remedy.
        """
        try:
            text, options = rule_entries.split(entry)
            if not {"{", "}"} & set(text):
                return cls(text, "", Rule.of(text, options))
            return cls(text, *_with_argument(text, options))
        except ValueError as exc:
            raise ValueError(f"domains: {entry!r:.160}: {exc}") from None

    def expand(self, arguments: Mapping[str, Any]) -> Iterator[Rule]:
        """
        The rules that this call's arguments make of it.

        Raises:
            TypeError: the argument is neither a text nor a list of texts.
            ValueError: it is no URL or no host that can be granted; says why.
        """
        if not self.argument:
            assert self.rule is not None
            yield self.rule
            return
        value = arguments.get(self.argument)
        values = value if isinstance(value, list) else [] if value is None else [value]
        for text in values:
            if not isinstance(text, str):
                raise TypeError("names a host, so it must be a text or a list of texts")
            yield self._rule_of(text)

    def _rule_of(self, text: str) -> Rule:
        if self.rule is None:
            return urls.rule_of(text)
        return replace(self.rule, pattern=Pattern(normalised(text)))


def check(template: DomainTemplate, parameters: Mapping[str, Any]) -> None:
    """
    Check a template against the schema of the arguments.

    Raises:
        ValueError: it names an argument that the schema does not have.
    """
    if template.argument and template.argument not in parameters.get("properties", {}):
        raise ValueError(f"domains: {template.text} names no argument of this tool")


def _with_argument(text: str, options: Mapping[str, Any]) -> tuple[str, Rule | None]:
    found = _SHAPE.fullmatch(text)
    if not found:
        raise ValueError('an argument stands alone, as "{url}", or for a host, as "{host}:443"')
    if found["before"] or found["after"]:
        if "credential" in options:
            raise ValueError("credential must not go to a host that the caller names; name it")
        domain = f"{found['before']}{_PLACE}{found['after']}"
        return found["argument"], Rule.of(domain, options)
    if options:
        raise ValueError(
            f'{min(options)} cannot be kept for every URL; use "http://{{host}}" or "{{host}}:443"'
        )
    return found["argument"], None
