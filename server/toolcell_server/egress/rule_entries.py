"""
The shape of an entry of `domains`: a text, or a table of a text and options.  Pure; what the text
and the options mean is the rules' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from toolcell_server.egress.rules import Rule

# Each option, and the only protocol that it can be kept in.
OPTIONS: Final = {
    "without_sni": "tls",
    "encrypted_hello": "tls",
    "methods": "http",
    "path_prefixes": "http",
    "credential": "http",
    "upstream_port": "http",
}
_SHAPE: Final = 'write it as "host:443" or as {domain = "host:443", …}'


def split(entry: Any) -> tuple[str, dict[str, Any]]:
    """
    The text of an entry, and its options as a rule takes them.

    Raises:
        ValueError: it is neither a text nor a table, or has an unknown key or a value of a wrong
            type.
    """
    if isinstance(entry, str):
        return entry, {}
    if not isinstance(entry, Mapping) or not isinstance(entry.get("domain"), str):
        raise ValueError(f"is no entry; {_SHAPE}")  # noqa: TRY004  # one kind for all faults
    if unknown := sorted(str(key) for key in set(entry) - {"domain", *OPTIONS}):
        raise ValueError(f"has the key {unknown[0]!r:.40}; use domain, {', '.join(OPTIONS)}")
    options = {name: _option(name, value) for name, value in entry.items() if name != "domain"}
    return entry["domain"], options


def _option(name: str, value: Any) -> Any:
    match name:
        case "without_sni" | "encrypted_hello":
            expected, fits = "true or false", isinstance(value, bool)
        case "methods" | "path_prefixes":
            expected, fits = "a list of texts, or left out", _texts(value)
        case "upstream_port":
            expected, fits = "a number", isinstance(value, int) and not isinstance(value, bool)
        case _:
            expected, fits = "a text, or left out", isinstance(value, str) and value != ""
    if not fits:
        raise ValueError(f"{name} must be {expected}, not {value!r:.80}")
    match name:
        case "methods":
            return frozenset(value)
        case "path_prefixes":
            return tuple(value)
        case _:
            return value


def _texts(value: Any) -> bool:
    """
    Whether it is a list of texts.  An empty one is not: it would look like "none" and mean "any".
    """
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(text, str) for text in value)
    )


def joined(text: str, rule: Rule) -> str | dict[str, Any]:
    """
    The entry of a rule: its text alone where every option has its default.
    """
    fields = type(rule).__dataclass_fields__
    options = {
        name: _plain(value)
        for name in OPTIONS
        if (value := getattr(rule, name)) != fields[name].default
    }
    return {"domain": text, **options} if options else text


def _plain(value: Any) -> Any:
    match value:
        case frozenset():
            return sorted(value)
        case tuple():
            return list(value)
        case _:
            return value
