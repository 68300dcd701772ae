"""
The columns of the table: which walls are off in each.
"""

from __future__ import annotations

WALLS = (
    *("identity", "mounts", "processes", "network", "ipc", "hostname", "landlock", "seccomp"),
    *("privileges", "rlimits", "resources", "descriptors", "environment"),
)


def walls_off(column: str) -> tuple[str, ...]:
    """
    Of "all", "none", "without WALL" or "WALL alone".
    """
    if column == "all":
        return ()
    if column == "none":
        return WALLS
    if column.startswith("without "):
        return (column.removeprefix("without "),)
    return tuple(wall for wall in WALLS if wall != column.removesuffix(" alone"))


# Walls that have nothing to do with how many processes there are, or how much they use: what they
# do alone against such attacks is not tried, because hostile code would only keep the host busy.
_APART = ("network", "ipc", "hostname", "privileges", "descriptors", "environment")
UNTRIED_ALONE = {"P": (*_APART, "mounts"), "R": (*_APART, "landlock")}


def tries(column: str, attack: str) -> bool:
    """
    Whether an attack of this id is tried in a column.
    """
    alone = column.removesuffix(" alone") if column.endswith(" alone") else ""
    return alone not in UNTRIED_ALONE.get(attack[0], ())


COLUMNS = (
    "all",
    *(f"without {wall}" for wall in WALLS),
    *(f"{wall} alone" for wall in WALLS),
    "none",
)
