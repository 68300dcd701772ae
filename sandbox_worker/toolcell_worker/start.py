"""
What the server tells a zygote or the keeper when it starts them: one START frame, JSON.

The server is trusted; the frame is still checked in full, because a program that starts on a
misread instruction builds the wrong walls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """
    Host ids that cells may have: `count` of them from `first`.  None of them is root's.
    """

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Make:
    """
    Which walls a host can build that another may lack.  Without `namespaces` a cell is *bare*: it
    sees the host's files, processes and network by name, and Landlock and seccomp refuse them.
    What a make leaves out is never tried, and reported as absent; what it names must be built.
    """

    namespaces: bool = True
    landlock: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """
    `identity` is absent when the service runs as an ordinary user: all cells are that user.
    `roots` are the operator's, real paths; `runtime` are further paths that tools of the bundle
    need to read.  `entry_points` says which of installed packages are allowed; none: the bundle is
    no such.  `observed`: the server takes the listeners of cells, where the host has them.
    `groups` is a descriptor of where control groups for cells are made, -1 for none; it comes
    beside the frame.
    """

    bundle: str = ""
    path: str = ""
    package: str = ""
    entry_points: dict[str, Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()
    identity: Identity | None = None
    make: Make = Make()
    observed: bool = False
    groups: int = -1

    @classmethod
    def parse(cls, value: Any) -> Start:
        """
        Raises:
            ValueError: the value is not what `Start` describes.
        """
        try:
            identity = value.get("identity")
            make = value.get("make", {})
            points = value.get("entry_points")
            return cls(
                bundle=str(value.get("bundle", "")),
                path=str(value.get("path", "")),
                package=str(value.get("package", "")),
                entry_points=dict(points) if points is not None else None,
                options=dict(value.get("options", {})),
                environment={str(k): str(v) for k, v in value.get("environment", {}).items()},
                roots=tuple(map(str, value.get("roots", ()))),
                runtime=tuple(map(str, value.get("runtime", ()))),
                identity=Identity(int(identity["first"]), int(identity["count"]))
                if identity
                else None,
                make=Make(
                    namespaces=make.get("namespaces", True) is True,
                    landlock=make.get("landlock", True) is True,
                ),
                observed=value.get("observed") is True,
            )
        except (AttributeError, KeyError, TypeError) as exc:
            raise ValueError(f"not a START frame: {exc}") from exc
