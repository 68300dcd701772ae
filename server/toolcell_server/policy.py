"""
What the operator allows: one frozen value, checked when built from the settings, passed on.

Deny speaks first and beats everything: a denied path is never granted, alone or inside a granted
directory.  The kernel's own file systems are denied always, because nothing in them is data.
Where roots lie in each other, the innermost decides.

`domains_report_only` lets through, and reports, what only the allowlists of tools deny; what it
never lets through is in `egress/report_only.py`.  `safe_domains` are hosts that tools which only
read may reach (`effects.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface, ip_network
from typing import Any, Final, Self

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.egress.names import NotAName, Pattern
from toolcell_server.paths import NotNormalised, lies_in, normalised

KERNEL_PATHS: Final = ("/dev", "/proc", "/sys")
_ROOTS: Final = 'policy.roots must be a list of {path="/…", access="read|write"}'
FLOORS: Final = {
    "basic": pb.ISOLATION_LEVEL_BASIC,
    "strong": pb.ISOLATION_LEVEL_STRONG,
    "full": pb.ISOLATION_LEVEL_FULL,
}


@dataclass(frozen=True, slots=True)
class Root:
    """
    A directory that tools may be granted paths in: as the operator names it, and where that really
    is.  Tools see the former; the keeper opens the latter, below which no link is followed.
    `exempt` are denied paths that do not count for where it really is.
    """

    path: str
    real_path: str
    writable: bool = False
    exempt: tuple[str, ...] = ()

    @classmethod
    def resolve(cls, path: str, *, writable: bool = False) -> Self:
        """
        The root at `path`, its links followed now, once.
        """
        return cls(path, os.path.realpath(path), writable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """
    What any call may get at most.  Without roots no tool gets a path.
    """

    roots: tuple[Root, ...] = ()
    denied_paths: tuple[str, ...] = KERNEL_PATHS
    denied_domains: tuple[Pattern, ...] = ()
    safe_domains: tuple[Pattern, ...] = ()
    private_networks: tuple[str, ...] = ()
    filesystem: bool = True
    commands: bool = True
    network: bool = True
    domains_report_only: bool = False
    minimum_isolation: pb.IsolationLevel.ValueType = pb.ISOLATION_LEVEL_STRONG
    tools_disabled: frozenset[str] = frozenset()

    @classmethod
    def from_settings(cls, section: Mapping[str, Any]) -> Self:
        """
        The policy that the section `[policy]` of the settings describes.  Looks at the file system
        to follow links of roots and denied paths, now and never again.

        Raises:
            ValueError: names the key, the value and the remedy.
        """
        allowed = set(cls.__dataclass_fields__)
        if unknown := sorted(set(section) - allowed):
            raise ValueError(f"policy.{unknown[0]} is unknown; use {', '.join(sorted(allowed))}")
        switches = {
            name: _switch(name, section[name])
            for name in ("filesystem", "commands", "network", "domains_report_only")
            if name in section
        }
        policy = cls(
            roots=_roots(section.get("roots", ())),
            denied_paths=_denied(section.get("denied_paths", ())),
            denied_domains=_patterns("denied_domains", section.get("denied_domains", ())),
            safe_domains=_patterns("safe_domains", section.get("safe_domains", ())),
            private_networks=_networks(section.get("private_networks", ())),
            minimum_isolation=_floor(section.get("minimum_isolation", "strong")),
            tools_disabled=frozenset(_texts("tools_disabled", section.get("tools_disabled", ()))),
            **switches,
        )
        _check_floor(policy)
        return policy

    def root_of(self, path: str) -> Root | None:
        """
        The innermost root that a path lies in.
        """
        around = [root for root in self.roots if lies_in(path, root.path)]
        return max(around, key=lambda root: len(root.path), default=None)


def _roots(entries: Any) -> tuple[Root, ...]:
    if not isinstance(entries, Iterable) or isinstance(entries, str | bytes | Mapping):
        raise ValueError(_ROOTS)  # noqa: TRY004  # one kind for all faults of a setting
    roots = tuple(_root(index, entry) for index, entry in enumerate(entries))
    named = [root.path for root in roots]
    if twice := next((path for path in named if named.count(path) > 1), None):
        raise ValueError(f"policy.roots names {twice} twice; keep one")
    return roots


def _root(index: int, entry: Any) -> Root:
    key = f"policy.roots[{index}]"
    if not isinstance(entry, Mapping) or not {"path"} <= set(entry) <= {"path", "access"}:
        raise ValueError(f'{key} must be {{path="/…", access="read|write"}}, not {entry!r:.80}')
    access = entry.get("access", "read")
    if access not in ("read", "write"):
        raise ValueError(f'{key}.access must be "read" or "write", not {access!r:.40}')
    return Root.resolve(_path(f"{key}.path", entry["path"]), writable=access == "write")


def _denied(entries: Any) -> tuple[str, ...]:
    named = [_path("policy.denied_paths", path) for path in _texts("denied_paths", entries)]
    real = [os.path.realpath(path) for path in named]
    return tuple(dict.fromkeys((*KERNEL_PATHS, *named, *real)))


def _patterns(name: str, entries: Any) -> tuple[Pattern, ...]:
    return tuple(
        _pattern(f"policy.{name}[{index}]", text)
        for index, text in enumerate(_texts(name, entries))
    )


def _pattern(key: str, text: str) -> Pattern:
    try:
        return Pattern.parse(text)
    except NotAName as exc:
        raise ValueError(f"{key}: {text!r:.80} {exc}") from None


def _networks(entries: Any) -> tuple[str, ...]:
    """
    Networks beyond the public internet that tools may reach, as "10.1.0.0/16".
    """
    return tuple(
        _network(f"policy.private_networks[{index}]", text)
        for index, text in enumerate(_texts("private_networks", entries))
    )


def _network(key: str, text: str) -> str:
    try:
        wide = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{key}: {text!r:.80} is no network; write it as 10.1.0.0/16") from None
    if wide.network_address != ip_interface(text).ip:
        remedy = f"write the network as {wide}, or one address as {ip_interface(text).ip}"
        raise ValueError(f"{key}: {text!r:.80} is an address within a network; {remedy}")
    return str(wide)


def _path(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{key} must be a path, not {value!r:.80}")  # noqa: TRY004  # as above
    try:
        return normalised(value)
    except NotNormalised as exc:
        raise ValueError(f"{key}: {value!r:.80} {exc}") from None


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"policy.{name} must be a list of texts, not {value!r:.80}")
    return tuple(value)


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(  # noqa: TRY004  # as above
            f"policy.{name} must be true or false, not {value!r:.80}"
        )
    return value


def _check_floor(policy: Policy) -> None:
    """
    An operator who wants every wall up cannot want one of them to report only.
    """
    if policy.domains_report_only and policy.minimum_isolation == pb.ISOLATION_LEVEL_FULL:
        raise ValueError(
            'policy.domains_report_only is true, and policy.minimum_isolation = "full" needs every '
            'allowlist enforced; write false, or "strong" as long as you only report'
        )


def _floor(value: Any) -> pb.IsolationLevel.ValueType:
    if not isinstance(value, str) or value not in FLOORS:
        raise ValueError(
            f"policy.minimum_isolation must be one of {', '.join(FLOORS)}, not {value!r:.80}"
        )
    return FLOORS[value]
