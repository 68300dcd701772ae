"""
The limits that a tool may ask for.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(gt=0)]


class Limits(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """
    Numeric ceilings that the tool asks for.  Unset: the operator's defaults.
    """

    wall_seconds: Seconds | UnsetType = UNSET
    cpu_seconds: Seconds | UnsetType = UNSET
    memory_bytes: Count | UnsetType = UNSET
    output_bytes: Count | UnsetType = UNSET
    result_bytes: Count | UnsetType = UNSET
    processes: Count | UnsetType = UNSET
    open_files: Count | UnsetType = UNSET
    disk_bytes: Count | UnsetType = UNSET
    file_size_bytes: Count | UnsetType = UNSET
    arguments_bytes: Count | UnsetType = UNSET
    file_operations: Count | UnsetType = UNSET
    network_bytes: Count | UnsetType = UNSET
    connections: Count | UnsetType = UNSET
