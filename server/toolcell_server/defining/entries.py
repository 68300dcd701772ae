"""
What is wrong with single keys of a manifest beyond their shape, entry by entry.  Pure.

Each function takes the value of its key and all keys that are right so far, and tells faults whose
paths begin at that value.  Where the schema of the arguments is wrong itself, nothing is said of
what names arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from toolcell_server import effects
from toolcell_server.arguments import transforms
from toolcell_server.arguments.places import Place
from toolcell_server.defining import schemas
from toolcell_server.defining.faults import Code, Fault
from toolcell_server.egress import templates
from toolcell_server.json_pointer import escape
from toolcell_server.limits import NAMES, Limits
from toolcell_server.path_templates import PathTemplate
from toolcell_server.path_templates import check as check_path
from toolcell_server.rates import manifests as rates
from toolcell_server.screens import KINDS

Manifest = Mapping[str, Any]
ANY: Final = {"additionalProperties": True}


def _limits(value: Mapping[str, Any], _right: Manifest) -> Iterator[Fault]:
    for name, limit in value.items():
        if name not in NAMES:
            said = f"is no limit; the limits are {', '.join(NAMES)}"
            yield Fault(f"/{escape(name)}", Code.UNKNOWN_KEY, said)
            continue
        try:
            Limits(**{name: limit})
        except ValueError as exc:
            yield Fault(f"/{name}", Code.LIMIT, str(exc))


def _rates(value: Mapping[str, Any], _right: Manifest) -> Iterator[Fault]:
    """
    Key by key; what is wrong with them together, only where each is right.
    """
    found = []
    for key, limit in value.items():
        alone = {key: limit} if key != "per" else {"per": limit, "concurrency": 1}
        code = Code.RATE if key in rates.KEYS else Code.UNKNOWN_KEY
        found += [
            Fault(f"/{escape(key)}", code, text) for text in _refused(rates.rule, "any", alone)
        ]
    yield from found or (Fault("", Code.RATE, text) for text in _refused(rates.rule, "any", value))


def _paths(value: Any, right: Manifest) -> Iterator[Fault]:
    for index, entry in enumerate(value):
        for text in _refused(_check_path, entry, _parameters(right)):
            yield Fault(f"/{index}", Code.PATH, text)


def _check_path(entry: Mapping[str, Any], parameters: Mapping[str, Any] | None) -> None:
    template = PathTemplate.parse(entry)
    if parameters is not None:
        check_path(template, parameters)


def _domains(value: Any, right: Manifest) -> Iterator[Fault]:
    for index, entry in enumerate(value):
        for text in _refused(_check_domain, entry, _parameters(right)):
            yield Fault(f"/{index}", Code.DOMAIN, text)


def _check_domain(entry: Any, parameters: Mapping[str, Any] | None) -> None:
    template = templates.DomainTemplate.parse(entry)
    if parameters is not None:
        templates.check(template, parameters)


def _transforms(value: Mapping[str, Any], right: Manifest) -> Iterator[Fault]:
    for at, names in value.items():
        yield from _place(at, right)
        if at == "":
            said = 'a transform of all arguments at once is written as "/*"'
            yield Fault(f"/{escape(at)}", Code.PLACE, said)
        for index, name in enumerate(names):
            for text in _refused(transforms.function, [name]):
                yield Fault(f"/{escape(at)}/{index}", Code.NOT_ONE_OF, text)


def _screens(value: Mapping[str, Any], right: Manifest) -> Iterator[Fault]:
    listed = ", ".join(KINDS)
    for at, kinds in value.items():
        yield from _place(at, right)
        if not kinds:
            yield Fault(f"/{escape(at)}", Code.TOO_SHORT, f"names no kind; use {listed}")
        for index, kind in enumerate(kinds):
            if kind not in KINDS:
                said = f"the screen {kind!r} is not known; use {listed}"
                yield Fault(f"/{escape(at)}/{index}", Code.NOT_ONE_OF, said)


def _place(at: str, right: Manifest) -> Iterator[Fault]:
    parameters = _parameters(right)
    for text in _refused(lambda: Place.parse(at).check(ANY if parameters is None else parameters)):
        yield Fault(f"/{escape(at)}", Code.PLACE, text)


def _redact_keys(value: Any, _right: Manifest) -> Iterator[Fault]:
    for index, key in enumerate(value):
        if key == "":
            yield Fault(f"/{index}", Code.TOO_SHORT, "is an empty name; leave it out")


def _fill_defaults(value: bool, right: Manifest) -> Iterator[Fault]:  # noqa: FBT001  # a key's value
    parameters = _parameters(right)
    if value and parameters is not None:
        yield from schemas.default_faults(parameters)


def effects_faults(right: Manifest) -> Iterator[Fault]:
    """
    Grants that a tool with these effects cannot have; paths from the manifest.
    """
    for key in ("paths", "domains"):
        for index, entry in enumerate(right.get(key, ())):
            alone = {"effects": right.get("effects"), key: [entry]}
            if fault := effects.fault(alone):
                said = f"effects is {fault}"
                yield Fault(f"/{key}/{index}", Code.CONTRADICTION, said)
    if right.get("domains") and right.get("profile") == "compute":
        said = 'is compute, which has no sockets, and domains are given; write "net"'
        yield Fault("/profile", Code.CONTRADICTION, said)


def _parameters(right: Manifest) -> Mapping[str, Any] | None:
    found = right.get("parameters")
    return found if isinstance(found, Mapping) else None


def _refused(check: Callable[..., Any], *given: Any) -> list[str]:
    """
    Why a check refuses what it is given; nothing if it does not.
    """
    try:
        check(*given)
    except ValueError as exc:
        return [str(exc)]
    return []


PARTS: Final[Mapping[str, Callable[[Any, Manifest], Iterator[Fault]]]] = {
    "limits": _limits,
    "rates": _rates,
    "paths": _paths,
    "domains": _domains,
    "transforms": _transforms,
    "screens": _screens,
    "redact_keys": _redact_keys,
    "fill_defaults": _fill_defaults,
}
