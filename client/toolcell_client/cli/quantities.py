"""
Limits as people write them: `wall=5s`, `memory=64MiB`, `processes=4`.  Pure.
"""

from __future__ import annotations

import difflib
import re

from toolcell_client.cli.exits import UsageError
from toolcell_client.limits import LIMIT_NAMES

SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
BYTES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}
COUNTS = {"": 1}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\Z")


def limit(text: str) -> tuple[str, float]:
    """
    The name and value of a limit; the unit may be left out of the name.

    Raises:
        UsageError: no such limit, or no such quantity.
    """
    name, separator, value = text.partition("=")
    for full in (name, f"{name}_seconds", f"{name}_bytes"):
        if full in LIMIT_NAMES and separator:
            return full, _quantity(text, value, _units(full))
    near = difflib.get_close_matches(name, LIMIT_NAMES, 1, 0.4) or ["wall_seconds"]
    raise UsageError(f"--limit {text}: write NAME=VALUE, as {near[0]}=…; see --help for the names")


def seconds(text: str) -> float:
    """
    A span of time in seconds.

    Raises:
        UsageError: it is none.
    """
    return _quantity(text, text, SECONDS)


def byte_count(text: str) -> int:
    """
    A number of bytes.

    Raises:
        UsageError: it is none.
    """
    return int(_quantity(text, text, BYTES))


def _units(name: str) -> dict[str, float] | dict[str, int]:
    if name.endswith("_seconds"):
        return SECONDS
    return BYTES if name.endswith("_bytes") else COUNTS


def _quantity(text: str, value: str, units: dict[str, float] | dict[str, int]) -> float:
    match = _QUANTITY.match(value.strip())
    if match is None or match[2].lower() not in units or not float(match[1]):
        known = ", ".join(filter(None, units)) or "none"
        raise UsageError(f"{text}: {value!r} is not a positive number with a unit ({known})")
    return float(match[1]) * units[match[2].lower()]
