"""
What carries a tool that was registered at run time.  Pure.

Theory of operation.  Code that the operator did not install is never imported by a zygote: whoever
shares one could be altered by it.  A registered tool is therefore data.  An installed callable, its
*carrier*, is told of it with each call and does what it says inside the cell, behind every wall.
Carriers have a zygote of their own, the bundle `REGISTERED`, which no catalogue lists.

All else of such a tool (schema, grants, limits, effects) comes from its manifest, and is checked
and enforced as for any other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

REGISTERED: Final = "registered"  # the bundle; no bundle of the settings may have this name
PACKAGE: Final = "toolcell_worker.carriers"
CODE: Final = "/registered"  # where a cell finds the code of its tool
VERSION: Final = "1"  # of every carrier
MAXIMUM_PAYLOAD: Final = 128 * 1024  # bytes; a cell takes that much beside its arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """
    How one tool is carried: by the tool `carrier` of the package of carriers, which is told
    `payload`, JSON values.  `code` are folders in the folder of uploaded code, which the cell finds
    below `CODE`, read-only.
    """

    carrier: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    code: tuple[str, ...] = ()
    _told: bytes = field(init=False, repr=False, compare=False)  # once, and not with each call

    def __post_init__(self) -> None:
        told = json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode()
        object.__setattr__(self, "_told", told)
        size = len(told)
        if size > MAXIMUM_PAYLOAD:
            raise ValueError(
                f"what its carrier is told has {size} bytes; at most {MAXIMUM_PAYLOAD} are allowed"
            )

    @property
    def code_name(self) -> str:
        """
        The name of its folder of code, which is the digest of what was uploaded; empty: none.
        """
        return self.code[0].rpartition("/")[2].partition("-")[0] if self.code else ""

    def arguments(self, arguments: bytes) -> bytes:
        """
        The arguments of the carrier for a call with these.
        """
        return b'{"carried":%b,"arguments":%b}' % (self._told, arguments or b"{}")
